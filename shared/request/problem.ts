// What is wrong with a request, field by field, and the one error that stands for all of it.
import { type ErrorCode, PortcullisError } from "../errors.ts";

type Fact = string | number | boolean | readonly string[];

/** One thing wrong with one field. `reason` says what happened, the numbers, and what to write instead. */
export interface Problem {
  readonly code: ErrorCode;
  /** Path of the offending field, such as `ips[3]`. */
  readonly field: string;
  readonly reason: string;
  readonly facts?: Readonly<Record<string, Fact>>;
  readonly retryAfterSeconds?: number;
}

/** A refused request: the error that decides the status, and every problem found. */
export interface Refusal {
  readonly error: PortcullisError;
  readonly problems: readonly Problem[];
}

/** Which problem gives the answer its status when there are several: what the caller must mend first comes first. */
const precedence: readonly ErrorCode[] = ["INVALID_INPUT", "FORBIDDEN", "PROTECTED", "UNSUPPORTED", "EXEMPT", "CAPACITY_EXCEEDED", "RATE_LIMITED"];

function rank(problem: Problem): number {
  const at = precedence.indexOf(problem.code);
  return at === -1 ? precedence.length : at;
}

/** The refusal for a non-empty list of problems; null when there are none. */
export function refusalOf(problems: readonly Problem[], consequence: string): Refusal | null {
  const [first, ...rest] = problems.toSorted((a, b) => rank(a) - rank(b));
  if (first === undefined) return null;
  const more = rest.length === 0 ? "" : ` ${rest.length} more ${rest.length === 1 ? "problem is" : "problems are"} listed under errors.`;
  const waits = problems.map((problem) => problem.retryAfterSeconds ?? 0);
  const retryAfterSeconds = Math.max(0, ...waits);
  const context = {
    field: first.field,
    ...(first.facts === undefined ? {} : { facts: first.facts }),
    ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}),
  };
  return { error: new PortcullisError(first.code, `${first.field}: ${first.reason}. ${consequence}${more}`, context), problems };
}
