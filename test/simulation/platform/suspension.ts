// A process that stands still for a while and goes on as if nothing had been, even between a decision and the packet that follows from it:
// a virtual machine that is paused or moved, or a long collection of garbage. No page of Deno's excludes it.
import type { EpochMs } from "../../../shared/ports.ts";
import type { Scheduler } from "../scheduler.ts";
import { deedMsMax } from "./ambush.ts";
import type { Gates } from "./parts.ts";

/** Shut while the instance stands still. */
export class Suspension implements Gates {
  readonly #scheduler: Scheduler;
  #isStill = false;
  /** How long it will stand still, from the moment something is about to leave, if that comes in time. */
  #atNextSend: { readonly ms: number; readonly until: EpochMs } | null = null;
  #waiting: (() => void)[] = [];
  #onWake: () => void = () => undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get isStill(): boolean {
    return this.#isStill;
  }

  begin(ms: number, onWake: () => void): void {
    if (this.#isStill) return;
    this.#isStill = true;
    this.#onWake = onWake;
    this.#scheduler.after(ms, "a suspended instance goes on", () => {
      this.#isStill = false;
      this.#onWake();
      for (const go of this.#waiting.splice(0)) go();
    });
  }

  beginAtNextSend(ms: number, onWake: () => void): void {
    this.#atNextSend = { ms, until: this.#scheduler.now + deedMsMax };
    this.#onWake = onWake;
  }

  async out(): Promise<void> {
    const next = this.#atNextSend;
    this.#atNextSend = null;
    if (next !== null && next.until > this.#scheduler.now) {
      this.#scheduler.note("instance suspended with a call on its lips");
      this.begin(next.ms, this.#onWake);
    }
    await this.in();
  }

  async in(): Promise<void> {
    while (this.#isStill) await new Promise<void>((go) => this.#waiting.push(go));
  }
}
