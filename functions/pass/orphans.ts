// Entries of ours that no record explains: they may be a person's, or a wiped store's. They go only after they were
// watched for long enough, and never many at once without a person's word.
import { cidrKey, cidrText } from "../../shared/address/index.ts";
import { limits } from "../../shared/limits.ts";
import { fingerprint } from "../../shared/plan/fingerprint.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Entry } from "../../shared/provider.ts";
import type { TargetMemory } from "../coordinator/memory.ts";

export interface Orphans {
  readonly cidrs: readonly string[];
  /** Confirms exactly these. */
  readonly digest: string;
  /** Too many to remove unasked, and not confirmed. */
  readonly unsafe: boolean;
}

function sightingKey(entry: Entry): string {
  return `${entry.id}|${cidrKey(entry.cidr)}`;
}

/** Counts this full pass's sightings; an entry that is no orphan now starts anew when it becomes one again. */
export function sightOrphans(memory: TargetMemory, orphans: readonly Entry[], now: EpochMs): void {
  memory.sightings = Object.fromEntries(
    orphans.map((entry) => {
      const before = memory.sightings[sightingKey(entry)];
      return [sightingKey(entry), before === undefined ? { first: now, passes: 1 } : { first: before.first, passes: before.passes + 1 }];
    }),
  );
}

/** A person's word holds until the last of what it named is gone: a pass may not reach them all. */
function isConfirmed(memory: TargetMemory, orphans: readonly Entry[], digest: string): boolean {
  if (memory.confirmedOrphans === digest) return true;
  const confirmed = new Set(memory.confirmedKeys);
  return orphans.every((entry) => confirmed.has(sightingKey(entry)));
}

export function assessOrphans(memory: TargetMemory, orphans: readonly Entry[], oursCount: number): Orphans | null {
  if (orphans.length === 0) return null;
  const cidrs = orphans.map((entry) => cidrText(entry.cidr));
  const digest = fingerprint(orphans.map(sightingKey));
  const few = orphans.length <= Math.max(limits.orphansMax, Math.floor(oursCount * limits.orphansShareMax));
  const confirmed = isConfirmed(memory, orphans, digest);
  return { cidrs, digest, unsafe: !few && !confirmed };
}

/** Notes which entries the digest names, and forgets a word that is used up. */
export function noteConfirmed(memory: TargetMemory, orphans: readonly Entry[]): void {
  const keys = orphans.map(sightingKey);
  if (memory.confirmedOrphans !== null && memory.confirmedOrphans === fingerprint(keys)) memory.confirmedKeys = keys;
  else if (!keys.some((key) => memory.confirmedKeys.includes(key))) memory.confirmedKeys = [];
  memory.confirmedOrphans = null;
}

/** Three consecutive full passes over at least fifteen minutes, few enough or confirmed. */
export function orphanRule(memory: TargetMemory, assessed: Orphans | null, now: EpochMs): (entry: Entry) => boolean {
  if (assessed === null || assessed.unsafe) return () => false;
  const confirmed = new Set(memory.confirmedKeys);
  return (entry) => {
    if (confirmed.has(sightingKey(entry))) return true;
    const sighting = memory.sightings[sightingKey(entry)];
    return sighting !== undefined && sighting.passes >= limits.orphanPasses && now - sighting.first >= limits.orphanMs;
  };
}
