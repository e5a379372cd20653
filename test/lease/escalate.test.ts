// Laws of growing leases: who counts as come back, and for how long.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Escalation } from "../../shared/config.ts";
import { escalatedMs, joinedPast, offenceOf, type PastLease } from "../../shared/lease/escalate.ts";
import { limits } from "../../shared/limits.ts";

const hour = 3_600_000;
const day = 24 * hour;
const rule: fc.Arbitrary<Escalation> = fc.record({
  factor: fc.double({ min: 1.01, max: limits.escalateFactorMax, noNaN: true }),
  maxMs: fc.integer({ min: 60_000, max: limits.leaseLongestMs }),
  memoryMs: fc.integer({ min: 60_000, max: limits.escalateMemoryLongestMs }),
});
const asked = fc.integer({ min: 60, max: 30 * 86_400 }).map((seconds) => seconds * 1_000);
const longest = fc.integer({ min: 60_000, max: limits.leaseLongestMs });
const offence = fc.integer({ min: 0, max: limits.offenceMax });
const past: fc.Arbitrary<PastLease> = fc
  .record({ at: fc.integer({ min: 0, max: 60 * day }), forMs: fc.integer({ min: 1, max: 30 * day }), offence: fc.integer({ min: 0, max: 40 }) })
  .map(({ at, forMs, offence: number }) => ({ at, until: at + forMs, ...(number === 0 ? {} : { offence: number }) }));

describe("the length of a lease", () => {
  test("grows: never less for a later offence, a higher factor, a higher most", () => {
    fc.assert(
      fc.property(asked, offence, offence, rule, longest, fc.double({ min: 1, max: 3, noNaN: true }), (ms, one, other, of, most, more) => {
        const [few, many] = one < other ? [one, other] : [other, one];
        expect(escalatedMs(ms, many, of, most)).toBeGreaterThanOrEqual(escalatedMs(ms, few, of, most));
        expect(escalatedMs(ms, few, { ...of, factor: of.factor * more }, most)).toBeGreaterThanOrEqual(escalatedMs(ms, few, of, most));
        expect(escalatedMs(ms, few, { ...of, maxMs: of.maxMs * more }, most)).toBeGreaterThanOrEqual(escalatedMs(ms, few, of, most));
      }),
    );
  });

  test("bounds: never shorter than asked; what is longer than asked is within the rule and the client's longest, and in whole seconds", () => {
    fc.assert(
      fc.property(asked, offence, rule, longest, (ms, number, of, most) => {
        const grown = escalatedMs(ms, number, of, most);
        expect(grown).toBeGreaterThanOrEqual(ms);
        if (grown > ms) expect(grown).toBeLessThanOrEqual(Math.min(of.maxMs, most));
        expect(grown % 1_000).toBe(0);
        expect(escalatedMs(ms, 0, of, most)).toBe(ms);
      }),
    );
    // An offence number of hundreds overflows the power, and the most still holds.
    expect(escalatedMs(hour, limits.offenceMax, { factor: 100, maxMs: day }, 30 * day)).toBe(day);
    expect([0, 1, 2, 3, 4].map((number) => escalatedMs(4 * hour, number, { factor: 2, maxMs: 30 * day }, 24 * hour) / hour)).toEqual([4, 8, 16, 24, 24]);
  });
});

describe("the offence", () => {
  const memoryMs = 7 * day;

  test("return: counts one more than the highest that is remembered, and only after the end of all of them", () => {
    fc.assert(
      fc.property(fc.array(past, { maxLength: 6 }), fc.integer({ min: 0, max: 100 * day }), fc.integer({ min: 1, max: 30 * day }), (known, eventAt, memory) => {
        const counting = known.filter(({ until }) => eventAt - until <= memory);
        const highest = Math.max(-1, ...counting.map((lease) => lease.offence ?? 0));
        const isLater = counting.every(({ until }) => eventAt > until);
        const { number, kind } = offenceOf(eventAt, known, memory);
        expect(kind).toBe(counting.length === 0 ? "first" : isLater ? "return" : "same");
        expect(number).toBe(kind === "first" ? 0 : kind === "return" ? highest + 1 : highest);
        // In whatever order it is known, and however often.
        expect(offenceOf(eventAt, [...known, ...known].reverse(), memory)).toEqual({ number, kind });
      }),
    );
  });

  test("edges: at its end is not after it, and memory ends when it says", () => {
    const one = { at: 0, until: hour };
    expect(offenceOf(hour, [one], memoryMs)).toEqual({ number: 0, kind: "same" });
    expect(offenceOf(hour + 1, [one], memoryMs)).toEqual({ number: 1, kind: "return" });
    expect(offenceOf(hour + memoryMs, [one], memoryMs)).toEqual({ number: 1, kind: "return" });
    expect(offenceOf(hour + memoryMs + 1, [one], memoryMs)).toEqual({ number: 0, kind: "first" });
    expect(offenceOf(hour + 1, [{ ...one, offence: limits.offenceMax }], memoryMs)).toEqual({ number: limits.offenceMax, kind: "return" });
  });

  test("redelivery, late events, a clock set back: what happened before the end of the last lease never makes one longer", () => {
    fc.assert(
      fc.property(past, fc.array(past, { maxLength: 3 }), fc.nat(60 * day), (last, others, before) => {
        const eventAt = Math.max(0, last.until - before);
        expect(offenceOf(eventAt, [last, ...others], memoryMs).kind).not.toBe("return");
      }),
    );
  });
});

describe("two leases as one memory", () => {
  test("joined: order does not matter, joining twice changes nothing, and the answer is that of both apart", () => {
    fc.assert(
      fc.property(past, past, fc.integer({ min: 1, max: 30 * day }), fc.nat(40 * day), (a, b, memoryMs, after) => {
        const joined = joinedPast(a, b, memoryMs);
        expect(joinedPast(b, a, memoryMs)).toEqual(joined);
        expect(joinedPast(joined, joined, memoryMs)).toEqual(joined);
        const [earlier, later] = a.until < b.until ? [a, b] : [b, a];
        const eventAt = later.until + 1 + after;
        const apart = offenceOf(eventAt, [a, b], memoryMs);
        expect(offenceOf(eventAt, [joined], memoryMs).kind).toBe(apart.kind);
        // It may remember more than both apart where the chain of leases was never broken, never less.
        expect(offenceOf(eventAt, [joined], memoryMs).number).toBeGreaterThanOrEqual(later.at - earlier.until <= memoryMs ? apart.number : 0);
      }),
    );
  });

  test("joined: of two that end together the one that began later says since when, the higher number stays", () => {
    const early = { at: 1, until: hour, offence: 5 };
    const late = { at: 2, until: hour };
    for (const [a, b] of [
      [early, late],
      [late, early],
    ] as const)
      expect(joinedPast(a, b, 7 * day)).toEqual({ at: 2, until: hour, offence: 5 });
  });

  test("joined: what was forgotten before the later lease began stays forgotten", () => {
    const old = { at: 0, until: hour, offence: 3 };
    const late = { at: hour + 8 * day, until: 9 * day };
    expect(joinedPast(old, late, 7 * day)).toEqual(late);
    expect(joinedPast(old, { ...late, offence: 2 }, 7 * day)).toEqual({ ...late, offence: 2 });
    expect(joinedPast(old, { at: 2 * day, until: 3 * day }, 7 * day)).toEqual({ at: 2 * day, until: 3 * day, offence: 3 });
  });
});
