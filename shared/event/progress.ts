// How an event's steps go on: which are due, what a beginning, an end, a failure and a replay change. Pure; clock and chance are arguments.
import type { ErrorCode } from "../errors.ts";
import { limits } from "../limits.ts";
import type { EpochMs } from "../ports.ts";
import type { EventRecord, EventState, RunRecord, StepAct, StepRecord } from "./record.ts";

/** Where a step is: the run's position and the step's path. */
export interface StepPlace {
  readonly run: number;
  readonly path: string;
}

export type StepOutcome =
  | { readonly kind: "done" | "refused"; readonly said: readonly string[] }
  | {
      readonly kind: "failed";
      readonly said: readonly string[];
      readonly code: ErrorCode;
      readonly message: string;
      /** Trying before then makes no sense. */
      readonly retryAfterMs?: number;
    };

function isOver({ state }: StepRecord): boolean {
  return state !== "waiting";
}

/** The first stage with something left to do; null: nothing is left. */
function stageOf(run: RunRecord): number | null {
  const left = run.steps.filter((step) => !isOver(step)).map(({ stage }) => stage);
  return left.length === 0 ? null : Math.min(...left);
}

/** Steps of the stage that each open run is at. */
function current(record: EventRecord): readonly { readonly place: StepPlace; readonly step: StepRecord }[] {
  return record.runs.flatMap((run, at) => {
    const stage = run.state === "open" ? stageOf(run) : null;
    return run.steps.filter((step) => step.stage === stage && !isOver(step)).map((step) => ({ place: { run: at, path: step.path }, step }));
  });
}

export function dueSteps(record: EventRecord, now: EpochMs): readonly StepPlace[] {
  return current(record)
    .filter(({ step }) => (step.nextAt ?? 0) <= now)
    .map(({ place }) => place);
}

/** When something is next to be done for the event, the end of a question included; null: never. */
export function nextDueAt(record: EventRecord): EpochMs | null {
  const tries = current(record).map(({ step }) => step.nextAt ?? 0);
  const questions = record.runs.flatMap(({ state, askUntil }) => (state === "asking" && askUntil !== null ? [askUntil] : []));
  const moments = [...tries, ...questions];
  return moments.length === 0 ? null : Math.min(...moments);
}

export function stepAt(record: EventRecord, { run, path }: StepPlace): StepRecord | undefined {
  return record.runs[run]?.steps.find((step) => step.path === path);
}

/** The worst that is still to be looked at comes first. */
const ranks: readonly EventState[] = ["open", "asking", "dead", "lapsed", "done", "observed"];

/** An event's state follows from its runs. */
export function stateOf(runs: readonly RunRecord[]): EventState {
  return ranks.find((rank) => runs.some((run) => run.state === rank)) ?? "done";
}

/** The event with these runs, its state and the moment of its change. */
export function settled(record: EventRecord, runs: readonly RunRecord[], now: EpochMs): EventRecord {
  return { ...record, runs, state: stateOf(runs), updatedAt: Math.max(now, record.updatedAt + 1) };
}

/** With a step that failed for good the rest is skipped, unless the playbook goes on; either way the run ends as a dead letter. */
function settledRun(run: RunRecord): RunRecord {
  if (run.state !== "open") return run;
  const stopping = run.steps.filter(({ state, continueOnError }) => state === "failed" && !continueOnError).map(({ stage }) => stage);
  const stopAt = Math.min(...stopping);
  const steps = run.steps.map((step): StepRecord => (step.state === "waiting" && step.stage > stopAt ? { ...step, state: "skipped", nextAt: null } : step));
  if (steps.some((step) => !isOver(step))) return { ...run, steps };
  return { ...run, steps, state: steps.some(({ state }) => state === "failed") ? "dead" : "done" };
}

function changeStep(record: EventRecord, place: StepPlace, now: EpochMs, change: (step: StepRecord) => StepRecord): EventRecord {
  const runs = record.runs.map((run, at) =>
    at === place.run ? settledRun({ ...run, steps: run.steps.map((step) => (step.path === place.path ? change(step) : step)) }) : run,
  );
  return settled(record, runs, now);
}

/** Notes that a try begins, before it does: a step in which lives end is not begun for ever. */
export function begin(record: EventRecord, place: StepPlace, now: EpochMs): EventRecord {
  return changeStep(record, place, now, (step) => ({ ...step, begun: step.begun + 1 }));
}

/** Longer after each failure, and never for two at the same moment; `chance` is from 0 up to 1. */
export function waitMs({ retry }: Pick<StepRecord, "retry">, failures: number, chance: number): number {
  const grown = Math.min(retry.waitMs * 2 ** Math.max(0, failures - 1), limits.retryWaitLongestMs);
  return Math.round(grown * (0.8 + 0.4 * chance));
}

export function endStep(record: EventRecord, place: StepPlace, outcome: StepOutcome, now: EpochMs, chance: number): EventRecord {
  return changeStep(record, place, now, (step) => {
    if (isOver(step)) return step;
    const tries = step.tries + 1;
    const ended = { ...step, tries, begun: 0, said: outcome.said.slice(0, limits.eventAddressesMax) };
    if (outcome.kind !== "failed") return { ...ended, state: outcome.kind, nextAt: null, error: null };
    const error = { code: outcome.code, message: outcome.message };
    if (tries > step.retry.times) return { ...ended, state: "failed", nextAt: null, error };
    return { ...ended, nextAt: now + Math.max(waitMs(step, tries, chance), outcome.retryAfterMs ?? 0), error };
  });
}

/** Ends a step without another try: too many lives have ended in it. */
export function giveUp(record: EventRecord, place: StepPlace, message: string, now: EpochMs): EventRecord {
  return changeStep(record, place, now, (step) => ({ ...step, state: "failed", nextAt: null, error: { code: "INVARIANT", message } }));
}

/** Nobody agreed in time. */
export function lapse(record: EventRecord, now: EpochMs): EventRecord {
  const runs = record.runs.map(
    (run): RunRecord =>
      run.state === "asking" && run.askUntil !== null && run.askUntil <= now ? { ...run, state: "lapsed", why: "nobody agreed in time" } : run,
  );
  return settled(record, runs, now);
}

/** A block counts from now, for as long as it was meant; what it was about happened when it did. */
export function fromNow(act: StepAct, now: EpochMs): StepAct {
  return act.action === "block" ? { ...act, at: now, until: now + (act.until - act.at), eventAt: act.eventAt ?? act.at } : act;
}

function again(step: StepRecord, now: EpochMs): StepRecord {
  if (step.state !== "failed" && step.state !== "skipped") return step;
  const { act } = step;
  // Its time may be over by now; a person who sends it again wants it for as long as it was meant.
  const moved = act.action === "block" && act.until <= now ? fromNow(act, now) : act;
  return { ...step, act: moved, state: "waiting", tries: 0, begun: 0, nextAt: now };
}

/** Puts a dead letter back to work: what was done stays done. Null when it is none. */
export function replay(record: EventRecord, now: EpochMs): EventRecord | null {
  if (record.state !== "dead") return null;
  const runs = record.runs.map((run): RunRecord => (run.state === "dead" ? { ...run, state: "open", steps: run.steps.map((step) => again(step, now)) } : run));
  return { ...settled(record, runs, now), replayedAt: now };
}
