// The five verbs of aws-nacl, bound to one ACL. Owns the order of calls; wire, conversion and numbering have files of their own.
import { type Cidr, cidrText } from "../../shared/address/index.ts";
import { fail, ok, type PortcullisError, type Result } from "../../shared/errors.ts";
import type { EpochMs, Signal } from "../../shared/ports.ts";
import type { Admission, CompileRequest, Observation, Outcome, Provider, ProviderPorts, SetupAction, SetupReport, Step } from "../../shared/provider.ts";
import type { AwsFailed } from "../internal/aws/answer.ts";
import type { Credentials, Purpose } from "../internal/aws/credentials.ts";
import { readError } from "../internal/aws/failures.ts";
import { type AwsAnswer, sendCall } from "../internal/aws/query.ts";
import { backoffUntil } from "../internal/backoff.ts";
import { transportError } from "../internal/transport-error.ts";
import { callOf, nativeOf, outcomeOf, outcomeOfError, outcomeOfThrown } from "./apply.ts";
import { meaningOf } from "./codes.ts";
import { compile } from "./compile.ts";
import type { AwsNaclSettings } from "./config.ts";
import { type Described, goneObservation, observationOf, readAcls } from "./convert.ts";
import { credentialsFor, kind } from "./credentials.ts";
import { setUp } from "./setup.ts";

export class AwsNacl implements Provider {
  readonly #settings: AwsNaclSettings;
  readonly #ports: ProviderPorts;
  readonly #credentials: Credentials;
  /** Throttles in a row, for the growing delay when the cloud names none. */
  #throttles = 0;

  constructor(settings: AwsNaclSettings, ports: ProviderPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#credentials = credentialsFor(settings, settings.acl, ports);
  }

  admit(cidr: Cidr): Admission {
    if (cidr.length === 0) return { kind: "unsupported", why: `${cidrText(cidr)} is everyone; a network ACL would cut its subnets off` };
    return { kind: "accept" };
  }

  async observe(signal?: Signal): Promise<Result<Observation>> {
    const described = await this.#describe("run", signal);
    if (!described.ok) return described;
    const { value } = described;
    return ok(value.found ? observationOf(value.acl, this.#settings, value.serverDate) : goneObservation(this.#settings, value.serverDate));
  }

  compile(request: CompileRequest): readonly Step[] {
    return compile(request, this.#settings);
  }

  async apply(step: Step, signal?: Signal): Promise<Outcome> {
    const native = nativeOf(step, this.#settings.acl);
    if (!native.ok) return { kind: "failed", error: native.error };
    const keys = await this.#credentials.keysFor("run", signal);
    if (!keys.ok) return outcomeOfError(keys.error, this.#ports.clock.now());
    const call = callOf(native.value);
    const what = `${call.action} of ${native.value.cidr} at rule ${native.value.number} of ${native.value.acl}`;
    try {
      const answer = await sendCall(this.#ports, this.#settings, keys.value, call, signal);
      return outcomeOf(native.value, what, answer, this.#retryAtMs(answer));
    } catch (thrown) {
      return outcomeOfThrown(what, thrown, this.#ports.clock.now());
    }
  }

  setup(action: SetupAction, signal?: Signal): Promise<Result<SetupReport>> {
    const call = async (name: "CreateTags" | "DeleteTags", parameters: Readonly<Record<string, string>>): Promise<Result<AwsAnswer>> => {
      const keys = await this.#credentials.keysFor("setup", signal);
      if (!keys.ok) return keys;
      try {
        return ok(await sendCall(this.#ports, this.#settings, keys.value, { service: "ec2", action: name, parameters }, signal));
      } catch (thrown) {
        return { ok: false, error: transportError(`${name} of ${this.#settings.acl}`, thrown, "write") };
      }
    };
    const describe = () => this.#describe("setup", signal);
    return setUp({ settings: this.#settings, describe, call, now: () => this.#ports.clock.now(), retryAtMs: (answer) => this.#retryAtMs(answer) }, action);
  }

  async #describe(purpose: Purpose, signal?: Signal): Promise<Result<Described>> {
    const what = `DescribeNetworkAcls of ${this.#settings.acl}`;
    const keys = await this.#credentials.keysFor(purpose, signal);
    if (!keys.ok) return keys;
    const call = { service: "ec2", action: "DescribeNetworkAcls", parameters: { "NetworkAclId.1": this.#settings.acl } } as const;
    try {
      return this.#readDescribed(what, await sendCall(this.#ports, this.#settings, keys.value, call, signal));
    } catch (thrown) {
      return { ok: false, error: transportError(what, thrown, "read") };
    }
  }

  #readDescribed(what: string, answer: AwsAnswer): Result<Described> {
    const retryAtMs = this.#retryAtMs(answer);
    if (answer.kind === "error" && meaningOf(answer) === "aclMissing") return ok({ found: false, serverDate: null });
    if (answer.kind !== "ok") return { ok: false, error: this.#readFailure(what, answer, retryAtMs) };
    const page = readAcls(answer.root);
    // Missing is not empty: an answer without this ACL, or with an entry we cannot read, says nothing about what stands.
    const acl = page?.acls.find((candidate) => candidate.id === this.#settings.acl);
    if (acl === undefined) return fail("PROVIDER_UNAVAILABLE", `${what} answered without a readable ${this.#settings.acl}; nothing is concluded from it`);
    return ok({ found: true, acl, serverDate: answer.serverDate });
  }

  #readFailure(what: string, answer: AwsFailed, retryAtMs: EpochMs): PortcullisError {
    return readError(what, answer, { kind, retryAtMs, nowMs: this.#ports.clock.now() });
  }

  /** When to come back after this answer; keeps count of throttles and drops a role's keys that were refused. */
  #retryAtMs(answer: AwsAnswer): EpochMs {
    const throttled = answer.kind === "error" && answer.meaning === "throttle";
    this.#throttles = throttled ? this.#throttles + 1 : 0;
    if (answer.kind === "error" && answer.meaning === "auth") this.#credentials.forget();
    const named = answer.kind === "error" ? answer.retryAtMs : null;
    return named ?? backoffUntil(Math.max(1, this.#throttles), this.#ports.clock.now(), this.#ports.random);
  }
}
