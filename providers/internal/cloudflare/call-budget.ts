// Keeps our calls below the limit that, once passed, shuts the token out for five minutes. Counts; refuses to wait.
import type { EpochMs } from "../../../shared/ports.ts";
import { callLimits } from "./limits.ts";

export class CallBudget {
  readonly #sentAtMs: EpochMs[] = [];

  /** Null: the call may go, and is counted. Otherwise the moment when one may. */
  take(nowMs: EpochMs): EpochMs | null {
    const { callWindowMs, ownCallsPerWindow } = callLimits;
    while ((this.#sentAtMs[0] ?? nowMs) + callWindowMs <= nowMs) this.#sentAtMs.shift();
    const oldest = this.#sentAtMs[0];
    if (oldest !== undefined && this.#sentAtMs.length >= ownCallsPerWindow) return oldest + callWindowMs;
    this.#sentAtMs.push(nowMs);
    return null;
  }
}
