// The one that decides what happens next. Every call through a port is two events, the request reaching its other end and the answer
// reaching its caller, each at a moment that the dice choose; the next event is taken when nobody has anything left to do.
// So a life can end between any two awaits: what it sent may still happen, and nobody hears the answer.
import type { EpochMs } from "../../shared/ports.ts";
import { Dice } from "./dice.ts";

/** An isolate, an object, an instance: something that runs our code until it is killed. What it awaits then never comes. */
export class Life {
  readonly name: string;
  /** How far its clock is from the world's. */
  clockOffsetMs = 0;
  isDead = false;
  /** It stood still, or the lock by which lives take turns was wiped: what it sends may meet what others send. */
  isDisplaced = false;

  constructor(name: string) {
    this.name = name;
  }
}

interface Scheduled {
  readonly at: EpochMs;
  readonly tie: number;
  readonly label: string;
  /** Whose event it is: with its life over, it does not happen. Null: the world's. */
  readonly life: Life | null;
  readonly run: () => void;
}

/** How long one way of an exchange takes. */
export type Latency = (dice: Dice, label: string) => number;

/** Mostly quick, seldom slow, never longer than a call may take. */
export const usualLatency: Latency = (dice, label) => {
  const luck = dice.roll(`luck of ${label}`);
  if (luck < 0.75) return dice.between(label, 1, 40);
  if (luck < 0.95) return dice.between(label, 40, 400);
  return luck < 0.99 ? dice.between(label, 400, 2_000) : dice.between(label, 2_000, 4_500);
};

/** Storage beside the process. */
export const shortLatency: Latency = (dice, label) => (dice.chance(`luck of ${label}`, 0.95) ? dice.between(label, 0, 8) : dice.between(label, 8, 200));

const turn = (): Promise<void> => new Promise((next) => setImmediate(next));
const traceMax = 400;
/** Far more than any history of this length needs. */
const eventsMax = 60_000;

export class Scheduler {
  now: EpochMs;
  readonly dice: Dice;
  /** How often something named happened: kinds of faults, classes of interleavings. */
  readonly counts = new Map<string, number>();
  /** What happened lately, for a failure's report. */
  readonly trace: string[] = [];
  /** How late, at most, what a life had sent comes in after its end; 0: as fast as anything, or never. */
  lateMs = 0;
  /** Called after every event, when all is still: where invariants are checked. */
  onStep: () => void = () => undefined;
  /** Events that happened. */
  events = 0;
  #queue: Scheduled[] = [];
  #activity = 0;

  constructor(seed: number, startMs: EpochMs) {
    this.dice = new Dice(seed);
    this.now = startMs;
  }

  note(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  tell(line: string): void {
    this.trace.push(`${new Date(this.now).toISOString().slice(11, 23)} ${line}`);
    if (this.trace.length > traceMax) this.trace.splice(0, traceMax / 2);
  }

  at(moment: EpochMs, label: string, run: () => void, life: Life | null = null): void {
    this.#activity += 1;
    this.#queue.push({ at: Math.max(this.now, moment), tie: this.dice.roll("ties"), label, life, run });
  }

  after(ms: number, label: string, run: () => void, life: Life | null = null): void {
    this.at(this.now + Math.max(0, ms), label, run, life);
  }

  sleep(ms: number, life: Life | null = null): Promise<void> {
    return new Promise((wake) => this.after(ms, "sleep", wake, life));
  }

  /**
   * `life` asks something outside: after a while `serve` runs there, and after another while its result arrives. Of a life that was
   * killed meanwhile, what was on its way arrives or not, and the answer never does.
   */
  exchange<T>(life: Life, label: string, serve: () => T, latency: Latency = usualLatency): Promise<T> {
    if (life.isDead) return new Promise<T>(() => undefined);
    return new Promise<T>((resolve, reject) => {
      const arrive = (): void => {
        if (life.isDead) {
          if (!this.dice.chance("what a dead life had sent arrives", 0.5)) {
            this.note("killed: its request was lost on the way");
            return;
          }
          this.note("killed: its request took effect, nobody heard the answer");
        }
        let settle: () => void;
        try {
          const value = serve();
          settle = () => resolve(value);
        } catch (thrown) {
          settle = () => reject(thrown);
        }
        this.after(latency(this.dice, `${label} <`), `${label} answers`, () => (life.isDead ? this.note("killed: an answer came too late") : settle()));
      };
      this.after(latency(this.dice, `${label} >`), label, () => (life.isDead && this.lateMs > 0 ? this.#lateOf(label, arrive) : arrive()));
    });
  }

  /** Something between the dead and what it asked, a proxy or a queue, had kept it. */
  #lateOf(label: string, arrive: () => void): void {
    this.after(this.dice.between(`${label} is late`, 5_000, this.lateMs), label, arrive);
  }

  /** Until nobody has anything left to do but wait for an event. */
  async still(): Promise<void> {
    for (let quiet = 0; quiet < 2; ) {
      const before = this.#activity;
      await turn();
      quiet = this.#activity === before ? quiet + 1 : 0;
    }
  }

  #takeNext(last: EpochMs): Scheduled | null {
    let best = -1;
    for (const [index, one] of this.#queue.entries()) {
      const first = this.#queue[best];
      if (first === undefined || one.at < first.at || (one.at === first.at && one.tie < first.tie)) best = index;
    }
    const found = this.#queue[best];
    if (found === undefined || found.at > last) return null;
    this.#queue.splice(best, 1);
    return found;
  }

  /** The next event, but none after `last`; false: there is none. */
  async step(last: EpochMs): Promise<boolean> {
    const next = this.#takeNext(last);
    if (next === null) return false;
    this.now = Math.max(this.now, next.at);
    this.events += 1;
    if (this.events > eventsMax) throw new Error(`more than ${eventsMax} events: something runs in circles (last: ${next.label})`);
    if (next.life === null || !next.life.isDead) next.run();
    await this.still();
    this.onStep();
    return true;
  }

  /** Everything up to a moment, which it is then. */
  async runUntil(moment: EpochMs): Promise<void> {
    await this.still();
    while (await this.step(moment));
    this.now = Math.max(this.now, moment);
    this.onStep();
  }

  /** How many events wait, by label: for a report on what hangs. */
  waiting(): readonly string[] {
    return this.#queue.map(({ label }) => label);
  }
}
