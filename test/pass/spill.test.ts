// What finds no room at a small target stands in a larger one, and there is no moment in which it stands in neither.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bySpill } from "../../functions/pass/spill.ts";
import type { Target } from "../../functions/pass/world.ts";
import { blockOf, type Cidr, cidrKey, cidrOf, cidrText } from "../../shared/address/index.ts";
import { type Severity, severities } from "../../shared/config.ts";
import { liveAt, SpillWorld, startMs } from "./spill-world.ts";

const minute = 60_000;
const host = (number: number): Cidr => blockOf(4, `cb0071${number.toString(16).padStart(2, "0")}`, 32);
const chain = (hot: number, large: number) => ({ hot: { rules: hot, changes: { spill: "large" } }, large: { rules: large } });

describe("spill", () => {
  test("room: the heaviest stand in the small target, the rest in the large one, nothing in both, and then it is silent", async () => {
    const world = await SpillWorld.of(chain(3, 20));
    for (let number = 0; number < 10; number += 1) await world.lease(host(2 * number), { minutes: 120, severity: number < 3 ? "high" : "low" });
    await world.ticks(3);
    expect(world.standing("hot").map(cidrText).sort()).toEqual([0, 2, 4].map((number) => cidrText(host(number))));
    expect(world.standing("large")).toHaveLength(7);
    const { writes } = { writes: world.writes() };
    await world.ticks(20);
    expect(world.writes()).toBe(writes);
    expect([world.state(cidrKey(host(0)), "hot"), world.state(cidrKey(host(0)), "large")]).toEqual(["enforced", undefined]);
    expect([world.state(cidrKey(host(18)), "hot"), world.state(cidrKey(host(18)), "large")]).toEqual(["shed", "enforced"]);
  });

  test("taken: an address whose place is somebody else's is refused there, stands where it spills to, and comes home once it is free", async () => {
    const world = await SpillWorld.of(chain(3, 20));
    const site = world.sites.get("hot");
    if (site === undefined) throw new Error("there is no hot target");
    site.taken = [{ cidr: host(2), why: "it is the owner's" }];
    for (const number of [2, 8]) await world.lease(host(number), { minutes: 120 });
    await world.ticks(3);
    expect([world.standing("hot"), world.standing("large")]).toEqual([[host(8)], [host(2)]]);
    expect([world.state(cidrKey(host(2)), "hot"), world.state(cidrKey(host(2)), "large")]).toEqual(["refused", "enforced"]);
    const written = world.writes();
    await world.ticks(10);
    expect(world.writes()).toBe(written);
    site.taken = [];
    world.onWrite = () => expect(world.holds("hot", host(2)) || world.holds("large", host(2))).toBe(true);
    await world.ticks(10);
    expect([world.standing("hot").map(cidrText).sort(), world.standing("large")]).toEqual([[host(2), host(8)].map(cidrText).sort(), []]);
  });

  test("taken: inside a wider entry of ours it is covered by that one; no merge takes a place that is somebody else's", async () => {
    const wide = cidrOf("203.0.113.0/28");
    const world = await SpillWorld.of({ hot: { rules: 2 } });
    const site = world.sites.get("hot");
    if (site === undefined) throw new Error("there is no hot target");
    site.taken = [host(2), cidrOf("203.0.113.32/31")].map((cidr) => ({ cidr, why: "it is the owner's" }));
    await world.lease(wide, { minutes: 120, severity: "high" });
    await world.lease(host(2), { minutes: 120 });
    await world.ticks(2);
    expect([world.standing("hot"), world.state(cidrKey(host(2)), "hot")]).toEqual([[wide], "covered"]);
    // Two neighbours and one rule left: together they would be the block that is somebody else's.
    for (const number of [32, 33]) await world.lease(host(number), { minutes: 120 });
    await world.ticks(4);
    expect(world.standing("hot").map(cidrText)).toContain(cidrText(wide));
    expect(world.standing("hot").map(cidrText)).not.toContain("203.0.113.32/31");
    expect(world.standing("hot")).toHaveLength(2);
  });

  test("displaced: what gives its place stands in the large target first, within the same minute", async () => {
    const world = await SpillWorld.of(chain(1, 20));
    await world.lease(host(2), { minutes: 120, severity: "low" });
    await world.ticks(2);
    await world.lease(host(8), { minutes: 120, severity: "critical" });
    const seen: string[] = [];
    world.onWrite = () => seen.push(`${world.holds("hot", host(2)) || world.holds("large", host(2))}`);
    await world.ticks(1);
    expect(seen).not.toContain("false");
    expect([world.standing("hot"), world.standing("large")]).toEqual([[host(8)], [host(2)]]);
  });

  test("short lives: what was seen below by a life that is over is looked at again, and then gives its place", async () => {
    const world = await SpillWorld.of(chain(1, 20));
    await world.lease(host(2), { minutes: 120, severity: "low" });
    await world.ticks(2);
    await world.lease(host(8), { minutes: 120, severity: "critical" });
    world.onWrite = () => expect(world.holds("hot", host(2)) || world.holds("large", host(2))).toBe(true);
    await world.pass();
    expect(world.holds("large", host(2))).toBe(true);
    for (let life = 0; life < 3; life += 1) {
      world.world.memory.standing.clear();
      world.world.memory.core.changedAt = world.nowMs;
      await world.ticks(1);
    }
    expect([world.standing("hot"), world.standing("large")]).toEqual([[host(8)], [host(2)]]);
    const written = world.writes();
    await world.ticks(20);
    expect(world.writes()).toBe(written);
  });

  test("on its way out: what the large target is about to let go stands there for nobody", async () => {
    const world = await SpillWorld.of(chain(1, 20));
    const large = world.sites.get("large");
    if (large === undefined) throw new Error("there is no large target");
    await world.lease(host(8), { minutes: 3, severity: "critical" });
    await world.lease(host(2), { minutes: 120, severity: "low" });
    await world.ticks(1);
    expect([world.holds("hot", host(8)), world.holds("large", host(2))]).toEqual([true, true]);
    // It moves up, and its removal below is only accepted.
    large.later = [];
    for (let passes = 0; passes < 30 && large.later.length === 0; passes += 1) {
      world.nowMs += minute / 2;
      await world.pass();
    }
    expect([world.holds("hot", host(2)), world.holds("large", host(2)), large.later.length > 0]).toEqual([true, true, true]);
    world.onWrite = () => expect(world.holds("hot", host(2)) || world.holds("large", host(2))).toBe(true);
    // Something heavier comes, while that is under way.
    await world.lease(host(16), { minutes: 120, severity: "critical" });
    await world.pass();
    const done = large.later;
    large.later = null;
    for (const end of done) await end();
    await world.ticks(5);
    expect([world.standing("hot"), world.holds("large", host(2))]).toEqual([[host(16)], true]);
  });

  test("back: when there is room again it moves up, and only then leaves the large target", async () => {
    const world = await SpillWorld.of(chain(1, 20));
    await world.lease(host(2), { minutes: 10, severity: "high" });
    await world.lease(host(8), { minutes: 120, severity: "low" });
    await world.ticks(2);
    expect(world.holds("large", host(8))).toBe(true);
    world.onWrite = () => expect(world.holds("hot", host(8)) || world.holds("large", host(8))).toBe(true);
    await world.ticks(12);
    expect([world.standing("hot"), world.standing("large")]).toEqual([[host(8)], []]);
  });

  test("named: a lease that names the large target stands there, whatever the small one holds", async () => {
    const world = await SpillWorld.of(chain(5, 20));
    const until = startMs + 60 * minute;
    const lease = { cidr: host(2), at: startMs, until, client: "a", severity: "high" as const, targets: ["large"], held: false };
    const { leaseKey, leaseMetadata } = await import("../../shared/keys.ts");
    await world.world.store.put(leaseKey(host(2), until, "a"), "{}", { metadata: leaseMetadata(lease), expiresAtMs: null });
    await world.ticks(2);
    expect([world.standing("hot"), world.standing("large")]).toEqual([[], [host(2)]]);
  });

  test("unreachable: a large target that cannot be seen holds nothing up for longer than two full intervals", async () => {
    const world = await SpillWorld.of(chain(1, 20));
    await world.lease(host(2), { minutes: 240, severity: "low" });
    await world.ticks(2);
    const large = world.sites.get("large");
    if (large !== undefined) large.isDown = true;
    await world.lease(host(8), { minutes: 240, severity: "critical" });
    await world.ticks(5);
    expect(world.standing("hot")).toEqual([host(2)]);
    await world.ticks(10);
    expect(world.standing("hot")).toEqual([host(8)]);
  });

  test("modes: nothing waits for a large target that is not written to", async () => {
    const changes = { mode: "observe" } as const;
    const world = await SpillWorld.of({ hot: { rules: 1, changes: { spill: "large" } }, large: { rules: 20, changes } });
    await world.lease(host(2), { minutes: 240, severity: "low" });
    await world.ticks(2);
    await world.lease(host(8), { minutes: 240, severity: "critical" });
    await world.ticks(1);
    expect([world.standing("hot"), world.standing("large")]).toEqual([[host(8)], []]);
  });

  test("chain: what the second sheds stands in the third", async () => {
    const world = await SpillWorld.of({ a: { rules: 1, changes: { spill: "b" } }, b: { rules: 2, changes: { spill: "c" } }, c: { rules: 9 } });
    for (let number = 0; number < 6; number += 1) await world.lease(host(2 * number), { minutes: 120 });
    await world.ticks(3);
    expect(["a", "b", "c"].map((name) => world.standing(name).length)).toEqual([1, 2, 3]);
  });

  test("order: who spills is visited before whom it spills into, however they are named", () => {
    const named = (name: string, spill?: string) => ({ name, config: spill === undefined ? {} : { spill } }) as unknown as Target;
    const names = bySpill([named("a"), named("b", "a"), named("c", "b"), named("d")]).map(({ name }) => name);
    expect(names.indexOf("c")).toBeLessThan(names.indexOf("b"));
    expect(names.indexOf("b")).toBeLessThan(names.indexOf("a"));
  });
});

interface Deed {
  readonly minutes: number;
  readonly number: number;
  readonly lasts: number;
  readonly severity: Severity;
  readonly what: "lease" | "lease" | "lift" | "down" | "up" | "crash";
}

const deed: fc.Arbitrary<Deed> = fc.record({
  minutes: fc.integer({ min: 0, max: 4 }),
  number: fc.integer({ min: 0, max: 15 }),
  lasts: fc.integer({ min: 3, max: 60 }),
  severity: fc.constantFrom(...severities),
  what: fc.constantFrom("lease", "lease", "lease", "lease", "lift", "down", "up", "crash"),
});

/** When each block's last lease ends, and from when on it may open earlier: lifted. */
class Promised {
  readonly #until = new Map<string, number>();
  readonly ends: number[] = [];

  lease(cidr: Cidr, until: number): void {
    this.ends.push(until);
    this.#until.set(cidrKey(cidr), Math.max(until, this.#until.get(cidrKey(cidr)) ?? 0));
  }

  lift(cidr: Cidr): void {
    this.#until.delete(cidrKey(cidr));
  }

  live(now: number): string[] {
    return [...this.#until].filter(([, until]) => liveAt(now, until)).map(([key]) => key);
  }
}

describe("laws of a spill", () => {
  test("never in neither: with room in the large target, no write of any history opens a gate under a live lease; and it comes to rest", async () => {
    const history = fc.array(deed, { minLength: 5, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(history, fc.integer({ min: 1, max: 4 }), fc.boolean(), async (deeds, hot, canSwap) => {
        const world = await SpillWorld.of({ hot: { rules: hot, canSwap, changes: { spill: "large" } }, large: { rules: 40, canSwap } });
        const promised = new Promised();
        const holds = (key: string) =>
          ["hot", "large"].some((name) => world.standing(name).some((block) => cidrKey(block) === key || (world.holds(name, block) && covers(block, key))));
        let closed = new Set<string>();
        let downSince: number | null = null;
        world.onWrite = () => {
          const live = promised.live(world.nowMs);
          // Nobody waits longer than two full intervals for a target that cannot be seen.
          const isExcused = downSince !== null && world.nowMs - downSince > 9 * minute;
          for (const key of live) if (closed.has(key) && !isExcused) expect(holds(key), key).toBe(true);
          closed = new Set(live.filter(holds));
        };
        for (const { minutes, number, lasts, severity, what } of deeds) {
          await world.ticks(minutes);
          world.nowMs += 1;
          const large = world.sites.get("large");
          if (what === "lease") {
            promised.lease(host(number), world.nowMs + lasts * minute);
            await world.lease(host(number), { minutes: lasts, severity });
          } else if (what === "lift") {
            promised.lift(host(number));
            await world.lift(host(number));
          } else if (what === "down" && large !== undefined && !large.isDown) {
            large.isDown = true;
            downSince = world.nowMs;
          } else if (what === "up" && large !== undefined) {
            large.isDown = false;
            downSince = null;
          } else if (what === "crash") world.world.memory.standing.clear();
          await world.pass("due");
        }
        const large = world.sites.get("large");
        if (large !== undefined) large.isDown = false;
        await world.ticks(16);
        for (const key of promised.live(world.nowMs)) expect(holds(key), key).toBe(true);
        const writes = world.writes();
        const from = world.nowMs - 3 * minute;
        await world.ticks(2);
        // Where no lease ends about now, there is nothing to do.
        if (!promised.ends.some((at) => at > from && at < world.nowMs + 3 * minute)) expect(world.writes()).toBe(writes);
      }),
      { numRuns: Number(process.env.LAW_RUNS ?? 100) },
    );
  });
});

function covers(block: Cidr, key: string): boolean {
  const [, first = ""] = /^4:([0-9a-f]{8})/.exec(key) ?? [];
  return block.first <= first && first <= block.last;
}

test("the hosts of these tests are what they look like", () => {
  expect(cidrText(host(2))).toBe(cidrText(cidrOf("203.0.113.2")));
});
