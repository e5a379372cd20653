// Laws of one target's plan, over random leases, entries, rooms and protected ranges: what is decided must be safe
// whatever stood before, and carrying it out again and again must end in a plan that changes nothing.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cidrKey, cidrText, contains, overlaps } from "../../shared/address/index.ts";
import { decide, type TargetPlan } from "../../shared/plan/decide.ts";
import type { Entry } from "../../shared/provider.ts";
import { anyScene, carryOut, covers, entries, excess, isProtected, lease, liveNeeds, many, requestOf, shedKeys } from "./scene.ts";

describe("a plan", () => {
  test("gates: no change opens a gate that a live, placed lease needs and that was closed", () => {
    fc.assert(
      fc.property(anyScene, (found) => {
        const ours = entries(found.standing);
        const plan = decide(requestOf(found, ours));
        const shed = shedKeys(plan);
        const closed = liveNeeds(found).filter((one) => covers(ours, one.cidr) && !shed.has(cidrKey(one.cidr)));
        // Group kinds write once, at the end; for the others every intermediate state counts.
        const check = (standing: readonly Entry[]) => {
          for (const one of closed) {
            const byProtected = ours.some((entry) => contains(entry.cidr, one.cidr) && isProtected(found, entry.cidr));
            if (!byProtected) expect(covers(standing, one.cidr), cidrText(one.cidr)).toBe(true);
          }
        };
        const final = carryOut(ours, plan.changes, (standing) => found.granularity !== "group" && check(standing));
        check(final);
      }),
      many,
    );
  });

  test("room: no change makes any pool fuller than its limit", () => {
    fc.assert(
      fc.property(anyScene, (found) => {
        const ours = entries(found.standing);
        let before = excess(found, ours);
        carryOut(ours, decide(requestOf(found, ours)).changes, (standing) => {
          const now = excess(found, standing);
          for (const [index, over] of now.entries()) expect(over).toBeLessThanOrEqual(before[index] ?? 0);
          before = now;
        });
      }),
      many,
    );
  });

  test("protection: nothing is added over a protected address, and what stands over one goes, proof or no proof", () => {
    fc.assert(
      fc.property(anyScene, (found) => {
        const ours = entries(found.standing);
        const final = carryOut(ours, decide(requestOf(found, ours)).changes, () => undefined);
        expect(final.filter((entry) => isProtected(found, entry.cidr))).toEqual([]);
      }),
      many,
    );
  });

  test("proof: without the right to remove, nothing goes but the protected", () => {
    fc.assert(
      fc.property(anyScene, (found) => {
        const plan = decide(requestOf({ ...found, mayRemove: false }, entries(found.standing)));
        for (const change of plan.changes) if (change.verb !== "add") expect(isProtected(found, change.entry.cidr)).toBe(true);
      }),
      many,
    );
  });

  test("proof: what no record touches stays, unless the orphan rule lets it go", () => {
    fc.assert(
      fc.property(anyScene, (found) => {
        const ours = entries(found.standing);
        const unknown = (entry: Entry) => ![...found.live, ...found.ended].some((one) => overlaps(one.cidr, entry.cidr)) && !isProtected(found, entry.cidr);
        const kept = decide(requestOf(found, ours));
        for (const removal of kept.removals) expect(unknown(removal.entry)).toBe(false);
        const swept = decide(requestOf({ ...found, mayRemove: true }, ours, { orphanMayGo: () => true }));
        const gone = new Set(swept.removals.map((removal) => removal.entry.id));
        for (const entry of ours) if (unknown(entry)) expect(gone.has(entry.id)).toBe(true);
      }),
      many,
    );
  });

  test("order: the order of leases and entries does not change the plan", () => {
    fc.assert(
      fc.property(anyScene, fc.integer({ min: 1, max: 1_000 }), (found, seed) => {
        const ours = entries(found.standing);
        const shuffled = <T>(list: readonly T[]): T[] =>
          [...list].sort((a, b) => ((JSON.stringify(a).length * seed) % 7) - ((JSON.stringify(b).length * seed) % 7));
        const one = decide(requestOf(found, ours));
        const other = decide(requestOf({ ...found, live: shuffled(found.live), ended: shuffled(found.ended) }, ours));
        const names = (plan: TargetPlan) => [plan.placed.map((need) => need.key), plan.shed.map((need) => need.key), plan.changes];
        expect(names(other)).toEqual(names(one));
      }),
      many,
    );
  });

  test("convergence: carried out again and again, a plan comes to change nothing, and what is placed stands", () => {
    fc.assert(
      fc.property(anyScene, (found) => {
        const settled = { ...found, mayRemove: true, frozen: [] };
        let ours: readonly Entry[] = entries(found.standing);
        let plan = decide(requestOf(settled, ours));
        for (let pass = 0; pass < 12 && plan.changes.length > 0; pass += 1) {
          ours = carryOut(ours, plan.changes, () => undefined);
          plan = decide(requestOf(settled, ours));
        }
        expect(plan.changes).toEqual([]);
        const waiting = new Set(plan.waiting.map((need) => need.key));
        for (const need of plan.placed) if (!waiting.has(need.key)) expect(covers(ours, need.cidr)).toBe(true);
      }),
      many,
    );
  });

  test("value: when it has settled, nothing that was shed is severer, or twice as heavy, as what stands of its family for live leases", () => {
    fc.assert(
      fc.property(anyScene, (found) => {
        const settled = { ...found, mayRemove: true, canSwap: true, standing: [], frozen: [] };
        let ours: readonly Entry[] = [];
        let plan = decide(requestOf(settled, ours));
        for (let pass = 0; pass < 12 && plan.changes.length > 0; pass += 1) {
          ours = carryOut(ours, plan.changes, () => undefined);
          plan = decide(requestOf(settled, ours));
        }
        for (const shed of plan.shed) {
          for (const placed of plan.placed) {
            if (placed.cidr.family !== shed.cidr.family || overlaps(placed.cidr, shed.cidr)) continue;
            expect(placed.severity).toBeGreaterThanOrEqual(shed.severity);
            // What stands counts up to twice: it is not redrawn for less.
            expect(2 * placed.weight).toBeGreaterThanOrEqual(shed.weight);
          }
        }
      }),
      many,
    );
  });

  test("equals: what stands is never displaced by an equal, whatever comes", () => {
    fc.assert(
      fc.property(anyScene, lease, (found, newcomer) => {
        const same = found.live.map((one) => ({ ...one, client: "a", severity: "medium" as const }));
        const settled = { ...found, mayRemove: true, live: same, ended: [], standing: [], frozen: [] };
        let ours: readonly Entry[] = [];
        for (let pass = 0; pass < 12; pass += 1) ours = carryOut(ours, decide(requestOf(settled, ours)).changes, () => undefined);
        const joined = { ...settled, live: [...same, { ...newcomer, client: "a", at: -1, severity: "medium" as const }] };
        const plan = decide(requestOf(joined, ours));
        const had = new Set(ours.map((entry) => cidrKey(entry.cidr)));
        for (const { entry, proof } of plan.removals) {
          if (proof !== "displaced") expect(["superseded", "over-limit"]).toContain(proof);
          // Several equals under one rule outweigh one.
          else
            expect(
              plan.placed.some((need) => !had.has(need.key) && need.weight > 1),
              cidrText(entry.cidr),
            ).toBe(true);
        }
      }),
      many,
    );
  });

  test("equals: when some leases end, what another lease keeps standing gives its place only to something strictly heavier", () => {
    fc.assert(
      fc.property(anyScene, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), (found, ends) => {
        const settled = { ...found, mayRemove: true, standing: [], frozen: [] };
        let ours: readonly Entry[] = [];
        for (let pass = 0; pass < 12; pass += 1) ours = carryOut(ours, decide(requestOf(settled, ours)).changes, () => undefined);
        const isEnded = (_one: unknown, index: number) => ends[index % ends.length] === true;
        const later = {
          ...settled,
          live: settled.live.filter((one, index) => !isEnded(one, index)),
          ended: [...settled.ended, ...settled.live.filter(isEnded)],
        };
        const plan = decide(requestOf(later, ours));
        const final = carryOut(ours, plan.changes, () => undefined);
        const had = new Set(ours.map((entry) => cidrKey(entry.cidr)));
        for (const one of liveNeeds(later)) {
          // What a wider block kept closed, that nobody asks for any more, never had a place of its own.
          if (!had.has(cidrKey(one.cidr)) || covers(final, one.cidr)) continue;
          const weight = plan.needs.needs.find((need) => need.key === cidrKey(one.cidr))?.weight ?? 0;
          const heavier = plan.placed.some((need) => need.weight > weight && !had.has(need.key));
          const isOver = plan.removals.some(({ proof }) => proof === "over-limit");
          expect(heavier || isOver, cidrText(one.cidr)).toBe(true);
        }
      }),
      many,
    );
  });

  test("drain: everything of ours goes and nothing is added", () => {
    fc.assert(
      fc.property(anyScene, (found) => {
        const ours = entries(found.standing);
        const plan = decide(requestOf(found, ours, { intent: "drain" }));
        expect(carryOut(ours, plan.changes, () => undefined)).toEqual([]);
      }),
      many,
    );
  });
});
