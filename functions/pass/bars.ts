// Who may be written to, and whether anything may be removed: the rules that stand before every write.
// Decides nothing about addresses; reads what people and records say.
import type { Records } from "../../shared/lease/live.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Observation } from "../../shared/provider.ts";
import { settleOf, type Target, type VisitRequest, type World } from "./world.ts";

/** Why nothing may be written to a target now; `held` and `observed` are chosen by people, `pending` and `failed` are not. */
export interface Bar {
  readonly state: "observed" | "held" | "pending" | "failed";
  readonly why: string;
}

/** What an operator stopped there: by its name, or with all others. */
export function stopOf(records: Records, target: string): "freeze" | "drain" | null {
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

export function mayRemove(world: World, request: VisitRequest, observation: Observation): boolean {
  if (request.fresh !== "fresh" || !request.records.complete) return false;
  const clocksAgree = observation.serverDate !== null && Math.abs(observation.serverDate - request.now) < limits.serverClockSkewMs;
  return clocksAgree && isWatched(world, request.now);
}
