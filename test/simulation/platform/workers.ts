// Cloudflare Workers with the product on it: isolates at several locations that come and go, the coordinator object (or none), cron ticks
// anywhere. The production code unchanged; only what the platform does around it is ours. Invents no fault that its docs exclude.
import { makeWorker, type WorkerEnv, type WorkerHandlers, WorkersRuntime } from "../../../functions/runtime/workers.ts";
import type { Config } from "../../../shared/config.ts";
import type { EpochMs } from "../../../shared/ports.ts";
import type { Answered, PlatformDeed, PlatformUnderTest } from "../contract.ts";
import { type Scheduler, usualLatency } from "../scheduler.ts";
import { Ambush } from "./ambush.ts";
import { SimulatedObject } from "./object.ts";
import { jumpClocks, offsetOf, openGates, PlatformLife, type PlatformParts, portsOf, works } from "./parts.ts";
import { type Location, locations, SimulatedWorkersKv } from "./workers-kv.ts";

/** Isolates that one location keeps; the platform makes and forgets them as it likes (workers/reference/how-workers-works, 2026). */
const isolatesMax = 2;
/** Code is released "in an eventually consistent manner … seconds to minutes" (durable-objects/platform/known-issues, 2026): within this here. */
export const deploymentMs = 15_000;

interface Isolate {
  readonly life: PlatformLife;
  readonly location: Location;
  readonly handlers: WorkerHandlers;
  readonly env: WorkerEnv;
  /** From then on, nothing new comes to it: it is of an older deployment. */
  retiresAt: EpochMs;
}

class WorkersUnderTest implements PlatformUnderTest {
  readonly kind;
  readonly stalenessMs: number;
  readonly #parts: PlatformParts;
  readonly #scheduler: Scheduler;
  readonly #kv: SimulatedWorkersKv;
  readonly #ambush: Ambush;
  readonly #object: SimulatedObject | null;
  #config: Config;
  #isolates: Isolate[] = [];
  #born = 0;
  #skewMs = 0;
  #underWay = 0;
  #isOver = false;
  killedAt: EpochMs = 0;

  constructor(parts: PlatformParts, kind: "workers" | "workers-tick-only") {
    this.kind = kind;
    this.stalenessMs = parts.config.store.stalenessMs;
    this.#parts = parts;
    this.#scheduler = parts.scheduler;
    this.#config = parts.config;
    this.#kv = new SimulatedWorkersKv(parts.scheduler, this.stalenessMs);
    this.#ambush = new Ambush(parts.scheduler);
    this.#object = kind === "workers" ? new SimulatedObject({ ...parts, kv: this.#kv, ambush: this.#ambush, skewMs: () => this.#skewMs }) : null;
  }

  // --- isolates ---

  #bear(location: Location): Isolate {
    const { scheduler, definitions, secrets, cloudFetch } = this.#parts;
    this.#born += 1;
    const life = new PlatformLife(`isolate-${this.#born}`, scheduler.now, this.#ambush.meets);
    life.clockOffsetMs = offsetOf(scheduler, this.#skewMs);
    const platform = portsOf(this.#parts, life, openGates, (url, init) => cloudFetch(life, url, init));
    const handlers = makeWorker(new WorkersRuntime({ platform, config: this.#config, definitions }));
    const env: WorkerEnv = { ...secrets, PORTCULLIS_KV: this.#kv.namespace(location, life, openGates), ...this.#objectBinding(life) };
    scheduler.tell(`${life.name} begins at ${location}`);
    return { life, location, handlers, env, retiresAt: Number.POSITIVE_INFINITY };
  }

  #objectBinding(life: PlatformLife): Partial<WorkerEnv> {
    const object = this.#object;
    if (object === null) return {};
    const stub = { fetch: (_url: string, init: { readonly body: string }) => object.fetch(life, init.body) };
    const namespace = { idFromName: (name: string) => name, get: () => stub };
    return { PORTCULLIS_COORDINATOR: namespace as never };
  }

  /** One that is there, or a new one. */
  #isolateAt(location: Location): Isolate {
    const { dice, now } = this.#scheduler;
    this.#isolates = this.#isolates.filter(({ life, retiresAt }) => !life.isDead && (life.isBusy || retiresAt > now));
    const here = this.#isolates.filter((isolate) => isolate.location === location && isolate.retiresAt > now);
    if (here.length > 0 && !dice.chance("a new isolate", 0.1)) {
      const chosen = dice.pick("isolate", here);
      if (chosen.retiresAt !== Number.POSITIVE_INFINITY) this.#scheduler.note("old isolate served after a deployment");
      return chosen;
    }
    const idle = here.find(({ life }) => !life.isBusy);
    if (here.length >= isolatesMax && idle !== undefined) {
      this.#scheduler.note("isolate evicted");
      idle.life.end();
    }
    const born = this.#bear(location);
    this.#isolates.push(born);
    return born;
  }

  // --- HTTP and cron ---

  request(request: Request, from: string): Promise<Answered> {
    const { dice } = this.#scheduler;
    const location = dice.pick("location of a caller", locations);
    this.#underWay += 1;
    return new Promise((resolve) => {
      const back = (answered: Answered) => {
        this.#scheduler.after(usualLatency(dice, "http <"), "http answer", () => {
          this.#underWay -= 1;
          resolve(answered);
        });
      };
      this.#scheduler.after(usualLatency(dice, "http >"), "http request", () => {
        if (this.#isOver) return back({ kind: "lost" });
        const { life, handlers, env } = this.#isolateAt(location);
        const forget = life.onEnd(() => back({ kind: "lost" }));
        const arrived = new Request(request, { headers: { ...Object.fromEntries(request.headers), "cf-connecting-ip": from } });
        const served = life.during("request", () => handlers.fetch(arrived, env, contextOf()));
        served.then(
          (response) => {
            forget();
            back({ kind: "answer", response });
          },
          () => {
            forget();
            // What the platform says when a handler throws (workers/observability/errors, 2026).
            back({ kind: "answer", response: new Response("error code: 1101", { status: 500 }) });
          },
        );
      });
    });
  }

  tick(): void {
    const { dice } = this.#scheduler;
    const location = dice.pick("location of a tick", locations);
    this.#scheduler.after(dice.between("tick begins after", 0, 500), "tick", () => {
      if (this.#isOver) return;
      if (this.#isolates.some(({ life }) => life.isAt("tick"))) this.#scheduler.note("tick beside another tick");
      if (this.#object?.isPassing === true) this.#scheduler.note("tick beside a pass");
      const { life, handlers, env } = this.#isolateAt(location);
      life
        .during("tick", () => handlers.scheduled({} as never, env))
        .catch((thrown: unknown) => {
          this.#scheduler.note("tick failed");
          this.#scheduler.tell(`the tick in ${life.name} failed: ${String(thrown)}`);
        });
    });
  }

  deploy(config: Config): void {
    const { dice, now } = this.#scheduler;
    this.#config = config;
    this.#scheduler.note("deployed");
    for (const isolate of this.#isolates) {
      const retiresAt = dice.chance("old isolate serves on", 0.4) ? now + dice.between("old isolate serves on for", 0, deploymentMs) : now;
      isolate.retiresAt = Math.min(isolate.retiresAt, retiresAt);
    }
    this.#object?.deploy(config, deploymentMs);
  }

  // --- deeds ---

  deed(deed: PlatformDeed): string | null {
    if (deed === "kill") return this.#kill();
    const object = this.#object;
    if (object === null) return null;
    if (deed === "unreachable") return object.unreachable(this.#scheduler.dice.between("object is unreachable for", 500, 60_000));
    return object[deed]();
  }

  get #lives(): readonly PlatformLife[] {
    return [...(this.#object?.lives ?? []), ...this.#isolates.map(({ life }) => life).filter((life) => !life.isDead)];
  }

  /** Somebody in the middle of something: now, or the next one that is. */
  #kill(): string | null {
    const { dice } = this.#scheduler;
    const lives = this.#lives;
    const busy = lives.filter((life) => life.isBusy);
    if (busy.length > 0) return this.#killed(dice.pick("who is killed", busy));
    if (lives.length > 0 && dice.chance("somebody idle is killed", 0.2)) return this.#killed(dice.pick("who is killed", lives));
    const kinds = dice.pick("moment of a kill", [["pass", "tick"], ["tick"], ["request"], ["write"], ["call"]] as const);
    this.#ambush.arm(
      kinds,
      () => true,
      (life) => this.#scheduler.tell(this.#killed(life)),
    );
    return "the next that works will be killed";
  }

  #killed(life: PlatformLife): string {
    const isObject = this.#object?.lives.includes(life) === true;
    const work = works.find((kind) => life.isAt(kind));
    this.#scheduler.note(`killed: ${isObject ? "object" : "isolate"} ${work === undefined ? "at rest" : `in a ${work}`}`);
    this.killedAt = this.#scheduler.now;
    if (isObject) this.#object?.kill(life);
    else life.end();
    return `${life.name} killed ${work === undefined ? "at rest" : `in a ${work}`}`;
  }

  // --- the store ---

  breakStore(ms: number): void {
    this.#kv.break(ms);
  }

  setStaleness(ms: number): void {
    this.#kv.setStaleness(ms);
  }

  setSkew(ms: number): void {
    this.#skewMs = Math.abs(ms);
    jumpClocks(this.#scheduler, this.#lives, this.#skewMs);
  }

  records(): ReturnType<PlatformUnderTest["records"]> {
    return this.#kv.records();
  }

  storeWrites(): number {
    return this.#kv.writes;
  }

  seed(key: string, value: string, metadata: unknown): void {
    this.#kv.seed(key, value, metadata);
  }

  unseed(key: string): void {
    this.#kv.unseed(key);
  }

  isBusy(): boolean {
    return this.#underWay > 0 || this.#isolates.some(({ life }) => life.isBusy) || (this.#object?.lives ?? []).some((life) => life.isBusy);
  }

  end(): void {
    this.#isOver = true;
    for (const { life } of this.#isolates) life.end();
    this.#object?.end();
  }
}

function contextOf(): never {
  const context = { waitUntil: () => undefined, passThroughOnException: () => undefined };
  return context as never;
}

export function workersPlatform(parts: PlatformParts, kind: "workers" | "workers-tick-only"): PlatformUnderTest {
  return new WorkersUnderTest(parts, kind);
}
