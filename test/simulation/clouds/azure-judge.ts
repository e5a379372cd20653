// What a network security group really denies, by Azure's semantics and nothing of the product's: rules are tried by priority, lowest
// first, and the first that matches decides; a change counts when its operation is over (Azure documentation,
// network-security-groups-overview and async-operations, checked 2026-11-20).
import type { Rule, RuleProperties } from "../../simulators/azure/rules.ts";
import type { NsgState } from "../../simulators/azure.ts";
import { meet } from "./prefix.ts";
import type { Sight } from "./watch.ts";

export interface AzureClaim {
  /** Names of our rules in lower case, and the priority at which each belongs. */
  readonly rules: ReadonlyMap<string, number>;
}

export function isOurs(rule: Rule, claim: AzureClaim): boolean {
  return claim.rules.has(rule.name.toLowerCase());
}

/** A rule's sources; an address without a length is the single one. */
export function sourcesOf({ sourceAddressPrefix: one, sourceAddressPrefixes: many }: RuleProperties): readonly string[] {
  const all = many.length > 0 || one === undefined || one === "" ? many : [one];
  return all.map((source) => (/^[\d.]+$/.test(source) ? `${source}/32` : /^[\da-f:.]+$/i.test(source) && source.includes(":") ? `${source}/128` : source));
}

function isAny(one: string | undefined, many: readonly string[]): boolean {
  return one === "*" || many.includes("*");
}

function isDenyingAll({ access, direction, protocol, ...it }: RuleProperties): boolean {
  const isWide = isAny(it.sourcePortRange, it.sourcePortRanges) && isAny(it.destinationPortRange, it.destinationPortRanges);
  return access === "Deny" && direction === "Inbound" && protocol === "*" && isWide && isAny(it.destinationAddressPrefix, it.destinationAddressPrefixes);
}

/** Whether this rule lets some traffic of the address by. A tag is taken to hold every address. */
function letsBy({ access, direction, ...it }: RuleProperties, cidr: string): boolean {
  return access === "Allow" && direction === "Inbound" && sourcesOf({ access, direction, ...it }).some((source) => !source.includes("/") || meet(source, cidr));
}

/** `effective`: the rules as Azure enforces them, whatever it shows. */
function isDenied(cidr: string, ours: Rule, effective: readonly Rule[]): boolean {
  if (!isDenyingAll(ours.properties)) return false;
  return !effective.some(({ properties }) => properties.priority < ours.properties.priority && letsBy(properties, cidr));
}

const texts = new WeakMap<Rule, string>();

function textOf(rule: Rule): string {
  const text = texts.get(rule) ?? JSON.stringify(rule);
  texts.set(rule, text);
  return text;
}

export function azureSight(state: NsgState, effective: readonly Rule[], claim: AzureClaim): Sight {
  const ours = effective.filter((rule) => isOurs(rule, claim));
  const placed = ours.flatMap((rule) => sourcesOf(rule.properties)).sort();
  const isAssociated = state.subnets.length + state.networkInterfaces.length > 0;
  const standing = ours.flatMap((rule) => sourcesOf(rule.properties).filter((cidr) => isDenied(cidr, rule, effective))).sort();
  const others = state.rules.filter((rule) => !isOurs(rule, claim));
  const foreign = new Map(others.map((rule) => [`rule ${rule.name}`, textOf(rule)]));
  foreign.set("order", others.map((rule) => rule.name).join());
  foreign.set("tags", JSON.stringify(state.tags));
  foreign.set("association", JSON.stringify([state.subnets, state.networkInterfaces]));
  return { standing: isAssociated ? standing : [], placed, foreign };
}
