// The storage of one Durable Object as one life of it sees it: reads that hold up what arrives (input gate), writes that are done at once
// and on disk a while later, in order, and what was sent in between held back until then (output gate). A life that is no longer the
// object finds out at its next access. Facts: Cloudflare docs, durable-objects/api/storage-api, /reference/in-memory-state and
// /platform/known-issues (global uniqueness), 2026. Owns no life and rings no alarm.
import { deserialize, serialize } from "node:v8";
import type { DurableObjectStorage } from "@cloudflare/workers-types";
import type { EpochMs } from "../../../shared/ports.ts";
import { type Scheduler, shortLatency } from "../scheduler.ts";
import { type Gates, never, type PlatformLife } from "./parts.ts";

/** What survives every life. */
export interface OnDisk {
  readonly values: Map<string, Buffer>;
  alarmAt: EpochMs | null;
}

export interface StorageParts {
  readonly scheduler: Scheduler;
  readonly life: PlatformLife;
  readonly disk: OnDisk;
  /** The alarm on disk has changed. */
  readonly onAlarm: () => void;
}

interface Change {
  readonly make: (disk: OnDisk) => void;
  readonly setsAlarm?: true;
}

/** durable-objects/platform/limits, 2026: keys and pairs per call, bytes of a value. */
const keysMax = 128;
const valueBytesMax = 2 * 1024 * 1024;

export class ObjectStorage implements Gates {
  readonly #parts: StorageParts;
  /** As this life sees it: the disk as it was at its start, and all its own writes. */
  readonly #seen: OnDisk;
  /** Writes on their way to disk: each batch reaches it whole, in this order. */
  #batches: Change[][] = [];
  /** Takes what is written without anything in between. */
  #open: Change[] | null = null;
  #written = 0;
  #flushed = 0;
  #waiters: { readonly upTo: number; readonly done: () => void }[] = [];
  #reading = 0;
  #arrivals: (() => void)[] = [];
  /** Somebody else is the object now. */
  #isReplaced = false;

  constructor(parts: StorageParts) {
    this.#parts = parts;
    this.#seen = { values: new Map(parts.disk.values), alarmAt: parts.disk.alarmAt };
  }

  // --- gates ---

  /** What leaves now waits until everything that was written before is on disk. */
  out(): Promise<void> {
    if (this.#flushed < this.#written) this.#parts.scheduler.note("object: an answer or a call waited for the disk");
    return this.#durable();
  }

  #durable(): Promise<void> {
    const upTo = this.#written;
    if (this.#parts.life.isDead) return never();
    if (this.#flushed >= upTo) return Promise.resolve();
    return new Promise((done) => this.#waiters.push({ upTo, done }));
  }

  /** What arrives now waits while a read is under way. */
  async in(): Promise<void> {
    while (this.#reading > 0) await new Promise<void>((open) => this.#arrivals.push(open));
  }

  // --- reaching the disk ---

  #write(change: Change): void {
    if (this.#parts.life.isDead) return;
    change.make(this.#seen);
    if (this.#open !== null) {
      this.#open.push(change);
      return;
    }
    this.#parts.life.meets("write");
    const batch = [change];
    this.#open = batch;
    this.#batches.push(batch);
    this.#written += 1;
    const number = this.#written;
    queueMicrotask(() => {
      this.#open = null;
    });
    const { scheduler, life } = this.#parts;
    scheduler.after(shortLatency(scheduler.dice, "object storage"), "object storage is flushed", () => this.#flush(number), life);
  }

  /** Everything up to that batch. */
  #flush(upTo: number): void {
    const { scheduler, life } = this.#parts;
    if (this.#flushed >= upTo) return;
    if (this.#isReplaced) {
      scheduler.note("zombie's write refused");
      life.end();
      return;
    }
    this.#apply(upTo - this.#flushed);
    const ready = this.#waiters.filter((waiter) => waiter.upTo <= this.#flushed);
    this.#waiters = this.#waiters.filter((waiter) => waiter.upTo > this.#flushed);
    for (const { done } of ready) done();
  }

  #apply(batches: number): void {
    const { disk, onAlarm } = this.#parts;
    const changes = this.#batches.splice(0, batches).flat();
    for (const { make } of changes) make(disk);
    this.#flushed += batches;
    if (changes.some(({ setsAlarm }) => setsAlarm === true)) onAlarm();
  }

  /** The life is over; in peace all is on disk before, otherwise as much of it as was quick enough. */
  end(how: "in peace" | "killed"): void {
    const { scheduler, life } = this.#parts;
    if (life.isDead) return;
    const pending = this.#batches.length;
    const saved = how === "in peace" ? pending : scheduler.dice.between("object storage: writes that a killed life had under way and that arrive", 0, pending);
    if (saved < pending && !this.#isReplaced) scheduler.note("killed: unflushed writes were lost");
    if (!this.#isReplaced) this.#apply(saved);
    life.end();
  }

  /** Another life is the object from now on; this one does not know. */
  replace(): void {
    this.#isReplaced = true;
  }

  /** The alarm of that moment rings. */
  rings(at: EpochMs): void {
    if (this.#seen.alarmAt === at) this.#seen.alarmAt = null;
  }

  // --- what the binding does ---

  async #read<T>(read: () => T): Promise<T> {
    const { scheduler, life } = this.#parts;
    this.#reading += 1;
    await scheduler.sleep(shortLatency(scheduler.dice, "object storage read"), life);
    this.#reading -= 1;
    if (this.#reading === 0) for (const open of this.#arrivals.splice(0)) open();
    if (!this.#isReplaced) return read();
    scheduler.note("zombie's read refused");
    // The exception that its event gets, and with it its end.
    life.end();
    return never();
  }

  #put(entries: Readonly<Record<string, unknown>>): void {
    const pairs = Object.entries(entries).map(([key, value]) => [key, serialize(value)] as const);
    if (pairs.length > keysMax) throw new RangeError(`Maximum number of pairs is ${keysMax}.`);
    for (const [key, bytes] of pairs) {
      if (key.length + bytes.length > valueBytesMax) throw new RangeError(`Values cannot be larger than ${valueBytesMax} bytes.`);
    }
    const make = (disk: OnDisk) => {
      for (const [key, bytes] of pairs) disk.values.set(key, bytes);
    };
    this.#write({ make });
  }

  #delete(keys: readonly string[]): number {
    if (keys.length > keysMax) throw new RangeError(`Maximum number of keys is ${keysMax}.`);
    const found = keys.filter((key) => this.#seen.values.has(key)).length;
    const make = (disk: OnDisk) => {
      for (const key of keys) disk.values.delete(key);
    };
    this.#write({ make });
    return found;
  }

  #list(): Map<string, unknown> {
    const sorted = [...this.#seen.values].sort(([left], [right]) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
    return new Map(sorted.map(([key, bytes]) => [key, deserialize(bytes) as unknown]));
  }

  /** As much of it as the product uses; another verb would fail here, not pass. */
  binding(): DurableObjectStorage {
    const held = {
      list: () => this.#read(() => this.#list()),
      put: async (keyOrEntries: string | Record<string, unknown>, value?: unknown) =>
        this.#put(typeof keyOrEntries === "string" ? { [keyOrEntries]: value } : keyOrEntries),
      delete: async (keys: string | readonly string[]) => this.#delete(typeof keys === "string" ? [keys] : keys),
      getAlarm: () => this.#read(() => this.#seen.alarmAt),
      setAlarm: async (at: number | Date) => {
        const moment = Number(at);
        const make = (disk: OnDisk) => {
          disk.alarmAt = moment;
        };
        this.#write({ make, setsAlarm: true });
      },
      sync: () => this.#durable(),
    };
    return held as unknown as DurableObjectStorage;
  }
}
