// The five verbs of aws-waf, bound to one target: an IP set per family and the web ACL that makes them count.
// Owns the order of calls; wire, judgement and payloads have files of their own.
import { type Cidr, cidrText } from "../../shared/address/index.ts";
import { ok, type Result } from "../../shared/errors.ts";
import type { Signal } from "../../shared/ports.ts";
import type { Admission, CompileRequest, Observation, Outcome, Provider, ProviderPorts, SetupAction, SetupReport, Step } from "../../shared/provider.ts";
import type { Purpose } from "../internal/aws/credentials.ts";
import { applyStep } from "./apply.ts";
import { Client } from "./client.ts";
import { compile } from "./compile.ts";
import { type AwsWafSettings, accountOf, type SetName, setsOf, slotOf } from "./config.ts";
import { observationOf, type Seen } from "./convert.ts";
import { credentialsFor } from "./credentials.ts";
import { type NativeSet, type ReadSet, readSet } from "./sets.ts";
import { setUp } from "./setup.ts";
import { readWebAcl } from "./web-acl.ts";

export class AwsWaf implements Provider {
  readonly #settings: AwsWafSettings;
  readonly #sets: readonly SetName[];
  readonly #client: Client;
  /** Each set with its lock token as last read: what a step decided on it may be sent with. */
  readonly #known = new Map<string, NativeSet>();

  constructor(settings: AwsWafSettings, ports: ProviderPorts) {
    this.#settings = settings;
    this.#sets = setsOf(settings);
    this.#client = new Client(accountOf(settings), credentialsFor(settings, ports), ports);
  }

  admit(cidr: Cidr): Admission {
    if (cidr.length === 0) return { kind: "unsupported", why: `${cidrText(cidr)} is everyone, and AWS WAF takes no /0 into an IP set` };
    if (this.#sets.some((set) => set.family === cidr.family)) return { kind: "accept" };
    return { kind: "unsupported", why: `this target has no IP set for IPv${cidr.family}; name one under ${slotOf(cidr.family)}` };
  }

  async observe(signal?: Signal): Promise<Result<Observation>> {
    const seen = await this.#look("run", signal);
    return seen.ok ? ok(observationOf(seen.value, this.#settings)) : seen;
  }

  compile(request: CompileRequest): readonly Step[] {
    return compile(request, this.#settings);
  }

  apply(step: Step, signal?: Signal): Promise<Outcome> {
    return applyStep({ client: this.#client, sets: this.#sets, known: this.#known }, step, signal);
  }

  async setup(action: SetupAction, signal?: Signal): Promise<Result<SetupReport>> {
    const seen = await this.#look("setup", signal);
    return seen.ok ? setUp({ settings: this.#settings, client: this.#client, seen: seen.value, signal }, action) : seen;
  }

  /** One call after the other: five a second of each is all that WAF allows. */
  async #look(purpose: Purpose, signal?: Signal): Promise<Result<Seen>> {
    const sets: ReadSet[] = [];
    for (const name of this.#sets) {
      const read = await readSet(this.#client, name, purpose, signal);
      if (!read.ok) return read;
      if (read.value.found) this.#known.set(name.arn, read.value.set);
      else this.#known.delete(name.arn);
      sets.push(read.value);
    }
    const webAcl = await readWebAcl(this.#client, this.#settings.webAcl, purpose, signal);
    return webAcl.ok ? ok({ sets, webAcl: webAcl.value }) : webAcl;
  }
}
