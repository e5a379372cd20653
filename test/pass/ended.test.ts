// Which leases are over, since when, and what of ours stands longer than its lease: what a snapshot keeps of them, and the measure of promise P2.
import { describe, expect, it } from "vitest";
import { endedLeases, newestEnded, overAt } from "../../functions/pass/ended.ts";
import { overdueSince } from "../../functions/pass/overdue.ts";
import type { Visit } from "../../functions/pass/visit.ts";
import { cidrKey, cidrOf } from "../../shared/address/index.ts";
import type { Records } from "../../shared/lease/live.ts";
import type { Lift } from "../../shared/lease/record.ts";
import type { EndedRecord, Snapshot } from "../../shared/lease/snapshot.ts";
import { leaseOf } from "./rig.ts";
import { whole } from "./world.ts";

const now = 1_000_000;
const address = "203.0.113.7";
const key = (text: string) => cidrKey(cidrOf(text));

function liftOf(text: string, at: number, changes: Partial<Lift> = {}): Lift {
  return { key: `${text} ${at}`, cidr: cidrOf(text), at, client: "*", exemptUntil: null, ...changes };
}

const recordOf = (text: string, changes: Partial<EndedRecord> = {}): EndedRecord => ({
  key: key(text),
  client: "a",
  at: 0,
  until: now,
  liftedAt: null,
  ...changes,
});
const fresh = (records: Partial<Records>) => endedLeases({ ...whole, ...records }, "fresh", null, now);
const before = (ended: readonly EndedRecord[], endedWhole: boolean) => ({ ended, endedWhole }) as unknown as Snapshot;

describe("leases that are over", () => {
  it("endedLeases: by their end, which is the moment itself", () => {
    const leases = [leaseOf(address, { until: now }), leaseOf("203.0.113.8", { until: now + 1 }), leaseOf("203.0.113.9", { until: now - 1 })];
    expect(fresh({ leases })).toEqual({ ended: [recordOf(address), recordOf("203.0.113.9", { until: now - 1 })], endedWhole: true });
  });

  it("endedLeases: by the first lift that cancels them, and who asked for it", () => {
    const lifts = [
      liftOf(address, now - 3, { by: "second" }),
      liftOf("203.0.113.0/24", now - 5, { by: "first" }),
      liftOf(address, now - 9, { client: "b", by: "for another client" }),
      liftOf("203.0.113.8", now - 9, { by: "of another address" }),
    ];
    const lease = leaseOf(address, { at: now - 8, until: now + 9 });
    expect(fresh({ leases: [lease], lifts }).ended).toEqual([recordOf(address, { at: now - 8, until: now + 9, liftedAt: now - 5, liftedBy: "first" })]);
    expect(fresh({ leases: [lease], lifts: lifts.toReversed() }).ended).toEqual(fresh({ leases: [lease], lifts }).ended);
    expect(fresh({ leases: [lease], lifts: [liftOf(address, now - 3)] }).ended).toEqual([
      recordOf(address, { at: now - 8, until: now + 9, liftedAt: now - 3 }),
    ]);
  });

  it("endedLeases: a lift that is older than the lease ends nothing", () => {
    expect(fresh({ leases: [leaseOf(address, { at: now - 3, until: now + 9 })], lifts: [liftOf(address, now - 4)] }).ended).toEqual([]);
  });

  it("endedLeases: which offence it was, and whether the brake still holds it", () => {
    const lease = leaseOf(address, { at: now - 9, until: now, held: true, offence: 2 });
    expect(fresh({ leases: [lease] }).ended).toEqual([recordOf(address, { at: now - 9, offence: 2, held: true })]);
    expect(fresh({ leases: [lease], stop: { ...whole.stop, releasedAt: now - 1 } }).ended).toEqual([recordOf(address, { at: now - 9, offence: 2 })]);
  });

  it("endedLeases: the newest first, by when each was over", () => {
    const leases = [
      leaseOf("203.0.113.1", { until: now - 9 }),
      leaseOf("203.0.113.2", { until: now - 1 }),
      leaseOf("203.0.113.3", { at: 1, until: now + 9 }),
      leaseOf("203.0.113.4", { until: now - 7 }),
    ];
    const { ended } = fresh({ leases, lifts: [liftOf("203.0.113.3", now - 5)] });
    expect(ended.map((record) => record.key)).toEqual(["203.0.113.2", "203.0.113.3", "203.0.113.4", "203.0.113.1"].map(key));
  });

  it("endedLeases: a whole listing forgets what it does not name; one cut short, or none, forgets nothing", () => {
    const known = before([recordOf("203.0.113.8"), recordOf(address, { client: "b" })], true);
    const found = recordOf(address);
    const records = { ...whole, leases: [leaseOf(address, { until: now })] };
    const all = [recordOf("203.0.113.8"), recordOf(address, { client: "b" }), found];
    expect(endedLeases(records, "fresh", known, now)).toEqual({ ended: [found], endedWhole: true });
    expect(endedLeases({ ...records, complete: false }, "fresh", known, now)).toEqual({ ended: all, endedWhole: false });
    expect(endedLeases(records, "reused", known, now)).toEqual({ ended: all, endedWhole: true });
    expect(endedLeases(records, "reused", before([], false), now)).toEqual({ ended: [found], endedWhole: false });
    expect(endedLeases(records, "reused", null, now)).toEqual({ ended: [found], endedWhole: false });
  });

  it("endedLeases: one lease once, as it was found last", () => {
    const known = before([recordOf(address, { at: 5 })], true);
    expect(endedLeases({ ...whole, leases: [leaseOf(address, { until: now })] }, "reused", known, now).ended).toEqual([recordOf(address)]);
  });

  it("newestEnded: 256 of them, and whether that is all", () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => recordOf(`203.0.${at >> 8}.${at & 255}`));
    expect(newestEnded({ ended: many(256), endedWhole: true })).toEqual({ ended: many(256), endedWhole: true });
    expect(newestEnded({ ended: many(257), endedWhole: true })).toEqual({ ended: many(256), endedWhole: false });
    expect(newestEnded({ ended: many(1), endedWhole: false })).toEqual({ ended: many(1), endedWhole: false });
  });

  it("overAt: its end, or the lift before it", () => {
    expect([overAt(recordOf(address)), overAt(recordOf(address, { liftedAt: now - 1 })), overAt(recordOf(address, { liftedAt: now + 1 }))]).toEqual([
      now,
      now - 1,
      now,
    ]);
  });
});

describe("overdue", () => {
  const visited = (standing: readonly string[], needed: readonly string[] | null): Visit =>
    ({
      standing: standing.map((text) => ({ id: text, cidr: cidrOf(text), partial: null })),
      plan: needed === null ? null : { needs: { needs: needed.map((text) => ({ cidr: cidrOf(text) })) } },
    }) as unknown as Visit;
  const ended = [
    recordOf(address, { until: 500 }),
    recordOf("203.0.113.8", { until: 300 }),
    recordOf("203.0.113.0/24", { until: 100 }),
    { ...recordOf(address), key: "?" },
  ];

  it("overdueSince: since the latest end of what an entry served, of the entry that waits longest", () => {
    expect(overdueSince(visited([address], []), ended)).toBe(500);
    expect(overdueSince(visited(["203.0.113.8"], []), ended)).toBe(300);
    expect(overdueSince(visited([address, "203.0.113.8"], []), ended)).toBe(300);
    expect(overdueSince(visited(["203.0.113.8/31", "203.0.113.9"], []), ended)).toBe(100);
  });

  it("overdueSince: nothing is overdue that a live lease needs, or that never served one", () => {
    expect(overdueSince(visited([address], ["203.0.113.0/28"]), ended)).toBeNull();
    expect(overdueSince(visited(["203.0.113.0/28"], [address]), ended)).toBeNull();
    expect(overdueSince(visited(["198.51.100.1"], []), ended)).toBeNull();
    expect(overdueSince(visited([], []), ended)).toBeNull();
    expect(overdueSince(visited([address, "203.0.113.8"], [address]), ended)).toBe(300);
  });

  it("overdueSince: where nothing was planned, what stands is measured all the same", () => {
    expect(overdueSince(visited([address], null), ended)).toBe(500);
  });
});
