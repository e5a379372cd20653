// Makes lifts durable, whenever a life ends: what it was about to write is remembered first, and the next life writes it again. Otherwise a lift could
// be in the store while nothing here knows, and for as long as listings are late it would hold in one pass and not in the next.
import { liftMetadata } from "../../shared/keys.ts";
import type { Lift } from "../../shared/lease/record.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs, StorePut } from "../../shared/ports.ts";
import type { Trace } from "../../shared/trace.ts";
import type { World } from "../pass/world.ts";
import { allOrFirstError, putRecord } from "./known.ts";

type Writing = Pick<Lift, "at" | "exemptUntil" | "by">;

/** Until no lease that it ends can be live any more, and its exemption is over. */
function expiryOf({ at, exemptUntil }: Writing): EpochMs {
  return Math.max(at + limits.leaseLongestMs, exemptUntil ?? 0) + limits.retainMs;
}

function putOf(lift: Writing): StorePut {
  return { metadata: liftMetadata(lift), expiresAtMs: expiryOf(lift) };
}

/** Throws STORE_UNAVAILABLE; then whoever asked is told that nothing was promised, so no later life writes it again. */
export async function recordLifts(world: World, names: readonly string[], lift: Writing, trace: Trace | undefined): Promise<void> {
  const options = putOf(lift);
  await allOrFirstError(names.map((name) => world.memory.begin(name, options.metadata)));
  try {
    await allOrFirstError(names.map((name) => putRecord(world, name, "{}", options, trace)));
  } catch (thrown) {
    await world.memory.abandon(names);
    throw thrown;
  }
}

/** Writes again what an earlier life had begun and may not have ended; whether there was any. Without a store it waits for the next pass. */
export async function redoLifts(world: World): Promise<boolean> {
  const now = world.clock.now();
  // One that is older is in the store or never got there, and whoever asked for it has asked again.
  const left = world.memory.leftLifts().filter(({ at }) => now - at < limits.snapshotEveryMs);
  const written = await Promise.allSettled(left.map((lift) => putRecord(world, lift.key, "{}", putOf(lift))));
  return written.some(({ status }) => status === "fulfilled");
}
