// What Cloudflare Workers gives, made into our ports. The only file, with the entry and the coordinator object, that knows it.
import type { DurableObjectNamespace, KVNamespace } from "@cloudflare/workers-types";
import generated from "#config";
import { providers } from "#providers";
import type { Config } from "../../shared/config.ts";
import type { Clock, Log, Random } from "../../shared/ports.ts";
import { createProtection } from "../../shared/protect/index.ts";
import type { CoordinatorApi } from "../coordinator/contract.ts";
import type { Host } from "../coordinator/coordinator.ts";
import { CoordinatorUnreachable, remoteCoordinator } from "../coordinator/rpc.ts";
import type { Target, World } from "../pass/world.ts";
import { workersKvStore } from "../stores/workers-kv.ts";
import { deploymentOf } from "./deployment.ts";
import { sendHeartbeat } from "./heartbeat.ts";
import { makeTargets } from "./targets.ts";

/** Bindings by the names in `wrangler.toml`; secrets are looked up by the names in the configuration. */
export interface WorkerEnv {
  readonly PORTCULLIS_KV: KVNamespace;
  /** Absent: KV and cron alone (`tick-only`). */
  readonly PORTCULLIS_COORDINATOR?: DurableObjectNamespace;
  readonly PORTCULLIS_ALLOWED_HOSTS?: string;
  readonly [secret: string]: unknown;
}

export const config = generated as unknown as Config;

export const clock: Clock = { now: () => Date.now() };

const random: Random = { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) };

/** One line of JSON, which Workers Logs indexes (Cloudflare docs, workers/observability/logs, 2026). */
export const log: Log = (record) => {
  const line = JSON.stringify(record);
  if (record.level === "error") console.error(line);
  else if (record.level === "warn") console.warn(line);
  else console.log(line);
};

/** A secret as plain variable, or as a Secrets Store binding (`{ get() }`). */
export function secretsOf(env: WorkerEnv): (name: string) => Promise<string | undefined> {
  return async (name) => {
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (typeof value === "string") return value;
    const store = value as { get?: () => Promise<string> } | undefined;
    return typeof store?.get === "function" ? store.get() : undefined;
  };
}

const callOut = (url: string, init: RequestInit): Promise<Response> => fetch(url, init);

let protection: World["protection"] | undefined;

/** Built once per isolate, at the first need: it costs nothing at start-up. */
export function protectionOf(): World["protection"] {
  protection ??= createProtection(config.protect);
  return protection;
}

export async function targetsOf(env: WorkerEnv): Promise<Target[]> {
  const parts = { config, definitions: providers, secrets: secretsOf(env), fetch: callOut, allowedHosts: env.PORTCULLIS_ALLOWED_HOSTS, clock, random, log };
  return makeTargets(parts);
}

export async function worldOf(env: WorkerEnv): Promise<Omit<World, "memory" | "continuity">> {
  const store = workersKvStore(env.PORTCULLIS_KV, clock, config.store.stalenessMs);
  return { config, clock, log, store, targets: await targetsOf(env), protection: protectionOf(), deployment: deploymentOf(config) };
}

export function hostOf(env: WorkerEnv): Omit<Host, "schedule" | "sleep"> {
  const parts = { config, secrets: secretsOf(env), fetch: callOut, allowedHosts: env.PORTCULLIS_ALLOWED_HOSTS, log };
  return { randomBytes: (count) => random.bytes(count), heartbeat: () => sendHeartbeat(parts) };
}

/** The deployment's one coordinator object. */
export function coordinatorStub(namespace: DurableObjectNamespace): CoordinatorApi {
  return remoteCoordinator(async (body) => {
    try {
      // A stub belongs to the request that made it (workerd refuses I/O on behalf of another one).
      const stub = namespace.get(namespace.idFromName("coordinator"));
      const response = await stub.fetch("https://coordinator/", { method: "POST", body });
      if (response.status !== 200) throw new Error(`status ${response.status}`);
      return await response.text();
    } catch (thrown) {
      log({ level: "error", event: "coordinator.unreachable", message: String(thrown) });
      throw new CoordinatorUnreachable("the coordinator object did not answer", { cause: thrown });
    }
  });
}
