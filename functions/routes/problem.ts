// The one translation from an error to what a caller sees: RFC 9457 problem details with a stable code and what to do.
// Refuses to pass on what was not written for callers: an unexpected throw becomes INVARIANT without details.
import { type ErrorCode, errorTraits, PortcullisError } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";
import type { Problem, Refusal } from "../../shared/request/problem.ts";

/** What to do about each code, for whoever reads the answer. The longer form is in `functions/README.md`. */
const remedies: Readonly<Record<ErrorCode, string>> = {
  INVALID_INPUT: "Correct the fields named under errors and send the request again; nothing was changed.",
  UNAUTHENTICATED: "Send one valid credential. A signature must be fresh, on POST, over a JSON body whose type names the route's operation.",
  FORBIDDEN: "Stay within the client's scope and limits, or have the operator change them; nothing was changed.",
  NOT_FOUND: "Check the path and the name; GET /openapi.json lists the routes.",
  METHOD_NOT_ALLOWED: "Use a method of the Allow header.",
  PAYLOAD_TOO_LARGE: "Split the request; nothing was read.",
  UNSUPPORTED_MEDIA_TYPE: "Send application/json without content encoding; POST /v1/blocks takes forms too.",
  PROTECTED: "Leave the address out; only a deployment with another protect list can allow it.",
  EXEMPT: "Wait until the exemption ends; a person made it.",
  UNSUPPORTED: "Select a target that can hold this kind of block.",
  RATE_LIMITED: "Send it again after the time in Retry-After.",
  CONFIG_INVALID: "The operator has to correct the configuration and deploy it.",
  CAPACITY_EXCEEDED: "The operator has to make room: lift leases or raise the limit.",
  PLAN_UNSAFE: "Look at GET /v1/targets/{name}/plan, then confirm its digest with POST /v1/reconcile.",
  OWNERSHIP_CONFLICT: "Run setup for the target, or find the other deployment that holds it.",
  DESIRED_INCOMPLETE: "Try again after the next pass; the operator should look at GET /v1/targets if it lasts.",
  PROVIDER_AUTH: "The operator has to renew the target's credentials or permissions.",
  PROVIDER_REJECTED: "Look at GET /v1/targets for what the cloud said.",
  PROVIDER_THROTTLED: "Nothing to do: it is tried again by itself.",
  PROVIDER_UNAVAILABLE: "Nothing to do: it is tried again by itself.",
  PROVIDER_CONFLICT: "Nothing to do: the target is observed again first.",
  PROVIDER_PENDING: "Nothing to do: the next pass looks again.",
  OUTCOME_UNKNOWN: "Nothing to do: the target is observed before anything is tried again.",
  STORE_UNAVAILABLE: "Nothing was promised: send the same request again after the time in Retry-After.",
  STORE_CORRUPT: "The operator has to look at the record that the log names.",
  NOT_READY: "Try again after the first full pass.",
  INVARIANT: "This is a fault of Portcullis: report it with the time of the request.",
};

/** What to do about an error, in short, and where the long form is: a path and heading of this repository, the same for everyone. */
export function adviceOn(code: ErrorCode): { readonly remedy: string; readonly help: string } {
  return { remedy: remedies[code], help: `functions/README.md#${code.toLowerCase()}` };
}

/** Read without a cache and shown by no browser as anything but text. */
export const securityHeaders = {
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
} as const;

function shownProblem(problem: Problem): Record<string, unknown> {
  return { field: problem.field, code: problem.code, reason: problem.reason, ...(problem.facts === undefined ? {} : { facts: problem.facts }) };
}

/** Seconds to wait before the same request makes sense; only for answers that carry Retry-After. */
function retryAfterSeconds(error: PortcullisError): number | null {
  const { status } = errorTraits[error.code];
  if (status !== 429 && status !== 503) return null;
  return Math.max(1, Math.ceil(error.context.retryAfterSeconds ?? limits.tickMs / 1_000));
}

/** Which error a response tells, for the log; kept beside it, since nothing of it is in the headers. */
const codes = new WeakMap<Response, ErrorCode>();

export function codeOf(response: Response): ErrorCode | undefined {
  return codes.get(response);
}

/** Names the error of a response that is not a problem document. */
export function noteCode(response: Response, code: ErrorCode): Response {
  codes.set(response, code);
  return response;
}

/** The response for an error. `problems` are listed under `errors`, each with its field. */
export function problemResponse(error: PortcullisError, problems: readonly Problem[] = [], headers: Readonly<Record<string, string>> = {}): Response {
  const traits = errorTraits[error.code];
  const wait = retryAfterSeconds(error);
  const { target, field, facts } = error.context;
  const body = {
    type: `urn:portcullis:problem:${error.code.toLowerCase().replaceAll("_", "-")}`,
    title: traits.title,
    status: traits.status,
    code: error.code,
    detail: error.message,
    ...adviceOn(error.code),
    ...(target === undefined ? {} : { target }),
    ...(field === undefined ? {} : { field }),
    ...(facts === undefined ? {} : { facts }),
    ...(wait === null ? {} : { retryAfterSeconds: wait }),
    ...(problems.length === 0 ? {} : { errors: problems.map(shownProblem) }),
  };
  const response = new Response(JSON.stringify(body), {
    status: traits.status,
    headers: { ...securityHeaders, "content-type": "application/problem+json", ...(wait === null ? {} : { "retry-after": String(wait) }), ...headers },
  });
  codes.set(response, error.code);
  return response;
}

export function refusalResponse(refusal: Refusal): Response {
  return problemResponse(refusal.error, refusal.problems);
}

/** The answer to every request without a valid credential: the same bytes and headers whatever was wrong. */
export function unauthenticatedResponse(): Response {
  const error = new PortcullisError("UNAUTHENTICATED", "The request carries no credential that is valid here.");
  return problemResponse(error, [], { "www-authenticate": 'Bearer realm="portcullis"' });
}

/** A thrown value as an error that may be shown. Errors that crossed an RPC boundary lose their class but keep name and code. */
export function errorOf(thrown: unknown): PortcullisError {
  if (thrown instanceof PortcullisError) return thrown;
  if (thrown instanceof Error && thrown.name === "PortcullisError" && "code" in thrown && typeof thrown.code === "string") {
    const code = Object.keys(errorTraits).find((name): name is ErrorCode => name === thrown.code);
    if (code !== undefined) return new PortcullisError(code, thrown.message);
  }
  return new PortcullisError("INVARIANT", "Something unexpected went wrong inside Portcullis.", {}, thrown);
}
