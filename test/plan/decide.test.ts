// Laws of one target's plan, over random leases, entries, rooms and protected ranges: what is decided must be safe
// whatever stood before, and carrying it out again and again must end in a plan that changes nothing.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockOf, type Cidr, cidrKey, cidrText, contains, overlaps } from "../../shared/address/index.ts";
import { severities } from "../../shared/config.ts";
import type { Lease } from "../../shared/lease/record.ts";
import { type DecideRequest, decide, type TargetPlan } from "../../shared/plan/decide.ts";
import type { Change, Entry, Granularity, Observation } from "../../shared/provider.ts";

/** Few addresses in few sizes, so that nesting, merging and collisions are common. */
const cidr: fc.Arbitrary<Cidr> = fc
  .record({ byte: fc.integer({ min: 0, max: 15 }), length: fc.constantFrom(28, 29, 30, 31, 32, 32, 32), six: fc.boolean() })
  .map(({ byte, length, six }) =>
    six
      ? blockOf(6, `20010db8${byte.toString(16).padStart(8, "0")}${"0".repeat(16)}`, length + 32)
      : blockOf(4, `cb0071${byte.toString(16).padStart(2, "0")}`, length),
  );

const lease: fc.Arbitrary<Lease> = fc
  .record({
    cidr,
    at: fc.integer({ min: 0, max: 50 }),
    lasts: fc.integer({ min: 1, max: 60 }),
    severity: fc.constantFrom(...severities),
    client: fc.constantFrom("a", "b"),
  })
  .map(({ cidr: block, at, lasts, severity, client }) => ({
    key: `${cidrKey(block)}|${at}|${lasts}|${client}`,
    cidr: block,
    at,
    until: at + lasts,
    client,
    severity,
    targets: null,
    held: false,
  }));

interface Scene {
  readonly live: readonly Lease[];
  readonly ended: readonly Lease[];
  readonly standing: readonly Cidr[];
  readonly limits: { readonly v4: number; readonly v6: number; readonly both: number };
  readonly maxEntries: number | null;
  readonly protectedBlocks: readonly Cidr[];
  readonly mayRemove: boolean;
  readonly canSwap: boolean;
  readonly granularity: Granularity;
  readonly frozen: readonly Cidr[];
}

const scene: fc.Arbitrary<Scene> = fc.record({
  live: fc.array(lease, { maxLength: 14 }),
  ended: fc.array(lease, { maxLength: 8 }),
  standing: fc.array(cidr, { maxLength: 12 }),
  limits: fc.record({ v4: fc.integer({ min: 0, max: 10 }), v6: fc.integer({ min: 0, max: 10 }), both: fc.integer({ min: 0, max: 14 }) }),
  maxEntries: fc.option(fc.integer({ min: 0, max: 10 }), { nil: null }),
  protectedBlocks: fc.array(cidr, { maxLength: 2 }),
  mayRemove: fc.boolean(),
  canSwap: fc.boolean(),
  granularity: fc.constantFrom<Granularity>("entry", "group", "set"),
  frozen: fc.array(cidr, { maxLength: 2 }),
});

function entries(blocks: readonly Cidr[]): Entry[] {
  return blocks.map((block, index) => ({ id: `e${index}`, cidr: block, partial: null }));
}

function observationOf(ours: readonly Entry[], { limits }: Scene): Observation {
  const pools = [
    { name: "v4", families: [4] as const, limit: limits.v4 },
    { name: "v6", families: [6] as const, limit: limits.v6 },
    { name: "both", families: [4, 6] as const, limit: limits.both },
  ];
  return { ours, foreign: [], pools, storeId: "s", enforcing: { yes: true }, terminal: null, serverDate: 0 };
}

function isProtected(found: Scene, block: Cidr): boolean {
  return found.protectedBlocks.some((range) => overlaps(range, block));
}

function requestOf(found: Scene, ours: readonly Entry[], changes: Partial<DecideRequest> = {}): DecideRequest {
  return {
    leases: { live: found.live, ended: found.ended, held: [] },
    observation: observationOf(ours, found),
    admit: (block) => (isProtected(found, block) ? { kind: "protected", why: "protected" } : { cidr: block }),
    isProtected: (block) => isProtected(found, block),
    granularity: found.granularity,
    canSwap: found.canSwap,
    maxEntries: found.maxEntries,
    intent: "enforce",
    mayRemove: found.mayRemove,
    orphanMayGo: () => false,
    leftovers: new Set(),
    frozenBlocks: new Set(found.frozen.map(cidrKey)),
    ...changes,
  };
}

/** Carries the changes out as a perfect cloud would; `after` sees the entries after each single one. */
function carryOut(ours: readonly Entry[], changes: readonly Change[], after: (entries: readonly Entry[], change: Change) => void): readonly Entry[] {
  let standing = [...ours];
  let next = ours.length + 1_000;
  for (const change of changes) {
    if (change.verb !== "add") standing = standing.filter((entry) => entry.id !== change.entry.id);
    if (change.verb !== "remove") {
      next += 1;
      standing.push({ id: `n${next}`, cidr: change.cidr, partial: null });
    }
    after(standing, change);
  }
  return standing;
}

function used(standing: readonly Entry[], families: readonly number[]): number {
  return standing.filter((entry) => families.includes(entry.cidr.family)).length;
}

/** By how much the entries exceed the room, per pool; nothing may make any of these worse. */
function excess(found: Scene, standing: readonly Entry[]): number[] {
  const { v4, v6, both } = found.limits;
  const most = found.maxEntries ?? Number.POSITIVE_INFINITY;
  return [used(standing, [4]) - v4, used(standing, [6]) - v6, used(standing, [4, 6]) - both, standing.length - most].map((over) => Math.max(0, over));
}

/** Every address that live leases want blocked and that stands blocked. */
function covers(standing: readonly Entry[], block: Cidr): boolean {
  return standing.some((entry) => contains(entry.cidr, block));
}

function liveNeeds(found: Scene): Lease[] {
  return found.live.filter((one) => !isProtected(found, one.cidr));
}

function shedKeys(plan: TargetPlan): Set<string> {
  const shed = new Set(plan.shed.map((need) => need.key));
  for (const [key, cover] of plan.covered) if (shed.has(cover.key)) shed.add(key);
  return shed;
}

const many = { numRuns: Number(process.env.PLAN_RUNS ?? 3_000) };

describe("a plan", () => {
  test("gates: no change opens a gate that a live, placed lease needs and that was closed", () => {
    fc.assert(
      fc.property(scene, (found) => {
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
      fc.property(scene, (found) => {
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
      fc.property(scene, (found) => {
        const ours = entries(found.standing);
        const final = carryOut(ours, decide(requestOf(found, ours)).changes, () => undefined);
        expect(final.filter((entry) => isProtected(found, entry.cidr))).toEqual([]);
      }),
      many,
    );
  });

  test("proof: without the right to remove, nothing goes but the protected", () => {
    fc.assert(
      fc.property(scene, (found) => {
        const plan = decide(requestOf({ ...found, mayRemove: false }, entries(found.standing)));
        for (const change of plan.changes) if (change.verb !== "add") expect(isProtected(found, change.entry.cidr)).toBe(true);
      }),
      many,
    );
  });

  test("proof: what no record touches stays, unless the orphan rule lets it go", () => {
    fc.assert(
      fc.property(scene, (found) => {
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
      fc.property(scene, fc.integer({ min: 1, max: 1_000 }), (found, seed) => {
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
      fc.property(scene, (found) => {
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

  test("value: when it has settled, nothing that was shed is severer than what stands of its family for live leases", () => {
    fc.assert(
      fc.property(scene, (found) => {
        const settled = { ...found, mayRemove: true, canSwap: true, standing: [], frozen: [] };
        let ours: readonly Entry[] = [];
        let plan = decide(requestOf(settled, ours));
        for (let pass = 0; pass < 12 && plan.changes.length > 0; pass += 1) {
          ours = carryOut(ours, plan.changes, () => undefined);
          plan = decide(requestOf(settled, ours));
        }
        for (const shed of plan.shed) {
          for (const placed of plan.placed) if (placed.cidr.family === shed.cidr.family) expect(placed.severity).toBeGreaterThanOrEqual(shed.severity);
        }
      }),
      many,
    );
  });

  test("equals: what stands is never displaced by an equal, whatever comes", () => {
    fc.assert(
      fc.property(scene, lease, (found, newcomer) => {
        const same = found.live.map((one) => ({ ...one, severity: "medium" as const }));
        const settled = { ...found, mayRemove: true, live: same, ended: [], standing: [], frozen: [] };
        let ours: readonly Entry[] = [];
        for (let pass = 0; pass < 12; pass += 1) ours = carryOut(ours, decide(requestOf(settled, ours)).changes, () => undefined);
        const joined = { ...settled, live: [...same, { ...newcomer, at: -1, severity: "medium" as const }] };
        for (const removal of decide(requestOf(joined, ours)).removals) expect(["superseded", "over-limit"]).toContain(removal.proof);
      }),
      many,
    );
  });

  test("drain: everything of ours goes and nothing is added", () => {
    fc.assert(
      fc.property(scene, (found) => {
        const ours = entries(found.standing);
        const plan = decide(requestOf(found, ours, { intent: "drain" }));
        expect(carryOut(ours, plan.changes, () => undefined)).toEqual([]);
      }),
      many,
    );
  });
});
