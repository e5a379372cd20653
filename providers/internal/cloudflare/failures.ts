// Turns a call that did not succeed into our typed errors, in words an operator can act on. Never puts a token into a message.
import { PortcullisError } from "../../../shared/errors.ts";
import type { EpochMs } from "../../../shared/ports.ts";
import type { Outcome } from "../../../shared/provider.ts";
import type { CloudflareAnswer, CloudflareError } from "./api.ts";

export type Failed = Exclude<CloudflareAnswer, { readonly kind: "ok" }>;
export type Effect = "read" | "write";

/** `reading lists of … answered 971 (429): message`. */
export function wordsOf(what: string, failed: Failed): string {
  if (failed.kind === "unreadable")
    return `${what} answered ${failed.status} with something that is not its answer; check the endpoint and any proxy on the way`;
  const code = failed.code === null ? `HTTP ${failed.status}` : `${failed.code} (${failed.status})`;
  return `${what} answered ${code}${failed.message === "" ? "" : `: ${failed.message}`}`;
}

export function throttledError(message: string, retryAtMs: EpochMs, nowMs: EpochMs): PortcullisError {
  return new PortcullisError("PROVIDER_THROTTLED", message, { retryAfterSeconds: Math.max(1, Math.ceil((retryAtMs - nowMs) / 1_000)) });
}

function factsOf({ status, code }: CloudflareError): Readonly<Record<string, number>> {
  return code === null ? { status } : { status, cloudflareCode: code };
}

/** What was asked for, in the words that a failure is told in. */
export interface Asked {
  readonly what: string;
  readonly effect: Effect;
  /** What to do when the token is refused. */
  readonly authHint: string;
}

/** A 5xx or an unreadable answer leaves the outcome of a write open; of a read it means no more than "not now". */
export function errorOf({ what, effect, authHint }: Asked, failed: Failed, retryAtMs: EpochMs, nowMs: EpochMs): PortcullisError {
  if (failed.kind === "unreadable" || failed.meaning === "server") {
    const code = effect === "read" ? "PROVIDER_UNAVAILABLE" : "OUTCOME_UNKNOWN";
    return new PortcullisError(code, `${wordsOf(what, failed)}${effect === "read" ? "" : "; it may have taken effect"}`);
  }
  switch (failed.meaning) {
    case "auth":
      return new PortcullisError("PROVIDER_AUTH", `${wordsOf(what, failed)}; ${authHint}`, { facts: { status: failed.status } });
    case "throttle":
    case "busy":
      return throttledError(wordsOf(what, failed), retryAtMs, nowMs);
    case "missing":
    case "rejected":
      return new PortcullisError("PROVIDER_REJECTED", wordsOf(what, failed), { facts: factsOf(failed) });
  }
}

/** What an error before or during a write comes to. */
export function outcomeOfError(error: PortcullisError, nowMs: EpochMs): Outcome {
  if (error.code === "OUTCOME_UNKNOWN") return { kind: "unknown", why: error.message };
  if (error.code === "PROVIDER_THROTTLED") {
    return { kind: "throttled", retryAtMs: nowMs + (error.context.retryAfterSeconds ?? 1) * 1_000, why: error.message };
  }
  return { kind: "failed", error };
}
