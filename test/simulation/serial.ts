// Whether one place is written to by one call after the other, as design 4 ("serial") and 6 (`serialKey`) have it: a cloud answers two at once as it
// likes, and each was decided on a look that the other has overtaken. Knows calls and whose they are; nothing of passes.
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Life } from "./scheduler.ts";

/** One call to a cloud on its way. */
export interface Call {
  readonly life: Life;
  readonly began: EpochMs;
  /** Those that were on their way when it was sent. */
  readonly beside: readonly Call[];
  /** It came in and asked for a change, accepted or not. */
  isWrite: boolean;
}

/** Among whom writes must not meet: the works of one life, or all lives that take turns by a lock. */
export type Turns = "within a life" | "among lives";

export class Serial {
  readonly #turns: Turns;
  readonly #underWay = new Map<string, Set<Call>>();

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  #at(cloud: string): Set<Call> {
    const calls = this.#underWay.get(cloud) ?? new Set();
    this.#underWay.set(cloud, calls);
    return calls;
  }

  /** One whose time is up is given up by its caller, who may go on. */
  sent(cloud: string, life: Life, now: EpochMs): Call {
    const calls = this.#at(cloud);
    const beside = [...calls].filter(({ began }) => now - began < limits.callTimeoutMs);
    const call: Call = { life, began: now, beside, isWrite: false };
    calls.add(call);
    return call;
  }

  ended(cloud: string, call: Call): void {
    this.#at(cloud).delete(call);
  }

  /** It has written. Answers whose write it met, in words; null: nobody's that counts. */
  wrote(cloud: string, call: Call): string | null {
    call.isWrite = true;
    const others = [...call.beside, ...[...this.#at(cloud)].filter(({ beside }) => beside.includes(call))];
    const other = others.find((candidate) => candidate.isWrite && this.#meets(candidate.life, call.life));
    return other === undefined
      ? null
      : `${cloud}: two writes at once, of ${other.life.name} and of ${call.life.name}, sent ${call.began - other.began} ms apart`;
  }

  /** What a dead life left on its way nobody can hold back, nor what one sends that stood still or has lost its place without hearing of it. */
  #meets(one: Life, other: Life): boolean {
    if (one === other) return !one.isDead;
    return this.#turns === "among lives" && [one, other].every((life) => !life.isDead && !life.isDisplaced && Math.abs(life.clockOffsetMs) <= limits.skewMs);
  }
}
