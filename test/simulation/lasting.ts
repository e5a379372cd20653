// How long something has been so without a break, as far as each look told. Judges nothing.
import type { EpochMs } from "../../shared/ports.ts";

export class Lasting {
  #before = new Map<string, EpochMs>();
  #seen = new Map<string, EpochMs>();

  /** It is so now, too: for how long already. */
  ms(what: string, now: EpochMs): number {
    const since = this.#seen.get(what) ?? this.#before.get(what) ?? now;
    this.#seen.set(what, since);
    return now - since;
  }

  /** The look is over: what it did not name is over too. */
  endLook(): void {
    this.#before = this.#seen;
    this.#seen = new Map();
  }
}
