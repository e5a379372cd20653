// What a pass knows of the desired state: all pages or an admission that they are not all, every key read or named, and
// what a snapshot or a new name makes of it.
import { describe, expect, test } from "vitest";
import { listRecords, readRecords, recordsOfSnapshot, underNewNames } from "../../functions/pass/records.ts";
import type { World } from "../../functions/pass/world.ts";
import { cidrKey, cidrOf } from "../../shared/address/index.ts";
import { leaseKey, leaseMetadata, liftKey, liftMetadata, stopMetadata } from "../../shared/keys.ts";
import { type Lease, type Lift, noStop, type StopState } from "../../shared/lease/record.ts";
import type { Snapshot } from "../../shared/lease/snapshot.ts";
import { limits } from "../../shared/limits.ts";
import type { LogRecord, StoreKey } from "../../shared/ports.ts";
import { storeId, targetConfig, worldOf } from "./world.ts";

const cidr = cidrOf("203.0.113.7");
const lease: Lease = { key: leaseKey(cidr, 9, "a"), cidr, at: 1, until: 9, client: "a", severity: "high", targets: ["web"], held: false };
const lift: Lift = { key: liftKey(cidr, 3, "*"), cidr, at: 3, client: "*", exemptUntil: 7 };
const stop: StopState = { at: 4, targets: { web: "freeze" }, releasedAt: 2 };

const keys: readonly StoreKey[] = [
  { name: lease.key, metadata: leaseMetadata(lease) },
  { name: lift.key, metadata: liftMetadata(lift) },
  { name: "snapshot", metadata: null },
  { name: "stop", metadata: stopMetadata(stop) },
  { name: "meta:store", metadata: { id: storeId } },
];

/** A store with these pages. */
function listOf(...pages: readonly (readonly StoreKey[])[]): World["store"]["list"] {
  return async (cursor) => {
    const page = cursor === null ? 0 : Number(cursor);
    return { keys: [...(pages[page] ?? [])], cursor: page + 1 < pages.length ? `${page + 1}` : null };
  };
}

async function listed(...pages: readonly (readonly StoreKey[])[]) {
  return listRecords({ list: listOf(...pages) } as unknown as World["store"]);
}

describe("a listing", () => {
  test("whole: every record of every page", async () => {
    const all = { leases: [lease], lifts: [lift], stop, storeId, complete: true, incompleteWhy: null };
    expect(await listed(keys)).toEqual(all);
    expect(await listed(keys.slice(0, 1), keys.slice(1, 3), [], keys.slice(3))).toEqual(all);
  });

  test("not whole: without the store's id, with a key that nobody can read, or with more pages than may be read", async () => {
    expect(await listed([])).toEqual({
      leases: [],
      lifts: [],
      stop: noStop,
      storeId: null,
      complete: false,
      incompleteWhy: expect.stringContaining("no id") as string,
    });
    const odd = await listed([...keys, { name: "other", metadata: null }, { name: "lease:?", metadata: null }]);
    expect([odd.complete, odd.leases, odd.incompleteWhy]).toEqual([false, [lease], expect.stringMatching(/^2 records cannot be read, the first: "other"/)]);
    const most = Array.from({ length: limits.listPagesMax }, (_, page) => (page === 0 ? keys : []));
    expect((await listed(...most)).complete).toBe(true);
    let calls = 0;
    const list: World["store"]["list"] = async () => {
      calls += 1;
      return { keys: [], cursor: `${calls}` };
    };
    const endless = await listRecords({ list } as unknown as World["store"]);
    expect([calls, endless.complete, endless.incompleteWhy]).toEqual([
      limits.listPagesMax,
      false,
      expect.stringContaining(`more than ${limits.listPagesMax} pages`),
    ]);
  });
});

const record = { client: "a", at: 1, until: 9, severity: "high" as const, targets: ["web"], held: false };
const snapshot = {
  version: 1,
  blocks: [
    { key: cidrKey(cidr), at: 1, until: 9, severity: "high", records: [record, { ...record, client: "b" }], states: {} },
    { key: "nonsense", at: 1, until: 9, severity: "high", records: [record], states: {} },
  ],
  lifts: [
    { key: cidrKey(cidr), at: 3, client: "*", exemptUntil: 7 },
    { key: "nonsense", at: 3, client: "*", exemptUntil: 7 },
  ],
  stop,
  storeId,
} as unknown as Snapshot;

describe("a snapshot", () => {
  test("known: its blocks and lifts as records again, never enough to remove by", () => {
    const { incompleteWhy, ...rest } = recordsOfSnapshot(snapshot);
    const other = { ...lease, client: "b", key: leaseKey(cidr, 9, "b") };
    expect(rest).toEqual({ leases: [lease, other], lifts: [lift], stop, storeId, complete: false });
    expect(incompleteWhy).not.toBeNull();
  });
});

describe("new names", () => {
  const named = (formerly: string | null) => ({ ...targetConfig, formerly });
  const records = {
    leases: [lease, { ...lease, targets: null }, { ...lease, targets: ["hub", "old", "web"] }],
    lifts: [lift],
    stop: { ...stop, targets: { old: "freeze", web: "drain", "*": "freeze" } as const },
    storeId,
    complete: true,
    incompleteWhy: null,
  };

  test("rename: what was asked of the former name, and what stopped it, is the new one's; what was said of the new one wins", () => {
    const renamed = underNewNames(records, { web: named("old"), hub: named(null) });
    expect(renamed.leases.map((one) => one.targets)).toEqual([["web"], null, ["hub", "web", "web"]]);
    expect(renamed.stop).toEqual({ ...stop, targets: { web: "drain", "*": "freeze" } });
    expect([renamed.lifts, renamed.storeId, renamed.complete]).toEqual([[lift], storeId, true]);
    const onlyOld = { ...records, stop: { ...stop, targets: { old: "freeze" } as const } };
    expect(underNewNames(onlyOld, { web: named("old") }).stop.targets).toEqual({ web: "freeze" });
    const reversed = { ...records, stop: { ...stop, targets: { web: "drain", old: "freeze" } as const } };
    expect(underNewNames(reversed, { web: named("old") }).stop.targets).toEqual({ web: "drain" });
  });

  test("same: where nothing was renamed, or the former name is in use again", () => {
    expect(underNewNames(records, { web: named(null) })).toBe(records);
    expect(underNewNames(records, { web: named("old"), old: named(null) })).toBe(records);
    expect(underNewNames(records, { web: named("constructor") }).leases[0]?.targets).toEqual(["web"]);
  });
});

describe("reading", () => {
  test("fresh: the listing and what was accepted lately; reused: the snapshot, where there is one, and no listing", async () => {
    let calls = 0;
    const list: World["store"]["list"] = async (cursor) => {
      calls += 1;
      return listOf(keys)(cursor);
    };
    const world = await worldOf({ list });
    const late = { ...lease, client: "late", key: leaseKey(cidr, 9, "late") };
    await world.memory.remember(late.key, leaseMetadata(late), 1);
    expect(await readRecords(world, "fresh")).toMatchObject({ fresh: "fresh", error: null, records: { leases: [lease, late], complete: true } });
    expect(await readRecords(world, "reuse")).toMatchObject({ fresh: "fresh", error: null });
    expect(calls).toBe(2);
    world.memory.snapshot = snapshot;
    const reused = await readRecords(world, "reuse");
    expect([reused.fresh, reused.error, reused.records.complete, reused.records.leases.map((one) => one.client), calls]).toEqual([
      "reused",
      null,
      false,
      ["a", "b", "late"],
      2,
    ]);
    expect((await readRecords(world, "fresh")).fresh).toBe("fresh");
  });

  test("broken: a store that cannot be listed leaves what is known, which is never whole, and is told", async () => {
    const logs: LogRecord[] = [];
    const list = async () => {
      throw new Error("no route");
    };
    const world = await worldOf({ list, log: (one) => logs.push(one) });
    const nothing = await readRecords(world, "fresh");
    expect([nothing.fresh, nothing.records.leases, nothing.records.complete, nothing.records.incompleteWhy]).toEqual(["reused", [], false, nothing.error]);
    expect(nothing.error).not.toBeNull();
    expect(logs).toMatchObject([{ level: "error", event: "store.list.failed", code: "STORE_UNAVAILABLE" }]);
    world.memory.snapshot = snapshot;
    expect((await readRecords(world, "fresh")).records).toMatchObject({ leases: [lease, { client: "b" }], complete: false });
  });
});
