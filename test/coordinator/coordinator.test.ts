// What an attacker of the coordinator tried: interleavings, lost memory, repeated messages, colliding keys.
import { describe, expect, test, vi } from "vitest";
import { Coordinator, type Host } from "../../functions/coordinator/coordinator.ts";
import { Memory, volatileStorage } from "../../functions/coordinator/memory.ts";
import { limits } from "../../shared/limits.ts";
import { createProtection } from "../../shared/protect/index.ts";
import { type CoordinatedWorld, newWorld, settle, testConfig } from "./world.ts";

const minute = 60_000;
const hour = 60 * minute;

/** A coordinator over the world's ports, with a host of the test's own. */
async function coordinatorWith(world: CoordinatedWorld, changes: Partial<Host>): Promise<Coordinator> {
  const memory = await Memory.open(volatileStorage(), world.now);
  const { config, clock, kv: store } = world;
  const parts = {
    config,
    deployment: "laws",
    clock,
    store,
    memory,
    log: () => undefined,
    targets: world.targets(world.send),
    protection: createProtection(config.protect),
  };
  const host: Host = {
    schedule: async () => undefined,
    sleep: async () => undefined,
    randomBytes: (count) => new Uint8Array(count),
    heartbeat: async () => undefined,
    ...changes,
  };
  return new Coordinator({ ...parts, continuity: "kept" }, host);
}

describe("passes", () => {
  test("serial: whoever waits for a pass sleeps while its end is being recorded", async () => {
    const world = await newWorld();
    const turns = 2_000;
    const slowly = async () => {
      for (let turn = 0; turn < turns; turn += 1) await null;
    };
    const coordinator = await coordinatorWith(world, { schedule: slowly });
    await coordinator.accept({ client: "detector", items: [world.item("203.0.113.7", hour)], allOrNothing: true, dryRun: false });
    const catches = vi.spyOn(Promise.prototype, "catch");
    await Promise.all([coordinator.tick(), coordinator.tick()]);
    const spins = catches.mock.calls.length;
    catches.mockRestore();
    // A waiter that spins on a settled promise starves the event loop, and what it waits for never happens.
    expect(spins).toBeLessThan(100);
  });

  test("heartbeat: none is sent while a target keeps failing, not even between two tries", async () => {
    const world = await newWorld();
    await world.block("203.0.113.7", 4 * hour);
    await world.advance(minute);
    world.aws.faults.credentialsRevoked = true;
    await world.advance(limits.fullPassMs + minute);
    const { heartbeats } = world;
    await world.advance(hour);
    expect(world.heartbeats - heartbeats).toBe(0);
  });

  test("heartbeat: a quiet tick still names what the last full pass failed on", async () => {
    const world = await newWorld();
    world.aws.faults.credentialsRevoked = true;
    const ticks = [];
    for (let count = 0; count < 60; count += 1) {
      ticks.push(await world.survive((coordinator) => coordinator.tick()));
      world.now += minute;
    }
    expect(ticks.every((tick) => Object.keys(tick?.failed ?? {}).includes("web"))).toBe(true);
    expect(ticks.some((tick) => tick?.quiet === true)).toBe(true);
  });
});

describe("a signed message that failed", () => {
  test("lift: the same message lifts when it is sent again after the store was down", async () => {
    const world = await newWorld();
    await world.block("203.0.113.7", hour);
    await world.advance(5 * minute);
    const request = { keys: ["4:cb007107/32"], client: "*", at: world.now, exemptUntil: null, once: "msg-1" };
    world.kv.down = true;
    expect(await world.survive((coordinator) => coordinator.lift(request))).toBeNull();
    world.kv.down = false;
    const again = await world.survive((coordinator) => coordinator.lift(request));
    await world.advance(5_000);
    expect([again?.repeated, world.blocked("203.0.113.7")]).toEqual([false, false]);
  });

  test("stop: the same message freezes when it is sent again after the store was down", async () => {
    const world = await newWorld();
    const request = { action: "freeze", targets: null, at: world.now, once: "msg-2" } as const;
    world.kv.down = true;
    expect(await world.survive((coordinator) => coordinator.stop(request))).toBeNull();
    world.kv.down = false;
    expect(await world.survive((coordinator) => coordinator.stop(request))).toMatchObject({ targets: { "*": "freeze" }, repeated: false });
    expect(await world.survive((coordinator) => coordinator.stop(request))).toMatchObject({ targets: { "*": "freeze" }, repeated: true });
  });
});

describe("stop", () => {
  test("lost memory: an earlier freeze and an earlier release outlive the next stop", async () => {
    const { targets } = testConfig();
    const web = targets.web as NonNullable<typeof targets.web>;
    const world = await newWorld({ config: { targets: { web, edge: web } } });
    await world.survive((coordinator) => coordinator.stop({ action: "release", targets: null, at: world.now, once: null }));
    const releasedAt = world.now;
    await world.survive((coordinator) => coordinator.stop({ action: "freeze", targets: ["web"], at: world.now, once: null }));
    world.now += hour;
    world.wipe();
    const answer = await world.survive((coordinator) => coordinator.stop({ action: "freeze", targets: ["edge"], at: world.now, once: null }));
    expect(answer).toMatchObject({ targets: { web: "freeze", edge: "freeze" }, releasedAt });
  });
});

describe("stops at once", () => {
  test("stop: two that come in together are both in force", async () => {
    const { targets } = testConfig();
    const web = targets.web as NonNullable<typeof targets.web>;
    const world = await newWorld({ config: { targets: { web, edge: web } } });
    const { coordinator } = await world.life();
    const freeze = (target: string) => coordinator.stop({ action: "freeze", targets: [target], at: world.now, once: null });
    await Promise.all([freeze("web"), freeze("edge")]);
    expect((await coordinator.stop({ action: "release", targets: null, at: world.now, once: null })).targets).toEqual({ web: "freeze", edge: "freeze" });
  });
});

describe("the brake", () => {
  const braking = { brake: { new: 2, perMs: 10 * minute } };

  test("renewal: a longer or severer repeat of a held block stays held", async () => {
    const world = await newWorld({ config: braking });
    await world.block("203.0.113.1", hour);
    await world.block("203.0.113.2", hour);
    expect((await world.block("203.0.113.3", hour))?.status).toBe("held");
    await world.advance(30_000);
    expect((await world.block("203.0.113.3", 4 * hour))?.status).toBe("held");
    expect((await world.block("203.0.113.3", 4 * hour, { severity: "critical" }))?.status).toBe("held");
    await world.advance(5 * minute);
    expect(world.blocked("203.0.113.3")).toBe(false);
  });

  test("release: after it, a repeat of what was held is enforced", async () => {
    const world = await newWorld({ config: braking });
    for (const number of [1, 2, 3]) await world.block(`203.0.113.${number}`, hour);
    await world.advance(11 * minute);
    await world.survive((coordinator) => coordinator.stop({ action: "release", targets: null, at: world.now, once: null }));
    expect((await world.block("203.0.113.3", 4 * hour))?.status).toBe("renewed");
    await world.advance(minute);
    expect(world.blocked("203.0.113.3")).toBe(true);
  });
});

describe("the brake, again", () => {
  test("late event: an event from before the release, reported after it, is held while the brake is on", async () => {
    const world = await newWorld({ config: { brake: { new: 2, perMs: 10 * minute } } });
    await world.advance(10 * minute);
    await world.survive((coordinator) => coordinator.stop({ action: "release", targets: null, at: world.now, once: null }));
    await world.advance(minute);
    for (const number of [1, 2]) await world.block(`203.0.113.${number}`, hour);
    expect((await world.block("203.0.113.3", hour, { at: world.now - 5 * minute }))?.status).toBe("held");
    await world.advance(10 * minute);
    expect(world.blocked("203.0.113.3")).toBe(false);
    await world.survive((coordinator) => coordinator.stop({ action: "release", targets: null, at: world.now, once: null }));
    await world.advance(minute);
    expect(world.blocked("203.0.113.3")).toBe(true);
  });
});

describe("the store's room", () => {
  test("listing: ended records and lifts count against what one pass can read", async () => {
    const world = await newWorld();
    for (const number of [1, 2, 3]) await world.block(`203.0.113.${number}`, 5 * minute);
    await world.lift("203.0.113.3");
    await world.advance(30 * minute);
    expect((await world.storage.load()).get("core")).toMatchObject({ listed: 4 });
  });

  test("room: beyond what one pass can read, neither a new block nor a renewal is taken", async () => {
    const world = await newWorld();
    await world.block("203.0.113.1", hour);
    await world.advance(30 * minute);
    const core = (await world.storage.load()).get("core") as Record<string, number>;
    world.evict();
    await world.storage.put("core", { ...core, listed: limits.listPagesMax * 1_000 });
    const judged = [await world.block("203.0.113.2", hour), await world.block("203.0.113.1", hour)];
    expect(judged).toMatchObject([
      { status: "limited", limit: "store" },
      { status: "limited", limit: "store" },
    ]);
  });
});

describe("records", () => {
  test("same end: two selections of targets that end at once are both kept", async () => {
    const { targets } = testConfig();
    const web = targets.web as NonNullable<typeof targets.web>;
    const world = await newWorld({ config: { targets: { web, edge: { ...web, mode: "observe" } } } });
    await world.block("203.0.113.7", hour, { targets: ["web"] });
    await world.block("203.0.113.7", hour, { targets: ["edge"] });
    await world.advance(30 * minute);
    expect(world.blocked("203.0.113.7")).toBe(true);
    const told = await world.survive((coordinator) => coordinator.explain("4:cb007107/32"));
    expect(Object.keys(told?.exact?.states ?? {}).sort()).toEqual(["edge", "web"]);
  });

  test("lift: a second lift says that there was nothing left to lift", async () => {
    const world = await newWorld();
    await world.block("203.0.113.7", hour);
    expect((await world.lift("203.0.113.7"))?.items[0]?.lifted).toBe(1);
    await world.advance(1_000);
    expect((await world.lift("203.0.113.7"))?.items[0]?.lifted).toBe(0);
  });
});

describe("lost memory", () => {
  test("feed: a listing that may be behind is not called complete", async () => {
    const world = await newWorld({ lag: () => limits.workersKvStalenessMs });
    await world.advance(5 * minute);
    await world.block("203.0.113.7", hour);
    await world.advance(10_000);
    world.wipe();
    await world.survive((coordinator) => coordinator.tick());
    const snapshot = await world.survive((coordinator) => coordinator.snapshot());
    const listed = snapshot?.blocks.some((row) => row.key === "4:cb007107/32") ?? false;
    expect(listed || snapshot?.complete === false).toBe(true);
    await world.advance(settle + minute);
    expect((await world.survive((coordinator) => coordinator.snapshot()))?.complete).toBe(true);
  });
});
