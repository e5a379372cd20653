// Store driver for Workers KV. Eventually consistent, no compare-and-set, last write wins
// (Cloudflare docs, kv/concepts/how-kv-works, 2026-11); records are immutable, so that none of this can lose one.
import type { KVNamespace } from "@cloudflare/workers-types";
import { asPortcullisError, PortcullisError } from "../../shared/errors.ts";
import type { Clock, EpochMs, Store, StorePage } from "../../shared/ports.ts";

/** Cloudflare docs, kv/api/write-key-value-pairs, 2026-11: an expiry must be at least 60 seconds ahead. */
const ttlMinSeconds = 60;
/** The runtime takes a signed 32-bit number of seconds; larger throws (measured with the local runtime, 2026-11-20). */
const expirationMaxSeconds = 2 ** 31 - 1;
/** Cloudflare docs, kv/platform/limits, 2026-11. */
const metadataBytesMax = 1024;

function expirationSeconds(expiresAtMs: EpochMs, now: EpochMs): number {
  const seconds = Math.ceil(expiresAtMs / 1000);
  if (seconds - now / 1000 < ttlMinSeconds || seconds > expirationMaxSeconds) {
    throw new PortcullisError("INVARIANT", `a record cannot expire at ${seconds}: Workers KV takes ${ttlMinSeconds} s ahead up to ${expirationMaxSeconds}`);
  }
  return seconds;
}

async function reach<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw asPortcullisError(thrown, "STORE_UNAVAILABLE", `Workers KV failed to ${what}`);
  }
}

/** `stalenessMs` is what the configuration takes the namespace to be behind by. */
export function workersKvStore(namespace: KVNamespace, clock: Clock, stalenessMs: number): Store {
  return {
    capabilities: { stalenessMs, atomic: false, ttlMinSeconds, metadataBytesMax },
    put: (key, value, { metadata, expiresAtMs }) =>
      reach("put", async () => {
        const expiry = expiresAtMs === null ? {} : { expiration: expirationSeconds(expiresAtMs, clock.now()) };
        await namespace.put(key, value, { metadata, ...expiry });
      }),
    get: (key) =>
      reach("get", async () => {
        const { value, metadata } = await namespace.getWithMetadata(key, "text");
        return value === null ? null : { value, metadata };
      }),
    list: (cursor, prefix) =>
      reach("list", async (): Promise<StorePage> => {
        const page = await namespace.list({ cursor, prefix: prefix ?? null });
        const keys = page.keys.map((key) => ({ name: key.name, metadata: key.metadata ?? null }));
        return { keys, cursor: page.list_complete ? null : page.cursor };
      }),
    delete: (key) => reach("delete", () => namespace.delete(key)),
  };
}
