// From live leases to what must be blocked at one target: widened as the target needs, merged, minus the protected.
import { type Cidr, cidrKey, cidrText, compareCidrs, contains } from "../address/index.ts";
import { severities } from "../config.ts";
import type { Lease } from "../lease/record.ts";
import type { EpochMs } from "../ports.ts";
import type { Admission } from "../provider.ts";

/** One block that must stand, for all the leases that it serves. */
export interface Need {
  readonly key: string;
  readonly cidr: Cidr;
  /** Latest end, highest severity (index in `severities`), earliest event of its leases. */
  until: EpochMs;
  severity: number;
  at: EpochMs;
}

/** Why a lease cannot be a need here. */
export interface Refusal {
  readonly kind: "protected" | "unsupported";
  readonly why: string;
}

export interface Needs {
  /** In address order, a wider one before what is inside it. */
  readonly needs: readonly Need[];
  /** Lease block (`cidrKey`) to the key of the need that serves it. */
  readonly servedBy: ReadonlyMap<string, string>;
  /** Lease block (`cidrKey`) to why it is refused. */
  readonly refused: ReadonlyMap<string, Refusal>;
}

/** What a target would make of an address, protection included. */
export type Admit = (cidr: Cidr) => { readonly cidr: Cidr } | Refusal;

/** Asks the provider, then protection on the FINAL block (promise P4). */
export function admitterOf(ask: (cidr: Cidr) => Admission, findProtected: (cidr: Cidr) => { readonly range: string; readonly source: string } | null): Admit {
  return (asked) => {
    const admission = ask(asked);
    if (admission.kind === "unsupported") return { kind: "unsupported", why: admission.why };
    const cidr = admission.kind === "adjust" ? admission.cidr : asked;
    const hit = findProtected(cidr);
    if (hit === null) return { cidr };
    return { kind: "protected", why: `${cidrText(cidr)} touches ${hit.range} (${hit.source})` };
  };
}

export function needsOf(leases: readonly Lease[], admit: Admit): Needs {
  const needs = new Map<string, Need>();
  const servedBy = new Map<string, string>();
  const refused = new Map<string, Refusal>();
  for (const lease of leases) {
    const leaseKey = cidrKey(lease.cidr);
    const admitted = admit(lease.cidr);
    if ("kind" in admitted) {
      refused.set(leaseKey, admitted);
      continue;
    }
    const key = cidrKey(admitted.cidr);
    servedBy.set(leaseKey, key);
    const severity = severities.indexOf(lease.severity);
    const need = needs.get(key);
    if (need === undefined) {
      needs.set(key, { key, cidr: admitted.cidr, until: lease.until, severity, at: lease.at });
    } else {
      need.until = Math.max(need.until, lease.until);
      need.severity = Math.max(need.severity, severity);
      need.at = Math.min(need.at, lease.at);
    }
  }
  return { needs: [...needs.values()].sort((a, b) => compareCidrs(a.cidr, b.cidr)), servedBy, refused };
}

/**
 * Needs that lie inside another need which ends no earlier: they need no entry of their own.
 * Maps the covered need's key to the widest such need; that one inherits the higher severity, so that it is placed in time.
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
    }
    if (!roomless.has(need.key)) open.push(need);
  }
  return covered;
}
