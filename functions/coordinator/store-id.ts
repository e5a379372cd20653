// The store's identity. Minted once, by `setup`; without it nothing is added or removed anywhere.
import { asPortcullisError, PortcullisError } from "../../shared/errors.ts";
import { keyPrefixes, readRecord } from "../../shared/keys.ts";
import type { Store } from "../../shared/ports.ts";

/** The id in the store; with `bytes`, a new one is written when there is none. Throws STORE_UNAVAILABLE, STORE_CORRUPT. */
export async function mintStoreId(store: Store, bytes: Uint8Array | null): Promise<{ readonly storeId: string | null; readonly minted: boolean }> {
  try {
    const found = await store.get(keyPrefixes.store);
    if (found !== null) {
      const record = readRecord({ name: keyPrefixes.store, metadata: found.metadata });
      if (record.kind !== "store")
        throw new PortcullisError("STORE_CORRUPT", `the key ${keyPrefixes.store} holds no id; find out who wrote it, then delete it`);
      return { storeId: record.id, minted: false };
    }
    if (bytes === null) return { storeId: null, minted: false };
    const storeId = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    await store.put(keyPrefixes.store, storeId, { metadata: { id: storeId }, expiresAtMs: null });
    return { storeId, minted: true };
  } catch (thrown) {
    throw asPortcullisError(thrown, "STORE_UNAVAILABLE", "the store could not be read or written");
  }
}
