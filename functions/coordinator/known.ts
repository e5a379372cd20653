// What is known of a block right now: the last snapshot's word on its states, `pending` where it has none yet.
// And the one way to make a record durable: to the store first, then to memory.
import { defaultTargets, spillTargets } from "../../shared/config.ts";
import { asPortcullisError } from "../../shared/errors.ts";
import { rowsOf, statesOf, type TargetState } from "../../shared/lease/snapshot.ts";
import type { StorePut } from "../../shared/ports.ts";
import type { Trace } from "../../shared/trace.ts";
import type { World } from "../pass/world.ts";

const pending: TargetState = { state: "pending", why: "recorded; the next pass enforces it" };

/** Answers about blocks from the newest snapshot. */
export class KnownStates {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  #states(key: string): Record<string, TargetState> | null {
    const snapshot = this.#world.memory.snapshot;
    const row = snapshot === null ? undefined : rowsOf(snapshot).get(key);
    return snapshot === null || row === undefined ? null : statesOf(snapshot, row);
  }

  /** Of every selected target (null: all), as the last pass said. */
  ofSelection(key: string, targets: readonly string[] | null): Record<string, TargetState> {
    const known = this.#states(key) ?? {};
    const asked = (targets ?? defaultTargets(this.#world.config)).map((target): [string, TargetState] => [target, known[target] ?? pending]);
    // Where it stands instead, though nobody selected it.
    const spilled = Object.entries(known).filter(([target]) => spillTargets(this.#world.config).has(target));
    return { ...Object.fromEntries(spilled), ...Object.fromEntries(asked) };
  }

  /** Of what the block's leases select, when no pass has seen it yet; else the pass's own word. */
  ofBlock(key: string, selections: readonly (readonly string[] | null)[]): Record<string, TargetState> {
    const all = defaultTargets(this.#world.config);
    return this.#states(key) ?? Object.fromEntries(selections.flatMap((targets) => targets ?? all).map((target) => [target, pending]));
  }
}

/** Makes one record durable; what is remembered always is. Throws STORE_UNAVAILABLE: then nothing was promised. */
export async function putRecord(world: World, key: string, value: string, options: StorePut, trace?: Trace): Promise<void> {
  try {
    await world.store.put(key, value, options);
  } catch (thrown) {
    throw asPortcullisError(thrown, "STORE_UNAVAILABLE", "the store did not take the record; nothing was promised, send it again", { retryAfterSeconds: 5 });
  }
  world.memory.counters.add("portcullis_store_puts_total");
  await world.memory.remember(key, options.metadata, world.clock.now(), trace);
}

/** Waits for all, then throws the first failure: what did succeed is recorded, and nothing runs on unwatched. */
export async function allOrFirstError(writes: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(writes)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
