// Random worlds for the laws of a plan: leases, entries, rooms, protected and frozen blocks of one target, and a cloud
// that carries changes out.
import fc from "fast-check";
import { blockOf, type Cidr, cidrKey, contains, overlaps, sameCidr } from "../../shared/address/index.ts";
import { type Severity, severities } from "../../shared/config.ts";
import type { Lease } from "../../shared/lease/record.ts";
import type { Weighing } from "../../shared/lease/weight.ts";
import type { Policy } from "../../shared/plan/choose.ts";
import type { DecideRequest, TargetPlan } from "../../shared/plan/decide.ts";
import type { Change, Entry, Granularity, Observation, Pool } from "../../shared/provider.ts";

/** Few addresses in few sizes, so that nesting, merging and collisions are common. */
export const cidr: fc.Arbitrary<Cidr> = fc
  .record({ byte: fc.integer({ min: 0, max: 15 }), length: fc.constantFrom(28, 29, 30, 31, 32, 32, 32), six: fc.boolean() })
  .map(({ byte, length, six }) =>
    six
      ? blockOf(6, `20010db8${byte.toString(16).padStart(8, "0")}${"0".repeat(16)}`, length + 32)
      : blockOf(4, `cb0071${byte.toString(16).padStart(2, "0")}`, length),
  );

export const lease: fc.Arbitrary<Lease> = fc
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

export interface Scene {
  readonly live: readonly Lease[];
  readonly ended: readonly Lease[];
  readonly standing: readonly Cidr[];
  /** Which of `standing` are not whole yet. */
  readonly partial: readonly boolean[];
  readonly limits: { readonly v4: number; readonly v6: number; readonly both: number };
  /** Whether there is a pool that both families draw from. */
  readonly isShared: boolean;
  readonly maxEntries: number | null;
  readonly protectedBlocks: readonly Cidr[];
  readonly mayRemove: boolean;
  readonly canSwap: boolean;
  readonly granularity: Granularity;
  readonly frozen: readonly Cidr[];
}

/** Anything at all. */
export const scene: fc.Arbitrary<Scene> = fc.record({
  live: fc.array(lease, { maxLength: 14 }),
  ended: fc.array(lease, { maxLength: 8 }),
  standing: fc.array(cidr, { maxLength: 12 }),
  partial: fc.array(fc.constantFrom(true, false, false), { minLength: 12, maxLength: 12 }),
  limits: fc.record({ v4: fc.integer({ min: 0, max: 10 }), v6: fc.integer({ min: 0, max: 10 }), both: fc.integer({ min: 0, max: 14 }) }),
  isShared: fc.boolean(),
  maxEntries: fc.option(fc.integer({ min: 0, max: 10 }), { nil: null }),
  protectedBlocks: fc.array(cidr, { maxLength: 2 }),
  mayRemove: fc.boolean(),
  canSwap: fc.boolean(),
  granularity: fc.constantFrom<Granularity>("entry", "group", "set"),
  frozen: fc.array(cidr, { maxLength: 2 }),
});

/** A full target: room for few, most of what stands was asked for, little is unknown. Here it matters who makes way for whom. */
export const tightScene: fc.Arbitrary<Scene> = fc
  .record({
    live: fc.array(lease, { minLength: 3, maxLength: 9 }),
    ended: fc.array(lease, { maxLength: 2 }),
    asked: fc.array(fc.nat(), { maxLength: 6 }),
    unknown: fc.array(cidr, { maxLength: 1 }),
    family: fc.constantFrom<4 | 6 | null>(4, 6, null),
    limits: fc.record({ v4: fc.integer({ min: 0, max: 3 }), v6: fc.integer({ min: 0, max: 3 }), both: fc.integer({ min: 0, max: 4 }) }),
    isShared: fc.boolean(),
    maxEntries: fc.constantFrom(null, null, 1, 2, 3, 4),
    mayRemove: fc.constantFrom(true, true, true, true, true, false),
    canSwap: fc.boolean(),
    granularity: fc.constantFrom<Granularity>("entry", "entry", "group", "group", "set"),
    frozen: fc.array(fc.nat(), { maxLength: 1 }),
  })
  .map(({ live, ended, asked, unknown, family, frozen, ...rest }) => {
    const inFamily = <T extends { readonly cidr: Cidr }>(list: readonly T[]) => list.filter((one) => family === null || one.cidr.family === family);
    const blocks = inFamily([...live, ...ended]).map((one) => one.cidr);
    const pick = (at: number): Cidr[] => blocks.slice(at % Math.max(1, blocks.length)).slice(0, 1);
    return {
      ...rest,
      live: inFamily(live),
      ended: inFamily(ended),
      standing: [...asked.flatMap(pick), ...unknown],
      partial: [],
      protectedBlocks: [],
      frozen: frozen.flatMap(pick),
    };
  });

/** Neighbours, and few rules: what was asked for host by host can be held by wider blocks, and parts of them end. */
export const denseScene: fc.Arbitrary<Scene> = fc
  .record({
    base: tightScene,
    hosts: fc.uniqueArray(fc.integer({ min: 0, max: 7 }), { minLength: 4, maxLength: 8 }),
    over: fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 3 }),
    wide: fc.array(fc.record({ byte: fc.integer({ min: 0, max: 7 }), length: fc.constantFrom(29, 30, 31, 32) }), { maxLength: 4 }),
    severity: fc.constantFrom<Severity>("low", "medium", "medium"),
  })
  .map(({ base, hosts, over, wide, severity }) => {
    const hostOf = (byte: number) => blockOf(4, `cb0071${byte.toString(16).padStart(2, "0")}`, 32);
    const leaseAt = (byte: number, client: string): Lease => {
      const block = hostOf(byte);
      return { key: `${cidrKey(block)}|${client}`, cidr: block, at: byte, until: 30 + byte, client, severity, targets: null, held: false };
    };
    return {
      ...base,
      live: hosts.map((byte) => leaseAt(byte, "a")),
      ended: over.map((byte) => leaseAt(byte, "b")),
      standing: wide.map(({ byte, length }) => blockOf(4, `cb0071${byte.toString(16).padStart(2, "0")}`, length)),
      frozen: [],
    };
  });

/** What the laws are about: anything, full targets, and neighbours. */
export const anyScene: fc.Arbitrary<Scene> = fc.oneof(scene, tightScene, denseScene);

export function entries(blocks: readonly Cidr[]): Entry[] {
  return blocks.map((block, index) => ({ id: `e${index}`, cidr: block, partial: null }));
}

/** What stands, some of it only in part. */
export function entriesOf(found: Scene): Entry[] {
  return entries(found.standing).map((entry, index) => ({ ...entry, partial: found.partial[index] === true ? "half of it is missing" : null }));
}

export function poolsOf({ limits, isShared }: Scene): readonly Pool[] {
  const own: readonly Pool[] = [
    { name: "v4", families: [4], limit: limits.v4 },
    { name: "v6", families: [6], limit: limits.v6 },
  ];
  return isShared ? [...own, { name: "both", families: [4, 6], limit: limits.both }] : own;
}

function observationOf(ours: readonly Entry[], found: Scene): Observation {
  const pools = poolsOf(found);
  return { ours, foreign: [], pools, storeId: "s", enforcing: { yes: true }, terminal: null, serverDate: 0 };
}

export function isProtected(found: Scene, block: Cidr): boolean {
  return found.protectedBlocks.some((range) => overlaps(range, block));
}

export function requestOf(found: Scene, ours: readonly Entry[], changes: Partial<DecideRequest> = {}): DecideRequest {
  return {
    leases: { live: found.live, ended: found.ended },
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
    weighing,
    policy: { ...plainPolicy, isOffLimits: (block) => isProtected(found, block) },
    ...changes,
  };
}

/** Nothing is older than this moment: equals weigh the same. */
export const weighing: Weighing = { now: 0, halfLifeMs: 1 };

/** No bystanders, any length. */
export const plainPolicy: Policy = {
  collateral: { kind: "none" },
  lossMax: 0.01,
  lengths: { ipv4: { min: 1, max: 32 }, ipv6: { min: 1, max: 128 } },
  isOffLimits: () => false,
};

/** Carries the changes out as a perfect cloud would; `after` sees the entries after each single one. */
export function carryOut(ours: readonly Entry[], changes: readonly Change[], after: (entries: readonly Entry[], change: Change) => void): readonly Entry[] {
  let standing = [...ours];
  let next = ours.length + 1_000;
  for (const change of changes) {
    if (change.verb !== "add") standing = standing.filter((entry) => entry.id !== change.entry.id);
    const half = change.verb === "add" ? standing.find((entry) => entry.partial !== null && sameCidr(entry.cidr, change.cidr)) : undefined;
    if (half !== undefined) standing = standing.map((entry) => (entry === half ? { ...half, partial: null } : entry));
    else if (change.verb !== "remove") {
      next += 1;
      standing.push({ id: `n${next}`, cidr: change.cidr, partial: null });
    }
    after(standing, change);
  }
  return standing;
}

/** By how much the entries exceed the room, per pool; nothing may make any of these worse. */
export function excess(found: Scene, standing: readonly Entry[]): number[] {
  return roomsOf(found).map(({ families, limit }) => Math.max(0, standing.filter((entry) => families.includes(entry.cidr.family)).length - limit));
}

/** The pools, and what the operator allows of ours. */
export function roomsOf(found: Scene): readonly Pool[] {
  return [...poolsOf(found), { name: "maxEntries", families: [4, 6], limit: found.maxEntries ?? Number.POSITIVE_INFINITY }];
}

/** Whether all of the block stands blocked. */
export function covers(standing: readonly Entry[], block: Cidr): boolean {
  return standing.some((entry) => entry.partial === null && contains(entry.cidr, block));
}

export function liveNeeds(found: Scene): Lease[] {
  return found.live.filter((one) => !isProtected(found, one.cidr));
}

export function shedKeys(plan: TargetPlan): Set<string> {
  const shed = new Set(plan.shed.map((need) => need.key));
  for (const [key, cover] of plan.covered) if (shed.has(cover.key)) shed.add(key);
  return shed;
}

export const many = { numRuns: Number(process.env.PLAN_RUNS ?? 3_000) };
