// Deno KV in memory: strong reads, versionstamps, checks and writes in one atomic step, keys in Deno's order, and removal of what has expired
// whenever it comes to that. A commit whose answer is lost may have happened. Facts: Deno docs, deploy/kv/*, 2026; sizes measured with
// Deno 2.9.5, 2026-11-20. Judged by the laws that the real one passes. Knows nothing of leases or locks.
import { deserialize, serialize } from "node:v8";
import type { DenoAtomic, DenoKv, DenoKvCheck, DenoKvEntry, DenoKvKey, DenoKvListed } from "../../../functions/runtime/deno-api.ts";
import type { EpochMs } from "../../../shared/ports.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Gates, PlatformLife } from "./parts.ts";

/** deploy/kv/transactions, 2026. */
const limits = {
  keyBytes: 2_048,
  valueBytes: 65_536,
  keysPerRead: 10,
  batch: 1_000,
  checks: 100,
  mutations: 1_000,
  atomicBytes: 819_200,
  keysBytes: 92_160,
} as const;
const defaultBatch = 500;
/** deploy/kv/key_expiration, 2026: expired keys are removed at the earliest then, and may stay. */
const lingerMsMax = 3_600_000;

interface Stored {
  readonly key: DenoKvKey;
  readonly bytes: Buffer;
  readonly versionstamp: string;
  /** When it is really removed. */
  readonly goneAt: EpochMs | null;
}

export type Mutation =
  | { readonly kind: "set"; readonly key: DenoKvKey; readonly value: unknown; readonly expireIn: number | undefined }
  | { readonly kind: "delete"; readonly key: DenoKvKey };

/** What a commit was, for whoever watches. */
export interface Commit {
  readonly by: PlatformLife | null;
  readonly mutations: readonly Mutation[];
  /** Checks that did not hold: then nothing was done. */
  readonly failed: readonly DenoKvCheck[];
}

type Selector = Parameters<DenoKv["list"]>[0];
type ListOptions = Parameters<DenoKv["list"]>[1];
/** Carries a call there and back. */
type Reach = <T>(what: string, serve: () => T) => Promise<T>;

/** Text in the order of its bytes when compared by character: strings before numbers, as Deno has them (reference kv/key_space, 2026). */
function encodedPart(part: string | number): string {
  if (typeof part === "string") return `\u0002${Buffer.from(part).toString("latin1").replaceAll("\0", "\0\u00ff")}\0`;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(part);
  const isNegative = (bytes[0] ?? 0) >= 128;
  for (const [at, byte] of bytes.entries()) bytes[at] = isNegative ? 255 - byte : at === 0 ? byte + 128 : byte;
  return `\u0021${bytes.toString("latin1")}`;
}

function encoded(key: DenoKvKey): string {
  return key.map(encodedPart).join("");
}

function rangeOf(selector: Selector): { readonly from: string; readonly to: string } {
  if ("prefix" in selector) return { from: `${encoded(selector.prefix)}\0`, to: `${encoded(selector.prefix)}\u00ff` };
  return { from: encoded(selector.start), to: encoded(selector.end) };
}

function refuse(isTooMuch: boolean, what: string): void {
  if (isTooMuch) throw new TypeError(what);
}

/** As Deno has it: made at once, reads in batches as they are asked for. */
class Listed implements DenoKvListed {
  readonly #read: (after: string | null, count: number) => Promise<readonly DenoKvEntry[]>;
  readonly #batch: number;
  #left: number;
  #after: string | null;
  #ready: DenoKvEntry[] = [];
  #isAtEnd = false;
  #last: string | null = null;

  constructor(read: (after: string | null, count: number) => Promise<readonly DenoKvEntry[]>, { limit, batchSize, cursor }: ListOptions) {
    this.#read = read;
    this.#left = limit ?? Number.POSITIVE_INFINITY;
    this.#batch = Math.min(batchSize ?? limit ?? defaultBatch, defaultBatch * 2);
    refuse((batchSize ?? 1) > limits.batch, `Too many entries (max ${limits.batch})`);
    this.#after = cursor === undefined || cursor === "" ? null : Buffer.from(cursor, "base64").toString("latin1");
  }

  get cursor(): string {
    if (this.#last === null) throw new Error("Cannot get cursor before first iteration");
    return Buffer.from(this.#last, "latin1").toString("base64");
  }

  async next(): Promise<IteratorResult<DenoKvEntry>> {
    if (this.#ready.length === 0 && !this.#isAtEnd && this.#left > 0) {
      const count = Math.min(this.#batch, this.#left);
      this.#ready = [...(await this.#read(this.#after, count))];
      this.#isAtEnd = this.#ready.length < count;
      const last = this.#ready.at(-1);
      if (last !== undefined) this.#after = encoded(last.key as DenoKvKey);
    }
    const value = this.#ready.shift();
    if (value === undefined) return { done: true, value: undefined };
    this.#left -= 1;
    this.#last = encoded(value.key as DenoKvKey);
    return { done: false, value };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

export class SimulatedDenoKv {
  readonly #scheduler: Scheduler;
  readonly #entries = new Map<string, Stored>();
  /** Encoded keys in order; null: not known just now. */
  #order: readonly string[] | null = null;
  #stamps = 0;
  #brokenUntil: EpochMs = Number.NEGATIVE_INFINITY;
  onCommit: (commit: Commit) => void = () => undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Every call fails until then; a commit that fails may have happened. */
  break(ms: number): void {
    this.#brokenUntil = Math.max(this.#brokenUntil, this.#scheduler.now + ms);
  }

  // --- what it holds ---

  #live(code: string): Stored | undefined {
    const stored = this.#entries.get(code);
    if (stored === undefined || stored.goneAt === null || stored.goneAt > this.#scheduler.now) return stored;
    this.#remove(code);
    return undefined;
  }

  #remove(code: string): void {
    if (this.#entries.delete(code)) this.#order = null;
  }

  #entry(key: DenoKvKey): DenoKvEntry {
    const stored = this.#live(encoded(key));
    if (stored === undefined) return { key, value: null, versionstamp: null };
    return { key: [...stored.key], value: deserialize(stored.bytes) as unknown, versionstamp: stored.versionstamp };
  }

  /** Entries of a range in order, after a key. */
  range(selector: Selector, after: string | null = null, count: number = Number.POSITIVE_INFINITY): readonly DenoKvEntry[] {
    this.#order ??= [...this.#entries.keys()].sort();
    const { from, to } = rangeOf(selector);
    const found: DenoKvEntry[] = [];
    for (const code of this.#order) {
      if (found.length >= count || code >= to) break;
      const stored = code < from || (after !== null && code <= after) ? undefined : this.#live(code);
      if (stored !== undefined) found.push(this.#entry(stored.key));
    }
    return found;
  }

  #getMany(keys: readonly DenoKvKey[]): readonly DenoKvEntry[] {
    refuse(keys.length > limits.keysPerRead, `Too many ranges (max ${limits.keysPerRead})`);
    return keys.map((key) => this.#entry(key));
  }

  /** All or nothing, at this moment. */
  commit(by: PlatformLife | null, checks: readonly DenoKvCheck[], mutations: readonly Mutation[]): { readonly ok: boolean; readonly versionstamp?: string } {
    const written = mutations.map((mutation) => ({ mutation, code: encoded(mutation.key), bytes: mutation.kind === "set" ? serialize(mutation.value) : null }));
    refuse(checks.length > limits.checks, `Too many checks (max ${limits.checks})`);
    refuse(mutations.length > limits.mutations, `Too many mutations (max ${limits.mutations})`);
    for (const { code, bytes } of written) {
      refuse(code.length > limits.keyBytes, `Key too large for write (max ${limits.keyBytes} bytes)`);
      refuse((bytes?.length ?? 0) > limits.valueBytes, `Value too large (max ${limits.valueBytes} bytes)`);
    }
    const keysBytes = [...written.map(({ code }) => code), ...checks.map(({ key }) => encoded(key))].reduce((sum, code) => sum + code.length, 0);
    refuse(keysBytes > limits.keysBytes, `Total key size too large (max ${limits.keysBytes} bytes)`);
    const allBytes = written.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), keysBytes);
    refuse(allBytes > limits.atomicBytes, `Total mutation size too large (max ${limits.atomicBytes} bytes)`);
    const failed = checks.filter(({ key, versionstamp }) => (this.#live(encoded(key))?.versionstamp ?? null) !== versionstamp);
    this.onCommit({ by, mutations, failed });
    if (failed.length > 0) return { ok: false };
    this.#stamps += 1;
    const versionstamp = this.#stamps.toString(16).padStart(20, "0");
    for (const { mutation, code, bytes } of written) {
      if (mutation.kind === "delete" || bytes === null) this.#remove(code);
      else {
        if (!this.#entries.has(code)) this.#order = null;
        this.#entries.set(code, { key: mutation.key, bytes, versionstamp, goneAt: this.#goneAt(mutation.expireIn) });
      }
    }
    return { ok: true, versionstamp };
  }

  #goneAt(expireIn: number | undefined): EpochMs | null {
    if (expireIn === undefined) return null;
    refuse(!(expireIn > 0), "expireIn must be positive");
    const { dice, now } = this.#scheduler;
    const lingersMs = dice.chance("deno kv removes soon", 0.5)
      ? dice.between("deno kv removes after", 0, 60_000)
      : dice.between("deno kv removes after", 0, lingerMsMax);
    return now + expireIn + lingersMs;
  }

  // --- how it is reached ---

  #atomic(by: PlatformLife | null, reach: Reach): DenoAtomic {
    const checks: DenoKvCheck[] = [];
    const mutations: Mutation[] = [];
    const operation: DenoAtomic = {
      check(...more) {
        checks.push(...more);
        return operation;
      },
      set(key, value, options) {
        // What it holds is what it held when it was handed over.
        mutations.push({ kind: "set", key, value: structuredClone(value), expireIn: options?.expireIn });
        return operation;
      },
      delete(key) {
        mutations.push({ kind: "delete", key });
        return operation;
      },
      commit: () => reach("commit", () => this.commit(by, checks, mutations)),
    };
    return operation;
  }

  #bound(by: PlatformLife | null, reach: Reach): DenoKv {
    return {
      get: (key) => reach("get", () => this.#entry(key)),
      getMany: (keys) => reach("getMany", () => this.#getMany(keys)),
      list: (selector, options) => new Listed((after, count) => reach("list", () => this.range(selector, after, count)), options),
      atomic: () => this.#atomic(by, reach),
      close: () => undefined,
    };
  }

  /** Without the way there and back. */
  direct(): DenoKv {
    return this.#bound(null, async (_what, serve) => serve());
  }

  /** As one life reaches it; `isCut`: just now it cannot. */
  binding(life: PlatformLife, gates: Gates, isCut: () => boolean): DenoKv {
    const { dice } = this.#scheduler;
    const served = <T>(what: string, serve: () => T): T => {
      const isDown = this.#scheduler.now < this.#brokenUntil;
      if (!isDown && !isCut()) return serve();
      if (what === "commit" && dice.chance("deno kv commit that fails happens", 0.3)) {
        serve();
        this.#scheduler.note("deno kv commit failed after it was made");
      }
      this.#scheduler.note(isDown ? `deno kv ${what} failed: outage` : `deno kv ${what} failed: instance cut off`);
      throw new Error("error sending request for url (https://api.deno.com/v2/databases/connect)");
    };
    return this.#bound(life, async (what, serve) => {
      await gates.out();
      if (what === "commit") life.meets("write");
      try {
        return await this.#scheduler.exchange(life, `deno kv ${what}`, () => served(what, serve));
      } finally {
        await gates.in();
      }
    });
  }
}
