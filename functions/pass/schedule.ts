// When a pass is worth its cost: when nothing can have changed it costs nothing, and what is left over comes back by itself.
// Owns the rule of quiet and the moments of the next pass; carries nothing out.
import { spillTargets } from "../../shared/config.ts";
import { type Lifted, leasesOf, type Records } from "../../shared/lease/live.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { settleOf, type World } from "./world.ts";

function isBetween(at: EpochMs, after: EpochMs, until: EpochMs): boolean {
  return after < at && at <= until;
}

/** Nothing can have changed since the last clean full pass of this deployment, and that one was recent. */
export function isQuiet(world: World, now: EpochMs): boolean {
  const { core } = world.memory;
  if (core.fullBeganAt === null || now - core.fullBeganAt >= limits.fullPassMs) return false;
  if (core.changedAt >= core.fullBeganAt || (core.nextDueAt !== null && core.nextDueAt <= now)) return false;
  // Memory outlives a deployment; what the new one protects or targets must count with its first tick (promise P4).
  if (core.deployment !== world.deployment) return false;
  const { fullBeganAt } = core;
  // A pass that was to look had no chance to: its wish went with an instance, or came too early.
  if (world.targets.some(({ name }) => isBetween(world.memory.target(name).lookAt, fullBeganAt, now))) return false;
  if (!core.fullClean) return now < core.retryAt;
  const watched = core.fullBeganAt - core.since >= settleOf(world);
  const settled = world.targets.every(({ name, definition }) => {
    const { lastWriteAt, leaving } = world.memory.target(name);
    return (core.fullBeganAt ?? 0) >= Math.max(lastWriteAt + definition.observeLagMs, ...Object.values(leaving));
  });
  return watched && settled;
}

/** The next moment at which some lease stops to be live at its targets, lifted or not. */
export function nextDue(world: World, records: Records, lifted: Lifted, now: EpochMs): EpochMs | null {
  let due: EpochMs | null = null;
  const spills = spillTargets(world.config);
  for (const target of world.targets) {
    for (const lease of leasesOf(target.name, records, lifted, now, settleOf(world), spills).live) {
      const at = lease.until + settleOf(world);
      if (due === null || at < due) due = at;
    }
  }
  return due;
}

/**
 * Remembers it. `may come sooner`: it comes from what is live, and what is over and not yet gone only a listing shows, so the moment that is known
 * already stays unless this one is earlier.
 */
export function noteNextDue(world: World, due: EpochMs | null, certainty: "known" | "may come sooner"): void {
  const { core } = world.memory;
  const moments = [due, certainty === "known" ? null : core.nextDueAt].filter((at) => at !== null);
  core.nextDueAt = moments.length === 0 ? null : Math.min(...moments);
}

/**
 * Remembers when a full pass was. After an unclean one every tick tries again, so that a target is served with the first tick after it came
 * back; after half an hour every second one, so that a target that stays broken does not use up the store's free listings (1,000 a day).
 */
export function noteFullPass(world: World, began: EpochMs, failed: Readonly<Record<string, string>>, outcome: "settled" | "unsettled"): void {
  const { core } = world.memory;
  core.fullBeganAt = began;
  core.fullEndedAt = world.clock.now();
  core.deployment = world.deployment;
  core.fullClean = outcome === "settled";
  core.failed = failed;
  core.failures = core.fullClean ? 0 : core.failures + 1;
  const ticks = core.failures * limits.tickMs < limits.patienceMs ? 1 : 2;
  core.retryAt = began + ticks * limits.tickMs - limits.skewMs;
}

/** When something that waits can go on: a throttled target may be asked again, an accepted change or a frozen place be looked at. */
function nextThaw(world: World, since: EpochMs): EpochMs | null {
  const moments = world.targets.flatMap(({ name }) => {
    const { throttledUntil, lookAt, frozen, leaving } = world.memory.target(name);
    return [throttledUntil, lookAt, ...Object.values(frozen), ...Object.values(leaving)].filter((at) => at > since);
  });
  return moments.length === 0 ? null : Math.min(...moments);
}

/** The earliest moment at which another pass has something to do, before the tick would. `began`: the last one did; what came while it went on is due. */
export function nextPassAt(world: World, more: "more" | "done", began: EpochMs): EpochMs | null {
  const soonest = world.clock.now() + limits.passSpacingMs;
  if (more === "more") return soonest;
  const thaw = nextThaw(world, began);
  const moments = [world.memory.core.nextDueAt, thaw === null || thaw > world.clock.now() ? thaw : soonest].filter((at) => at !== null);
  return moments.length === 0 ? null : Math.min(...moments);
}
