// One target in one pass: observe, decide, apply within the budget, and say by name what came of it.
// One target's failure ends here; it never holds up another.
import { cidrKey, cidrText } from "../../shared/address/index.ts";
import { asPortcullisError, PortcullisError } from "../../shared/errors.ts";
import { type Lifted, leasesOf, type Records } from "../../shared/lease/live.ts";
import { limits } from "../../shared/limits.ts";
import { type DecideRequest, decide, type TargetPlan } from "../../shared/plan/decide.ts";
import { admitterOf } from "../../shared/plan/need.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Entry, Observation, Step } from "../../shared/provider.ts";
import type { TargetMemory } from "../coordinator/memory.ts";
import { acknowledge, driftOf, freezeInFlight, overlay, refreshMemory } from "./observe.ts";
import { assessOrphans, noteConfirmed, type Orphans, orphanRule, sightOrphans } from "./orphans.ts";
import { settleOf, type Target, type World } from "./world.ts";

/** Why nothing may be written to a target now; `held` and `observed` are chosen by people, `pending` and `failed` are not. */
export interface Bar {
  readonly state: "observed" | "held" | "pending" | "failed";
  readonly why: string;
}

/** What one visit saw, decided and did. */
export interface Visit {
  readonly target: Target;
  readonly observation: Observation | null;
  readonly plan: TargetPlan | null;
  /** What stands after the visit, as far as known. */
  readonly standing: readonly Entry[];
  readonly bar: Bar | null;
  readonly error: PortcullisError | null;
  readonly orphans: Orphans | null;
  readonly drift: readonly string[];
  readonly changed: readonly string[];
  readonly pending: readonly string[];
  /** The budget ended before the steps did: come back at once. */
  readonly more: "more" | "done";
  readonly callsMade: number;
}

export interface VisitRequest {
  readonly records: Records;
  readonly lifted: Lifted;
  readonly fresh: "fresh" | "reused";
  readonly now: EpochMs;
  /** Remote calls this visit may make, the observation included. */
  readonly callsMax: number;
  readonly deadlineAt: EpochMs;
  /** `plan` computes everything and writes nothing. */
  readonly purpose: "apply" | "plan";
}

function stopOf(records: Records, target: string): "freeze" | "drain" | null {
  const stops = records.stop.targets;
  return (Object.hasOwn(stops, target) ? stops[target] : stops["*"]) ?? null;
}

export function intentOf(target: Target, records: Records): "observe" | "enforce" | "drain" | "freeze" {
  const stopped = stopOf(records, target.name);
  if (stopped === "freeze") return "freeze";
  return stopped === "drain" && target.config.mode === "enforce" ? "drain" : target.config.mode;
}

/**
 * A drain by POST /v1/stop opens every gate, so it must be the newest word: received in this life of the memory, or read afresh
 * after the store can no longer show a drain that was resumed meanwhile. It needs no complete listing: it is the operator's way out.
 */
function isDrainCertain(world: World, target: Target, request: VisitRequest): boolean {
  if (target.config.mode === "drain" || world.memory.recentStop().at === request.records.stop.at) return true;
  return request.fresh === "fresh" && isWatched(world, request.now);
}

/** Store and firewall must know each other, and the operator must want writes. */
export function barOf(world: World, target: Target, request: VisitRequest, observation: Observation): Bar | null {
  const { records } = request;
  const intent = intentOf(target, records);
  if (intent === "drain" && !isDrainCertain(world, target, request)) {
    return { state: "held", why: "a drain was asked for before memory was lost: it goes on as soon as the store is sure to show the last word" };
  }
  if (intent === "observe") return { state: "observed", why: "the target is in observe mode: nothing is written" };
  if (intent === "freeze") return { state: "held", why: "the target is frozen by an operator (POST /v1/stop); resume it to go on" };
  if (observation.terminal !== null) return { state: "failed", why: observation.terminal };
  if (records.storeId === null) return { state: "pending", why: "the store has no id: nothing is added or removed until `portcullis setup` has run" };
  if (observation.storeId === null) return { state: "pending", why: "the target was never claimed for this store: run `portcullis setup`" };
  if (observation.storeId !== records.storeId) {
    return { state: "failed", why: `the target belongs to store ${observation.storeId}, not to ours (${records.storeId}): nothing is written` };
  }
  return null;
}

/** Whether memory is unbroken for as long as the store may be behind. */
function isWatched(world: World, now: EpochMs): boolean {
  return world.continuity === "none" || now - world.memory.core.since >= settleOf(world);
}

function mayRemove(world: World, request: VisitRequest, observation: Observation): boolean {
  if (request.fresh !== "fresh" || !request.records.complete) return false;
  const clocksAgree = observation.serverDate !== null && Math.abs(observation.serverDate - request.now) < limits.serverClockSkewMs;
  return clocksAgree && isWatched(world, request.now);
}

function decideRequest(world: World, target: Target, request: VisitRequest, observation: Observation): DecideRequest {
  const memory = world.memory.target(target.name);
  const frozen = Object.keys(memory.frozen);
  return {
    leases: leasesOf(target.name, request.records, request.lifted, request.now, settleOf(world)),
    observation,
    admit: admitterOf(
      (cidr) => target.provider.admit(cidr),
      (cidr) => world.protection.find(cidr),
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

/** Decides, and once more with the orphan rule where there are orphans. */
function planVisit(world: World, target: Target, request: VisitRequest, observation: Observation): { plan: TargetPlan; orphans: Orphans | null } {
  const asked = decideRequest(world, target, request, observation);
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
  if (orphans === null || !asked.mayRemove) return { plan, orphans };
  return { plan: decide({ ...asked, orphanMayGo: orphanRule(memory, orphans, request.now) }), orphans };
}

interface Applied {
  readonly changed: string[];
  readonly pending: string[];
  readonly error: PortcullisError | null;
  readonly more: "more" | "done";
}

function blocksOf(step: Step): string[] {
  return step.adds.map((entry) => cidrKey(entry.cidr));
}

function isFrozen(memory: TargetMemory, step: Step): boolean {
  return step.slots.some((slot) => Object.hasOwn(memory.frozen, slot));
}

class Application {
  readonly changed: string[] = [];
  readonly #world: World;
  readonly #target: Target;
  readonly #memory: TargetMemory;
  readonly #request: VisitRequest;
  readonly #callsAtStart: number;

  constructor(world: World, target: Target, request: VisitRequest, callsAtStart: number) {
    this.#world = world;
    this.#target = target;
    this.#memory = world.memory.target(target.name);
    this.#request = request;
    this.#callsAtStart = callsAtStart;
  }

  /** Steps in order until one does not settle, or the budget ends. */
  async run(steps: readonly Step[]): Promise<Applied> {
    const pending: string[] = [];
    for (const [index, step] of steps.entries()) {
      const rest = () => [...pending, ...steps.slice(index).map((left) => left.summary)];
      if (isFrozen(this.#memory, step)) {
        pending.push(step.summary);
        continue;
      }
      // One step is always made: a look that costs the whole budget must not come back for ever.
      if (this.changed.length > 0 && this.#spent()) return { changed: this.changed, pending: rest(), error: null, more: "more" };
      const error = await this.#apply(step);
      if (error !== "settled") return { changed: this.changed, pending: rest(), error, more: "done" };
    }
    return { changed: this.changed, pending, error: null, more: "done" };
  }

  #spent(): boolean {
    return this.#target.calls.made - this.#callsAtStart >= this.#request.callsMax || this.#world.clock.now() >= this.#request.deadlineAt;
  }

  async #apply(step: Step): Promise<PortcullisError | "settled"> {
    this.#memory.inFlight = { slots: step.slots, blocks: blocksOf(step) };
    await this.#world.memory.saveTarget(this.#target.name);
    const outcome = await this.#target.provider.apply(step);
    const now = this.#world.clock.now();
    const where = { target: this.#target.name, step: step.id };
    const settled = outcome.kind === "applied" || outcome.kind === "already";
    if (settled) acknowledge(this.#memory, step, now);
    if (outcome.kind === "unknown" || outcome.kind === "conflict") {
      this.#memory.lastWriteAt = now;
      freezeInFlight(this.#memory, now + this.#target.definition.observeLagMs + limits.freezeMs);
    }
    if (outcome.kind === "throttled") this.#memory.throttledUntil = outcome.retryAtMs;
    this.#memory.inFlight = null;
    await this.#world.memory.saveTarget(this.#target.name);
    this.#world.log({ level: settled ? "info" : "warn", event: "step.applied", outcome: outcome.kind, summary: step.summary, ...where });
    if (settled) this.changed.push(outcome.kind === "applied" ? step.summary : `${step.summary} (already so)`);
    if (settled) return "settled";
    if (outcome.kind === "failed") return outcome.error;
    if (outcome.kind === "pending") return new PortcullisError("PROVIDER_PENDING", `${step.summary}: the cloud is still working on it`, where);
    if (outcome.kind === "throttled") return new PortcullisError("PROVIDER_THROTTLED", `${step.summary}: ${outcome.why}`, where);
    const code = outcome.kind === "unknown" ? "OUTCOME_UNKNOWN" : "PROVIDER_CONFLICT";
    return new PortcullisError(code, `${step.summary}: ${outcome.why}; its place rests until it was observed again`, where);
  }
}

function blind(target: Target, error: PortcullisError, callsMade: number): Visit {
  const nothing = { observation: null, plan: null, standing: [], bar: null, orphans: null, drift: [], changed: [], pending: [] };
  return { target, error, more: "done", callsMade, ...nothing };
}

/** Steps for a plan; empty when a bar forbids writing. */
function compileSteps(target: Target, memory: TargetMemory, plan: TargetPlan, observation: Observation): readonly Step[] {
  if (plan.changes.length === 0) return [];
  const waiting = new Set(plan.waiting);
  const placed = plan.placed.filter((need) => !waiting.has(need)).map((need) => need.cidr);
  const kept = plan.keep.map((entry) => entry.cidr);
  const standing = [...new Map([...kept, ...placed].map((cidr) => [cidrKey(cidr), cidr])).values()];
  return target.provider.compile({ changes: plan.changes, standing, frozen: new Set(Object.keys(memory.frozen)), observation });
}

export async function visit(world: World, target: Target, request: VisitRequest): Promise<Visit> {
  const memory = world.memory.target(target.name);
  const callsAtStart = target.calls.made;
  const spent = () => target.calls.made - callsAtStart;
  const { observeLagMs } = target.definition;
  // What a former life left under way is ours too: nothing of it may be called someone else's change.
  if (memory.inFlight !== null) memory.expected = null;
  if (request.purpose === "apply") freezeInFlight(memory, request.now + observeLagMs + limits.freezeMs);
  refreshMemory(memory, request.now, observeLagMs);
  if (memory.throttledUntil > request.now) {
    const seconds = Math.ceil((memory.throttledUntil - request.now) / 1000);
    return blind(target, new PortcullisError("PROVIDER_THROTTLED", `the cloud asked us to wait ${seconds} s more`, { target: target.name }), 0);
  }
  const observed = await target.provider.observe();
  if (!observed.ok) {
    const waitSeconds = observed.error.context.retryAfterSeconds;
    if (waitSeconds !== undefined) memory.throttledUntil = request.now + waitSeconds * 1000;
    return blind(target, observed.error, spent());
  }

  const drift = memory.acknowledged.length === 0 ? driftOf(memory.expected, observed.value) : [];
  const observation = { ...observed.value, ours: overlay(observed.value.ours, memory.acknowledged) };
  const { plan, orphans } = planVisit(world, target, request, observation);
  const bar = barOf(world, target, request, observation);
  const steps = bar === null || request.purpose === "plan" ? compileSteps(target, memory, plan, observation) : [];
  if (request.purpose === "plan") {
    const pending = steps.map((step) => step.summary);
    return { target, observation, plan, standing: observation.ours, bar, error: null, orphans, drift, changed: [], pending, more: "done", callsMade: spent() };
  }
  const applied = await new Application(world, target, request, callsAtStart).run(steps);
  const standing = overlay(observation.ours, memory.acknowledged);
  const gone = new Set(standing.map((entry) => entry.id));
  memory.leftovers = plan.removals.map((removal) => removal.entry.id).filter((id) => gone.has(id));
  if (applied.error === null) world.memory.expect(target.name, standing);
  else memory.expected = null;
  await world.memory.saveTarget(target.name);
  for (const line of drift) world.log({ level: "warn", event: "target.drift", target: target.name, message: line });
  return { target, observation, plan, standing, bar, orphans, drift, ...applied, callsMade: spent() };
}

/** A visit that always ends with a word: what a provider throws against its contract is told, and holds up no other target. */
export async function safeVisit(world: World, target: Target, request: VisitRequest): Promise<Visit> {
  const callsAtStart = target.calls.made;
  try {
    return await visit(world, target, request);
  } catch (thrown) {
    const error = asPortcullisError(thrown, "INVARIANT", `the visit of ${target.name} broke off (${String(thrown)}); this is a bug`, { target: target.name });
    world.log({ level: "error", event: "visit.failed", code: error.code, target: target.name, message: error.message });
    return blind(target, error, target.calls.made - callsAtStart);
  }
}

/** Names of what found no room, for answers and metrics. */
export function shedNames(visited: Visit): string[] {
  return (visited.plan?.shed ?? []).map((need) => cidrText(need.cidr));
}
