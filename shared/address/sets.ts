// Two ways to ask about many blocks at once. Both rest on the fact that blocks are nested or apart.
import { blockOf, type Cidr, compareCidrs, type Family } from "./cidr.ts";

interface Labelled {
  readonly cidr: Cidr;
  readonly label: string;
}

/** A fixed set of labelled blocks: does anything in it overlap this block, and what? O(log n) for the answer no. */
export class CidrSet {
  readonly #members: readonly Labelled[];
  /** Disjoint, sorted: the outermost members only. */
  readonly #outer: Readonly<Record<Family, readonly Labelled[]>>;

  constructor(members: readonly Labelled[]) {
    this.#members = members;
    this.#outer = { 4: outermost(members, 4), 6: outermost(members, 6) };
  }

  get size(): number {
    return this.#members.length;
  }

  /** One member that shares an address with `cidr`; null when none does. */
  overlapping(cidr: Cidr): Labelled | null {
    const ranges = this.#outer[cidr.family];
    const at = lowerBound(ranges, (range) => range.cidr.last < cidr.first);
    const range = ranges[at];
    return range !== undefined && range.cidr.first <= cidr.last ? range : null;
  }
}

function outermost(members: readonly Labelled[], family: Family): readonly Labelled[] {
  const sorted = members.filter((member) => member.cidr.family === family).sort((a, b) => compareCidrs(a.cidr, b.cidr));
  const outer: Labelled[] = [];
  for (const member of sorted) {
    const previous = outer.at(-1);
    if (previous === undefined || previous.cidr.last < member.cidr.first) outer.push(member);
  }
  return outer;
}

/** First index for which `before` is false; `before` must be true for a prefix of the list and false after it. */
function lowerBound<T>(list: readonly T[], before: (item: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = list[middle];
    if (item !== undefined && before(item)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Several values of one block: most blocks have one, and it is kept as it is. */
class Several<T> {
  readonly values: T[];

  constructor(values: T[]) {
    this.values = values;
  }
}

/** Values by block, several per block allowed, with everything that overlaps a block found without a scan. */
export class CidrIndex<T> {
  readonly #byKey = new Map<string, T | Several<T>>();
  readonly #cidrOf: (item: T) => Cidr;
  readonly #lengths: Readonly<Record<Family, readonly number[]>>;
  /** Made when it is first needed: most questions are about blocks that hold no other. */
  #sortedBlocks: readonly Cidr[] | null = null;

  constructor(items: Iterable<T>, cidrOf: (item: T) => Cidr) {
    this.#cidrOf = cidrOf;
    const lengths = { 4: new Set<number>(), 6: new Set<number>() };
    for (const item of items) {
      const { key, family, length } = cidrOf(item);
      const known = this.#byKey.get(key);
      if (known === undefined) this.#byKey.set(key, item);
      else if (known instanceof Several) known.values.push(item);
      else this.#byKey.set(key, new Several([known, item]));
      lengths[family].add(length);
    }
    this.#lengths = { 4: [...lengths[4]].sort((a, b) => a - b), 6: [...lengths[6]].sort((a, b) => a - b) };
  }

  get #sorted(): readonly Cidr[] {
    this.#sortedBlocks ??= [...this.#byKey.values()].map((known) => this.#cidrOf(known instanceof Several ? (known.values[0] as T) : known)).sort(compareCidrs);
    return this.#sortedBlocks;
  }

  exactly(cidr: Cidr): readonly T[] {
    const known = this.#byKey.get(cidr.key);
    if (known === undefined) return [];
    return known instanceof Several ? known.values : [known];
  }

  /** Values whose block holds all of `cidr` (itself included), widest first. */
  holding(cidr: Cidr): T[] {
    const found: T[] = [];
    for (const length of this.#lengths[cidr.family]) {
      if (length > cidr.length) break;
      found.push(...this.exactly(length === cidr.length ? cidr : blockOf(cidr.family, cidr.first, length)));
    }
    return found;
  }

  /** Values whose block is strictly inside `cidr`, in address order. */
  inside(cidr: Cidr): T[] {
    const found: T[] = [];
    if ((this.#lengths[cidr.family].at(-1) ?? 0) <= cidr.length) return found;
    const sorted = this.#sorted;
    let at = lowerBound(sorted, (member) => compareCidrs(member, cidr) <= 0);
    for (let member = sorted[at]; member !== undefined && member.family === cidr.family && member.first <= cidr.last; member = sorted[at]) {
      found.push(...this.exactly(member));
      at += 1;
    }
    return found;
  }

  /** Values whose block shares an address with `cidr`. */
  overlapping(cidr: Cidr): T[] {
    return [...this.holding(cidr), ...this.inside(cidr)];
  }
}
