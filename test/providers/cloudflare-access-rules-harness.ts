// Brings cloudflare-access-rules to the laws: an account or a zone that setup claimed in the simulated cloud, over real HTTP, with a
// token of that level and no more.
import * as v from "valibot";
import { type AccessRulesSettings, claimValue, levelOf } from "../../providers/cloudflare-access-rules/config.ts";
import { cloudflareAccessRules } from "../../providers/cloudflare-access-rules/index.ts";
import { isOurMark } from "../../providers/internal/cloudflare/marks.ts";
import { cidrKey, cidrOf, displayCidr } from "../../shared/address/index.ts";
import { Secret } from "../../shared/ports.ts";
import type { ProviderHarness, Trouble, World } from "../conformance/provider-laws.ts";
import type { AccessRule, AccessRuleInput, AccessRules } from "../simulators/cloudflare/access-rules.ts";
import type { CloudflareServerOptions, CloudflareSimulator, Mishap } from "../simulators/cloudflare.ts";
import { accountId, startFixture, tokens, zones } from "../simulators/cloudflare-fixtures.ts";
import { type TestPorts, testPorts } from "./ports.ts";

export const storeId = "store-acme-prod";
export const [zoneId] = zones;

export interface AccessHarnessOptions {
  readonly level?: "account" | "zone";
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly server?: Omit<CloudflareServerOptions, "nowMs">;
  readonly prepare?: (cloudflare: CloudflareSimulator) => void;
  /** Without a claim: as before the first `setup`. */
  readonly unclaimed?: boolean;
}

export interface AccessHarness extends ProviderHarness {
  readonly cloudflare: CloudflareSimulator;
  readonly settings: AccessRulesSettings;
  readonly ports: TestPorts;
  readonly held: AccessRules;
  /** Rules of the harness's level. */
  readonly rules: () => readonly AccessRule[];
  /** As a person at the dashboard, at the harness's level. */
  readonly put: (value: string, changes?: Partial<AccessRuleInput>) => AccessRule;
}

export function settingsFor(url: string, { level = "account", settings = {} }: AccessHarnessOptions): AccessRulesSettings {
  const place = level === "account" ? { account: accountId } : { zone: zoneId };
  // A small quota, so that the laws about a full target stay short.
  return v.parse(cloudflareAccessRules.settings, { ...place, rules: 30, endpoint: url, ...settings });
}

const mishaps = {
  throttle: (seconds) => ({ kind: "throttle", retryAfterSeconds: seconds }),
  lostAnswer: () => ({ kind: "drop", committed: true }),
  lostCall: () => ({ kind: "drop", committed: false }),
  serverError: () => ({ kind: "serverError", status: 500, committed: true }),
  unreadable: () => ({ kind: "garbage", committed: false }),
} as const satisfies Partial<Record<Trouble["kind"], (seconds: number | null) => Mishap>>;

function trouble(cloudflare: CloudflareSimulator, prefix: string, given: Trouble): void {
  if (given.kind === "revoked" || given.kind === "restored") {
    cloudflare.faults.credentialsRevoked = given.kind === "revoked";
    return;
  }
  const route = `${prefix}.${given.kind === "unreadable" ? "list" : "create"}`;
  cloudflare.faults.next.push({ route, mishap: mishaps[given.kind](given.kind === "throttle" ? given.retryAfterSeconds : null) });
}

/** Target and value of an address, in words of the test's own. */
export function targetOf(value: string): string {
  return value.includes("/") ? "ip_range" : value.includes(":") ? "ip6" : "ip";
}

function shownOf(rules: Iterable<AccessRule>): readonly string[] {
  return [...rules].map(({ id, level, mode, value, notes }) => `${id} ${level} ${mode} ${value} ${notes}`);
}

function worldOf(cloudflare: CloudflareSimulator, settings: AccessRulesSettings, held: AccessRules, ports: TestPorts): World {
  const level = levelOf(settings);
  const isOurs = (rule: AccessRule) => rule.level === level.id && isOurMark(rule.notes);
  const writesBefore = cloudflare.writes;
  const block = (value: string, notes: string) => held.put(level.id, { mode: "block", target: targetOf(value), value, notes });
  return {
    state: () => JSON.stringify(shownOf(held.rules.values())),
    foreign: () => JSON.stringify(shownOf([...held.rules.values()].filter((rule) => !isOurs(rule)))),
    addForeign: () => {
      block("192.0.2.0/24", "partner");
      block("2001:db8:99::/48", "Portcullis was here");
      held.put(level.id, { mode: "managed_challenge", target: "asn", value: "AS64500" });
    },
    takePlacesOf: (step) => {
      for (const value of step.slots) block(value, "mine");
    },
    givePlacesBack: (step) => {
      for (const rule of held.at(level.id)) if (step.slots.some((value) => cidrKey(cidrOf(value)) === keyOf(rule)) && !isOurs(rule)) held.rules.delete(rule.id);
    },
    removeOurs: (entry) => {
      for (const rule of held.at(level.id)) if (isOurs(rule) && keyOf(rule) === cidrKey(entry.cidr)) held.rules.delete(rule.id);
    },
    writes: () => cloudflare.writes - writesBefore,
    advance: ports.advance,
    trouble: (given) => trouble(cloudflare, level.name === "account" ? "access" : "zoneAccess", given),
  };
}

function keyOf(rule: AccessRule): string | null {
  return ["ip", "ip6", "ip_range"].includes(rule.target) ? cidrKey(cidrOf(rule.value)) : null;
}

/** Our blocks at this level, as the product writes addresses; the claim is none. */
export function blocksOf(rules: readonly AccessRule[]): readonly string[] {
  return rules
    .filter((rule) => isOurMark(rule.notes) && rule.value !== claimValue)
    .map((rule) => displayCidr(cidrOf(rule.value)))
    .sort();
}

export async function accessHarness(options: AccessHarnessOptions = {}): Promise<AccessHarness> {
  const token = new Secret(options.level === "zone" ? tokens.zoneAccess : tokens.access);
  const ports = testPorts({ token });
  const cloudflare = await startFixture({ ...options.server, nowMs: ports.clock.now });
  options.prepare?.(cloudflare);
  const settings = settingsFor(cloudflare.url, options);
  const provider = () => cloudflareAccessRules.create(settings, ports);
  if (!options.unclaimed) {
    const claimed = await provider().setup({ action: "claim", storeId, adopt: false });
    if (!claimed.ok) throw claimed.error;
    ports.advance(1_000);
  }
  const held = cloudflare.account(accountId).accessRules;
  const rules = () => held.at(levelOf(settings).id);
  return {
    definition: cloudflareAccessRules,
    storeId,
    cloudflare,
    settings,
    ports,
    held,
    rules,
    put: (value, changes = {}) => held.put(levelOf(settings).id, { mode: "block", target: targetOf(value), value, notes: "a person's", ...changes }),
    provider,
    operator: provider,
    world: worldOf(cloudflare, settings, held, ports),
    nowMs: ports.clock.now,
    logs: ports.logs,
    secrets: () => Object.values(tokens),
    close: () => cloudflare.close(),
  };
}
