// What a whole pass says and keeps: what failed and in which words, what it counted, in which order the targets were asked, and when all of it was
// last whole.
import { describe, expect, test, vi } from "vitest";
import { isQuiet } from "../../functions/pass/schedule.ts";
import type { World } from "../../functions/pass/world.ts";
import { pass } from "../../functions/reconcile.ts";
import { cidrOf } from "../../shared/address/index.ts";
import { fail, ok } from "../../shared/errors.ts";
import { eventMetadata } from "../../shared/event/record.ts";
import { eventKey, leaseMetadata, liftKey, liftMetadata } from "../../shared/keys.ts";
import type { Lift } from "../../shared/lease/record.ts";
import { limits } from "../../shared/limits.ts";
import type { Observation } from "../../shared/provider.ts";
import { newTrace } from "../../shared/trace.ts";
import { leaseOf, setUp, stored, type Told, taken, toldOf } from "./by-hand.ts";
import { key, pools } from "./rig.ts";
import { entryOf, observationOf, settle, startMs, storeId } from "./world.ts";

const trace = newTrace({ bytes: (count) => new Uint8Array(count).fill(7) });
const done = ({ logs }: Told) => logs.filter(({ event }) => event === "pass.done");
const down = () => fail("PROVIDER_UNAVAILABLE", "no answer");
const seen = (changes: Partial<Observation>) => ok(observationOf({ pools, ...changes }));

describe("what went wrong", () => {
  test("failed: each target by its name, with code and words; the others are visited", async () => {
    const told = await toldOf({ web: { observe: down }, api: {} }, [leaseOf("203.0.113.7")]);
    const report = await pass(told.world, "asked");
    expect(report.failed).toEqual({ web: "PROVIDER_UNAVAILABLE: no answer" });
    expect(report.visits.map(({ target, changed }) => [target.name, changed])).toEqual([
      ["web", []],
      ["api", [`add ${key("203.0.113.7")}`]],
    ]);
    expect(told.world.memory.core).toMatchObject({ failed: report.failed, fullClean: false });
  });

  test("failed: a target of another store, and one that was never claimed, are a person's to mend", async () => {
    const told = await toldOf({ web: { observe: () => seen({ storeId: "fedcba9876543210" }) }, api: { observe: () => seen({ storeId: null }) } });
    const { failed } = await pass(told.world, "asked");
    expect(failed.web).toMatch(/^OWNERSHIP_CONFLICT: the target belongs to store fedcba9876543210/);
    expect(failed.api).toMatch(/^OWNERSHIP_CONFLICT: the target was never claimed/);
    expect(told.world.memory.core.fullClean).toBe(false);
  });

  test("failed: nothing is, where a person chose that nothing is written", async () => {
    const told = await toldOf({ web: { config: { mode: "observe" } } }, [leaseOf("203.0.113.7")]);
    expect(await pass(told.world, "asked")).toMatchObject({ failed: {} });
    expect(told.world.memory.core.fullClean).toBe(true);
  });

  test("failed: more entries without a record than may go unasked", async () => {
    const ours = Array.from({ length: 9 }, (_, at) => entryOf(`r${at}`, `203.0.113.${at * 2}`));
    const told = await toldOf({ web: { observe: () => seen({ ours, serverDate: startMs + settle }) } });
    expect((await pass(told.world, "asked")).failed).toEqual({
      web: expect.stringMatching(/^PLAN_UNSAFE: 9 entries of ours have no record, too many .* digest \S+$/),
    });
  });

  test("failed: the store that is not whole, by why; the same words do not come of what is known already", async () => {
    const told = await toldOf({ web: {} });
    told.keys = [];
    const fresh = await pass(told.world, "asked");
    expect(fresh.failed).toMatchObject({ store: expect.stringMatching(/^the store has no id/), web: expect.stringMatching(/^OWNERSHIP_CONFLICT/) });
    const reused = await pass(told.world, "accepted");
    expect(reused.failed.store).toBeUndefined();
  });

  test("failed: the store that does not answer, and then nothing goes", async () => {
    const told = await toldOf({ web: {} });
    const broken = { ...told.world, store: { ...told.world.store, list: async () => Promise.reject(new Error("gone")) } };
    const report = await pass(broken, "tick");
    expect(report.failed).toMatchObject({ store: "the store could not be listed" });
    expect(told.world.memory.core).toMatchObject({ fullClean: false, listed: 0 });
    expect(told.world.memory.snapshot).toMatchObject({ fullAt: null, complete: false });
  });

  test("failed: one cloud at work among others is no failure, and yet nothing is settled", async () => {
    const told = await toldOf({ web: { observe: () => fail("PROVIDER_PENDING", "another change is under way") }, api: {} });
    expect((await pass(told.world, "asked")).failed).toEqual({});
    expect(told.world.memory.core.fullClean).toBe(false);
  });

  test("failed: a cloud at work is none until it has been for too long, from when it was last seen, or from the start of memory", async () => {
    let isAtWork = true;
    const pending = fail("PROVIDER_PENDING", "another change is under way");
    const told = await toldOf({ web: { observe: () => (isAtWork ? pending : seen({})) } });
    const failedAt = async (now: number) => {
      told.now = now;
      return (await pass(told.world, "asked")).failed;
    };
    const failed = { web: "PROVIDER_PENDING: another change is under way" };
    expect(await failedAt(startMs + limits.readyMs - 1)).toEqual({});
    // Nothing failed, and yet it is not settled: it is looked at with the next tick.
    expect(told.world.memory.core.fullClean).toBe(false);
    expect(await failedAt(startMs + limits.readyMs)).toEqual(failed);
    isAtWork = false;
    expect(await failedAt(startMs + limits.readyMs + 1)).toEqual({});
    isAtWork = true;
    expect(await failedAt(startMs + 2 * limits.readyMs)).toEqual({});
    expect(await failedAt(startMs + 2 * limits.readyMs + 1)).toEqual(failed);
    // A target that the last pass did not know.
    const { memory } = told.world;
    memory.snapshot = memory.snapshot === null ? null : { ...memory.snapshot, targets: {} };
    expect(await failedAt(startMs + 2 * limits.readyMs + 1)).toEqual(failed);
  });
});

describe("who is asked when", () => {
  test("order: targets of one serial key one after the other, others side by side", async () => {
    const told = await toldOf({ a: { serialKey: "one" }, b: { serialKey: "one" }, c: { serialKey: "two" } });
    const { visits } = await pass(told.world, "asked");
    expect(visits.map(({ target }) => target.name)).toEqual(["a", "b", "c"]);
    expect(told.order.indexOf("b asks")).toBeGreaterThan(told.order.indexOf("a is done"));
    expect(told.order.indexOf("c asks")).toBeLessThan(told.order.indexOf("a is done"));
  });

  test("order: three of one key do not overtake each other", async () => {
    const told = await toldOf({ a: { serialKey: "one" }, b: { serialKey: "one" }, c: { serialKey: "one" } });
    await pass(told.world, "asked");
    expect(told.order).toEqual(["a", "b", "c"].flatMap((name) => [`${name} asks`, `${name} is done`]));
  });

  test("order: into whom others spill comes after them, and takes what they have no room for", async () => {
    const none = () => seen({ pools: [{ name: "rules", families: [4], limit: 0 }], serverDate: startMs + settle });
    const told = await toldOf({ below: {}, above: { config: { spill: "below" }, observe: none } }, [leaseOf("203.0.113.7", { targets: ["above"] })]);
    const { visits } = await pass(told.world, "asked");
    expect(told.order).toEqual(["above asks", "above is done", "below asks", "below is done"]);
    expect(visits.map(({ target, changed }) => [target.name, changed])).toEqual([
      ["below", [`add ${key("203.0.113.7")}`]],
      ["above", []],
    ]);
  });

  test("budget: the calls of a pass are shared among its targets, and each has two at least", async () => {
    const many = Array.from({ length: 9 }, (_, at) => leaseOf(`203.0.113.${at * 2}`));
    for (const [count, calls] of [
      [1, 10],
      [9, 5],
      [15, 3],
      [40, 2],
    ] as const) {
      const told = await toldOf(Object.fromEntries(Array.from({ length: count }, (_, at) => [`t${at}`, {}])), many);
      const report = await pass(told.world, "asked");
      expect([count, ...new Set(report.visits.map(({ callsMade }) => callsMade))]).toEqual([count, calls]);
      expect(report.more).toBe(count === 1 ? "done" : "more");
    }
  });

  test("budget: without targets there is nothing to do, and that is well", async () => {
    const told = await toldOf({}, [leaseOf("203.0.113.7")]);
    expect(await pass(told.world, "asked")).toMatchObject({ visits: [], failed: {}, more: "done" });
    expect(told.world.memory.snapshot?.blocks).toHaveLength(1);
  });
});

describe("what is told and counted", () => {
  test("told: one line with what was done, by whom it was woken and how long it took", async () => {
    const told = await toldOf({ web: {}, api: {} }, [leaseOf("203.0.113.7"), leaseOf("203.0.113.9")]);
    await pass(told.world, "asked");
    expect(done(told)).toEqual([
      { level: "info", event: "pass.done", wake: "asked", owner: "ours", leases: 2, failed: {}, targets: 2, steps: 4, pending: 0, calls: 6, duration_ms: 0 },
    ]);
  });

  test("told: what waits, and how long the pass took", async () => {
    const told = await toldOf(
      {
        web: {
          observe: () => {
            told.now += 1_234;
            return seen({ serverDate: told.now });
          },
          answer: taken,
        },
      },
      [leaseOf("203.0.113.7")],
    );
    await pass(told.world, "tick");
    expect(done(told)).toMatchObject([{ wake: "tick", steps: 0, pending: 1, calls: 2, duration_ms: 1_234 }]);
  });

  test.each(["tick", "asked", "due", "accepted"] as const)(
    "told: what failed is an error, unless new leases woke it, whose tick will tell: %s",
    async (wake) => {
      const told = await toldOf({ web: { observe: down } });
      await pass(told.world, wake);
      expect(done(told)).toMatchObject([{ wake, level: wake === "accepted" ? "info" : "error" }]);
      expect(told.world.memory.core.fullBeganAt).toBe(wake === "accepted" ? null : told.now);
    },
  );

  test("told: whose work it was, where it takes in more than one request's", async () => {
    const cause = { trace, links: ["x", "y"], linksTotal: 40 };
    const told = await toldOf({ web: {} }, [], { cause });
    await pass(told.world, "asked");
    expect(done(told)).toMatchObject([{ links: ["x", "y"], links_total: 40 }]);
    const alone = await toldOf({ web: {} }, [], { cause: { ...cause, links: [], linksTotal: 0 } });
    await pass(alone.world, "asked");
    expect(Object.keys(done(alone)[0] ?? {})).not.toContain("links_total");
  });

  test("counted: passes by what woke them, and remote calls by their answers, once", async () => {
    const told = await toldOf({ web: {}, api: {} });
    const [web] = told.world.targets;
    if (web !== undefined) web.calls.ended = { "2xx": 3, none: 1 };
    await pass(told.world, "asked");
    await pass(told.world, "asked");
    await pass(told.world, "due");
    expect(told.world.memory.counters.read()).toMatchObject({
      'portcullis_passes_total{wake="asked"}': 2,
      'portcullis_passes_total{wake="due"}': 1,
      'portcullis_remote_calls_total{target="web",answer="2xx"}': 3,
      'portcullis_remote_calls_total{target="web",answer="none"}': 1,
    });
    expect(web?.calls.ended).toEqual({});
  });

  test("quiet: a tick when nothing can have changed does nothing, says so softly, and names when to come back", async () => {
    const told = await toldOf({ web: {} }, [leaseOf("203.0.113.7")]);
    await pass(told.world, "asked");
    await pass(told.world, "asked");
    told.now += 1_000;
    expect(isQuiet(told.world, told.now)).toBe(true);
    const [asked, logged] = [told.order.length, told.logs.length];
    const report = await pass(told.world, "tick");
    expect(report).toEqual({ quiet: true, visits: [], failed: {}, more: "done", againAt: startMs + 21 * settle });
    expect(told.logs.slice(logged)).toEqual([{ level: "debug", event: "tick.quiet", failed: {} }]);
    expect(told.order).toHaveLength(asked);
    // Only a tick asks whether it is worth it.
    expect(await pass(told.world, "due")).toMatchObject({ quiet: false });
  });
});

describe("what is kept", () => {
  test("listed: how many records there are, and how many leases of whom; only what was read afresh counts", async () => {
    const leases = [leaseOf("203.0.113.7"), leaseOf("203.0.113.8"), leaseOf("203.0.113.7", { client: "b" })];
    const cidr = cidrOf("203.0.113.99");
    const lift: Lift = { key: liftKey(cidr, startMs, "*"), cidr, at: startMs, client: "*", exemptUntil: null };
    const told = await toldOf({ web: {} }, leases);
    told.keys = [...told.keys, { name: lift.key, metadata: liftMetadata(lift) }];
    const { core } = told.world.memory;
    await pass(told.world, "asked");
    expect([core.listed, core.listedBy, core.storeId]).toEqual([4, { a: 2, b: 1 }, storeId]);
    const late = leaseOf("203.0.113.70");
    await told.world.memory.remember(late.key, leaseMetadata(late), told.now);
    await pass(told.world, "accepted");
    expect([core.listed, core.listedBy]).toEqual([4, { a: 2, b: 1 }]);
    await pass(told.world, "asked");
    expect([core.listed, core.listedBy]).toEqual([5, { a: 3, b: 1 }]);
  });

  test("listed: events are records as well", async () => {
    const told = await toldOf({ web: {} }, [leaseOf("203.0.113.7")]);
    const { core } = told.world.memory;
    const summary = { receivedAt: startMs, updatedAt: startMs, state: "done", client: "a", source: "falco", type: "t", playbooks: [], firings: [] } as const;
    const events = ["a", "b", "c"].map((letter) => ({ name: eventKey(letter.repeat(32)), metadata: eventMetadata({ id: letter.repeat(32), ...summary }) }));
    told.keys = [...told.keys, ...events];
    await pass(told.world, "asked");
    expect(core.listed).toBe(4);
    told.keys = [setUp];
    await pass(told.world, "accepted");
    expect(core.listed).toBe(4);
    await pass(told.world, "asked");
    expect([core.listed, core.listedBy]).toEqual([0, {}]);
  });

  test("listed: who keeps events hears of each fresh listing, whether it was whole, and when it began", async () => {
    const heard: unknown[] = [];
    const onListed: World["onListed"] = async (events, how) => void heard.push([events, how]);
    const told = await toldOf({ web: {} }, [], { onListed });
    const beganAt = told.now;
    await pass(told.world, "asked");
    await pass(told.world, "accepted");
    told.keys = [];
    await pass(told.world, "asked");
    expect(heard).toEqual([
      [[], { whole: true, beganAt }],
      [[], { whole: false, beganAt }],
    ]);
  });

  test("whole: the last whole pass is remembered by its end, through passes that are not", async () => {
    const told = await toldOf({
      web: {
        observe: () => {
          told.now += 100;
          return seen({ serverDate: told.now });
        },
      },
    });
    const fullAt = () => told.world.memory.snapshot?.fullAt;
    await pass(told.world, "asked");
    const first = startMs + settle + 100;
    expect([fullAt(), told.world.memory.snapshot?.at]).toEqual([first, first]);
    await pass(told.world, "accepted");
    expect(fullAt()).toBe(first);
    told.keys = [];
    await pass(told.world, "asked");
    expect(fullAt()).toBe(first);
    told.keys = [setUp];
    await pass(told.world, "asked");
    expect(fullAt()).toBe(first + 300);
    expect(told.world.memory.core.fullBeganAt).toBe(first + 200);
  });

  test("due: a full pass knows when the next lease ends; one woken by new leases only brings it forward", async () => {
    const told = await toldOf({ web: {} }, [leaseOf("203.0.113.7")]);
    const { core } = told.world.memory;
    await pass(told.world, "asked");
    expect(core.nextDueAt).toBe(startMs + 21 * settle);
    const late = leaseOf("203.0.113.8", { until: startMs + 30 * settle });
    const soon = leaseOf("203.0.113.9", { until: startMs + 10 * settle });
    for (const [lease, due] of [
      [late, 21],
      [soon, 11],
    ] as const) {
      await told.world.memory.remember(lease.key, leaseMetadata(lease), told.now);
      await pass(told.world, "accepted");
      expect(core.nextDueAt).toBe(startMs + due * settle);
    }
    told.keys = [setUp, stored(late)];
    told.now += 2 * settle;
    await pass(told.world, "asked");
    expect(core.nextDueAt).toBe(startMs + 11 * settle);
  });

  test("traces: of what was taken in are let go; while a target waits they are kept, for one round of full passes", async () => {
    let isDown = true;
    const told = await toldOf({ web: { observe: () => (isDown ? down() : seen({ serverDate: told.now })) }, api: {} });
    const { memory } = told.world;
    const lease = leaseOf("203.0.113.7");
    const begin = told.now;
    const remember = () => memory.remember(lease.key, leaseMetadata(lease), told.now, trace);
    await remember();
    await pass(told.world, "accepted");
    expect([memory.traces.names().size, memory.core.tracedAt]).toEqual([1, 0]);
    told.now = begin + limits.fullPassMs;
    await pass(told.world, "asked");
    expect(memory.traces.names().size).toBe(1);
    told.now += 1;
    await pass(told.world, "asked");
    expect(memory.traces.names().size).toBe(0);
    await remember();
    isDown = false;
    await pass(told.world, "asked");
    expect([memory.traces.names().size, memory.core.tracedAt]).toEqual([0, told.now]);
  });

  test("traces: while a step waits for calls they are kept as well", async () => {
    const many = Array.from({ length: 9 }, (_, at) => leaseOf(`203.0.113.${at * 2}`));
    const told = await toldOf(Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`t${at}`, {}])), many);
    const { memory } = told.world;
    const lease = leaseOf("203.0.113.0");
    await memory.remember(lease.key, leaseMetadata(lease), told.now, trace);
    const { visits } = await pass(told.world, "asked");
    expect(visits.map(({ error, pending }) => [error, pending.length])).toEqual(visits.map(() => [null, 5]));
    expect(memory.traces.names().size).toBe(1);
  });

  test("offences: every pass lets the memory of them learn from the records", async () => {
    const lease = leaseOf("203.0.113.7");
    const told = await toldOf({ web: {} }, [lease]);
    const learn = vi.spyOn(told.world.memory.offences, "learn");
    await pass(told.world, "asked");
    expect(learn.mock.calls.map(([records, , config, now]) => [records.leases.map((one) => one.key), config, now])).toEqual([
      [[lease.key], told.world.config, told.now],
    ]);
  });

  test("traces: what comes while a pass goes on is the next one's", async () => {
    const late = leaseOf("203.0.113.9");
    let isLate = true;
    const told = await toldOf({
      web: {
        observe: async () => {
          if (isLate) await told.world.memory.remember(late.key, leaseMetadata(late), told.now, trace);
          isLate = false;
          return seen({ serverDate: told.now });
        },
      },
    });
    await pass(told.world, "asked");
    expect([...told.world.memory.traces.names()]).toEqual([late.key]);
    await pass(told.world, "asked");
    expect(told.world.memory.traces.names().size).toBe(0);
  });
});
