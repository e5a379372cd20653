// Laws of which leases count: what a lift cancels, whom a lease selects, when it is over, when the brake holds it, and
// which record wins where the listing and what was accepted lately differ.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockOf, type Cidr, cidrOf, contains, overlaps } from "../../shared/address/index.ts";
import { severities } from "../../shared/config.ts";
import { cancels, isHeld, leasesOf, liftedBy, liftsThatMatter, mergeRecords, noRecords, type Records, selects } from "../../shared/lease/live.ts";
import { type Lease, type Lift, noStop, type StopState } from "../../shared/lease/record.ts";
import { type Snapshot, statesOf } from "../../shared/lease/snapshot.ts";
import { limits } from "../../shared/limits.ts";

const time = fc.integer({ min: 0, max: 12 });
const cidr: fc.Arbitrary<Cidr> = fc
  .record({ byte: fc.integer({ min: 0, max: 7 }), length: fc.constantFrom(29, 30, 31, 32, 32) })
  .map(({ byte, length }) => blockOf(4, `cb00710${byte}`, length));
const client = fc.constantFrom("a", "b");

const lease: fc.Arbitrary<Lease> = fc.record({
  key: fc.constantFrom("one", "two", "three", "four"),
  cidr,
  at: time,
  until: time,
  client,
  severity: fc.constantFrom(...severities),
  targets: fc.constantFrom(null, ["web"], ["web", "hub"], []),
  held: fc.boolean(),
});
const lift: fc.Arbitrary<Lift> = fc.record({
  key: fc.constantFrom("one", "two", "three"),
  cidr,
  at: time,
  client: fc.constantFrom("a", "b", "*"),
  exemptUntil: fc.option(time, { nil: null }),
});
const stop: fc.Arbitrary<StopState> = fc.record({ at: time, targets: fc.constantFrom({}, { "*": "freeze" as const }), releasedAt: time });

/** The rule as the design has it, for one lift. */
function isCancelled(one: Lift, by: Lease): boolean {
  const isLifted = by.at <= one.at && contains(one.cidr, by.cidr) && ["*", by.client].includes(one.client);
  const isExempt = by.at > one.at && one.exemptUntil !== null && by.at < one.exemptUntil && overlaps(one.cidr, by.cidr);
  return isLifted || isExempt;
}

describe("lifts", () => {
  test("cancel: whole leases that are not newer, of the client that is named; and what was made against an exemption", () => {
    fc.assert(
      fc.property(fc.array(lift, { maxLength: 4 }), lease, (lifts, one) => {
        expect(liftedBy(lifts)(one)).toBe(lifts.some((other) => isCancelled(other, one)));
        for (const other of lifts) if (overlaps(other.cidr, one.cidr)) expect(cancels(other, one)).toBe(isCancelled(other, one));
      }),
      { numRuns: 2_000 },
    );
  });

  test("matter: as long as the exemption lasts, and as long as an older event may still come in late", () => {
    const now = 1_000_000_000;
    const old = now - 2 * limits.lateEventMs;
    const of = (at: number, exemptUntil: number | null): Lift => ({ key: `${at}`, cidr: cidrOf("203.0.113.7"), at, client: "*", exemptUntil });
    const matter = [of(old + 1, null), of(now, null), of(old, now + 1), of(0, now + 1), of(now, 0)];
    const over = [of(old, null), of(0, null), of(old, now), of(0, now - 1)];
    expect(liftsThatMatter([...over, ...matter], now)).toEqual(matter);
  });
});

describe("leases", () => {
  test("sort: every lease of a target is live, ended or held, by its end, its lifts and the brake", () => {
    fc.assert(
      fc.property(fc.array(lease, { maxLength: 6 }), fc.array(lift, { maxLength: 2 }), stop, time, time, (leases, lifts, brake, now, settleMs) => {
        const lifted = liftedBy(lifts);
        // Others spill into the hub: what names no target does not select it.
        const spills = new Set(["hub"]);
        for (const target of ["web", "hub"]) {
          const mine = leases.filter((one) => (one.targets === null ? target !== "hub" : (one.targets as readonly string[]).includes(target)));
          const isOver = (one: Lease) => one.until + settleMs <= now || lifted(one);
          const isWaiting = (one: Lease) => one.held && one.at > brake.releasedAt;
          expect(leasesOf(target, { leases, stop: brake }, lifted, now, settleMs, spills)).toEqual({
            live: mine.filter((one) => !isOver(one) && !isWaiting(one)),
            ended: mine.filter(isOver),
          });
          for (const one of leases) expect([selects(one, target, spills), isHeld(one, brake)]).toEqual([mine.includes(one), isWaiting(one)]);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("records", () => {
  test("merge: each record once, what was accepted lately over what is listed, the newer stop; all else is the listing's", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(lease, { selector: (one) => one.key }),
        fc.uniqueArray(lease, { selector: (one) => one.key }),
        fc.uniqueArray(lift, { selector: (one) => one.key }),
        fc.uniqueArray(lift, { selector: (one) => one.key }),
        fc.tuple(stop, stop),
        (listedLeases, leases, listedLifts, lifts, [listedStop, newStop]) => {
          const listing: Records = { leases: listedLeases, lifts: listedLifts, stop: listedStop, storeId: "store", complete: true, incompleteWhy: null };
          const merged = mergeRecords(listing, { leases, lifts, stop: newStop });
          const byKey = <T extends { readonly key: string }>(ones: readonly T[]) => [...ones].sort((a, b) => a.key.localeCompare(b.key));
          const without = <T extends { readonly key: string }>(ones: readonly T[], others: readonly T[]) =>
            ones.filter((one) => !others.some((other) => other.key === one.key));
          expect(byKey(merged.leases)).toEqual(byKey([...leases, ...without(listedLeases, leases)]));
          expect(byKey(merged.lifts)).toEqual(byKey([...lifts, ...without(listedLifts, lifts)]));
          expect(merged.stop).toBe(newStop.at > listedStop.at ? newStop : listedStop);
          expect([merged.storeId, merged.complete, merged.incompleteWhy]).toEqual(["store", true, null]);
        },
      ),
    );
  });

  test("nothing: before anything was read nothing is known, and what is known is not all", () => {
    expect(noRecords).toMatchObject({ leases: [], lifts: [], stop: noStop, storeId: null, complete: false });
    expect(noRecords.incompleteWhy).not.toBeNull();
    expect(noStop).toEqual({ at: 0, targets: {}, releasedAt: 0 });
  });

  test("states: of a block by target, without those that the snapshot does not have", () => {
    const states: Snapshot["states"] = [{ state: "enforced" }, { state: "shed", why: "full" }];
    const row = { key: "k", at: 0, until: 1, severity: "low" as const, records: [], states: { web: 1, hub: 0, edge: 7 } };
    expect(Object.entries(statesOf({ states } as unknown as Snapshot, row))).toEqual([
      ["web", { state: "shed", why: "full" }],
      ["hub", { state: "enforced" }],
    ]);
  });
});
