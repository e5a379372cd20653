// The coordinator on Cloudflare: one Durable Object per deployment. Gives the coordinator storage that survives eviction,
// and alarms, which run at least once and are retried after a crash (Cloudflare docs, durable-objects/api/alarms, 2026).
import type { DurableObjectState, DurableObjectStorage } from "@cloudflare/workers-types";
import type { EpochMs, Json } from "../../shared/ports.ts";
import type { WorkerEnv, WorkersRuntime } from "../runtime/workers.ts";
import { Coordinator, type Host } from "./coordinator.ts";
import { GroupedWrites } from "./grouped-writes.ts";
import { Memory, type MemoryStorage } from "./memory.ts";
import { serveCall } from "./rpc.ts";

/** At most 128 keys per call (Cloudflare docs, durable-objects/api/storage-api, 2026). */
const keysPerCall = 128;

/** The object's storage, as memory is kept in it. */
export function storageOf(storage: Pick<DurableObjectStorage, "put" | "delete" | "list" | "sync">): MemoryStorage {
  const recent = new GroupedWrites({
    async put(entries) {
      const all = [...entries];
      // Not awaited one by one: puts without anything between them become one transaction.
      const puts: Promise<void>[] = [];
      for (let at = 0; at < all.length; at += keysPerCall) puts.push(storage.put(Object.fromEntries(all.slice(at, at + keysPerCall))));
      await Promise.all(puts);
    },
    flushed: () => storage.sync(),
  });
  return {
    load: async () => storage.list<Json>(),
    // Only what is written side by side, by requests and by events at work: a pass's own writes are in a row, and must not wait for the disk twice.
    put: (key, value) => (/^(?:recent|lifting|event):/.test(key) ? recent.put(key, value) : storage.put(key, value)),
    delete: async (keys) => {
      await recent.idle();
      for (let at = 0; at < keys.length; at += keysPerCall) await storage.delete(keys.slice(at, at + keysPerCall));
    },
  };
}

/** What the object does; the entry binds it to what its deployment is made of. */
export class CoordinatorHost {
  readonly #runtime: WorkersRuntime;
  readonly #state: DurableObjectState;
  readonly #env: WorkerEnv;
  #coordinator: Promise<Coordinator> | null = null;
  /** The alarm that is set, as far as this life knows; undefined: not asked yet. */
  #alarmAt: EpochMs | null | undefined = undefined;

  constructor(runtime: WorkersRuntime, state: DurableObjectState, env: WorkerEnv) {
    this.#runtime = runtime;
    this.#state = state;
    this.#env = env;
  }

  async fetch(request: Request): Promise<Response> {
    const coordinator = await this.#open();
    return new Response(await serveCall(coordinator, await request.text()), { headers: { "content-type": "application/json" } });
  }

  async alarm(): Promise<void> {
    this.#alarmAt = null;
    const coordinator = await this.#open();
    await coordinator.wake();
  }

  /** Opened once per life; a failed opening is tried again by the next call. */
  #open(): Promise<Coordinator> {
    this.#coordinator ??= this.#make().catch((thrown: unknown) => {
      this.#coordinator = null;
      throw thrown;
    });
    return this.#coordinator;
  }

  async #make(): Promise<Coordinator> {
    const base = await this.#runtime.world(this.#env);
    const memory = await Memory.open(storageOf(this.#state.storage), base.clock.now());
    const host: Host = {
      ...this.#runtime.host(this.#env),
      schedule: (at) => this.#schedule(at, base.clock.now()),
      sleep: (ms) => this.#runtime.platform.sleep(ms),
    };
    return new Coordinator({ ...base, memory, continuity: "kept" }, host);
  }

  async #schedule(at: EpochMs, now: EpochMs): Promise<void> {
    if (this.#alarmAt === undefined) this.#alarmAt = await this.#state.storage.getAlarm();
    if (this.#alarmAt !== null && this.#alarmAt <= at && this.#alarmAt > now - 60_000) return;
    this.#alarmAt = at;
    await this.#state.storage.setAlarm(at);
  }
}
