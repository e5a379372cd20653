// Life without a coordinator: KV and cron alone. Routes record and answer `pending`; the tick does the rest.
// P3 and P9 are then weaker by the store's staleness, and limits per minute count per process. Says so in every answer.
import { PortcullisError } from "../../shared/errors.ts";
import { keyPrefixes } from "../../shared/keys.ts";
import type { Snapshot } from "../../shared/lease/snapshot.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs, Json, Log } from "../../shared/ports.ts";
import type { World } from "../pass/world.ts";
import type { CoordinatorApi, TickAnswer } from "./contract.ts";
import { Coordinator, type Host } from "./coordinator.ts";
import { Memory, type MemoryStorage, volatileStorage } from "./memory.ts";

/** What requests of one process share: plain data, for none may wait on another's promise. */
export interface ProcessData {
  /** What it accepted lately. */
  readonly recent: MemoryStorage;
  /** When the pass began that is under way here; null: none is. */
  passBeganAt: EpochMs | null;
}

export function newProcessData(): ProcessData {
  return { recent: volatileStorage(), passBeganAt: null };
}

/** A pass that has not ended after this was cut off: a tick and a half, so that one tick at most is left out for it. */
const cutOffMs = 1.5 * limits.tickMs;

export interface TickOnlyParts {
  /** Everything of a world but what this file provides. */
  world(): Promise<Omit<World, "memory" | "continuity">>;
  readonly host: Omit<Host, "schedule" | "sleep">;
  readonly shared: ProcessData;
  /** As in World: for when there is a coordinator, and it does not answer. */
  readonly repeats?: World["repeats"];
}

/** The stored snapshot carries the targets' memory along: there is no other place for it. */
type StoredSnapshot = Snapshot & { readonly memory?: Readonly<Record<string, Json>> };

async function storedSnapshot(world: Pick<World, "store" | "log">): Promise<StoredSnapshot | null> {
  const found = await world.store.get(keyPrefixes.snapshot);
  try {
    return found === null ? null : (JSON.parse(found.value) as StoredSnapshot);
  } catch {
    // Someone else wrote it. Everything in it can be made anew, and the next tick replaces it.
    world.log({ level: "error", event: "snapshot.unreadable", code: "STORE_CORRUPT", message: `the key ${keyPrefixes.snapshot} holds no snapshot` });
    return null;
  }
}

/** Whether the stored snapshot must be replaced: something came of the pass, or readers would take it for stale. */
function isDue(before: StoredSnapshot | null, after: Snapshot, memory: Readonly<Record<string, Json>>): boolean {
  return before === null || after.at - before.at >= limits.fullPassMs || lasting(after, memory) !== lasting(before, before.memory ?? {});
}

/** What must outlive the tick: targets' memory. Times of passes are left out, so that an idle tick seldom writes. */
async function carriedMemory(storage: MemoryStorage): Promise<Record<string, Json>> {
  const values = await storage.load();
  return Object.fromEntries([...values].filter(([key]) => key.startsWith("target:")));
}

/** Without what changes at every tick: two of these are equal when nothing happened. */
function lasting(snapshot: Snapshot | null, memory: Readonly<Record<string, Json>>): string {
  const targets = Object.entries(snapshot?.targets ?? {}).map(([name, { observedAt: _at, callsMade: _calls, changed: _changed, drift: _drift, ...rest }]) => [
    name,
    rest,
  ]);
  return JSON.stringify([snapshot?.blocks, snapshot?.states, snapshot?.exemptions, snapshot?.stop, snapshot?.storeId, snapshot?.complete, targets, memory]);
}

/** Passes of one process do not meet: both would write what each had seen to be missing. Of other processes nothing is known. `busy`: what comes of it instead. */
async function inTurn<T>({ world, shared }: TickOnlyParts, run: () => Promise<T>, busy: (log: Log) => T): Promise<T> {
  const { clock, log } = await world();
  const now = clock.now();
  const before = shared.passBeganAt;
  if (before !== null && before <= now && now - before < cutOffMs) return busy(log);
  shared.passBeganAt = now;
  try {
    return await run();
  } finally {
    if (shared.passBeganAt === now) shared.passBeganAt = null;
  }
}

function refused(): never {
  throw new PortcullisError("NOT_READY", "a pass is under way, so none was begun; try again in a few seconds", { retryAfterSeconds: 5 });
}

function leftOut(log: Log): TickAnswer {
  log({ level: "info", event: "tick.beside" });
  return { failed: {}, quiet: true };
}

export function tickOnlyCoordinator(parts: TickOnlyParts): CoordinatorApi {
  const host: Host = { ...parts.host, schedule: async () => undefined, sleep: async () => undefined };

  async function open(storage: MemoryStorage): Promise<{ coordinator: Coordinator; world: World; stored: StoredSnapshot | null }> {
    const base = await parts.world();
    const stored = await storedSnapshot(base);
    const memory = await Memory.open(storage, base.clock.now());
    memory.snapshot = stored;
    await memory.forget(base.clock.now() - Math.max(limits.snapshotEveryMs, base.config.brake.perMs), base.clock.now() - 2 * limits.signatureToleranceMs);
    await memory.events.forget(base.clock.now() - limits.snapshotEveryMs);
    const world: World = { ...base, memory, continuity: "none", ...(parts.repeats === undefined ? {} : { repeats: parts.repeats }) };
    return { coordinator: new Coordinator(world, host), world, stored };
  }

  /** One pass with the memory of the last one, then one write if anything came of it. */
  async function passing<T>(run: (coordinator: Coordinator) => Promise<T>): Promise<T> {
    const storage = volatileStorage();
    const before = await storedSnapshot(await parts.world());
    for (const [key, value] of Object.entries(before?.memory ?? {})) await storage.put(key, value);
    const { coordinator, world } = await open(storage);
    const answer = await run(coordinator);
    const after = world.memory.snapshot;
    const memory = await carriedMemory(storage);
    if (after !== null && isDue(before, after, memory)) {
      await world.store.put(keyPrefixes.snapshot, JSON.stringify({ ...after, memory }), { metadata: { at: after.at }, expiresAtMs: null });
    }
    return answer;
  }

  const ask = async <T>(run: (coordinator: Coordinator) => Promise<T>): Promise<T> => run((await open(parts.shared.recent)).coordinator);
  return {
    accept: (request, trace) => ask((coordinator) => coordinator.accept(request, trace)),
    settle: (ticket, keys) => ask(async (coordinator) => ({ ...(await coordinator.settle(ticket, keys, 0)), done: false })),
    lift: (request, trace) => ask((coordinator) => coordinator.lift(request, trace)),
    stop: (request, trace) => ask((coordinator) => coordinator.stop(request, trace)),
    plan: (target, trace) => ask((coordinator) => coordinator.plan(target, trace)),
    explain: (key) => ask((coordinator) => coordinator.explain(key)),
    snapshot: () => ask((coordinator) => coordinator.snapshot()),
    storeId: (mint) => ask((coordinator) => coordinator.storeId(mint)),
    reconcile: (confirm, trace) => inTurn(parts, () => passing((coordinator) => coordinator.reconcile(confirm, trace)), refused),
    // Each process knows its own requests only, and no pass remembers the one before.
    take: (request, trace) => ask((coordinator) => coordinator.take(request, trace)),
    events: (request) => ask((coordinator) => coordinator.events(request)),
    event: (id) => ask((coordinator) => coordinator.event(id)),
    replay: (request, trace) => ask((coordinator) => coordinator.replay(request, trace)),
    approve: (request, trace) => ask((coordinator) => coordinator.approve(request, trace)),
    vitals: async () => null,
    note: async () => undefined,
    tick: (trace) => inTurn(parts, () => passing((coordinator) => coordinator.tick(trace)), leftOut),
  };
}
