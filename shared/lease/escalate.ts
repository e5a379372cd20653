// How long the next lease is for whoever comes back after one has ended. Pure: what is past, the event and the rule are arguments, so a
// client's setting and whatever else asks for leases decide alike. Refuses to know where the past is kept.
import type { Escalation } from "../config.ts";
import { limits } from "../limits.ts";
import type { EpochMs } from "../ports.ts";

/** A lease of the same asker on the same block that is over by itself: one that was lifted is none, for it was wrong, or is forgiven. */
export interface PastLease {
  readonly at: EpochMs;
  readonly until: EpochMs;
  /** Its offence number; absent: the first. */
  readonly offence?: number;
}

/** Of one event: how often this has happened before, and whether it is a return, or belongs to what has been punished already. */
export interface Offence {
  readonly number: number;
  readonly kind: "first" | "return" | "same";
}

/** Past, and not so long past that it is forgotten. A lease that outlives the event is the event's own, however late that comes in. */
function counts(past: PastLease, eventAt: EpochMs, memoryMs: number): boolean {
  return eventAt - past.until <= memoryMs;
}

/**
 * Only an event that is later than the end of every lease known is a return: the same alert sent again, an event that was reported late and a
 * clock that was set back never make a lease longer. What is known may have gaps (lost memory), so the highest number counts.
 */
export function offenceOf(eventAt: EpochMs, past: Iterable<PastLease>, memoryMs: number): Offence {
  let number = -1;
  let isReturn = true;
  for (const lease of past) {
    if (!counts(lease, eventAt, memoryMs)) continue;
    number = Math.max(number, lease.offence ?? 0);
    if (eventAt <= lease.until) isReturn = false;
  }
  if (number < 0) return { number: 0, kind: "first" };
  return isReturn ? { number: Math.min(number + 1, limits.offenceMax), kind: "return" } : { number, kind: "same" };
}

/** The length of the lease for an offence: whole seconds, never less than what was asked, never more than the rule and the asker may have. */
export function escalatedMs(askedMs: number, offence: number, rule: Pick<Escalation, "factor" | "maxMs">, longestMs: number): number {
  const grown = Math.min(askedMs * rule.factor ** offence, rule.maxMs, longestMs);
  return Math.max(askedMs, Math.floor(grown / 1_000) * 1_000);
}

/** Two leases of one asker on one block as one memory: the later end, and the higher number unless the earlier was forgotten in between. */
export function joinedPast(a: PastLease, b: PastLease, memoryMs: number): PastLease {
  const isOrdered = a.until === b.until ? a.at < b.at : a.until < b.until;
  const [earlier, later] = isOrdered ? [a, b] : [b, a];
  const kept = counts(earlier, later.at, memoryMs) ? Math.max(earlier.offence ?? 0, later.offence ?? 0) : (later.offence ?? 0);
  return { at: later.at, until: later.until, ...(kept === 0 ? {} : { offence: kept }) };
}
