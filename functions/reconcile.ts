// The product in one loop: read the leases once, make every target agree with them, say what is true.
// Serial: the coordinator never runs two passes at once. Everything it decides is decided by pure code in `shared/`.
import { liftedBy, type Records } from "../shared/lease/live.ts";
import { limits } from "../shared/limits.ts";
import type { EpochMs } from "../shared/ports.ts";
import { readRecords } from "./pass/records.ts";
import { snapshotOf, troubleOf } from "./pass/report.ts";
import { isQuiet, nextDue, nextPassAt, noteFullPass, noteNextDue } from "./pass/schedule.ts";
import { bySpill, unblocked } from "./pass/spill.ts";
import { safeVisit, type Visit } from "./pass/visit.ts";
import type { Target, World } from "./pass/world.ts";

/** What asks for a pass. `accepted`: only new leases; works from what is known, lists nothing and removes nothing. */
export type Wake = "accepted" | "due" | "tick" | "asked";

export interface PassReport {
  readonly quiet: boolean;
  readonly visits: readonly Visit[];
  /** Target name (or `store`) to what went wrong; empty when all is well. */
  readonly failed: Readonly<Record<string, string>>;
  /** Whether the budget ended before the steps of some target did. */
  readonly more: "more" | "done";
  /** When to come back without waiting for the tick: steps are left, or a lease comes due. Null: the tick is soon enough. */
  readonly againAt: EpochMs | null;
}

type VisitOne = (target: Target, upstream: readonly Visit[]) => Promise<Visit>;

/**
 * Targets that share a serial key one after the other, the others side by side; one failing never holds up another. A target into which others
 * spill comes after them. Nobody waits in a circle: within a group too, who spills goes first.
 */
async function visitAll(world: World, visitOne: VisitOne): Promise<Visit[]> {
  const groups = new Map<string, Promise<unknown>>();
  const visits = new Map<string, Promise<Visit>>();
  for (const target of bySpill(world.targets)) {
    const upstream = world.targets.filter(({ config }) => config.spill === target.name).map(({ name }) => visits.get(name));
    const before = groups.get(target.serialKey);
    const visited = (async () => {
      const seen = await Promise.all(upstream);
      await before;
      return visitOne(
        target,
        seen.filter((one) => one !== undefined),
      );
    })();
    groups.set(target.serialKey, visited);
    visits.set(target.name, visited);
  }
  const done = await Promise.all(world.targets.map(({ name }) => visits.get(name)));
  return done.filter((visited) => visited !== undefined);
}

/** A cloud at work is no failure, and its target is looked at again until it is done; at work for too long it is one. */
function isAtWork(world: World, visited: Visit): boolean {
  const seenAt = world.memory.snapshot?.targets[visited.target.name]?.observedAt ?? world.memory.core.since;
  return visited.error?.code === "PROVIDER_PENDING" && world.clock.now() - seenAt < limits.readyMs;
}

function failuresOf(world: World, visits: readonly Visit[], records: Records, storeError: string | null, fresh: "fresh" | "reused"): Record<string, string> {
  const failed: Record<string, string> = {};
  if (storeError !== null) failed.store = storeError;
  else if (fresh === "fresh" && !records.complete) failed.store = records.incompleteWhy ?? "incomplete";
  for (const visited of visits) {
    const trouble = troubleOf(visited);
    if (trouble !== null && !isAtWork(world, visited)) failed[visited.target.name] = `${trouble.code}: ${trouble.message}`;
  }
  return failed;
}

/** How full the store is, and by whom: accepting goes by it. */
function noteListed({ core }: World["memory"], { leases, lifts, events = [] }: Records): void {
  const by = new Map<string, number>();
  for (const { client } of leases) by.set(client, (by.get(client) ?? 0) + 1);
  core.listed = leases.length + lifts.length + events.length;
  core.listedBy = Object.fromEntries(by);
}

/** What waits at some target keeps its traces for the next passes, but not for ever: a target may stay broken. */
function endTraces({ memory }: World, visits: readonly Visit[], waiting: ReadonlySet<string>, began: EpochMs): void {
  const isWhole = visits.every((visited) => visited.error === null && visited.pending.length === 0);
  if (isWhole) memory.core.tracedAt = began;
  memory.traces.end(began - limits.fullPassMs, isWhole ? waiting : undefined);
}

/** What the pass and its targets have counted goes into memory, which is saved next. */
function countPass({ memory, targets }: World, wake: Wake): void {
  memory.counters.add("portcullis_passes_total", { wake });
  for (const { name, calls } of targets) {
    for (const [answer, count] of Object.entries(calls.ended ?? {})) memory.counters.add("portcullis_remote_calls_total", { target: name, answer }, count);
    calls.ended = {};
  }
}

interface Told {
  readonly wake: Wake;
  readonly visits: readonly Visit[];
  readonly failed: Readonly<Record<string, string>>;
  readonly leases: number;
  readonly began: EpochMs;
}

function tellPass({ log, config, clock, cause }: World, { wake, visits, failed, leases, began }: Told): void {
  const sum = (of: (visited: Visit) => number) => visits.reduce((total, visited) => total + of(visited), 0);
  log({
    level: Object.keys(failed).length === 0 || wake === "accepted" ? "info" : "error",
    event: "pass.done",
    wake,
    owner: config.owner,
    leases,
    failed,
    targets: visits.length,
    steps: sum((visited) => visited.changed.length),
    pending: sum((visited) => visited.pending.length),
    calls: sum((visited) => visited.callsMade),
    duration_ms: clock.now() - began,
    ...(cause === undefined || cause.linksTotal === 0 ? {} : { links: cause.links, links_total: cause.linksTotal }),
  });
}

export async function pass(world: World, wake: Wake): Promise<PassReport> {
  const { memory, clock } = world;
  const now = clock.now();
  if (wake === "tick" && isQuiet(world, now)) {
    world.log({ level: "debug", event: "tick.quiet", failed: memory.core.failed });
    return { quiet: true, visits: [], failed: memory.core.failed, more: "done", againAt: nextPassAt(world, "done", now) };
  }
  const waiting = memory.traces.names();

  const { records, fresh, error } = await readRecords(world, wake === "accepted" ? "reuse" : "fresh");
  const lifted = liftedBy(records.lifts);
  const callsMax = Math.max(2, Math.floor(limits.passCallsMax / Math.max(1, world.targets.length)));
  const request = { records, lifted, fresh, now, callsMax, deadlineAt: now + limits.passWallMs, purpose: "apply" } as const;
  const visits = await visitAll(world, (target, upstream) => safeVisit(world, target, request, upstream));

  const failed = failuresOf(world, visits, records, error, fresh);
  const isSettled = visits.every((visited) => visited.error === null) && Object.keys(failed).length === 0;
  if (wake !== "accepted") noteFullPass(world, now, failed, isSettled ? "settled" : "unsettled");
  noteNextDue(world, nextDue(world, records, lifted, now), wake === "accepted" ? "may come sooner" : "known");
  memory.core.storeId = records.storeId;
  endTraces(world, visits, waiting, now);
  countPass(world, wake);
  if (fresh === "fresh") noteListed(memory, records);
  if (fresh === "fresh") await world.onListed?.(records.events ?? [], { whole: records.complete, beganAt: now });
  memory.offences.learn(records, lifted, world.config, now);
  // Only what was read afresh is ever called complete.
  const fullAt = records.complete ? clock.now() : (memory.snapshot?.fullAt ?? null);
  await memory.saveSnapshot(snapshotOf({ world, records, lifted, fresh, visits, before: memory.snapshot, now: clock.now(), fullAt }));
  await memory.offences.save();
  await memory.saveCore();

  const more = visits.some((visited) => visited.more === "more") || unblocked(world, visits) ? "more" : "done";
  tellPass(world, { wake, visits, failed, leases: records.leases.length, began: now });
  return { quiet: false, visits, failed, more, againAt: nextPassAt(world, more, now) };
}
