// Each rule that keeps a gate closed, held by a history in which only that rule keeps it closed.
import { describe, expect, test } from "vitest";
import type { Target } from "../../functions/pass/world.ts";
import { limits } from "../../shared/limits.ts";
import type { Transport } from "../../shared/ports.ts";
import { aclId } from "../simulators/aws-fixtures.ts";
import { CoordinatedWorld, newWorld, settle, storeId, testConfig } from "./world.ts";

const minute = 60_000;
const hour = 60 * minute;
const ip = "203.0.113.7";
const key = "4:cb007107/32";
const late = () => limits.workersKvStalenessMs;
const web = testConfig().targets.web as NonNullable<ReturnType<typeof testConfig>["targets"]["web"]>;

async function stateOf(world: CoordinatedWorld, block = key): Promise<{ state?: string; why?: string } | undefined> {
  return (await world.survive((coordinator) => coordinator.explain(block)))?.exact?.states.web;
}

/** A renewal as another writer puts it: a route that could not reach the coordinator. */
async function renewElsewhere(world: CoordinatedWorld, until: number, block = key): Promise<void> {
  await world.kv.put(`lease:${block}:${until}:detector`, "{}", { metadata: { a: world.now, s: 1 }, expiresAtMs: until + limits.retainMs });
}

describe("never early", () => {
  test("other writer: a renewal recorded without the coordinator, at the last moment and seen late, keeps the gate closed", async () => {
    const world = await newWorld({ lag: late });
    await world.block(ip, 10 * minute);
    await world.advance(10 * minute - 1_000);
    await renewElsewhere(world, world.now + hour);
    const holes: number[] = [];
    await world.advance(10_000);
    await world.survive((coordinator) => coordinator.reconcile(null));
    expect(world.blocked(ip)).toBe(true);
    await world.advance(20 * minute, () => {
      if (!world.blocked(ip)) holes.push(world.now);
    });
    expect(holes).toEqual([]);
  });

  test("lost memory: a lease that was renewed after its end, and forgotten at once, keeps the gate closed", async () => {
    const world = await newWorld({ lag: late });
    await world.block(ip, 10 * minute);
    await world.advance(10 * minute + settle - 20_000);
    expect(await world.block(ip, hour)).not.toBeNull();
    world.wipe();
    const holes: number[] = [];
    await world.advance(20 * minute, () => {
      if (!world.blocked(ip)) holes.push(world.now);
    });
    expect(holes).toEqual([]);
  });

  test("unreadable record: nothing is removed while a key cannot be read, new blocks are still added, and all is said", async () => {
    const world = await newWorld();
    await world.block(ip, 10 * minute);
    await world.advance(minute);
    await world.kv.put("lease:what-is-this", "{}", { metadata: {}, expiresAtMs: null });
    await world.advance(hour);
    expect(world.blocked(ip)).toBe(true);
    await world.block("203.0.113.8", hour);
    await world.advance(minute);
    const tick = await world.survive((coordinator) => coordinator.tick());
    expect([world.blocked("203.0.113.8"), tick?.failed.store]).toEqual([true, expect.stringContaining("what-is-this")]);
    await world.kv.delete("lease:what-is-this");
    await world.advance(limits.fullPassMs + minute);
    expect(world.blocked(ip)).toBe(false);
  });

  test("exempted late: a block that an exemption refuses is refused by name and never recorded", async () => {
    const world = await newWorld();
    await world.lift(ip, hour);
    const { puts } = world.kv.counts;
    const refused = await world.block(ip, 4 * hour);
    expect([refused?.status, refused?.why, world.kv.counts.puts - puts]).toEqual(["exempt", expect.stringContaining("exempted"), 0]);
    await world.advance(10 * minute);
    expect(world.blocked(ip)).toBe(false);
    await world.advance(hour);
    expect((await world.block(ip, 4 * hour))?.status).toBe("created");
  });
});

describe("lost alarm", () => {
  test("due: a tick does what an alarm that never came was for", async () => {
    const world = await newWorld();
    // Full passes end just before the lease does, so that only its end makes the next tick act.
    await world.block(ip, 10 * minute);
    await world.advance(10 * minute + settle - 1_000);
    await world.survive((coordinator) => coordinator.reconcile(null));
    await world.advance(500);
    await world.survive((coordinator) => coordinator.reconcile(null));
    world.alarmAt = null;
    world.now += 1_000;
    await world.survive((coordinator) => coordinator.tick());
    expect(world.blocked(ip)).toBe(false);
  });
});

describe("exemptions", () => {
  test("other writer: a lease recorded without the coordinator while its address is exempt is never enforced, nor is a wider one", async () => {
    const world = await newWorld();
    await world.lift(ip, hour);
    await world.advance(10 * minute);
    await renewElsewhere(world, world.now + 4 * hour);
    await renewElsewhere(world, world.now + 4 * hour, "4:cb007100/24");
    await renewElsewhere(world, world.now + 4 * hour, "4:cb007108/32");
    await world.advance(2 * hour);
    expect(world.ours().map((entry) => entry.cidr)).toEqual(["203.0.113.8/32"]);
  });
});

/** A world whose cloud tells another time than ours. */
class SkewedWorld extends CoordinatedWorld {
  skewMs = 0;
  override targets(send: Transport): Target[] {
    return super.targets(async (request) => {
      const reply = await send(request);
      return { ...reply, headers: { ...reply.headers, date: new Date(this.now + this.skewMs).toUTCString() } };
    });
  }
}

describe("clocks", () => {
  test("skew: a cloud whose clock is minutes from ours forbids removals until they agree", async () => {
    const world = new SkewedWorld();
    await world.setUp();
    await world.block(ip, 10 * minute);
    await world.advance(minute);
    expect(world.blocked(ip)).toBe(true);
    world.skewMs = -5 * minute;
    await world.advance(hour);
    expect(world.blocked(ip)).toBe(true);
    world.skewMs = 0;
    await world.advance(limits.fullPassMs + minute);
    expect(world.blocked(ip)).toBe(false);
  });
});

describe("store and target know each other", () => {
  test("unclaimed: a target without a mark gets no write, and says that setup is missing", async () => {
    const world = await newWorld();
    world.aws.acl(aclId).untag(["portcullis:store", "portcullis:range"].map((name) => ({ key: name, value: null })));
    await world.block(ip, hour);
    await world.advance(minute);
    expect([world.aws.writes, await stateOf(world)]).toMatchObject([0, { state: "pending", why: expect.stringContaining("never claimed") }]);
  });

  test("no store id: an empty store gets no write done, and says that setup is missing", async () => {
    const world = await newWorld();
    await world.kv.delete("meta:store");
    await world.block(ip, hour);
    await world.advance(minute);
    expect([world.aws.writes, await stateOf(world)]).toMatchObject([0, { state: "pending", why: expect.stringContaining("no id") }]);
  });

  test("other store: the difference is named with both ids", async () => {
    const world = await newWorld();
    world.aws.acl(aclId).tag({ "portcullis:store": "fedcba9876543210" });
    await world.block(ip, hour);
    await world.advance(minute);
    const state = await stateOf(world);
    expect([state?.state, state?.why?.includes("fedcba9876543210"), state?.why?.includes(storeId)]).toEqual(["failed", true, true]);
  });
});

describe("what the cloud does not show yet", () => {
  const creates = (world: CoordinatedWorld) => world.aws.calls("CreateNetworkAclEntry");

  test("acknowledged: a rule that reads do not show yet is not made a second time", async () => {
    const world = await newWorld({ describeLagMs: 9_000 });
    await world.advance(minute);
    await world.block(ip, hour);
    await world.advance(2_000);
    await world.block("203.0.113.8", hour);
    await world.advance(2_000);
    expect([creates(world), world.ours().length]).toEqual([2, 2]);
  });

  test("unknown: after a lost answer neither the address nor its place is tried again until it can be seen", async () => {
    const world = await newWorld({ describeLagMs: 9_000 });
    await world.advance(minute);
    world.aws.faults.next.push({ action: "CreateNetworkAclEntry", mishap: { kind: "drop", committed: true } });
    await world.block(ip, hour);
    await world.advance(2_000);
    await world.block("203.0.113.8", hour);
    await world.advance(5_000);
    expect([creates(world), world.ours().length]).toEqual([2, 2]);
    await world.advance(5 * minute);
    expect([creates(world), (await stateOf(world))?.state]).toEqual([2, "enforced"]);
  });

  test("death: whatever call a life ends at, the next does not make the same rule again", async () => {
    for (let calls = 0; calls < 12; calls += 1) {
      const world = await newWorld({ describeLagMs: 9_000 });
      await world.advance(minute);
      await world.block(ip, hour);
      await world.killAfter(calls);
      await world.advance(6_000);
      expect(creates(world), `killed after ${calls} calls`).toBeLessThanOrEqual(1);
      await world.advance(5 * minute);
      expect([creates(world), world.blocked(ip)], `killed after ${calls} calls`).toEqual([1, true]);
    }
  });
});

describe("drift", () => {
  const driftOf = async (world: CoordinatedWorld) => (await world.survive((coordinator) => coordinator.snapshot()))?.targets.web?.drift;

  test("person: a rule that someone else removes or adds is named once, and ours is made again", async () => {
    const world = await newWorld();
    await world.block(ip, 4 * hour);
    await world.advance(10 * minute);
    expect(await driftOf(world)).toEqual([]);
    world.aws.acl(aclId).delete(1, false);
    world.aws.acl(aclId).create({ number: 9, egress: false, cidr: "203.0.113.99/32", action: "deny" });
    await world.survive((coordinator) => coordinator.reconcile(null));
    expect(await driftOf(world)).toEqual([expect.stringMatching(/^203.0.113.7\/32 .* is gone/), expect.stringMatching(/^203.0.113.99\/32 .* appeared/)]);
    expect(world.blocked(ip)).toBe(true);
    await world.advance(limits.fullPassMs + minute);
    expect(await driftOf(world)).toEqual([]);
  });

  test("ours: what we did ourselves, but whose answer was lost or whose doer died, is not called someone else's", async () => {
    const world = await newWorld();
    await world.advance(10 * minute);
    world.aws.faults.next.push({ action: "CreateNetworkAclEntry", mishap: { kind: "drop", committed: true } });
    await world.block(ip, 4 * hour);
    const seen: (readonly string[] | undefined)[] = [];
    for (let calls = 1; calls < 12; calls += 1) {
      await world.advance(2 * minute);
      seen.push(await driftOf(world));
      await world.block(`203.0.113.${100 + calls}`, 4 * hour);
      await world.killAfter(calls);
    }
    expect(seen.flat()).toEqual([]);
  });
});

describe("whose word it is", () => {
  test("observe: a target in observe mode is planned and reported, and never written to", async () => {
    const world = await newWorld({ config: { targets: { web: { ...web, mode: "observe" } } } });
    await world.block(ip, hour);
    await world.advance(10 * minute);
    expect([world.aws.writes, (await stateOf(world))?.state]).toEqual([0, "observed"]);
  });

  test("freeze: nothing is added or removed until it is resumed, and then both are", async () => {
    const world = await newWorld();
    await world.block(ip, 10 * minute);
    await world.advance(minute);
    await world.survive((coordinator) => coordinator.stop({ action: "freeze", targets: null, at: world.now, once: null }));
    await world.block("203.0.113.8", 4 * hour);
    await world.advance(hour);
    expect([world.blocked(ip), world.blocked("203.0.113.8"), (await stateOf(world, "4:cb007108/32"))?.state]).toEqual([true, false, "held"]);
    await world.survive((coordinator) => coordinator.stop({ action: "resume", targets: null, at: world.now, once: null }));
    await world.advance(minute);
    expect([world.blocked(ip), world.blocked("203.0.113.8")]).toEqual([false, true]);
  });

  test("drain: everything of ours goes, nothing foreign does, and what is live comes back when it is resumed", async () => {
    const world = await newWorld();
    const foreign = world.foreign();
    for (let host = 1; host <= 10; host += 1) await world.block(`203.0.113.${host}`, 4 * hour);
    await world.advance(minute);
    await world.survive((coordinator) => coordinator.stop({ action: "drain", targets: ["web"], at: world.now, once: null }));
    await world.advance(minute);
    expect([world.ours(), world.foreign()]).toEqual([[], foreign]);
    await world.survive((coordinator) => coordinator.stop({ action: "resume", targets: ["web"], at: world.now, once: null }));
    await world.advance(minute);
    expect(world.ours()).toHaveLength(10);
  });

  test("selection: a lease of another target is neither enforced nor reported here", async () => {
    const world = await newWorld({ config: { targets: { web, other: { ...web, mode: "observe" } } } });
    await world.block(ip, hour, { targets: ["other"] });
    await world.advance(5 * minute);
    const told = await world.survive((coordinator) => coordinator.explain(key));
    expect([world.ours(), Object.keys(told?.exact?.states ?? {})]).toEqual([[], ["other"]]);
  });

  test("lift: of one client's leases only, the other's keep the gate closed", async () => {
    const world = await newWorld();
    await world.block(ip, hour, {}, "detector");
    await world.block(ip, hour, {}, "other");
    await world.advance(minute);
    expect((await world.lift(ip, null, "detector"))?.items[0]).toMatchObject({ lifted: 1, stillCoveredBy: [key] });
    await world.advance(10 * minute);
    expect(world.blocked(ip)).toBe(true);
    await world.lift(ip, null, "other");
    await world.advance(minute);
    expect(world.blocked(ip)).toBe(false);
  });
});

describe("limits of a client", () => {
  const client = testConfig().clients.detector as NonNullable<ReturnType<typeof testConfig>["clients"]["detector"]>;
  const limited = (changes: Partial<typeof client>) => newWorld({ config: { clients: { detector: { ...client, ...changes }, other: client } } });

  /** Twenty addresses, each in a request of its own, all at once. */
  async function atOnce(world: CoordinatedWorld, clientId: string): Promise<readonly (string | undefined)[]> {
    const { coordinator } = await world.life();
    const items = Array.from({ length: 20 }, (_, index) => world.item(`203.0.113.${index + 1}`, hour));
    const answers = await Promise.all(items.map((item) => coordinator.accept({ client: clientId, items: [item], allOrNothing: true, dryRun: false })));
    return answers.map((answer) => answer.items[0]?.status);
  }

  test("live: no more than allowed, one after the other or all at once, and another client has its own", async () => {
    const world = await limited({ live: 5 });
    expect((await atOnce(world, "detector")).filter((status) => status === "created")).toHaveLength(5);
    await world.advance(minute);
    expect(await world.block("203.0.113.99", hour)).toMatchObject({ status: "limited", limit: "live" });
    expect((await world.block("203.0.113.99", hour, {}, "other"))?.status).toBe("created");
  });

  test("live: what has ended makes room again", async () => {
    const world = await limited({ live: 1 });
    await world.block("203.0.113.1", 5 * minute);
    expect((await world.block("203.0.113.2", hour))?.status).toBe("limited");
    await world.advance(5 * minute + settle + minute);
    expect((await world.block("203.0.113.2", hour))?.status).toBe("created");
  });

  test("newPerMinute: a burst stops at the limit, and the next minute goes on; eviction forgets nothing", async () => {
    const world = await limited({ newPerMinute: 5 });
    expect((await atOnce(world, "detector")).filter((status) => status === "created")).toHaveLength(5);
    world.evict();
    expect(await world.block("203.0.113.99", hour)).toMatchObject({ status: "limited", limit: "newPerMinute" });
    await world.advance(minute + 1_000);
    expect((await world.block("203.0.113.99", hour))?.status).toBe("created");
  });

  test("one request: a batch beyond the limit is refused whole, or item by item as it asks", async () => {
    const world = await limited({ live: 2 });
    const { coordinator } = await world.life();
    const items = [1, 2, 3].map((number) => world.item(`203.0.113.${number}`, hour));
    const { puts } = world.kv.counts;
    const strict = await coordinator.accept({ client: "detector", items, allOrNothing: true, dryRun: false });
    expect([strict.items.map((item) => item.status), world.kv.counts.puts - puts]).toEqual([["created", "created", "limited"], 0]);
    const each = await coordinator.accept({ client: "detector", items, allOrNothing: false, dryRun: false });
    expect([each.items.map((item) => item.status), world.kv.counts.puts - puts]).toEqual([["created", "created", "limited"], 2]);
  });
});
