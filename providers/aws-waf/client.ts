// Calls with their failures as values: the keys before, the words after, and when to come back. Owns the pace of writes.
// Refuses to retry and to sleep.
import { ok, type Result } from "../../shared/errors.ts";
import type { EpochMs, Signal } from "../../shared/ports.ts";
import type { ProviderPorts } from "../../shared/provider.ts";
import type { AwsAccount } from "../internal/aws/account.ts";
import type { AwsFailed } from "../internal/aws/answer.ts";
import type { Credentials, Purpose } from "../internal/aws/credentials.ts";
import { type Circumstances, readError } from "../internal/aws/failures.ts";
import { backoffUntil } from "../internal/backoff.ts";
import { transportError } from "../internal/transport-error.ts";
import { sendCall, type WafAnswer, type WafCall } from "./api.ts";
import { wafLimits } from "./config.ts";
import { kind } from "./credentials.ts";

export interface Call extends WafCall {
  /** For messages: `GetIPSet of …`. */
  readonly what: string;
  readonly purpose: Purpose;
  readonly effect: "read" | "write";
}

export interface Answered {
  readonly answer: WafAnswer;
  readonly circumstances: Circumstances;
}

const paceMs = 1_000 / wafLimits.writesPerSecond;

export class Client {
  readonly #account: AwsAccount;
  readonly #credentials: Credentials;
  readonly #ports: ProviderPorts;
  /** Throttles in a row, for the growing delay when the cloud names none. */
  #throttles = 0;
  #wroteAtMs: EpochMs | null = null;

  constructor(account: AwsAccount, credentials: Credentials, ports: ProviderPorts) {
    this.#account = account;
    this.#credentials = credentials;
    this.#ports = ports;
  }

  get now(): EpochMs {
    return this.#ports.clock.now();
  }

  /** When this instance's next write would be refused no more for being the second within a second; null: now. */
  get paceUntilMs(): EpochMs | null {
    if (this.#wroteAtMs === null || this.now >= this.#wroteAtMs + paceMs) return null;
    return this.#wroteAtMs + paceMs;
  }

  async send(call: Call, signal?: Signal): Promise<Result<Answered>> {
    const keys = await this.#credentials.keysFor(call.purpose, signal);
    if (!keys.ok) return keys;
    if (call.effect === "write") this.#wroteAtMs = this.now;
    try {
      const answer = await sendCall(this.#ports, this.#account, keys.value, { action: call.action, body: call.body }, signal);
      return ok({ answer, circumstances: { kind, retryAtMs: this.#retryAtMs(answer), nowMs: this.now } });
    } catch (thrown) {
      return { ok: false, error: transportError(call.what, thrown, call.effect) };
    }
  }

  /** The failure of a call without effect. */
  failure(call: Call, failed: AwsFailed, circumstances: Circumstances): Result<never> {
    return { ok: false, error: readError(call.what, failed, circumstances) };
  }

  #retryAtMs(answer: WafAnswer): EpochMs {
    const throttled = answer.kind === "error" && answer.meaning === "throttle";
    this.#throttles = throttled ? this.#throttles + 1 : 0;
    if (answer.kind === "error" && answer.meaning === "auth") this.#credentials.forget();
    const named = answer.kind === "error" ? answer.retryAtMs : null;
    return named ?? backoffUntil(Math.max(1, this.#throttles), this.now, this.#ports.random);
  }
}
