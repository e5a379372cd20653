// What a mutant of the product is, as data: a small edit that takes one defence away, where the defence comes from, and in which
// histories the simulation should notice. Types only.
import type { PromiseName } from "../promises.ts";
import type { Action } from "../script.ts";
import type { Setting } from "../setting.ts";

export interface Edit {
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

/** Where to look for it: what a seed does not choose then, and how long a history is. Left out: as any seed would have it. */
export interface Hunt {
  readonly setting?: Partial<Setting>;
  /** Only actions of these kinds, in a seed's order: a rare one meets the others more often. */
  readonly only?: readonly Action["do"][];
  readonly steps?: number;
  /** A written history instead of a seed's own: the seed chooses the moments and latencies. */
  readonly script?: readonly Action[];
}

export interface Mutant {
  readonly name: string;
  /** The rule that is taken away, or the other system's defect that is put in. */
  readonly from: string;
  /** All at once: where the code holds a rule twice, both go. */
  readonly edits: readonly Edit[];
  /** The promises that should break. */
  readonly expect: readonly PromiseName[];
  readonly hunt?: Hunt;
  /** Why no history can tell it from the product: another defence holds the same promise, or it only costs more. */
  readonly equivalent?: string;
}
