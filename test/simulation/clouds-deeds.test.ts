// What persons do to the simulated clouds: each deed does what its name says, by somebody who is not the function, and the judges see it
// as the cloud would enforce it. And the production providers are honest about all of it.
import { describe, expect, test } from "vitest";
import { cidrText } from "../../shared/address/index.ts";
import { awsCloud, azureCloud, type CloudOptions, cloudflareCloud } from "./clouds/index.ts";
import { bring, enforced, type SmallWorld, seen, smallWorld } from "./clouds-kit.ts";
import type { CloudUnderTest, HumanDeed } from "./contract.ts";

type Make = (options: CloudOptions) => CloudUnderTest;
type World = SmallWorld<CloudUnderTest>;

const ours = ["203.0.113.7/32", "203.0.113.200/32", "2001:db8:1::/64"];
/** Persons' own, and some of those that the function blocks. */
const addresses = ["192.0.2.0/24", "198.18.9.4/32", "2001:db8:99::/48", "203.0.113.200/32", "203.0.113.0/24"];

const kinds = {
  "aws-nacl": (options) => awsCloud({ ...options, addresses }),
  "aws-nacl, both ways": (options) => awsCloud({ ...options, addresses, direction: "both" }),
  "azure-nsg": (options) => azureCloud({ ...options, addresses }),
  "cloudflare-list": (options) => cloudflareCloud({ ...options, addresses, room: 12 }),
} as const satisfies Record<string, Make>;

interface Seen {
  readonly standing: readonly string[];
  readonly placed: readonly string[];
  readonly foreign: string;
}

function look({ cloud }: World): Seen {
  return { standing: cloud.standing(), placed: cloud.placed(), foreign: cloud.foreign() };
}

/** What each deed must have come to. */
const comesTo: Readonly<Record<HumanDeed, (before: Seen, after: Seen) => boolean>> = {
  "add-foreign": (before, after) => after.foreign !== before.foreign && String(after.placed) === String(before.placed),
  "edit-foreign": (before, after) => String(after.placed) === String(before.placed) && String(after.standing) === String(before.standing),
  "remove-foreign": (before, after) => after.foreign.length < before.foreign.length && String(after.placed) === String(before.placed),
  "add-in-our-place": (before, after) => before.placed.every((one) => after.placed.includes(one) || after.foreign.length > before.foreign.length),
  "edit-ours": () => true,
  "remove-ours": (before, after) => after.standing.length < before.standing.length && after.foreign === before.foreign,
  disarm: (before, after) => after.standing.length < before.standing.length && String(after.placed) === String(before.placed),
  rearm: () => true,
};

const rounds = 15;

describe.each(Object.entries<Make>(kinds))("%s", (_, make) => {
  test.each(Object.entries(comesTo))("deed: %s does what it says", async (name, holds) => {
    const deed = name as HumanDeed;
    const lines = new Set<string>();
    for (let seed = 1; seed <= rounds; seed += 1) {
      const world = smallWorld(make, seed);
      await bring(world, world.provider(), ours);
      if (deed === "rearm") world.cloud.deed("disarm", world.roll);
      const before = look(world);
      world.changes.length = 0;
      const line = world.cloud.deed(deed, world.roll);
      world.advance(60_000);
      const after = look(world);
      if (line === null) expect([after, world.changes]).toEqual([before, []]);
      else expect(holds(before, after), `${line}: ${JSON.stringify([before, after])}`).toBe(true);
      expect(world.changes.every(({ by, overran }) => by === "person" && overran.length === 0)).toBe(true);
      if (line !== null) lines.add(line.replaceAll(/\d+/g, "#"));
    }
    expect(lines.size).toBeGreaterThan(0);
  });

  test("deed: rearm gives back what disarm took", async () => {
    for (let seed = 1; seed <= rounds; seed += 1) {
      const world = smallWorld(make, seed);
      await bring(world, world.provider(), ours);
      const { standing } = look(world);
      expect(world.cloud.deed("disarm", world.roll)).not.toBeNull();
      expect(world.cloud.standing().length).toBeLessThan(standing.length);
      expect(world.cloud.deed("rearm", world.roll)).not.toBeNull();
      expect(world.cloud.standing()).toEqual(standing);
    }
  });

  test("provider: calls nothing enforced that does not stand, and finds what is there, whatever persons do", async () => {
    const deeds = Object.keys(comesTo) as HumanDeed[];
    for (let seed = 1; seed <= rounds; seed += 1) {
      const world = smallWorld(make, seed);
      const provider = world.provider();
      await bring(world, provider, ours);
      const story: string[] = [];
      for (let step = 0; step < 12; step += 1) {
        const deed = world.dice.pick("deed", deeds);
        story.push(world.cloud.deed(deed, world.roll) ?? `no ${deed}`);
        world.advance(60_000);
        const observation = await seen(world, provider);
        const told = story.join("\n");
        const found = [...new Set(observation.ours.map((entry) => cidrText(entry.cidr)))].sort();
        expect(found, told).toEqual([...new Set(world.cloud.placed())]);
        expect(world.cloud.placed(), told).toEqual(expect.arrayContaining([...world.cloud.standing()]));
        expect(world.cloud.standing(), told).toEqual(expect.arrayContaining([...enforced(observation)]));
      }
    }
  });
});

test("deed: some edits at Cloudflare are bulk operations, over when they are over, and in the way of ours", async () => {
  const later = { now: 0, operation: 0 };
  for (let seed = 1; seed <= rounds; seed += 1) {
    const world = smallWorld(kinds["cloudflare-list"], seed);
    await bring(world, world.provider(), ours);
    world.cloud.setOperationMs(20_000);
    world.changes.length = 0;
    const line = world.cloud.deed("remove-ours", world.roll) ?? "";
    const isOperation = line.includes("as a bulk operation");
    later[isOperation ? "operation" : "now"] += 1;
    expect(world.cloud.standing()).toHaveLength(isOperation ? 3 : 2);
    expect(world.cloud.deed("add-foreign", () => 0.5) === null).toBe(isOperation);
    world.advance(20_000);
    expect(world.cloud.standing()).toHaveLength(2);
    expect(world.changes[0]?.at).toBe(world.now() - (isOperation ? 0 : 20_000));
  }
  expect(Math.min(later.now, later.operation)).toBeGreaterThan(0);
});
