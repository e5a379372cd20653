// Which target spills into which: whom a lease selects by itself, where it may come to stand, and along which targets one looks for it.
// Knows names only.
import type { Asked } from "./ledger.ts";

/** Target to the target in which stands what it has no room for. Without circles. */
export type Spills = Readonly<Record<string, string>>;

export class Chain {
  readonly #spills: Spills;
  readonly #into: ReadonlySet<string>;

  constructor(spills: Spills) {
    this.#spills = spills;
    this.#into = new Set(Object.values(spills));
  }

  /** By itself: a lease that names no target selects all but those that others spill into. */
  selects({ targets }: Pick<Asked, "targets">, target: string): boolean {
    return targets === null ? !this.#into.has(target) : targets.includes(target);
  }

  /** The target and all below it, in the order in which they are spilled into. */
  from(target: string): readonly string[] {
    const below = this.#spills[target];
    return below === undefined ? [target] : [target, ...this.from(below)];
  }

  next(target: string): string | null {
    return this.#spills[target] ?? null;
  }

  isSpilledInto(target: string): boolean {
    return this.#into.has(target);
  }

  /** The targets above that may spill into it, over others or at once. */
  above(target: string): readonly string[] {
    return Object.keys(this.#spills).filter((name) => this.from(name).slice(1).includes(target));
  }

  /** Whether it may stand there: the target is selected, or one that spills into it. */
  reaches(asked: Pick<Asked, "targets">, target: string): boolean {
    return this.selects(asked, target) || this.above(target).some((name) => this.selects(asked, name));
  }
}
