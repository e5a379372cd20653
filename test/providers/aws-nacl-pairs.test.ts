// aws-nacl with `direction: both` under the real core on a full ACL: swaps that are cut short, lost answers, late reads, crashes.
// Seen from outside: no standing block of the highest severity ever opens early, and in the end both directions agree.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cidrOf, contains } from "../../shared/address/index.ts";
import type { Severity } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import { type CoordinatedWorld, newWorld, settle } from "../coordinator/world.ts";
import type { Mishap } from "../simulators/aws.ts";
import { aclId } from "../simulators/aws-fixtures.ts";

const minute = 60_000;
const runs = Number(process.env.LAW_RUNS ?? 40);

const mishaps = [
  { kind: "drop", committed: false },
  { kind: "drop", committed: true },
  { kind: "serverError", status: 500, committed: true },
  { kind: "serverError", status: 503, committed: false },
  { kind: "throttle", status: 503, retryAfterSeconds: 20 },
  { kind: "garbage", committed: true },
] as const satisfies readonly Mishap[];

const events = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("block" as const),
      host: fc.integer({ min: 1, max: 9 }),
      minutes: fc.integer({ min: 1, max: 20 }),
      severity: fc.constantFrom<Severity>("low", "medium", "critical"),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("wait" as const), seconds: fc.integer({ min: 0, max: 400 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("trouble" as const), mishap: fc.constantFrom(...mishaps) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("kill" as const), calls: fc.integer({ min: 0, max: 20 }) }) },
);

type Event = typeof events extends fc.Arbitrary<infer T> ? T : never;

/** Hosts with a denying rule in a direction. */
function denied(world: CoordinatedWorld, egress: boolean): readonly string[] {
  const entries = world.aws.acl(aclId).state.entries.filter((entry) => entry.egress === egress && entry.number <= 40 && entry.action === "deny");
  return entries.map((entry) => entry.cidr).sort();
}

interface Watched {
  /** Until when the highest severity was promised, by address. */
  readonly until: Map<string, number>;
  readonly standing: Set<string>;
}

function watch(world: CoordinatedWorld, watched: Watched): void {
  // Neighbours may share a rule.
  const now = denied(world, false).map(cidrOf);
  const isDenied = (cidr: string) => now.some((entry) => contains(entry, cidrOf(cidr)));
  for (const [cidr, until] of watched.until) {
    if (until <= world.now) {
      watched.until.delete(cidr);
      watched.standing.delete(cidr);
    } else if (isDenied(cidr)) watched.standing.add(cidr);
    else if (watched.standing.has(cidr)) throw new Error(`${cidr} opened ${Math.round((until - world.now) / 1_000)} s early`);
  }
}

async function perform(world: CoordinatedWorld, event: Event, watched: Watched): Promise<void> {
  if (event.do === "block") {
    const ip = `203.0.113.${event.host}`;
    const answer = await world.block(ip, event.minutes * minute, { severity: event.severity });
    if (answer !== null && event.severity === "critical")
      watched.until.set(`${ip}/32`, Math.max(watched.until.get(`${ip}/32`) ?? 0, world.now + event.minutes * minute));
  } else if (event.do === "wait") await world.advance(event.seconds * 1_000, () => watch(world, watched));
  else if (event.do === "kill") await world.killAfter(event.calls);
  else world.aws.faults.next.push({ action: null, mishap: event.mishap });
}

describe("aws-nacl in both directions, under the core", () => {
  test("hold: the severest never open early, foreign rules stay, and both directions agree once trouble ends", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(events, { maxLength: 30 }), fc.constantFrom(0, 8_000), async (history, describeLagMs) => {
        const targets = {
          web: { kind: "aws-nacl", mode: "enforce", maxEntries: null, settings: { direction: "both" }, credentials: {}, formerly: null },
        } as const;
        const world = await newWorld({ config: { targets }, rulesMax: 5, describeLagMs });
        const foreign = world.aws.acl(aclId).state.entries;
        const watched: Watched = { until: new Map(), standing: new Set() };
        for (const event of history) await perform(world, event, watched);
        world.aws.faults.next.length = 0;
        await world.killAfter(Number.POSITIVE_INFINITY);
        await world.advance(2 * settle + 2 * limits.fullPassMs, () => watch(world, watched));
        expect(denied(world, false)).toEqual(denied(world, true));
        expect(denied(world, false).length).toBeLessThanOrEqual(3);
        await world.advance(60 * minute);
        expect(world.aws.acl(aclId).state.entries).toEqual(foreign);
      }),
      { numRuns: runs },
    );
  }, 600_000);
});
