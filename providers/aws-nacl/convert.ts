// Between EC2's network ACL and the core's observation: reading, deciding whose an entry is, counting room.
// Pure. Refuses to guess: an entry it cannot read whole makes the answer unreadable, never shorter.
import { type Cidr, cidrKey, cidrText, parseCidr } from "../../shared/address/index.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Entry, ForeignEntry, Observation, Pool } from "../../shared/provider.ts";
import { childOf, decodeText, itemsOf, textOf, type XmlNode } from "../internal/aws/xml.ts";
import { type AwsNaclSettings, rangeTag, tagKeys } from "./config.ts";
import { type Direction, directionsOf, directionWords, entryIdOf, partialOf, slotOf } from "./slots.ts";

export interface NativeEntry {
  readonly direction: Direction;
  readonly number: number;
  readonly family: 4 | 6;
  /** As EC2 spells it. */
  readonly cidr: string;
  readonly protocol: string;
  readonly action: string;
}

export interface NativeAcl {
  readonly id: string;
  readonly vpc: string;
  readonly isDefault: boolean;
  readonly subnets: readonly string[];
  readonly entries: readonly NativeEntry[];
  readonly tags: ReadonlyMap<string, string>;
}

function readEntry(node: XmlNode): NativeEntry | null {
  const number = textOf(node, "ruleNumber");
  const egress = textOf(node, "egress");
  const protocol = textOf(node, "protocol");
  const action = textOf(node, "ruleAction");
  const v4 = textOf(node, "cidrBlock");
  const cidr = v4 ?? textOf(node, "ipv6CidrBlock");
  if (number === null || !/^\d{1,5}$/.test(number) || protocol === null || action === null || cidr === null) return null;
  if (egress !== "true" && egress !== "false") return null;
  return { direction: egress === "true" ? "out" : "in", number: Number(number), family: v4 === null ? 6 : 4, cidr, protocol, action };
}

function readAcl(node: XmlNode): NativeAcl | null {
  const id = textOf(node, "networkAclId");
  if (id === null) return null;
  const entries: NativeEntry[] = [];
  for (const item of itemsOf(node, "entrySet")) {
    const entry = readEntry(item);
    if (entry === null) return null;
    entries.push(entry);
  }
  // An answer without entries is not an ACL without entries: every ACL has its default deny.
  if (entries.length === 0) return null;
  return {
    id,
    vpc: textOf(node, "vpcId") ?? "",
    isDefault: textOf(node, "default") === "true",
    subnets: itemsOf(node, "associationSet").flatMap((item) => textOf(item, "subnetId") ?? []),
    entries,
    tags: new Map(itemsOf(node, "tagSet").map((item) => [decodeText(textOf(item, "key") ?? ""), decodeText(textOf(item, "value") ?? "")])),
  };
}

/** One page of DescribeNetworkAcls; null when any part of it cannot be read. */
export function readAcls(root: XmlNode): { readonly acls: readonly NativeAcl[]; readonly nextToken: string | null } | null {
  if (childOf(root, "networkAclSet") === null) return null;
  const acls: NativeAcl[] = [];
  for (const item of itemsOf(root, "networkAclSet")) {
    const acl = readAcl(item);
    if (acl === null) return null;
    acls.push(acl);
  }
  const nextToken = textOf(root, "nextToken");
  return { acls, nextToken: nextToken === "" ? null : nextToken };
}

/** What describing one ACL found. */
export type Described =
  | { readonly found: true; readonly acl: NativeAcl; readonly serverDate: EpochMs | null }
  | { readonly found: false; readonly serverDate: EpochMs | null };

export type Range = Pick<AwsNaclSettings["rules"], "first" | "last">;

export function inRange(range: Range, number: number): boolean {
  return range.first <= number && number <= range.last;
}

/** The address of an entry that has our shape (deny, all protocols); null for any other. Says nothing about the range. */
export function ourShape(entry: NativeEntry): Cidr | null {
  if (entry.action !== "deny" || entry.protocol !== "-1") return null;
  const parsed = parseCidr(entry.cidr);
  // `::ffff:…` reads as IPv4 and would then be another rule than the one that stands.
  return parsed.ok && parsed.value.family === entry.family ? parsed.value : null;
}

interface Half {
  readonly direction: Direction;
  readonly number: number;
  readonly cidr: Cidr;
}

/** Our entries and everything else of the ACL. Egress entries are ours only when the target's direction is both. */
export function split(acl: NativeAcl, settings: AwsNaclSettings): { readonly ours: readonly Half[]; readonly foreign: readonly NativeEntry[] } {
  const directions: readonly Direction[] = directionsOf(settings.direction);
  const ours: Half[] = [];
  const foreign: NativeEntry[] = [];
  for (const entry of [...acl.entries].sort((a, b) => a.number - b.number)) {
    const cidr = directions.includes(entry.direction) && inRange(settings.rules, entry.number) ? ourShape(entry) : null;
    if (cidr === null) foreign.push(entry);
    else ours.push({ direction: entry.direction, number: entry.number, cidr });
  }
  return { ours, foreign };
}

/** Halves of one address become pairs, lowest numbers first; what is left over is a partial entry. */
function pairUp(ours: readonly Half[], settings: AwsNaclSettings): Entry[] {
  const byCidr = new Map<string, { readonly cidr: Cidr; readonly in: number[]; readonly out: number[] }>();
  for (const half of ours) {
    const group = byCidr.get(cidrKey(half.cidr)) ?? { cidr: half.cidr, in: [], out: [] };
    group[half.direction].push(half.number);
    byCidr.set(cidrKey(half.cidr), group);
  }
  const entries: Entry[] = [];
  for (const group of byCidr.values()) {
    for (let at = 0; at < Math.max(group.in.length, group.out.length); at += 1) {
      const numbers = { in: group.in[at] ?? null, out: group.out[at] ?? null };
      entries.push({ id: entryIdOf(numbers, group.cidr), cidr: group.cidr, partial: partialOf(numbers, settings.direction) });
    }
  }
  return entries;
}

/** Room of ours: the quota per family and direction less what is not ours (the default deny counts), and the numbers of the range. */
function poolsOf(foreign: readonly NativeEntry[], settings: AwsNaclSettings): Pool[] {
  const directions = directionsOf(settings.direction);
  const worst = (matches: (entry: NativeEntry) => boolean) =>
    Math.max(...directions.map((direction) => foreign.filter((entry) => entry.direction === direction && matches(entry)).length));
  const { first, last, limit } = settings.rules;
  const family = (name: string, which: 4 | 6): Pool => ({
    name: `${name} rules`,
    families: [which],
    limit: Math.max(0, limit - worst((entry) => entry.family === which)),
  });
  const numbers = last - first + 1 - worst((entry) => inRange(settings.rules, entry.number));
  return [family("IPv4", 4), family("IPv6", 6), { name: `numbers ${first}–${last}`, families: [4, 6], limit: Math.max(0, numbers) }];
}

function enforcingOf(acl: NativeAcl, settings: AwsNaclSettings): Observation["enforcing"] {
  if (acl.subnets.length === 0) return { yes: false, why: `${acl.id} is associated with no subnet; associate it with the subnets to protect` };
  for (const direction of directionsOf(settings.direction)) {
    const allows = acl.entries.filter((entry) => entry.direction === direction && entry.action === "allow" && entry.number < settings.rules.last);
    const [earliest] = allows.sort((a, b) => a.number - b.number);
    if (earliest === undefined) continue;
    const why = `${directionWords[direction]} rule ${earliest.number} of ${acl.id} allows ${earliest.cidr} before our rules up to ${settings.rules.last} are reached; give the allow rule a higher number or claim a lower range`;
    return { yes: false, why };
  }
  return { yes: true };
}

/** Why the claim on the ACL does not fit the configuration; null when it does, or when there is none. */
function claimProblem(acl: NativeAcl, settings: AwsNaclSettings): string | null {
  const store = acl.tags.get(tagKeys.store);
  const range = acl.tags.get(tagKeys.range);
  if (store === undefined && range === undefined) return null;
  const configured = rangeTag(settings.rules);
  if (store !== undefined && range === configured) return null;
  const tagged = range === undefined ? "no range" : `the range ${range}`;
  const named = store === undefined ? "no store" : `store ${store}`;
  return `${acl.id} is claimed with ${tagged} for ${named}, but this target is configured for rules ${configured}; restore the configuration, or run setup again to move the claim`;
}

function foreignOf(entry: NativeEntry): ForeignEntry {
  const protocol = entry.protocol === "-1" ? "all protocols" : `protocol ${entry.protocol}`;
  return {
    id: slotOf(entry.direction, entry.number),
    summary: `${directionWords[entry.direction]} rule ${entry.number}: ${entry.action} ${entry.cidr}, ${protocol}`,
  };
}

export function observationOf(acl: NativeAcl, settings: AwsNaclSettings, serverDate: EpochMs | null): Observation {
  const { ours, foreign } = split(acl, settings);
  return {
    ours: pairUp(ours, settings),
    foreign: foreign.map(foreignOf),
    pools: poolsOf(foreign, settings),
    storeId: acl.tags.get(tagKeys.store) ?? null,
    enforcing: enforcingOf(acl, settings),
    terminal: claimProblem(acl, settings),
    serverDate,
  };
}

/** What is known about an ACL that does not exist: nothing can be written, and nothing is concluded about entries. */
export function goneObservation(settings: AwsNaclSettings, serverDate: EpochMs | null): Observation {
  const why = `${settings.acl} does not exist in ${settings.region}; correct the target's acl or region, or drop the target`;
  return { ours: [], foreign: [], pools: [], storeId: null, enforcing: { yes: false, why }, terminal: why, serverDate };
}

/** For messages: `3 (203.0.113.7/32)`. */
export function namesOf(halves: readonly { readonly direction: Direction; readonly number: number; readonly cidr: Cidr }[]): readonly string[] {
  return halves.map((half) => `${slotOf(half.direction, half.number)} (${cidrText(half.cidr)})`);
}
