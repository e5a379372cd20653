// Mutants that no test can kill, because nothing that the code promises changes with them: each with the reason.
// `npm run mutation` fails when a test does kill one of them, and tells which entries name no mutant any more.
import noted from "./survivors.json" with { type: "json" };

export interface Survivor {
  readonly file: string;
  /** The source line on which the mutated expression begins, trimmed. */
  readonly line: string;
  /** The mutated expression, blanks and line ends joined to one blank. */
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

export const survivors: readonly Survivor[] = noted;
