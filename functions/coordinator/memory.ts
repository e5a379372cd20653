// What the coordinator remembers between passes. Disposable by design: wipe it at any time, and all that changes is
// that nothing is removed until it has watched for SETTLE again. Owns its storage layout; decides nothing.

import { cidrKey } from "../../shared/address/index.ts";
import { readRecord } from "../../shared/keys.ts";
import type { Lease, Lift, StopState } from "../../shared/lease/record.ts";
import { noStop } from "../../shared/lease/record.ts";
import type { Snapshot } from "../../shared/lease/snapshot.ts";
import type { EpochMs, Json } from "../../shared/ports.ts";
import type { Entry } from "../../shared/provider.ts";
import type { Trace } from "../../shared/trace.ts";
import { OpenTraces } from "../log/cause.ts";
import { Counters } from "../log/counters.ts";
import { EventBook, eventsPrefix } from "./event-book.ts";
import { Offences, offencesPrefix } from "./offences.ts";
import { SnapshotStorage } from "./snapshot-storage.ts";

/** Where memory is kept: a Durable Object's storage, a Deno KV prefix, or nothing but a Map. Values are JSON. */
export interface MemoryStorage {
  /** A text of any length is one value, replaced at once: others may read while it is written. */
  readonly takesLongTexts?: true;
  load(): Promise<ReadonlyMap<string, Json>>;
  put(key: string, value: Json): Promise<void>;
  delete(keys: readonly string[]): Promise<void>;
}

/** A step that the cloud acknowledged: overlaid on observations until they must have caught up. */
export interface Acknowledged {
  readonly at: EpochMs;
  readonly adds: readonly { readonly id: string; readonly key: string; readonly partial: string | null }[];
  readonly removes: readonly string[];
}

export interface TargetMemory {
  acknowledged: Acknowledged[];
  /** Slot name, or `block:<cidrKey>`, to the moment it may be touched again. */
  frozen: Record<string, EpochMs>;
  throttledUntil: EpochMs;
  /** What the cloud is at work on, in its provider's words, where that is why it is not asked until then. */
  atWork: string | null;
  /** Entry ids whose removal was only accepted, to the moment from which one that still stands stays. */
  leaving: Record<string, EpochMs>;
  /** When a change that was only accepted may be done: worth a look before the tick. */
  lookAt: EpochMs;
  /** Orphans: `<entry id>|<cidrKey>` to when first seen and in how many consecutive full passes. */
  sightings: Record<string, { first: EpochMs; passes: number }>;
  /** Entry ids whose removal was planned and not reached. */
  leftovers: string[];
  /** A step that was sent and whose outcome was not recorded: we died in between. */
  inFlight: { readonly slots: readonly string[]; readonly blocks: readonly string[] } | null;
  lastWriteAt: EpochMs;
  /** Digest of orphans that a person allowed to go, until a pass has read it … */
  confirmedOrphans: string | null;
  /** … and which they are (`<entry id>|<cidrKey>`), until the last is gone. */
  confirmedKeys: readonly string[];
  /** What stood after the last visit (entry id to cidrKey), to notice what others change; null when unknown or too much to keep. */
  expected: Record<string, string> | null;
}

interface CoreMemory {
  /** Unbroken since. */
  since: EpochMs;
  /** When the last full pass began and ended, and whether it was clean. */
  fullBeganAt: EpochMs | null;
  fullEndedAt: EpochMs | null;
  fullClean: boolean;
  /** The deployment that made it. */
  deployment: string;
  /** What went wrong in it, by target name or `store`. */
  failed: Readonly<Record<string, string>>;
  /** Unclean full passes in a row, and when the next may run. */
  failures: number;
  retryAt: EpochMs;
  /** The next moment a lease stops to be live. */
  nextDueAt: EpochMs | null;
  /** Last accept, lift or stop. */
  changedAt: EpochMs;
  /** When the snapshot last went to the store, and which one. */
  snapshotStoredAt: EpochMs;
  snapshotPrint: string;
  storeId: string | null;
  /** Counters by series, and heartbeats that failed in a row. */
  readonly counters: Record<string, number>;
  heartbeatFailures: number;
  /** The last pass that took everything in began then: traces of records from before have been told. */
  tracedAt: EpochMs;
  /** Records in the last whole listing, ended ones and lifts included: that is what a pass must be able to read. */
  listed: number;
  /** Leases among them, by client. */
  listedBy: Readonly<Record<string, number>>;
}

interface Recent {
  readonly acceptedAt: EpochMs;
  readonly record:
    | { readonly kind: "lease"; readonly lease: Lease }
    | { readonly kind: "lift"; readonly lift: Lift }
    | { readonly kind: "stop"; readonly stop: StopState };
}

export interface Standing {
  readonly seenAt: EpochMs;
  readonly entries: readonly Entry[];
  /** Lease blocks (`cidrKey`) that it has no room for, or cannot hold; of a target into which nothing spills nobody asks, and none are named. */
  readonly without: ReadonlySet<string>;
}

/** A block that was asked for and not taken. */
export interface Refusal {
  readonly key: string;
  readonly at: EpochMs;
  readonly client: string;
  readonly why: string;
}

const refusalsMax = 256;

/** As stored: whoever opens the memory next, in another instance too, knows whose record it is. */
interface Remembered {
  readonly at: EpochMs;
  readonly metadata: Json;
  readonly trace?: Trace;
}

const begunPrefix = "lifting:";
const expectedEntriesMax = 64;

function freshTarget(): TargetMemory {
  return {
    acknowledged: [],
    frozen: {},
    throttledUntil: 0,
    atWork: null,
    leaving: {},
    lookAt: 0,
    sightings: {},
    leftovers: [],
    inFlight: null,
    lastWriteAt: 0,
    confirmedOrphans: null,
    confirmedKeys: [],
    expected: null,
  };
}

function freshCore(now: EpochMs): CoreMemory {
  return {
    since: now,
    fullBeganAt: null,
    fullEndedAt: null,
    fullClean: false,
    deployment: "",
    failed: {},
    failures: 0,
    retryAt: 0,
    nextDueAt: null,
    changedAt: 0,
    snapshotStoredAt: 0,
    snapshotPrint: "",
    storeId: null,
    counters: {},
    heartbeatFailures: 0,
    tracedAt: 0,
    listed: 0,
    listedBy: {},
  };
}

export class Memory {
  readonly #storage: MemoryStorage;
  readonly #recent = new Map<string, Recent>();
  /** How many of the recent records are leases, by client. */
  readonly #recentBy = new Map<string, number>();
  readonly #targets = new Map<string, TargetMemory>();
  readonly #seen = new Map<string, EpochMs>();
  /** Lifts that were begun, by record name: one of another life may be in the store though nothing here shows it yet. */
  readonly #begun = new Map<string, Lift>();
  /** Of these, those that an earlier life left. */
  readonly #left = new Set<string>();
  readonly core: CoreMemory;
  readonly traces = new OpenTraces();
  readonly counters: Counters;
  /** Leases that have ended, of clients whose leases grow. */
  readonly offences: Offences;
  /** Events that playbooks decided something about. */
  readonly events: EventBook;
  /** What stood at each target after its last visit of this life, as far as known: to explain with, and for what others spill into it. */
  readonly standing = new Map<string, Standing>();
  /** The last refusals of this life. */
  readonly refusals: Refusal[] = [];
  snapshot: Snapshot | null = null;
  readonly #snapshotStorage: SnapshotStorage;

  private constructor(storage: MemoryStorage, core: CoreMemory) {
    this.#storage = storage;
    this.core = core;
    this.counters = new Counters(core.counters);
    this.offences = new Offences(storage);
    this.#snapshotStorage = new SnapshotStorage(storage);
    this.events = new EventBook(storage);
  }

  /** Reads what is there; without a readable core it starts anew, with `since` = now. */
  static async open(storage: MemoryStorage, now: EpochMs): Promise<Memory> {
    const stored = await storage.load();
    const core = stored.get("core") as unknown as CoreMemory | undefined;
    const memory = new Memory(storage, core === undefined ? freshCore(now) : { ...freshCore(now), ...core });
    for (const [key, value] of stored) {
      if (key.startsWith("target:")) memory.#targets.set(key.slice(7), { ...freshTarget(), ...(value as unknown as TargetMemory) });
      if (key.startsWith("recent:")) memory.#restore(key.slice(7), value as unknown as Remembered);
      if (key.startsWith(begunPrefix)) memory.#left.add(memory.#restoreBegun(key.slice(begunPrefix.length), value));
      if (key.startsWith("seen:")) memory.#seen.set(key.slice(5), value as number);
      if (key.startsWith(eventsPrefix)) memory.events.restore(key.slice(eventsPrefix.length), value);
      if (key.startsWith(offencesPrefix)) memory.offences.restore(value);
    }
    // Core is saved with a pass, a record at once: what the last life remembered with its last breath is a change that no pass has seen.
    memory.core.changedAt = Math.max(memory.core.changedAt, memory.rememberedAt());
    // A lift may have been recorded last thing before the end of the last life.
    for (const lift of memory.recentLifts()) memory.offences.clear(lift);
    memory.snapshot = memory.#snapshotStorage.restore(stored);
    if (core === undefined) await memory.saveCore();
    return memory;
  }

  #restore(name: string, value: Remembered): void {
    const record = readRecord({ name, metadata: value.metadata });
    if (value.trace !== undefined && value.at >= this.core.tracedAt) this.traces.add(name, value.trace, value.at);
    if (record.kind !== "lease" && record.kind !== "lift" && record.kind !== "stop") return;
    const recent = { acceptedAt: value.at, record };
    this.#countRecent(this.#recent.get(name), -1);
    this.#countRecent(recent, 1);
    this.#recent.set(name, recent);
  }

  #restoreBegun(name: string, metadata: Json): string {
    const record = readRecord({ name, metadata });
    if (record.kind === "lift") this.#begun.set(name, record.lift);
    return name;
  }

  target(name: string): TargetMemory {
    const known = this.#targets.get(name);
    if (known !== undefined) return known;
    const fresh = freshTarget();
    this.#targets.set(name, fresh);
    return fresh;
  }

  async saveTarget(name: string): Promise<void> {
    await this.#storage.put(`target:${name}`, structuredClone(this.target(name)) as unknown as Json);
  }

  async saveCore(): Promise<void> {
    await this.#storage.put("core", { ...this.core });
  }

  async saveSnapshot(snapshot: Snapshot): Promise<void> {
    this.snapshot = snapshot;
    await this.#snapshotStorage.save(snapshot);
  }

  /** Remembers a record that has just been written to the store. */
  async remember(name: string, metadata: Json, now: EpochMs, trace?: Trace): Promise<void> {
    const value: Remembered = { at: now, metadata, ...(trace === undefined ? {} : { trace }) };
    this.#restore(name, value);
    const record = this.#recent.get(name)?.record;
    if (record?.kind === "lift") this.offences.clear(record.lift);
    this.core.changedAt = Math.max(this.core.changedAt, now);
    await this.#storage.put(`recent:${name}`, value as unknown as Json);
  }

  /** Remembers that a lift is about to be written: we may die with it in the store and not in `remember`, where a late listing does not show it. */
  async begin(name: string, metadata: Json): Promise<void> {
    this.#restoreBegun(name, metadata);
    await this.#storage.put(`${begunPrefix}${name}`, metadata);
  }

  /** They were answered as failed: what may have come of them is doubted for as long as this life knows, and nobody writes them again. */
  async abandon(names: readonly string[]): Promise<void> {
    await this.#storage.delete(names.map((name) => `${begunPrefix}${name}`));
  }

  /** Lifts that an earlier life began and did not remember as written. */
  leftLifts(): Lift[] {
    return [...this.#begun].flatMap(([name, lift]) => (this.#left.has(name) && !this.#recent.has(name) ? [lift] : []));
  }

  /** Lifts of which nobody knows yet that the store shows them. What they may have ended supports no promise. */
  begunLifts(): Lift[] {
    return [...this.#begun.values()];
  }

  /** When the newest remembered record was written; 0: none is remembered. */
  rememberedAt(): EpochMs {
    return [...this.#recent.values()].reduce((newest, { acceptedAt }) => Math.max(newest, acceptedAt), 0);
  }

  /** At most how many records the store holds: what was listed, and what was written since. */
  recordsMax(): number {
    return this.core.listed + this.#recent.size;
  }

  /** At most how many of them are leases of one client. */
  recordsMaxOf(client: string): number {
    const listed = Object.hasOwn(this.core.listedBy, client) ? this.core.listedBy[client] : undefined;
    return (listed ?? 0) + (this.#recentBy.get(client) ?? 0);
  }

  #countRecent(recent: Recent | undefined, by: 1 | -1): void {
    if (recent?.record.kind !== "lease") return;
    const { client } = recent.record.lease;
    this.#recentBy.set(client, (this.#recentBy.get(client) ?? 0) + by);
  }

  recentLeases(): Lease[] {
    return [...this.#recent.values()].flatMap(({ record }) => (record.kind === "lease" ? [record.lease] : []));
  }

  /** Leases that were accepted at that moment or later. */
  leasesSince(at: EpochMs): Lease[] {
    return [...this.#recent.values()].flatMap(({ acceptedAt, record }) => (record.kind === "lease" && acceptedAt >= at ? [record.lease] : []));
  }

  recentLifts(): Lift[] {
    return [...this.#recent.values()].flatMap(({ record }) => (record.kind === "lift" ? [record.lift] : []));
  }

  recentStop(): StopState {
    const recent = this.#recent.get("stop")?.record;
    return recent?.kind === "stop" ? recent.stop : noStop;
  }

  /** Moments at which new leases were accepted, with their clients. */
  acceptances(): { readonly client: string; readonly at: EpochMs }[] {
    return [...this.#recent.values()].flatMap(({ acceptedAt, record }) => (record.kind === "lease" ? [{ client: record.lease.client, at: acceptedAt }] : []));
  }

  /** Whether a signed message id has done its work already. */
  wasUsed(id: string | null): boolean {
    return id !== null && this.#seen.has(id);
  }

  /** Remembers a signed message id, once its work is durable and not before: a failed one may be sent again. */
  async markUsed(id: string | null, now: EpochMs): Promise<void> {
    if (id === null) return;
    this.#seen.set(id, now);
    await this.#storage.put(`seen:${id}`, now);
  }

  refused(refusal: Refusal): void {
    this.refusals.push(refusal);
    if (this.refusals.length > refusalsMax) this.refusals.shift();
  }

  /** Lets go of what the store and its snapshot must show by now. */
  async forget(recentsBefore: EpochMs, seenBefore: EpochMs): Promise<void> {
    const old = [...this.#recent].filter(([, recent]) => recent.acceptedAt < recentsBefore).map(([name]) => name);
    for (const name of old) {
      this.#countRecent(this.#recent.get(name), -1);
      this.#recent.delete(name);
    }
    const unseen = [...this.#seen].filter(([, at]) => at < seenBefore).map(([id]) => id);
    for (const id of unseen) this.#seen.delete(id);
    const begun = [...this.#begun].filter(([, lift]) => lift.at < recentsBefore).map(([name]) => name);
    for (const name of begun) this.#begun.delete(name);
    const keys = [...old.map((name) => `recent:${name}`), ...unseen.map((id) => `seen:${id}`), ...begun.map((name) => `${begunPrefix}${name}`)];
    if (keys.length > 0) await this.#storage.delete(keys);
  }

  /** Keeps what stands now, if it is little enough to keep. */
  expect(target: string, entries: readonly Entry[]): void {
    const few = entries.length <= expectedEntriesMax;
    this.target(target).expected = few ? Object.fromEntries(entries.map((entry) => [entry.id, cidrKey(entry.cidr)])) : null;
  }
}

/** Memory that lasts as long as the process: tests, tick-only passes, the command line. */
export function volatileStorage(): MemoryStorage {
  const values = new Map<string, Json>();
  return {
    load: async () => new Map(values),
    put: async (key, value) => {
      values.set(key, structuredClone(value) as Json);
    },
    delete: async (keys) => {
      for (const key of keys) values.delete(key);
    },
  };
}
