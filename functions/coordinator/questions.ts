// Answers that change nothing: what would a pass do at a target, and why is this address blocked or not.
import { cidrFromKey, cidrKey, cidrText, contains, overlaps } from "../../shared/address/index.ts";
import { asPortcullisError, PortcullisError } from "../../shared/errors.ts";
import { leaseKey } from "../../shared/keys.ts";
import { liftedBy, mergeRecords } from "../../shared/lease/live.ts";
import { type BlockRow, type Snapshot, statesOf } from "../../shared/lease/snapshot.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs, Store } from "../../shared/ports.ts";
import { listRecords, underNewNames } from "../pass/records.ts";
import { visit } from "../pass/visit.ts";
import type { World } from "../pass/world.ts";
import type { Explanation, LeaseView, PlanAnswer, SettledItem } from "./contract.ts";

const nothingPlanned = { steps: [], add: [], remove: [], keep: [], shed: [] };

interface LatestPlan {
  readonly at: EpochMs;
  /** What the plan rests on besides store and cloud: another stamp, another plan. */
  readonly stamp: string;
  readonly answer: Promise<PlanAnswer>;
}

/** By the instance's targets, which live as long as it does. One that makes them anew for each request keeps none. */
const latestPlans = new WeakMap<World["targets"], Map<string, LatestPlan>>();

function stampOf({ memory }: World): string {
  return [memory.core.changedAt, memory.core.fullEndedAt, memory.snapshot?.at, memory.recordsMax()].join(" ");
}

/**
 * What a pass would do at a target; writes nothing. Reads the store and the cloud, which have quotas that passes need: many who
 * ask at once, or soon after, share one answer.
 */
export async function planTarget(world: World, name: string): Promise<PlanAnswer> {
  const plans = latestPlans.get(world.targets) ?? new Map<string, LatestPlan>();
  latestPlans.set(world.targets, plans);
  const now = world.clock.now();
  const stamp = stampOf(world);
  const known = plans.get(name);
  if (known !== undefined && known.stamp === stamp && Math.abs(now - known.at) < limits.planEveryMs) return known.answer;
  const answer = freshPlan(world, name);
  plans.set(name, { at: now, stamp, answer });
  return answer;
}

/** Reads everything afresh and observes the target. */
async function freshPlan(world: World, name: string): Promise<PlanAnswer> {
  const target = world.targets.find((candidate) => candidate.name === name);
  if (target === undefined) throw new PortcullisError("NOT_FOUND", `there is no target ${name}`);
  const now = world.clock.now();
  const { memory } = world;
  const recent = { leases: memory.recentLeases(), lifts: memory.recentLifts(), stop: memory.recentStop() };
  const records = underNewNames(mergeRecords(await listRecords(world.store), recent), world.config.targets);
  const request = { records, lifted: liftedBy(records.lifts), fresh: "fresh", now, callsMax: 0, deadlineAt: now + limits.passWallMs, purpose: "plan" } as const;
  const visited = await visit(world, target, request);
  const error = visited.error === null ? null : { code: visited.error.code, message: visited.error.message };
  if (visited.plan === null) return { target: name, error, notes: [], ...nothingPlanned };
  const notes = [visited.bar?.why, records.complete ? undefined : `nothing is removed: ${records.incompleteWhy}`].filter((note) => note !== undefined);
  return {
    target: name,
    error,
    notes,
    steps: visited.pending,
    add: visited.plan.changes.flatMap((change) => (change.verb === "remove" ? [] : [cidrText(change.cidr)])),
    remove: visited.plan.removals.map(({ entry, proof }) => ({ cidr: cidrText(entry.cidr), proof })),
    keep: visited.plan.keep.map((entry) => cidrText(entry.cidr)),
    shed: visited.plan.shed.map((need) => cidrText(need.cidr)),
  };
}

async function leaseView(store: Store, row: BlockRow, record: BlockRow["records"][number]): Promise<LeaseView> {
  const cidr = cidrFromKey(row.key);
  const found = cidr === null ? null : await store.get(leaseKey(cidr, record.until, record.client));
  const detail = found === null ? {} : (JSON.parse(found.value) as { reason?: string; alerts?: string[]; asked?: string });
  const { client, at, until, severity } = record;
  return { client, at, until, severity, reason: detail.reason ?? "", alerts: detail.alerts ?? [], asked: detail.asked ?? "" };
}

function settledOf(snapshot: Snapshot, row: BlockRow): SettledItem {
  return { key: row.key, until: row.until, states: statesOf(snapshot, row) };
}

/** From the snapshot, and from the store the reasons of at most ten leases (no listing). Throws STORE_UNAVAILABLE. */
export async function explain(world: World, key: string): Promise<Explanation> {
  const cidr = cidrFromKey(key);
  const snapshot = world.memory.snapshot;
  if (cidr === null || snapshot === null) return { exact: null, leases: [], wider: [], narrower: [], exemptions: [], asOf: snapshot?.at ?? 0 };
  const now = world.clock.now();
  const touching = snapshot.blocks.flatMap((row) => {
    const block = cidrFromKey(row.key);
    return block !== null && row.until > now && overlaps(block, cidr) ? [{ row, block }] : [];
  });
  const exact = touching.find(({ block }) => cidrKey(block) === key)?.row;
  const around = touching.filter(({ row, block }) => row !== exact && contains(block, cidr)).map(({ row }) => row);
  const inside = touching.filter(({ row, block }) => row !== exact && !contains(block, cidr)).map(({ row }) => row);
  const told = [exact, ...around].flatMap((row) => (row === undefined ? [] : row.records.map((record) => ({ row, record })))).slice(0, 10);
  try {
    const leases = await Promise.all(told.map(({ row, record }) => leaseView(world.store, row, record)));
    const exemptions = snapshot.exemptions.filter((exemption) => {
      const range = cidrFromKey(exemption.key);
      return range !== null && exemption.until > now && overlaps(range, cidr);
    });
    return {
      exact: exact === undefined ? null : settledOf(snapshot, exact),
      leases,
      wider: around.map((row) => settledOf(snapshot, row)),
      narrower: inside.slice(0, 100).map((row) => settledOf(snapshot, row)),
      exemptions: exemptions.map((exemption) => ({ key: exemption.key, until: exemption.until })),
      asOf: snapshot.at,
    };
  } catch (thrown) {
    throw asPortcullisError(thrown, "STORE_UNAVAILABLE", "the reasons could not be read from the store");
  }
}
