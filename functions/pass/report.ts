// Turns a pass's visits into the snapshot: every block, every target, by name. Serves all reads.
import { cidrKey } from "../../shared/address/index.ts";
import { severities, spillTargets } from "../../shared/config.ts";
import { isHeld, type Lifted, liftsThatMatter, type Records, selects } from "../../shared/lease/live.ts";
import type { Lease } from "../../shared/lease/record.ts";
import type { BlockRow, RoomView, Snapshot, TargetSnapshot, TargetState } from "../../shared/lease/snapshot.ts";
import { limits } from "../../shared/limits.ts";
import type { TargetPlan } from "../../shared/plan/decide.ts";
import { poolUses, roomView } from "../../shared/plan/room.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Observation } from "../../shared/provider.ts";
import { isoTime } from "../../shared/time.ts";
import { stopOf } from "./bars.ts";
import { type EndedLeases, endedLeases, newestEnded } from "./ended.ts";
import { overdueSince } from "./overdue.ts";
import { policyOf } from "./policy.ts";
import { States } from "./states.ts";
import { shedNames, type Visit } from "./visit.ts";
import type { World } from "./world.ts";

/** Each distinct state once; blocks refer to it by index. */
class StateTable {
  readonly states: TargetState[] = [];
  readonly #indexes = new Map<string, number>();

  indexOf(state: TargetState): number {
    const text = `${state.state}|${state.by ?? ""}|${state.why ?? ""}`;
    const known = this.#indexes.get(text);
    if (known !== undefined) return known;
    this.#indexes.set(text, this.states.length);
    return this.states.push(state) - 1;
  }
}

interface TargetReport {
  readonly world: World;
  readonly visited: Visit;
  readonly records: Records;
  readonly over: EndedLeases;
  readonly before: TargetSnapshot | undefined;
  readonly now: EpochMs;
}

/** A failed visit keeps what was last known, and says so by its error and its old `observedAt`. */
function targetSnapshot(report: TargetReport): TargetSnapshot {
  const { visited, records, over, before, now } = report;
  const { target, observation, plan, standing } = visited;
  const common = {
    kind: target.definition.kind,
    mode: target.config.mode,
    stopped: stopOf(records, target.name),
    error: troubleOf(visited),
    callsMade: visited.callsMade,
  };
  // Both or none: a target that was seen has a plan.
  if (observation === null || plan === null) {
    const unseen = {
      observedAt: null,
      enforcing: { yes: false as const, why: "it was never observed" },
      pools: [],
      ours: 0,
      foreign: 0,
      shed: [],
      orphans: null,
    };
    return { ...(before ?? unseen), pending: 0, drift: [], changed: [], ...common };
  }
  return {
    ...common,
    observedAt: now,
    enforcing: observation.enforcing,
    pools: poolUses(observation, standing),
    ours: standing.length,
    foreign: observation.foreign.length,
    shed: shedNames(visited),
    room: roomOf(report, plan, observation),
    pending: visited.pending.length + plan.waiting.length,
    orphans: visited.orphans,
    drift: visited.drift,
    changed: visited.changed,
    overdueSince: overdueSince(visited, over.ended),
  };
}

function roomOf({ world, visited, records, now }: TargetReport, plan: TargetPlan, observation: Observation): RoomView {
  const { target, standing } = visited;
  const { maxEntries, warnAt = limits.roomWarnAt } = target.config;
  const { placed, shed, widened } = plan;
  return roomView({ observation, standing, maxEntries, warnAt, placed, shed, widened, policy: policyOf(world, target, { records, now }, observation) });
}

/** Why a target is not as it should be: the visit failed, or went well and found what a person must mend. */
export function troubleOf({ error, bar, orphans }: Visit): TargetSnapshot["error"] {
  if (error !== null) return { code: error.code, message: error.message };
  if (bar !== null && (bar.state === "failed" || bar.state === "pending")) return { code: "OWNERSHIP_CONFLICT", message: bar.why };
  if (orphans?.unsafe !== true) return null;
  const { cidrs, digest } = orphans;
  const message = `${cidrs.length} entries of ours have no record, too many to remove unasked; confirm with POST /v1/reconcile and digest ${digest}`;
  return { code: "PLAN_UNSAFE", message };
}

function blocksOf(records: Records, lifted: Lifted, now: EpochMs): ReadonlyMap<string, readonly Lease[]> {
  const blocks = new Map<string, Lease[]>();
  for (const lease of records.leases) {
    if (lease.until <= now || lifted(lease)) continue;
    const key = cidrKey(lease.cidr);
    const block = blocks.get(key);
    if (block === undefined) blocks.set(key, [lease]);
    else block.push(lease);
  }
  return blocks;
}

function severest(leases: readonly Lease[]): (typeof severities)[number] {
  const index = Math.max(...leases.map((lease) => severities.indexOf(lease.severity)));
  return severities[index] ?? "medium";
}

export interface ReportRequest {
  readonly world: World;
  readonly records: Records;
  readonly lifted: Lifted;
  readonly fresh: "fresh" | "reused";
  readonly visits: readonly Visit[];
  readonly before: Snapshot | null;
  readonly now: EpochMs;
  /** When the last full, complete pass ended, this one included. */
  readonly fullAt: EpochMs | null;
}

/**
 * What can be said of the list of blocks. After lost memory a listing may lack what was accepted within the staleness of the store, and nobody
 * could tell: until then it is not called whole.
 */
function completeness({ world, records, fresh, before, now }: ReportRequest): Pick<Snapshot, "complete" | "incompleteWhy"> {
  if (fresh === "reused") return { complete: before?.complete ?? false, incompleteWhy: before === null ? records.incompleteWhy : before.incompleteWhy };
  const knownAt = world.memory.core.since + world.config.store.stalenessMs;
  if (!records.complete || world.continuity === "none" || now >= knownAt) return { complete: records.complete, incompleteWhy: records.incompleteWhy };
  const why = `memory is new, and the store may lack the latest blocks until ${isoTime(knownAt)}`;
  return { complete: false, incompleteWhy: why };
}

/** For a block that no lease wants at the target. */
const noWord = -1;

/** Of each block, in order, the index of what is said of it at one target. */
function wordsOf({ world, records }: ReportRequest, blocks: ReadonlyMap<string, readonly Lease[]>, visited: Visit, table: StateTable): Int32Array {
  const { name } = visited.target;
  const spills = spillTargets(world.config);
  const spilled = new Set(spills.has(name) ? visited.leases.live.map((lease) => lease.key) : []);
  const states = new States(visited);
  const indexes = new Int32Array(blocks.size).fill(noWord);
  let row = 0;
  for (const [key, leases] of blocks) {
    const selecting = leases.filter((lease) => selects(lease, name, spills) || spilled.has(lease.key));
    const isWaiting = selecting.every((lease) => isHeld(lease, records.stop));
    if (selecting.length > 0) indexes[row] = table.indexOf(states.of(key, isWaiting ? "held" : "live"));
    row += 1;
  }
  return indexes;
}

interface Words {
  readonly name: string;
  readonly indexes: Int32Array;
}

function statesOfRow(words: readonly Words[], row: number): Record<string, number> {
  const states: Record<string, number> = {};
  for (const { name, indexes } of words) {
    const index = indexes[row] ?? noWord;
    if (index !== noWord) states[name] = index;
  }
  return states;
}

function rowOf(key: string, leases: readonly Lease[], states: Readonly<Record<string, number>>): BlockRow {
  const recordsOfBlock = leases.map(({ key: _key, cidr: _cidr, ...record }) => record);
  const at = Math.min(...leases.map((lease) => lease.at));
  const until = Math.max(...leases.map((lease) => lease.until));
  return { key, at, until, severity: severest(leases), records: recordsOfBlock, states };
}

export function snapshotOf(request: ReportRequest): Snapshot {
  const { world, records, visits, before, now } = request;
  const table = new StateTable();
  const blocks = blocksOf(records, request.lifted, now);
  // One target after the other: what it takes to answer for tens of thousands of blocks at one is let go before the next.
  const words = visits.map((visited) => ({ name: visited.target.name, indexes: wordsOf(request, blocks, visited, table) }));
  const rows = [...blocks].map(([key, leases], row) => rowOf(key, leases, statesOfRow(words, row)));
  const held = [...blocks.values()].filter((leases) => leases.every((lease) => isHeld(lease, records.stop))).length;
  const lifts = liftsThatMatter(records.lifts, now).map(({ cidr, at, client, exemptUntil, by }) => ({
    key: cidrKey(cidr),
    at,
    client,
    exemptUntil,
    ...(by === undefined ? {} : { by }),
  }));
  const over = endedLeases(records, request.fresh, before, now);
  const named = visits.map(
    (visited) => [visited.target.name, targetSnapshot({ world, visited, records, over, before: before?.targets[visited.target.name], now })] as const,
  );
  return {
    version: 1,
    at: now,
    fullAt: request.fullAt,
    storeId: records.storeId,
    ...completeness(request),
    stop: records.stop,
    states: table.states,
    blocks: rows,
    exemptions: lifts.flatMap(({ key, at, exemptUntil }) => (exemptUntil !== null && exemptUntil > now ? [{ key, at, until: exemptUntil }] : [])),
    lifts,
    ...newestEnded(over),
    held,
    targets: Object.fromEntries(named),
  };
}
