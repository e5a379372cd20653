// Which leases count, for which target, at which moment. Pure; the clock is an argument.
import { CidrIndex, contains } from "../address/index.ts";
import type { EventSummary } from "../event/record.ts";
import { limits } from "../limits.ts";
import type { EpochMs } from "../ports.ts";
import { type Lease, type Lift, noStop, type StopState } from "./record.ts";

/** All that the store (and what was accepted lately) says. */
export interface Records {
  readonly leases: readonly Lease[];
  readonly lifts: readonly Lift[];
  readonly stop: StopState;
  readonly storeId: string | null;
  /** What else the listing named; a pass only counts them. */
  readonly events?: readonly EventSummary[];
  /** All pages read, every key understood, store id present. Without it nothing is removed. */
  readonly complete: boolean;
  readonly incompleteWhy: string | null;
}

export const noRecords: Records = { leases: [], lifts: [], stop: noStop, storeId: null, complete: false, incompleteWhy: "nothing was read yet" };

/** The listing and what was accepted lately, each record once. The newest stop wins. */
export function mergeRecords(listing: Records, recent: Pick<Records, "leases" | "lifts" | "stop">): Records {
  const leases = new Map(listing.leases.map((lease) => [lease.key, lease]));
  for (const lease of recent.leases) leases.set(lease.key, lease);
  const lifts = new Map(listing.lifts.map((lift) => [lift.key, lift]));
  for (const lift of recent.lifts) lifts.set(lift.key, lift);
  const stop = recent.stop.at > listing.stop.at ? recent.stop : listing.stop;
  return { ...listing, leases: [...leases.values()], lifts: [...lifts.values()], stop };
}

/**
 * Whether a lift cancels a lease for good: it holds the whole lease, names its client (or all) and is not older;
 * or the lease was made while the lift's exemption refused it. Independent of the moment of asking.
 */
export function cancels(lift: Lift, lease: Pick<Lease, "cidr" | "at" | "client">): boolean {
  if (lease.at <= lift.at) return contains(lift.cidr, lease.cidr) && (lift.client === "*" || lift.client === lease.client);
  return lift.exemptUntil !== null && lease.at < lift.exemptUntil;
}

export type Lifted = (lease: Pick<Lease, "cidr" | "at" | "client">) => boolean;

/** Answers for many leases whether any lift cancels them. */
export function liftedBy(lifts: readonly Lift[]): Lifted {
  if (lifts.length === 0) return () => false;
  const index = new CidrIndex(lifts, (lift) => lift.cidr);
  return (lease) => index.overlapping(lease.cidr).some((lift) => cancels(lift, lease));
}

/** A lease that names no target selects all but those that only take what others spill. */
export function selects(lease: Pick<Lease, "targets">, target: string, spills: ReadonlySet<string>): boolean {
  return lease.targets === null ? !spills.has(target) : lease.targets.includes(target);
}

/** Held by the brake and not released yet. */
export function isHeld(lease: Lease, stop: StopState): boolean {
  return lease.held && lease.at > stop.releasedAt;
}

/** The leases of one target, by what they mean for it now. */
export interface TargetLeases {
  /** Must be enforced; stays live for SETTLE after its end, so that no stale listing hides a renewal. */
  readonly live: readonly Lease[];
  /** Proof that something once was leased here and is over. */
  readonly ended: readonly Lease[];
}

/** What the brake holds is neither: it is not enforced, and it is not over. */
export function leasesOf(
  target: string,
  records: Pick<Records, "leases" | "stop">,
  lifted: Lifted,
  now: EpochMs,
  settleMs: number,
  spills: ReadonlySet<string>,
): TargetLeases {
  const live: Lease[] = [];
  const ended: Lease[] = [];
  for (const lease of records.leases) {
    if (!selects(lease, target, spills)) continue;
    if (lease.until + settleMs <= now || lifted(lease)) ended.push(lease);
    else if (!isHeld(lease, records.stop)) live.push(lease);
  }
  return { live, ended };
}

/** Lifts that a new lease may still meet: exemptions in force, and lifts so recent that an older event may come in late. */
export function liftsThatMatter(lifts: readonly Lift[], now: EpochMs): Lift[] {
  return lifts.filter((lift) => (lift.exemptUntil ?? 0) > now || lift.at > now - 2 * limits.lateEventMs);
}
