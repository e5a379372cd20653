// The coordinator's memory in Deno KV, in a room of its own beside the store. Its holder's writes are bound to the lock; without
// the lock only records that were just accepted may be added, which are immutable and named after themselves.
import type { Clock, Json } from "../../shared/ports.ts";
import type { DenoKv } from "../runtime/deno-api.ts";
import { DenoKvValues, type Fence } from "../stores/deno-kv-values.ts";
import type { MemoryStorage } from "./memory.ts";

/** Removals side by side; each is two round trips. */
const deletesAtOnce = 50;

export interface DenoMemoryParts {
  readonly kv: DenoKv;
  readonly clock: Clock;
  readonly randomId: () => string;
}

/** Long texts that this instance has read before, by key: a snapshot of thousands of blocks is read once per version. */
export type ReadBefore = Map<string, { readonly version: string; readonly text: string }>;

async function loadAll(values: DenoKvValues, readBefore: ReadBefore): Promise<ReadonlyMap<string, Json>> {
  const loaded = new Map<string, Json>();
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<DenoKvValues["list"]>> = await values.list(cursor);
    for (const { name, text, version } of page.found) {
      const whole = text ?? (await readLong(values, name, version, readBefore));
      if (whole !== null) loaded.set(name, JSON.parse(whole) as Json);
    }
    cursor = page.cursor;
  } while (cursor !== null);
  return loaded;
}

async function readLong(values: DenoKvValues, name: string, version: string | null, readBefore: ReadBefore): Promise<string | null> {
  const before = readBefore.get(name);
  if (before !== undefined && before.version === version) return before.text;
  const found = await values.get(name);
  // It may be a newer one than was listed; then it is read once more next time.
  if (found !== null && version !== null) readBefore.set(name, { version: found.version ?? "", text: found.text });
  return found?.text ?? null;
}

/** For the holder of the lock. */
export function lockedMemory(parts: DenoMemoryParts, fence: Fence, readBefore: ReadBefore): MemoryStorage {
  const values = new DenoKvValues({ kv: parts.kv, room: "memory", now: () => parts.clock.now(), randomId: parts.randomId, fence });
  return {
    takesLongTexts: true,
    load: () => loadAll(values, readBefore),
    put: (key, value) => values.put(key, JSON.stringify(value), null, null),
    async delete(keys) {
      for (let at = 0; at < keys.length; at += deletesAtOnce) await Promise.all(keys.slice(at, at + deletesAtOnce).map((key) => values.delete(key)));
    },
  };
}

/** For everybody else: reads what is there, adds accepted records, and leaves the rest to the holder. */
export function sharedMemory(parts: DenoMemoryParts, readBefore: ReadBefore): MemoryStorage {
  const values = new DenoKvValues({ kv: parts.kv, room: "memory", now: () => parts.clock.now(), randomId: parts.randomId });
  return {
    takesLongTexts: true,
    load: () => loadAll(values, readBefore),
    put: async (key, value) => {
      if (key.startsWith("recent:")) await values.put(key, JSON.stringify(value), null, null);
    },
    delete: async () => undefined,
  };
}
