// A person's agreement to what a playbook would do: what it is bound to, and what it changes. Pure; who may give it is the link's business.
import type { EpochMs } from "../ports.ts";
import { sha256Hex } from "../source/digest.ts";
import { fromNow, settled } from "./progress.ts";
import type { EventRecord, RunRecord, StepRecord } from "./record.ts";

/** What a link is good for: one run of one event with exactly this plan, until then. */
export interface Approval {
  readonly id: string;
  readonly run: number;
  readonly until: EpochMs;
  readonly plan: string;
}

/** Names what would be done, so that an agreement is to that and to nothing else. */
export function planName(playbook: string, askUntil: EpochMs, steps: readonly StepRecord[]): string {
  const parts = steps.map(({ path, stage, act, retry, continueOnError }) => [path, stage, act, retry, continueOnError]);
  return sha256Hex(JSON.stringify([playbook, askUntil, parts])).slice(0, 32);
}

/** The questions of an event that wait for an answer. */
export function questionsOf({ id, runs }: Pick<EventRecord, "id" | "runs">): readonly (Approval & { readonly playbook: string })[] {
  return runs.flatMap(({ state, askUntil, plan, playbook }, run) =>
    state === "asking" && askUntil !== null && plan !== null ? [{ id, run, until: askUntil, plan, playbook }] : [],
  );
}

/** The run put to work; null where nothing is asked (any more), or something else. */
export function approved(record: EventRecord, { run: place, plan }: Pick<Approval, "run" | "plan">, now: EpochMs): EventRecord | null {
  const asked = record.runs[place];
  if (asked?.state !== "asking" || asked.plan !== plan || asked.askUntil === null || asked.askUntil <= now) return null;
  // What a person agreed to counts from then.
  const steps = asked.steps.map((step) => (step.state === "waiting" ? { ...step, act: fromNow(step.act, now), nextAt: now } : step));
  const isLeft = steps.some(({ state }) => state === "waiting");
  const run: RunRecord = { ...asked, steps, state: isLeft ? "open" : "done", agreedAt: now };
  return settled(
    record,
    record.runs.map((one, at) => (at === place ? run : one)),
    now,
  );
}
