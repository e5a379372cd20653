// What a block weighs: laws of the formula that `shared/lease/README.md` documents.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockOf } from "../../shared/address/index.ts";
import { type Severity, severities } from "../../shared/config.ts";
import type { Lease } from "../../shared/lease/record.ts";
import { weighingAt, weightOf, weightOfAll } from "../../shared/lease/weight.ts";
import { limits } from "../../shared/limits.ts";

const now = Date.UTC(2026, 0, 5);
const day = 86_400_000;
const weighing = weighingAt(now, {});

interface Said {
  readonly severity: Severity;
  readonly age: number;
  readonly client: string;
  readonly offence: number;
}

const said: fc.Arbitrary<Said> = fc.record({
  severity: fc.constantFrom(...severities),
  age: fc.integer({ min: 0, max: limits.leaseLongestMs }),
  client: fc.constantFrom("a", "b", "c", "d"),
  offence: fc.integer({ min: 0, max: 12 }),
});

const leasesOf = (list: readonly Said[]) => list.map(({ severity, age, client, offence }) => ({ severity, at: now - age, client, offence }));
const weight = (list: readonly Said[]) => weightOf(leasesOf(list), weighing).weight;
const some = fc.array(said, { minLength: 1, maxLength: 6 });

describe("weight", () => {
  test("severity: whatever else is said, a severer block weighs more than twice a less severe one, so that it takes its place", () => {
    fc.assert(
      fc.property(some, some, (one, other) => {
        const severest = (list: readonly Said[]) => Math.max(...list.map(({ severity }) => severities.indexOf(severity)));
        if (severest(one) > severest(other)) expect(weight(one)).toBeGreaterThan(2 * weight(other));
      }),
      { numRuns: 3_000 },
    );
  });

  test("time: waiting halves all alike, so that no two blocks ever change their order", () => {
    fc.assert(
      fc.property(some, some, fc.integer({ min: 0, max: 20 * day }), (one, other, later) => {
        const at = (list: readonly Said[], moment: number) => weightOf(leasesOf(list), { ...weighing, now: moment }).weight;
        expect(at(one, now + later) / at(other, now + later)).toBeCloseTo(at(one, now) / at(other, now), 6);
        expect(at(one, now + limits.weightHalfLifeMs) / at(one, now)).toBeCloseTo(0.5, 6);
      }),
    );
  });

  test("more: another event, client, return or severity never makes it lighter, and the parts make the whole", () => {
    fc.assert(
      fc.property(some, said, (list, more) => {
        expect(weight([...list, more])).toBeGreaterThanOrEqual(weight(list));
        const parts = weightOf(leasesOf(list), weighing);
        expect(parts.severity * parts.recency * parts.agreement * parts.returns).toBeCloseTo(parts.weight, 9);
        for (const share of [parts.agreement, parts.returns]) expect([share >= 1, share < 2]).toEqual([true, true]);
      }),
    );
  });

  test("same: repeats of one client say nothing new, two clients say half as much again", () => {
    const one: Said = { severity: "medium", age: 0, client: "a", offence: 0 };
    expect([weight([one]), weight([one, one]), weight([one, { ...one, client: "b" }]), weight([{ ...one, offence: 1 }])]).toEqual([1, 1, 1.5, 1.5]);
    expect([weight([{ ...one, severity: "low" }]), weight([{ ...one, severity: "critical" }]), weightOf([], weighing).weight]).toEqual([0.005, 40_000, 0]);
  });

  test("clocks: an event from the future counts as now, and the oldest still weighs something", () => {
    const lease = { severity: "medium" as const, at: now + day, client: "a" };
    expect(weightOf([lease], weighing).weight).toBe(1);
    expect(weightOf([{ ...lease, at: 0 }], { now, halfLifeMs: 60_000 }).weight).toBeGreaterThan(0);
    expect(weighingAt(now, { weight: { halfLifeMs: 5 } })).toEqual({ now, halfLifeMs: 5 });
  });

  test("sum: blocks are weighed one by one and added up", () => {
    const leaseAt = (number: number, client: string): Lease => {
      const cidr = blockOf(4, `cb0071${number.toString(16).padStart(2, "0")}`, 32);
      return { key: `${number}${client}`, cidr, at: now, until: now + day, client, severity: "medium", targets: null, held: false };
    };
    expect(weightOfAll([leaseAt(1, "a"), leaseAt(1, "b"), leaseAt(2, "a")], weighing)).toBe(2.5);
  });
});
