// One target in one pass: what it believes, decides, does and says, against a provider written by hand.
import { describe, expect, test } from "vitest";
import { safeVisit, shedNames } from "../../functions/pass/visit.ts";
import { cidrKey, cidrOf, overlaps } from "../../shared/address/index.ts";
import { fail, ok, PortcullisError } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";
import { cidrs, key, leaseOf, pools, rigOf, stepsOf, visitOf } from "./rig.ts";
import { entryOf, lagMs, observationOf, requestOf, settle, startMs, targetConfig } from "./world.ts";

const rest = lagMs + limits.freezeMs;

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
    expect(rig.logs.filter((record) => record.event === "target.drift")).toMatchObject([{ level: "warn", target: "web" }]);
    expect(rig.counted).toContain("portcullis_drift_total{target=web} 1");
    expect(rig.world.memory.standing.get("web")).toEqual({ seenAt: startMs + settle, entries: visited.standing, without: new Set() });
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
    expect(visited.more).toBe("done");
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

  test("room: who makes steps is told of the operator's limit as of the cloud's own", async () => {
    const config = { ...targetConfig, maxEntries: 3 };
    const rig = await rigOf({ target: { config }, observe: () => ok(observationOf({ pools })), compile: stepsOf });
    await visitOf(rig, [leaseOf("203.0.113.3")]);
    expect(rig.compiled[0]?.observation.pools).toEqual([...pools, { name: "maxEntries", families: [4, 6], limit: 3 }]);
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
    expect(rig.counted).toEqual(["portcullis_target_throttles_total{target=web} 1"]);
    expect(rig.world.memory.target("web")).toMatchObject({ throttledUntil: startMs + settle + 30_000, atWork: null });
    const second = await visitOf(rig, [], { now: startMs + settle + 29_001 });
    expect(second.error?.context).toEqual({ target: "web" });
    expect([second.error?.code, second.error?.message, second.callsMade, looks]).toEqual(["PROVIDER_THROTTLED", "the cloud asked us to wait 1 s more", 0, 1]);
    await visitOf(rig, [], { now: startMs + settle + 30_000 });
    expect(looks).toBe(2);
  });

  test("wait: the time counts from the answer, however long the pass had been at work by then", async () => {
    const rig = await rigOf({
      observe: () => {
        rig.now += 7_000;
        return fail("PROVIDER_THROTTLED", "slow down", { retryAfterSeconds: 30 });
      },
    });
    await visitOf(rig, []);
    expect(rig.world.memory.target("web").throttledUntil).toBe(startMs + settle + 7_000 + 30_000);
  });

  test("at work: a cloud that is still busy is said to be, in its own words, until it is looked at again", async () => {
    const rig = await rigOf({ observe: () => fail("PROVIDER_PENDING", "an operation is running", { retryAfterSeconds: 30 }) });
    expect((await visitOf(rig, [])).error?.message).toBe("an operation is running");
    const second = await visitOf(rig, [], { now: startMs + settle + 1 });
    expect([second.error?.code, second.error?.message]).toEqual(["PROVIDER_PENDING", "an operation is running; looked at again in 30 s"]);
    const free = await rigOf({ observe: () => fail("PROVIDER_UNAVAILABLE", "no route") });
    free.world.memory.target("web").atWork = "an operation was running";
    expect((await visitOf(free, [])).error?.code).toBe("PROVIDER_UNAVAILABLE");
    expect(free.counted).toEqual([]);
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
    rig.target.calls.made = 5;
    const visited = await safeVisit(rig.world, rig.target, requestOf(), []);
    expect(visited.callsMade).toBe(0);
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

  test("protected: goes even where nothing else may, and is never added", async () => {
    const guarded = cidrOf("203.0.113.0/31");
    const protection = { find: (cidr: typeof guarded) => (overlaps(guarded, cidr) ? { range: "203.0.113.0/31", source: "the operator" } : null), size: 1 };
    const rig = await rigOf({ observe: () => ok(observationOf({ ours: [entryOf("1", "203.0.113.1/32")], pools, serverDate: null })), compile: stepsOf });
    const visited = await visitOf({ ...rig, world: { ...rig.world, protection } }, [leaseOf("203.0.113.0")]);
    expect(visited.changed).toEqual(["remove 1"]);
    expect(visited.plan?.needs.refused.get(key("203.0.113.0"))?.kind).toBe("protected");
  });

  test("full: one makes way for a severer one, in one call only where the kind can swap; what is shed is named", async () => {
    const ours = [entryOf("1", "203.0.113.1/32")];
    const one = [{ name: "rules", families: [4] as const, limit: 1 }];
    const leases = [leaseOf("203.0.113.1", { severity: "low" }), leaseOf("203.0.113.7")];
    const changesOf = async (support: "yes" | "no") => {
      const capabilities = { swap: { support } } as unknown as ProviderDefinition["capabilities"];
      const rig = await rigOf({ observe: () => ok(observationOf({ ours, pools: one })), compile: stepsOf, definition: { capabilities } });
      const visited = await visitOf(rig, leases);
      expect(shedNames(visited)).toEqual(["203.0.113.1/32"]);
      return visited.changed;
    };
    expect(await changesOf("yes")).toEqual([`swap ${key("203.0.113.7")} 1`]);
    expect(await changesOf("no")).toEqual(["remove 1", `add ${key("203.0.113.7")}`]);
    expect(shedNames(await visitOf(await rigOf({ observe: () => fail("PROVIDER_AUTH", "refused") }), leases))).toEqual([]);
  });

  test("drain: takes all of ours away, whatever is live", async () => {
    const rig = await rigOf({
      observe: () => ok(observationOf({ ours: [entryOf("1", "203.0.113.1/32")], pools })),
      compile: stepsOf,
      target: { config: { ...targetConfig, mode: "drain" } },
    });
    expect((await visitOf(rig, [leaseOf("203.0.113.1"), leaseOf("203.0.113.2")])).changed).toEqual(["remove 1"]);
  });

  test("whole: what is sent of what must stand leaves out what waits", async () => {
    const rig = await rigOf({ observe: () => ok(observationOf({ ours: [entryOf("1", "203.0.113.1/32")], pools })), compile: stepsOf });
    rig.world.memory.target("web").frozen = { [`block:${key("203.0.113.2")}`]: startMs + 9 * settle };
    await visitOf(rig, [leaseOf("203.0.113.1"), leaseOf("203.0.113.2"), leaseOf("203.0.113.3")]);
    expect(cidrs(rig.compiled[0]?.standing ?? [])).toEqual([key("203.0.113.1"), key("203.0.113.3")]);
  });

  test("staying: what no step takes away keeps its room, and the plan is made again without it", async () => {
    const one = [{ name: "rules", families: [4] as const, limit: 1 }];
    const rig = await rigOf({
      observe: () => ok(observationOf({ ours: [entryOf("1", "203.0.113.1/32")], pools: one })),
      compile: (request) => stepsOf({ ...request, changes: request.changes.filter((change) => change.verb === "add") }),
    });
    const visited = await visitOf(rig, [leaseOf("203.0.113.1", { until: 1 }), leaseOf("203.0.113.2")]);
    expect([visited.changed, shedNames(visited), visited.plan?.keep.map((entry) => entry.id)]).toEqual([[], ["203.0.113.2/32"], ["1"]]);
    // An add by itself would need the room of what stays.
    const noSwap = { capabilities: { swap: { support: "no" } } as unknown as ProviderDefinition["capabilities"] };
    const adding = await rigOf({
      observe: () => ok(observationOf({ ours: [entryOf("1", "203.0.113.1/32")], pools: one })),
      compile: (request) => stepsOf({ ...request, changes: request.changes.filter((change) => change.verb === "add") }),
      definition: noSwap,
    });
    expect((await visitOf(adding, [leaseOf("203.0.113.1", { until: 1 }), leaseOf("203.0.113.2")])).changed).toEqual([]);
    // Orphans whose time has come are no exception.
    const stale = await rigOf({ observe: () => ok(observationOf({ ours: [entryOf("1", "203.0.113.1/32")], pools: one })), compile: () => [] });
    stale.world.memory.target("web").sightings = { [`1|${key("203.0.113.1")}`]: { first: 0, passes: limits.orphanPasses } };
    expect(shedNames(await visitOf(stale, [leaseOf("203.0.113.2")]))).toEqual(["203.0.113.2/32"]);
  });

  test("watch: orphans are counted while nothing is written by choice, and a person's word is read once", async () => {
    const rig = await rigOf({
      observe: () => ok(observationOf({ ours: [entryOf("1", "203.0.113.1/32")], pools })),
      target: { config: { ...targetConfig, mode: "observe" } },
    });
    const memory = rig.world.memory.target("web");
    memory.confirmedOrphans = "0000000000000000";
    await visitOf(rig, []);
    expect([Object.values(memory.sightings).map((one) => one.passes), memory.confirmedOrphans]).toEqual([[1], null]);
    const frozen = await rigOf({ observe: () => ok(observationOf({ ours: [entryOf("1", "203.0.113.1/32")], pools })) });
    const stop = { at: 1, targets: { web: "freeze" as const }, releasedAt: 0 };
    await visitOf(frozen, [], { records: { leases: [], lifts: [], stop, storeId: observationOf().storeId, complete: true, incompleteWhy: null } });
    expect(Object.keys(frozen.world.memory.target("web").sightings).length).toBe(1);
  });

  test("plan: leaves what is under way to the pass that finds it", async () => {
    const rig = await rigOf({ observe: () => ok(observationOf({ pools })) });
    const inFlight = { slots: ["rule 3"], blocks: [] };
    rig.world.memory.target("web").inFlight = inFlight;
    await visitOf(rig, [], { purpose: "plan" });
    expect(rig.world.memory.target("web")).toMatchObject({ inFlight, frozen: {} });
  });

  test("age: what the cloud must show by now is believed no more", async () => {
    const rig = await rigOf({ observe: () => ok(observationOf({ pools })), compile: stepsOf });
    rig.world.memory.target("web").acknowledged = [{ at: startMs + settle - lagMs, adds: [{ id: "1", key: key("203.0.113.1"), partial: null }], removes: [] }];
    expect((await visitOf(rig, [leaseOf("203.0.113.1")])).changed).toEqual([`add ${key("203.0.113.1")}`]);
  });

  test("kept: the time a cloud asked for outlives this life, unless it was only a plan that asked", async () => {
    for (const purpose of ["apply", "plan"] as const) {
      const rig = await rigOf({ observe: () => fail("PROVIDER_THROTTLED", "slow down", { retryAfterSeconds: 30 }) });
      const saved: string[] = [];
      rig.world.memory.saveTarget = async (name) => {
        saved.push(name);
      };
      const visited = await visitOf(rig, [], { purpose });
      expect([saved, visited.error?.code]).toEqual([purpose === "apply" ? ["web"] : [], "PROVIDER_THROTTLED"]);
    }
  });
});
