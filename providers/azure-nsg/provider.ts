// The five verbs of azure-nsg, bound to one NSG. Owns the order of calls; wire, conversion and payloads have files of their own.
import { type Cidr, cidrText } from "../../shared/address/index.ts";
import { fail, ok, type Result } from "../../shared/errors.ts";
import type { EpochMs, Secret, Signal } from "../../shared/ports.ts";
import type { Admission, CompileRequest, Observation, Outcome, Provider, ProviderPorts, SetupAction, SetupReport, Step } from "../../shared/provider.ts";
import { backoffUntil } from "../internal/backoff.ts";
import { transportError } from "../internal/transport-error.ts";
import { Arm, type ArmAnswer } from "./api.ts";
import { currentOf, nativeOf, outcomeOf, outcomeOfError, outcomeOfThrown, ruleBody, withoutSending } from "./apply.ts";
import { compile, type NativeStep } from "./compile.ts";
import { type AzureNsgSettings, sameName } from "./config.ts";
import { goneObservation, isOurs, observationOf } from "./convert.ts";
import { readError } from "./failures.ts";
import { isRunning, type NativeGroup, readGroup } from "./native.ts";
import { setUp } from "./setup.ts";

/** A change of an NSG takes seconds; asked again this long after it was seen running. */
const runningWaitSeconds = 5;

export type Described =
  | { readonly found: true; readonly group: NativeGroup; readonly serverDate: EpochMs | null }
  | { readonly found: false; readonly serverDate: EpochMs | null };

export class AzureNsg implements Provider {
  readonly #settings: AzureNsgSettings;
  readonly #ports: ProviderPorts;
  readonly #arm: Arm;
  /** Refusals as too fast in a row, for the growing delay when the cloud names none. */
  #throttles = 0;

  constructor(settings: AzureNsgSettings, ports: ProviderPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#arm = new Arm(settings, ports);
  }

  admit(cidr: Cidr): Admission {
    if (cidr.length === 0) return { kind: "unsupported", why: `${cidrText(cidr)} is everyone; a network security group would cut its subnets off` };
    return { kind: "accept" };
  }

  async observe(signal?: Signal): Promise<Result<Observation>> {
    const described = await this.#describe(signal);
    if (!described.ok) return described;
    const { value } = described;
    if (!value.found) return ok(goneObservation(this.#settings, value.serverDate));
    const running = this.#running(value.group);
    if (running === null) return ok(observationOf(value.group, this.#settings, value.serverDate));
    return fail("PROVIDER_PENDING", `${running}; nothing is written until that is over`, { retryAfterSeconds: runningWaitSeconds });
  }

  compile(request: CompileRequest): readonly Step[] {
    return compile(request, this.#settings);
  }

  async apply(step: Step, signal?: Signal): Promise<Outcome> {
    const native = nativeOf(step, this.#settings);
    if (!native.ok) return { kind: "failed", error: native.error };
    const token = await this.#arm.token(signal);
    if (!token.ok) return outcomeOfError(token.error, this.#ports.clock.now());
    return (await this.#look(native.value, token.value, signal)) ?? (await this.#write(native.value, token.value, signal));
  }

  setup(action: SetupAction, signal?: Signal): Promise<Result<SetupReport>> {
    const retryAtMs = (answer: ArmAnswer) => this.#retryAtMs(answer);
    return setUp({ settings: this.#settings, arm: this.#arm, describe: () => this.#describe(signal), now: this.#now, retryAtMs, signal }, action);
  }

  readonly #now = () => this.#ports.clock.now();

  /** The rule as it stands now: an outcome when nothing need or may be sent. */
  async #look(native: NativeStep, token: Secret, signal?: Signal): Promise<Outcome | null> {
    const what = `GET of rule ${native.rule} of ${native.nsg}`;
    try {
      const answer = await this.#arm.readRule(token, this.#settings, native.rule, signal);
      const retryAtMs = this.#retryAtMs(answer);
      const current = currentOf(answer);
      if (current !== null && (!current.found || sameName(current.rule.name, native.rule))) return withoutSending(native, current);
      const failed = answer.kind === "ok" ? ({ kind: "unreadable", status: answer.status } as const) : answer;
      return outcomeOfError(readError(what, failed, retryAtMs, this.#now()), this.#now());
    } catch (thrown) {
      return outcomeOfThrown(what, thrown, this.#now(), "read");
    }
  }

  async #write(native: NativeStep, token: Secret, signal?: Signal): Promise<Outcome> {
    const verb = native.sources.length === 0 ? "DELETE" : "PUT";
    const what = `${verb} of rule ${native.rule} of ${native.nsg} with ${native.sources.length} addresses`;
    try {
      const answer = await (verb === "DELETE"
        ? this.#arm.deleteRule(token, this.#settings, native.rule, signal)
        : this.#arm.putRule(token, this.#settings, native.rule, ruleBody(native), signal));
      return outcomeOf(native, what, answer, this.#retryAtMs(answer), this.#now());
    } catch (thrown) {
      return outcomeOfThrown(what, thrown, this.#now(), "write");
    }
  }

  async #describe(signal?: Signal): Promise<Result<Described>> {
    const what = `GET of ${this.#settings.nsg}`;
    const token = await this.#arm.token(signal);
    if (!token.ok) return token;
    try {
      return this.#readDescribed(what, await this.#arm.readGroup(token.value, this.#settings, signal));
    } catch (thrown) {
      return { ok: false, error: transportError(what, thrown, "read") };
    }
  }

  #readDescribed(what: string, answer: ArmAnswer): Result<Described> {
    const retryAtMs = this.#retryAtMs(answer);
    if (answer.kind === "error" && answer.meaning === "missing") return ok({ found: false, serverDate: null });
    if (answer.kind !== "ok") return { ok: false, error: readError(what, answer, retryAtMs, this.#now()) };
    const group = readGroup(answer.body);
    // Missing is not empty: an answer without this NSG, or with a rule we cannot read, says nothing about what stands.
    if (group === null || !sameName(group.name, this.#settings.nsg))
      return fail("PROVIDER_UNAVAILABLE", `${what} answered without a readable ${this.#settings.nsg}; nothing is concluded from it`);
    return ok({ found: true, group, serverDate: answer.serverDate });
  }

  /** What is still under way at the NSG, in words: one write at a time, ours or anyone's. */
  #running(group: NativeGroup): string | null {
    const rule = group.rules.find((candidate) => isRunning(candidate.state) && isOurs(this.#settings, candidate));
    if (rule !== undefined) return `Azure is still working on rule ${rule.name} of ${group.name} (${rule.state})`;
    return isRunning(group.state) ? `Azure is still working on ${group.name} (${group.state})` : null;
  }

  /** When to come back after this answer: the moment the cloud named, soon when another operation is in the way, else a growing delay. */
  #retryAtMs(answer: ArmAnswer): EpochMs {
    const now = this.#now();
    const meaning = answer.kind === "error" ? answer.meaning : null;
    this.#throttles = meaning === "throttle" ? this.#throttles + 1 : 0;
    const named = answer.kind === "error" ? answer.retryAtMs : null;
    if (named !== null) return named;
    // Another operation on the NSG takes seconds: 2 to 4 s, and no longer the next time.
    return backoffUntil(meaning === "throttle" ? this.#throttles : 2, now, this.#ports.random);
  }
}
