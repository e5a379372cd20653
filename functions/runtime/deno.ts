// What Deno Deploy gives, made into our ports. The only file, with the entry, that knows it. Writes to clouds on the production
// timeline only: cron runs on every branch's timeline too (Deno docs, deploy/reference/cron, 2026), and a preview must not.
import type { Context } from "hono";
import type { Config } from "../../shared/config.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { createProtection } from "../../shared/protect/index.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";
import { createApp } from "../app.ts";
import { type DenoCoordinator, denoCoordinator } from "../coordinator/deno-coordinator.ts";
import type { EngineMaker } from "../events/contract.ts";
import { logAbove } from "../log/line.ts";
import openapi from "../openapi.json" with { type: "json" };
import { targetFactsOf } from "../routes/admission.ts";
import { askSnsOf } from "./ask-sns.ts";
import type { DenoApi, DenoKv, DenoServeInfo } from "./deno-api.ts";
import { configOnDeno, refusedNames } from "./deno-config.ts";
import { identityOf } from "./deno-identity.ts";
import { engineOf } from "./deployment.ts";
import { sendHeartbeat } from "./heartbeat.ts";
import type { Platform } from "./platform.ts";
import { unusable } from "./unusable.ts";

export interface DenoParts {
  readonly deno: DenoApi;
  /**
   * Deno's fetch sends a request again, once and by itself, when the connection ends before an answer, a POST too (measured with deno 2.9.5,
   * 2026-11-20). Every step bears that: a rule made twice is a conflict that is looked at, the rest says the same thing again.
   */
  readonly platform: Platform;
  readonly config: Config;
  readonly definitions: Readonly<Record<string, ProviderDefinition>>;
  /** Null or absent: the configuration has no playbooks. */
  readonly engineMaker?: EngineMaker | null;
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

/** Builds evaluate the entry too, to find the cron jobs, and have no timeline (Deno docs, deploy/reference/env_vars_and_contexts, 2026). */
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
  readonly coordinator: DenoCoordinator;
  readonly app: ReturnType<typeof createApp>;
}

/** Everything that needs the database, made once per instance. */
async function start({ deno, platform, definitions, engineMaker = null, ...parts }: DenoParts): Promise<Runtime> {
  const config = configOnDeno(parts.config, deno.env.get("DENO_TIMELINE"));
  const kv = await openKv(deno);
  const secrets = async (name: string): Promise<string | undefined> => deno.env.get(name);
  const allowedHosts = deno.env.get("PORTCULLIS_ALLOWED_HOSTS");
  const protection = createProtection(config.protect);
  const { clock, random, fetch, sleep } = platform;
  const log = logAbove(platform.log, deno.env.get("PORTCULLIS_LOG_LEVEL"));
  const engine = engineOf(config, engineMaker);
  const common = { config, secrets, fetch, allowedHosts, log };
  const coordinator = await denoCoordinator({
    ...common,
    kv,
    definitions,
    engine,
    protection,
    identity: identityOf(deno),
    clock,
    random,
    sleep,
    later: (at, work) => platform.later(at - clock.now(), work),
    heartbeat: () => sendHeartbeat(common),
  });
  const app = createApp({
    config,
    protection,
    secrets,
    clock,
    deadline: (ms) => AbortSignal.timeout(ms),
    random,
    log,
    askSns: askSnsOf(common),
    openapi,
    ...(engine === null ? {} : { eventPages: engine.pages }),
    coordinatorFor: () => coordinator.api,
    // Whom the platform accepted the connection from; no header is asked.
    remoteAddress: (context: Context) => (context.env as DenoServeInfo).remoteAddr.hostname ?? null,
    targetFacts: targetFactsOf(coordinator.targets),
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
      const refused = refusedNames(parts.config).join(", ");
      const why = `Deno Deploy takes no variables of these names, so secrets that portcullis.yaml names cannot be set: ${refused}; name them otherwise`;
      if (refused !== "") throw new PortcullisError("CONFIG_INVALID", why);
      if (!isBuild(parts.deno)) await started();
    },
    async handle(request, info) {
      const ready = await started().catch((thrown: unknown) => unusable(thrown, parts.platform.log));
      return ready instanceof Response ? ready : ready.app.fetch(request, info);
    },
    async tick() {
      const { failed } = await (await started()).coordinator.api.tick();
      const names = Object.keys(failed);
      if (names.length > 0) throw new PortcullisError("INVARIANT", `the tick failed for ${names.join(", ")}: ${Object.values(failed).join("; ")}`);
    },
    async shutDown() {
      // A start that failed has said so already; the signal must end the process all the same.
      const started = await runtime?.catch(() => null);
      await started?.coordinator.shutDown(graceMs);
    },
  };
}
