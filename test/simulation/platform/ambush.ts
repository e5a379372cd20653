// Trouble that waits for its moment: a deed against a life that is in the middle of something, where nobody is just now. It waits for the
// next one to begin, strikes some way into it, and gives up after a while.
import type { EpochMs } from "../../../shared/ports.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Moment, PlatformLife } from "./parts.ts";

/** A deed has begun within this, and what it began (a zombie, an unreachable object, a suspended instance) is over as long after that. */
export const deedMsMax = 90_000;
/** How far into each a life is struck: a write or a call has just been sent then; most work is over sooner, and the next is waited for. */
const strikeMsMax: Readonly<Record<Moment, number>> = { pass: 1_500, tick: 1_500, request: 600, question: 100, start: 100, write: 8, call: 60 };

interface Armed {
  readonly until: EpochMs;
  readonly moments: readonly Moment[];
  readonly isMeant: (life: PlatformLife) => boolean;
  readonly strike: (life: PlatformLife) => void;
}

export class Ambush {
  readonly #scheduler: Scheduler;
  #armed: Armed[] = [];

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  arm(at: readonly Moment[], isMeant: Armed["isMeant"], strike: Armed["strike"]): void {
    this.#armed.push({ until: this.#scheduler.now + deedMsMax, moments: at, isMeant, strike });
  }

  /** Told by every life what it comes to. */
  readonly meets = (life: PlatformLife, moment: Moment): void => {
    if (this.#armed.length === 0) return;
    const { now, dice } = this.#scheduler;
    this.#armed = this.#armed.filter(({ until }) => until > now);
    const armed = this.#armed.find((one) => one.moments.includes(moment) && one.isMeant(life));
    if (armed === undefined) return;
    this.#armed = this.#armed.filter((one) => one !== armed);
    this.#scheduler.after(dice.between("ambush strikes after", 0, strikeMsMax[moment]), "an ambush", () => {
      const goesOn = moment === "write" || moment === "call" ? life.isBusy : life.isAt(moment);
      if (goesOn) armed.strike(life);
      else if (armed.until > this.#scheduler.now) this.#armed.push(armed);
    });
  };
}
