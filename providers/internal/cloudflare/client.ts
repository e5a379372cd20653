// Calls to Cloudflare with their failures as values: the budget before, the words after. Knows no route; refuses to retry.
import { ok, type Result } from "../../../shared/errors.ts";
import type { EpochMs, Signal } from "../../../shared/ports.ts";
import type { ProviderPorts } from "../../../shared/provider.ts";
import { backoffUntil } from "../backoff.ts";
import { transportError } from "../transport-error.ts";
import { type CloudflareAnswer, type CloudflareCall, type CloudflareOk, type IsBusy, nothingIsBusy, sendCall } from "./api.ts";
import { CallBudget } from "./call-budget.ts";
import { type Effect, errorOf, throttledError } from "./failures.ts";
import { callLimits } from "./limits.ts";

export interface Call extends CloudflareCall {
  /** For messages: `reading the lists of …`. */
  readonly what: string;
}

/** What a kind says about its calls. */
export interface ClientOptions {
  /** Another base URL than the vendor's. */
  readonly endpoint: string | undefined;
  /** What to do when the token is refused. */
  readonly authHint: string;
  readonly isBusy?: IsBusy;
}

export class CloudflareClient {
  readonly #options: ClientOptions;
  readonly #ports: ProviderPorts;
  readonly #budget = new CallBudget();
  /** Refusals in a row, for the growing delay when the cloud names none. */
  #refusals = 0;

  constructor(options: ClientOptions, ports: ProviderPorts) {
    this.#options = options;
    this.#ports = ports;
  }

  get now(): EpochMs {
    return this.#ports.clock.now();
  }

  async send(call: Call, effect: Effect, signal?: Signal): Promise<Result<CloudflareOk>> {
    const freeAtMs = this.#budget.take(this.now);
    if (freeAtMs !== null) {
      const why = `${call.what} waits: ${callLimits.callsPerWindow} calls in five minutes would shut the token out for five more`;
      return { ok: false, error: throttledError(why, freeAtMs, this.now) };
    }
    try {
      const { endpoint, authHint, isBusy = nothingIsBusy } = this.#options;
      const answer = await sendCall({ ports: this.#ports, endpoint, isBusy }, call, signal);
      const retryAtMs = this.#retryAtMs(call, answer);
      return answer.kind === "ok" ? ok(answer) : { ok: false, error: errorOf({ what: call.what, effect, authHint }, answer, retryAtMs, this.now) };
    } catch (thrown) {
      return { ok: false, error: transportError(call.what, thrown, effect) };
    }
  }

  /** A read whose 404 is an answer: null. */
  async find(call: Call, signal?: Signal): Promise<Result<CloudflareOk | null>> {
    const answer = await this.send(call, "read", signal);
    return !answer.ok && answer.error.context.facts?.status === 404 ? ok(null) : answer;
  }

  #retryAtMs(call: Call, answer: CloudflareAnswer): EpochMs {
    const refused = answer.kind === "error" && (answer.meaning === "throttle" || answer.meaning === "busy");
    // A read in between says nothing about whether a write would be let through.
    if (refused) this.#refusals += 1;
    else if (call.method !== "GET") this.#refusals = 0;
    if (answer.kind === "error" && answer.retryAtMs !== null) return answer.retryAtMs;
    // The call limit shuts everything out for five minutes, and asking sooner is a call too.
    if (answer.kind === "error" && answer.meaning === "throttle") return this.now + callLimits.callWindowMs;
    return backoffUntil(Math.max(1, this.#refusals) + 1, this.now, this.#ports.random);
  }
}
