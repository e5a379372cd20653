// What an attacker of the pass tried: torn memory, thrown errors, many leases ending at once, full rooms.
import { describe, expect, test } from "vitest";
import type { Target } from "../../functions/pass/world.ts";
import { limits } from "../../shared/limits.ts";
import type { Transport } from "../../shared/ports.ts";
import { aclId } from "../simulators/aws-fixtures.ts";
import { CoordinatedWorld, newWorld, settle, testConfig } from "./world.ts";

const minute = 60_000;
const hour = 60 * minute;
const web = testConfig().targets.web as NonNullable<ReturnType<typeof testConfig>["targets"]["web"]>;

describe("torn memory", () => {
  test("snapshot: a life that died while keeping a large one does not stop the next from starting", async () => {
    const world = await newWorld({ rulesMax: 20 });
    // Rows of different length, so that the pieces of two snapshots do not happen to fit together.
    const severity = (index: number) => (index < 10 ? "critical" : "medium");
    const items = Array.from({ length: 3_000 }, (_, index) => world.item(`203.0.${index >> 8}.${index & 255}`, hour, { severity: severity(index) }));
    const accept = (from: number, to: number) =>
      world.survive((coordinator) => coordinator.accept({ client: "detector", items: items.slice(from, to), allOrNothing: true, dryRun: false }));
    await accept(10, 3_000);
    await world.survive((coordinator) => coordinator.tick());
    const { storage } = world;
    const chunks = [...(await storage.load()).keys()].filter((name) => /^snapshot:\d+$/.test(name));
    expect(chunks.length).toBeGreaterThan(1);
    await accept(0, 10);
    // It dies after the first piece of the next snapshot.
    let pieces = 0;
    world.evict();
    world.storage = {
      ...storage,
      put: async (key, value) => {
        if (/^snapshot:\d+$/.test(key)) pieces += 1;
        if (pieces > 1) throw new Error("died here");
        await storage.put(key, value);
      },
    };
    await expect(world.survive((coordinator) => coordinator.tick())).rejects.toThrow("died here");
    world.evict();
    world.storage = storage;
    await expect(world.survive((coordinator) => coordinator.tick())).resolves.toMatchObject({ failed: {} });
  });
});

describe("memory of another version", () => {
  test("snapshot: one that another version wrote, or nobody can read, is made anew", async () => {
    for (const text of ['{"version":0}', "no json", "null"]) {
      const world = await newWorld();
      await world.block("203.0.113.7", hour);
      await world.advance(minute);
      world.evict();
      await world.storage.put("snapshot:0", text);
      await world.storage.put("snapshot:count", 1);
      await world.block("203.0.113.8", hour);
      await world.advance(minute);
      expect([world.blocked("203.0.113.7"), world.blocked("203.0.113.8")]).toEqual([true, true]);
    }
  });
});

/** A world whose target `bad` throws where a contract says that it must not. */
class ThrowingWorld extends CoordinatedWorld {
  override targets(send: Transport): Target[] {
    return super.targets(send).map((target) => {
      if (target.name !== "bad") return target;
      const provider = { ...target.provider, observe: () => Promise.reject(new TypeError("a bug in a provider")) };
      return { ...target, provider: provider as never };
    });
  }
}

describe("one target", () => {
  test("broken provider: what it throws is told, and holds up no other target", async () => {
    const world = new ThrowingWorld({ config: { targets: { bad: web, web } } });
    await world.setUp();
    await world.block("203.0.113.7", hour);
    const tick = await world.survive((coordinator) => coordinator.tick());
    expect([Object.keys(tick?.failed ?? {}), world.blocked("203.0.113.7")]).toEqual([["bad"], true]);
  });
});

describe("budget", () => {
  test("many at once: leases that end together at a target with few calls are gone within SETTLE + one tick", async () => {
    const targets = Object.fromEntries(
      ["web", "b", "c", "d", "e", "f", "g", "h"].map((name) => [name, name === "web" ? web : { ...web, mode: "observe" as const }]),
    );
    const world = await newWorld({ config: { targets } });
    for (let host = 1; host <= 15; host += 1) await world.block(`203.0.113.${host}`, 30 * minute, { until: world.now + 30 * minute });
    await world.advance(20 * minute);
    expect(world.ours()).toHaveLength(15);
    await world.advance(10 * minute + settle + minute);
    expect(world.ours()).toEqual([]);
  });
});

/** A world in which looking at a target costs as many calls as a pass may spend on it. */
class CostlyWorld extends CoordinatedWorld {
  override targets(send: Transport): Target[] {
    return super.targets(send).map((target) => {
      const { provider } = target;
      const observe = () => {
        target.calls.made += limits.passCallsMax;
        return provider.observe();
      };
      const dear = { admit: provider.admit.bind(provider), compile: provider.compile.bind(provider), apply: provider.apply.bind(provider), observe };
      return { ...target, provider: dear as never };
    });
  }
}

describe("little budget", () => {
  test("costly look: each pass still makes one step, so that work comes to an end", async () => {
    const world = new CostlyWorld();
    await world.setUp();
    for (let host = 1; host <= 5; host += 1) await world.block(`203.0.113.${host}`, hour);
    await world.advance(30_000);
    expect(world.ours()).toHaveLength(5);
  });
});

describe("renamed target", () => {
  test("formerly: what was asked of the former name stands and is reported under the new one, and a freeze still holds", async () => {
    const world = await newWorld();
    await world.block("203.0.113.7", 4 * hour, { targets: ["web"] });
    await world.advance(10 * minute);
    world.config = testConfig({ targets: { front: { ...web, formerly: "web" } } });
    world.evict();
    await world.advance(hour);
    const told = await world.survive((coordinator) => coordinator.explain("4:cb007107/32"));
    expect([world.blocked("203.0.113.7"), told?.exact?.states]).toEqual([true, { front: { state: "enforced" } }]);
  });

  test("formerly: a target that was frozen under its former name stays frozen", async () => {
    const world = await newWorld();
    await world.survive((coordinator) => coordinator.stop({ action: "freeze", targets: ["web"], at: world.now, once: null }));
    await world.advance(10 * minute);
    world.config = testConfig({ targets: { front: { ...web, formerly: "web" } } });
    world.evict();
    await world.block("203.0.113.7", 4 * hour);
    await world.advance(hour);
    expect(world.aws.writes).toBe(0);
  });
});

describe("full", () => {
  test("cover: a range that holds everything that stands takes its place, and frees the rest", async () => {
    const world = await newWorld();
    for (let host = 1; host <= 18; host += 1) await world.block(`203.0.113.${host}`, 4 * hour);
    await world.advance(10 * minute);
    expect(world.ours()).toHaveLength(18);
    await world.block("203.0.113.0/24", 8 * hour);
    const holes: number[] = [];
    await world.advance(20 * minute, () => {
      const whole = world.ours().some((entry) => entry.cidr === "203.0.113.0/24");
      if (!whole && world.ours().length < 18) holes.push(world.now);
    });
    expect([holes, world.ours().map((entry) => entry.cidr)]).toEqual([[], ["203.0.113.0/24"]]);
  });

  test("maxEntries: a critical IPv6 block takes the place of a low IPv4 one", async () => {
    const world = await newWorld({ config: { targets: { web: { ...web, maxEntries: 2 } } } });
    await world.block("203.0.113.1", hour, { severity: "low" });
    await world.block("203.0.113.2", hour, { severity: "low" });
    await world.advance(5 * minute);
    await world.block("2001:db9::/64", hour, { severity: "critical" });
    await world.advance(10 * minute);
    const ours = world.aws.acl(aclId).state.entries.filter((entry) => entry.number <= 40 && !entry.egress);
    expect(ours).toHaveLength(2);
    expect(ours.some((entry) => JSON.stringify(entry).includes("2001:db9::/64"))).toBe(true);
  });
});

describe("orphans", () => {
  /** Eight targets leave few calls for each; twelve entries at one of them have no record. */
  async function orphaned(): Promise<CoordinatedWorld> {
    const names = ["web", "b", "c", "d", "e", "f", "g", "h"];
    const world = await newWorld({
      config: { targets: Object.fromEntries(names.map((name) => [name, name === "web" ? web : { ...web, mode: "observe" as const }])) },
    });
    for (let number = 1; number <= 12; number += 1) world.aws.acl(aclId).create({ number, egress: false, cidr: `203.0.113.${number}/32`, action: "deny" });
    await world.advance(30 * minute);
    expect(world.ours()).toHaveLength(12);
    return world;
  }
  const confirm = async (world: CoordinatedWorld) => {
    const digest = (await world.survive((coordinator) => coordinator.snapshot()))?.targets.web?.orphans?.digest ?? "";
    await world.survive((coordinator) => coordinator.reconcile({ target: "web", digest }));
  };

  test("confirm: one word is enough, though one pass does not reach them all", async () => {
    const world = await orphaned();
    await confirm(world);
    await world.advance(minute);
    expect(world.ours()).toEqual([]);
  });

  test("confirm: the word is used up with what it named; the same entries coming back are watched anew", async () => {
    const world = await orphaned();
    await confirm(world);
    await world.advance(10 * minute);
    for (let number = 1; number <= 12; number += 1) world.aws.acl(aclId).create({ number, egress: false, cidr: `203.0.113.${number}/32`, action: "deny" });
    await world.advance(hour);
    expect(world.ours()).toHaveLength(12);
  });

  test("confirm: another digest confirms nothing", async () => {
    const world = await orphaned();
    await world.survive((coordinator) => coordinator.reconcile({ target: "web", digest: "0000000000000000" }));
    await world.advance(10 * minute);
    expect(world.ours()).toHaveLength(12);
  });
});

describe("claims", () => {
  test("orphans: those of a range that was another store's are watched anew once it is ours", async () => {
    const world = await newWorld();
    world.aws.acl(aclId).create({ number: 5, egress: false, cidr: "203.0.113.77/32", action: "deny" });
    world.aws.acl(aclId).tag({ "portcullis:store": "fedcba9876543210" });
    await world.advance(hour);
    world.aws.acl(aclId).tag({ "portcullis:store": "0123456789abcdef" });
    await world.advance(limits.fullPassMs + minute);
    expect(world.blocked("203.0.113.77")).toBe(true);
  });
});

describe("snapshot", () => {
  test("complete: a pass woken by a new lease leaves no reason for being incomplete", async () => {
    const world = await newWorld();
    await world.advance(10 * minute);
    await world.block("203.0.113.7", hour);
    await world.advance(1_000);
    const snapshot = await world.survive((coordinator) => coordinator.snapshot());
    expect([snapshot?.complete, snapshot?.incompleteWhy]).toEqual([true, null]);
  });
});
