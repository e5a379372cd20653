// Carrying steps out: one call after the other within the budget; what the cloud said of each decides what is remembered,
// what rests, and whether to go on.
import { describe, expect, test } from "vitest";
import { Application } from "../../functions/pass/apply.ts";
import { safeVisit, visit } from "../../functions/pass/visit.ts";
import type { Target, VisitRequest, World } from "../../functions/pass/world.ts";
import { type Cidr, cidrKey, cidrOf } from "../../shared/address/index.ts";
import { fail, ok, PortcullisError, type Result } from "../../shared/errors.ts";
import { liftedBy } from "../../shared/lease/live.ts";
import type { Lease } from "../../shared/lease/record.ts";
import { limits } from "../../shared/limits.ts";
import type { LogRecord } from "../../shared/ports.ts";
import type { CompileRequest, Entry, Observation, Outcome, Provider, ProviderDefinition, Step } from "../../shared/provider.ts";
import { entryOf, lagMs, observationOf, requestOf, settle, startMs, targetOf, whole, worldOf } from "./world.ts";

const hosts = [1, 2, 3, 4, 5].map((at) => entryOf(`${at}`, `203.0.113.${at}/32`));
const steps: readonly Step[] = hosts.map((entry, at) => ({
  id: `s${at}`,
  summary: `add ${at}`,
  slots: [`rule ${at}`],
  adds: [entry],
  removes: [`old ${at}`],
  native: null,
}));

interface Rig {
  readonly world: World;
  readonly target: Target;
  readonly sent: Step[];
  readonly compiled: CompileRequest[];
  readonly logs: LogRecord[];
  now: number;
}

interface RigParts {
  readonly answer?: (step: Step, rig: Rig) => Outcome;
  readonly observe?: () => Result<Observation>;
  readonly compile?: (request: CompileRequest) => readonly Step[];
}

/** A world with one target whose provider is written by hand. */
async function rigOf({ answer = () => ({ kind: "applied" }), observe, compile }: RigParts = {}): Promise<Rig> {
  const sent: Step[] = [];
  const compiled: CompileRequest[] = [];
  const logs: LogRecord[] = [];
  const provider = {
    admit: () => ({ kind: "accept" }),
    observe: async () => observe?.() ?? ok(observationOf()),
    compile: (request: CompileRequest) => {
      compiled.push(request);
      return compile?.(request) ?? [];
    },
    apply: async (step: Step) => {
      rig.target.calls.made += 1;
      // What is under way is noted before it is sent: whoever finds it knows that its outcome is unknown.
      expect(rig.world.memory.target("web").inFlight).toEqual({ slots: step.slots, blocks: step.adds.map((entry) => cidrKey(entry.cidr)) });
      sent.push(step);
      return answer(step, rig);
    },
  } as unknown as Provider;
  const definition = { observeLagMs: lagMs, granularity: "entry", capabilities: { swap: { support: "yes" } } } as unknown as ProviderDefinition;
  const target: Target = { ...targetOf("web"), provider, definition };
  const rig: Rig = {
    world: await worldOf({ targets: [target], log: (record) => logs.push(record), now: () => rig.now }),
    target,
    sent,
    compiled,
    logs,
    now: startMs,
  };
  return rig;
}

function run(rig: Rig, request: Partial<VisitRequest> = {}, callsAtStart = 0) {
  return new Application(rig.world, rig.target, requestOf(request), callsAtStart, []).run(steps);
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

function leaseOf(text: string, changes: Partial<Lease> = {}): Lease {
  return { key: text, cidr: cidrOf(text), at: 0, until: startMs + 9 * settle, client: "a", severity: "high", targets: null, held: false, ...changes };
}

const pools: Observation["pools"] = [{ name: "rules", families: [4], limit: 9 }];

/** The steps of a provider that takes one change per call. */
function stepsOf({ changes }: CompileRequest): Step[] {
  return changes.map((change) => {
    const adds: Entry[] = change.verb === "remove" ? [] : [{ id: `new ${cidrKey(change.cidr)}`, cidr: change.cidr, partial: null }];
    const removes = change.verb === "add" ? [] : [change.entry.id];
    return {
      id: "s",
      summary: `${change.verb} ${[...adds.map((entry) => cidrKey(entry.cidr)), ...removes].join(" ")}`,
      slots: [],
      adds,
      removes,
      native: null,
    };
  });
}

function visitOf(rig: Rig, leases: readonly Lease[], changes: Partial<VisitRequest> = {}) {
  rig.now = startMs + settle;
  return visit(rig.world, rig.target, requestOf({ records: { ...whole, leases }, lifted: liftedBy([]), ...changes }));
}

const key = (text: string): string => cidrKey(cidrOf(text));
const cidrs = (list: readonly Cidr[]): string[] => list.map(cidrKey);

describe("a visit", () => {
  test("agree: adds what is live, takes away what ended, remembers what stands, and tells what others changed", async () => {
    const seen = [entryOf("1", "203.0.113.1/32"), entryOf("2", "203.0.113.2/32")];
    const rig = await rigOf({ observe: () => ok(observationOf({ ours: seen, pools })), compile: stepsOf });
    rig.world.memory.target("web").expected = { "1": key("203.0.113.1") };
    const visited = await visitOf(rig, [leaseOf("203.0.113.1"), leaseOf("203.0.113.2", { until: 1 }), leaseOf("203.0.113.3")]);
    expect(visited.changed).toEqual([`add ${key("203.0.113.3")}`, "remove 2"]);
    expect(visited.standing.map((entry) => cidrKey(entry.cidr))).toEqual([key("203.0.113.1"), key("203.0.113.3")]);
    expect([visited.error, visited.bar, visited.orphans, visited.more, visited.pending, visited.callsMade]).toEqual([null, null, null, "done", [], 2]);
    expect(visited.drift).toEqual(["203.0.113.2/32 (2) appeared, and we did not add it"]);
    expect(rig.logs.filter((record) => record.event === "target.drift").length).toBe(1);
    expect(cidrs(rig.compiled[0]?.standing ?? [])).toEqual([key("203.0.113.1"), key("203.0.113.3")]);
    const memory = rig.world.memory.target("web");
    expect(memory.expected).toEqual({ "1": key("203.0.113.1"), [`new ${key("203.0.113.3")}`]: key("203.0.113.3") });
    expect(memory.leftovers).toEqual([]);
  });

  test("plan: computes all of it and writes nothing, not even a memory", async () => {
    const rig = await rigOf({ observe: () => ok(observationOf({ pools })), compile: stepsOf });
    rig.target.calls.made = 3;
    const before = structuredClone(rig.world.memory.target("web"));
    const visited = await visitOf(rig, [leaseOf("203.0.113.3")], { purpose: "plan" });
    expect([visited.pending, visited.changed, visited.standing, visited.callsMade]).toEqual([[`add ${key("203.0.113.3")}`], [], [], 0]);
    expect([rig.sent, rig.world.memory.target("web")]).toEqual([[], before]);
  });

  test("bar: nothing is compiled, and so nothing written, while something forbids it; a plan says what would be", async () => {
    const rig = await rigOf({ observe: () => ok(observationOf({ pools, terminal: "gone" })), compile: stepsOf });
    const visited = await visitOf(rig, [leaseOf("203.0.113.3")]);
    expect([visited.bar?.state, visited.changed, rig.compiled.length]).toEqual(["failed", [], 0]);
    const planned = await visitOf(rig, [leaseOf("203.0.113.3")], { purpose: "plan" });
    expect(planned.pending).toEqual([`add ${key("203.0.113.3")}`]);
  });

  test("nothing to do: the provider is not asked for steps", async () => {
    const rig = await rigOf({ observe: () => ok(observationOf({ pools })), compile: stepsOf });
    expect((await visitOf(rig, [])).changed).toEqual([]);
    expect(rig.compiled).toEqual([]);
  });

  test("leftovers: removals that were planned and not reached come first the next time; then they are forgotten", async () => {
    const seen = [entryOf("1", "203.0.113.1/32"), entryOf("2", "203.0.113.2/32")];
    let isBroken = true;
    const rig = await rigOf({
      observe: () => ok(observationOf({ ours: seen, pools })),
      compile: stepsOf,
      answer: () => (isBroken ? { kind: "failed", error: new PortcullisError("PROVIDER_AUTH", "refused") } : { kind: "applied" }),
    });
    const leases = [leaseOf("203.0.113.1", { until: 1 }), leaseOf("203.0.113.2", { until: 1 }), leaseOf("203.0.113.3")];
    const first = await visitOf(rig, leases);
    expect([first.error?.code, first.changed, rig.world.memory.target("web").leftovers, rig.world.memory.target("web").expected]).toEqual([
      "PROVIDER_AUTH",
      [],
      ["1", "2"],
      null,
    ]);
    isBroken = false;
    const second = await visitOf(rig, leases);
    expect(second.changed).toEqual(["remove 1", "remove 2", `add ${key("203.0.113.3")}`]);
    expect(rig.world.memory.target("web").leftovers).toEqual([]);
  });

  test("wait: a target that asked for time is not looked at until then, and the answer says how long and why", async () => {
    let looks = 0;
    const rig = await rigOf({
      observe: () => {
        looks += 1;
        return fail("PROVIDER_THROTTLED", "slow down", { retryAfterSeconds: 30 });
      },
    });
    const first = await visitOf(rig, []);
    expect([first.error?.code, first.observation, first.more, looks]).toEqual(["PROVIDER_THROTTLED", null, "done", 1]);
    expect(rig.world.memory.target("web")).toMatchObject({ throttledUntil: startMs + settle + 30_000, atWork: null });
    const second = await visitOf(rig, [], { now: startMs + settle + 29_001 });
    expect([second.error?.code, second.error?.message, second.callsMade, looks]).toEqual(["PROVIDER_THROTTLED", "the cloud asked us to wait 1 s more", 0, 1]);
    await visitOf(rig, [], { now: startMs + settle + 30_000 });
    expect(looks).toBe(2);
  });

  test("at work: a cloud that is still busy is said to be, in its own words, until it is looked at again", async () => {
    const rig = await rigOf({ observe: () => fail("PROVIDER_PENDING", "an operation is running", { retryAfterSeconds: 30 }) });
    expect((await visitOf(rig, [])).error?.message).toBe("an operation is running");
    const second = await visitOf(rig, [], { now: startMs + settle + 1 });
    expect([second.error?.code, second.error?.message]).toEqual(["PROVIDER_PENDING", "an operation is running; looked at again in 30 s"]);
    const free = await rigOf({ observe: () => fail("PROVIDER_UNAVAILABLE", "no route") });
    free.world.memory.target("web").atWork = "an operation was running";
    expect((await visitOf(free, [])).error?.code).toBe("PROVIDER_UNAVAILABLE");
    expect(free.world.memory.target("web")).toMatchObject({ throttledUntil: 0, atWork: null });
  });

  test("former life: what it left under way rests, is nobody else's change, and is not sent again blindly", async () => {
    const rig = await rigOf({ observe: () => ok(observationOf({ ours: [entryOf("1", "203.0.113.1/32")], pools })), compile: stepsOf });
    const memory = rig.world.memory.target("web");
    Object.assign(memory, { inFlight: { slots: ["rule 3"], blocks: [key("203.0.113.3")] }, expected: {} });
    const visited = await visitOf(rig, [leaseOf("203.0.113.1"), leaseOf("203.0.113.3")]);
    const until = startMs + settle + rest;
    expect([visited.drift, visited.changed, memory.frozen]).toEqual([[], [], { "rule 3": until, [`block:${key("203.0.113.3")}`]: until }]);
    expect(visited.plan?.waiting.map((need) => need.key)).toEqual([key("203.0.113.3")]);
  });

  test("stale: what was acknowledged is overlaid, and no drift is read out of what may not show it yet", async () => {
    const rig = await rigOf({ observe: () => ok(observationOf({ pools })), compile: stepsOf });
    const memory = rig.world.memory.target("web");
    Object.assign(memory, {
      acknowledged: [{ at: startMs + settle, adds: [{ id: "1", key: key("203.0.113.1"), partial: null }], removes: [] }],
      expected: { "1": key("203.0.113.1") },
    });
    const visited = await visitOf(rig, [leaseOf("203.0.113.1")]);
    expect([visited.drift, visited.changed, visited.standing.length]).toEqual([[], [], 1]);
  });

  test("orphans: are watched in full visits that may remove, go when their time has come, and are not counted by a plan", async () => {
    const rig = await rigOf({ observe: () => ok(observationOf({ ours: [entryOf("1", "203.0.113.1/32")], pools })), compile: stepsOf });
    const memory = rig.world.memory.target("web");
    const sightings = () => Object.values(memory.sightings).map((sighting) => sighting.passes);
    await visitOf(rig, [], { purpose: "plan" });
    expect(sightings()).toEqual([]);
    await visitOf(rig, [], { fresh: "reused" });
    expect(sightings()).toEqual([]);
    const first = await visitOf(rig, []);
    expect([sightings(), first.changed, first.orphans]).toEqual([[1], [], { cidrs: ["203.0.113.1/32"], digest: first.orphans?.digest, unsafe: false }]);
    memory.sightings = { [`1|${key("203.0.113.1")}`]: { first: startMs + settle - limits.orphanMs, passes: limits.orphanPasses - 1 } };
    expect((await visitOf(rig, [])).changed).toEqual(["remove 1"]);
  });

  test("another's range: is not ours to watch", async () => {
    const rig = await rigOf({ observe: () => ok(observationOf({ ours: [entryOf("1", "203.0.113.1/32")], pools, storeId: "fedcba9876543210" })) });
    rig.world.memory.target("web").sightings = { old: { first: 1, passes: 9 } };
    const visited = await visitOf(rig, []);
    expect([visited.bar?.state, rig.world.memory.target("web").sightings]).toEqual(["failed", {}]);
  });

  test("broken: a provider that throws ends its own visit only, with a word in the log", async () => {
    const rig = await rigOf({
      observe: () => {
        throw new TypeError("x is undefined");
      },
    });
    const visited = await safeVisit(rig.world, rig.target, requestOf());
    expect([visited.error?.code, visited.error?.context, visited.observation, visited.plan, visited.standing]).toEqual([
      "INVARIANT",
      { target: "web" },
      null,
      null,
      [],
    ]);
    expect([visited.bar, visited.orphans, visited.drift, visited.changed, visited.pending, visited.more]).toEqual([null, null, [], [], [], "done"]);
    expect(rig.logs).toMatchObject([{ level: "error", event: "visit.failed", code: "INVARIANT", target: "web" }]);
  });
});
