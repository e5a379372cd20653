// Turns a call that did not succeed into our typed errors, in words an operator can act on.
// Never puts a key, a token or a signed header into a message.
import { PortcullisError } from "../../../shared/errors.ts";
import type { EpochMs } from "../../../shared/ports.ts";
import type { AwsError, AwsFailed } from "./answer.ts";
import { authHint } from "./codes.ts";

/** Who asked, and when: what an error's words and its delay depend on besides the answer. */
export interface Circumstances {
  /** The kind of firewall whose policy would help. */
  readonly kind: string;
  readonly retryAtMs: EpochMs;
  readonly nowMs: EpochMs;
}

/** `DescribeNetworkAcls answered RequestLimitExceeded (503, request …): message`. */
export function wordsOf(what: string, failed: AwsFailed): string {
  if (failed.kind === "unreadable")
    return `${what} answered ${failed.status} with something that is not its answer; check the endpoint and any proxy on the way`;
  const request = failed.requestId === "" ? "" : `, request ${failed.requestId}`;
  const message = failed.message === "" ? "" : `: ${failed.message}`;
  return `${what} answered ${failed.code} (${failed.status}${request})${message}`;
}

export function authError(what: string, error: AwsError, kind: string): PortcullisError {
  return new PortcullisError("PROVIDER_AUTH", `${wordsOf(what, error)}; ${authHint(error.code, kind)}`, { facts: { awsCode: error.code } });
}

function throttledError(what: string, error: AwsError, { retryAtMs, nowMs }: Circumstances): PortcullisError {
  const retryAfterSeconds = Math.max(1, Math.ceil((retryAtMs - nowMs) / 1_000));
  return new PortcullisError("PROVIDER_THROTTLED", wordsOf(what, error), { retryAfterSeconds, facts: { awsCode: error.code } });
}

/** For calls without effect (describe, assume role): unreadable and 5xx mean no more than "not now". */
export function readError(what: string, failed: AwsFailed, circumstances: Circumstances): PortcullisError {
  if (failed.kind === "unreadable") return new PortcullisError("PROVIDER_UNAVAILABLE", wordsOf(what, failed));
  switch (failed.meaning) {
    case "auth":
      return authError(what, failed, circumstances.kind);
    case "throttle":
      return throttledError(what, failed, circumstances);
    case "server":
      return new PortcullisError("PROVIDER_UNAVAILABLE", wordsOf(what, failed), { facts: { awsCode: failed.code } });
    case "rejected":
      return new PortcullisError("PROVIDER_REJECTED", wordsOf(what, failed), { facts: { awsCode: failed.code } });
  }
}

/** For writes a person asked for (`setup`): as reads, except that a 5xx or an unreadable answer leaves the outcome open. */
export function writeError(what: string, failed: AwsFailed, circumstances: Circumstances): PortcullisError {
  if (failed.kind === "unreadable" || failed.meaning === "server") {
    return new PortcullisError("OUTCOME_UNKNOWN", `${wordsOf(what, failed)}; it may have taken effect, so run the command again to see`);
  }
  return readError(what, failed, circumstances);
}
