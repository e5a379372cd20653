// The entry on Cloudflare Workers: HTTP in, ticks in, the coordinator object. Assembles; decides nothing.

import type { DurableObjectState } from "@cloudflare/workers-types";
import generated from "#config";
import { engineMaker } from "#playbooks";
import { providers } from "#providers";
import type { Config } from "../shared/config.ts";
import { CoordinatorHost } from "./coordinator/durable-object.ts";
import { platform } from "./runtime/platform.ts";
import { makeWorker, type WorkerEnv, WorkersRuntime } from "./runtime/workers.ts";

const runtime = new WorkersRuntime({ platform, config: generated as unknown as Config, definitions: providers, engineMaker });

export class CoordinatorObject extends CoordinatorHost {
  constructor(state: DurableObjectState, env: WorkerEnv) {
    super(runtime, state, env);
  }
}

export default makeWorker(runtime);
