// Store driver that lives in the process: tests, laws, and the command line. Strict where Workers KV is strict.
import { PortcullisError } from "../../shared/errors.ts";
import type { Clock, EpochMs, Json, Store, StoreCapabilities } from "../../shared/ports.ts";

interface Value {
  readonly value: string;
  readonly metadata: string;
  readonly expiresAtMs: EpochMs | null;
}

const pageSize = 1000;
const keyBytesMax = 512;

function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `capabilities` default to those of Workers KV without its staleness. */
export function memoryStore(clock: Clock, capabilities: Partial<StoreCapabilities> = {}): Store {
  const declared: StoreCapabilities = { stalenessMs: 0, atomic: false, ttlMinSeconds: 60, metadataBytesMax: 1024, ...capabilities };
  const values = new Map<string, Value>();
  const live = (key: string): Value | undefined => {
    const value = values.get(key);
    if (value?.expiresAtMs != null && value.expiresAtMs <= clock.now()) values.delete(key);
    return values.get(key);
  };
  const check = (key: string, metadata: Json, expiresAtMs: EpochMs | null): string => {
    const text = JSON.stringify(metadata);
    if (key === "" || key === "." || key === ".." || key.length > keyBytesMax) throw new PortcullisError("INVARIANT", "the key is empty or too long");
    if (text.length > declared.metadataBytesMax)
      throw new PortcullisError("INVARIANT", `metadata of ${text.length} bytes exceeds ${declared.metadataBytesMax}`);
    const leastMs = declared.ttlMinSeconds * 1000;
    if (expiresAtMs !== null && expiresAtMs - clock.now() < leastMs) throw new PortcullisError("INVARIANT", `an expiry must be ${leastMs} ms ahead`);
    return text;
  };
  return {
    capabilities: declared,
    async put(key, value, { metadata, expiresAtMs }) {
      values.set(key, { value, metadata: check(key, metadata, expiresAtMs), expiresAtMs });
    },
    async get(key) {
      const found = live(key);
      return found === undefined ? null : { value: found.value, metadata: JSON.parse(found.metadata) as unknown };
    },
    async list(cursor, prefix = "") {
      const names = [...values.keys()]
        .filter((name) => name.startsWith(prefix) && (cursor === null || name > cursor) && live(name) !== undefined)
        .sort(byBytes);
      const page = names.slice(0, pageSize);
      const keys = page.map((name) => ({ name, metadata: JSON.parse(values.get(name)?.metadata ?? "null") as unknown }));
      return { keys, cursor: names.length > pageSize ? (page.at(-1) ?? null) : null };
    },
    async delete(key) {
      values.delete(key);
    },
  };
}
