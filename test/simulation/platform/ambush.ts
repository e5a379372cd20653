// Trouble that waits for its moment: a deed against a life that is in the middle of something, where nobody is just now. It waits for the
// next one to begin, strikes some way into it, and gives up after a while.
import type { EpochMs } from "../../../shared/ports.ts";
import type { Scheduler } from "../scheduler.ts";
import type { PlatformLife, Work } from "./parts.ts";

/** A deed has begun within this, and what it began (a zombie, an unreachable object, a suspended instance) is over as long after that. */
export const deedMsMax = 90_000;
/** How far into its work a life is struck; most work is over sooner, then the next one is waited for. */
const strikeMsMax = 1_500;

interface Armed {
  readonly until: EpochMs;
  readonly kinds: readonly Work[];
  readonly isMeant: (life: PlatformLife) => boolean;
  readonly strike: (life: PlatformLife) => void;
}

export class Ambush {
  readonly #scheduler: Scheduler;
  #armed: Armed[] = [];

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  arm(kinds: readonly Work[], isMeant: Armed["isMeant"], strike: Armed["strike"]): void {
    this.#armed.push({ until: this.#scheduler.now + deedMsMax, kinds, isMeant, strike });
  }

  /** Told of all work that begins. */
  begins(life: PlatformLife, kind: Work): void {
    const { now, dice } = this.#scheduler;
    this.#armed = this.#armed.filter(({ until }) => until > now);
    const armed = this.#armed.find((one) => one.kinds.includes(kind) && one.isMeant(life));
    if (armed === undefined) return;
    this.#armed = this.#armed.filter((one) => one !== armed);
    this.#scheduler.after(dice.between("ambush strikes after", 0, strikeMsMax), "an ambush", () => {
      if (life.isAt(kind)) armed.strike(life);
      else if (armed.until > this.#scheduler.now) this.#armed.push(armed);
    });
  }

  /** Nothing strikes any more. */
  disarm(): void {
    this.#armed = [];
  }
}
