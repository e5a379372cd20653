// A model of Workers KV: what was written is seen late, by gets and lists alike, and never by the same delay twice.
// Refuses what the real one refuses; may be told to fail, or to be down.
import { PortcullisError } from "../../shared/errors.ts";
import type { Clock, EpochMs, Json, Store } from "../../shared/ports.ts";

interface Version {
  readonly at: EpochMs;
  readonly value: string;
  readonly metadata: Json;
  readonly expiresAtMs: EpochMs | null;
}

export interface KvCounts {
  puts: number;
  lists: number;
  gets: number;
}

export class EventualKv implements Store {
  readonly capabilities;
  readonly counts: KvCounts = { puts: 0, lists: 0, gets: 0 };
  /** How far behind the next read is, at most `stalenessMs`. */
  lag: () => number;
  down = false;
  readonly #clock: Clock;
  readonly #versions = new Map<string, Version[]>();

  constructor(clock: Clock, stalenessMs: number, lag: () => number = () => 0) {
    this.#clock = clock;
    this.lag = lag;
    this.capabilities = { stalenessMs, atomic: false, ttlMinSeconds: 60, metadataBytesMax: 1024 };
  }

  #reach(): void {
    if (this.down) throw new PortcullisError("STORE_UNAVAILABLE", "the simulated store is down");
  }

  #seen(key: string, behindMs: number): Version | null {
    const now = this.#clock.now();
    const version = (this.#versions.get(key) ?? []).findLast((candidate) => candidate.at <= now - behindMs);
    if (version === undefined || (version.expiresAtMs !== null && version.expiresAtMs <= now)) return null;
    return version;
  }

  async put(key: string, value: string, options: { readonly metadata: Json; readonly expiresAtMs: EpochMs | null }): Promise<void> {
    this.#reach();
    this.counts.puts += 1;
    const now = this.#clock.now();
    if (JSON.stringify(options.metadata).length > 1024) throw new PortcullisError("INVARIANT", "metadata too large");
    if (options.expiresAtMs !== null && options.expiresAtMs - now < 60_000) throw new PortcullisError("INVARIANT", "expiry too near");
    this.#versions.set(key, [...(this.#versions.get(key) ?? []), { at: now, value, ...options }]);
  }

  async get(key: string): Promise<{ readonly value: string; readonly metadata: unknown } | null> {
    this.#reach();
    this.counts.gets += 1;
    const version = this.#seen(key, this.lag());
    return version === null ? null : { value: version.value, metadata: version.metadata };
  }

  async list(cursor: string | null, prefix = ""): Promise<{ keys: { name: string; metadata: unknown }[]; cursor: string | null }> {
    this.#reach();
    this.counts.lists += 1;
    const behindMs = this.lag();
    const names = [...this.#versions.keys()].filter((name) => name.startsWith(prefix) && (cursor === null || name > cursor)).sort();
    const keys = names.flatMap((name) => {
      const version = this.#seen(name, behindMs);
      return version === null ? [] : [{ name, metadata: version.metadata }];
    });
    const page = keys.slice(0, 1000);
    return { keys: page, cursor: keys.length > 1000 ? (page.at(-1)?.name ?? null) : null };
  }

  async delete(key: string): Promise<void> {
    this.#reach();
    this.#versions.delete(key);
  }

  /** Everything is gone, as when a namespace was deleted or swapped. */
  wipe(): void {
    this.#versions.clear();
  }
}
