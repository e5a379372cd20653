// Laws of the coordinator over random histories: wipe its storage at any point, kill it between any two calls, evict it,
// lose answers of the cloud, read the store as late as allowed. Seen from outside: the ACL and what callers were promised.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import { type CoordinatedWorld, newWorld, settle } from "./world.ts";

const minute = 60_000;
const runs = Number(process.env.LAW_RUNS ?? 60);

type Event =
  | { readonly do: "block"; readonly host: number; readonly minutes: number }
  | { readonly do: "lift"; readonly host: number }
  | { readonly do: "wait"; readonly seconds: number }
  | { readonly do: "kill"; readonly calls: number }
  | { readonly do: "evict" | "wipe" | "tick-twice" }
  | { readonly do: "skip-ticks"; readonly minutes: number }
  | { readonly do: "cloud"; readonly mishap: "drop-before" | "drop-after" | "throttle" | "error-before" | "error-after" };

const host = fc.integer({ min: 1, max: 6 });
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("block" as const), host, minutes: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lift" as const), host }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("wait" as const), seconds: fc.integer({ min: 0, max: 400 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("kill" as const), calls: fc.integer({ min: 0, max: 14 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("evict" as const, "wipe" as const, "tick-twice" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("skip-ticks" as const), minutes: fc.integer({ min: 1, max: 30 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("cloud" as const),
      mishap: fc.constantFrom("drop-before" as const, "drop-after" as const, "throttle" as const, "error-before" as const, "error-after" as const),
    }),
  },
);

/** What was promised with a 2xx: the gate on a host is closed until then. */
interface Ledger {
  readonly until: Map<string, number>;
  /** Since when the host's entry has been seen standing, within its present lease. */
  readonly standing: Set<string>;
}

function ipOf(number: number): string {
  return `203.0.113.${number}`;
}

function mishapOf(name: string): Parameters<CoordinatedWorld["aws"]["faults"]["next"]["push"]>[0]["mishap"] {
  if (name === "throttle") return { kind: "throttle", status: 503, retryAfterSeconds: 20 };
  if (name.startsWith("drop")) return { kind: "drop", committed: name === "drop-after" };
  return { kind: "serverError", status: 500, committed: name === "error-after" };
}

async function perform(world: CoordinatedWorld, step: Event, ledger: Ledger, watch: () => void): Promise<void> {
  if (step.do === "block") {
    const answer = await world.block(ipOf(step.host), step.minutes * minute);
    if (answer !== null) ledger.until.set(ipOf(step.host), Math.max(ledger.until.get(ipOf(step.host)) ?? 0, answer.until));
  } else if (step.do === "lift") {
    // An unanswered lift may or may not have happened: either way nothing is promised any more.
    await world.lift(ipOf(step.host));
    ledger.until.delete(ipOf(step.host));
    ledger.standing.delete(ipOf(step.host));
  } else if (step.do === "wait") await world.advance(step.seconds * 1000, watch);
  else if (step.do === "kill") await world.killAfter(step.calls);
  else if (step.do === "evict") world.evict();
  else if (step.do === "wipe") world.wipe();
  else if (step.do === "skip-ticks") world.ticksSkippedUntil = world.now + step.minutes * minute;
  else if (step.do === "cloud") world.aws.faults.next.push({ action: null, mishap: mishapOf(step.mishap) });
  else {
    const twice = () => world.survive((coordinator) => coordinator.tick());
    await Promise.all([twice(), twice()]);
  }
}

/** P3: an entry seen standing for a promised host never leaves before the promise ends. */
function watchGates(world: CoordinatedWorld, ledger: Ledger): void {
  for (const [ip, until] of ledger.until) {
    if (until <= world.now) {
      ledger.until.delete(ip);
      ledger.standing.delete(ip);
      continue;
    }
    const stands = world.blocked(ip);
    if (ledger.standing.has(ip) && !stands) throw new Error(`the gate on ${ip} opened ${until - world.now} ms before its lease ended`);
    if (stands) ledger.standing.add(ip);
  }
}

async function live(events: readonly Event[], lagOf: () => number): Promise<{ world: CoordinatedWorld; ledger: Ledger; foreign: string }> {
  const world = await newWorld({ lag: lagOf, describeLagMs: 3_000 });
  const foreign = world.foreign();
  const ledger: Ledger = { until: new Map(), standing: new Set() };
  const watch = () => {
    watchGates(world, ledger);
    expect(world.ours().length).toBeLessThanOrEqual(18);
  };
  for (const step of events) {
    await perform(world, step, ledger, watch);
    world.now += 1; // two requests are never in the same millisecond
    watch();
  }
  // Faults stop here.
  world.aws.faults.next.splice(0);
  world.ticksSkippedUntil = 0;
  await world.killAfter(Number.POSITIVE_INFINITY);
  return { world, ledger, foreign };
}

const histories = fc.tuple(fc.array(event, { minLength: 4, maxLength: 40 }), fc.integer({ min: 1, max: 1_000_000 }));

/** A repeatable lag: each read is behind by something up to the declared staleness. */
function lags(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state % (limits.workersKvStalenessMs + 1);
  };
}

describe("the coordinator", () => {
  test("any history: no gate opens early, the limit holds, foreign rules stay", async () => {
    await fc.assert(
      fc.asyncProperty(histories, async ([events, seed]) => {
        const { world, foreign } = await live(events, lags(seed));
        expect(world.foreign()).toBe(foreign);
      }),
      { numRuns: runs },
    );
  });

  test("any history: when faults stop, what was promised stands within SETTLE + 2 ticks and stays", async () => {
    await fc.assert(
      fc.asyncProperty(histories, async ([events, seed]) => {
        const { world, ledger } = await live(events, lags(seed));
        await world.advance(settle + 2 * limits.tickMs + limits.freezeMs + 10_000);
        for (const [ip, until] of ledger.until) if (until > world.now) expect(world.blocked(ip), ip).toBe(true);
      }),
      { numRuns: runs },
    );
  });

  test("any history: when all leases are over, nothing of ours is left, and then a pass writes nothing", async () => {
    await fc.assert(
      fc.asyncProperty(histories, async ([events, seed]) => {
        const { world, foreign } = await live(events, lags(seed));
        await world.advance(20 * minute + 2 * settle + 20 * minute);
        expect([world.ours(), world.foreign()]).toEqual([[], foreign]);
        const { writes } = world.aws;
        await world.advance(15 * minute);
        expect(world.aws.writes).toBe(writes);
      }),
      { numRuns: runs },
    );
  });

  test("two at once: they never exceed the limit or touch foreign rules, and agree when one of them ends", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ host, which: fc.boolean(), seconds: fc.integer({ min: 0, max: 90 }) }), { minLength: 2, maxLength: 25 }),
        async (steps) => {
          const world = await newWorld({ lag: lags(7) });
          const foreign = world.foreign();
          const other = await world.live(Number.POSITIVE_INFINITY, world.storage);
          for (const { host: number, which, seconds } of steps) {
            if (which) await world.block(ipOf(number), 10 * minute);
            else await other.coordinator.accept({ client: "other", items: [world.item(ipOf(number), 10 * minute)], allOrNothing: true, dryRun: false });
            await Promise.all([world.survive((coordinator) => coordinator.wake()), other.coordinator.wake()]);
            await world.advance(seconds * 1000);
            await other.coordinator.tick();
            expect(world.ours().length).toBeLessThanOrEqual(18);
          }
          expect(world.foreign()).toBe(foreign);
          await world.advance(10 * minute + 2 * settle + 40 * minute);
          expect(world.ours()).toEqual([]);
        },
      ),
      { numRuns: Math.ceil(runs / 3) },
    );
  });
});
