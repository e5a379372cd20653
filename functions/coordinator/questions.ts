// An answer that changes nothing: what would a pass do at a target.
import { cidrText } from "../../shared/address/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { liftedBy, mergeRecords } from "../../shared/lease/live.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { listRecords, underNewNames } from "../pass/records.ts";
import { bySpill } from "../pass/spill.ts";
import { type Visit, visit } from "../pass/visit.ts";
import type { Target, VisitRequest, World } from "../pass/world.ts";
import type { PlanAnswer } from "./contract.ts";

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

/** The target and, before it, those that spill into it: what they cannot hold is part of its plan. */
async function planned(world: World, target: Target, request: VisitRequest): Promise<Visit> {
  const upstream: Visit[] = [];
  for (const other of bySpill(world.targets)) if (other.config.spill === target.name) upstream.push(await planned(world, other, request));
  return visit(world, target, request, upstream);
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
  const visited = await planned(world, target, request);
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
