// The five verbs of cloudflare-access-rules, bound to one account or one zone. Owns what an instance remembers: Cloudflare's ids of
// our rules, and that the account was found full. All of it may be lost at any time.
import { type Cidr, cidrText } from "../../shared/address/index.ts";
import { ok, type Result } from "../../shared/errors.ts";
import type { EpochMs, Signal } from "../../shared/ports.ts";
import type { Admission, CompileRequest, Observation, Outcome, Provider, ProviderPorts, SetupAction, SetupReport, Step } from "../../shared/provider.ts";
import { AccessRulesApi } from "./api.ts";
import { type ApplyMemory, applyStep } from "./apply.ts";
import { compile } from "./compile.ts";
import { type AccessRulesSettings, levelOf } from "./config.ts";
import { fits, observationOf, type Split, split } from "./convert.ts";
import { accessLimits, ours } from "./limits.ts";
import { setUp } from "./setup.ts";

export class CloudflareAccessRules implements Provider {
  readonly #settings: AccessRulesSettings;
  readonly #api: AccessRulesApi;
  /** As they were last read. */
  #ruleIds: ReadonlyMap<string, string> = new Map();
  #fullUntilMs: EpochMs = 0;

  constructor(settings: AccessRulesSettings, ports: ProviderPorts) {
    this.#settings = settings;
    this.#api = new AccessRulesApi(settings.endpoint, ports);
  }

  /** Widening would block others, and splitting is not a provider's to decide: what does not fit is refused. */
  admit(cidr: Cidr): Admission {
    if (fits(cidr)) return { kind: "accept" };
    const lengths = accessLimits.lengths[cidr.family].slice(0, -1).map((length) => `/${length}`);
    const why = `an IP Access rule takes single addresses and ${lengths.join(", ")}, not ${cidrText(cidr)}; ask for one of these, as many as it takes`;
    return { kind: "unsupported", why };
  }

  async observe(signal?: Signal): Promise<Result<Observation>> {
    const settings = this.#settings;
    const read = await this.#read(signal);
    if (!read.ok) return read;
    const zone = settings.zone === undefined ? ok(null) : await this.#api.zone(settings.zone, signal);
    if (!zone.ok) return zone;
    const isFull = this.#api.now < this.#fullUntilMs;
    return ok(observationOf({ settings, split: read.value.split, zone: zone.value, isFull, serverDate: read.value.serverDate }));
  }

  compile(request: CompileRequest): readonly Step[] {
    return compile(request, this.#settings);
  }

  apply(step: Step, signal?: Signal): Promise<Outcome> {
    return applyStep({ settings: this.#settings, api: this.#api, memory: this.#memory() }, step, signal);
  }

  setup(action: SetupAction, signal?: Signal): Promise<Result<SetupReport>> {
    return setUp({ settings: this.#settings, api: this.#api }, action, signal);
  }

  async #read(signal?: Signal): Promise<Result<{ readonly split: Split; readonly serverDate: EpochMs | null }>> {
    const level = levelOf(this.#settings);
    const all = await this.#api.rules(level, signal);
    if (!all.ok) return all;
    const found = split(all.value.rules, level);
    if (!found.ok) return found;
    this.#ruleIds = found.value.ruleIds;
    return ok({ split: found.value, serverDate: all.value.serverDate });
  }

  #memory(): ApplyMemory {
    return {
      idOf: async (value, signal) => {
        const known = this.#ruleIds.get(value);
        if (known !== undefined) return ok(known);
        const read = await this.#read(signal);
        return read.ok ? ok(read.value.split.ruleIds.get(value) ?? null) : read;
      },
      full: () => {
        this.#fullUntilMs = this.#api.now + ours.fullMs;
      },
    };
  }
}
