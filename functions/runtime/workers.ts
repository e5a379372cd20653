// What Cloudflare Workers gives, made into our ports: bindings, secrets, the coordinator object, HTTP in, ticks in.
// The only file, with the entry and the coordinator object, that knows it. Decides nothing.
import type { DurableObjectNamespace, ExecutionContext, KVNamespace, MessageBatch, Queue, ScheduledController } from "@cloudflare/workers-types";
import type { Config } from "../../shared/config.ts";
import { PortcullisError } from "../../shared/errors.ts";
import type { Log } from "../../shared/ports.ts";
import { createProtection } from "../../shared/protect/index.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";
import { createApp } from "../app.ts";
import type { CoordinatorApi } from "../coordinator/contract.ts";
import type { Host } from "../coordinator/coordinator.ts";
import { CoordinatorUnreachable, remoteCoordinator, withFallback } from "../coordinator/rpc.ts";
import { newProcessData, type ProcessData, tickOnlyCoordinator } from "../coordinator/tick-only.ts";
import type { EngineMaker, PlaybookEngine } from "../events/contract.ts";
import { logAbove } from "../log/line.ts";
import { traced } from "../log/traced.ts";
import openapi from "../openapi.json" with { type: "json" };
import type { Target, World } from "../pass/world.ts";
import { targetFactsOf } from "../routes/admission.ts";
import { workersKvStore } from "../stores/workers-kv.ts";
import { askSnsOf } from "./ask-sns.ts";
import { deploymentOf, engineOf } from "./deployment.ts";
import { sendHeartbeat } from "./heartbeat.ts";
import type { Platform } from "./platform.ts";
import { makeTargets } from "./targets.ts";
import { unusable } from "./unusable.ts";
import { wakingBy } from "./waking.ts";

/** Bindings by the names in `wrangler.toml`; secrets are looked up by the names in the configuration. */
export interface WorkerEnv {
  readonly PORTCULLIS_KV: KVNamespace;
  /** Absent: KV and cron alone (`tick-only`). */
  readonly PORTCULLIS_COORDINATOR?: DurableObjectNamespace;
  /** Absent: the coordinator's alarm and the tick alone work events off. */
  readonly PORTCULLIS_QUEUE?: Queue;
  readonly PORTCULLIS_ALLOWED_HOSTS?: string;
  /** `debug` shows reads and quiet ticks too. */
  readonly PORTCULLIS_LOG_LEVEL?: string;
  readonly [secret: string]: unknown;
}

export interface WorkersParts {
  readonly platform: Platform;
  readonly config: Config;
  readonly definitions: Readonly<Record<string, ProviderDefinition>>;
  /** Null or absent: the configuration has no playbooks. */
  readonly engineMaker?: EngineMaker | null;
}

/** A secret as plain variable, or as a Secrets Store binding (`{ get() }`). */
function secretsOf(env: WorkerEnv): (name: string) => Promise<string | undefined> {
  return async (name) => {
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (typeof value === "string") return value;
    const store = value as { get?: () => Promise<string> } | undefined;
    return typeof store?.get === "function" ? store.get() : undefined;
  };
}

/** What an isolate is made of, before it is asked anything. */
export class WorkersRuntime {
  readonly platform: Platform;
  readonly #config: Config;
  readonly #definitions: WorkersParts["definitions"];
  readonly #engine: PlaybookEngine | null;
  #protection: World["protection"] | undefined;

  constructor({ platform, config, definitions, engineMaker = null }: WorkersParts) {
    this.platform = platform;
    this.#config = config;
    this.#definitions = definitions;
    this.#engine = engineOf(config, engineMaker);
  }

  /** Built once per isolate, at the first need: it costs nothing at start-up. */
  protection(): World["protection"] {
    this.#protection ??= createProtection(this.#config.protect);
    return this.#protection;
  }

  #log(env: WorkerEnv): Log {
    return logAbove(this.platform.log, env.PORTCULLIS_LOG_LEVEL);
  }

  #callParts(env: WorkerEnv) {
    return { ...this.platform, log: this.#log(env), config: this.#config, secrets: secretsOf(env), allowedHosts: env.PORTCULLIS_ALLOWED_HOSTS };
  }

  targets(env: WorkerEnv): Promise<Target[]> {
    return makeTargets({ ...this.#callParts(env), definitions: this.#definitions });
  }

  async world(env: WorkerEnv): Promise<Omit<World, "memory" | "continuity">> {
    const { clock } = this.platform;
    const log = this.#log(env);
    const config = this.#config;
    const store = workersKvStore(env.PORTCULLIS_KV, clock, config.store.stalenessMs);
    const engine = this.#engine === null ? {} : { engine: this.#engine };
    return { config, clock, log, store, targets: await this.targets(env), protection: this.protection(), deployment: deploymentOf(config), ...engine };
  }

  host(env: WorkerEnv): Omit<Host, "schedule" | "sleep"> {
    return { randomBytes: (count) => this.platform.random.bytes(count), heartbeat: () => sendHeartbeat(this.#callParts(env)) };
  }

  /** The deployment's one coordinator object. */
  #stub(namespace: DurableObjectNamespace, log: Log): CoordinatorApi {
    return remoteCoordinator(async (body, trace) => {
      try {
        // A stub belongs to the request that made it (workerd refuses I/O on behalf of another one).
        const stub = namespace.get(namespace.idFromName("coordinator"));
        const response = await stub.fetch("https://coordinator/", { method: "POST", body });
        if (response.status !== 200) throw new Error(`status ${response.status}`);
        return await response.text();
      } catch (thrown) {
        traced(log, trace)({ level: "error", event: "coordinator.unreachable", why: String(thrown) });
        throw new CoordinatorUnreachable("the coordinator object did not answer", { cause: thrown });
      }
    });
  }

  coordinator(env: WorkerEnv, shared: ProcessData): CoordinatorApi {
    const coordinator = this.#reached(env, shared);
    return env.PORTCULLIS_QUEUE === undefined ? coordinator : wakingBy(env.PORTCULLIS_QUEUE, coordinator, this.#log(env));
  }

  #reached(env: WorkerEnv, shared: ProcessData): CoordinatorApi {
    const parts = { world: () => this.world(env), host: this.host(env), shared };
    const namespace = env.PORTCULLIS_COORDINATOR;
    if (namespace === undefined) return tickOnlyCoordinator(parts);
    return withFallback(this.#stub(namespace, this.#log(env)), tickOnlyCoordinator({ ...parts, repeats: "written" }));
  }

  async app(env: WorkerEnv, coordinator: CoordinatorApi): Promise<ReturnType<typeof createApp>> {
    return createApp({
      config: this.#config,
      protection: this.protection(),
      secrets: secretsOf(env),
      clock: this.platform.clock,
      deadline: (ms) => AbortSignal.timeout(ms),
      random: this.platform.random,
      log: this.#log(env),
      askSns: askSnsOf(this.#callParts(env)),
      openapi,
      ...(this.#engine === null ? {} : { eventPages: this.#engine.pages }),
      coordinatorFor: () => coordinator,
      // Set by Cloudflare itself; what a client sends under this name is replaced (Cloudflare docs, fundamentals/reference/http-headers, 2026).
      remoteAddress: (context) => context.req.header("cf-connecting-ip") ?? null,
      defer: (context, work) => context.executionCtx.waitUntil?.(work),
      targetFacts: targetFactsOf(await this.targets(env)),
    });
  }
}

export interface WorkerHandlers {
  fetch(request: Request, env: WorkerEnv, context: ExecutionContext): Promise<Response>;
  /** One tick. Ends as failed when any target did, so that the cron history shows it. */
  scheduled(controller: ScheduledController, env: WorkerEnv): Promise<void>;
  /** Word of new events: one tick for all of it. What is thrown makes the queue send it again, as often as its settings say. */
  queue(batch: MessageBatch, env: WorkerEnv): Promise<void>;
}

/** One isolate's handlers. */
export function makeWorker(runtime: WorkersRuntime): WorkerHandlers {
  /** Of life without a coordinator. */
  const shared = newProcessData();
  /** Bindings do not change within an isolate's life. A promise is not shared: one request must not wait on another's. */
  let app: Awaited<ReturnType<typeof runtime.app>> | undefined;
  const tick = async (env: WorkerEnv): Promise<void> => {
    const { failed } = await runtime.coordinator(env, shared).tick();
    const names = Object.keys(failed);
    if (names.length > 0) throw new PortcullisError("INVARIANT", `the tick failed for ${names.join(", ")}: ${Object.values(failed).join("; ")}`);
  };
  return {
    async fetch(request, env, context) {
      try {
        app ??= await runtime.app(env, runtime.coordinator(env, shared));
      } catch (thrown) {
        return unusable(thrown, runtime.platform.log);
      }
      return app.fetch(request, env, context as never);
    },
    scheduled: (_controller, env) => tick(env),
    queue: (_batch, env) => tick(env),
  };
}
