// What all simulated platforms are made of: a life that can be ended, suspended and asked what it is in the middle of, and the ports
// that our code gets from it. Decides nothing about when.
import type { Platform } from "../../../functions/runtime/platform.ts";
import type { Config } from "../../../shared/config.ts";
import { limits } from "../../../shared/limits.ts";
import type { LogRecord } from "../../../shared/ports.ts";
import type { ProviderDefinition } from "../../../shared/provider.ts";
import { Life, type Scheduler } from "../scheduler.ts";

/**
 * A call to a cloud on behalf of a life, with the cloud's faults. Rejects with an error named `TimeoutError` when the caller gave up waiting,
 * with any other when the connection ended without an answer.
 */
export type CloudFetch = (life: Life, url: string, init: RequestInit) => Promise<Response>;

export interface PlatformParts {
  readonly scheduler: Scheduler;
  readonly config: Config;
  readonly definitions: Readonly<Record<string, ProviderDefinition>>;
  /** Values of all secrets by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly cloudFetch: CloudFetch;
  /** Whether the product's lines of log go into the trace. */
  readonly tellsLog?: boolean;
}

/** What a life is in the middle of; the first that it is in is what is told of it. */
export const works = ["pass", "tick", "request", "question", "start"] as const;
export type Work = (typeof works)[number];
/** What trouble may wait for: work that begins, a write that was just made, a call to a cloud that was just sent. */
export type Moment = Work | "write" | "call";

/** A life with a body: what it is at work on, who waits for it, whether it is asleep. */
export class PlatformLife extends Life {
  readonly bornAt: number;
  /** Work under way, by kind. */
  readonly #work = new Map<Work, number>();
  /** How often it has come to rest. */
  idled = 0;
  readonly #onEnd = new Set<() => void>();

  readonly #meets: (life: PlatformLife, moment: Moment) => void;

  /** `meets` is told what it comes to. */
  constructor(name: string, bornAt: number, meets: (life: PlatformLife, moment: Moment) => void) {
    super(name);
    this.bornAt = bornAt;
    this.#meets = meets;
  }

  meets(moment: Moment): void {
    this.#meets(this, moment);
  }

  isAt(work: Work): boolean {
    return !this.isDead && (this.#work.get(work) ?? 0) > 0;
  }

  get isBusy(): boolean {
    return !this.isDead && [...this.#work.values()].some((count) => count > 0);
  }

  /** Counts as work from now until `work` has ended. */
  async during<T>(kind: Work, work: () => Promise<T>): Promise<T> {
    this.#work.set(kind, (this.#work.get(kind) ?? 0) + 1);
    this.meets(kind);
    try {
      return await work();
    } finally {
      this.#work.set(kind, (this.#work.get(kind) ?? 1) - 1);
      this.idled += 1;
    }
  }

  /** Calls back when it ends; the result takes the wish back. */
  onEnd(listener: () => void): () => void {
    this.#onEnd.add(listener);
    return () => this.#onEnd.delete(listener);
  }

  end(): void {
    if (this.isDead) return;
    this.isDead = true;
    for (const listener of this.#onEnd) listener();
    this.#onEnd.clear();
  }
}

export const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/** What a kind of life adds to the plain ports: gates that hold up what goes out, and what comes in. */
export interface Gates {
  /** Resolves when what was sent before may leave. */
  out(): Promise<void>;
  /** Resolves when what has arrived may be heard. */
  in(): Promise<void>;
}

export const openGates: Gates = { out: async () => undefined, in: async () => undefined };

/** A line of log as the trace shows it. */
function lineOf({ level, event, ...fields }: LogRecord): string {
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return `${level} ${event} ${shown.join(" ")}`.trimEnd();
}

/**
 * The transport gives a call up after its time; its own timer is a real one and never fires here, so this stands for it. A life that stood
 * still for longer finds both when it goes on, the answer and the time that is up, and takes either.
 */
async function inTime<T>(scheduler: Scheduler, life: PlatformLife, gates: Gates, call: () => Promise<T>): Promise<T> {
  const deadline = scheduler.now + limits.callTimeoutMs;
  const late = () => new DOMException("The operation was aborted due to timeout", "TimeoutError");
  const timeIsUp = new Promise<never>((_, reject) => scheduler.at(deadline, "a call's time is up", () => void gates.in().then(() => reject(late())), life));
  timeIsUp.catch(() => undefined);
  const ended = await Promise.race([call(), timeIsUp]).then(
    (result) => () => result,
    (thrown: unknown) => () => {
      throw thrown;
    },
  );
  await gates.in();
  if (scheduler.now > deadline && scheduler.dice.chance("the time is noticed before the answer", 0.5)) throw late();
  return ended();
}

/** The product's ports for one life; its clock and its timers know whole milliseconds. `fetch` is what the platform makes of a call to a cloud. */
export function portsOf({ scheduler, tellsLog }: PlatformParts, life: PlatformLife, gates: Gates, fetch: Platform["fetch"]): Platform {
  const passed = async (ms: number): Promise<void> => {
    await scheduler.sleep(Math.ceil(ms), life);
    await gates.in();
  };
  return {
    clock: { now: () => scheduler.now + life.clockOffsetMs },
    random: { bytes: (count) => scheduler.dice.bytes(`random of ${life.name}`, count) },
    fetch: (url, init) =>
      inTime(scheduler, life, gates, async () => {
        await gates.out();
        if (life.isDead) return never();
        life.meets("call");
        return fetch(url, init);
      }),
    log: (record) => {
      if (tellsLog === true && !life.isDead) scheduler.tell(`${life.name}: ${lineOf(record)}`);
    },
    sleep: passed,
    later: (ms, work) => {
      scheduler.after(Math.ceil(ms), "a timer", () => void gates.in().then(work), life);
    },
  };
}

/** How far the clock of a new life is off. */
export function offsetOf(scheduler: Scheduler, skewMs: number): number {
  return skewMs === 0 ? 0 : scheduler.dice.between("clock offset", -skewMs, skewMs);
}

/** Clocks of the living jump: all that are further off than they may be, and some others. */
export function jumpClocks(scheduler: Scheduler, lives: readonly PlatformLife[], skewMs: number): void {
  for (const life of lives) {
    const isTooFarOff = Math.abs(life.clockOffsetMs) > skewMs;
    if (!isTooFarOff && (skewMs === 0 || !scheduler.dice.chance("a clock jumps", 0.4))) continue;
    const before = life.clockOffsetMs;
    life.clockOffsetMs = offsetOf(scheduler, skewMs);
    if (life.clockOffsetMs !== before) scheduler.note(life.clockOffsetMs > before ? "clock jumped ahead" : "clock was set back");
  }
}
