// The promises of the product, held one by one in a simulated world: stale store, real AWS rules, virtual time.
import { describe, expect, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import { aclId } from "../simulators/aws-fixtures.ts";
import { newWorld, settle } from "./world.ts";

const minute = 60_000;
const hour = 60 * minute;

describe("P1 durable", () => {
  test("accept: an accepted block stands after one pass", async () => {
    const world = await newWorld();
    expect((await world.block("203.0.113.7", hour))?.status).toBe("created");
    await world.advance(0);
    expect(world.blocked("203.0.113.7")).toBe(true);
  });

  test("accept: after memory was lost at once, the block stands within SETTLE + 2 ticks", async () => {
    const world = await newWorld({ lag: () => limits.workersKvStalenessMs });
    await world.block("203.0.113.7", hour);
    world.wipe();
    await world.advance(settle + 2 * minute);
    expect(world.blocked("203.0.113.7")).toBe(true);
  });

  test("accept: when the store is down nothing is promised and nothing stands", async () => {
    const world = await newWorld();
    world.kv.down = true;
    expect(await world.block("203.0.113.7", hour)).toBeNull();
    world.kv.down = false;
    await world.advance(10 * minute);
    expect(world.ours()).toEqual([]);
  });
});

describe("P2 lifted", () => {
  test("end: an ended lease's entry is gone within SETTLE + one tick", async () => {
    const world = await newWorld({ lag: () => limits.workersKvStalenessMs });
    await world.block("203.0.113.7", 10 * minute);
    await world.advance(10 * minute);
    expect(world.blocked("203.0.113.7")).toBe(true);
    await world.advance(settle + minute);
    expect(world.blocked("203.0.113.7")).toBe(false);
  });

  test("lift: a lifted lease's entry is gone with the next pass, though the store is stale", async () => {
    const world = await newWorld({ lag: () => limits.workersKvStalenessMs });
    await world.block("203.0.113.7", hour);
    await world.advance(5 * minute);
    expect(world.blocked("203.0.113.7")).toBe(true);
    expect((await world.lift("203.0.113.7"))?.items[0]?.lifted).toBe(1);
    await world.advance(1_000);
    expect(world.blocked("203.0.113.7")).toBe(false);
  });

  test("outage: ticks missing for a day change nothing but the moment", async () => {
    const world = await newWorld();
    await world.block("203.0.113.7", 10 * minute);
    await world.advance(minute);
    world.evict();
    world.alarmAt = null;
    world.ticksSkippedUntil = world.now + 24 * hour;
    await world.advance(24 * hour + settle + 2 * minute);
    expect(world.ours()).toEqual([]);
  });

  test("cloud outage: an entry whose removal fails for an hour goes when the cloud is back", async () => {
    const world = await newWorld();
    await world.block("203.0.113.7", 10 * minute);
    await world.advance(minute);
    world.aws.faults.credentialsRevoked = true;
    await world.advance(hour);
    expect(world.blocked("203.0.113.7")).toBe(true);
    world.aws.faults.credentialsRevoked = false;
    await world.advance(2 * minute);
    expect(world.ours()).toEqual([]);
  });
});

describe("P3 never early", () => {
  test("renewal: a renewal that the store does not show yet keeps the gate closed", async () => {
    const world = await newWorld({ lag: () => limits.workersKvStalenessMs });
    await world.block("203.0.113.7", 10 * minute);
    await world.advance(10 * minute + settle - 1_000);
    await world.block("203.0.113.7", 10 * minute);
    for (let step = 0; step < 60; step += 1) {
      await world.advance(10_000);
      expect(world.blocked("203.0.113.7")).toBe(true);
    }
  });

  test("empty store: a wiped namespace opens no gate and adds nothing", async () => {
    const world = await newWorld();
    await world.block("203.0.113.7", 4 * hour);
    await world.advance(10 * minute);
    world.kv.wipe();
    await world.advance(hour);
    expect(world.blocked("203.0.113.7")).toBe(true);
    world.wipe();
    await world.advance(hour);
    expect(world.blocked("203.0.113.7")).toBe(true);
  });

  test("foreign store: an id that differs from the target's allows no write at all", async () => {
    const world = await newWorld();
    world.aws.acl(aclId).tag({ "portcullis:store": "fedcba9876543210" });
    await world.block("203.0.113.7", hour);
    await world.advance(10 * minute);
    expect(world.aws.writes).toBe(0);
  });
});

describe("P4 never the wrong one", () => {
  test("protect: an entry over an address that a new deployment protects is gone with its first tick", async () => {
    const world = await newWorld();
    await world.block("203.0.113.7", 4 * hour);
    await world.block("203.0.113.8", 4 * hour);
    await world.advance(10 * minute); // quiet by now: only a new deployment makes the next tick work
    world.config = { ...world.config, protect: { ...world.config.protect, ranges: ["203.0.113.8/32"] } };
    world.evict();
    await world.advance(minute);
    expect([world.blocked("203.0.113.7"), world.blocked("203.0.113.8")]).toEqual([true, false]);
  });
});

describe("P5 hands off", () => {
  test("foreign: allow, port and egress rules inside and outside the range survive everything", async () => {
    const world = await newWorld();
    world.aws.acl(aclId).create({ number: 3, egress: false, cidr: "192.0.2.0/24", action: "deny", protocol: "6", ports: { from: 22, to: 22 } } as never);
    world.aws.acl(aclId).create({ number: 7, egress: true, cidr: "192.0.2.0/24", action: "deny" });
    const before = world.foreign();
    for (let host = 1; host <= 30; host += 1) await world.block(`203.0.113.${host}`, 10 * minute);
    await world.advance(30 * minute);
    expect([world.foreign(), world.ours()]).toEqual([before, []]);
  });
});

describe("P6 within limits", () => {
  test("room: what does not fit is shed by name, the severest stand, and the limit is never exceeded", async () => {
    const world = await newWorld();
    for (let host = 1; host <= 30; host += 1) await world.block(`203.0.113.${2 * host}`, 4 * hour);
    await world.advance(10_000);
    expect(world.ours()).toHaveLength(18);
    await world.block("203.0.113.200", 4 * hour, { severity: "critical" });
    await world.advance(5 * minute);
    expect([world.ours().length, world.blocked("203.0.113.200")]).toEqual([18, true]);
    const shed = (await world.life()).coordinator.snapshot().then((snapshot) => snapshot?.targets.web?.shed.length);
    expect(await shed).toBe(13);
    expect(world.aws.log.some((entry) => entry.code === "NetworkAclEntryLimitExceeded")).toBe(false);
  });

  test("foreign: rules that a person adds take room, and nothing of ours oscillates", async () => {
    const world = await newWorld();
    for (let host = 1; host <= 18; host += 1) await world.block(`203.0.113.${host}`, 24 * hour);
    await world.advance(5 * minute);
    world.aws.acl(aclId).delete(1, false);
    world.aws.acl(aclId).create({ number: 90, egress: false, cidr: "192.0.2.9/32", action: "deny" });
    await world.advance(10 * minute);
    const writes = world.aws.writes;
    await world.advance(hour);
    expect([world.aws.writes, world.ours().length]).toEqual([writes, 17]);
  });
});

describe("P7 idempotent", () => {
  test("repeat: a repeated request writes nothing, and a doubled tick changes nothing", async () => {
    const world = await newWorld();
    await world.block("203.0.113.7", hour);
    await world.advance(5 * minute);
    const puts = world.kv.counts.puts;
    const writes = world.aws.writes;
    expect((await world.block("203.0.113.7", hour - 5 * minute))?.status).toBe("unchanged");
    await Promise.all([world.survive((coordinator) => coordinator.tick()), world.survive((coordinator) => coordinator.tick())]);
    expect([world.kv.counts.puts, world.aws.writes]).toEqual([puts, writes]);
  });

  test("at once: many equal requests at once make one record", async () => {
    const world = await newWorld();
    const { coordinator } = await world.life();
    const puts = world.kv.counts.puts;
    const request = () => coordinator.accept({ client: "detector", items: [world.item("203.0.113.7", hour)], allOrNothing: true, dryRun: false });
    const answers = await Promise.all(Array.from({ length: 20 }, request));
    const statuses = answers.map((answer) => answer.items[0]?.status);
    expect([statuses.filter((status) => status === "created").length, statuses.filter((status) => status === "unchanged").length]).toEqual([1, 19]);
    expect(world.kv.counts.puts - puts).toBe(1);
  });
});

describe("P9 honest", () => {
  test("states: enforced only while the target enforces; observe, held, shed and pending are told apart", async () => {
    const world = await newWorld();
    await world.block("203.0.113.7", hour);
    await world.advance(minute);
    const state = async () => (await world.life()).coordinator.explain("4:cb007107/32").then((told) => told.exact?.states.web?.state);
    expect(await state()).toBe("enforced");
    world.aws.acl(aclId).associate([]);
    await world.advance(limits.fullPassMs + minute);
    expect(await state()).toBe("failed");
  });
});

describe("signed messages", () => {
  test("lift: an id whose write failed may be used again, one that worked changes nothing a second time", async () => {
    const world = await newWorld();
    await world.block("203.0.113.7", hour);
    await world.advance(5 * minute);
    const { coordinator } = await world.life();
    const request = { keys: ["4:cb007107/32"], client: "*", at: world.now, exemptUntil: null, once: "msg_1" };
    world.kv.down = true;
    await expect(coordinator.lift(request)).rejects.toThrow(/store/);
    world.kv.down = false;
    expect((await coordinator.lift(request)).repeated).toBe(false);
    await world.advance(1_000);
    expect(world.blocked("203.0.113.7")).toBe(false);

    world.now += 1;
    await world.block("203.0.113.7", hour);
    expect((await coordinator.lift({ ...request, at: world.now })).repeated).toBe(true);
    await world.advance(minute);
    expect(world.blocked("203.0.113.7")).toBe(true);
  });
});

describe("stop", () => {
  test("drain: a drain that was resumed does not come back with a stale store after lost memory", async () => {
    let lag = 0;
    const world = await newWorld({ lag: () => lag });
    await world.block("203.0.113.7", 4 * hour);
    await world.advance(5 * minute);
    const request = { targets: null, once: null };
    await world.survive((coordinator) => coordinator.stop({ ...request, action: "drain", at: world.now }));
    await world.advance(minute);
    expect(world.blocked("203.0.113.7")).toBe(false);
    await world.survive((coordinator) => coordinator.stop({ ...request, action: "resume", at: world.now }));
    await world.advance(30_000);
    expect(world.blocked("203.0.113.7")).toBe(true);

    lag = limits.workersKvStalenessMs; // the store still shows the drain
    world.wipe();
    for (let step = 0; step < 30; step += 1) {
      await world.advance(10_000);
      expect(world.blocked("203.0.113.7")).toBe(true);
    }
  });

  test("drain: asked for anew it acts at once, whatever the memory", async () => {
    const world = await newWorld();
    await world.block("203.0.113.7", 4 * hour);
    await world.advance(5 * minute);
    world.wipe();
    await world.survive((coordinator) => coordinator.stop({ action: "drain", targets: null, at: world.now, once: null }));
    await world.advance(1_000);
    expect(world.ours()).toEqual([]);
  });
});
