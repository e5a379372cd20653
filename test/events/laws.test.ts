// Laws of events over random histories: wipe the coordinator's memory at any point, kill it between any two calls, evict it, read the store as late as
// allowed, take it away, deliver each event ten times at once. Seen from outside: what was answered, the records in the store, the firewall.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TakenEvent } from "../../functions/events/contract.ts";
import type { DetectionEvent } from "../../shared/event/event.ts";
import { eventIdOf, readEventRecord } from "../../shared/event/record.ts";
import { limits } from "../../shared/limits.ts";
import { type CoordinatedWorld, newWorld, settle } from "../coordinator/world.ts";
import { callHome, calling } from "./support.ts";

const minute = 60_000;
const runs = Number(process.env.LAW_RUNS ?? 60);
const bounds = { longestMs: limits.leaseLongestMs, widest: { ipv4: 24, ipv6: 48 } };

type Move =
  | { readonly do: "event"; readonly host: number; readonly copies: number }
  | { readonly do: "again"; readonly copies: number }
  | { readonly do: "wait"; readonly seconds: number }
  | { readonly do: "kill"; readonly calls: number }
  | { readonly do: "evict" | "wipe" | "down" | "up" };

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("event" as const), host: fc.integer({ min: 1, max: 6 }), copies: fc.constantFrom(1, 2, 10) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("again" as const), copies: fc.constantFrom(1, 10) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("wait" as const), seconds: fc.integer({ min: 0, max: 200 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("kill" as const), calls: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("evict" as const, "wipe" as const, "down" as const, "up" as const) }) },
);
const histories = fc.tuple(fc.array(move, { minLength: 4, maxLength: 30 }), fc.integer({ min: 1, max: 1_000_000 }));

function lags(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state % (limits.workersKvStalenessMs + 1);
  };
}

function ipOf(host: number): string {
  return `203.0.113.${host}`;
}

interface Ledger {
  readonly sent: DetectionEvent[];
  /** Events that were answered as taken, by name. */
  readonly promised: Map<string, DetectionEvent>;
}

async function deliver(world: CoordinatedWorld, event: DetectionEvent, copies: number, ledger: Ledger): Promise<void> {
  const once = () => world.survive((coordinator) => coordinator.take({ client: "detector", own: null, bounds, receipt: world.now, events: [event] }));
  // One life for all of them: a platform has one object of a name.
  await world.life();
  const answers = await Promise.all(Array.from({ length: copies }, once));
  const taken = answers.flatMap((answer): readonly TakenEvent[] => answer?.events ?? []);
  for (const { status, id } of taken) {
    expect(["accepted", "unchanged"]).toContain(status);
    if (id !== null) ledger.promised.set(id, event);
  }
  // However many came at once, one was the first.
  expect(taken.filter(({ status }) => status === "accepted").length).toBeLessThanOrEqual(1);
}

async function perform(world: CoordinatedWorld, step: Move, ledger: Ledger): Promise<void> {
  if (step.do === "event") {
    const id = `falco/${ledger.sent.length}`;
    const event = { ...calling, id, at: world.now, actor: { addresses: [`${ipOf(step.host)}/32`] } };
    ledger.sent.push(event);
    await deliver(world, event, step.copies, ledger);
  } else if (step.do === "again") {
    const last = ledger.sent.at(-1);
    if (last !== undefined) await deliver(world, last, step.copies, ledger);
  } else if (step.do === "wait") await world.advance(step.seconds * 1_000);
  else if (step.do === "kill") await world.killAfter(step.calls);
  else if (step.do === "evict") world.evict();
  else if (step.do === "wipe") world.wipe();
  else world.kv.down = step.do === "down";
}

interface Stored {
  readonly leases: readonly string[];
  readonly events: ReadonlyMap<string, string>;
}

async function stored(world: CoordinatedWorld): Promise<Stored> {
  world.kv.lag = () => 0;
  const { keys } = await world.kv.list(null);
  const events = new Map<string, string>();
  for (const { name } of keys.filter(({ name: key }) => key.startsWith("event:"))) events.set(name.slice(6), (await world.kv.get(name))?.value ?? "");
  return { leases: keys.map(({ name }) => name).filter((name) => name.startsWith("lease:")), events };
}

async function live(moves: readonly Move[], seed: number): Promise<{ world: CoordinatedWorld; ledger: Ledger }> {
  // Each event of a host begins later than the last, so that its lease is a renewal of its own.
  const playbook = callHome("", "  - block: {}\n    for: 2d\n    retry: { times: 5, wait: 10s }\n  - log: { message: it calls home }\n");
  const world = await newWorld({ lag: lags(seed), config: { playbooks: [playbook] } });
  const ledger: Ledger = { sent: [], promised: new Map() };
  for (const step of moves) {
    await perform(world, step, ledger);
    world.now += 1;
  }
  world.kv.down = false;
  await world.killAfter(Number.POSITIVE_INFINITY);
  return { world, ledger };
}

describe("events", () => {
  test("any history: what was answered as taken is done once faults stop, with one record and one log line at least", async () => {
    await fc.assert(
      fc.asyncProperty(histories, async ([moves, seed]) => {
        const { world, ledger } = await live(moves, seed);
        await world.advance(settle + limits.retryWaitLongestMs + 12 * minute);
        const { events } = await stored(world);
        for (const [id, event] of ledger.promised) {
          const record = readEventRecord(events.get(id) ?? "");
          // Only a store that was down for all its tries makes a dead letter of it, which is told and can be sent again.
          const mayDie = moves.some((step) => step.do === "down");
          expect([id, record?.state]).toEqual([id, expect.stringMatching(mayDie ? /^(?:done|dead)$/ : /^done$/)]);
          if (record?.state !== "done") {
            expect(world.logs.some((line) => line.event === "event.dead" && "id" in line && line.id === id)).toBe(true);
            continue;
          }
          expect(world.blocked(event.actor.addresses[0]?.replace("/32", "") ?? ""), id).toBe(true);
          expect(world.logs.some((line) => line.event === "playbook.logged" && "id" in line && line.id === id)).toBe(true);
        }
        // Nothing is at work for ever.
        for (const text of events.values()) expect(readEventRecord(text)?.state).not.toBe("open");
      }),
      { numRuns: runs },
    );
  });

  test("any history: no event makes a second lease, however often it is delivered and wherever it is cut off", async () => {
    await fc.assert(
      fc.asyncProperty(histories, async ([moves, seed]) => {
        const { world, ledger } = await live(moves, seed);
        await world.advance(settle + limits.retryWaitLongestMs + 12 * minute);
        const { leases } = await stored(world);
        // Every lease ends when one of the events says, and no two of one event differ.
        const ends = new Set(ledger.sent.map(({ at, actor }) => `${actor.addresses[0]?.replace("/32", "")} ${(at ?? 0) + 2 * 86_400_000}`));
        expect(new Set(leases).size).toBe(leases.length);
        for (const name of leases) {
          const [, , hex = "", until = ""] = name.split(":");
          expect(ends).toContain(`203.0.113.${Number.parseInt(hex.slice(6, 8), 16)} ${until}`);
        }
        expect(leases.length).toBeLessThanOrEqual(ledger.sent.length);
      }),
      { numRuns: runs },
    );
  });

  test("cut off behind its write, and memory lost: the event's lease is written again as it was, not a millisecond later", async () => {
    const moves: readonly Move[] = [
      { do: "wait", seconds: 65 },
      { do: "event", host: 1, copies: 1 },
      { do: "kill", calls: 0 },
      { do: "kill", calls: 2 },
      { do: "wait", seconds: 0 },
      { do: "wipe" },
    ];
    const { world, ledger } = await live(moves, 1);
    await world.advance(settle + limits.retryWaitLongestMs + 12 * minute);
    const { leases } = await stored(world);
    expect(leases.map((name) => Number(name.split(":")[3]))).toEqual(ledger.sent.map(({ at }) => (at ?? 0) + 2 * 86_400_000));
  });

  test("killed after every call in turn: the event is done all the same, once", async () => {
    for (let calls = 0; calls < 24; calls += 1) {
      const world = await newWorld({ config: { playbooks: [callHome()] } });
      const ledger: Ledger = { sent: [], promised: new Map() };
      await world.killAfter(calls);
      await deliver(world, { ...calling, at: world.now }, 10, ledger);
      // Whoever heard nothing sends it again, and the worker is killed again at the same point of the next life.
      for (let tries = 0; tries < 4; tries += 1) {
        await world.killAfter(calls);
        await deliver(world, { ...calling, at: world.now }, 10, ledger);
        await world.advance(2_000);
      }
      await world.killAfter(Number.POSITIVE_INFINITY);
      await deliver(world, { ...calling, at: world.now }, 10, ledger);
      await world.advance(settle + 5 * minute);
      const { events } = await stored(world);
      for (const [id] of ledger.promised) expect([calls, readEventRecord(events.get(id) ?? "")?.state]).toEqual([calls, "done"]);
      expect(world.blocked("203.0.113.66")).toBe(true);
    }
  });

  test("killed after every call in turn: one event, one record, one lease", async () => {
    for (let calls = 0; calls < 24; calls += 1) {
      const world = await newWorld({ config: { playbooks: [callHome()] } });
      const event = { ...calling, at: world.now };
      const ledger: Ledger = { sent: [event], promised: new Map() };
      for (let tries = 0; tries < 6; tries += 1) {
        await world.killAfter(tries === 5 ? Number.POSITIVE_INFINITY : calls);
        await deliver(world, event, 10, ledger);
        await world.advance(1_500);
      }
      await world.advance(settle + 5 * minute);
      const { events, leases } = await stored(world);
      expect([calls, [...events.keys()], leases.length]).toEqual([calls, [eventIdOf("detector", event)], 1]);
      expect([calls, readEventRecord([...events.values()][0] ?? "")?.state]).toEqual([calls, "done"]);
    }
  });
});
