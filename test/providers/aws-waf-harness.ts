// Brings aws-waf to the laws: two claimed IP sets in the simulated account, over real HTTP, with the run-time policy and no more.
import * as v from "valibot";
import { type AwsWafSettings, setsOf } from "../../providers/aws-waf/config.ts";
import { awsWaf } from "../../providers/aws-waf/index.ts";
import { withMark } from "../../providers/aws-waf/mark.ts";
import { Secret } from "../../shared/ports.ts";
import type { ProviderHarness, Trouble, World } from "../conformance/provider-laws.ts";
import type { Mishap } from "../simulators/aws.ts";
import type { Scope, WafOptions, WafSimulator } from "../simulators/aws-waf.ts";
import { arnsOf, externalId, keys, roleArn, startWafFixture } from "../simulators/aws-waf-fixtures.ts";
import { type TestPorts, testPorts } from "./ports.ts";

export const storeId = "store-acme-prod";

export interface WafHarnessOptions {
  readonly scope?: Scope;
  readonly assumeRole?: boolean;
  /** Which sets the target names. */
  readonly sets?: readonly ("ipv4" | "ipv6")[];
  /** Without a claim: as before the first `setup`. */
  readonly unclaimed?: boolean;
  readonly server?: WafOptions;
}

export interface WafHarness extends ProviderHarness {
  readonly waf: WafSimulator;
  readonly settings: AwsWafSettings;
  readonly ports: TestPorts;
}

function secretsOf(pair: { readonly accessKeyId: string; readonly secretAccessKey: string }): Record<string, Secret> {
  return { accessKeyId: new Secret(pair.accessKeyId), secretAccessKey: new Secret(pair.secretAccessKey) };
}

export function settingsFor(url: string, { scope = "REGIONAL", assumeRole = false, sets = ["ipv4", "ipv6"] }: WafHarnessOptions = {}): AwsWafSettings {
  const arns = arnsOf(scope);
  const named = Object.fromEntries(sets.map((key) => [key, arns[key]]));
  const role = assumeRole ? { assumeRole: { roleArn, externalId } } : {};
  return v.parse(awsWaf.settings, { ...named, webAcl: arns.webAcl, endpoint: url, stsEndpoint: url, ...role });
}

const mishaps = {
  throttle: (seconds) => ({ kind: "throttle", status: 429, retryAfterSeconds: seconds }),
  lostAnswer: () => ({ kind: "drop", committed: true }),
  lostCall: () => ({ kind: "drop", committed: false }),
  serverError: () => ({ kind: "serverError", status: 500, committed: true }),
  unreadable: () => ({ kind: "garbage", committed: false }),
} as const satisfies Partial<Record<Trouble["kind"], (seconds: number | null) => Mishap>>;

function trouble(waf: WafSimulator, given: Trouble): void {
  if (given.kind === "revoked" || given.kind === "restored") {
    waf.faults.credentialsRevoked = given.kind === "revoked";
    return;
  }
  const action = given.kind === "unreadable" ? "GetIPSet" : "UpdateIPSet";
  waf.faults.next.push({ action, mishap: mishaps[given.kind](given.kind === "throttle" ? given.retryAfterSeconds : null) });
}

/** An IPv4 range as an IPv6 set spells it: to everyone but WAF it is IPv4, so it is no address of ours there. */
export const mapped = "0000:0000:0000:0000:0000:ffff:c000:0200/120";
const notOurs = "Allow list of the office";

function worldOf(waf: WafSimulator, settings: AwsWafSettings, ports: TestPorts): World {
  const sets = () => setsOf(settings).map(({ arn }) => waf.set(arn));
  const former = new Map<string, string | null>();
  return {
    state: () => JSON.stringify(sets().map(({ state }) => ({ description: state.description, addresses: [...state.addresses].sort() }))),
    foreign: () => JSON.stringify(sets().map(({ state }) => [state.description, state.addresses.filter((address) => address.includes(":ffff:"))])),
    addForeign: () => {
      for (const set of sets()) if (set.version === "IPV6") set.edit({ addresses: [...set.state.addresses, mapped] });
    },
    // A set has one place, and it is whole: a person takes it for a list of his own.
    takePlacesOf: (step) => {
      for (const set of sets()) {
        if (!step.slots.includes(set.version.toLowerCase())) continue;
        former.set(set.arn, set.state.description);
        set.edit({ description: notOurs });
      }
    },
    givePlacesBack: () => {
      for (const [arn, description] of former) waf.set(arn).edit({ description });
    },
    removeOurs: (entry) => {
      for (const set of sets()) set.edit({ addresses: set.state.addresses.filter((address) => address !== entry.id) });
    },
    writes: () => waf.writes,
    advance: ports.advance,
    trouble: (given) => trouble(waf, given),
  };
}

/** Secrets of users, and of every session that was handed out. */
function secretTexts(waf: WafSimulator): readonly string[] {
  const issued = waf.aws.log.flatMap((call) => [...call.body.matchAll(/<(?:SecretAccessKey|SessionToken)>([^<]+)</g)].map((match) => match[1] ?? ""));
  return [...Object.values(keys).map((pair) => pair.secretAccessKey), ...issued];
}

export async function wafHarness(options: WafHarnessOptions = {}): Promise<WafHarness> {
  const ports = testPorts(secretsOf(options.assumeRole ? keys.assume : keys.run));
  const waf = await startWafFixture(options.scope, { ...options.server, nowMs: ports.clock.now });
  const settings = settingsFor(waf.url, options);
  for (const set of setsOf(settings)) {
    if (!options.unclaimed) waf.set(set.arn).edit({ description: withMark(waf.set(set.arn).state.description ?? "", storeId, set) });
  }
  return {
    definition: awsWaf,
    storeId,
    waf,
    settings,
    ports,
    provider: () => awsWaf.create(settings, ports),
    operator: () => awsWaf.create(settings, ports),
    world: worldOf(waf, settings, ports),
    nowMs: ports.clock.now,
    logs: ports.logs,
    secrets: () => secretTexts(waf),
    close: () => waf.close(),
  };
}
