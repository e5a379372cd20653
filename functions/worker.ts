// The entry on Cloudflare Workers: HTTP in, ticks in, nothing else. Assembles; decides nothing.
import type { ExecutionContext, ScheduledController } from "@cloudflare/workers-types";
import { PortcullisError } from "../shared/errors.ts";
import { createApp } from "./app.ts";
import type { CoordinatorApi } from "./coordinator/contract.ts";
import { volatileStorage } from "./coordinator/memory.ts";
import { withFallback } from "./coordinator/rpc.ts";
import { tickOnlyCoordinator } from "./coordinator/tick-only.ts";
import openapi from "./openapi.json" with { type: "json" };
import { clock, config, coordinatorStub, hostOf, log, protectionOf, secretsOf, targetsOf, type WorkerEnv, worldOf } from "./runtime/workers.ts";

export { CoordinatorObject } from "./coordinator/durable-object.ts";

/** What this isolate accepted lately without a coordinator; plain data, safe to share between requests. */
const recent = volatileStorage();

function coordinatorOf(env: WorkerEnv): CoordinatorApi {
  const alone = tickOnlyCoordinator({ world: () => worldOf(env), host: hostOf(env), recent });
  const namespace = env.PORTCULLIS_COORDINATOR;
  return namespace === undefined ? alone : withFallback(coordinatorStub(namespace), alone);
}

async function appOf(env: WorkerEnv): Promise<ReturnType<typeof createApp>> {
  const targets = new Map((await targetsOf(env)).map((target) => [target.name, target]));
  const coordinator = coordinatorOf(env);
  return createApp({
    config,
    protection: protectionOf(),
    secrets: secretsOf(env),
    clock,
    log,
    openapi,
    coordinatorFor: () => coordinator,
    // Set by Cloudflare itself; what a client sends under this name is replaced (Cloudflare docs, fundamentals/reference/http-headers, 2026).
    remoteAddress: (context) => context.req.header("cf-connecting-ip") ?? null,
    targetFacts: (name) => {
      const target = targets.get(name);
      return target === undefined ? null : { caveats: target.definition.caveats, admit: (cidr) => target.provider.admit(cidr) };
    },
  });
}

/** Bindings do not change within an isolate's life. A promise is not shared: one request must not wait on another's. */
let app: Awaited<ReturnType<typeof appOf>> | undefined;

export default {
  async fetch(request: Request, env: WorkerEnv, context: ExecutionContext): Promise<Response> {
    app ??= await appOf(env);
    return app.fetch(request, env, context as never);
  },

  /** One tick. Ends as failed when any target did, so that the cron history shows it. */
  async scheduled(_controller: ScheduledController, env: WorkerEnv): Promise<void> {
    const { failed } = await coordinatorOf(env).tick();
    const names = Object.keys(failed);
    if (names.length > 0) throw new PortcullisError("INVARIANT", `the tick failed for ${names.join(", ")}: ${Object.values(failed).join("; ")}`);
  },
};
