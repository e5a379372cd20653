// From live leases to what must be blocked at one target: widened as the target needs, merged, minus the protected.
import { type Cidr, cidrKey, cidrText, compareCidrs, contains } from "../address/index.ts";
import { severities } from "../config.ts";
import type { Lease } from "../lease/record.ts";
import { type Weighing, weightOf } from "../lease/weight.ts";
import type { EpochMs } from "../ports.ts";
import type { Admission, Taken } from "../provider.ts";

/** One block that must stand, for all the leases that it serves. */
export interface Need {
  readonly key: string;
  readonly cidr: Cidr;
  /** Latest end, highest severity (index in `severities`), earliest event of its leases. */
  until: EpochMs;
  severity: number;
  at: EpochMs;
  /** What it is worth to spend a rule on it (`shared/lease/weight.ts`), with what it covers. */
  weight: number;
}

/** Why a lease cannot be a need here. */
export interface Refusal {
  readonly kind: "protected" | "unsupported" | "taken";
  readonly why: string;
}

export interface Needs {
  /** In address order, a wider one before what is inside it. */
  readonly needs: readonly Need[];
  /** Lease block (`cidrKey`) to the key of the need that serves it, where that is another block. */
  readonly servedBy: ReadonlyMap<string, string>;
  /** Lease block (`cidrKey`) to why it is refused. */
  readonly refused: ReadonlyMap<string, Refusal>;
}

/** What a target would make of an address, protection included. */
export type Admit = (cidr: Cidr) => { readonly cidr: Cidr } | Refusal;

/** Asks the provider, then protection on the FINAL block (promise P4), then whether its place is somebody else's. */
export function admitterOf(
  ask: (cidr: Cidr) => Admission,
  findProtected: (cidr: Cidr) => { readonly range: string; readonly source: string } | null,
  taken: readonly Taken[] = [],
): Admit {
  const takenBy = new Map(taken.map(({ cidr, why }) => [cidrKey(cidr), why]));
  return (asked) => {
    const admission = ask(asked);
    if (admission.kind === "unsupported") return { kind: "unsupported", why: admission.why };
    const cidr = admission.kind === "adjust" ? admission.cidr : asked;
    const hit = findProtected(cidr);
    if (hit !== null) return { kind: "protected", why: `${cidrText(cidr)} touches ${hit.range} (${hit.source})` };
    const why = takenBy.get(cidrKey(cidr));
    return why === undefined ? { cidr } : { kind: "taken", why };
  };
}

function blocksOf(leases: readonly Lease[]): ReadonlyMap<string, readonly Lease[]> {
  const blocks = new Map<string, Lease[]>();
  for (const lease of leases) {
    const key = cidrKey(lease.cidr);
    const block = blocks.get(key);
    if (block === undefined) blocks.set(key, [lease]);
    else block.push(lease);
  }
  return blocks;
}

/** One block's leases as a need of their own. */
function needOf(key: string, cidr: Cidr, leases: readonly Lease[], weighing: Weighing): Need {
  const until = Math.max(...leases.map((lease) => lease.until));
  const severity = Math.max(...leases.map((lease) => severities.indexOf(lease.severity)));
  const at = Math.min(...leases.map((lease) => lease.at));
  return { key, cidr, until, severity, at, weight: weightOf(leases, weighing).weight };
}

export function needsOf(leases: readonly Lease[], admit: Admit, weighing: Weighing): Needs {
  const needs = new Map<string, Need>();
  const servedBy = new Map<string, string>();
  const refused = new Map<string, Refusal>();
  for (const [leaseKey, block] of blocksOf(leases)) {
    const [first] = block;
    if (first === undefined) continue;
    const admitted = admit(first.cidr);
    if ("kind" in admitted) {
      refused.set(leaseKey, admitted);
      continue;
    }
    const key = cidrKey(admitted.cidr);
    if (key !== leaseKey) servedBy.set(leaseKey, key);
    const found = needOf(key, admitted.cidr, block, weighing);
    const need = needs.get(key);
    if (need === undefined) needs.set(key, found);
    else join(need, found);
  }
  return { needs: [...needs.values()].sort((a, b) => compareCidrs(a.cidr, b.cidr)), servedBy, refused };
}

/** `into` answers for the other too. */
export function join(into: Need, other: Need): void {
  into.until = Math.max(into.until, other.until);
  into.severity = Math.max(into.severity, other.severity);
  into.at = Math.min(into.at, other.at);
  into.weight += other.weight;
}

/**
 * Needs that lie inside another need which ends no earlier: they need no entry of their own.
 * Maps the covered need's key to the widest such need; that one inherits its severity and adds its weight, so that it is placed in time.
 * `roomless`: keys of needs that find no place, and so cover nothing.
 */
export function coveredNeeds(needs: readonly Need[], roomless: ReadonlySet<string> = new Set()): ReadonlyMap<string, Need> {
  const covered = new Map<string, Need>();
  const open: Need[] = [];
  for (const need of needs) {
    for (let outer = open.at(-1); outer !== undefined && !contains(outer.cidr, need.cidr); outer = open.at(-1)) open.pop();
    const cover = open.find((outer) => outer.until >= need.until);
    if (cover !== undefined) {
      covered.set(need.key, cover);
      cover.severity = Math.max(cover.severity, need.severity);
      cover.weight += need.weight;
    }
    if (!roomless.has(need.key)) open.push(need);
  }
  return covered;
}
