// The simulated platforms run the product: a block through the real routes stands and leaves by itself, whatever is done to the platform;
// and the same seed gives the same history.
import { afterEach, describe, expect, test } from "vitest";
import type { PlatformDeed, PlatformUnderTest } from "./contract.ts";
import { denoPlatform } from "./platform/deno.ts";
import type { PlatformParts } from "./platform/parts.ts";
import { workersPlatform } from "./platform/workers.ts";
import { configWithKey, PlatformWorld } from "./platform-world.ts";

const makers: Readonly<Record<string, (parts: PlatformParts) => PlatformUnderTest>> = {
  workers: (parts) => workersPlatform(parts, "workers"),
  "workers-tick-only": (parts) => workersPlatform(parts, "workers-tick-only"),
  deno: denoPlatform,
};
const kinds = Object.keys(makers);
const deeds: readonly PlatformDeed[] = ["kill", "evict", "duplicate", "wipe", "unreachable"];
const minute = 60_000;
/** STALE + SKEW on Workers, and what a coordinator that lost its memory watches again. */
const settledMs = 10 * minute;

let worlds: PlatformWorld[] = [];

function begin(seed: number, kind: string): PlatformWorld {
  const make = makers[kind];
  if (make === undefined) throw new Error(`no platform ${kind}`);
  const world = new PlatformWorld(seed, make);
  worlds.push(world);
  return world;
}

afterEach(() => {
  for (const world of worlds) {
    world.platform.end();
    world.release();
  }
  worlds = [];
});

/** Sent until it is taken, as detectors do. */
async function block(world: PlatformWorld, ip: string): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const { status } = await world.post("/v1/blocks", { ip, for: "30m" });
    if (status === 200 || status === 202) return;
    await world.run(5_000);
  }
  throw new Error(`${ip} was never taken`);
}

/** Some blocks with a deed beside each; then peace. */
async function troubled(world: PlatformWorld, deed: PlatformDeed): Promise<string[]> {
  const ips: string[] = [];
  for (let round = 0; round < 6; round += 1) {
    const ip = `203.0.113.${round}`;
    world.platform.deed(deed);
    await block(world, ip);
    ips.push(`${ip}/32`);
    await world.run(world.scheduler.dice.between("pause of the test", 0, 40_000));
  }
  await world.run(settledMs);
  return ips;
}

describe.each(kinds)("%s", (kind) => {
  test("block: stands after a pass and leaves by itself after its lease", async () => {
    const world = begin(1, kind);
    await block(world, "203.0.113.7");
    await world.run(4 * minute);
    expect(world.standing()).toEqual(["203.0.113.7/32"]);
    expect([...world.platform.records().keys()].filter((name) => name.startsWith("lease:"))).toHaveLength(1);
    expect(world.platform.storeWrites()).toBeGreaterThan(0);
    await world.run(36 * minute);
    expect(world.standing()).toEqual([]);
  });

  // Without the object there is nothing else to do anything to.
  test.each(kind === "workers-tick-only" ? (["kill"] as const) : deeds)(
    "%s: what was promised stands in the end, and goes when its lease ends",
    async (deed) => {
      for (const seed of [1, 2, 3]) {
        const world = begin(seed, kind);
        const blocked = await troubled(world, deed);
        expect(world.standing()).toEqual(blocked);
        await world.run(45 * minute);
        expect(world.standing()).toEqual([]);
        world.platform.end();
      }
    },
  );

  test("deploy: what is protected from now on is not blocked any more", async () => {
    const world = begin(2, kind);
    await block(world, "203.0.113.7");
    await block(world, "192.0.2.9");
    await world.run(5 * minute);
    const config = configWithKey();
    world.platform.deploy({ ...config, protect: { ...config.protect, ranges: ["203.0.113.0/24"] } });
    await world.run(7 * minute);
    expect(world.standing()).toEqual(["192.0.2.9/32"]);
  });

  test("break: nothing is taken while the store is down, and all is well after it", async () => {
    const world = begin(3, kind);
    await block(world, "203.0.113.7");
    world.platform.breakStore(3 * minute);
    expect((await world.post("/v1/blocks", { ip: "192.0.2.9" })).status).toBeGreaterThanOrEqual(500);
    await world.run(4 * minute);
    await block(world, "192.0.2.9");
    await world.run(6 * minute);
    expect(world.standing()).toEqual(["192.0.2.9/32", "203.0.113.7/32"]);
  });

  test("seed: the same one gives the same history, another gives another", async () => {
    const historyOf = async (seed: number): Promise<string> => {
      const world = begin(seed, kind);
      world.platform.setSkew(4_000);
      for (const deed of deeds) await troubledOnce(world, deed);
      world.platform.end();
      return JSON.stringify([world.scheduler.now, [...world.scheduler.counts].sort(), world.scheduler.trace]);
    };
    const [one, again, other] = [await historyOf(5), await historyOf(5), await historyOf(6)];
    expect(again).toBe(one);
    expect(other).not.toBe(one);
  });
});

async function troubledOnce(world: PlatformWorld, deed: PlatformDeed): Promise<void> {
  world.platform.deed(deed);
  await world.post("/v1/blocks", { ip: "203.0.113.9", for: "20m" });
  await world.run(2 * minute);
}
