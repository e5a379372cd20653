// What is blocked that nobody asked for as it is, is told when it comes to stand, and not again: the audit of bystanders.
import { describe, expect, test } from "vitest";
import { cidrOf, cidrText } from "../../shared/address/index.ts";
import { SpillWorld } from "./spill-world.ts";

const allow = { kind: "max", units: 8 } as const;
const collateral = { allow, widest: { ipv4: 24, ipv6: 64 } };

async function worldWith(rules: number, ...addresses: readonly string[]): Promise<SpillWorld> {
  const world = await SpillWorld.of({ hot: { rules, changes: { collateral } } });
  for (const address of addresses) await world.lease(cidrOf(address), { minutes: 20 });
  await world.ticks(2);
  return world;
}

const told = (world: SpillWorld) => world.logs.filter(({ event }) => event === "target.widened");

describe("a wider prefix", () => {
  test("told: with its target, what it serves and how many bystanders it has, once", async () => {
    const world = await worldWith(1, "203.0.113.0", "203.0.113.3");
    expect(world.standing("hot").map(cidrText)).toEqual(["203.0.113.0/30"]);
    const record = { level: "info", event: "target.widened", target: "hot", cidr: "203.0.113.0/30", blocks: 2, collateral: 2 };
    expect(told(world)).toEqual([expect.objectContaining(record)]);
    await world.ticks(10);
    expect(told(world)).toHaveLength(1);
  });

  test("told: of no entry that stands as it was asked for, nor of one that is taken away", async () => {
    const world = await worldWith(2, "203.0.113.0", "203.0.113.3");
    expect(told(world)).toEqual([]);
    await world.ticks(30);
    expect([world.standing("hot"), told(world)]).toEqual([[], []]);
  });

  test("told: only of the one that is new", async () => {
    const world = await worldWith(2, "203.0.113.0", "203.0.113.3", "198.51.100.0", "198.51.100.1");
    const first = [
      { cidr: "198.51.100.0/31", collateral: 0 },
      { cidr: "203.0.113.0/30", collateral: 2 },
    ];
    expect(told(world)).toMatchObject(first);
    await world.lease(cidrOf("203.0.113.4"), { minutes: 20 });
    await world.ticks(4);
    const last = { cidr: "203.0.113.0/29", collateral: 5 };
    expect(told(world)).toMatchObject(first.concat(last));
  });
});
