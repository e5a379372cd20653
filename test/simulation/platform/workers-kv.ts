// Workers KV as several locations see it: one truth, and at each location a cache of what was read there and lists that lag key by key.
// Whatever it answers was true at some moment not longer ago than the bound; within that it is as unhelpful as the documentation allows.
// Facts: Cloudflare docs, kv/concepts/how-kv-works, kv/api/* and kv/platform/limits, 2026-11. Owns no idea of what is stored.
import type { KVNamespace } from "@cloudflare/workers-types";
import type { EpochMs } from "../../../shared/ports.ts";
import type { Life, Scheduler } from "../scheduler.ts";
import type { Gates } from "./parts.ts";

export const locations = ["AMS", "IAD", "SIN"] as const;
export type Location = (typeof locations)[number];

/** What a key held from `at` until the next one; a null value: nothing. */
interface Version {
  readonly at: EpochMs;
  readonly value: string | null;
  readonly metadata: unknown;
  readonly expiresAt: EpochMs | null;
}

interface Cached {
  readonly version: Version;
  readonly until: EpochMs;
}

type PutOptions = { readonly expiration?: number; readonly expirationTtl?: number; readonly metadata?: unknown };
type ListOptions = { readonly prefix?: string | null; readonly cursor?: string | null; readonly limit?: number };

const nothing: Version = { at: Number.NEGATIVE_INFINITY, value: null, metadata: null, expiresAt: null };
/** kv/api/read-key-value-pairs: what was read, and what was not found, is kept for this long unless told otherwise. */
const cacheMs = 60_000;
const ttlMinMs = 60_000;
const keyBytesMax = 512;
const metadataBytesMax = 1_024;
const pageMax = 1_000;
/** Older than any bound: nobody sees it any more. */
const rememberedMs = 3_600_000;
/** kv/platform/limits: one write a second to one key. */
const writeEveryMs = 1_000;

/** In the order of UTF-8 bytes (kv/api/list-keys). */
function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

function isLiveAt(version: Version, moment: EpochMs): boolean {
  return version.value !== null && (version.expiresAt === null || version.expiresAt > moment);
}

export class SimulatedWorkersKv {
  readonly #scheduler: Scheduler;
  readonly #versions = new Map<string, Version[]>();
  /** Names in order; null: not known just now. */
  #names: readonly string[] | null = null;
  readonly #caches = new Map<Location, Map<string, Cached>>(locations.map((location) => [location, new Map()]));
  readonly #lastPut = new Map<string, EpochMs>();
  #stalenessMs: number;
  #brokenUntil: EpochMs = Number.NEGATIVE_INFINITY;
  writes = 0;

  constructor(scheduler: Scheduler, stalenessMs: number) {
    this.#scheduler = scheduler;
    this.#stalenessMs = stalenessMs;
  }

  setStaleness(ms: number): void {
    this.#stalenessMs = ms;
  }

  /** Every call fails until then; a write that fails may have been taken. */
  break(ms: number): void {
    this.#brokenUntil = Math.max(this.#brokenUntil, this.#scheduler.now + ms);
  }

  /** As written long ago. */
  seed(key: string, value: string, metadata: unknown): void {
    this.#versions.set(key, [{ at: nothing.at, value, metadata, expiresAt: null }]);
    this.#names = null;
    for (const cache of this.#caches.values()) cache.delete(key);
  }

  /** As if never written. */
  unseed(key: string): void {
    this.#versions.delete(key);
    this.#names = null;
    for (const cache of this.#caches.values()) cache.delete(key);
  }

  /** What is true now. */
  records(): ReadonlyMap<string, { readonly value: string; readonly metadata: unknown }> {
    const found = new Map<string, { value: string; metadata: unknown }>();
    for (const key of this.#sortedNames()) {
      const version = this.#truth(key);
      const { value, metadata } = version;
      if (value !== null && isLiveAt(version, this.#scheduler.now)) found.set(key, { value, metadata });
    }
    return found;
  }

  #sortedNames(): readonly string[] {
    this.#names ??= [...this.#versions.keys()].sort(byBytes);
    return this.#names;
  }

  #truth(key: string): Version {
    return this.#versions.get(key)?.at(-1) ?? nothing;
  }

  /** What the key held `behindMs` ago. */
  #versionAt(key: string, behindMs: number): Version {
    const moment = this.#scheduler.now - behindMs;
    return this.#versions.get(key)?.findLast((version) => version.at <= moment) ?? nothing;
  }

  /** Since when a version is no longer true; Infinity: it is. */
  #overSince(key: string, version: Version): EpochMs {
    const versions = this.#versions.get(key) ?? [];
    // A miss came before whatever is known.
    return versions[versions.indexOf(version) + 1]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** How far behind one read may be just now: mostly not at all, sometimes by the bound. */
  #delay(label: string): number {
    const { dice } = this.#scheduler;
    if (this.#stalenessMs === 0 || dice.chance(`${label} is fresh`, 0.6)) return 0;
    return dice.between(`${label} is behind by`, 0, this.#stalenessMs - 1);
  }

  #append(location: Location, key: string, version: Version): void {
    const { dice, now } = this.#scheduler;
    if (!this.#versions.has(key)) this.#names = null;
    const kept = (this.#versions.get(key) ?? []).filter((one) => this.#overSince(key, one) > now - rememberedMs);
    this.#versions.set(key, [...kept, version]);
    this.writes += 1;
    // Usually seen at once where it was written, not guaranteed (kv/concepts/how-kv-works).
    if (dice.chance("kv write is seen where it was made", 0.9)) this.#keep(location, key, version);
  }

  #keep(location: Location, key: string, version: Version): void {
    const { dice, now } = this.#scheduler;
    const longer = this.#stalenessMs > cacheMs && dice.chance("kv cache keeps longer", 0.2);
    const ms = longer ? dice.between("kv cache keeps for", cacheMs, this.#stalenessMs) : cacheMs;
    this.#caches.get(location)?.set(key, { version, until: now + ms });
  }

  #read(location: Location, key: string): Version {
    const { now } = this.#scheduler;
    const cached = this.#caches.get(location)?.get(key);
    const isKept = cached !== undefined && cached.until > now && this.#isWithinBound(key, cached.version);
    const version = isKept ? cached.version : this.#versionAt(key, this.#delay(`kv read at ${location}`));
    if (!isKept) this.#keep(location, key, version);
    this.#noteRead(key, version, isKept);
    // Expiry beats the cache (kv/api/write-key-value-pairs).
    return isLiveAt(version, now) ? version : nothing;
  }

  #isWithinBound(key: string, version: Version): boolean {
    return this.#overSince(key, version) > this.#scheduler.now - this.#stalenessMs;
  }

  #noteRead(key: string, seen: Version, isKept: boolean): void {
    const truth = this.#truth(key);
    if (seen === truth) return;
    this.#scheduler.note("kv read was stale");
    if (seen.value === null && truth.value !== null) this.#scheduler.note(isKept ? "kv miss was cached" : "kv read missed a live record");
  }

  // --- what the binding does, at the moment the call arrives ---

  #reach(verb: string): void {
    if (this.#scheduler.now >= this.#brokenUntil) return;
    this.#scheduler.note(`kv ${verb} failed: outage`);
    throw new Error(`KV ${verb.toUpperCase()} failed: 500 Internal Server Error`);
  }

  #get(location: Location, key: string): { value: string | null; metadata: unknown; cacheStatus: null } {
    this.#reach("get");
    const { value, metadata } = this.#read(location, key);
    return { value, metadata: value === null ? null : structuredClone(metadata), cacheStatus: null };
  }

  #put(location: Location, key: string, value: string, options: PutOptions): void {
    const { now, dice } = this.#scheduler;
    const version = this.#versionFor(key, value, options);
    if (now < this.#brokenUntil && dice.chance("kv write of an outage is taken", 0.2)) {
      this.#append(location, key, version);
      this.#scheduler.note("kv write failed after it was taken");
    }
    this.#reach("put");
    if (now - (this.#lastPut.get(key) ?? Number.NEGATIVE_INFINITY) < writeEveryMs) {
      this.#scheduler.note("kv write refused for its rate");
      throw new Error("KV PUT failed: 429 Too Many Requests");
    }
    this.#lastPut.set(key, now);
    if (isLiveAt(this.#truth(key), now)) this.#scheduler.note("kv record was overwritten");
    this.#append(location, key, version);
  }

  #versionFor(key: string, value: string, { expiration, expirationTtl, metadata }: PutOptions): Version {
    const { now } = this.#scheduler;
    if (key === "" || key === "." || key === ".." || Buffer.byteLength(key) > keyBytesMax) throw new Error("KV PUT failed: 414 the key is empty or too long");
    const text = JSON.stringify(metadata ?? null);
    const bytes = Buffer.byteLength(text);
    if (bytes > metadataBytesMax) throw new Error(`KV PUT failed: 413 Metadata length of ${bytes} exceeds limit of ${metadataBytesMax}.`);
    const expiresAt = expirationTtl === undefined ? (expiration ?? 0) * 1_000 : now + expirationTtl * 1_000;
    if (expiresAt !== 0 && expiresAt - now < ttlMinMs) {
      throw new Error(`KV PUT failed: 400 Invalid expiration of ${expiresAt / 1_000}. Expiration times must be at least 60 seconds in the future.`);
    }
    return { at: now, value, metadata: JSON.parse(text) as unknown, expiresAt: expiresAt === 0 ? null : expiresAt };
  }

  #delete(location: Location, key: string): void {
    this.#reach("delete");
    if (this.#truth(key) !== nothing) this.#append(location, key, { ...nothing, at: this.#scheduler.now });
  }

  #list(location: Location, { prefix, cursor, limit = pageMax }: ListOptions) {
    this.#reach("list");
    const { dice } = this.#scheduler;
    const found: { name: string; metadata?: unknown; expiration?: number }[] = [];
    const isFresh = this.#stalenessMs === 0 || dice.chance(`kv list at ${location} is fresh`, 0.4);
    // An empty page that is not the last one (kv/api/list-keys).
    const isEmptyPage = dice.chance("kv list begins with an empty page", 0.03);
    if (isEmptyPage) {
      this.#scheduler.note("kv list page was empty and not the last");
      return { keys: [], list_complete: false as const, cursor: cursor ?? "", cacheStatus: null };
    }
    const size = dice.chance("kv list page is short", 0.05) ? dice.between("kv list page holds", 1, 5) : Math.min(limit, pageMax);
    for (const name of this.#sortedNames()) {
      if (!name.startsWith(prefix ?? "") || (cursor !== null && cursor !== undefined && byBytes(name, cursor) <= 0)) continue;
      const version = this.#listed(location, name, isFresh);
      if (version === null) continue;
      if (found.length === size) return { keys: found, list_complete: false as const, cursor: found.at(-1)?.name ?? "", cacheStatus: null };
      found.push({
        name,
        ...(version.metadata === null ? {} : { metadata: structuredClone(version.metadata) }),
        ...(version.expiresAt === null ? {} : { expiration: version.expiresAt / 1_000 }),
      });
    }
    return { keys: found, list_complete: true as const, cacheStatus: null };
  }

  /** Each key by its own delay, so that a listing may show the later of two and miss the earlier (kv/api/list-keys: up to 60 s behind, or more). */
  #listed(location: Location, name: string, isFresh: boolean): Version | null {
    const { now } = this.#scheduler;
    const truth = this.#truth(name);
    const hasSettled = truth.at <= now - this.#stalenessMs && (truth.expiresAt === null || truth.expiresAt > now || truth.expiresAt <= now - this.#stalenessMs);
    const behindMs = isFresh || hasSettled ? 0 : this.#delay(`kv list of ${name} at ${location}`);
    const seen = this.#versionAt(name, behindMs);
    const isShown = isLiveAt(seen, now - behindMs);
    const isLive = isLiveAt(truth, now);
    if (!isShown && isLive) this.#scheduler.note("kv list missed a live record");
    if (isShown && !isLive) this.#scheduler.note("kv list showed a record that is gone");
    return isShown ? seen : null;
  }

  /** The binding of one life at one location; every call is an exchange. */
  namespace(location: Location, life: Life, gates: Gates): KVNamespace {
    const reach = async <T>(verb: string, serve: () => T): Promise<T> => {
      await gates.out();
      try {
        return await this.#scheduler.exchange(life, `kv ${verb}`, serve);
      } finally {
        await gates.in();
      }
    };
    const binding = {
      get: (key: string) => reach("get", () => this.#get(location, key).value),
      getWithMetadata: (key: string) => reach("get", () => this.#get(location, key)),
      put: (key: string, value: string, options: PutOptions = {}) => reach("put", () => this.#put(location, key, value, options)),
      list: (options: ListOptions = {}) => reach("list", () => this.#list(location, options)),
      delete: (key: string) => reach("delete", () => this.#delete(location, key)),
    };
    // The product uses no other form of these verbs; one that it came to use would fail here, not pass.
    return binding as unknown as KVNamespace;
  }
}
