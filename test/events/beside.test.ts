// Several playbooks at one event: what is done to one of their runs is done to no other, and the event is as far as the run that is furthest behind.
import { describe, expect, test } from "vitest";
import { cidrOf } from "../../shared/address/index.ts";
import { attackedIn, nameOf } from "../../shared/event/about.ts";
import { approved, planName, questionsOf } from "../../shared/event/approval.ts";
import { begin, dueSteps, endStep, fromNow, giveUp, lapse, nextDueAt, replay, type StepPlace, stateOf, stepAt } from "../../shared/event/progress.ts";
import type { EventRecord, RunRecord, StepAct } from "../../shared/event/record.ts";
import { limits } from "../../shared/limits.ts";
import { startMs } from "../coordinator/world.ts";
import { callHome, calling, recorded } from "./support.ts";

const minute = 60_000;
const hour = 60 * minute;
const soon = callHome("approve: { within: 30m }\n", undefined, "soon");
const late = callHome("approve: { within: 1h }\n", undefined, "late");
const acting = callHome("", "  - log: { message: a }\n  - log: { message: b }\n    continueOnError: true\n  - log: { message: c }\n", "acting");
const logging = callHome("", "  - log: { message: once }\n", "logging");
const watching = callHome("", undefined, "watching");

function run(record: EventRecord, name: string): RunRecord {
  const found = record.runs.find(({ playbook }) => playbook === name);
  if (found === undefined) throw new Error(`no run of ${name}`);
  return found;
}

function ask(record: EventRecord, name: string) {
  const found = questionsOf(record).find(({ playbook }) => playbook === name);
  if (found === undefined) throw new Error(`${name} asks nothing`);
  return found;
}

/** The step done, at its first try. */
function finish(record: EventRecord, place: StepPlace): EventRecord {
  return endStep(begin(record, place, startMs), place, { kind: "done", said: [] }, startMs, 0.5);
}

describe("beside each other", () => {
  const both = recorded([soon, late, acting]);

  test("agree: to one question; the other is still asked, and what acts goes on as it was", () => {
    const one = approved(both, ask(both, "late"), startMs + minute);
    if (one === null) throw new Error("it was not agreed to");
    expect(one.runs.map(({ state }) => state)).toEqual(["asking", "open", "open"]);
    expect(run(one, "acting")).toEqual(run(both, "acting"));
    expect(run(one, "soon")).toEqual(run(both, "soon"));
    expect(questionsOf(one).map(({ playbook, run: at, until }) => [playbook, at, until])).toEqual([["soon", 0, startMs + 30 * minute]]);
  });

  test("agree: what was agreed to never lapses, however long its steps take", () => {
    const agreed = approved(both, ask(both, "soon"), startMs + minute);
    if (agreed === null) throw new Error("it was not agreed to");
    expect(lapse(agreed, startMs + 2 * hour).runs.map(({ state }) => state)).toEqual(["open", "lapsed", "open"]);
  });

  test("place: each step is found by its own path, and none by another's", () => {
    expect(["do[0]", "do[1]", "do[2]", "do[3]"].map((path) => stepAt(both, { run: 2, path })?.act)).toEqual([
      { action: "log", message: "a" },
      { action: "log", message: "b" },
      { action: "log", message: "c" },
      undefined,
    ]);
    expect(stepAt(both, { run: 9, path: "do[0]" })).toBeUndefined();
  });

  test("agree: what has nothing to do any more stays as it is; with nothing left, the run is over", () => {
    const refusing = { client: { longestMs: hour, widest: { ipv4: 32, ipv6: 64 }, targets: [], mode: "enforce" } as const };
    const mixed = recorded([soon], { sender: refusing });
    expect(run(mixed, "soon").steps.map(({ state }) => state)).toEqual(["refused", "waiting"]);
    const agreed = approved(mixed, ask(mixed, "soon"), startMs + minute);
    expect(agreed?.state).toBe("open");
    expect(agreed?.runs[0]?.steps[0]).toEqual(run(mixed, "soon").steps[0]);
    expect(agreed?.runs[0]?.steps[1]?.nextAt).toBe(startMs + minute);
    const only = recorded([callHome("approve: { within: 30m }\n", "  - block: {}\n", "soon")], { sender: refusing });
    expect(approved(only, ask(only, "soon"), startMs)?.runs[0]?.state).toBe("done");
  });

  test("agree: a block counts from then, nothing else has a time", () => {
    const log: StepAct = { action: "log", message: "x" };
    expect(fromNow(log, startMs + 1)).toBe(log);
    expect(planName("a", 1, [])).toMatch(/^[0-9a-f]{32}$/);
  });

  test("next: the first of what is due and what is asked, whichever comes first; a question that is over is none", () => {
    expect(nextDueAt(both)).toBe(startMs);
    const asked = recorded([late, soon]);
    expect(nextDueAt(asked)).toBe(startMs + 30 * minute);
    const lapsed = lapse(asked, startMs + 30 * minute);
    expect([lapsed.state, lapsed.runs.map(({ state }) => state), nextDueAt(lapsed)]).toEqual(["asking", ["asking", "lapsed"], startMs + hour]);
    expect(run(lapsed, "soon").why).toBe("nobody agreed in time");
    expect(lapse(both, startMs + 2 * hour).runs.map(({ state }) => state)).toEqual(["lapsed", "lapsed", "open"]);
    expect(run(lapse(both, startMs + 2 * hour), "acting")).toEqual(run(both, "acting"));
  });

  test("stop: of a run that has failed for good nothing later is begun, what was done stays, and no other run hears of it", () => {
    const record = recorded([callHome("", "  - log: { message: a }\n  - log: { message: b }\n  - log: { message: c }\n", "stops"), logging]);
    const second = giveUp(finish(record, { run: 0, path: "do[0]" }), { run: 0, path: "do[1]" }, "too many", startMs);
    expect(second.runs.map(({ steps }) => steps.map(({ state }) => state))).toEqual([["done", "failed", "skipped"], ["waiting"]]);
    expect(run(second, "stops").steps[1]?.error).toEqual({ code: "INVARIANT", message: "too many" });
    expect([second.state, second.runs.map(({ state }) => state)]).toEqual(["open", ["dead", "open"]]);
    expect(dueSteps(second, startMs)).toEqual([{ run: 1, path: "do[0]" }]);
    const over = finish(second, { run: 1, path: "do[0]" });
    expect(over.state).toBe("dead");
    const again = replay(over, startMs + minute);
    expect(again?.runs.map(({ state, steps }) => [state, steps.map(({ state: step }) => step)])).toEqual([
      ["open", ["done", "waiting", "waiting"]],
      ["done", ["done"]],
    ]);
  });

  test("side by side: a failure stops the later stages, not its own", () => {
    const record = recorded([callHome("", "  - together:\n      - log: { message: a }\n      - log: { message: b }\n  - log: { message: c }\n", "abreast")]);
    const half = giveUp(record, { run: 0, path: "do[0].together[0]" }, "no", startMs);
    expect(run(half, "abreast").steps.map(({ state }) => state)).toEqual(["failed", "waiting", "skipped"]);
    expect(half.state).toBe("open");
  });

  test("state: what is furthest behind names the event", () => {
    const of = (...states: readonly RunRecord["state"][]) => stateOf(states.map((state) => ({ ...run(both, "acting"), state })));
    expect([
      of("done", "open"),
      of("asking", "open"),
      of("dead", "asking"),
      of("lapsed", "dead"),
      of("done", "lapsed"),
      of("observed", "done"),
      of("observed"),
    ]).toEqual(["open", "open", "asking", "dead", "lapsed", "done", "observed"]);
    expect([of("done", "done"), stateOf([])]).toEqual(["done", "done"]);
  });

  test("said: as many lines as a record has room for", () => {
    const record = recorded([logging]);
    const said = Array.from({ length: limits.eventAddressesMax + 5 }, (_, index) => `${index}`);
    const ended = endStep(record, { run: 0, path: "do[0]" }, { kind: "done", said }, startMs, 0.5);
    expect(run(ended, "logging").steps[0]?.said).toEqual(said.slice(0, limits.eventAddressesMax));
    expect(ended.state).toBe("done");
  });

  test("observe: the client's mode is said for every playbook, and none of them asks or acts", () => {
    const client = { longestMs: hour, widest: { ipv4: 32, ipv6: 64 }, targets: null, mode: "observe" } as const;
    const record = recorded([soon, acting, watching], { sender: { client } });
    expect(record.runs.map(({ state, outcome, askUntil, plan }) => [state, outcome, askUntil, plan])).toEqual(
      Array.from({ length: 3 }, () => ["observed", "observes", null, null]),
    );
    expect([record.state, nextDueAt(record)]).toEqual(["observed", null]);
  });
});

describe("what an event is about", () => {
  test("attacked: a block that holds one of them is named by it; what cannot be read names nobody", () => {
    const attacked = attackedIn({ ...calling, victim: { addresses: ["198.51.100.4/32", "no address"] } });
    expect([attacked(cidrOf("198.51.100.0/24")), attacked(cidrOf("198.51.100.4/32"))]).toEqual([cidrOf("198.51.100.4/32"), cidrOf("198.51.100.4/32")]);
    expect(attacked(cidrOf("198.51.100.5/32"))).toBeNull();
  });

  test("name: type and title, once where they are the same", () => {
    expect([nameOf({ type: "a", title: "a" }), nameOf({ type: "a", title: "b" })]).toEqual(["a", "a: b"]);
  });
});
