// When a pass may write, when it may remove, when it costs nothing, and when it comes back.
import { describe, expect, test } from "vitest";
import { barOf, intentOf, mayRemove } from "../../functions/pass/bars.ts";
import { isQuiet, nextDue, nextPassAt, noteFullPass } from "../../functions/pass/schedule.ts";
import type { World } from "../../functions/pass/world.ts";
import { cidrOf } from "../../shared/address/index.ts";
import type { TargetMode } from "../../shared/config.ts";
import type { Lease, StopState } from "../../shared/lease/record.ts";
import { limits } from "../../shared/limits.ts";
import { lagMs, observationOf, requestOf, settle, startMs, targetOf, whole, worldOf } from "./world.ts";

const stopOf = (targets: StopState["targets"]): StopState => ({ at: 5, targets, releasedAt: 0 });

describe("intent", () => {
  test.each<[TargetMode, StopState["targets"], string]>([
    ["enforce", {}, "enforce"],
    ["observe", {}, "observe"],
    ["drain", {}, "drain"],
    ["enforce", { web: "freeze" }, "freeze"],
    ["enforce", { "*": "freeze" }, "freeze"],
    ["observe", { "*": "freeze" }, "freeze"],
    ["drain", { web: "freeze" }, "freeze"],
    ["enforce", { web: "drain" }, "drain"],
    ["enforce", { "*": "drain" }, "drain"],
    ["observe", { web: "drain" }, "observe"],
    ["enforce", { "*": "freeze", web: "drain" }, "drain"],
    ["enforce", { hub: "freeze" }, "enforce"],
  ])("%s with %j is %s", (mode, targets, intent) => {
    expect(intentOf(targetOf("web", mode), { ...whole, stop: stopOf(targets) })).toBe(intent);
  });

  test("own names only: a target named like a member of every object is not stopped by it", () => {
    expect(intentOf(targetOf("constructor"), whole)).toBe("enforce");
  });
});

describe("bars", () => {
  test.each<[string, TargetMode, StopState["targets"], Parameters<typeof observationOf>[0], string | null, string | undefined]>([
    ["nothing", "enforce", {}, {}, whole.storeId, undefined],
    ["observe mode", "observe", {}, {}, whole.storeId, "observed"],
    ["a freeze", "enforce", { "*": "freeze" }, {}, whole.storeId, "held"],
    ["a broken target", "enforce", {}, { terminal: "the ACL is gone" }, whole.storeId, "failed"],
    ["a store without an id", "enforce", {}, {}, null, "pending"],
    ["an unclaimed target", "enforce", {}, { storeId: null }, whole.storeId, "pending"],
    ["another store's target", "enforce", {}, { storeId: "fedcba9876543210" }, whole.storeId, "failed"],
    ["a drain by configuration", "drain", {}, {}, whole.storeId, undefined],
    ["a drain by configuration of another's target", "drain", {}, { storeId: "fedcba9876543210" }, whole.storeId, "failed"],
  ])("%s", async (_, mode, targets, seen, id, state) => {
    const world = await worldOf({ targets: [targetOf("web", mode)] });
    const records = { ...whole, stop: stopOf(targets), storeId: id };
    const bar = barOf(world, targetOf("web", mode), requestOf({ records }), observationOf(seen));
    expect(bar?.state).toBe(state);
    if (seen?.terminal !== undefined) expect(bar?.why).toBe(seen.terminal);
    if (bar !== null) expect(bar.why).not.toBe("");
  });

  test("drain: by configuration at once, and what is not drained waits for no certainty about drains", async () => {
    const world = await worldOf();
    const early = (stopped: StopState["targets"]) => requestOf({ records: { ...whole, stop: stopOf(stopped) }, now: startMs, fresh: "reused" });
    expect(barOf(world, targetOf("web", "drain"), early({ hub: "drain" }), observationOf())).toBeNull();
    expect(barOf(world, targetOf("web"), early({ hub: "drain" }), observationOf())).toBeNull();
  });

  test("drain: by a stop only when it must be the last word: heard in this life, or read afresh after the store has settled", async () => {
    const target = targetOf("web");
    const records = { ...whole, stop: stopOf({ web: "drain" }) };
    const barAt = (world: World, now: number, fresh: "fresh" | "reused") => barOf(world, target, requestOf({ records, now, fresh }), observationOf())?.state;
    const world = await worldOf();
    expect([barAt(world, startMs + settle - 1, "fresh"), barAt(world, startMs + settle, "reused")]).toEqual(["held", "held"]);
    expect(barAt(world, startMs + settle, "fresh")).toBeUndefined();
    await world.memory.remember("stop", { at: 5, targets: { web: "drain" }, releasedAt: 0 }, startMs);
    expect(barAt(world, startMs, "reused")).toBeUndefined();
    await world.memory.remember("stop", { at: 6, targets: {}, releasedAt: 0 }, startMs);
    expect(barAt(world, startMs, "reused")).toBe("held");
  });
});

describe("removals", () => {
  test("need: a fresh and complete listing, memory unbroken for as long as the store may be behind, and a cloud whose clock agrees", async () => {
    const world = await worldOf();
    const at = requestOf();
    const may = (request: Partial<typeof at>, serverDate: number | null = at.now, where: World = world) =>
      mayRemove(where, requestOf(request), observationOf({ serverDate }));
    expect(may({})).toBe(true);
    expect([may({ fresh: "reused" }), may({ records: { ...whole, complete: false } }), may({}, null)]).toEqual([false, false, false]);
    const far = limits.serverClockSkewMs;
    expect([at.now - far + 1, at.now + far - 1].map((date) => may({}, date))).toEqual([true, true]);
    expect([at.now - far, at.now + far].map((date) => may({}, date))).toEqual([false, false]);
    expect(may({ now: startMs + settle - 1 })).toBe(false);
    // Without a coordinator there is no memory to be unbroken.
    expect(may({ now: startMs }, startMs, await worldOf({ continuity: "none" }))).toBe(true);
  });
});

const block: Lease = { key: "k", cidr: cidrOf("203.0.113.7"), at: 0, until: 0, client: "a", severity: "low", targets: null, held: false };

describe("quiet", () => {
  const began = startMs + settle;

  /** A world whose last full pass was clean, and began as soon as memory was old enough. */
  async function quietWorld(): Promise<World> {
    const world = await worldOf({ targets: [targetOf("web"), targetOf("hub")] });
    noteFullPass(world, began, {}, "settled");
    return world;
  }

  test("cost nothing: while nothing can have changed since a clean full pass, until the next is due", async () => {
    const world = await quietWorld();
    expect([isQuiet(world, began), isQuiet(world, began + limits.fullPassMs - 1), isQuiet(world, began + limits.fullPassMs)]).toEqual([true, true, false]);
    expect(isQuiet(await worldOf(), began)).toBe(false);
  });

  test.each<[string, (world: World) => unknown]>([
    ["something was accepted since", (world) => Object.assign(world.memory.core, { changedAt: began })],
    ["a lease came due", (world) => Object.assign(world.memory.core, { nextDueAt: began + 1 })],
    ["another deployment", (world) => Object.assign(world.memory.core, { deployment: "two" })],
    ["memory too young to remove", (world) => Object.assign(world.memory.core, { since: startMs + 1 })],
    ["a write that the pass may not have seen", (world) => Object.assign(world.memory.target("hub"), { lastWriteAt: began - lagMs + 1 })],
    ["a change at work in the cloud, that may be looked at since", (world) => Object.assign(world.memory.target("hub"), { lookAt: began + 1 })],
    ["a removal under way when it began", (world) => Object.assign(world.memory.target("hub"), { leaving: { "1": began + 1 } })],
  ])("not quiet: %s", async (_, change) => {
    const world = await quietWorld();
    change(world);
    expect(isQuiet(world, began + 1)).toBe(false);
  });

  test.each<[string, (world: World) => unknown]>([
    ["accepted before", (world) => Object.assign(world.memory.core, { changedAt: began - 1 })],
    ["due later", (world) => Object.assign(world.memory.core, { nextDueAt: began + 2 })],
    ["a write that was visible", (world) => Object.assign(world.memory.target("hub"), { lastWriteAt: began - lagMs })],
    ["a change that may be looked at later", (world) => Object.assign(world.memory.target("hub"), { lookAt: began + 2 })],
    ["a change that could be looked at", (world) => Object.assign(world.memory.target("hub"), { lookAt: began })],
    ["a removal that was done", (world) => Object.assign(world.memory.target("web"), { leaving: { "1": began } })],
  ])("still quiet: %s", async (_, change) => {
    const world = await quietWorld();
    change(world);
    expect(isQuiet(world, began + 1)).toBe(true);
  });

  test("unclean: tried again with every tick, after half an hour with every second, and clean ones forget it", async () => {
    const world = await quietWorld();
    const { core } = world.memory;
    for (let failures = 1; failures <= 31; failures += 1) {
      noteFullPass(world, began, { web: "broken" }, "unsettled");
      const ticks = failures < 30 ? 1 : 2;
      expect([core.failures, core.retryAt, core.fullClean]).toEqual([failures, began + ticks * limits.tickMs - limits.skewMs, false]);
    }
    expect(core.failed).toEqual({ web: "broken" });
    expect([isQuiet(world, core.retryAt - 1), isQuiet(world, core.retryAt)]).toEqual([true, false]);
    // Only the cloud that was at work had to be waited for.
    world.memory.target("hub").lookAt = began + 2;
    expect([isQuiet(world, began + 1), isQuiet(world, began + 2)]).toEqual([true, false]);
    noteFullPass(world, began + 1, {}, "settled");
    expect(core).toMatchObject({ failures: 0, fullClean: true, failed: {}, fullBeganAt: began + 1, fullEndedAt: startMs, deployment: "one" });
  });
});

describe("coming back", () => {
  test("due: when the first lease that a target must enforce stops to be live, SETTLE after its end", async () => {
    const world = await worldOf({ targets: [targetOf("web"), targetOf("hub")] });
    const leases = [
      { ...block, until: startMs + 9_000 },
      { ...block, until: startMs + 5_000, targets: ["hub"] },
      { ...block, until: startMs + 1_000, targets: ["elsewhere"] },
      { ...block, until: startMs - settle },
      { ...block, until: startMs + 2_000, client: "lifted" },
      { ...block, until: startMs + 3_000, at: 1, held: true },
    ];
    const due = (of: readonly Lease[]) => nextDue(world, { ...whole, leases: of }, (lease) => lease.client === "lifted", startMs);
    expect([due(leases), due(leases.toReversed()), due(leases.slice(2)), due([])]).toEqual([startMs + 5_000 + settle, startMs + 5_000 + settle, null, null]);
  });

  test("next: at once while steps are left; else with the first that is due, thaws, may be asked or looked at; else with the tick", async () => {
    const world = await worldOf({ targets: [targetOf("web"), targetOf("hub")] });
    const web = world.memory.target("web");
    const hub = world.memory.target("hub");
    expect([nextPassAt(world, "done", startMs), nextPassAt(world, "more", startMs)]).toEqual([null, startMs + limits.passSpacingMs]);
    world.memory.core.nextDueAt = startMs + 90;
    expect(nextPassAt(world, "done", startMs)).toBe(startMs + 90);
    web.frozen = { old: startMs, rule: startMs + 80 };
    expect(nextPassAt(world, "done", startMs)).toBe(startMs + 80);
    hub.throttledUntil = startMs + 70;
    expect(nextPassAt(world, "done", startMs)).toBe(startMs + 70);
    hub.lookAt = startMs + 60;
    expect(nextPassAt(world, "done", startMs)).toBe(startMs + 60);
    web.leaving = { "1": startMs + 50 };
    expect(nextPassAt(world, "done", startMs)).toBe(startMs + 50);
    Object.assign(hub, { throttledUntil: startMs, lookAt: startMs - 1 });
    Object.assign(web, { leaving: {}, frozen: { old: startMs } });
    world.memory.core.nextDueAt = null;
    expect(nextPassAt(world, "done", startMs)).toBeNull();
  });

  test("next: what came while the pass went on is not lost; what came before it is over", async () => {
    const world = await worldOf({ targets: [targetOf("web"), targetOf("hub")] });
    const hub = world.memory.target("hub");
    hub.lookAt = startMs - 1_000;
    expect([nextPassAt(world, "done", startMs - 1_000), nextPassAt(world, "done", startMs - 1_001)]).toEqual([null, startMs + limits.passSpacingMs]);
    // The earliest of all still counts.
    world.memory.core.nextDueAt = startMs + 500;
    expect(nextPassAt(world, "done", startMs - 1_001)).toBe(startMs + 500);
  });
});
