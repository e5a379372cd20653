// From when and for how long an event's lease counts: what was asked, within what the configuration, the client and the clock allow. Pure.
import type { Config } from "../config.ts";
import { limits } from "../limits.ts";
import type { EpochMs } from "../ports.ts";
import { isoTime } from "../time.ts";
import type { AlertEvent } from "./alert.ts";
import { durationText } from "./duration.ts";

export interface Timing {
  readonly at: EpochMs;
  readonly notes: readonly string[];
  /** As in AcceptItem. */
  readonly eventAt?: EpochMs;
}

/** Event time, unless it is unreadable, too late or ahead of us; then the receipt, and it is said. */
export function leaseStart(happened: AlertEvent["at"], forMs: number, receipt: EpochMs, now: EpochMs): Timing {
  const fromNow = (why: string, known: Pick<Timing, "eventAt"> = {}): Timing => ({
    at: now,
    notes: [`${why}, so the lease counts from its receipt`],
    ...known,
  });
  if (happened === "unreadable") return fromNow("the event's time cannot be read");
  const at = happened ?? receipt;
  if (at > now + limits.skewMs) return fromNow(`the event's time ${isoTime(at)} is ahead of ours`);
  if (now - at > limits.lateEventMs) return fromNow(`the event's time ${isoTime(at)} is more than ${durationText(limits.lateEventMs)} ago`, { eventAt: at });
  if (at + forMs <= now) return fromNow(`a lease of ${durationText(forMs)} from ${isoTime(at)} would be over already`, { eventAt: at });
  return { at: Math.min(at, now), notes: [] };
}

/** What is asked for, no shorter than the shortest lease and no longer than this client may; what was changed is said. */
export function leaseLength(
  askedMs: number,
  defaults: Pick<Config["defaults"], "shortestMs">,
  longest: number,
  clientName: string,
): { readonly forMs: number; readonly said: readonly string[] } {
  const forMs = Math.min(Math.max(askedMs, defaults.shortestMs), longest);
  if (askedMs > longest) return { forMs, said: [`for ${durationText(forMs)}, the longest for client ${clientName}, instead of ${durationText(askedMs)}`] };
  return { forMs, said: askedMs < forMs ? [`for ${durationText(forMs)}, the shortest lease, instead of ${durationText(askedMs)}`] : [] };
}
