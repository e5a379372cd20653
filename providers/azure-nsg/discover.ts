// Finds network security groups of a subscription, or of one resource group, that a target could use, for `init`. Reads only; suggests, never decides.
import * as v from "valibot";
import { fail, ok, type Result } from "../../shared/errors.ts";
import type { Json, Secret } from "../../shared/ports.ts";
import type { Discovery, ProviderPorts } from "../../shared/provider.ts";
import { backoffUntil } from "../internal/backoff.ts";
import { transportError } from "../internal/transport-error.ts";
import { Arm, type ArmAnswer } from "./api.ts";
import { type AzureAccount, accountSchema, groupLimits, priorities } from "./config.ts";
import { sourceAddressesOf } from "./convert.ts";
import { readError } from "./failures.ts";
import { type NativeGroup, readGroup } from "./native.ts";

/** 5,000 groups per region and subscription; a page holds far more than this asks for (Azure virtual network limits, checked 2026-11-20). */
const pagesMax = 20;
const rulePrefix = "portcullis";

const pageSchema = v.object({ value: v.array(v.unknown()) });

/** The lowest priority with a free one after it, for the IPv6 rule; null when there is none. */
export function freePriority(group: NativeGroup): number | null {
  const used = new Set(group.rules.filter((rule) => rule.direction === "Inbound").map((rule) => rule.priority));
  for (let priority: number = priorities.first; priority < priorities.last; priority += 1) {
    if (!used.has(priority) && !used.has(priority + 1)) return priority;
  }
  return null;
}

function warningsFor(group: NativeGroup, priority: number | null): string[] {
  const warnings: string[] = [];
  const number = priority ?? priorities.first;
  if (priority === null) warnings.push(`${group.name} has no two inbound priorities free side by side: renumber its rules before the target can be set up`);
  if (group.associations === 0) warnings.push(`${group.name} is associated with no subnet and no network interface: entries in it stop nobody`);
  const before = group.rules.filter((rule) => rule.direction === "Inbound" && rule.access === "Allow" && rule.priority < number);
  if (before.length > 0)
    warnings.push(`${before.length} inbound allow rules of ${group.name} come before priority ${number}: renumber them, or nothing they allow is denied`);
  const claims = [...group.tags].filter(([key]) => key.toLowerCase().startsWith(`${rulePrefix}:`));
  for (const [key, store] of claims) warnings.push(`${group.name} is already claimed by store ${store} (tag ${key})`);
  const room = groupLimits.sourceAddresses - sourceAddressesOf(group.rules);
  if (room < 100) warnings.push(`${group.name} has room for ${Math.max(0, room)} source addresses`);
  return warnings;
}

function discoveryOf(group: NativeGroup, account: AzureAccount): Discovery {
  const priority = freePriority(group);
  const { resourceGroup: _asked, ...common } = account;
  return {
    title: `${group.name} in ${group.resourceGroup} (${group.location}, ${group.rules.length} rules, ${group.associations} associations)`,
    settings: { ...common, resourceGroup: group.resourceGroup, nsg: group.name, priority: priority ?? priorities.first },
    warnings: warningsFor(group, priority),
  };
}

function readPages(answers: readonly ArmAnswer[], what: string, ports: ProviderPorts): Result<readonly NativeGroup[]> {
  const groups: NativeGroup[] = [];
  for (const answer of answers) {
    const page = answer.kind === "ok" ? v.safeParse(pageSchema, answer.body) : null;
    const read = page?.success === true ? page.output.value.map(readGroup) : null;
    if (read === null || read.includes(null)) {
      const failed = answer.kind === "ok" ? ({ kind: "unreadable", status: answer.status } as const) : answer;
      const now = ports.clock.now();
      const retryAtMs = answer.kind === "error" ? answer.retryAtMs : null;
      return { ok: false, error: readError(what, failed, retryAtMs ?? backoffUntil(1, now, ports.random), now) };
    }
    groups.push(...read.filter((group) => group !== null));
  }
  return ok(groups);
}

async function listGroups(account: AzureAccount, ports: ProviderPorts): Promise<Result<readonly NativeGroup[]>> {
  const what = `listing the network security groups of ${account.resourceGroup ?? account.subscription}`;
  const arm = new Arm(account, ports);
  const token: Result<Secret> = await arm.token();
  if (!token.ok) return token;
  try {
    return readPages(await arm.listGroups(token.value, account.resourceGroup, pagesMax), what, ports);
  } catch (thrown) {
    return { ok: false, error: transportError(what, thrown, "read") };
  }
}

export async function discover(settings: Json, ports: ProviderPorts): Promise<Result<readonly Discovery[]>> {
  const account = v.safeParse(accountSchema, settings);
  if (!account.success) {
    const words = account.issues.map((issue) => issue.message).join("; ");
    return fail("CONFIG_INVALID", `init needs subscription and tenant, and takes resourceGroup: ${words}`);
  }
  const groups = await listGroups(account.output, ports);
  return groups.ok ? ok(groups.value.map((group) => discoveryOf(group, account.output))) : groups;
}
