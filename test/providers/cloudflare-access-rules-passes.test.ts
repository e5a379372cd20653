// cloudflare-access-rules in real passes: many blocks, crashes, storms, and people's rules in the way.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import { settle } from "../coordinator/world.ts";
import type { Mishap } from "../simulators/cloudflare.ts";
import { accountId } from "../simulators/cloudflare-fixtures.ts";
import { type AccessWorld, accessWorld } from "./cloudflare-access-rules-world.ts";

const minute = 60_000;
const runs = Number(process.env.LAW_RUNS ?? 40);

function addresses(count: number, net = "203.0.113"): string[] {
  return Array.from({ length: count }, (_, at) => `${net}.${at + 1}`);
}

describe("blocks", () => {
  test("one: enforced by the pass that adds it, gone within settle and a tick after its end", async () => {
    const world = await accessWorld();
    await world.block("203.0.113.7", 5 * minute);
    await world.advance(2_000);
    expect([world.blocks(), await world.said("203.0.113.7")]).toEqual([["203.0.113.7"], "enforced: "]);
    await world.advance(5 * minute + settle + 2 * limits.tickMs);
    expect(world.blocks()).toEqual([]);
  });

  test("many: a pass keeps to its calls, and the next ones go on until all stand, one call each", async () => {
    const world = await accessWorld();
    const wanted = addresses(150);
    for (const ip of wanted) await world.block(ip, 600 * minute);
    let before = world.cloudflare.calls();
    let most = 0;
    await world.advance(10 * minute, () => {
      most = Math.max(most, world.cloudflare.calls() - before);
      before = world.cloudflare.calls();
    });
    expect(world.blocks()).toEqual([...wanted].sort());
    expect(world.cloudflare.calls("access.create")).toBe(151);
    expect(most).toBeLessThanOrEqual(2 * (limits.passCallsMax + 1));
  });

  test("quiet: nothing to do costs a call in five minutes, with an allow rule in the way too", async () => {
    const world = await accessWorld();
    world.put("203.0.113.0/24", { mode: "whitelist" });
    for (const ip of addresses(3)) await world.block(ip, 600 * minute);
    await world.advance(20 * minute);
    const [before, writes] = [world.cloudflare.calls(), world.cloudflare.writes];
    await world.advance(60 * minute);
    expect(world.cloudflare.writes).toBe(writes);
    expect(world.cloudflare.calls() - before).toBeLessThanOrEqual(13);
  });

  test("sizes: what a rule cannot hold is unsupported, and named with what it can", async () => {
    const world = await accessWorld();
    await world.block("203.0.112.0/23", 60 * minute);
    await world.block("203.5.0.0/16", 60 * minute);
    await world.advance(2_000);
    expect(await world.said("203.0.112.0/23")).toContain("refused: an IP Access rule takes single addresses and /16, /24");
    expect(world.blocks()).toEqual(["203.5.0.0/16"]);
  });
});

describe("people", () => {
  test("a rule that holds the value: said, left alone, and ours is made once it is gone", async () => {
    const world = await accessWorld();
    world.put("203.0.113.7", { mode: "whitelist" });
    await world.block("203.0.113.7", 600 * minute);
    await world.block("203.0.113.8", 600 * minute);
    await world.advance(2 * minute);
    expect(world.blocks()).toEqual(["203.0.113.8"]);
    const word = "refused: somebody else's rule for it at account";
    expect(await world.said("203.0.113.7")).toMatch(new RegExp(`^${word} .* allows it, so that it is not blocked, and is not touched`));
    world.held.remove(accountId, "203.0.113.7");
    await world.advance(10 * minute);
    expect([world.blocks(), await world.said("203.0.113.7")]).toEqual([["203.0.113.7", "203.0.113.8"], "enforced: "]);
  });

  test("an allow rule around it: never called enforced, from the first pass on, until that rule is gone", async () => {
    const world = await accessWorld();
    world.put("203.0.113.0/24", { mode: "whitelist" });
    await world.block("203.0.113.7", 600 * minute);
    for (const ms of [2_000, 10_000, 5 * minute, 5 * minute]) {
      await world.advance(ms);
      expect(await world.said("203.0.113.7")).toContain("pending: somebody else's rule allows 203.0.113.0/24, and Allow comes before Block");
    }
    world.held.remove(accountId, "203.0.113.0/24");
    await world.advance(6 * minute);
    expect(await world.said("203.0.113.7")).toBe("enforced: ");
  });

  test("an entry removed by hand comes back; one that a person made theirs is theirs, and is said to hold the value", async () => {
    const world = await accessWorld();
    for (const ip of addresses(2)) await world.block(ip, 600 * minute);
    await world.advance(minute);
    world.held.remove(accountId, "203.0.113.1");
    for (const rule of world.held.at(accountId)) if (rule.value === "203.0.113.2") rule.notes = "keep";
    await world.advance(12 * minute);
    expect(world.blocks()).toEqual(["203.0.113.1"]);
    expect(await world.said("203.0.113.2")).toContain("refused: somebody else's rule for it at account");
    expect(await world.said("203.0.113.2")).toContain("blocks it already");
  });

  test("the claim's rule deleted: nothing more is written, what stands stands, and setup sets it going again", async () => {
    const world = await accessWorld();
    await world.block("203.0.113.7", 10 * minute);
    await world.advance(minute);
    world.held.remove(accountId, "192.0.2.255");
    const writes = world.cloudflare.writes;
    await world.block("203.0.113.8", 600 * minute);
    await world.advance(30 * minute);
    expect([world.cloudflare.writes, world.blocks()]).toEqual([writes, ["203.0.113.7"]]);
    expect(await world.said("203.0.113.8")).not.toContain("enforced");
    await world.claim("adopt");
    await world.advance(12 * minute);
    expect(world.blocks()).toEqual(["203.0.113.8"]);
  });

  test("more foreign rules than can be read: no write, nothing called enforced, and the number is said", async () => {
    const world = await accessWorld();
    await world.block("203.0.113.7", 600 * minute);
    await world.advance(minute);
    world.cloudflare.accessRulesPerPage = 2;
    for (const ip of addresses(100, "198.18.0")) world.put(ip);
    const writes = world.cloudflare.writes;
    await world.advance(12 * minute);
    await world.block("203.0.113.8", 600 * minute);
    await world.advance(2 * minute);
    expect(world.cloudflare.writes).toBe(writes);
    expect(JSON.stringify(await (await world.life()).coordinator.snapshot())).toContain("there are 102, more than the 40 pages of 2");
    expect(await world.said("203.0.113.8")).toContain("failed: ");
  });
});

describe("laws of passes", () => {
  const last = fc.integer({ min: 1, max: 30 });

  async function converged(world: AccessWorld, wanted: ReadonlySet<string>): Promise<void> {
    world.cloudflare.faults.decide = () => null;
    world.cloudflare.faults.next.length = 0;
    await world.advance(25 * minute);
    expect(world.blocks()).toEqual([...wanted].sort());
    const values = world.held.at(accountId).map((rule) => rule.value);
    expect(new Set(values).size).toBe(values.length);
  }

  test("killed anywhere: the next life completes it, nothing is made twice, and nobody's rule is touched", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(last, { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 5 }),
        async (ends, kills) => {
          const world = await accessWorld();
          world.put("198.51.100.9");
          world.put("AS64500", { target: "asn" });
          const theirs = world.theirs();
          const wanted = new Set<string>();
          for (const end of ends) if ((await world.block(`203.0.113.${end}`, 600 * minute)) !== null) wanted.add(`203.0.113.${end}`);
          for (const calls of kills) {
            await world.killAfter(calls);
            await world.advance(20_000);
          }
          world.evict();
          await converged(world, wanted);
          expect(world.theirs()).toBe(theirs);
        },
      ),
      { numRuns: runs },
    );
  });

  test("storms: once they are over what should stand stands, and what has ended is gone", async () => {
    const mishap: fc.Arbitrary<Mishap | null> = fc.oneof(
      { weight: 4, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.constant({ kind: "throttle", retryAfterSeconds: 20 } as const) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop" as const), committed: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("serverError" as const), status: fc.constant(502 as const), committed: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("garbage" as const), committed: fc.boolean() }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(last, { minLength: 2, maxLength: 8 }), fc.array(mishap, { minLength: 10, maxLength: 40 }), async (ends, weather) => {
        const world = await accessWorld();
        let at = 0;
        world.cloudflare.faults.decide = () => weather[at++ % weather.length] ?? null;
        const wanted = new Set<string>();
        for (const [index, end] of ends.entries()) {
          await world.block(`203.0.113.${end}`, index % 2 === 0 ? 600 * minute : 3 * minute);
          if (index % 2 === 0) wanted.add(`203.0.113.${end}`);
        }
        await world.advance(8 * minute);
        await converged(world, wanted);
      }),
      { numRuns: runs },
    );
  });
});
