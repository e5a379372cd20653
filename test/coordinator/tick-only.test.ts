// What an attacker of life without a coordinator tried: KV and cron alone, every tick a new process.
import { describe, expect, test } from "vitest";
import type { CoordinatorApi } from "../../functions/coordinator/contract.ts";
import { newProcessData, type ProcessData, tickOnlyCoordinator } from "../../functions/coordinator/tick-only.ts";
import { limits } from "../../shared/limits.ts";
import { createProtection } from "../../shared/protect/index.ts";
import { aclId } from "../simulators/aws-fixtures.ts";
import { type CoordinatedWorld, newWorld } from "./world.ts";

const minute = 60_000;

/** One process: what it accepted lately is its own. */
function processOf(world: CoordinatedWorld, shared: ProcessData = newProcessData()): CoordinatorApi {
  const { config, clock, kv: store } = world;
  const protection = createProtection(config.protect);
  return tickOnlyCoordinator({
    world: async () => ({ config, deployment: "laws", clock, store, protection, log: () => undefined, targets: world.targets(world.send) }),
    host: { randomBytes: (count) => new Uint8Array(count), heartbeat: async () => undefined },
    shared,
  });
}

async function tickFor(world: CoordinatedWorld, minutes: number): Promise<void> {
  for (let count = 0; count < minutes; count += 1) {
    world.now += minute;
    await processOf(world).tick();
  }
}

async function accept(world: CoordinatedWorld, ip: string, forMs: number): Promise<string | undefined> {
  const answer = await processOf(world).accept({ client: "detector", items: [world.item(ip, forMs)], allOrNothing: true, dryRun: false });
  return answer.items[0]?.status;
}

describe("KV and cron alone", () => {
  test("life: a block stands after a tick, and is gone after its end", async () => {
    const world = await newWorld();
    await accept(world, "203.0.113.7", 10 * minute);
    await tickFor(world, 1);
    expect(world.blocked("203.0.113.7")).toBe(true);
    await tickFor(world, 13);
    expect(world.ours()).toEqual([]);
  });

  test("serial: a tick beside another of its process is left out, and an operator who asks is told; other processes know nothing of it", async () => {
    const world = await newWorld();
    await accept(world, "203.0.113.7", 60 * minute);
    world.now += minute;
    const shared = newProcessData();
    const began = processOf(world, shared).tick();
    expect(await processOf(world, shared).tick()).toEqual({ failed: {}, quiet: true });
    await expect(processOf(world, shared).reconcile(null)).rejects.toMatchObject({ code: "NOT_READY" });
    expect(await began).toMatchObject({ failed: {}, quiet: false });
    expect(world.blocked("203.0.113.7")).toBe(true);
    // The next one has its turn.
    expect(await processOf(world, shared).tick()).toMatchObject({ failed: {}, quiet: false });
  });

  test.each([
    ["was cut off a tick and a half ago", 90_000, true],
    ["began a minute ago", 60_000, false],
    ["began later than now, by a clock that was set back", -1, true],
  ])("serial: a tick goes on beside one that %s: %s ms, %s", async (_what, agoMs, goesOn) => {
    const world = await newWorld();
    await accept(world, "203.0.113.7", 60 * minute);
    world.now += minute;
    const shared = { ...newProcessData(), passBeganAt: world.now - agoMs };
    await processOf(world, shared).tick();
    expect(world.blocked("203.0.113.7")).toBe(goesOn);
    expect(shared.passBeganAt).toBe(goesOn ? null : world.now - agoMs);
  });

  test("idle: ticks write the snapshot at most every five minutes, and that often enough to be ready", async () => {
    const world = await newWorld();
    await tickFor(world, 5);
    const { puts } = world.kv.counts;
    for (let count = 0; count < 60; count += 1) {
      await tickFor(world, 1);
      expect(world.now - ((await processOf(world).snapshot())?.fullAt ?? 0)).toBeLessThan(limits.readyMs);
    }
    expect(world.kv.counts.puts - puts).toBeLessThanOrEqual(60 / (limits.fullPassMs / minute) + 1);
  });

  test("memory: what one tick saw is known to the next, so that orphans are counted and go", async () => {
    const world = await newWorld();
    await tickFor(world, 2);
    world.aws.acl(aclId).create({ number: 5, egress: false, cidr: "203.0.113.77/32", action: "deny" });
    await tickFor(world, 10);
    expect(world.ours()).toHaveLength(1);
    await tickFor(world, 8);
    expect(world.ours()).toEqual([]);
  });

  test("unreadable snapshot: accepting and ticking go on, and it is replaced", async () => {
    const world = await newWorld();
    await world.kv.put("snapshot", "{no json", { metadata: {}, expiresAtMs: null });
    expect(await accept(world, "203.0.113.7", 60 * minute)).toBe("created");
    await tickFor(world, 1);
    expect([world.blocked("203.0.113.7"), (await processOf(world).snapshot())?.blocks.length]).toEqual([true, 1]);
  });

  test("return: without a coordinator too, whoever comes back within what the stored snapshot knows is blocked for longer", async () => {
    const world = await newWorld();
    const { detector } = world.config.clients;
    const escalate = { factor: 4, maxMs: 30 * 24 * 60 * minute, memoryMs: 30 * 24 * 60 * minute };
    world.config = { ...world.config, clients: { ...(detector === undefined ? {} : { detector: { ...detector, escalate } }) } };
    await accept(world, "203.0.113.7", 10 * minute);
    await tickFor(world, 20);
    const answer = await processOf(world).accept({
      client: "detector",
      items: [world.item("203.0.113.7", 10 * minute)],
      allOrNothing: true,
      dryRun: false,
    });
    expect(answer.items[0]).toMatchObject({ until: world.now + 40 * minute, escalated: { offence: 1 } });
  });

  test("stops: two processes that stop different targets do not undo each other", async () => {
    const world = await newWorld();
    const { web } = world.config.targets;
    world.config = { ...world.config, targets: { ...(web === undefined ? {} : { web, edge: web }) } };
    await processOf(world).stop({ action: "freeze", targets: ["web"], at: world.now, once: null });
    world.now += minute;
    const answer = await processOf(world).stop({ action: "freeze", targets: ["edge"], at: world.now, once: null });
    expect(answer.targets).toEqual({ web: "freeze", edge: "freeze" });
  });
});
