// How a target's rules are used, and what more of them would buy. Pure; for answers and metrics, decides nothing.
import { cidrText } from "../address/index.ts";
import { fit as choosePrefixes } from "../fit/index.ts";
import type { PoolUse, RoomView } from "../lease/snapshot.ts";
import { limits } from "../limits.ts";
import type { Entry, Observation } from "../provider.ts";
import type { Policy, Widened } from "./choose.ts";
import type { Need } from "./need.ts";

/** What is known of a target's rules after a visit. */
export interface RoomRequest {
  readonly observation: Observation;
  readonly standing: readonly Entry[];
  readonly maxEntries: number | null;
  /** Share of the room from which a target is nearly full. */
  readonly warnAt: number;
  readonly placed: readonly Need[];
  readonly shed: readonly Need[];
  readonly widened: readonly Widened[];
  readonly policy: Policy;
}

const widenedShown = 100;

function weightOf(needs: readonly Need[]): number {
  return needs.reduce((sum, need) => sum + need.weight, 0);
}

/** How many entries of ours each pool counts. */
export function poolUses({ pools }: Observation, standing: readonly Entry[]): readonly PoolUse[] {
  return pools.map(({ name, limit, families }) => ({ name, limit, used: standing.filter((entry) => families.includes(entry.cidr.family)).length }));
}

function fillsOf({ observation, standing, maxEntries }: RoomRequest): readonly PoolUse[] {
  const pools = poolUses(observation, standing);
  return maxEntries === null ? pools : [...pools, { name: "maxEntries", limit: maxEntries, used: standing.length }];
}

function shareOf({ limit, used }: PoolUse): number {
  return limit === 0 ? (used === 0 ? 0 : 1) : used / limit;
}

function warningOf(fills: readonly PoolUse[], { warnAt, shed }: RoomRequest): string | null {
  if (shed.length > 0) return `${shed.length} blocks found no room`;
  const full = fills.filter((fill) => fill.limit > 0 && shareOf(fill) >= warnAt).map(({ name, limit, used }) => `${name} ${used} of ${limit}`);
  return full.length === 0 ? null : `nearly full: ${full.join(", ")}`;
}

function nextOf({ shed, policy }: RoomRequest): RoomView["next"] {
  const { prefixes } = choosePrefixes({
    sources: shed.map(({ cidr, weight }) => ({ cidr, weight })),
    rooms: [{ families: [4, 6], limit: limits.nextRulesShown }],
    isProtected: (cidr) => policy.isOffLimits(cidr),
    isTaken: policy.isTaken,
    lengths: policy.lengths,
    collateral: policy.collateral,
  });
  // In address order already, which a stable sort keeps among equals.
  const heaviest = [...prefixes].sort((a, b) => b.weight - a.weight);
  return heaviest.map(({ cidr, weight, leases }) => ({ cidr: cidrText(cidr), weight, blocks: leases }));
}

export function roomView(request: RoomRequest): RoomView {
  const { observation, standing, placed, shed, widened } = request;
  const fills = fillsOf(request);
  const lightest = placed.reduce<Need | null>((least, need) => (least === null || need.weight < least.weight ? need : least), null);
  const wider = [...widened].sort((a, b) => a.need.cidr.length - b.need.cidr.length).slice(0, widenedShown);
  return {
    used: standing.length,
    foreign: observation.foreign.length,
    free: Math.max(0, Math.min(...fills.map(({ limit, used }) => limit - used))),
    usedShare: Math.max(0, ...fills.map(shareOf)),
    warning: warningOf(fills, request),
    placed: { blocks: placed.length, weight: weightOf(placed) },
    shed: { blocks: shed.length, weight: weightOf(shed) },
    lightest: lightest === null ? null : { cidr: cidrText(lightest.cidr), weight: lightest.weight },
    next: nextOf(request),
    widened: wider.map(({ need, blocks, collateral }) => ({ cidr: cidrText(need.cidr), blocks, collateral })),
  };
}
