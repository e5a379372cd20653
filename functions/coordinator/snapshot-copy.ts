// The store's copy of the snapshot: for the day when memory is gone. Decides when it is worth a write; refuses to make a snapshot.
import { asPortcullisError } from "../../shared/errors.ts";
import { keyPrefixes } from "../../shared/keys.ts";
import type { Snapshot } from "../../shared/lease/snapshot.ts";
import { limits } from "../../shared/limits.ts";
import { fingerprint } from "../../shared/plan/fingerprint.ts";
import type { World } from "../pass/world.ts";

/** Names what a snapshot says, apart from when it was said whether all was readable then, and weights, which lessen with time: nobody asks the stored copy that. */
function printOf(snapshot: Snapshot): string {
  const targets = Object.entries(snapshot.targets).map(
    ([name, { callsMade: _calls, observedAt: _at, changed: _changed, drift: _drift, room: _weights, ...lasting }]) => [name, lasting],
  );
  return fingerprint([JSON.stringify([snapshot.blocks, snapshot.states, snapshot.exemptions, snapshot.stop, snapshot.storeId, targets])]);
}

/** The store's copy of the snapshot is for the day when memory is gone; it costs one write an hour at most. */
export async function storeSnapshot(world: World, visits: number): Promise<void> {
  const { memory, clock, store, log } = world;
  const snapshot = memory.snapshot;
  const now = clock.now();
  // Without memory that lasts, the store's copy is all there is, and tick-only.ts keeps it with what belongs to it.
  if (world.continuity === "none") return;
  if (snapshot === null || now - memory.core.snapshotStoredAt < limits.snapshotEveryMs) return;
  const print = printOf(snapshot);
  if (memory.core.snapshotPrint === print) return;
  try {
    memory.counters.add("portcullis_store_puts_total");
    await store.put(keyPrefixes.snapshot, JSON.stringify(snapshot), { metadata: { at: snapshot.at }, expiresAtMs: null });
    memory.core.snapshotStoredAt = now;
    memory.core.snapshotPrint = print;
    await memory.saveCore();
  } catch (thrown) {
    log({
      level: "warn",
      event: "snapshot.store.failed",
      message: asPortcullisError(thrown, "STORE_UNAVAILABLE", "no answer").message,
      visits,
    });
  }
}
