// Carrying steps out: one call after the other within the budget; what the cloud said of each decides what is remembered,
// what rests, and whether to go on.
import { describe, expect, test } from "vitest";
import { Application } from "../../functions/pass/apply.ts";
import type { VisitRequest } from "../../functions/pass/world.ts";
import { cidrKey, cidrOf } from "../../shared/address/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { leaseKey, leaseMetadata } from "../../shared/keys.ts";
import { limits } from "../../shared/limits.ts";
import type { Entry, Outcome, Step } from "../../shared/provider.ts";
import { leaseOf, type Rig, rigOf } from "./rig.ts";
import { entryOf, lagMs, requestOf, startMs, whole } from "./world.ts";

const hosts = [1, 2, 3, 4, 5].map((at) => entryOf(`${at}`, `203.0.113.${at}/32`));
const steps: readonly Step[] = hosts.map((entry, at) => ({
  id: `s${at}`,
  summary: `add ${at}`,
  slots: [`rule ${at}`],
  adds: [entry],
  removes: [`old ${at}`],
  native: null,
}));

function run(rig: Rig, request: Partial<VisitRequest> = {}, callsAtStart = 0, ours: readonly Entry[] = []) {
  return new Application(rig.world, rig.target, requestOf(request), callsAtStart, ours).run(steps);
}

const all = steps.map((step) => step.summary);
const rest = lagMs + limits.freezeMs;

describe("steps", () => {
  test("settled: every one is made, told by name, and remembered until the cloud must show it", async () => {
    const rig = await rigOf({ answer: (step) => ({ kind: step.id === "s1" ? "already" : "applied" }) });
    const applied = await run(rig);
    expect(applied).toEqual({ changed: ["add 0", "add 1 (already so)", "add 2", "add 3", "add 4"], pending: [], error: null, more: "done" });
    const memory = rig.world.memory.target("web");
    expect(memory.acknowledged.map((step) => [step.at, step.adds[0]?.id, step.removes])).toEqual(hosts.map((entry, at) => [startMs, entry.id, [`old ${at}`]]));
    expect([memory.inFlight, memory.lastWriteAt, memory.frozen, memory.throttledUntil]).toEqual([null, startMs, {}, 0]);
    expect(rig.logs).toMatchObject(steps.map((_, at) => ({ level: "info", event: "step.applied", outcome: at === 1 ? "already" : "applied" })));
  });

  test("frozen: a step whose place rests is left out, the others are made; names of objects rest nothing", async () => {
    const rig = await rigOf();
    rig.world.memory.target("web").frozen = { "rule 1": startMs + 1 };
    expect(await run(rig)).toEqual({ changed: ["add 0", "add 2", "add 3", "add 4"], pending: ["add 1"], error: null, more: "done" });
    const odd = new Application(rig.world, rig.target, requestOf(), 0, []);
    expect((await odd.run([{ ...(steps[0] as Step), slots: ["constructor"] }])).changed).toEqual(["add 0"]);
  });

  test("budget: ends by calls or by the clock, never before the first step, and says that more is left", async () => {
    const rig = await rigOf();
    rig.world.memory.target("web").frozen = { "rule 0": startMs + 1 };
    expect(await run(rig, { callsMax: 2 })).toEqual({ changed: ["add 1", "add 2"], pending: ["add 0", "add 3", "add 4"], error: null, more: "more" });
    const observed = await rigOf();
    observed.target.calls.made = 7;
    expect((await run(observed, { callsMax: 2 }, 5)).changed).toEqual(["add 0"]);
    const counted = await rigOf();
    counted.target.calls.made = 7;
    expect((await run(counted, { callsMax: 2 }, 7)).changed).toEqual(["add 0", "add 1"]);
    const late = await rigOf({
      answer: (step, it) => {
        if (step.id === "s2") it.now = startMs + 50;
        return { kind: "applied" };
      },
    });
    expect(await run(late, { deadlineAt: startMs + 50 })).toMatchObject({ changed: ["add 0", "add 1", "add 2"], pending: ["add 3", "add 4"], more: "more" });
  });

  test.each<[Outcome, string, RegExp]>([
    [{ kind: "unknown", why: "no answer" }, "OUTCOME_UNKNOWN", /^add 1: no answer; its place rests/],
    [{ kind: "conflict", why: "the rule is taken" }, "PROVIDER_CONFLICT", /^add 1: the rule is taken; its place rests/],
    [{ kind: "pending", operation: "o" }, "PROVIDER_PENDING", /^add 1: the cloud is still working on it/],
    [{ kind: "throttled", retryAtMs: startMs + 99, why: "slow down" }, "PROVIDER_THROTTLED", /^add 1: slow down/],
    [{ kind: "failed", error: new PortcullisError("PROVIDER_AUTH", "refused") }, "PROVIDER_AUTH", /^refused$/],
  ])("stop: $kind ends the steps", async (outcome, code, message) => {
    const rig = await rigOf({ answer: (step) => (step.id === "s1" ? outcome : { kind: "applied" }) });
    rig.now = startMs + 5;
    const { changed, pending, error, more } = await run(rig);
    expect([changed, pending, more, error?.code]).toEqual([["add 0"], all.slice(1), "done", code]);
    expect(error?.message).toMatch(message);
    if (code !== "PROVIDER_AUTH") expect(error?.context).toEqual({ target: "web", step: "s1" });
    const memory = rig.world.memory.target("web");
    const isUnknown = outcome.kind === "unknown" || outcome.kind === "conflict";
    const until = startMs + 5 + rest;
    expect(memory.frozen).toEqual(isUnknown ? { "rule 1": until, [`block:${cidrKey(cidrOf("203.0.113.2"))}`]: until } : {});
    expect(memory.leaving).toEqual(outcome.kind === "pending" ? { "old 1": until } : {});
    expect(memory.lookAt).toBe(outcome.kind === "pending" ? startMs + 5 + limits.pendingLookMs : 0);
    expect(memory.throttledUntil).toBe(outcome.kind === "throttled" ? startMs + 99 : 0);
    expect([memory.inFlight, memory.acknowledged.length]).toEqual([null, 1]);
    expect(rig.logs.at(-1)).toMatchObject({ level: "warn", event: "step.applied", outcome: outcome.kind });
    const counted = ["applied", outcome.kind].map((kind) => `portcullis_steps_total{target=web,outcome=${kind}} 1`);
    expect(rig.counted).toEqual([...counted, ...(outcome.kind === "throttled" ? ["portcullis_target_throttles_total{target=web} 1"] : [])]);
  });

  test.each<Outcome>([
    { kind: "unknown", why: "" },
    { kind: "conflict", why: "" },
    { kind: "pending", operation: "o" },
  ])("write: $kind may have changed the target, so no look before counts as the last one", async (outcome) => {
    const rig = await rigOf({ answer: () => outcome });
    rig.now = startMs + 5;
    await run(rig);
    expect(rig.world.memory.target("web").lastWriteAt).toBe(startMs + 5);
  });
});

describe("refused", () => {
  const addOf = (id: string, text: string, removes: readonly string[] = []): Step => ({
    id,
    summary: id,
    slots: [id],
    adds: [entryOf(id, text)],
    removes,
    native: null,
  });
  const refusal = new PortcullisError("PROVIDER_REJECTED", "no");
  const refusing = (...ids: readonly string[]) =>
    rigOf({ answer: (step) => (ids.includes(step.id) ? { kind: "failed", error: refusal } : { kind: "applied" }) });
  const applied = async (rig: Rig, steps: readonly Step[], changes: Partial<VisitRequest> = {}) =>
    new Application(rig.world, rig.target, requestOf(changes), 0, []).run(steps);

  test.each(["PROVIDER_REJECTED", "CAPACITY_EXCEEDED"] as const)("refused: an add holds up its other half, and nothing else (%s)", async (code) => {
    const refusal = new PortcullisError(code, "no");
    const rig = await rigOf({ answer: (step) => (step.id === "in 1" ? { kind: "failed", error: refusal } : { kind: "applied" }) });
    const steps = [addOf("in 1", "203.0.113.1/32"), addOf("out 1", "203.0.113.1/32", ["in 1"]), addOf("in 2", "203.0.113.2/32")];
    expect(await applied(rig, steps)).toEqual({ changed: ["in 2"], pending: ["in 1", "out 1"], error: refusal, more: "done" });
  });

  test("refused: a family that is refused again and again waits for the next pass, the other does not", async () => {
    const ids = Array.from({ length: limits.rejectedAddsMax + 2 }, (_, at) => `add ${at}`);
    const rig = await refusing(...ids);
    const steps = [...ids.map((id, at) => addOf(id, `203.0.113.${at}/32`)), addOf("six", "2001:db8::/64")];
    expect(await applied(rig, steps)).toEqual({ changed: ["six"], pending: ids, error: refusal, more: "done" });
    expect(rig.sent.map(({ id }) => id)).toEqual([...ids.slice(0, limits.rejectedAddsMax), "six"]);
  });

  test("refused: a step that takes something away too ends the steps, for what follows may rely on it", async () => {
    const rig = await refusing("swap");
    const steps = [addOf("swap", "203.0.113.1/32", ["old"]), addOf("in 2", "203.0.113.2/32")];
    expect(await applied(rig, steps)).toEqual({ changed: [], pending: ["swap", "in 2"], error: refusal, more: "done" });
  });

  test("refused: counts against the budget, is not hidden by what stops later, and asks for no pass at once", async () => {
    const steps = [addOf("in 1", "203.0.113.1/32"), addOf("in 2", "203.0.113.2/32"), addOf("in 3", "203.0.113.3/32")];
    expect(await applied(await refusing("in 1"), steps, { callsMax: 1 })).toEqual({
      changed: [],
      pending: ["in 1", "in 2", "in 3"],
      error: refusal,
      more: "done",
    });
    const later = await rigOf({ answer: (step) => (step.id === "in 1" ? { kind: "failed", error: refusal } : { kind: "pending", operation: "o" }) });
    expect(await applied(later, steps)).toMatchObject({ pending: ["in 1", "in 2", "in 3"], error: refusal });
  });
});

describe("news", () => {
  test("keep closed: what a lease needs that was accepted after the pass had read its records is not taken away by this one", async () => {
    const standing = [entryOf("old 0", "198.51.100.1/32"), entryOf("old 2", "203.0.113.9/32")];
    const changedWith = async (lease: Parameters<typeof leaseOf>[1], acceptedAt: number, known = false) => {
      const rig = await rigOf();
      const news = leaseOf("203.0.113.9", lease);
      const key = leaseKey(news.cidr, news.until, news.client);
      await rig.world.memory.remember(key, leaseMetadata(news), acceptedAt);
      const records = { ...whole, leases: known ? [{ ...news, key }] : [] };
      const { changed, pending, more, error } = await run(rig, { records, now: startMs }, 0, standing);
      expect([pending.length + changed.length, error, more]).toEqual([steps.length, null, pending.length > 0 ? "more" : "done"]);
      return changed.length;
    };
    expect(await changedWith({}, startMs)).toBe(2);
    expect(await changedWith({}, startMs - 1)).toBe(5);
    expect(await changedWith({}, startMs, true)).toBe(5);
    expect(await changedWith({ targets: ["hub"] }, startMs)).toBe(5);
    expect(await changedWith({ cidr: cidrOf("203.0.112.0/22") }, startMs)).toBe(2);
    expect(await changedWith({ cidr: cidrOf("192.0.2.1") }, startMs)).toBe(5);
  });
});
