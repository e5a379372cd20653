// The newest leases that are over, by their end or by a lift: kept in the snapshot, so that "why is it not blocked any more" costs no listing.
// Bounded; says whether these are all that the store still has.
import { CidrIndex, cidrKey } from "../../shared/address/index.ts";
import { cancels, isHeld, type Records } from "../../shared/lease/live.ts";
import type { EndedRecord, Snapshot } from "../../shared/lease/snapshot.ts";
import type { EpochMs } from "../../shared/ports.ts";

const endedMax = 256;

export interface EndedLeases {
  /** Newest first. */
  readonly ended: readonly EndedRecord[];
  /** False: the store may hold older ones. */
  readonly endedWhole: boolean;
}

/** When it was over: by its end, or by the first lift that cancels it. */
export function overAt(record: EndedRecord): EpochMs {
  return Math.min(record.until, record.liftedAt ?? record.until);
}

function endedIn(records: Records, now: EpochMs): readonly EndedRecord[] {
  const lifts = new CidrIndex(records.lifts, (lift) => lift.cidr);
  return records.leases.flatMap((lease): EndedRecord[] => {
    const lifted = lifts.overlapping(lease.cidr).filter((lift) => cancels(lift, lease));
    const first = lifted.reduce<(typeof lifted)[number] | null>((least, lift) => (least === null || lift.at < least.at ? lift : least), null);
    if (lease.until > now && first === null) return [];
    const { client, at, until } = lease;
    const by = first?.by === undefined ? {} : { liftedBy: first.by };
    const offence = lease.offence === undefined ? {} : { offence: lease.offence };
    return [
      { key: cidrKey(lease.cidr), client, at, until, liftedAt: first?.at ?? null, ...by, ...offence, ...(isHeld(lease, records.stop) ? { held: true } : {}) },
    ];
  });
}

/** The newest of them, as the snapshot keeps them. */
export function newestEnded({ ended, endedWhole }: EndedLeases): EndedLeases {
  return { ended: ended.slice(0, endedMax), endedWhole: endedWhole && ended.length <= endedMax };
}

/** A pass that listed nothing knows of no more than before, and of what has ended since. */
export function endedLeases(records: Records, fresh: "fresh" | "reused", before: Snapshot | null, now: EpochMs): EndedLeases {
  const found = endedIn(records, now);
  const known = fresh === "fresh" && records.complete ? found : [...(before?.ended ?? []), ...found];
  const unique = new Map(known.map((record) => [`${record.key} ${record.client} ${record.until}`, record]));
  const newest = [...unique.values()].sort((a, b) => overAt(b) - overAt(a));
  const isWhole = fresh === "fresh" ? records.complete : (before?.endedWhole ?? false);
  return { ended: newest, endedWhole: isWhole };
}
