// Reads the desired state: one listing shared by all targets, united with what was accepted lately.
// A listing that was cut short, or holds a key that cannot be read, is said to be incomplete; it is never taken as whole.
import { cidrFromKey } from "../../shared/address/index.ts";
import type { Config } from "../../shared/config.ts";
import { asPortcullisError } from "../../shared/errors.ts";
import type { EventSummary } from "../../shared/event/record.ts";
import { leaseKey, liftKey, readRecord } from "../../shared/keys.ts";
import { mergeRecords, noRecords, type Records } from "../../shared/lease/live.ts";
import { type Lease, type Lift, noStop, type StopState } from "../../shared/lease/record.ts";
import type { BlockRow, Snapshot } from "../../shared/lease/snapshot.ts";
import { limits } from "../../shared/limits.ts";
import type { Store, StoreKey } from "../../shared/ports.ts";
import type { World } from "./world.ts";

interface Sorted {
  readonly leases: Lease[];
  readonly lifts: Lift[];
  stop: StopState;
  storeId: string | null;
  readonly events: EventSummary[];
  readonly corrupt: string[];
}

function sortKeys(keys: readonly StoreKey[], sorted: Sorted): void {
  for (const key of keys) {
    const record = readRecord(key);
    if (record.kind === "lease") sorted.leases.push(record.lease);
    else if (record.kind === "lift") sorted.lifts.push(record.lift);
    else if (record.kind === "store") sorted.storeId = record.id;
    else if (record.kind === "stop") sorted.stop = record.stop;
    else if (record.kind === "event") sorted.events.push(record.event);
    else if (record.kind === "corrupt") sorted.corrupt.push(record.why);
  }
}

function incompleteness(sorted: Sorted, allPages: "all" | "cut"): string | null {
  if (allPages === "cut") return `more than ${limits.listPagesMax} pages of records; lift leases or shorten them`;
  if (sorted.corrupt.length > 0) return `${sorted.corrupt.length} records cannot be read, the first: ${sorted.corrupt[0]}; delete it by hand`;
  if (sorted.storeId === null) return "the store has no id: it was never set up, was wiped, or is the wrong one; run `portcullis setup`";
  return null;
}

/** All pages, once. Throws STORE_UNAVAILABLE when a page cannot be read. */
export async function listRecords(store: Store): Promise<Records> {
  const sorted: Sorted = { leases: [], lifts: [], stop: noStop, storeId: null, events: [], corrupt: [] };
  let cursor: string | null = null;
  for (let page = 0; page < limits.listPagesMax; page += 1) {
    const { keys, cursor: next } = await store.list(cursor);
    sortKeys(keys, sorted);
    cursor = next;
    if (cursor === null) break;
  }
  const why = incompleteness(sorted, cursor === null ? "all" : "cut");
  const { leases, lifts, stop, storeId, events } = sorted;
  const named = events.length === 0 ? {} : { events };
  return { leases, lifts, stop, storeId, ...named, complete: why === null, incompleteWhy: why };
}

export function liftsOfSnapshot({ lifts }: Snapshot): readonly Lift[] {
  return lifts.flatMap(({ key, ...lift }): Lift[] => {
    const cidr = cidrFromKey(key);
    return cidr === null ? [] : [{ key: liftKey(cidr, lift.at, lift.client), cidr, ...lift }];
  });
}

export function leasesOfRow({ key, records }: BlockRow): readonly Lease[] {
  const cidr = cidrFromKey(key);
  return cidr === null ? [] : records.map((record) => ({ ...record, cidr, key: leaseKey(cidr, record.until, record.client) }));
}

/** The records that a snapshot still knows: enough to place by, never enough to remove by. */
export function recordsOfSnapshot(snapshot: Snapshot): Records {
  const leases = snapshot.blocks.flatMap(leasesOfRow);
  const why = "a pass woken by new leases works from what is known and removes nothing";
  return { leases, lifts: liftsOfSnapshot(snapshot), stop: snapshot.stop, storeId: snapshot.storeId, complete: false, incompleteWhy: why };
}

/** A renamed target keeps what was asked of it, and what an operator stopped, under its former name. */
export function underNewNames(records: Records, targets: Config["targets"]): Records {
  const names = new Map(
    Object.entries(targets).flatMap(([name, { formerly }]) => (formerly === null || Object.hasOwn(targets, formerly) ? [] : [[formerly, name] as const])),
  );
  if (names.size === 0) return records;
  const nameOf = (name: string) => names.get(name) ?? name;
  const leases = records.leases.map((lease) => (lease.targets === null ? lease : { ...lease, targets: lease.targets.map(nameOf) }));
  // What was said of the new name goes last, and wins.
  const stops = Object.entries(records.stop.targets).sort(([a], [b]) => Number(names.has(b)) - Number(names.has(a)));
  return { ...records, leases, stop: { ...records.stop, targets: Object.fromEntries(stops.map(([name, mode]) => [nameOf(name), mode])) } };
}

export interface ReadRecords {
  readonly records: Records;
  /** Read from the store in this pass: only then may records prove a removal. */
  readonly fresh: "fresh" | "reused";
  readonly error: string | null;
}

/** `fresh` lists the store; `reuse` works from the last snapshot where there is one, and costs no list call. */
export async function readRecords(world: World, want: "fresh" | "reuse"): Promise<ReadRecords> {
  const read = await readAsWritten(world, want);
  return { ...read, records: underNewNames(read.records, world.config.targets) };
}

async function readAsWritten(world: World, want: "fresh" | "reuse"): Promise<ReadRecords> {
  const { memory, store, log } = world;
  const recent = { leases: memory.recentLeases(), lifts: memory.recentLifts(), stop: memory.recentStop() };
  if (want === "reuse" && memory.snapshot !== null) {
    return { records: mergeRecords(recordsOfSnapshot(memory.snapshot), recent), fresh: "reused", error: null };
  }
  try {
    memory.counters.add("portcullis_store_listings_total");
    return { records: mergeRecords(await listRecords(store), recent), fresh: "fresh", error: null };
  } catch (thrown) {
    const error = asPortcullisError(thrown, "STORE_UNAVAILABLE", "the store could not be listed");
    log({ level: "error", event: "store.list.failed", code: error.code, message: error.message });
    const known = memory.snapshot === null ? noRecords : recordsOfSnapshot(memory.snapshot);
    const records = { ...mergeRecords(known, recent), complete: false, incompleteWhy: error.message };
    return { records, fresh: "reused", error: error.message };
  }
}
