// Notices what changed at a cloud, tells it to whoever listens, and holds against the function what it did to somebody else's.
// Knows no cloud; refuses to tell of a change that changed nothing.
import type { EpochMs } from "../../../shared/ports.ts";
import type { CloudChange } from "../contract.ts";

/** A cloud as an auditor with all rights sees it at one moment. */
export interface Sight {
  readonly standing: readonly string[];
  readonly placed: readonly string[];
  /** Everything that is not ours, by a name that stays the same while the thing does; in the cloud's order. */
  readonly foreign: ReadonlyMap<string, string>;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, at) => text === b[at]);
}

function foreignText(sight: Sight): string {
  return [...sight.foreign].map(([what, text]) => `${what} ${text}`).join("\n");
}

export class Watch {
  readonly #look: () => Sight;
  readonly #listeners: ((change: CloudChange) => void)[] = [];
  /** Since when somebody else's thing has been as it is. */
  readonly #since = new Map<string, EpochMs>();
  #last: Sight;
  #lastForeign: string;

  constructor(look: () => Sight) {
    this.#look = look;
    this.#last = look();
    this.#lastForeign = foreignText(this.#last);
  }

  get standing(): readonly string[] {
    return this.#last.standing;
  }

  get placed(): readonly string[] {
    return this.#last.placed;
  }

  get foreign(): string {
    return this.#lastForeign;
  }

  onChange(listener: (change: CloudChange) => void): void {
    this.#listeners.push(listener);
  }

  /** Something may have changed, at that moment and by them. */
  changed(by: CloudChange["by"], at: EpochMs): void {
    const before = this.#last;
    const now = this.#look();
    const text = foreignText(now);
    if (text === this.#lastForeign && isSame(before.standing, now.standing) && isSame(before.placed, now.placed)) return;
    this.#last = now;
    this.#lastForeign = text;
    const altered = [...new Set([...before.foreign.keys(), ...now.foreign.keys()])].filter((what) => before.foreign.get(what) !== now.foreign.get(what));
    const overran = by === "person" ? [] : altered.map((what) => this.#account(what, before, now, at));
    for (const what of altered) this.#since.set(what, at);
    const change: CloudChange = { at, by, standing: now.standing, placed: now.placed, overran };
    for (const listener of this.#listeners) listener(change);
  }

  #account(what: string, before: Sight, now: Sight, at: EpochMs): CloudChange["overran"][number] {
    const was = before.foreign.get(what);
    const is = now.foreign.get(what);
    const ageMs = was === undefined ? 0 : at - (this.#since.get(what) ?? Number.NEGATIVE_INFINITY);
    return { what: `${what}: ${was ?? "nothing"} became ${is ?? "nothing"}`, ageMs };
  }
}
