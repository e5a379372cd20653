// How heavy a block is: what it is worth to spend one of a target's scarce rules on it. Pure; the formula is documented in `README.md` beside it.
// Decides nothing: who gets a rule is `shared/fit/` and `shared/plan/`.
import { cidrKey } from "../address/index.ts";
import type { Severity } from "../config.ts";
import { limits } from "../limits.ts";
import type { EpochMs } from "../ports.ts";
import type { Lease } from "./record.ts";

/**
 * One step of severity is worth more than all other factors together: agreement and return make at most 4 of 1, what stands counts up to
 * twice (`shared/fit/`), and within one lease's longest life (30 days) age takes at most 2^(30/7) ≈ 19.5: 4 × 2 × 19.5 = 156 < 200.
 */
const perSeverity: Readonly<Record<Severity, number>> = { low: 1 / 200, medium: 1, high: 200, critical: 40_000 };

export interface Weighing {
  readonly now: EpochMs;
  /** A block whose last event is this much older weighs half. */
  readonly halfLifeMs: number;
}

/** What the weight of one block is made of; the weight is their product. */
export interface WeightParts {
  readonly weight: number;
  /** The highest of its leases; medium is 1. */
  readonly severity: number;
  /** 2^(−age of the latest event / half-life): 1 for an event of this moment. Two blocks' ratio never changes by waiting. */
  readonly recency: number;
  /** 1 for one client, 1½ for two that agree, towards 2 for many. */
  readonly agreement: number;
  /** 1 for a first offence, 1½ for the first return, towards 2. */
  readonly returns: number;
}

/** What is older than 32 half-lives weighs something still: only a block that nobody asked for weighs nothing. */
const leastRecency = 2 ** -32;

/** 1, 1½, 1¾ … for 0, 1, 2 …: each counts half of the one before. */
function towardsTwo(count: number): number {
  return 2 - 2 ** -count;
}

/** Of the live leases of one block; of none: 0. Events in the future (skewed senders) count as now. */
export function weightOf(leases: readonly Pick<Lease, "severity" | "at" | "client" | "offence">[], { now, halfLifeMs }: Weighing): WeightParts {
  if (leases.length === 0) return { weight: 0, severity: 0, recency: 0, agreement: 0, returns: 0 };
  const severity = Math.max(...leases.map((lease) => perSeverity[lease.severity]));
  const age = Math.max(0, now - Math.max(...leases.map((lease) => lease.at)));
  const recency = Math.max(2 ** (-age / halfLifeMs), leastRecency);
  const agreement = towardsTwo(new Set(leases.map((lease) => lease.client)).size - 1);
  const returns = towardsTwo(Math.max(...leases.map((lease) => lease.offence ?? 0)));
  return { weight: severity * recency * agreement * returns, severity, recency, agreement, returns };
}

/** Of leases of several blocks: the sum of theirs. */
export function weightOfAll(leases: readonly Lease[], weighing: Weighing): number {
  const byBlock = new Map<string, Lease[]>();
  for (const lease of leases) {
    const key = cidrKey(lease.cidr);
    const block = byBlock.get(key);
    if (block === undefined) byBlock.set(key, [lease]);
    else block.push(lease);
  }
  let sum = 0;
  for (const block of byBlock.values()) sum += weightOf(block, weighing).weight;
  return sum;
}

export function weighingAt(now: EpochMs, config: { readonly weight?: { readonly halfLifeMs: number } }): Weighing {
  return { now, halfLifeMs: config.weight?.halfLifeMs ?? limits.weightHalfLifeMs };
}
