// The simulated clouds against what they promise to the world around them: their judges agree with the production providers in calm
// weather, and are not fooled where those would be.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { awsCloud, azureCloud, type CloudOptions, cloudflareCloud } from "./clouds/index.ts";
import { bring, enforced, seen, smallWorld } from "./clouds-kit.ts";
import type { CloudUnderTest } from "./contract.ts";

type Make = (options: CloudOptions) => CloudUnderTest;

const kinds = {
  "aws-nacl": (options) => awsCloud({ ...options, foreign: 8 }),
  "aws-nacl, both ways": (options) => awsCloud({ ...options, direction: "both", foreign: 8 }),
  "azure-nsg": (options) => azureCloud(options),
  "azure-nsg, little room": (options) => azureCloud({ ...options, room: 12 }),
  "cloudflare-list": (options) => cloudflareCloud(options),
  "cloudflare-list, two zones": (options) => cloudflareCloud({ ...options, zones: 2, room: 12 }),
} as const satisfies Record<string, Make>;

/** Of both families, none inside another, and none that a person of ours uses. */
const blocks = ["203.0.113.7/32", "198.51.100.0/25", "198.51.100.200/32", "100.64.9.0/24", "2001:db8:1::/64", "2001:db8:2::/48", "2001:db8:3:4::/64"];

describe.each(Object.entries<Make>(kinds))("%s, in calm weather", (_, make) => {
  test("standing: is what the provider observes, whatever it writes, and nothing else changes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.subarray(blocks), { minLength: 1, maxLength: 4 }), async (wishes) => {
        const world = smallWorld(make);
        const provider = world.provider();
        const foreign = world.cloud.foreign();
        for (const wish of wishes) {
          const observation = await bring(world, provider, wish);
          expect(world.cloud.standing()).toEqual([...wish].sort());
          expect(world.cloud.placed()).toEqual(world.cloud.standing());
          expect(enforced(observation)).toEqual(world.cloud.standing());
        }
        expect(world.cloud.foreign()).toBe(foreign);
        expect(world.changes.filter(({ by, overran }) => by !== "function" || overran.length > 0)).toEqual([]);
        expect(world.changes.at(-1)?.standing ?? []).toEqual(world.cloud.standing());
      }),
      { numRuns: 12 },
    );
  });

  test("room: is what the provider finds", async () => {
    const world = smallWorld(make);
    const observation = await seen(world, world.provider());
    const { ipv4, ipv6, total } = world.cloud.room();
    const least = (family: 4 | 6) => Math.min(...observation.pools.filter((pool) => pool.families.includes(family)).map((pool) => pool.limit));
    expect([least(4), least(6)]).toEqual([Math.min(ipv4, total), Math.min(ipv6, total)]);
  });
});
