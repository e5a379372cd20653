// Turns a call that did not succeed into our typed errors, in words an operator can act on.
// Never puts a secret, an assertion or a token into a message.
import { type ErrorCode, PortcullisError } from "../../shared/errors.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { ArmAnswer, ArmError } from "./api.ts";
import { hints, type Meaning } from "./codes.ts";

export type Failed = Exclude<ArmAnswer, { readonly kind: "ok" }>;

/** `GET of nsg hub answered AuthorizationFailed (403, request …): message`. */
export function wordsOf(what: string, failed: Failed): string {
  if (failed.kind === "unreadable")
    return `${what} answered ${failed.status} with something that is not its answer; check the endpoint and any proxy on the way`;
  const request = failed.requestId === "" ? "" : `, request ${failed.requestId}`;
  const message = failed.message === "" ? "" : `: ${failed.message}`;
  return `${what} answered ${failed.code} (${failed.status}${request})${message}; ${hints[failed.meaning]}`;
}

const readCodes = {
  auth: "PROVIDER_AUTH",
  throttle: "PROVIDER_THROTTLED",
  busy: "PROVIDER_THROTTLED",
  server: "PROVIDER_UNAVAILABLE",
  priority: "PROVIDER_REJECTED",
  capacity: "CAPACITY_EXCEEDED",
  locked: "PROVIDER_REJECTED",
  policy: "PROVIDER_REJECTED",
  missing: "PROVIDER_REJECTED",
  rejected: "PROVIDER_REJECTED",
} as const satisfies Record<Meaning, ErrorCode>;

export function errorOf(what: string, error: ArmError, retryAtMs: EpochMs, nowMs: EpochMs): PortcullisError {
  const code = readCodes[error.meaning];
  const wait = code === "PROVIDER_THROTTLED" ? { retryAfterSeconds: Math.max(1, Math.ceil((retryAtMs - nowMs) / 1_000)) } : {};
  return new PortcullisError(code, wordsOf(what, error), { ...wait, facts: { azureCode: error.code } });
}

/** For calls without effect: unreadable and 5xx mean no more than "not now". */
export function readError(what: string, failed: Failed, retryAtMs: EpochMs, nowMs: EpochMs): PortcullisError {
  if (failed.kind === "unreadable") return new PortcullisError("PROVIDER_UNAVAILABLE", wordsOf(what, failed));
  return errorOf(what, failed, retryAtMs, nowMs);
}

/** For writes a person asked for (`setup`): as reads, except that a 5xx or an unreadable answer leaves the outcome open. */
export function writeError(what: string, failed: Failed, retryAtMs: EpochMs, nowMs: EpochMs): PortcullisError {
  if (failed.kind === "unreadable" || failed.meaning === "server") {
    return new PortcullisError("OUTCOME_UNKNOWN", `${wordsOf(what, failed)}; it may have taken effect, so run the command again to see`);
  }
  return errorOf(what, failed, retryAtMs, nowMs);
}
