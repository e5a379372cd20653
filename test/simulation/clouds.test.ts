// The simulated clouds against what they promise to the world around them: their judges agree with the production providers in calm
// weather, and are not fooled where those would be; deeds and troubles do what they say.
import { expect, test } from "vitest";
import { cidrOf } from "../../shared/address/index.ts";
import type { CloudOptions } from "./clouds/index.ts";
import { awsCloud, cloudflareCloud } from "./clouds/index.ts";
import { carryOut, enforced, seen, smallWorld } from "./clouds-kit.ts";

const kinds = {
  "aws-nacl": (options: CloudOptions) => awsCloud({ ...options, foreign: 8 }),
  "aws-nacl both ways": (options: CloudOptions) => awsCloud({ ...options, direction: "both", foreign: 8 }),
  "cloudflare-list": (options: CloudOptions) => cloudflareCloud(options),
} as const;

test.each(Object.entries(kinds))("standing: is what the provider observes in calm weather (%s)", async (_, make) => {
  const world = smallWorld(make);
  const provider = world.provider();
  await carryOut(world, provider, () => [
    { verb: "add", cidr: cidrOf("203.0.113.7/32") },
    { verb: "add", cidr: cidrOf("2001:db8:1::/64") },
  ]);
  const observation = await seen(world, provider);
  expect(world.cloud.standing()).toEqual(["2001:db8:1::/64", "203.0.113.7/32"]);
  expect(enforced(observation)).toEqual(world.cloud.standing());
  expect(world.changes.every(({ by, overran }) => by === "function" && overran.length === 0)).toBe(true);
});
