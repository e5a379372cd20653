// The deployment's one coordinator object as the platform runs it: one life at a time over storage that stays, calls that get lost, an alarm
// that rings at least once. A life that was replaced goes on for a while and does not know.
// Facts: Cloudflare docs, durable-objects/api/alarms, /platform/known-issues, /reference/in-memory-state and /deployments, 2026.
import { CoordinatorHost } from "../../../functions/coordinator/durable-object.ts";
import { type WorkerEnv, WorkersRuntime } from "../../../functions/runtime/workers.ts";
import type { Config } from "../../../shared/config.ts";
import type { EpochMs } from "../../../shared/ports.ts";
import { usualLatency } from "../scheduler.ts";
import type { Ambush } from "./ambush.ts";
import { ObjectStorage, type OnDisk } from "./object-storage.ts";
import { offsetOf, PlatformLife, type PlatformParts, portsOf, type Work } from "./parts.ts";
import { locations, type SimulatedWorkersKv } from "./workers-kv.ts";

/** durable-objects/api/alarms, 2026: retried from 2 s on, up to six times, when it throws. */
const alarmRetriesMax = 6;
const alarmRetryMs = 2_000;
/** A replaced life that never touches its storage may go on; nobody says for how long. */
const zombieMsMax = 30_000;
/** An idle object sleeps after ten seconds, or is evicted after 70 to 140 (durable-objects/concepts/durable-object-lifecycle, 2026). */
const idleMs = { least: 10_000, most: 140_000 } as const;

export interface ObjectParts extends PlatformParts {
  readonly kv: SimulatedWorkersKv;
  readonly ambush: Ambush;
  readonly skewMs: () => number;
}

interface Incarnation {
  readonly life: PlatformLife;
  readonly storage: ObjectStorage;
  readonly host: CoordinatorHost;
  readonly config: Config;
}

interface Ring {
  readonly by: PlatformLife;
  isOver: boolean;
}

function workOf(verb: string): Work {
  if (verb === "tick" || verb === "reconcile") return "pass";
  return ["accept", "lift", "stop", "settle"].includes(verb) ? "request" : "question";
}

function verbIn(body: string): string {
  const { verb } = JSON.parse(body) as { verb: unknown };
  return String(verb);
}

export class SimulatedObject {
  readonly #parts: ObjectParts;
  #disk: OnDisk = { values: new Map(), alarmAt: null };
  #current: Incarnation | null = null;
  #zombies: Incarnation[] = [];
  #born = 0;
  /** Which alarm it is that rings next; others were replaced. */
  #alarm = 0;
  #ringing: Ring | null = null;
  /** What the next life is made of, and what was deployed last. */
  #config: Config;
  #latest: Config;
  #unreachableUntil: EpochMs = Number.NEGATIVE_INFINITY;

  constructor(parts: ObjectParts) {
    this.#parts = parts;
    this.#config = parts.config;
    this.#latest = parts.config;
  }

  get lives(): readonly PlatformLife[] {
    return [...(this.#current === null ? [] : [this.#current]), ...this.#zombies].map(({ life }) => life).filter((life) => !life.isDead);
  }

  get current(): PlatformLife | null {
    return this.#current === null || this.#current.life.isDead ? null : this.#current.life;
  }

  get isPassing(): boolean {
    return this.lives.some((life) => life.isAt("pass"));
  }

  // --- lives ---

  #live(): Incarnation {
    if (this.#current !== null && !this.#current.life.isDead) return this.#current;
    this.#current = this.#bear();
    return this.#current;
  }

  #bear(): Incarnation {
    const { scheduler, definitions, secrets, kv, ambush, skewMs } = this.#parts;
    this.#born += 1;
    const life = new PlatformLife(`object-${this.#born}`, scheduler.now, ambush.meets);
    life.clockOffsetMs = offsetOf(scheduler, skewMs());
    const disk = this.#disk;
    const onAlarm = () => {
      if (this.#disk === disk) this.#arm();
    };
    const storage = new ObjectStorage({ scheduler, life, disk, onAlarm });
    const platform = portsOf(this.#parts, life, storage, (url, init) => this.#parts.cloudFetch(life, url, init));
    const runtime = new WorkersRuntime({ platform, config: this.#config, definitions });
    const location = scheduler.dice.pick("location of the object", locations);
    const env: WorkerEnv = { ...secrets, PORTCULLIS_KV: kv.namespace(location, life, storage) };
    const host = new CoordinatorHost(runtime, { storage: storage.binding() } as never, env);
    scheduler.tell(`${life.name} begins at ${location}`);
    return { life, storage, host, config: this.#config };
  }

  /** With nothing to do for a while it is put to sleep, and what it held in variables is gone. */
  #idle({ life, storage }: Incarnation): void {
    const { scheduler } = this.#parts;
    const { idled } = life;
    scheduler.after(scheduler.dice.between("object idles for", idleMs.least, idleMs.most), "object sleeps", () => {
      if (life.isBusy || life.idled !== idled) return;
      scheduler.note("object slept");
      storage.end("in peace");
    });
  }

  async #work<T>(incarnation: Incarnation, kind: Work, work: () => Promise<T>): Promise<T> {
    const { life, storage } = incarnation;
    await storage.in();
    try {
      return await life.during(kind, async () => {
        const result = await work();
        await storage.out();
        return result;
      });
    } finally {
      this.#idle(incarnation);
    }
  }

  // --- calls from isolates ---

  /** A request of an isolate, there and back; rejects when either way fails, or the object ends before it has answered. */
  fetch(from: PlatformLife, body: string): Promise<Response> {
    const { scheduler } = this.#parts;
    if (from.isDead) return new Promise(() => undefined);
    const verb = verbIn(body);
    return new Promise((resolve, reject) => {
      const back = (isLost: boolean, settle: () => void) => {
        if (isLost) scheduler.note(`rpc answer lost after ${verb}`);
        const deliver = () => (from.isDead ? undefined : isLost ? reject(new Error("Network connection lost.")) : settle());
        scheduler.after(usualLatency(scheduler.dice, "rpc <"), `rpc ${verb} answers`, deliver);
      };
      scheduler.after(usualLatency(scheduler.dice, "rpc >"), `rpc ${verb}`, () => {
        if (from.isDead && scheduler.dice.chance("rpc of a dead isolate is lost", 0.5)) return scheduler.note("killed: its request was lost on the way");
        if (this.#isUnreachable && scheduler.dice.chance("rpc does not reach the object", 0.6)) {
          scheduler.note("rpc did not reach the object");
          return back(false, () => reject(new Error("Network connection lost.")));
        }
        this.#serve(verb, body, back).then(resolve, reject);
      });
    });
  }

  get #isUnreachable(): boolean {
    return this.#parts.scheduler.now < this.#unreachableUntil;
  }

  /** Settles when the answer has come back. */
  #serve(verb: string, body: string, back: (isLost: boolean, settle: () => void) => void): Promise<Response> {
    const incarnation = this.#live();
    if (incarnation.life.isAt("pass") && workOf(verb) !== "question") this.#parts.scheduler.note(`${verb} beside a pass`);
    if (incarnation.config !== this.#latest) this.#parts.scheduler.note("object answered with the code before the deployment");
    return new Promise((resolve, reject) => {
      const forget = incarnation.life.onEnd(() => {
        this.#parts.scheduler.note(`object ended during ${verb}`);
        back(false, () => reject(new Error("Durable Object reset because its code was updated or it moved.")));
      });
      const request = new Request("https://coordinator/", { method: "POST", body });
      const answered = this.#work(incarnation, workOf(verb), async () => {
        const response = await incarnation.host.fetch(request);
        return { status: response.status, text: await response.text() };
      });
      answered.then(
        ({ status, text }) => {
          forget();
          back(this.#isUnreachable, () => resolve(new Response(text, { status })));
        },
        (thrown: unknown) => {
          forget();
          back(this.#isUnreachable, () => reject(thrown));
        },
      );
    });
  }

  // --- its alarm ---

  #arm(): void {
    const { scheduler } = this.#parts;
    const at = this.#disk.alarmAt;
    this.#alarm += 1;
    const alarm = this.#alarm;
    if (at === null) return;
    const late = scheduler.dice.chance("alarm is late", 0.1) ? scheduler.dice.between("alarm is late by", 0, 5_000) : scheduler.dice.between("alarm", 0, 20);
    scheduler.at(Math.max(scheduler.now, at) + late, "the alarm", () => this.#ring(alarm, at, 0));
  }

  /** One handler at a time. To that life the alarm is gone from the start; on disk it stays until the handler has ended well, or was set anew. */
  #ring(alarm: number, at: EpochMs, retries: number): void {
    if (alarm !== this.#alarm) return;
    if (this.#ringing !== null && !this.#ringing.isOver) {
      this.#parts.scheduler.after(50, "the alarm waits for the one before", () => this.#ring(alarm, at, retries));
      return;
    }
    const incarnation = this.#live();
    incarnation.storage.rings(at);
    if (incarnation.life.isAt("pass")) this.#parts.scheduler.note("alarm beside a pass");
    const ring: Ring = { by: incarnation.life, isOver: false };
    this.#ringing = ring;
    const end = (isDone: boolean) => {
      if (ring.isOver) return;
      ring.isOver = true;
      forget();
      if (!isDone) this.#retry(alarm, at, retries);
      else if (alarm === this.#alarm) this.#disk.alarmAt = null;
    };
    const forget = incarnation.life.onEnd(() => end(false));
    this.#work(incarnation, "pass", () => incarnation.host.alarm()).then(
      () => end(true),
      () => end(false),
    );
  }

  #retry(alarm: number, at: EpochMs, retries: number): void {
    const { scheduler } = this.#parts;
    // One that was set meanwhile takes its place.
    if (alarm !== this.#alarm) return;
    if (retries >= alarmRetriesMax) {
      this.#disk.alarmAt = null;
      scheduler.note("alarm dropped after its retries");
      return;
    }
    scheduler.note("alarm retried");
    scheduler.after(alarmRetryMs * 2 ** retries, "the alarm is retried", () => this.#ring(alarm, at, retries + 1));
  }

  // --- deeds ---

  #end(how: "in peace" | "killed"): PlatformLife | null {
    const current = this.#current;
    if (current === null || current.life.isDead) return null;
    current.storage.end(how);
    this.#current = null;
    return current.life;
  }

  kill(life: PlatformLife): void {
    const found = [...(this.#current === null ? [] : [this.#current]), ...this.#zombies].find((one) => one.life === life);
    found?.storage.end("killed");
  }

  /** Now, or in the middle of its next pass. */
  #atPass(what: string, deed: () => void): string | null {
    const { scheduler, ambush } = this.#parts;
    const current = this.current;
    if (current !== null && (current.isAt("pass") || scheduler.dice.chance(`${what} though it does nothing`, 0.3))) {
      deed();
      return `${current.name} ${what}`;
    }
    const isMeant = (life: PlatformLife) => life === this.current;
    ambush.arm(["pass"], isMeant, (life) => {
      scheduler.tell(`${life.name} ${what}`);
      deed();
    });
    return `object will be ${what} in its next pass`;
  }

  evict(): string | null {
    return this.#atPass("evicted", () => {
      const { scheduler } = this.#parts;
      scheduler.note(this.current?.isAt("pass") === true ? "object evicted in a pass" : "object evicted");
      this.#end(scheduler.dice.chance("object is evicted in peace", 0.5) ? "in peace" : "killed");
    });
  }

  duplicate(): string | null {
    return this.#atPass("replaced without knowing", () => this.#duplicate());
  }

  /** The next event finds another life; this one learns it when it next touches its storage. */
  #duplicate(): void {
    const { scheduler } = this.#parts;
    const replaced = this.#current;
    if (replaced === null || replaced.life.isDead) return;
    scheduler.note(replaced.life.isAt("pass") ? "object duplicated in a pass" : "object duplicated");
    replaced.storage.replace();
    this.#zombies = [...this.#zombies.filter(({ life }) => !life.isDead), replaced];
    this.#current = null;
    // Nobody takes its word for the end of an alarm any more.
    if (this.#ringing?.by === replaced.life && !this.#ringing.isOver) {
      this.#ringing.isOver = true;
      this.#alarmAgain();
    }
    scheduler.after(scheduler.dice.between("zombie lives on for", 500, zombieMsMax), "zombie ends", () => replaced.storage.end("killed"));
  }

  #alarmAgain(): void {
    const alarm = this.#alarm;
    this.#parts.scheduler.note("alarm retried");
    this.#parts.scheduler.after(alarmRetryMs, "the alarm is retried", () => this.#ring(alarm, this.#parts.scheduler.now, 1));
  }

  wipe(): string | null {
    this.#end("killed");
    for (const { life } of this.#zombies) life.end();
    this.#disk = { values: new Map(), alarmAt: null };
    this.#alarm += 1;
    this.#parts.scheduler.note("object wiped");
    return "the object's storage is lost";
  }

  unreachable(ms: number): string {
    this.#unreachableUntil = this.#parts.scheduler.now + ms;
    this.#parts.scheduler.note("object unreachable");
    return `the object cannot be reached for ${ms} ms`;
  }

  /** Restarts with it after a while, or at any start before (wrangler.toml: code_update_strategy immediate). */
  deploy(config: Config, withinMs: number): void {
    const { scheduler } = this.#parts;
    this.#latest = config;
    const adopt = () => {
      this.#config = this.#latest;
    };
    if (scheduler.dice.chance("object's next start is on the new code", 0.5)) adopt();
    scheduler.after(scheduler.dice.between("object restarts after", 0, withinMs), "object restarts with new code", () => {
      adopt();
      const isPassing = this.#current?.life.isAt("pass") === true;
      if (isPassing) scheduler.note("deployment ended a pass");
      this.#end(scheduler.dice.chance("restart in peace", 0.7) ? "in peace" : "killed");
    });
  }

  end(): void {
    this.#end("killed");
    for (const { life } of this.#zombies) life.end();
    this.#alarm += 1;
  }
}
