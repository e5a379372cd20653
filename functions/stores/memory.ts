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

/** Index of the first name after the cursor, of those that begin with the prefix. */
function firstAfter(sorted: readonly string[], cursor: string, prefix: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const name = sorted[middle] ?? "";
    if (name <= cursor || name < prefix) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** `capabilities` default to those of Workers KV without its staleness. */
export function memoryStore(clock: Clock, capabilities: Partial<StoreCapabilities> = {}): Store {
  const declared: StoreCapabilities = { stalenessMs: 0, atomic: false, ttlMinSeconds: 60, metadataBytesMax: 1024, ...capabilities };
  const values = new Map<string, Value>();
  /** Made when somebody lists, and kept until a key comes or goes: a listing of many pages sorts once. */
  let sorted: string[] | null = null;
  const isOver = ({ expiresAtMs }: Value): boolean => expiresAtMs !== null && expiresAtMs <= clock.now();
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
      const text = check(key, metadata, expiresAtMs);
      if (!values.has(key)) sorted = null;
      values.set(key, { value, metadata: text, expiresAtMs });
    },
    async get(key) {
      const found = values.get(key);
      return found === undefined || isOver(found) ? null : { value: found.value, metadata: JSON.parse(found.metadata) as unknown };
    },
    async list(cursor, prefix = "") {
      sorted ??= [...values.keys()].sort(byBytes);
      const keys: { name: string; metadata: unknown }[] = [];
      let more = false;
      for (let at = firstAfter(sorted, cursor ?? "", prefix); at < sorted.length && !more; at += 1) {
        const name = sorted[at] ?? "";
        if (!name.startsWith(prefix)) break;
        const found = values.get(name);
        if (found === undefined) continue;
        if (isOver(found)) {
          values.delete(name);
          continue;
        }
        if (keys.length < pageSize) keys.push({ name, metadata: JSON.parse(found.metadata) as unknown });
        else more = true;
      }
      return { keys, cursor: more ? (keys.at(-1)?.name ?? null) : null };
    },
    async delete(key) {
      values.delete(key);
      sorted = null;
    },
  };
}
