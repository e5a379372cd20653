// From what the playbooks decided to what is recorded: steps with everything fixed that doing them needs, times and limits included. Pure: the
// same event, decisions and moment give the same record.
import type { ClientConfig, Config, EventSource } from "../config.ts";
import { limits } from "../limits.ts";
import type { Decision, PlannedAction } from "../playbook/decide.ts";
import type { EpochMs } from "../ports.ts";
import { leaseLength, leaseStart } from "../request/lease-time.ts";
import { planName } from "./approval.ts";
import type { DetectionEvent } from "./event.ts";
import { stateOf } from "./progress.ts";
import { type EventRecord, eventIdOf, firingName, type RunRecord, type StepAct, type StepRecord } from "./record.ts";

/** Who sent it, and what he may do. */
export interface Sender {
  readonly name: string;
  readonly client: Pick<ClientConfig, "longestMs" | "widest" | "targets" | "mode">;
  /** Canonical text of the caller's own address. */
  readonly own: string | null;
}

export interface Arrival {
  readonly event: DetectionEvent;
  readonly sender: Sender;
  /** The time that the request counts from, never the future. */
  readonly receipt: EpochMs;
  readonly now: EpochMs;
}

type PlanConfig = Pick<Config, "alerts" | "defaults">;

/** A step that says nothing of it is tried again all the same: what was taken must not be lost for one moment's trouble. */
const usualRetry = { times: limits.retryUsualTimes, waitMs: limits.retryUsualWaitMs } as const;

/** Targets of the step that the client may select; null: as the configuration says. */
function targetsOf(asked: readonly string[] | null, allowed: readonly string[] | null): readonly string[] | null {
  if (asked === null) return allowed;
  return allowed === null ? asked : asked.filter((name) => allowed.includes(name));
}

function settingsOf(config: PlanConfig, source: string): number | null {
  return config.alerts[source as EventSource]?.forMs ?? null;
}

interface Act {
  readonly act: StepAct;
  readonly said: readonly string[];
}

function actOf(action: PlannedAction, { event, sender, receipt, now }: Arrival, config: PlanConfig): Act {
  if (action.action === "log") return { act: { action: "log", message: action.message }, said: [] };
  if (action.action === "lift") return { act: { action: "lift", addresses: action.addresses, at: receipt }, said: action.left };
  const longest = Math.min(sender.client.longestMs, limits.leaseLongestMs);
  const asked = action.forMs ?? settingsOf(config, event.source) ?? config.defaults.forMs;
  const { forMs, said } = leaseLength(asked, config.defaults, longest, sender.name);
  const { at, notes, ...happened } = leaseStart(event.at, forMs, receipt, now);
  const targets = targetsOf(action.targets, sender.client.targets);
  const act = { action: "block", addresses: action.addresses, at, until: at + forMs, severity: action.severity, targets, ...happened } as const;
  return { act, said: [...action.left, ...said, ...notes] };
}

/** Why a planned step has nothing to do or may not do it; null: it has. */
function nothingTo(action: PlannedAction, { act }: Act, sender: Sender): string | null {
  if (action.nothing !== null) return action.nothing;
  if (act.action !== "block" || act.targets === null || act.targets.length > 0) return null;
  return `client ${sender.name} may select none of the targets of this step (clients.${sender.name}.targets)`;
}

/** One event names a thousand addresses at most; a record must stay small whatever it says. */
function bounded(act: StepAct): StepAct {
  return act.action === "log" ? act : { ...act, addresses: act.addresses.slice(0, limits.eventAddressesMax) };
}

function tooMany(act: StepAct): readonly string[] {
  const most = limits.eventAddressesMax;
  return act.action === "log" || act.addresses.length <= most ? [] : [`only the first ${most} of ${act.addresses.length} addresses: one step takes no more`];
}

function stepOf(action: PlannedAction, stage: number, arrival: Arrival, config: PlanConfig): StepRecord {
  const planned = actOf(action, arrival, config);
  const nothing = nothingTo(action, planned, arrival.sender);
  const { path, retry, continueOnError } = action;
  return {
    path,
    stage,
    act: bounded(planned.act),
    retry: retry ?? usualRetry,
    continueOnError,
    state: nothing === null ? "waiting" : action.nothing === null ? "refused" : "done",
    tries: 0,
    begun: 0,
    nextAt: nothing === null ? arrival.now : null,
    error: null,
    said: [...tooMany(planned.act), ...planned.said, ...(nothing === null ? [] : [nothing])].slice(0, limits.eventAddressesMax),
  };
}

function runOf(decision: Decision, arrival: Arrival, config: PlanConfig): RunRecord {
  const { playbook, title, askMs } = decision;
  const steps = decision.stages.flatMap((stage, at) => stage.map((action) => stepOf(action, at, arrival, config)));
  const { sender, now } = arrival;
  const base = { playbook, title, steps, askUntil: null, plan: null, agreedAt: null };
  if (decision.outcome === "observes") return { ...base, outcome: "observes", why: decision.why, state: "observed" };
  if (sender.client.mode === "observe") {
    return { ...base, outcome: "observes", why: `it matches; client ${sender.name} is in observe mode, so nothing is done`, state: "observed" };
  }
  if (askMs !== null) {
    const askUntil = now + askMs;
    return { ...base, outcome: "asks", why: decision.why, state: "asking", askUntil, plan: planName(playbook, askUntil, steps) };
  }
  const isLeft = steps.some(({ state }) => state === "waiting");
  return { ...base, outcome: "acts", why: decision.why, state: isLeft ? "open" : "done" };
}

/** Null when no playbook fires. */
export function recordOf(decisions: readonly Decision[], arrival: Arrival, config: PlanConfig): EventRecord | null {
  const { event, sender, now } = arrival;
  const firing = decisions.filter(({ outcome }) => outcome === "acts" || outcome === "asks" || outcome === "observes");
  if (firing.length === 0) return null;
  const runs = firing.map((decision) => runOf(decision, arrival, config));
  const { longestMs, widest } = sender.client;
  return {
    version: 1,
    id: eventIdOf(sender.name, event),
    client: sender.name,
    own: sender.own,
    bounds: { longestMs, widest },
    receivedAt: now,
    updatedAt: now,
    event,
    runs,
    state: stateOf(runs),
    replayedAt: null,
    firings: firing.map(({ firingKey }) => firingName(firingKey)),
  };
}
