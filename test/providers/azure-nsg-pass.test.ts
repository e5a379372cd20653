// azure-nsg under the real core: operations that take seconds, lost answers, late reads, crashes, an NSG that is nearly full, people who
// edit our rule. Seen from outside: no standing block of the highest severity opens early, nothing of the owner's moves, and in the end all agrees.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cidrKey, cidrOf, contains } from "../../shared/address/index.ts";
import type { Severity } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import { settle } from "../coordinator/world.ts";
import type { AzureMishap, RuleInput } from "../simulators/azure.ts";
import { nsgName } from "../simulators/azure-fixtures.ts";
import { ruleNames } from "./azure-nsg-harness.ts";
import { type AzureWorld, azureWorld } from "./azure-nsg-world.ts";

const minute = 60_000;
const runs = Number(process.env.LAW_RUNS ?? 40);

const mishaps = [
  { kind: "drop", committed: false },
  { kind: "drop", committed: true },
  { kind: "serverError", status: 500, committed: true },
  { kind: "serverError", status: 503, committed: false },
  { kind: "throttle", retryAfterSeconds: 20 },
  { kind: "throttle", retryAfterSeconds: null },
  { kind: "garbage", committed: true },
  { kind: "refuse", status: 409, code: "AnotherOperationInProgress" },
] as const satisfies readonly AzureMishap[];

const edits = [
  { priority: 700 },
  { destinationPortRange: "80" },
  { description: "mine now" },
  { protocol: "Tcp" },
] as const satisfies readonly Partial<RuleInput>[];

const blocks = [
  "203.0.113.1/32",
  "203.0.113.2/32",
  "203.0.113.3/32",
  "203.0.113.0/24",
  "198.18.7.7/32",
  "2001:db8:5::/64",
  "2001:db8:6::/64",
  "2001:db8:5::/48",
];

const events = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("block" as const),
      cidr: fc.constantFrom(...blocks),
      minutes: fc.integer({ min: 1, max: 20 }),
      severity: fc.constantFrom<Severity>("low", "medium", "critical"),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("wait" as const), seconds: fc.integer({ min: 0, max: 400 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("trouble" as const), mishap: fc.constantFrom(...mishaps) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("kill" as const), calls: fc.integer({ min: 0, max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("edit" as const), changes: fc.constantFrom(...edits) }) },
);

type Event = typeof events extends fc.Arbitrary<infer T> ? T : never;

interface Watched {
  /** Until when the highest severity was promised, by block. */
  readonly until: Map<string, number>;
  readonly standing: Set<string>;
}

function denies(world: AzureWorld, block: string): boolean {
  return world.sources().some((source) => contains(cidrOf(source), cidrOf(block)));
}

function watch(world: AzureWorld, watched: Watched): void {
  for (const [block, until] of watched.until) {
    if (until <= world.now) {
      watched.until.delete(block);
      watched.standing.delete(block);
    } else if (denies(world, block)) watched.standing.add(block);
    else if (watched.standing.has(block)) throw new Error(`${block} opened ${Math.round((until - world.now) / 1_000)} s early`);
  }
}

async function perform(world: AzureWorld, event: Event, watched: Watched): Promise<void> {
  if (event.do === "block") {
    const answer = await world.block(event.cidr, event.minutes * minute, { severity: event.severity });
    const until = Math.max(watched.until.get(event.cidr) ?? 0, world.now + event.minutes * minute);
    if (answer !== null && event.severity === "critical") watched.until.set(event.cidr, until);
  } else if (event.do === "wait") await world.advance(event.seconds * 1_000, () => watch(world, watched));
  else if (event.do === "kill") await world.killAfter(event.calls);
  else if (event.do === "trouble") world.azure.faults.next.push({ call: null, mishap: event.mishap });
  else if (world.azure.group(nsgName).rule(ruleNames[0])?.properties.provisioningState === "Succeeded")
    world.azure.group(nsgName).edit(ruleNames[0], event.changes);
}

/** The owner's own rules leave room for so many addresses. */
function ownerRules(room: number): readonly RuleInput[] {
  const sourceAddressPrefixes = Array.from({ length: 4_000 - room }, (_, at) => `10.${at >> 8}.${at & 255}.1/32`);
  return [
    { name: "Office", priority: 300, protocol: "Tcp", destinationPortRange: "443", sourceAddressPrefixes, description: "theirs" },
    { name: "out", priority: 310, destinationPortRanges: ["80", "443"], direction: "Outbound" },
  ];
}

describe("azure-nsg under the core", () => {
  test("hold: the severest never open early, the owner's rules stay, no write meets a running one, and all agrees once trouble ends", async () => {
    const worlds = fc.record({ provisioningMs: fc.constantFrom(0, 4_000, 30_000), readLagMs: fc.constantFrom(0, 0, 6_000), room: fc.constantFrom(3, 3_999) });
    await fc.assert(
      fc.asyncProperty(fc.array(events, { maxLength: 30 }), worlds, async (history, { room, ...cloud }) => {
        const world = await azureWorld({ ...cloud, rules: ownerRules(room) });
        const others = world.others();
        const watched: Watched = { until: new Map(), standing: new Set() };
        for (const event of history) {
          await perform(world, event, watched);
          expect(world.others()).toBe(others);
        }
        world.azure.faults.next.length = 0;
        await world.killAfter(Number.POSITIVE_INFINITY);
        await world.advance(2 * settle + 2 * limits.fullPassMs, () => watch(world, watched));
        for (const name of ruleNames) {
          const rule = world.azure.group(nsgName).rule(name);
          if (rule !== null)
            expect(rule.properties).toMatchObject({ access: "Deny", priority: name.endsWith("6") ? 101 : 100, destinationPortRange: "*", protocol: "*" });
        }
        await world.advance(60 * minute);
        expect(world.sources()).toEqual([]);
        expect(world.others()).toBe(others);
        expect(ruleNames.map((name) => world.azure.group(nsgName).rule(name))).toEqual([null, null]);
        // Without lag every look sees what is under way; only a storm's own refusal may say that something else is.
        if (cloud.readLagMs === 0) expect(world.azure.log.filter((entry) => entry.code === "RetryableError")).toEqual([]);
      }),
      { numRuns: runs },
    );
  }, 600_000);

  test("tell: accepted is pending, and enforced once Azure says it is done; nothing more is written then", async () => {
    const world = await azureWorld({ provisioningMs: 4_000 });
    await world.block("203.0.113.7", 30 * minute);
    await world.advance(2_000);
    expect(world.sources()).toEqual(["203.0.113.7/32"]);
    expect(await world.said(cidrKey(cidrOf("203.0.113.7")))).toContain('"pending"');
    await world.advance(minute);
    expect(await world.said(cidrKey(cidrOf("203.0.113.7")))).toContain('"enforced"');
    const { writes } = world.azure;
    await world.advance(10 * minute);
    expect([writes, world.azure.writes]).toEqual([1, 1]);
  });

  test("write: a burst is one PUT, and the last to end is one DELETE", async () => {
    const world = await azureWorld({ provisioningMs: 0 });
    for (let at = 1; at <= 50; at += 1) await world.block(`203.0.113.${at}`, 10 * minute);
    await world.advance(30_000);
    expect(world.sources()).toHaveLength(50);
    expect(world.azure.calls("writeRule")).toBeLessThanOrEqual(2);
    await world.advance(20 * minute);
    expect(world.sources()).toEqual([]);
    expect(world.azure.calls("deleteRule")).toBe(1);
  });

  test("take over: an address inside a range stands alone from the same PUT in which the range ends", async () => {
    const world = await azureWorld({ provisioningMs: 0 });
    await world.block("203.0.113.0/24", 5 * minute);
    await world.block("203.0.113.9", 60 * minute);
    await world.advance(2 * minute);
    expect(world.sources()).toEqual(["203.0.113.0/24"]);
    const { writes } = world.azure;
    let gaps = 0;
    await world.advance(10 * minute, () => {
      gaps += denies(world, "203.0.113.9/32") ? 0 : 1;
    });
    expect(world.sources()).toEqual(["203.0.113.9/32"]);
    expect([gaps, world.azure.writes - writes]).toEqual([0, 1]);
  });

  test("repair: what a person changed is told as not enforcing, and written again", async () => {
    const world = await azureWorld({ provisioningMs: 0 });
    await world.block("203.0.113.7", 60 * minute);
    await world.advance(minute);
    world.azure.group(nsgName).edit(ruleNames[0], { access: "Allow", priority: 900 });
    await world.advance(6 * minute);
    expect(world.azure.group(nsgName).rule(ruleNames[0])?.properties).toMatchObject({ access: "Deny", priority: 100 });
    await world.advance(6 * minute);
    expect(await world.said(cidrKey(cidrOf("203.0.113.7")))).toContain('"enforced"');
  });
});
