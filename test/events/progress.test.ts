// Each change of an event's state, by itself.
import { describe, expect, test } from "vitest";
import { begin, dueSteps, endStep, giveUp, lapse, nextDueAt, replay, type StepOutcome, stepAt, waitMs } from "../../shared/event/progress.ts";
import type { EventRecord } from "../../shared/event/record.ts";
import { limits } from "../../shared/limits.ts";
import { startMs } from "../coordinator/world.ts";
import { callHome, recorded } from "./support.ts";

const done: StepOutcome = { kind: "done", said: ["it is"] };
const failed: StepOutcome = { kind: "failed", code: "STORE_UNAVAILABLE", message: "down", said: [] };
const first = { run: 0, path: "do[0]" };
const second = { run: 0, path: "do[1]" };
const fragile = callHome("", "  - block: {}\n    retry: { times: 1, wait: 10s }\n  - log: { message: after }\n");
const dogged = callHome("", "  - block: {}\n    retry: { times: 1, wait: 10s }\n    continueOnError: true\n  - log: { message: after }\n");
const abreast = callHome("", "  - together:\n      - block: {}\n      - log: { message: at once }\n  - log: { message: after }\n");

function states(record: EventRecord): readonly string[] {
  return [record.state, ...record.runs.flatMap(({ steps }) => steps.map(({ state }) => state))];
}

function after(record: EventRecord, ...outcomes: readonly (readonly [typeof first, StepOutcome])[]): EventRecord {
  return outcomes.reduce((so, [place, outcome], at) => endStep(begin(so, place, startMs + at), place, outcome, startMs + at, 0.5), record);
}

describe("steps in order", () => {
  test("due: the first stage only, then the next, then none", () => {
    const fresh = recorded([fragile]);
    expect(dueSteps(fresh, startMs)).toEqual([first]);
    const one = after(fresh, [first, done]);
    expect(dueSteps(one, startMs)).toEqual([second]);
    const two = after(one, [second, done]);
    expect([dueSteps(two, startMs), nextDueAt(two), states(two)]).toEqual([[], null, ["done", "done", "done"]]);
  });

  test("due: side by side, all of a stage before the next", () => {
    const fresh = recorded([abreast]);
    const places = dueSteps(fresh, startMs);
    expect(places.map(({ path }) => path)).toEqual(["do[0].together[0]", "do[0].together[1]"]);
    const half = after(fresh, [{ run: 0, path: "do[0].together[1]" }, done]);
    expect(dueSteps(half, startMs).map(({ path }) => path)).toEqual(["do[0].together[0]"]);
  });

  test("due: two playbooks go on side by side, each at its own step", () => {
    const fresh = recorded([fragile, callHome("", "  - log: { message: other }\n", "other")]);
    expect(dueSteps(fresh, startMs)).toEqual([first, { run: 1, path: "do[0]" }]);
  });
});

describe("failures", () => {
  test("retry: not before its wait, which grows and differs by chance", () => {
    const once = after(recorded([fragile]), [first, failed]);
    expect([dueSteps(once, startMs + 9_999), dueSteps(once, startMs + 10_000), stepAt(once, first)?.tries]).toEqual([[], [first], 1]);
    const step = { retry: { times: 5, waitMs: 10_000 } };
    expect([1, 2, 3].map((failures) => waitMs(step, failures, 0.5))).toEqual([10_000, 20_000, 40_000]);
    expect([waitMs(step, 1, 0), waitMs(step, 1, 0.999)]).toEqual([8_000, 11_996]);
    expect(waitMs({ retry: { times: 5, waitMs: limits.retryWaitLongestMs } }, 5, 0.999)).toBeLessThanOrEqual(limits.retryWaitLongestMs * 1.2);
  });

  test("retry: a step that is told when to come back comes no earlier", () => {
    const record = endStep(recorded([fragile]), first, { ...failed, retryAfterMs: 300_000 }, startMs, 0.5);
    expect(nextDueAt(record)).toBe(startMs + 300_000);
  });

  test("dead: when its tries are over the rest is skipped, and it says why", () => {
    const dead = after(recorded([fragile]), [first, failed], [first, failed]);
    expect([states(dead), nextDueAt(dead), stepAt(dead, first)?.error]).toEqual([
      ["dead", "failed", "skipped"],
      null,
      { code: "STORE_UNAVAILABLE", message: "down" },
    ]);
  });

  test("continueOnError: the next step is done, and it is a dead letter all the same", () => {
    const on = after(recorded([dogged]), [first, failed], [first, failed]);
    expect([dueSteps(on, startMs), states(on)]).toEqual([[second], ["open", "failed", "waiting"]]);
    expect(states(after(on, [second, done]))).toEqual(["dead", "failed", "done"]);
  });

  test("dead: one run that fails does not stop another", () => {
    const other = { run: 1, path: "do[0]" };
    const half = after(recorded([fragile, callHome("", "  - log: { message: other }\n", "other")]), [first, failed], [first, failed]);
    expect([half.state, dueSteps(half, startMs)]).toEqual(["open", [other]]);
    expect(after(half, [other, done]).state).toBe("dead");
  });

  test("refused: it is over without another try, and the next step is done", () => {
    const refused = after(recorded([fragile]), [first, { kind: "refused", said: ["protected"] }]);
    expect([states(refused), dueSteps(refused, startMs)]).toEqual([["open", "refused", "waiting"], [second]]);
  });

  test("begun: counted until an end is noted; given up, it is a dead letter", () => {
    const begun = begin(begin(recorded([fragile]), first, startMs), first, startMs);
    expect([stepAt(begun, first)?.begun, stepAt(begun, first)?.tries]).toEqual([2, 0]);
    expect(stepAt(endStep(begun, first, failed, startMs, 0), first)).toMatchObject({ begun: 0, tries: 1 });
    expect(states(giveUp(begun, first, "too often", startMs))).toEqual(["dead", "failed", "skipped"]);
  });

  test("end: a step that is over stays as it is, whoever reports late", () => {
    const over = after(recorded([fragile]), [first, done]);
    expect(endStep(over, first, failed, startMs + 9, 0).runs).toEqual(over.runs);
  });
});

describe("replay", () => {
  const dead = after(recorded([fragile]), [first, failed], [first, failed]);

  test("replay: only dead letters; what was done stays done", () => {
    const again = replay(dead, startMs + 60_000);
    expect(again === null ? null : [states(again), dueSteps(again, startMs + 60_000), again.replayedAt]).toEqual([
      ["open", "waiting", "waiting"],
      [first],
      startMs + 60_000,
    ]);
    expect(again === null ? null : replay(again, startMs + 60_001)).toBeNull();
    const half = after(recorded([dogged]), [first, failed], [first, failed], [second, done]);
    expect(states(replay(half, startMs) ?? half)).toEqual(["open", "waiting", "done"]);
  });

  test("replay: a block keeps its end while it is ahead, and lasts as long as it was meant when it is not", () => {
    const soon = stepAt(replay(dead, startMs + 60_000) ?? dead, first)?.act;
    const late = stepAt(replay(dead, startMs + 86_400_000) ?? dead, first)?.act;
    const act = stepAt(dead, first)?.act;
    if (act?.action !== "block") throw new Error("no block");
    expect(soon).toEqual(act);
    expect(late).toMatchObject({ at: startMs + 86_400_000, until: startMs + 86_400_000 + (act.until - act.at), eventAt: act.at });
  });
});

describe("time", () => {
  test("lapse: a question nobody answered in time is over, and not before", () => {
    const asking = recorded([callHome("approve: { within: 1h }\n")]);
    expect([asking.state, dueSteps(asking, startMs), nextDueAt(asking)]).toEqual(["asking", [], startMs + 3_600_000]);
    expect(lapse(asking, startMs + 3_599_999).state).toBe("asking");
    expect(lapse(asking, startMs + 3_600_000).state).toBe("lapsed");
  });

  test("change: later than the one before, though the clock is set back", () => {
    const fresh = recorded([fragile]);
    const back = endStep(fresh, first, done, startMs - 1_000_000, 0);
    expect(back.updatedAt).toBeGreaterThan(fresh.updatedAt);
  });
});
