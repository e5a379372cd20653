// Store driver for Deno KV: reads and listings are strong, writes may be bound to a lock. Expiry there is lazy
// (Deno docs, deploy/kv/key_expiration, 2026): what has expired is left out of every answer, whether it is still there or not.
import { PortcullisError } from "../../shared/errors.ts";
import type { Clock, Store } from "../../shared/ports.ts";
import type { DenoKv } from "../runtime/deno-api.ts";
import { DenoKvValues, type Fence } from "./deno-kv-values.ts";

/** As on Workers KV, so that a record means the same in both. */
const metadataBytesMax = 1024;
const keyBytesMax = 512;

export interface DenoKvStoreParts {
  readonly kv: DenoKv;
  readonly clock: Clock;
  readonly randomId: () => string;
  /** What must still hold when a write is made: the coordinator's lock. */
  readonly fence?: Fence;
}

export function denoKvStore({ kv, clock, randomId, fence }: DenoKvStoreParts): Store {
  const values = new DenoKvValues({ kv, room: "store", now: () => clock.now(), randomId, fence });
  return {
    capabilities: { stalenessMs: 0, atomic: true, ttlMinSeconds: 0, metadataBytesMax },
    async put(key, value, { metadata, expiresAtMs }) {
      if (key === "" || key.length > keyBytesMax) throw new PortcullisError("INVARIANT", "the key is empty or too long");
      const bytes = JSON.stringify(metadata).length;
      if (bytes > metadataBytesMax) throw new PortcullisError("INVARIANT", `metadata of ${bytes} bytes exceeds ${metadataBytesMax}`);
      if (expiresAtMs !== null && expiresAtMs <= clock.now()) throw new PortcullisError("INVARIANT", "a record cannot have expired before it is written");
      await values.put(key, value, metadata, expiresAtMs);
    },
    async get(key) {
      const found = await values.get(key);
      return found === null ? null : { value: found.text, metadata: found.metadata };
    },
    async list(cursor, prefix) {
      const page = await values.list(cursor, prefix);
      return { keys: page.found.map(({ name, metadata }) => ({ name, metadata })), cursor: page.cursor };
    },
    delete: (key) => values.delete(key),
  };
}
