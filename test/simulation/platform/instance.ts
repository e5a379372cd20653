// One instance of the product on Deno Deploy: a life with its own module state and clock, its own way to the database, and timers that die
// with it. Facts: Deno docs, deploy/reference/runtime, 2026.

import { type DenoPortcullis, makeDeno } from "../../../functions/runtime/deno.ts";
import type { DenoApi } from "../../../functions/runtime/deno-api.ts";
import type { Platform } from "../../../functions/runtime/platform.ts";
import type { Config } from "../../../shared/config.ts";
import { limits } from "../../../shared/limits.ts";
import type { EpochMs } from "../../../shared/ports.ts";
import type { Scheduler } from "../scheduler.ts";
import type { SimulatedDenoKv } from "./deno-kv.ts";
import { type PlatformLife, type PlatformParts, portsOf } from "./parts.ts";
import { Suspension } from "./suspension.ts";

export interface InstanceParts extends PlatformParts {
  readonly kv: SimulatedDenoKv;
  readonly life: PlatformLife;
}

export class Instance {
  readonly life: PlatformLife;
  readonly suspension: Suspension;
  readonly started: Promise<void>;
  readonly #portcullis: DenoPortcullis;
  readonly #scheduler: Scheduler;
  #cutUntil: EpochMs = Number.NEGATIVE_INFINITY;
  /** Nothing new comes to it: it is of an older revision, or about to stop. */
  retires = false;

  constructor(parts: InstanceParts, config: Config) {
    const { scheduler, life, definitions } = parts;
    this.life = life;
    this.#scheduler = scheduler;
    this.suspension = new Suspension(scheduler);
    const plain = portsOf(parts, life, this.suspension, (url, init) => this.#fetch(parts, url, init));
    const platform: Platform = { ...plain, later: (ms, work) => plain.later(ms, () => life.during("pass", work)) };
    this.#portcullis = makeDeno({ deno: this.#api(parts), platform, config, definitions });
    this.started = life.during("start", () => this.#portcullis.ready());
    this.started.catch(() => undefined);
  }

  #api({ kv, life, secrets }: InstanceParts): DenoApi {
    const env: Readonly<Record<string, string>> = { ...secrets, DENO_DEPLOY: "1", DENO_TIMELINE: "production" };
    const api = {
      env: { get: (name: string) => env[name] },
      readTextFile: () => Promise.reject(new Error("the simulated instance has no files")),
      openKv: async () => kv.binding(life, this.suspension, () => this.#scheduler.now < this.#cutUntil),
    };
    // What the entry alone uses (cron, serve, signals) is the world's here.
    return api as unknown as DenoApi;
  }

  /** Sent once more when the connection ends without an answer (measured with Deno 2.9.5, 2026-11-20). */
  async #fetch({ cloudFetch, scheduler, life }: InstanceParts, url: string, init: RequestInit): Promise<Response> {
    const deadline = scheduler.now + limits.callTimeoutMs;
    try {
      return await cloudFetch(life, url, init);
    } catch (thrown) {
      const gaveUp = thrown instanceof Error && (thrown.name === "TimeoutError" || thrown.name === "AbortError");
      if (gaveUp || scheduler.now >= deadline) throw thrown;
      scheduler.note("deno sent a request once more");
      return await cloudFetch(life, url, init);
    }
  }

  async handle(request: Request, from: string): Promise<Response> {
    await this.suspension.in();
    await this.started;
    return this.life.during("request", () => this.#portcullis.handle(request, { remoteAddr: { transport: "tcp", hostname: from } }));
  }

  async tick(): Promise<void> {
    await this.suspension.in();
    await this.started;
    return this.life.during("tick", () => this.#portcullis.tick());
  }

  /** It cannot reach the database for a while. */
  cutOff(ms: number): void {
    this.#cutUntil = this.#scheduler.now + ms;
  }

  /** SIGINT, five seconds, SIGKILL. */
  stop(): void {
    this.retires = true;
    const end = () => this.life.end();
    void this.#portcullis.shutDown().then(end, end);
    this.#scheduler.after(5_000, "an instance is ended", end);
  }
}
