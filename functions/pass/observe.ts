// Seeing a target: the observation, overlaid with what the cloud acknowledged but may not show yet.
import { cidrFromKey, cidrKey, cidrText } from "../../shared/address/index.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Entry, Observation, Step } from "../../shared/provider.ts";
import type { Acknowledged, TargetMemory } from "../coordinator/memory.ts";

function acknowledgedEntries(acknowledged: Acknowledged): Entry[] {
  return acknowledged.adds.flatMap((add) => {
    const cidr = cidrFromKey(add.key);
    return cidr === null ? [] : [{ id: add.id, cidr, partial: add.partial }];
  });
}

/** `ours` as it must be by now: acknowledged steps win over what an eventually consistent read still shows. */
export function overlay(ours: readonly Entry[], acknowledged: readonly Acknowledged[]): readonly Entry[] {
  if (acknowledged.length === 0) return ours;
  const entries = new Map(ours.map((entry) => [entry.id, entry]));
  for (const step of acknowledged) {
    for (const id of step.removes) entries.delete(id);
    for (const entry of acknowledgedEntries(step)) entries.set(entry.id, entry);
  }
  return [...entries.values()];
}

export function acknowledge(memory: TargetMemory, step: Step, now: EpochMs): void {
  const adds = step.adds.map((entry) => ({ id: entry.id, key: cidrKey(entry.cidr), partial: entry.partial }));
  memory.acknowledged.push({ at: now, adds, removes: step.removes });
  for (const { id } of step.adds) delete memory.leaving[id];
  memory.lastWriteAt = now;
}

/** Removals that the cloud only accepted: until they are seen done, or should have been, what still stands is no proof of anything. */
export function noteLeaving(memory: TargetMemory, step: Step, until: EpochMs): void {
  for (const id of step.removes) memory.leaving[id] = until;
}

/** `ours` with what is on its way out marked so: it serves no lease, and stands in for no other entry. Forgets what is gone. */
export function markLeaving(memory: TargetMemory, ours: readonly Entry[]): readonly Entry[] {
  const standing = new Set(ours.map((entry) => entry.id));
  memory.leaving = Object.fromEntries(Object.entries(memory.leaving).filter(([id]) => standing.has(id)));
  const partial = "its removal was accepted, and may still be under way";
  return ours.map((entry) => (Object.hasOwn(memory.leaving, entry.id) ? { ...entry, partial } : entry));
}

/** Drops what is old enough to be visible, and what is no longer frozen. */
export function refreshMemory(memory: TargetMemory, now: EpochMs, observeLagMs: number): void {
  memory.acknowledged = memory.acknowledged.filter((step) => step.at + observeLagMs > now);
  memory.leaving = Object.fromEntries(Object.entries(memory.leaving).filter(([, until]) => until > now));
  memory.frozen = Object.fromEntries(Object.entries(memory.frozen).filter(([, until]) => until > now));
}

/** A step that was sent before we died: its outcome is unknown, so its places rest until it can be seen. */
export function freezeInFlight(memory: TargetMemory, until: EpochMs): void {
  if (memory.inFlight === null) return;
  for (const slot of memory.inFlight.slots) memory.frozen[slot] = until;
  for (const block of memory.inFlight.blocks) memory.frozen[`block:${block}`] = until;
  memory.inFlight = null;
}

/** What differs from what we left, though we did not change it. */
export function driftOf(expected: Readonly<Record<string, string>> | null, observation: Observation): string[] {
  if (expected === null) return [];
  const seen = new Map(observation.ours.map((entry) => [entry.id, entry]));
  const drift: string[] = [];
  for (const [id, key] of Object.entries(expected)) {
    const entry = seen.get(id);
    const was = cidrFromKey(key);
    const name = was === null ? key : cidrText(was);
    if (entry === undefined) drift.push(`${name} (${id}) is gone, and we did not remove it`);
    else if (cidrKey(entry.cidr) !== key) drift.push(`${id} holds ${cidrText(entry.cidr)}, where we left ${name}`);
  }
  for (const entry of observation.ours) {
    if (!Object.hasOwn(expected, entry.id)) drift.push(`${cidrText(entry.cidr)} (${entry.id}) appeared, and we did not add it`);
  }
  return drift;
}
