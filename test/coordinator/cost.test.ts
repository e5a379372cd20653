// What a pass may cost and when it must happen all the same: quiet ticks, bursts, throttling, lowered limits.
import { describe, expect, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import { aclId } from "../simulators/aws-fixtures.ts";
import { type CoordinatedWorld, newWorld, testConfig } from "./world.ts";

const minute = 60_000;
const hour = 60 * minute;
const ip = "203.0.113.7";
const web = testConfig().targets.web as NonNullable<ReturnType<typeof testConfig>["targets"]["web"]>;

const tick = (world: CoordinatedWorld) => world.survive((coordinator) => coordinator.tick());
const describes = (world: CoordinatedWorld) => world.aws.calls("DescribeNetworkAcls");

describe("quiet", () => {
  test("idle: an hour costs one listing and one look in five minutes, and no write", async () => {
    const world = await newWorld();
    await world.block(ip, 24 * hour);
    await world.advance(20 * minute);
    const before = { lists: world.kv.counts.lists, puts: world.kv.counts.puts, looks: describes(world), writes: world.aws.writes };
    await world.advance(hour);
    const most = hour / limits.fullPassMs + 1;
    expect(world.kv.counts.lists - before.lists).toBeLessThanOrEqual(most);
    expect(describes(world) - before.looks).toBeLessThanOrEqual(most);
    expect([world.kv.counts.puts - before.puts, world.aws.writes - before.writes]).toEqual([0, 0]);
  });

  test("change: a tick enforces what was accepted when its alarm never came", async () => {
    const world = await newWorld();
    await world.advance(10 * minute);
    await tick(world);
    world.now += 1_000;
    await world.block(ip, hour);
    world.alarmAt = null;
    await tick(world);
    expect(world.blocked(ip)).toBe(true);
  });

  test("own write: the tick after a pass that wrote looks once more, and the next is quiet", async () => {
    const world = await newWorld();
    await world.block(ip, 24 * hour);
    await world.advance(20 * minute);
    world.aws.acl(aclId).delete(1, false);
    await world.survive((coordinator) => coordinator.reconcile(null));
    expect(world.blocked(ip)).toBe(true);
    const looks: number[] = [];
    for (let count = 0; count < 3; count += 1) {
      const before = describes(world);
      world.now += minute;
      await tick(world);
      looks.push(describes(world) - before);
    }
    expect(looks).toEqual([1, 0, 0]);
  });
});

describe("burst", () => {
  test("listings: a burst of new blocks lists nothing and becomes few passes", async () => {
    const world = await newWorld();
    await world.advance(10 * minute + 1_000);
    await world.block("203.0.113.99", hour);
    await world.advance(2_000);
    const before = { lists: world.kv.counts.lists, looks: describes(world) };
    for (let number = 1; number <= 15; number += 1) {
      await world.block(`203.0.113.${number}`, hour);
      await world.advance(200);
    }
    await world.advance(2_000);
    expect([world.kv.counts.lists - before.lists, world.ours().length]).toEqual([0, 16]);
    expect(describes(world) - before.looks).toBeLessThanOrEqual(6);
  });
});

describe("budget", () => {
  test("calls: one pass makes no more than its share for a target, and the next go on", async () => {
    const names = ["web", "b", "c", "d", "e", "f", "g", "h"];
    const world = await newWorld({
      config: { targets: Object.fromEntries(names.map((name) => [name, name === "web" ? web : { ...web, mode: "observe" as const }])) },
    });
    await world.advance(10 * minute);
    for (let number = 1; number <= 15; number += 1) await world.block(`203.0.113.${number}`, hour);
    await world.survive((coordinator) => coordinator.reconcile(null));
    expect(world.ours()).toHaveLength(Math.floor(limits.passCallsMax / names.length) - 1);
    await world.advance(10_000);
    expect(world.ours()).toHaveLength(15);
  });
});

describe("full", () => {
  test("equals: what stands is displaced neither by an older event of its severity nor by a lighter one", async () => {
    const world = await newWorld();
    for (let number = 1; number <= 18; number += 1) await world.block(`203.0.113.${2 * number}`, 4 * hour);
    await world.advance(10 * minute);
    const { writes } = world.aws;
    await world.block("203.0.113.98", 4 * hour, { at: world.now - 30 * minute });
    await world.block("203.0.113.101", 4 * hour, { severity: "low" });
    await world.advance(10 * minute);
    const snapshot = await world.survive((coordinator) => coordinator.snapshot());
    expect([world.aws.writes - writes, snapshot?.targets.web?.shed]).toEqual([0, ["203.0.113.98/32", "203.0.113.101/32"]]);
  });
});

describe("throttling", () => {
  test("asked to wait: the cloud is left alone until then, whoever asks for a pass, and is told so", async () => {
    const world = await newWorld();
    await world.advance(10 * minute + 1_000);
    world.aws.faults.next.push({ action: "CreateNetworkAclEntry", mishap: { kind: "throttle", status: 503, retryAfterSeconds: 50 } });
    await world.block(ip, hour);
    await world.advance(1_000);
    const before = world.aws.calls();
    await world.block("203.0.113.8", hour);
    await world.survive((coordinator) => coordinator.reconcile(null));
    await world.advance(40_000);
    const snapshot = await world.survive((coordinator) => coordinator.snapshot());
    expect([world.aws.calls() - before, snapshot?.targets.web?.error?.code]).toEqual([0, "PROVIDER_THROTTLED"]);
    await world.advance(2 * minute);
    expect([world.blocked(ip), world.blocked("203.0.113.8")]).toEqual([true, true]);
  });
});

describe("lowered limits", () => {
  test("maxEntries: what is beyond it goes, the least severe first, and is shed by name", async () => {
    const world = await newWorld();
    for (let number = 1; number <= 8; number += 1) await world.block(`203.0.113.${2 * number}`, hour, { severity: number > 4 ? "high" : "low" });
    await world.advance(10 * minute);
    world.config = testConfig({ targets: { web: { ...web, maxEntries: 4 } } });
    world.evict();
    await world.advance(limits.fullPassMs + minute);
    expect(
      world
        .ours()
        .map((entry) => entry.cidr)
        .sort(),
    ).toEqual([10, 12, 14, 16].map((number) => `203.0.113.${number}/32`));
    const snapshot = await world.survive((coordinator) => coordinator.snapshot());
    expect(snapshot?.targets.web?.shed).toHaveLength(4);
  });
});
