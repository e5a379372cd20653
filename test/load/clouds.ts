// The simulated clouds as the soak sees them from outside: what stands there of ours, what is a person's, how full it is, which calls were made
// and how they ended; and the storms that go over them. Reads the simulators' own state, never what the product says of it.
import { cidrFromKey } from "../../shared/address/index.ts";
import { azureNames, cloudflareNames } from "../sandbox/other-clouds.ts";
import type { Stack } from "../sandbox/stack.ts";
import { awsLimits } from "../simulators/aws.ts";
import { azureLimits } from "../simulators/azure.ts";
import { cloudflareLimits } from "../simulators/cloudflare.ts";
import { keyOfText } from "./ledger.ts";
import type { Chance } from "./random.ts";

export const targets = ["aws-web", "azure-hub", "edge"] as const;
export type TargetName = (typeof targets)[number];

export const acl = "acl-0123456789abcdef0";
export const rules = { first: 1, last: 40 } as const;
export const nsgRule = "portcullis-deny";
export const list = "portcullis";

export interface Standing {
  /** Keys of the blocks that stand. */
  readonly keys: ReadonlySet<string>;
  /** Whether another entry would still fit, for this family. */
  readonly hasRoom: (family: 4 | 6) => boolean;
}

export interface Refusals {
  /** Code of the cloud's answer to how often; throttling and its like included. */
  readonly codes: Readonly<Record<string, number>>;
  /** Calls that went over a limit of the cloud. */
  readonly overLimit: number;
  readonly calls: number;
}

const overLimitCodes: ReadonlySet<string> = new Set([
  "NetworkAclEntryLimitExceeded",
  "SecurityRuleAddressesOrPortsPerSecurityGroupLimitReached",
  "SecurityRuleCountLimitReached",
  "20009",
  "10007",
  "10010",
]);

function refusalsOf(log: readonly { readonly status: number; readonly code: string | number | null }[]): Refusals {
  const codes: Record<string, number> = {};
  for (const { status, code } of log) {
    const name = status === 0 ? "no answer" : code === null ? (status >= 500 ? String(status) : "") : String(code);
    if (name !== "") codes[name] = (codes[name] ?? 0) + 1;
  }
  const overLimit = Object.entries(codes).reduce((sum, [code, count]) => sum + (overLimitCodes.has(code) ? count : 0), 0);
  return { codes, overLimit, calls: log.length };
}

export class Clouds {
  readonly #stack: Stack;

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  get #azure() {
    const { azure } = this.#stack.others;
    if (azure === null) throw new Error("the soak needs the simulated Azure");
    return azure;
  }

  get #cloudflare() {
    const { cloudflare } = this.#stack.others;
    if (cloudflare === null) throw new Error("the soak needs the simulated Cloudflare");
    return cloudflare;
  }

  #acl(): Standing {
    const entries = this.#stack.aws.acl(acl).state.entries.filter((entry) => !entry.egress);
    const ours = entries.filter(({ number, action }) => action === "deny" && rules.first <= number && number <= rules.last);
    const used = (family: 4 | 6) => entries.filter((entry) => entry.family === family).length;
    return { keys: new Set(ours.map(({ cidr }) => keyOfText(cidr))), hasRoom: (family) => used(family) < this.#stack.aws.rulesMax };
  }

  #nsg(): Standing {
    const group = this.#azure.group(azureNames.nsg);
    const prefixes = [nsgRule, `${nsgRule}-ipv6`].flatMap((name) => {
      const properties = group.rule(name)?.properties;
      const single = properties?.sourceAddressPrefix;
      return [...(properties?.sourceAddressPrefixes ?? []), ...(single === undefined || single === "" ? [] : [single])];
    });
    const all = group.state.rules.reduce((sum, { properties }) => sum + Math.max(1, properties.sourceAddressPrefixes.length), 0);
    return { keys: new Set(prefixes.map(keyOfText)), hasRoom: () => all < azureLimits.addressesPerGroup };
  }

  #list(): Standing {
    const account = this.#cloudflare.account(cloudflareNames.account);
    account.settle();
    const items = [...account.list(list).items.keys()];
    return { keys: new Set(items.map(keyOfText)), hasRoom: () => account.itemCount < cloudflareLimits.itemsPerAccount };
  }

  standing(): Readonly<Record<TargetName, Standing>> {
    return { "aws-web": this.#acl(), "azure-hub": this.#nsg(), edge: this.#list() };
  }

  /** Everything there that is not ours, as text. */
  foreign(): Readonly<Record<TargetName, string>> {
    const { entries, associations } = this.#stack.aws.acl(acl).state as { entries: readonly { number: number; action: string }[]; associations?: unknown };
    const group = this.#azure.group(azureNames.nsg).state;
    const zone = this.#cloudflare.zone(cloudflareNames.zone);
    const others = [...this.#cloudflare.account(cloudflareNames.account).lists.values()].filter(({ name }) => name !== list);
    return {
      "aws-web": JSON.stringify([entries.filter(({ number }) => number < rules.first || number > rules.last), associations ?? null]),
      "azure-hub": JSON.stringify([group.rules.filter(({ name }) => !name.startsWith(nsgRule)), group.subnets, group.networkInterfaces]),
      edge: JSON.stringify([zone, others.map(({ name, items }) => [name, [...items.values()]])]),
    };
  }

  refusals(): Readonly<Record<TargetName, Refusals>> {
    return { "aws-web": refusalsOf(this.#stack.aws.log), "azure-hub": refusalsOf(this.#azure.log), edge: refusalsOf(this.#cloudflare.log) };
  }

  /** From now on some calls are throttled, some fail, and some that fail have done their work. */
  beginStorm(chance: Chance): void {
    const weather = () => {
      const at = chance.next();
      if (at < 0.02) return { kind: "throttle", retryAfterSeconds: null } as const;
      if (at < 0.04) return { kind: "throttle", retryAfterSeconds: 1 + chance.below(2) } as const;
      if (at < 0.05) return { kind: "serverError", status: chance.pick([500, 502, 503] as const), committed: chance.hits(0.5) } as const;
      return at < 0.055 ? ({ kind: "drop", committed: chance.hits(0.5) } as const) : null;
    };
    this.#stack.aws.faults.decide = () => {
      const mishap = weather();
      return mishap?.kind === "throttle" ? { ...mishap, status: mishap.retryAfterSeconds === null ? 503 : 429 } : mishap;
    };
    this.#azure.faults.decide = weather;
    // Cloudflare shuts whoever it throttles out for five minutes unless it says otherwise, and the provider waits that long: it always says so here.
    this.#cloudflare.faults.decide = () => {
      const mishap = weather();
      return mishap?.kind === "throttle" ? { ...mishap, retryAfterSeconds: mishap.retryAfterSeconds ?? 1 } : mishap;
    };
    this.#azure.faults.provisioningMs = 1_500;
  }

  endStorm(): void {
    for (const { faults } of [this.#stack.aws, this.#azure, this.#cloudflare]) faults.decide = () => null;
  }

  /** Watches each write: more rules than the cloud allows would be a broken promise even where the cloud let it pass. */
  watchLimits(onFault: (fault: string) => void): () => void {
    return this.#stack.aws.onChange(() => {
      for (const egress of [false, true]) {
        for (const family of [4, 6]) {
          const isDefault = (number: number) => number === awsLimits.defaultDeny.ipv4 || number === awsLimits.defaultDeny.ipv6;
          const entries = this.#stack.aws.acl(acl).state.entries.filter((entry) => entry.egress === egress && entry.family === family);
          const count = entries.filter(({ number }) => !isDefault(number)).length;
          if (count > this.#stack.aws.rulesMax) onFault(`aws-web: ${count} rules of family ${family}, limit ${this.#stack.aws.rulesMax}`);
        }
      }
    });
  }
}

export function familyOf(key: string): 4 | 6 {
  return cidrFromKey(key)?.family ?? 4;
}
