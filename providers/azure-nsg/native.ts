// A network security group as Azure writes it, read into what we need. Missing is not empty: what cannot be read is null, never "no rules".
import * as v from "valibot";
import { type Cidr, cidrKey, parseCidr } from "../../shared/address/index.ts";
import { sameName } from "./config.ts";

const text = v.nullish(v.string(), "");
const texts = v.nullish(v.array(v.string()), []);
const references = v.nullish(v.array(v.unknown()), []);

const ruleSchema = v.object({
  name: v.string(),
  properties: v.object({
    provisioningState: text,
    description: text,
    protocol: v.string(),
    sourcePortRange: text,
    sourcePortRanges: texts,
    destinationPortRange: text,
    destinationPortRanges: texts,
    sourceAddressPrefix: text,
    sourceAddressPrefixes: texts,
    destinationAddressPrefix: text,
    destinationAddressPrefixes: texts,
    sourceApplicationSecurityGroups: references,
    destinationApplicationSecurityGroups: references,
    access: v.string(),
    priority: v.number(),
    direction: v.string(),
  }),
});

const groupSchema = v.object({
  id: v.string(),
  name: v.string(),
  location: text,
  tags: v.nullish(v.record(v.string(), v.string()), {}),
  properties: v.object({
    provisioningState: v.string(),
    securityRules: v.array(ruleSchema),
    subnets: references,
    networkInterfaces: references,
  }),
});

export interface NativeRule {
  readonly name: string;
  readonly state: string;
  readonly description: string;
  readonly protocol: string;
  /** Singular and plural spelling together. */
  readonly sourcePorts: readonly string[];
  readonly destinationPorts: readonly string[];
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  /** Application security groups on either side. */
  readonly groupsNamed: number;
  readonly access: string;
  readonly direction: string;
  readonly priority: number;
}

export interface NativeGroup {
  readonly id: string;
  readonly name: string;
  readonly resourceGroup: string;
  readonly location: string;
  readonly state: string;
  readonly tags: ReadonlyMap<string, string>;
  readonly rules: readonly NativeRule[];
  /** Subnets and network interfaces that it is associated with. */
  readonly associations: number;
}

function both(one: string | null, many: readonly string[] | null): readonly string[] {
  return [...(one === null || one === "" ? [] : [one]), ...(many ?? [])];
}

function ruleOf({ name, properties: it }: v.InferOutput<typeof ruleSchema>): NativeRule {
  return {
    name,
    state: it.provisioningState ?? "",
    description: it.description ?? "",
    protocol: it.protocol,
    sourcePorts: both(it.sourcePortRange, it.sourcePortRanges),
    destinationPorts: both(it.destinationPortRange, it.destinationPortRanges),
    sources: both(it.sourceAddressPrefix, it.sourceAddressPrefixes),
    destinations: both(it.destinationAddressPrefix, it.destinationAddressPrefixes),
    groupsNamed: (it.sourceApplicationSecurityGroups ?? []).length + (it.destinationApplicationSecurityGroups ?? []).length,
    access: it.access,
    direction: it.direction,
    priority: it.priority,
  };
}

export function readRule(body: unknown): NativeRule | null {
  const parsed = v.safeParse(ruleSchema, body);
  return parsed.success ? ruleOf(parsed.output) : null;
}

export function readGroup(body: unknown): NativeGroup | null {
  const parsed = v.safeParse(groupSchema, body);
  if (!parsed.success) return null;
  const { id, name, location, tags, properties } = parsed.output;
  const resourceGroup = /\/resourceGroups\/([^/]+)\//i.exec(id)?.[1];
  if (resourceGroup === undefined) return null;
  return {
    id,
    name,
    resourceGroup,
    location: location ?? "",
    state: properties.provisioningState,
    tags: new Map(Object.entries(tags ?? {})),
    rules: properties.securityRules.map(ruleOf),
    associations: (properties.subnets ?? []).length + (properties.networkInterfaces ?? []).length,
  };
}

export function tagOf(group: NativeGroup, name: string): string | null {
  for (const [key, value] of group.tags) if (sameName(key, name)) return value;
  return null;
}

export function ruleNamed(group: NativeGroup, name: string): NativeRule | null {
  return group.rules.find((rule) => sameName(rule.name, name)) ?? null;
}

/** States after which an operation is over (learn.microsoft.com, async-operations, checked 2026-11-20). */
const finalStates: ReadonlySet<string> = new Set(["succeeded", "failed", "canceled"]);

export function isRunning(state: string): boolean {
  return state !== "" && !finalStates.has(state.toLowerCase());
}

export function hasFailed(state: string): boolean {
  return finalStates.has(state.toLowerCase()) && state.toLowerCase() !== "succeeded";
}

/** The blocks among a rule's sources, each once, and what is none of the family's (a tag, `*`, host bits, the other family). */
export function blocksOf(rule: NativeRule, family: 4 | 6): { readonly blocks: readonly Cidr[]; readonly others: readonly string[] } {
  const blocks = new Map<string, Cidr>();
  const others: string[] = [];
  for (const source of rule.sources) {
    const parsed = parseCidr(source);
    if (parsed.ok && parsed.value.family === family) blocks.set(cidrKey(parsed.value), parsed.value);
    else others.push(source);
  }
  return { blocks: [...blocks.values()], others };
}
