// Decides which addresses are never blocked: the presets, the operator's list, and what a caller adds (its own address).
// Refuses to know about requests, targets or time of day; answers for the final block, after any widening.
import { type Cidr, CidrIndex, CidrSet, cidrOf, cidrText } from "../address/index.ts";
import { PortcullisError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { EpochMs } from "../ports.ts";
import type { Preset } from "./preset.ts";
import { bingbot } from "./presets/bingbot.ts";
import { cloudServices } from "./presets/cloud-services.ts";
import { cloudflare } from "./presets/cloudflare.ts";
import { documentation } from "./presets/documentation.ts";
import { googlebot } from "./presets/googlebot.ts";
import { ianaSpecialPurpose } from "./presets/iana-special-purpose.ts";
import { publicResolvers } from "./presets/public-resolvers.ts";

export type { Preset, PresetGroup } from "./preset.ts";

export const presets: readonly Preset[] = [ianaSpecialPurpose, documentation, cloudServices, publicResolvers, cloudflare, googlebot, bingbot];

/** Every name a configuration may list under `protect.presets`; `all` stands for all of them. */
export const presetNames: readonly string[] = presets.map((preset) => preset.name);

/** A protected range and who protects it, in words for an answer. */
export interface ProtectedRange {
  /** CIDR text. */
  readonly range: string;
  readonly source: string;
}

export interface Protection {
  /** The narrowest protected range around `cidr`, else one inside it; null when they share no address. */
  find(cidr: Cidr): ProtectedRange | null;
  /** Number of protected ranges. */
  readonly size: number;
}

interface Member {
  readonly cidr: Cidr;
  readonly source: string;
}

/** The presets that `names` selects. An unknown name throws: leaving it out silently would open what someone meant to protect. */
export function presetsNamed(names: readonly string[]): readonly Preset[] {
  const unknown = names.filter((name) => name !== "all" && !presetNames.includes(name));
  if (unknown.length > 0) {
    throw new PortcullisError("CONFIG_INVALID", `protect.presets names ${unknown.join(", ")}; known are all, ${presetNames.join(", ")}`, {
      field: "protect.presets",
    });
  }
  return names.includes("all") ? presets : presets.filter((preset) => names.includes(preset.name));
}

function presetMembers(preset: Preset): readonly Member[] {
  return preset.groups.flatMap((group) => group.cidrs.split(" ").map((text) => ({ cidr: cidrOf(text), source: `preset ${preset.name}: ${group.note}` })));
}

/**
 * Builds the protection of one deployment. Any shared address is a hit, in both directions: a block inside a protected
 * range, and a block so wide that it holds one.
 */
export function createProtection(
  protect: { readonly ranges: readonly string[]; readonly presets: readonly string[] },
  extra: readonly { readonly cidr: Cidr; readonly source: string }[] = [],
): Protection {
  const members: readonly Member[] = [
    ...extra,
    ...protect.ranges.map((text) => ({ cidr: cidrOf(text), source: "protect.ranges of the operator" })),
    ...presetsNamed(protect.presets).flatMap(presetMembers),
  ];
  const set = new CidrSet(members.map(({ cidr, source }) => ({ cidr, label: source })));
  const index = new CidrIndex(members, (member) => member.cidr);
  return {
    size: members.length,
    find: (cidr) => {
      // The set answers "no", which is nearly always, without a walk over the prefix lengths.
      if (set.overlapping(cidr) === null) return null;
      const holding = index.holding(cidr);
      const narrowest = holding.at(-1)?.cidr.length;
      const found = holding.find((member) => member.cidr.length === narrowest) ?? index.inside(cidr)[0];
      if (found === undefined) throw new PortcullisError("INVARIANT", `the protect set and its index disagree about ${cidrText(cidr)}`);
      return { range: cidrText(found.cidr), source: found.source };
    },
  };
}

export interface PresetAge {
  readonly name: string;
  readonly checked: string;
  readonly evidence: Preset["evidence"];
  readonly ageMs: number;
  readonly stale: boolean;
}

/** How old the data of the named presets is. */
export function presetAges(now: EpochMs, names: readonly string[]): readonly PresetAge[] {
  return presetsNamed(names).map(({ name, checked, evidence }) => {
    const ageMs = now - Date.parse(checked);
    return { name, checked, evidence, ageMs, stale: ageMs > limits.presetAgeMs };
  });
}
