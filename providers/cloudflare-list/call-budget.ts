// Keeps our calls below the limit that, once passed, shuts the token out for five minutes. Counts; refuses to wait.
import type { EpochMs } from "../../shared/ports.ts";
import { cloudflareLimits, ours } from "./limits.ts";

export class CallBudget {
  readonly #sentAtMs: EpochMs[] = [];

  /** Null: the call may go, and is counted. Otherwise the moment when one may. */
  take(nowMs: EpochMs): EpochMs | null {
    const { callWindowMs } = cloudflareLimits;
    while ((this.#sentAtMs[0] ?? nowMs) + callWindowMs <= nowMs) this.#sentAtMs.shift();
    const oldest = this.#sentAtMs[0];
    if (oldest !== undefined && this.#sentAtMs.length >= ours.callsPerWindow) return oldest + callWindowMs;
    this.#sentAtMs.push(nowMs);
    return null;
  }
}
