// Counts what may happen so many times a minute in one instance, for what strangers can cause. Refuses to remember more than a number.
import type { EpochMs } from "../../shared/ports.ts";

const minuteMs = 60_000;

export class PerMinute {
  readonly #most: number;
  #minute = 0;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether it may happen once more within this minute. */
  take(now: EpochMs): boolean {
    const minute = Math.floor(now / minuteMs);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#taken = 0;
    }
    this.#taken += 1;
    return this.#taken <= this.#most;
  }
}
