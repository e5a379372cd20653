// One target in one pass: observe, decide, apply within the budget, and say by name what came of it.
// One target's failure ends here; it never holds up another.
import { cidrKey, cidrText } from "../../shared/address/index.ts";
import { asPortcullisError, PortcullisError } from "../../shared/errors.ts";
import type { TargetLeases } from "../../shared/lease/live.ts";
import { weighingAt } from "../../shared/lease/weight.ts";
import { limits } from "../../shared/limits.ts";
import { type DecideRequest, decide, type TargetPlan } from "../../shared/plan/decide.ts";
import { admitterOf } from "../../shared/plan/need.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Entry, Observation, Step } from "../../shared/provider.ts";
import type { TargetMemory } from "../coordinator/memory.ts";
import { Application } from "./apply.ts";
import { type Bar, barOf, intentOf, mayRemove } from "./bars.ts";
import { driftOf, freezeInFlight, markLeaving, overlay, refreshMemory } from "./observe.ts";
import { assessOrphans, noteConfirmed, type Orphans, orphanRule, sightOrphans } from "./orphans.ts";
import { policyOf } from "./policy.ts";
import { isNews, leasesFor, mayLeaveOf, withoutOf } from "./spill.ts";
import { signalOf, type Target, type VisitRequest, type World } from "./world.ts";

/** What one visit saw, decided and did. */
export interface Visit {
  readonly target: Target;
  /** What it should hold and what is over here, spilled leases included. */
  readonly leases: TargetLeases;
  readonly observation: Observation | null;
  readonly plan: TargetPlan | null;
  /** What stands after the visit, as far as known. */
  readonly standing: readonly Entry[];
  readonly bar: Bar | null;
  readonly error: PortcullisError | null;
  readonly orphans: Orphans | null;
  readonly drift: readonly string[];
  /** `news`: what stands here is news to those that spill into it. */
  readonly seen: "news" | "known";
  readonly changed: readonly string[];
  readonly pending: readonly string[];
  /** The budget ended before the steps did: come back at once. */
  readonly more: "more" | "done";
  readonly callsMade: number;
}

interface Asked {
  readonly world: World;
  readonly target: Target;
  readonly request: VisitRequest;
  readonly leases: TargetLeases;
}

function decideRequest({ world, target, request, leases }: Asked, observation: Observation): DecideRequest {
  const memory = world.memory.target(target.name);
  const frozen = Object.keys(memory.frozen);
  return {
    leases,
    observation,
    weighing: weighingAt(request.now, world.config),
    policy: policyOf(world, target, request, observation),
    mayLeave: mayLeaveOf(world, target, request, leases),
    admit: admitterOf(
      (cidr) => target.provider.admit(cidr),
      (cidr) => world.protection.find(cidr),
      observation.taken,
    ),
    isProtected: (cidr) => world.protection.find(cidr) !== null,
    granularity: target.definition.granularity,
    canSwap: target.definition.capabilities.swap.support === "yes",
    maxEntries: target.config.maxEntries,
    intent: intentOf(target, request.records) === "drain" ? "drain" : "enforce",
    mayRemove: mayRemove(world, request, observation),
    orphanMayGo: () => false,
    leftovers: new Set(memory.leftovers),
    frozenBlocks: new Set(frozen.filter((name) => name.startsWith("block:")).map((name) => name.slice(6))),
  };
}

/** Decides, and once more with the orphan rule where there are orphans. `without`: the same, when these entries cannot go. */
function planVisit(
  asking: Asked,
  observation: Observation,
): { plan: TargetPlan; orphans: Orphans | null; without(immovable: ReadonlySet<string>): TargetPlan } {
  const { world, target, request } = asking;
  const asked = decideRequest(asking, observation);
  const memory = world.memory.target(target.name);
  const plan = decide(asked);
  const bar = barOf(world, target, request, observation);
  // Another store's range is not ours to watch: the watch begins when it becomes ours.
  const isOurs = bar === null || bar.state === "observed" || bar.state === "held";
  if (!isOurs) memory.sightings = {};
  else if (asked.mayRemove && request.purpose === "apply") {
    sightOrphans(memory, plan.orphans, request.now);
    noteConfirmed(memory, plan.orphans);
  }
  const orphans = assessOrphans(memory, plan.orphans, observation.ours.length);
  const without = (immovable: ReadonlySet<string>) => decide({ ...asked, immovable });
  if (orphans === null || !asked.mayRemove) return { plan, orphans, without };
  const orphanMayGo = orphanRule(memory, orphans, request.now);
  return { plan: decide({ ...asked, orphanMayGo }), orphans, without: (immovable) => decide({ ...asked, orphanMayGo, immovable }) };
}

function blind(target: Target, leases: TargetLeases, error: PortcullisError, callsMade: number): Visit {
  const nothing = { observation: null, plan: null, standing: [], bar: null, orphans: null, drift: [], seen: "known" as const, changed: [], pending: [] };
  return { target, leases, error, more: "done", callsMade, ...nothing };
}

/** Steps for a plan; none where nothing changes. */
function compileSteps(target: Target, memory: TargetMemory, plan: TargetPlan, observation: Observation): readonly Step[] {
  if (plan.changes.length === 0) return [];
  const waiting = new Set(plan.waiting);
  const placed = plan.placed.filter((need) => !waiting.has(need)).map((need) => need.cidr);
  const kept = plan.keep.map((entry) => entry.cidr);
  const standing = [...new Map([...kept, ...placed].map((cidr) => [cidrKey(cidr), cidr])).values()];
  // Kinds that gather adds and removals count by the pools which come first: what the operator allows is one of them.
  const { maxEntries } = target.config;
  const pools = maxEntries === null ? observation.pools : [...observation.pools, { name: "maxEntries", families: [4, 6] as const, limit: maxEntries }];
  return target.provider.compile({ changes: plan.changes, standing, frozen: new Set(Object.keys(memory.frozen)), observation: { ...observation, pools } });
}

/** Entries that the plan lets go and no step takes away: their place rests, or the cloud refused before. What needs their room must wait. */
function notGoing(plan: TargetPlan, steps: readonly Step[]): ReadonlySet<string> {
  const going = new Set(steps.flatMap((step) => step.removes));
  return new Set(plan.removals.map(({ entry }) => entry.id).filter((id) => !going.has(id)));
}

/** Why the cloud is not asked now. */
function waitError({ name }: Target, { atWork, throttledUntil }: TargetMemory, now: EpochMs): PortcullisError {
  const seconds = Math.ceil((throttledUntil - now) / 1000);
  if (atWork !== null) return new PortcullisError("PROVIDER_PENDING", `${atWork}; looked at again in ${seconds} s`, { target: name });
  return new PortcullisError("PROVIDER_THROTTLED", `the cloud asked us to wait ${seconds} s more`, { target: name });
}

/** What was blocked that no lease asked for as it is: for the audit, when it comes to stand. */
function tellWidened(world: World, { name }: Target, { changes, widened }: TargetPlan): void {
  const added = new Set(changes.flatMap((change) => (change.verb === "remove" ? [] : [cidrKey(change.cidr)])));
  for (const { need, blocks, collateral } of widened) {
    if (!added.has(need.key)) continue;
    world.log({ level: "info", event: "target.widened", target: name, cidr: cidrText(need.cidr), blocks, collateral });
  }
}

/** `upstream`: the visits, in this pass, of the targets that spill into this one. */
export async function visit(world: World, target: Target, request: VisitRequest, upstream: readonly Visit[]): Promise<Visit> {
  const leases = leasesFor(world, target, request, upstream);
  const memory = world.memory.target(target.name);
  const callsAtStart = target.calls.made;
  const spent = () => target.calls.made - callsAtStart;
  const { observeLagMs } = target.definition;
  // What a former life left under way is ours too: nothing of it may be called someone else's change.
  if (memory.inFlight !== null) memory.expected = null;
  if (request.purpose === "apply") freezeInFlight(memory, request.now + observeLagMs + limits.freezeMs);
  refreshMemory(memory, request.now, observeLagMs);
  if (memory.throttledUntil > request.now) return blind(target, leases, waitError(target, memory, request.now), 0);
  memory.atWork = null;
  const observed = await target.provider.observe(signalOf(world, "read"));
  if (!observed.ok) {
    if (observed.error.code === "PROVIDER_THROTTLED") world.memory.counters.add("portcullis_target_throttles_total", { target: target.name });
    const waitSeconds = observed.error.context.retryAfterSeconds;
    if (waitSeconds !== undefined) {
      // From when it answered: the pass began before that.
      memory.throttledUntil = world.clock.now() + waitSeconds * 1000;
      memory.atWork = observed.error.code === "PROVIDER_PENDING" ? observed.error.message : null;
      // The next pass may be another life's, and clouds shut out longer whoever asks too soon.
      if (request.purpose === "apply") await world.memory.saveTarget(target.name);
    }
    return blind(target, leases, observed.error, spent());
  }

  const drift = memory.acknowledged.length === 0 ? driftOf(memory.expected, observed.value) : [];
  const observation = { ...observed.value, ours: overlay(markLeaving(memory, observed.value.ours), memory.acknowledged) };
  const first = planVisit({ world, target, request, leases }, observation);
  const { orphans } = first;
  const bar = barOf(world, target, request, observation);
  const compiles = bar === null || request.purpose === "plan";
  const tried = compiles ? compileSteps(target, memory, first.plan, observation) : [];
  const staying = compiles ? notGoing(first.plan, tried) : new Set<string>();
  const plan = staying.size === 0 ? first.plan : first.without(staying);
  const steps = staying.size === 0 ? tried : compileSteps(target, memory, plan, observation);
  if (request.purpose === "plan") {
    const pending = steps.map((step) => step.summary);
    return {
      target,
      leases,
      observation,
      plan,
      standing: observation.ours,
      bar,
      error: null,
      orphans,
      drift,
      seen: "known",
      changed: [],
      pending,
      more: "done",
      callsMade: spent(),
    };
  }
  const applied = await new Application(world, target, request, callsAtStart, observation.ours).run(steps);
  const standing = markLeaving(memory, overlay(observation.ours, memory.acknowledged));
  const gone = new Set(standing.map((entry) => entry.id));
  memory.leftovers = plan.removals.map((removal) => removal.entry.id).filter((id) => gone.has(id));
  const known = { seenAt: request.now, entries: standing, without: withoutOf(world, { target, plan, leases }) };
  const seen = isNews(world, target, known) ? "news" : "known";
  world.memory.standing.set(target.name, known);
  if (applied.error === null) world.memory.expect(target.name, standing);
  else memory.expected = null;
  await world.memory.saveTarget(target.name);
  tellWidened(world, target, plan);
  world.memory.counters.add("portcullis_drift_total", { target: target.name }, drift.length);
  for (const line of drift) world.log({ level: "warn", event: "target.drift", target: target.name, message: line });
  return { target, leases, observation, plan, standing, bar, orphans, drift, seen, ...applied, callsMade: spent() };
}

/** A visit that always ends with a word: what a provider throws against its contract is told, and holds up no other target. */
export async function safeVisit(world: World, target: Target, request: VisitRequest, upstream: readonly Visit[]): Promise<Visit> {
  const callsAtStart = target.calls.made;
  try {
    return await visit(world, target, request, upstream);
  } catch (thrown) {
    const error = asPortcullisError(thrown, "INVARIANT", `the visit of ${target.name} broke off (${String(thrown)}); this is a bug`, { target: target.name });
    world.log({ level: "error", event: "visit.failed", code: error.code, target: target.name, message: error.message });
    return blind(target, leasesFor(world, target, request, upstream), error, target.calls.made - callsAtStart);
  }
}

/** Names of what found no room, the heaviest first, as many as a view of the target can use. */
export function shedNames(visited: Visit): string[] {
  return (visited.plan?.shed ?? []).slice(0, limits.shedNamesMax).map((need) => cidrText(need.cidr));
}
