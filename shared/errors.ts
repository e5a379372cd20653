// Every error Portcullis can answer with: one closed table of codes, who must act, and what a caller sees.
// Refuses to know about HTTP libraries or platforms; `functions/routes/problem.ts` does the one translation.

/** Who has to do something about an error before it can go away. */
export type Actor = "caller" | "operator" | "core" | "us";

/** When trying again makes sense: never, on the next tick, within the pass's budget, or only after a fresh observation. */
export type Retry = "no" | "tick" | "budget" | "observe";

interface ErrorTraits {
  /** HTTP status that a caller sees. */
  readonly status: number;
  readonly retry: Retry;
  readonly actor: Actor;
  /** Short public title; never contains data. */
  readonly title: string;
}

/** The closed list of error codes. Documented one by one in `functions/README.md` (held by `test/tidy.test.ts`). */
export const errorTraits = {
  INVALID_INPUT: { status: 400, retry: "no", actor: "caller", title: "The request is malformed" },
  UNAUTHENTICATED: { status: 401, retry: "no", actor: "caller", title: "No valid credential" },
  FORBIDDEN: { status: 403, retry: "no", actor: "caller", title: "Not allowed for this client" },
  NOT_FOUND: { status: 404, retry: "no", actor: "caller", title: "No such thing" },
  METHOD_NOT_ALLOWED: { status: 405, retry: "no", actor: "caller", title: "Wrong method for this route" },
  PAYLOAD_TOO_LARGE: { status: 413, retry: "no", actor: "caller", title: "The body is too large" },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retry: "no", actor: "caller", title: "The content type is not understood" },
  PROTECTED: { status: 422, retry: "no", actor: "caller", title: "The address is protected" },
  EXEMPT: { status: 422, retry: "no", actor: "caller", title: "The address is exempt for now" },
  UNSUPPORTED: { status: 422, retry: "no", actor: "caller", title: "No selected target can do this" },
  RATE_LIMITED: { status: 429, retry: "tick", actor: "caller", title: "Too many new blocks" },
  CONFIG_INVALID: { status: 500, retry: "no", actor: "operator", title: "The configuration is invalid" },
  CAPACITY_EXCEEDED: { status: 503, retry: "tick", actor: "operator", title: "There is no room" },
  PLAN_UNSAFE: { status: 409, retry: "tick", actor: "operator", title: "The plan would remove too much" },
  OWNERSHIP_CONFLICT: { status: 409, retry: "tick", actor: "operator", title: "Store and target do not know each other" },
  DESIRED_INCOMPLETE: { status: 503, retry: "tick", actor: "operator", title: "The leases could not be read whole" },
  PROVIDER_AUTH: { status: 502, retry: "no", actor: "operator", title: "The cloud refused our credentials" },
  PROVIDER_REJECTED: { status: 502, retry: "no", actor: "us", title: "The cloud refused the request" },
  PROVIDER_THROTTLED: { status: 503, retry: "budget", actor: "core", title: "The cloud asked us to slow down" },
  PROVIDER_UNAVAILABLE: { status: 503, retry: "budget", actor: "core", title: "The cloud did not answer" },
  PROVIDER_CONFLICT: { status: 503, retry: "observe", actor: "core", title: "The target changed under us" },
  PROVIDER_PENDING: { status: 503, retry: "tick", actor: "core", title: "The cloud is still working" },
  OUTCOME_UNKNOWN: { status: 503, retry: "observe", actor: "core", title: "Whether the call took effect is not known" },
  STORE_UNAVAILABLE: { status: 503, retry: "tick", actor: "core", title: "The store could not be reached" },
  STORE_CORRUPT: { status: 503, retry: "tick", actor: "operator", title: "A record in the store cannot be read" },
  NOT_READY: { status: 503, retry: "tick", actor: "core", title: "Not ready" },
  INVARIANT: { status: 500, retry: "no", actor: "us", title: "An internal rule was broken" },
} as const satisfies Record<string, ErrorTraits>;

export type ErrorCode = keyof typeof errorTraits;

/** Facts about an error, safe to print: no secret may ever be put here. */
export interface ErrorContext {
  readonly target?: string;
  readonly step?: string;
  /** Path of the offending input field, such as `ips[3]`. */
  readonly field?: string;
  readonly retryAfterSeconds?: number;
  /** Further named facts: numbers, names of limits, ranges. */
  readonly facts?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

/** The one error class. `message` says what happened, to what, the numbers, and what to do next. */
export class PortcullisError extends Error {
  override readonly name = "PortcullisError";
  readonly code: ErrorCode;
  readonly context: ErrorContext;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.context = context;
  }
}

/** An expected outcome as a value. Exceptions are for broken invariants and I/O edges only. */
export type Result<T, E = PortcullisError> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

export function ok<T>(value: T): Result<T, never> {
  return { ok: true, value };
}

export function fail(code: ErrorCode, message: string, context: ErrorContext = {}, cause?: unknown): Result<never> {
  return { ok: false, error: new PortcullisError(code, message, context, cause) };
}

/** Turns whatever was thrown into a PortcullisError, keeping one that already is. */
export function asPortcullisError(thrown: unknown, code: ErrorCode, message: string, context: ErrorContext = {}): PortcullisError {
  return thrown instanceof PortcullisError ? thrown : new PortcullisError(code, message, context, thrown);
}
