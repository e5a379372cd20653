// From IP sets and a web ACL to the core's observation: whose an address is, what room is left, whether it counts. Pure.
// Refuses to guess: an address it cannot name stays where it is, and is counted as somebody else's.
import { type Cidr, cidrKey, cidrText, parseCidr } from "../../shared/address/index.ts";
import { fingerprint } from "../../shared/plan/fingerprint.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Entry, ForeignEntry, Observation } from "../../shared/provider.ts";
import { type AwsWafSettings, type Family, type SetName, slotOf, wafLimits } from "./config.ts";
import { isOf, markOf } from "./mark.ts";
import type { NativeSet, ReadSet } from "./sets.ts";
import { type ReadWebAcl, whyNotEnforcing } from "./web-acl.ts";

export interface Split {
  readonly cidrs: readonly Cidr[];
  /** Texts of the set that are no address of its family as the core knows them, such as `::ffff:0:0/96` (an IPv4 range to everyone else). */
  readonly foreign: readonly string[];
}

export function split(addresses: readonly string[], family: Family): Split {
  const cidrs = new Map<string, Cidr>();
  const foreign: string[] = [];
  for (const text of addresses) {
    const parsed = parseCidr(text);
    if (parsed.ok && parsed.value.family === family && text.includes("/")) cidrs.set(cidrKey(parsed.value), parsed.value);
    else foreign.push(text);
  }
  return { cidrs: [...cidrs.values()], foreign };
}

export function entryOf(cidr: Cidr): Entry {
  return { id: cidrText(cidr), cidr, partial: null };
}

function foreignOf(text: string, name: SetName): ForeignEntry {
  return { id: `${slotOf(name.family)}:${text}`, summary: `${text.slice(0, 64)} in IP set ${name.name}, which is no address of ours` };
}

/** Texts of the family's set that are not ours, out of an observation. */
export function foreignTexts(observation: Observation, family: Family): readonly string[] {
  const prefix = `${slotOf(family)}:`;
  return observation.foreign.flatMap(({ id }) => (id.startsWith(prefix) ? [id.slice(prefix.length)] : []));
}

/** A short name for all that a set holds: another one means that somebody changed it. */
export function contentOf({ cidrs, foreign }: Split): string {
  return fingerprint([...cidrs.map(cidrKey), ...foreign.map((text) => `foreign ${text}`)]);
}

export function contentOfSet(set: NativeSet): string {
  return contentOf(split(set.addresses, set.name.family));
}

export function versionProblem(set: NativeSet): string | null {
  const wanted = set.name.family === 4 ? "IPV4" : "IPV6";
  return set.version === wanted ? null : `IP set ${set.name.name} holds ${set.version} addresses, but is named under ${slotOf(set.name.family)}`;
}

export function goneText(name: SetName): string {
  return `IP set ${name.name} (${name.id}) does not exist in ${name.region}, scope ${name.scope}; correct the target's ${slotOf(name.family)}, or drop the target`;
}

/** Why the claims on the sets are not what `setup` writes for this target; null: they are, or there is none at all. */
function claimProblem(sets: readonly NativeSet[]): string | null {
  const marks = sets.map((set) => ({ set, mark: markOf(set.description) }));
  if (marks.every(({ mark }) => mark === null)) return null;
  const stores = new Set(marks.map(({ mark }) => mark?.store));
  const unclaimed = marks.find(({ mark }) => mark === null);
  if (unclaimed !== undefined) return `IP set ${unclaimed.set.name.name} carries no claim, and the target's other set does; run setup again`;
  if (stores.size > 1) return `the target's two IP sets are claimed by different stores: ${[...stores].join(" and ")}; release one of them`;
  const apart = marks.find(({ set, mark }) => mark !== null && !isOf(mark, set.name));
  if (apart === undefined) return null;
  const partner = apart.mark?.partner ?? null;
  const how = partner === null ? "alone" : `together with IP set ${partner}`;
  return `IP set ${apart.set.name.name} was claimed ${how}, as another target names it; restore the configuration, or run setup again to move the claim`;
}

function storeOf(sets: readonly NativeSet[]): string | null {
  return sets.map((set) => markOf(set.description)?.store).find((store) => store !== undefined) ?? null;
}

export interface Seen {
  readonly sets: readonly ReadSet[];
  readonly webAcl: ReadWebAcl;
}

export function observationOf(seen: Seen, settings: AwsWafSettings): Observation {
  const sets = seen.sets.flatMap((read) => (read.found ? [read.set] : []));
  const gone = seen.sets.flatMap((read) => (read.found ? [] : [goneText(read.name)]));
  const parts = sets.map((set) => ({ set, ...split(set.addresses, set.name.family) }));
  const why = gone[0] ?? whyNotEnforcing(seen.webAcl, settings);
  const dates = seen.sets.flatMap((read): EpochMs[] => (read.serverDate === null ? [] : [read.serverDate]));
  return {
    ours: parts.flatMap(({ cidrs }) => cidrs.map(entryOf)),
    foreign: parts.flatMap(({ set, foreign }) => foreign.map((text) => foreignOf(text, set.name))),
    pools: parts.map(({ set, foreign }) => ({
      name: `IP set ${set.name.name}`,
      families: [set.name.family],
      limit: Math.max(0, wafLimits.addressesPerSet - foreign.length),
    })),
    storeId: storeOf(sets),
    enforcing: why === null ? { yes: true } : { yes: false, why },
    terminal: gone[0] ?? sets.map(versionProblem).find((problem) => problem !== null) ?? claimProblem(sets),
    serverDate: dates.length === 0 ? null : Math.min(...dates),
  };
}
