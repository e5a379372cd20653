import { expect, test } from "vitest";
import { cidrOf } from "../../shared/address/index.ts";
import { awsCloud } from "./clouds/index.ts";
import { carryOut, enforced, seen, smallWorld } from "./clouds-kit.ts";

test("standing: is what the provider observes in calm weather", async () => {
  for (const direction of ["ingress", "both"] as const) {
    const world = smallWorld((options) => awsCloud({ ...options, direction, foreign: 8 }));
    const provider = world.provider();
    await carryOut(world, provider, () => [
      { verb: "add", cidr: cidrOf("203.0.113.7/32") },
      { verb: "add", cidr: cidrOf("2001:db8:1::/64") },
    ]);
    const observation = await seen(world, provider);
    expect(world.cloud.standing()).toEqual(["2001:db8:1::/64", "203.0.113.7/32"]);
    expect(enforced(observation)).toEqual(world.cloud.standing());
    expect(world.changes.every(({ by, overran }) => by === "function" && overran.length === 0)).toBe(true);
    expect(observation.pools.map((pool) => pool.limit)).toEqual([12, 12, 40]);
    expect(world.cloud.room()).toEqual({ ipv4: 12, ipv6: 12, shared: false, total: 40 });
  }
});
