// What Deno Deploy gives, made into our ports. The only file, with the entry and the lock, that knows it. Writes to clouds on the
// production timeline only: cron runs on every branch's timeline too (Deno docs, deploy/reference/cron, 2026), and a preview must not.
import type { Context } from "hono";
import type { Config } from "../../shared/config.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";
import type { Clock, Log, Random } from "../../shared/ports.ts";
import { createProtection } from "../../shared/protect/index.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";
import { createApp } from "../app.ts";
import { Coordinator, type Host } from "../coordinator/coordinator.ts";
import { DenoLock } from "../coordinator/deno-lock.ts";
import { lockedMemory, type ReadBefore, sharedMemory } from "../coordinator/deno-memory.ts";
import type { Schedule } from "../coordinator/lock-sessions.ts";
import { type LockedCoordinator, lockedCoordinator } from "../coordinator/locked.ts";
import { Memory, type MemoryStorage } from "../coordinator/memory.ts";
import openapi from "../openapi.json" with { type: "json" };
import type { Target } from "../pass/world.ts";
import { denoKvStore } from "../stores/deno-kv.ts";
import type { DenoApi, DenoKv, DenoServeInfo } from "./deno-api.ts";
import { configOnDeno, refusedNames } from "./deno-config.ts";
import { deploymentOf } from "./deployment.ts";
import { sendHeartbeat } from "./heartbeat.ts";
import { makeTargets } from "./targets.ts";

export interface DenoParts {
  readonly deno: DenoApi;
  readonly config: Config;
  readonly definitions: Readonly<Record<string, ProviderDefinition>>;
}

export interface DenoPortcullis {
  /** Opens the database and says what is wrong with the deployment, before anything is served. */
  ready(): Promise<void>;
  handle(request: Request, info: DenoServeInfo): Promise<Response>;
  /** One tick; rejects when any target failed, so that the cron history shows it. */
  tick(): Promise<void>;
  /** Lets what runs end, as far as the platform's grace goes. */
  shutDown(): Promise<void>;
}

/** The platform waits five seconds after SIGINT (Deno docs, deploy/reference/runtime, 2026). */
const graceMs = 4_000;

const clock: Clock = { now: () => Date.now() };
const random: Random = { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) };
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
const callOut = (url: string, init: RequestInit): Promise<Response> => fetch(url, init);
const randomId = (): string => crypto.randomUUID();

const log: Log = (record) => {
  const line = JSON.stringify(record);
  if (record.level === "error") console.error(line);
  else if (record.level === "warn") console.warn(line);
  else console.log(line);
};

/** Builds are evaluated too, to find the cron jobs, and have neither timeline nor database (Deno docs, deploy/reference/env_vars_and_contexts, 2026). */
function isBuild(deno: DenoApi): boolean {
  return deno.env.get("DENO_DEPLOY") !== undefined && deno.env.get("DENO_TIMELINE") === undefined;
}

async function openKv(deno: DenoApi): Promise<DenoKv> {
  try {
    return await deno.openKv(deno.env.get("PORTCULLIS_KV_PATH"));
  } catch (thrown) {
    const remedy = "provision a Deno KV database in the console under Databases, assign it to this app, and deploy again (functions/README.md)";
    throw new PortcullisError("CONFIG_INVALID", `no Deno KV database could be opened: ${remedy}`, {}, thrown);
  }
}

interface Runtime {
  readonly coordinator: LockedCoordinator;
  readonly app: ReturnType<typeof createApp>;
}

/** Everything that needs the database, made once per instance. */
async function start({ deno, definitions, ...parts }: DenoParts): Promise<Runtime> {
  const config = configOnDeno(parts.config, deno.env.get("DENO_TIMELINE"));
  const kv = await openKv(deno);
  const secrets = async (name: string): Promise<string | undefined> => deno.env.get(name);
  const allowedHosts = deno.env.get("PORTCULLIS_ALLOWED_HOSTS");
  const protection = createProtection(config.protect);
  const lock = new DenoLock({ kv, clock, owner: randomId() });
  const memoryParts = { kv, clock, randomId };
  const targetParts = { config, definitions, secrets, fetch: callOut, allowedHosts, clock, random, log };
  const targets = await makeTargets({ ...targetParts, beforeCall: () => lock.ensure(limits.callTimeoutMs) });
  const sharedTargets = await makeTargets(targetParts);
  const host: Omit<Host, "schedule"> = {
    sleep,
    randomBytes: (count) => random.bytes(count),
    heartbeat: () => sendHeartbeat({ config, secrets, fetch: callOut, allowedHosts, log }),
  };
  const world = { config, clock, log, protection, deployment: deploymentOf(config), continuity: "kept" as const };
  const openOver = async (
    storage: MemoryStorage,
    access: "locked" | "shared",
  ): Promise<{ memory: Memory; coordinator: (schedule: Schedule) => Coordinator }> => {
    const memory = await Memory.open(storage, clock.now());
    const store = denoKvStore({ kv, clock, randomId, ...(access === "locked" ? { fence: lock } : {}) });
    const own: readonly Target[] = access === "locked" ? targets : sharedTargets;
    return { memory, coordinator: (schedule) => new Coordinator({ ...world, store, memory, targets: own }, { ...host, schedule }) };
  };
  const readBefore: ReadBefore = new Map();
  const coordinator = lockedCoordinator({
    lock,
    clock,
    log,
    sleep,
    jitter: () => (random.bytes(1)[0] ?? 0) / 256,
    later: (at, work) => void setTimeout(work, Math.max(0, at - clock.now())),
    async openLocked(schedule, state) {
      const opened = await openOver(lockedMemory(memoryParts, lock, readBefore), "locked");
      if (state === "added") {
        opened.memory.core.changedAt = clock.now();
        await opened.memory.saveCore();
      }
      return opened.coordinator(schedule);
    },
    openShared: async (schedule) => (await openOver(sharedMemory(memoryParts, readBefore), "shared")).coordinator(schedule),
  });
  const facts = new Map(sharedTargets.map((target) => [target.name, target]));
  const app = createApp({
    config,
    protection,
    secrets,
    clock,
    log,
    openapi,
    coordinatorFor: () => coordinator.api,
    // Whom the platform accepted the connection from; no header is asked.
    remoteAddress: (context: Context) => (context.env as DenoServeInfo).remoteAddr.hostname ?? null,
    targetFacts: (name) => {
      const target = facts.get(name);
      return target === undefined ? null : { caveats: target.definition.caveats, admit: (cidr) => target.provider.admit(cidr) };
    },
  });
  return { coordinator, app };
}

export function makeDeno(parts: DenoParts): DenoPortcullis {
  let runtime: Promise<Runtime> | null = null;
  /** Made once; a failed start is tried again by the next call. */
  const started = (): Promise<Runtime> => {
    runtime ??= start(parts).catch((thrown: unknown) => {
      runtime = null;
      throw thrown;
    });
    return runtime;
  };
  return {
    async ready() {
      const refused = refusedNames(parts.config);
      if (refused.length > 0) {
        const why = `Deno Deploy takes no variables of these names, so the secrets that portcullis.yaml names cannot be set: ${refused.join(", ")}; name them otherwise`;
        throw new PortcullisError("CONFIG_INVALID", why);
      }
      if (!isBuild(parts.deno)) await started();
    },
    handle: async (request, info) => (await started()).app.fetch(request, info),
    async tick() {
      const { failed } = await (await started()).coordinator.api.tick();
      const names = Object.keys(failed);
      if (names.length > 0) throw new PortcullisError("INVARIANT", `the tick failed for ${names.join(", ")}: ${Object.values(failed).join("; ")}`);
    },
    async shutDown() {
      if (runtime !== null) await (await runtime).coordinator.shutDown(graceMs);
    },
  };
}
