// Whether who writes a list had seen it as it was when he last looked: design 6, "refuses a list that changed since it was read". The API has no
// conditional write, so the look before each write is all that keeps a person's change from being run over. Knows what was served to whom.

/** What a look at the lists shows of ours; times in seconds, as the API gives them. */
interface Shown {
  readonly id: string;
  readonly items: number;
  readonly modifiedSecond: number;
}

interface Looked {
  /** Of the last look. */
  lists: Shown | null;
  /** Of the look from which the items were read. */
  read: Shown | null;
}

function isSame(a: Shown, b: Shown): boolean {
  return a.id === b.id && a.items === b.items && a.modifiedSecond === b.modifiedSecond;
}

export class Looks {
  readonly #byCaller = new Map<string, Looked>();

  #of(caller: string): Looked {
    const looked = this.#byCaller.get(caller) ?? { lists: null, read: null };
    this.#byCaller.set(caller, looked);
    return looked;
  }

  /** An answer went to the caller. */
  served(caller: string, what: "lists" | "items", shown: Shown): void {
    const looked = this.#of(caller);
    if (what === "lists") looked.lists = shown;
    else looked.read = looked.lists;
  }

  /** He asks for a change of the list. What he overlooked; null: nothing that he could have known. */
  writes(caller: string): string | null {
    const { lists, read } = this.#of(caller);
    if (lists === null || read === null || isSame(lists, read)) return null;
    const words = ({ id, items, modifiedSecond }: Shown) => `list ${id} of ${items} items, changed ${new Date(modifiedSecond * 1_000).toISOString()}`;
    return `${caller} read ${words(read)}, saw ${words(lists)} and wrote all the same`;
  }
}
