// aws-waf in real passes: two sets and one write a second, other hands in the sets, lives that end between two writes, and full sets.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import { settle } from "../coordinator/world.ts";
import type { Mishap } from "../simulators/aws.ts";
import { inSet } from "../simulators/aws-waf.ts";
import { type WafWorld, wafWorld } from "./aws-waf-world.ts";

const minute = 60_000;
const runs = Number(process.env.LAW_RUNS ?? 25);
const v4 = "203.0.113.7";
const v6 = "2001:db8:7::/64";

describe("two sets", () => {
  test("enforce: both families stand within seconds, each by one write; then nothing is written", async () => {
    const world = await wafWorld();
    await world.block(v4, 30 * minute);
    await world.block(v6, 30 * minute);
    await world.advance(15_000);
    expect(world.addresses()).toEqual([v6, `${v4}/32`].sort());
    expect([await world.said(`${v4}/32`), await world.said(v6)]).toEqual(["enforced: ", "enforced: "]);
    expect(world.waf.writes).toBe(2);
    await world.advance(10 * minute);
    expect(world.waf.writes).toBe(2);
    expect(world.waf.log.filter((call) => call.code !== null)).toEqual([]);
  });

  test("lift: gone within settle, two ticks and a write after its end", async () => {
    const world = await wafWorld();
    await world.block(v4, 5 * minute);
    await world.block(v6, 5 * minute);
    await world.advance(5 * minute);
    expect(world.addresses()).toHaveLength(2);
    await world.advance(settle + 2 * limits.tickMs);
    expect(world.addresses()).toEqual([]);
    expect(world.waf.writes).toBe(4);
  });

  test("burst: a hundred addresses are few writes", async () => {
    const world = await wafWorld();
    for (let at = 1; at <= 100; at += 1) await world.block(`203.0.113.${at}`, 30 * minute);
    await world.advance(10_000);
    expect(world.addresses()).toHaveLength(100);
    expect(world.waf.writes).toBeLessThanOrEqual(10);
  });

  test("evicted between the two writes: the next life does the rest, and nothing twice", async () => {
    for (let calls = 1; calls <= 8; calls += 1) {
      const world = await wafWorld();
      await world.block(v4, 60 * minute);
      await world.block(v6, 60 * minute);
      await world.killAfter(calls);
      await world.advance(3_000);
      await world.killAfter(Number.POSITIVE_INFINITY);
      await world.advance(settle + 3 * limits.tickMs);
      expect(world.addresses()).toEqual([v6, `${v4}/32`].sort());
      expect(world.waf.writes).toBeLessThanOrEqual(3);
    }
  });
});

describe("honest", () => {
  test("tell: what stands in a set that no rule blocks by is not called enforced", async () => {
    const world = await wafWorld();
    world.waf.webAcl(world.arns.webAcl).rules = [{ name: "count", priority: 0, action: "Count", statement: inSet(world.arns.ipv4) }];
    await world.block(v4, 30 * minute);
    await world.advance(5_000);
    expect(world.addresses()).toEqual([`${v4}/32`]);
    expect(await world.said(`${v4}/32`)).toMatch(/^failed: the entry stands, but .*no rule with action Block/);
  });

  test("stop: a set that another store took is written no more, and says so", async () => {
    const world = await wafWorld();
    const set = world.waf.set(world.arns.ipv4);
    set.edit({ description: "portcullis:store=ffffffffffffffff portcullis:with=none" });
    await world.block(v4, 30 * minute);
    await world.block(v6, 30 * minute);
    await world.advance(5 * minute);
    expect(world.addresses()).toEqual([]);
    expect(world.waf.writes).toBe(0);
    expect(await world.said(v6)).toContain("different stores");
  });

  test("shed: what finds no room in a full set is named, and the other family is not", async () => {
    const world = await wafWorld();
    // Not ours, and in the way: as WAF spells IPv4 in an IPv6 set.
    const theirs = Array.from(
      { length: 9_999 },
      (_, at) => `0000:0000:0000:0000:0000:ffff:0a${(at >> 8).toString(16).padStart(2, "0")}:${(at & 255).toString(16).padStart(4, "0")}/128`,
    );
    world.waf.set(world.arns.ipv6).edit({ addresses: theirs });
    await world.block(v6, 30 * minute, { severity: "critical" });
    await world.block("2001:db8:8::/64", 30 * minute);
    await world.block(v4, 30 * minute);
    await world.advance(15_000);
    expect(await world.said(v6)).toBe("enforced: ");
    expect(await world.said("2001:db8:8::/64")).toMatch(/^shed: /);
    expect(await world.said(`${v4}/32`)).toBe("enforced: ");
    expect(world.waf.set(world.arns.ipv6).state.addresses).toHaveLength(10_000);
    for (const address of theirs) expect(world.waf.set(world.arns.ipv6).state.addresses).toContain(address);
  });
});

type Event =
  | { readonly do: "block"; readonly cidr: string; readonly minutes: number }
  | { readonly do: "wait"; readonly seconds: number }
  | { readonly do: "kill"; readonly calls: number }
  | { readonly do: "trouble"; readonly mishap: Mishap }
  | { readonly do: "person"; readonly family: "ipv4" | "ipv6" };

const cidrs = ["203.0.113.7/32", "203.0.113.8/32", "203.0.113.64/26", "2001:db8:7::/64", "2001:db8:8::/64"];
const mishaps: readonly Mishap[] = [
  { kind: "throttle", status: 429, retryAfterSeconds: null },
  { kind: "throttle", status: 429, retryAfterSeconds: 20 },
  { kind: "serverError", status: 503, committed: true },
  { kind: "serverError", status: 500, committed: false },
  { kind: "drop", committed: true },
  { kind: "drop", committed: false },
  { kind: "garbage", committed: true },
];
const events: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ do: fc.constant("block" as const), cidr: fc.constantFrom(...cidrs), minutes: fc.integer({ min: 3, max: 40 }) }),
  fc.record({ do: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 240 }) }),
  fc.record({ do: fc.constant("kill" as const), calls: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ do: fc.constant("trouble" as const), mishap: fc.constantFrom(...mishaps) }),
  fc.record({ do: fc.constant("person" as const), family: fc.constantFrom("ipv4" as const, "ipv6" as const) }),
);

const personal = { ipv4: "192.0.2.200/32", ipv6: "2001:0db8:00ff:0000:0000:0000:0000:0000/64" } as const;

/** No address of a live lease goes once it has been there, and no write takes what a person put in between look and write. */
function check(world: WafWorld, until: ReadonlyMap<string, number>, stood: Set<string>): void {
  const standing = new Set(world.addresses());
  for (const [cidr, end] of until) {
    if (standing.has(cidr)) stood.add(cidr);
    else if (stood.has(cidr) && world.now < end) throw new Error(`${cidr} opened ${Math.round((end - world.now) / 1_000)} s early`);
  }
}

async function perform(world: WafWorld, event: Event, until: Map<string, number>, stood: Set<string>): Promise<void> {
  if (event.do === "block") {
    const answer = await world.block(event.cidr, event.minutes * minute);
    if (answer !== null) until.set(event.cidr, Math.max(until.get(event.cidr) ?? 0, world.now + event.minutes * minute));
  } else if (event.do === "wait") await world.advance(event.seconds * 1_000, () => check(world, until, stood));
  else if (event.do === "kill") await world.killAfter(event.calls);
  else if (event.do === "trouble") world.waf.faults.next.push({ action: null, mishap: event.mishap });
  else {
    const set = world.waf.set(world.arns[event.family]);
    const { addresses } = set.state;
    const one = personal[event.family];
    set.edit({ addresses: addresses.includes(one) ? addresses : [...addresses, one] });
  }
}

describe("aws-waf under the core", () => {
  test("hold: nothing opens early, the marks stay, and all agrees once trouble ends", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(events, { maxLength: 25 }), async (history) => {
        const world = await wafWorld();
        const marks = () => [world.arns.ipv4, world.arns.ipv6].map((arn) => world.waf.set(arn).state.description);
        const before = marks();
        const until = new Map<string, number>();
        const stood = new Set<string>();
        for (const event of history) await perform(world, event, until, stood);
        world.waf.faults.next.length = 0;
        await world.killAfter(Number.POSITIVE_INFINITY);
        await world.advance(2 * settle + 2 * limits.fullPassMs, () => check(world, until, stood));
        const live = [...until].filter(([, end]) => end > world.now).map(([cidr]) => cidr);
        for (const cidr of live) expect(world.addresses()).toContain(cidr);
        await world.advance(60 * minute, () => check(world, until, stood));
        expect(world.addresses()).toEqual([]);
        expect(marks()).toEqual(before);
        // Refused for a stale token, never for a list that WAF would not take.
        expect(world.waf.log.filter((call) => call.code === "WAFInvalidParameterException" || call.code === "WAFLimitsExceededException")).toEqual([]);
      }),
      { numRuns: runs },
    );
  }, 600_000);
});
