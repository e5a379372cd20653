// Deno Deploy with the product on it: one to three instances that come and go over one Deno KV, cron ticks on any of them. The production
// code unchanged; only what the platform does around it is ours. Facts: Deno docs, deploy/reference/runtime and cron, 2026.
import type { Config } from "../../../shared/config.ts";
import type { EpochMs } from "../../../shared/ports.ts";
import type { Answered, PlatformDeed, PlatformUnderTest } from "../contract.ts";
import { type Scheduler, usualLatency } from "../scheduler.ts";
import { Ambush } from "./ambush.ts";
import { SimulatedDenoKv } from "./deno-kv.ts";
import { Instance } from "./instance.ts";
import { LockWatch } from "./lock-watch.ts";
import { jumpClocks, offsetOf, PlatformLife, type PlatformParts, works } from "./parts.ts";
import { deploymentMs } from "./workers.ts";

const instancesMax = 3;
/** Stopped after five seconds to ten minutes with nothing to do. */
const idleMs = { least: 5_000, most: 600_000 } as const;
const suspendedMs = { least: 8_000, most: 60_000 } as const;
const storeRoom = ["portcullis", "store"] as const;
const coordinatorRooms = [
  ["portcullis", "memory"],
  ["portcullis", "lock"],
] as const;

/** As the store driver lays a record out; its laws and this model's tests hold both to it. */
interface Head {
  readonly metadata: unknown;
  readonly expiresAtMs: number | null;
  readonly text: string | null;
  readonly pieces: { readonly version: string; readonly count: number } | null;
}

class DenoUnderTest implements PlatformUnderTest {
  readonly kind = "deno";
  readonly stalenessMs = 0;
  readonly #parts: PlatformParts;
  readonly #scheduler: Scheduler;
  readonly #kv: SimulatedDenoKv;
  readonly #lock: LockWatch;
  readonly #ambush: Ambush;
  #config: Config;
  #instances: Instance[] = [];
  #born = 0;
  #skewMs = 0;
  #underWay = 0;
  #writes = 0;
  #ticking: Instance | null = null;
  #isOver = false;
  killedAt: EpochMs = 0;

  constructor(parts: PlatformParts) {
    this.#parts = parts;
    this.#scheduler = parts.scheduler;
    this.#config = parts.config;
    this.#kv = new SimulatedDenoKv(parts.scheduler);
    this.#lock = new LockWatch(parts.scheduler);
    this.#ambush = new Ambush(parts.scheduler);
    this.#kv.onCommit = (commit) => {
      this.#lock.committed(commit);
      const heads = commit.mutations.filter(({ kind, key }) => kind === "set" && key[1] === "store" && key[2] === "record");
      if (commit.failed.length === 0) this.#writes += heads.length;
    };
  }

  // --- instances ---

  #bear(): Instance {
    const { scheduler } = this.#parts;
    this.#born += 1;
    const life = new PlatformLife(`instance-${this.#born}`, scheduler.now, this.#ambush.meets);
    life.clockOffsetMs = offsetOf(scheduler, this.#skewMs);
    const instance = new Instance({ ...this.#parts, kv: this.#kv, life }, this.#config);
    // A process whose start fails ends.
    instance.started.catch((thrown: unknown) => {
      scheduler.tell(`${life.name} did not start: ${String(thrown)}`);
      scheduler.note("instance did not start");
      life.end();
    });
    this.#instances.push(instance);
    scheduler.tell(`${life.name} begins`);
    return instance;
  }

  /** One that runs, or a new one. */
  #anyInstance(): Instance {
    const { dice } = this.#scheduler;
    this.#instances = this.#instances.filter(({ life }) => !life.isDead);
    const running = this.#instances.filter(({ retires }) => !retires);
    const isNew = running.length === 0 || (running.length < instancesMax && dice.chance("a new instance", 0.15));
    return isNew ? this.#bear() : dice.pick("instance", running);
  }

  #idle(instance: Instance): void {
    const { life } = instance;
    const { idled } = life;
    const ms = this.#scheduler.dice.between("instance idles for", idleMs.least, idleMs.most);
    this.#scheduler.after(ms, "an idle instance stops", () => {
      if (life.isDead || life.isBusy || life.idled !== idled) return;
      this.#scheduler.note("idle instance stopped");
      instance.stop();
    });
  }

  // --- HTTP and cron ---

  request(request: Request, from: string): Promise<Answered> {
    const { dice } = this.#scheduler;
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
        const instance = this.#anyInstance();
        if (this.#alive.some(({ life }) => life.isAt("pass") || life.isAt("tick"))) this.#scheduler.note("request beside a pass");
        const forget = instance.life.onEnd(() => back({ kind: "lost" }));
        const end = (response: Response) => {
          forget();
          back({ kind: "answer", response });
          this.#idle(instance);
        };
        // What the platform answers when a handler throws.
        instance.handle(request, from).then(end, () => end(new Response("Internal Server Error", { status: 500 })));
      });
    });
  }

  tick(): void {
    const { dice } = this.#scheduler;
    this.#scheduler.after(dice.between("tick begins after", 0, 500), "tick", () => {
      if (this.#isOver) return;
      const before = this.#ticking;
      // Overlapping runs are skipped (deploy/reference/cron, 2026); of one that stands still nobody hears.
      if (before !== null && !before.life.isDead && !before.suspension.isStill) return this.#scheduler.note("tick skipped beside another tick");
      const instance = this.#anyInstance();
      if (this.#instances.some(({ life }) => life.isAt("pass") || life.isAt("request"))) this.#scheduler.note("tick beside other work");
      this.#ticking = instance;
      const end = () => {
        if (this.#ticking === instance) this.#ticking = null;
        this.#idle(instance);
      };
      instance.tick().then(end, (thrown: unknown) => {
        this.#scheduler.note("tick failed");
        this.#scheduler.tell(`the tick in ${instance.life.name} failed: ${String(thrown)}`);
        end();
      });
    });
  }

  deploy(config: Config): void {
    this.#config = config;
    this.#scheduler.note("deployed");
    const { dice } = this.#scheduler;
    for (const instance of this.#instances) {
      if (instance.life.isDead || instance.retires) continue;
      instance.retires = true;
      this.#scheduler.after(dice.between("old instance lives on for", 0, deploymentMs - 5_000), "an old instance stops", () => instance.stop());
    }
  }

  // --- deeds ---

  deed(deed: PlatformDeed): string | null {
    const deeds = {
      kill: () => this.#kill(),
      evict: () => this.#evict(),
      duplicate: () => this.#suspend(),
      wipe: () => this.#wipe(),
      unreachable: () => this.#cutOff(),
    };
    return deeds[deed]();
  }

  get #alive(): readonly Instance[] {
    return this.#instances.filter(({ life }) => !life.isDead);
  }

  #of(life: PlatformLife | null): Instance | null {
    return this.#alive.find((instance) => instance.life === life) ?? null;
  }

  /** Now, or the next one that works. */
  #atWork(what: string, deed: (instance: Instance) => void): string {
    const { dice } = this.#scheduler;
    const holder = this.#of(this.#lock.holder);
    const busy = this.#alive.filter(({ life }) => life.isBusy);
    const chosen = holder ?? (busy.length > 0 ? dice.pick(`who is ${what}`, busy) : null);
    if (chosen !== null) {
      deed(chosen);
      return `${chosen.life.name} ${what}`;
    }
    const at = dice.pick("moment of a deed", [["pass", "tick", "request"], ["write"], ["call"]] as const);
    this.#ambush.arm(
      at,
      () => true,
      (life) => {
        const instance = this.#of(life);
        if (instance === null) return;
        this.#scheduler.tell(`${life.name} ${what}`);
        deed(instance);
      },
    );
    return `the next that works will be ${what}`;
  }

  #noteEnd(what: string, { life }: Instance): void {
    const work = works.find((kind) => life.isAt(kind));
    const where = work === undefined ? "at rest" : `in a ${work}`;
    this.#scheduler.note(`${what}: instance ${where}${this.#lock.isHeldBy(life) ? " with the lock" : ""}`);
  }

  #kill(): string {
    return this.#atWork("killed", (instance) => {
      this.#noteEnd("killed", instance);
      this.killedAt = this.#scheduler.now;
      instance.life.end();
    });
  }

  #evict(): string {
    return this.#atWork("told to stop", (instance) => {
      this.#noteEnd("stopped", instance);
      instance.stop();
    });
  }

  /** It stands still, perhaps for longer than its lock holds, and goes on. */
  #suspend(): string {
    const { dice } = this.#scheduler;
    const ms = dice.between("suspended for", suspendedMs.least, suspendedMs.most);
    return this.#atWork(`suspended for ${ms} ms`, (instance) => {
      const hadLock = this.#lock.isHeldBy(instance.life);
      this.#noteEnd("suspended", instance);
      instance.life.isDisplaced = true;
      const onWake = () => {
        if (hadLock && !this.#lock.isHeldBy(instance.life)) this.#scheduler.note("instance suspended past its lock");
      };
      if (dice.chance("suspended at its next send", 0.5)) instance.suspension.beginAtNextSend(ms, onWake);
      else instance.suspension.begin(ms, onWake);
    });
  }

  #wipe(): string {
    const mutations = coordinatorRooms.flatMap((prefix) => this.#kv.range({ prefix }).map(({ key }) => ({ kind: "delete" as const, key: key as string[] })));
    this.#kv.commit(null, [], mutations);
    for (const { life } of this.#alive) life.isDisplaced = true;
    this.#scheduler.note("coordinator's memory wiped");
    return `${mutations.length} keys of the coordinator's memory and lock are gone`;
  }

  #cutOff(): string | null {
    const { dice } = this.#scheduler;
    const [instance] = [this.#of(this.#lock.holder), ...this.#alive].filter((one) => one !== null);
    if (instance === undefined) return null;
    const ms = dice.between("instance is cut off for", 500, 60_000);
    instance.cutOff(ms);
    this.#noteEnd("cut off from the database", instance);
    return `${instance.life.name} cannot reach the database for ${ms} ms`;
  }

  // --- the store ---

  breakStore(ms: number): void {
    this.#kv.break(ms);
  }

  /** Reads are strong (deploy/kv/operations, 2026). */
  setStaleness(_ms: number): void {}

  setSkew(ms: number): void {
    this.#skewMs = Math.abs(ms);
    const lives = this.#alive.map(({ life }) => life);
    jumpClocks(this.#scheduler, lives, this.#skewMs);
  }

  records(): ReturnType<PlatformUnderTest["records"]> {
    const found = new Map<string, { value: string; metadata: unknown }>();
    for (const { key, value } of this.#kv.range({ prefix: [...storeRoom, "record"] })) {
      const { metadata, expiresAtMs, text, pieces } = value as Head;
      if (expiresAtMs !== null && expiresAtMs <= this.#scheduler.now) continue;
      const name = String(key[3]);
      found.set(name, { value: text ?? this.#joined(name, pieces?.version ?? ""), metadata });
    }
    return found;
  }

  #joined(name: string, version: string): string {
    const pieces = this.#kv.range({ prefix: [...storeRoom, "piece", name, version] });
    return Buffer.concat(pieces.map(({ value }) => value as Uint8Array)).toString();
  }

  storeWrites(): number {
    return this.#writes;
  }

  seed(key: string, value: string, metadata: unknown): void {
    const head: Head = { metadata, expiresAtMs: null, text: value, pieces: null };
    this.#kv.commit(null, [], [{ kind: "set", key: [...storeRoom, "record", key], value: head, expireIn: undefined }]);
  }

  unseed(key: string): void {
    this.#kv.commit(null, [], [{ kind: "delete", key: [...storeRoom, "record", key] }]);
  }

  isBusy(): boolean {
    return this.#underWay > 0 || this.#alive.some(({ life }) => life.isBusy);
  }

  end(): void {
    this.#isOver = true;
    for (const { life } of this.#instances) life.end();
  }
}

export function denoPlatform(parts: PlatformParts): PlatformUnderTest {
  return new DenoUnderTest(parts);
}
