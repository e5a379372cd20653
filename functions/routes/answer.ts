// How answers are spelled: JSON, times as ISO 8601 text, addresses as people write them.
import { cidrFromKey, displayCidr } from "../../shared/address/index.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { durationText } from "../../shared/request/duration.ts";
import { epochMsMax, isoTime } from "../../shared/time.ts";
import type { Escalated } from "../coordinator/contract.ts";
import { securityHeaders } from "./problem.ts";

export function jsonResponse(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...securityHeaders, "content-type": "application/json", ...headers } });
}

/** ISO 8601 in UTC; null for "never" (null, 0) and for what is no time. */
export function timeText(at: EpochMs | null): string | null {
  return at === null || at <= 0 || !(at <= epochMsMax) ? null : isoTime(at);
}

/** A lease that is longer than asked says so: which offence, what was asked, what it came to. */
export function escalatedView(escalated: Escalated | undefined): { readonly escalated?: Readonly<Record<string, unknown>> } {
  if (escalated === undefined) return {};
  const { offence, askedMs, forMs } = escalated;
  return { escalated: { offence, asked: durationText(askedMs), for: durationText(forMs) } };
}

/** A block's key as people write addresses; the key itself when it cannot be read. */
export function keyText(key: string): string {
  const cidr = cidrFromKey(key);
  return cidr === null ? key : displayCidr(cidr);
}
