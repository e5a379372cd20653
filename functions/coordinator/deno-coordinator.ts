// Puts the coordinator of one Deno instance together from its ports: lock, memory and store over one database, targets that call
// nobody without the lock, and others for questions. Refuses to touch the platform itself.
import type { Config } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import type { Clock, EpochMs, Log, Random, Secret } from "../../shared/ports.ts";
import type { Protection } from "../../shared/protect/index.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";
import type { PlaybookEngine } from "../events/contract.ts";
import type { Target } from "../pass/world.ts";
import type { DenoKv } from "../runtime/deno-api.ts";
import { deploymentOf } from "../runtime/deployment.ts";
import { makeTargets } from "../runtime/targets.ts";
import type { Fetch } from "../runtime/transport.ts";
import { denoKvStore } from "../stores/deno-kv.ts";
import type { Fence } from "../stores/deno-kv-values.ts";
import { Coordinator, type Host } from "./coordinator.ts";
import { DenoLock } from "./deno-lock.ts";
import { lockedMemory, type ReadBefore, sharedMemory } from "./deno-memory.ts";
import type { Schedule } from "./lock-sessions.ts";
import { type LockedCoordinator, lockedCoordinator } from "./locked.ts";
import { Memory, type MemoryStorage } from "./memory.ts";

export interface DenoCoordinatorParts {
  readonly kv: DenoKv;
  /** As `configOnDeno` made it. */
  readonly config: Config;
  readonly definitions: Readonly<Record<string, ProviderDefinition>>;
  /** Null or absent: there are no playbooks. */
  readonly engine?: PlaybookEngine | null;
  readonly protection: Protection;
  readonly secrets: (name: string) => Promise<string | undefined>;
  /** As in ProviderPorts. */
  readonly identity?: (audience: string) => Promise<Secret>;
  readonly fetch: Fetch;
  readonly allowedHosts: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  sleep(ms: number): Promise<void>;
  /** Runs `work` at about that moment if the instance still lives then. */
  later(at: EpochMs, work: () => Promise<void>): void;
  heartbeat(): Promise<"sent" | "failed" | undefined>;
}

export interface DenoCoordinator extends LockedCoordinator {
  /** Ready for questions: they write nothing. */
  readonly targets: readonly Target[];
}

function idFrom(random: Random): string {
  return [...random.bytes(16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whoever accepted last may have died before the pass for it, which nobody else has on his list; and his clock may be behind ours. */
function changedBy(memory: Memory): EpochMs {
  const at = memory.rememberedAt();
  return at === 0 ? 0 : at + limits.skewMs;
}

export async function denoCoordinator(parts: DenoCoordinatorParts): Promise<DenoCoordinator> {
  const { kv, config, clock, random, log, protection, sleep } = parts;
  const randomId = () => idFrom(random);
  const lock = new DenoLock({ kv, clock, owner: randomId() });
  const guarded = await makeTargets({ ...parts, beforeCall: () => lock.ensure(limits.callTimeoutMs) });
  const asking = await makeTargets(parts);
  const world = {
    config,
    clock,
    log,
    protection,
    deployment: deploymentOf(config),
    continuity: "kept" as const,
    ...(parts.engine == null ? {} : { engine: parts.engine }),
  };
  const host: Omit<Host, "schedule"> = { sleep, randomBytes: (count) => random.bytes(count), heartbeat: () => parts.heartbeat() };
  const memoryParts = { kv, clock, randomId };
  const readBefore: ReadBefore = new Map();
  const open = async (
    storage: MemoryStorage,
    targets: readonly Target[],
    fence?: Fence,
  ): Promise<{ memory: Memory; over: (schedule: Schedule) => Coordinator }> => {
    const memory = await Memory.open(storage, clock.now());
    const store = denoKvStore({ kv, clock, randomId, ...(fence === undefined ? {} : { fence }) });
    return { memory, over: (schedule) => new Coordinator({ ...world, store, memory, targets }, { ...host, schedule }) };
  };
  const locked = lockedCoordinator({
    lock,
    clock,
    log,
    sleep,
    jitter: () => (random.bytes(1)[0] ?? 0) / 256,
    later: (at, work) => parts.later(at, work),
    async openLocked(schedule, state) {
      const { memory, over } = await open(lockedMemory(memoryParts, lock, readBefore), guarded, lock);
      memory.core.changedAt = state === "added" ? clock.now() : Math.max(memory.core.changedAt, changedBy(memory));
      if (state === "added") await memory.saveCore();
      return over(schedule);
    },
    openShared: async (schedule) => (await open(sharedMemory(memoryParts, readBefore), asking)).over(schedule),
  });
  return { ...locked, targets: asking };
}
