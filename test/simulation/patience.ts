// Whether a cloud that named a time is left alone until then (design 4 step 7): many shut out for longer whoever asks before. Judges what one life
// was told and did; what a life was told that is over, its successor need not know.
import type { EpochMs } from "../../shared/ports.ts";
import type { Life } from "./scheduler.ts";

interface Told {
  readonly until: EpochMs;
  /** Of the life's clock when it was told: one that jumps since makes every span another. */
  readonly clockOffsetMs: number;
}

const secondMs = 1_000;

export class Patience {
  readonly #told = new Map<string, Map<Life, Told>>();

  /** An answer came in that asks for patience; one that names no time says nothing here. */
  told(cloud: string, life: Life, retryAfter: string | undefined, now: EpochMs): void {
    if (retryAfter === undefined || !/^[0-9]+$/.test(retryAfter)) return;
    const lives = this.#told.get(cloud) ?? new Map<Life, Told>();
    this.#told.set(cloud, lives);
    lives.set(life, { until: now + Number(retryAfter) * secondMs, clockOffsetMs: life.clockOffsetMs });
  }

  /** A call goes out. Answers what is wrong with that, in words; null: nothing. */
  asks(cloud: string, life: Life, now: EpochMs): string | null {
    const told = this.#told.get(cloud)?.get(life);
    if (told === undefined || now >= told.until || life.isDisplaced || life.clockOffsetMs !== told.clockOffsetMs) return null;
    return `${cloud}: ${life.name} asks ${told.until - now} ms before the time that the cloud named`;
  }
}
