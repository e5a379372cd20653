// From an NSG as Azure keeps it to an observation: whose a rule is, what of it is as we left it, how much room is left, whether it enforces.
// Pure. A rule with our name is ours whatever it says; every attribute that a person changed is told and makes its entries partial.
import { cidrText } from "../../shared/address/index.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Entry, ForeignEntry, Observation, Pool } from "../../shared/provider.ts";
import { type AzureNsgSettings, claimTagOf, describeRule, type Family, families, groupLimits, priorityOf, ruleNameOf, sameName } from "./config.ts";
import { blocksOf, hasFailed, type NativeGroup, type NativeRule, ruleNamed, tagOf } from "./native.ts";

/** What one of our rules must look like, its addresses aside. */
export interface Shape {
  readonly family: Family;
  readonly priority: number;
  /** Null before the NSG is claimed: then any description will do. */
  readonly description: string | null;
}

export function shapeOf(settings: AzureNsgSettings, family: Family, storeId: string | null): Shape {
  return { family, priority: priorityOf(settings, family), description: storeId === null ? null : describeRule(storeId) };
}

function isAny(values: readonly string[]): boolean {
  return values.length > 0 && values.every((value) => value === "*");
}

/** Everything about a rule of ours that is not as we write it, in words; empty when it is whole. */
export function driftOf(rule: NativeRule, shape: Shape): readonly string[] {
  const { others } = blocksOf(rule, shape.family);
  const checks: readonly (readonly [boolean, string])[] = [
    [sameName(rule.access, "Deny"), `its access is ${rule.access}, not Deny`],
    [sameName(rule.direction, "Inbound"), `its direction is ${rule.direction}, not Inbound`],
    [rule.priority === shape.priority, `its priority is ${rule.priority}, not ${shape.priority}`],
    [rule.protocol === "*", `its protocol is ${rule.protocol}, not *`],
    [isAny(rule.sourcePorts), `its source ports are ${rule.sourcePorts.join(", ")}, not *`],
    [isAny(rule.destinationPorts), `its destination ports are ${rule.destinationPorts.join(", ")}, not *`],
    [isAny(rule.destinations), `its destination is ${rule.destinations.join(", ")}, not *`],
    [rule.groupsNamed === 0, "it names application security groups"],
    [others.length === 0, `its sources hold ${others.slice(0, 3).join(", ")}, which is no IPv${shape.family} block`],
    [shape.description === null || rule.description === shape.description, "its description is not ours"],
    [!hasFailed(rule.state), `Azure could not carry out its last change (${rule.state})`],
  ];
  return checks.flatMap(([asWritten, words]) => (asWritten ? [] : [words]));
}

function entriesOf(rule: NativeRule, shape: Shape): readonly Entry[] {
  const drift = driftOf(rule, shape);
  const partial = drift.length === 0 ? null : `rule ${rule.name} is not as it was left: ${drift.join("; ")}`;
  return blocksOf(rule, shape.family).blocks.map((cidr) => ({ id: cidrText(cidr), cidr, partial }));
}

export function isOurs(settings: AzureNsgSettings, rule: NativeRule): boolean {
  return families.some((family) => sameName(rule.name, ruleNameOf(settings, family)));
}

function few(values: readonly string[]): string {
  return values.length > 3 ? `${values.slice(0, 3).join(", ")} and ${values.length - 3} more` : values.join(", ");
}

function foreignOf(rule: NativeRule): ForeignEntry {
  const summary = `${rule.direction.toLowerCase()} ${rule.priority}: ${rule.access.toLowerCase()} ${rule.protocol} ports ${few(rule.destinationPorts)} from ${few(rule.sources)} to ${few(rule.destinations)}`;
  return { id: rule.name, summary };
}

/** A rule of somebody else on our priority; priorities are unique per direction. */
function squatterOf(settings: AzureNsgSettings, foreign: readonly NativeRule[], family: Family): NativeRule | null {
  const priority = priorityOf(settings, family);
  return foreign.find((rule) => sameName(rule.direction, "Inbound") && rule.priority === priority) ?? null;
}

/** `*` is no address. Service tags are counted as one each, which errs on the safe side: whether Azure counts them is not documented. */
export function sourceAddressesOf(rules: readonly NativeRule[]): number {
  return rules.flatMap((rule) => rule.sources).filter((source) => source !== "*").length;
}

function poolsOf(group: NativeGroup, settings: AzureNsgSettings, foreign: readonly NativeRule[], oursCount: number): readonly Pool[] {
  const standing = families.filter((family) => ruleNamed(group, ruleNameOf(settings, family)) !== null);
  // What Azure took in has its place: the owner's addresses, counted too high perhaps, leave less room for more, and never take ours away.
  const limit = Math.max(oursCount, groupLimits.sourceAddresses - sourceAddressesOf(foreign));
  const pools: Pool[] = [{ name: `source addresses of ${group.name}`, families: [4, 6], limit }];
  // A rule that stands needs no place any more; the IPv4 rule takes the last free place before the IPv6 rule does.
  let places = groupLimits.rules - foreign.length - standing.length;
  for (const family of families) {
    if (standing.includes(family)) continue;
    const squatter = squatterOf(settings, foreign, family);
    if (squatter !== null) {
      const name = `IPv${family} rule (priority ${squatter.priority} inbound is taken by rule ${squatter.name}: give that rule or this target another one)`;
      pools.push({ name, families: [family], limit: 0 });
    } else if (places > 0) places -= 1;
    else pools.push({ name: `IPv${family} rule (${group.name} holds all ${groupLimits.rules} rules it can)`, families: [family], limit: 0 });
  }
  return pools;
}

function enforcingOf(group: NativeGroup, settings: AzureNsgSettings, foreign: readonly NativeRule[], ours: readonly Entry[]): Observation["enforcing"] {
  const no = (why: string): Observation["enforcing"] => ({ yes: false, why });
  const changed = ours.find((entry) => entry.partial !== null)?.partial ?? strayWords(group, settings);
  if (changed !== null) return no(changed);
  if (group.associations === 0) return no(`${group.name} is associated with no subnet and no network interface`);
  if (hasFailed(group.state))
    return no(`the last change of ${group.name} ended as ${group.state}: what it enforces is not known until a change of it succeeds`);
  const before = foreign.filter((rule) => sameName(rule.access, "Allow") && sameName(rule.direction, "Inbound") && rule.priority < settings.priority);
  if (before.length === 0) return { yes: true };
  const names = before.map((rule) => `${rule.name} (${rule.priority})`);
  return no(
    `${few(names)} allow inbound traffic before priority ${settings.priority}, so what they allow is not denied; renumber them, or lower the target's priority`,
  );
}

/** A rule with our name and no address of ours, made or emptied by a person: nothing of it is an entry, so nothing removes it. */
function strayWords(group: NativeGroup, settings: AzureNsgSettings): string | null {
  for (const family of families) {
    const rule = ruleNamed(group, ruleNameOf(settings, family));
    if (rule !== null && blocksOf(rule, family).blocks.length === 0) return `rule ${rule.name} holds no IPv${family} address (${few(rule.sources)}): delete it`;
  }
  return null;
}

export function observationOf(group: NativeGroup, settings: AzureNsgSettings, serverDate: EpochMs | null): Observation {
  const storeId = tagOf(group, claimTagOf(settings));
  const foreign = group.rules.filter((rule) => !isOurs(settings, rule));
  const ours = families.flatMap((family) => {
    const rule = ruleNamed(group, ruleNameOf(settings, family));
    return rule === null ? [] : entriesOf(rule, shapeOf(settings, family, storeId));
  });
  return {
    ours,
    foreign: foreign.map(foreignOf),
    pools: poolsOf(group, settings, foreign, ours.length),
    storeId,
    enforcing: enforcingOf(group, settings, foreign, ours),
    terminal: null,
    serverDate,
  };
}

export function goneObservation(settings: AzureNsgSettings, serverDate: EpochMs | null): Observation {
  const why = `${settings.nsg} does not exist in resource group ${settings.resourceGroup}; correct the target's nsg, resourceGroup or subscription`;
  return { ours: [], foreign: [], pools: [], storeId: null, enforcing: { yes: false, why }, terminal: why, serverDate };
}
