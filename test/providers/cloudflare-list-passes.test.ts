// cloudflare-list in real passes: asynchronous operations, other people's among them, failures of whole batches, and fairness.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import { settle } from "../coordinator/world.ts";
import type { Mishap } from "../simulators/cloudflare.ts";
import { accountId } from "../simulators/cloudflare-fixtures.ts";
import { type CloudflareWorld, cloudflareWorld } from "./cloudflare-list-world.ts";

const minute = 60_000;
const runs = Number(process.env.LAW_RUNS ?? 40);

function addresses(count: number, net = "203.0.113"): string[] {
  return Array.from({ length: count }, (_, at) => `${net}.${at + 1}`);
}

describe("one block", () => {
  test("enforce: pending while the operation runs, enforced once it is seen", async () => {
    const world = await cloudflareWorld({ operationMs: 20_000 });
    await world.block("203.0.113.7", 30 * minute);
    await world.advance(2_000);
    expect(world.cloudflare.calls("items.create")).toBe(1);
    expect(world.values()).toEqual([]);
    expect(await world.said("203.0.113.7")).toContain("pending: ");
    await world.advance(20_000 + limits.tickMs);
    expect(world.values()).toEqual(["203.0.113.7"]);
    expect(await world.said("203.0.113.7")).toBe("enforced: ");
    expect(world.cloudflare.calls("items.create")).toBe(1);
  });

  test("lift: gone within settle, a tick, a pass and an operation after its end", async () => {
    const world = await cloudflareWorld({ operationMs: 5_000 });
    await world.block("203.0.113.7", 5 * minute);
    await world.advance(5 * minute);
    expect(world.values()).toEqual(["203.0.113.7"]);
    await world.advance(settle + 2 * limits.tickMs + 5_000);
    expect(world.values()).toEqual([]);
    expect(world.cloudflare.calls("items.delete")).toBe(1);
  });

  test("quiet: nothing to do costs a few calls in five minutes, and writes nothing", async () => {
    const world = await cloudflareWorld();
    await world.block("203.0.113.7", 600 * minute);
    await world.advance(20 * minute);
    const before = world.cloudflare.calls();
    const writes = world.cloudflare.writes;
    await world.advance(60 * minute);
    expect(world.cloudflare.writes).toBe(writes);
    expect(world.cloudflare.calls() - before).toBeLessThanOrEqual(13 * 4);
  });

  test("evicted between accepted and applied: nothing is written twice on top of a running operation", async () => {
    const world = await cloudflareWorld({ operationMs: 3 * minute });
    await world.block("203.0.113.7", 60 * minute);
    await world.advance(2_000);
    world.evict();
    await world.advance(8 * minute);
    expect(world.values()).toEqual(["203.0.113.7"]);
    expect(await world.said("203.0.113.7")).toBe("enforced: ");
  });
});

test("an account that holds less than the configuration says: whose place becomes free goes to the next, and nobody else loses one", async () => {
  const world = await cloudflareWorld();
  await world.block("203.0.113.1", 60 * minute);
  await world.block("203.0.113.2", 10 * minute);
  await world.advance(limits.tickMs);
  world.cloudflare.itemsMax = world.cloudflare.account(accountId).itemCount;
  await world.block("203.0.113.3", 60 * minute);
  await world.advance(2 * limits.tickMs);
  expect(world.values().toSorted()).toEqual(["203.0.113.1", "203.0.113.2"]);
  await world.advance(10 * minute + settle + 2 * limits.tickMs);
  expect(world.values().toSorted()).toEqual(["203.0.113.1", "203.0.113.3"]);
});

test("evicted while a removal runs: what it takes from a new lease is seen with the next tick, not with the next full interval", async () => {
  const world = await cloudflareWorld({ operationMs: 12_000 });
  await world.advance(50_000);
  await world.block("203.0.113.7", 5 * minute);
  await world.advance(5 * minute + settle);
  expect(world.cloudflare.calls("items.delete")).toBe(1);
  world.evict();
  await world.block("203.0.113.7", 60 * minute);
  await world.advance(15_000);
  expect(world.values()).toEqual([]);
  await world.advance(2 * limits.tickMs);
  expect(world.values()).toEqual(["203.0.113.7"]);
});

describe("others", () => {
  test("another tool's operation: ours waits its turn without shutting anything out", async () => {
    const world = await cloudflareWorld();
    world.cloudflare.operationMs = 4 * minute;
    world.account.begin();
    world.cloudflare.operationMs = 2_000;
    await world.block("203.0.113.7", 60 * minute);
    await world.advance(5_000);
    expect(await world.said("203.0.113.7")).toContain("submit your request again later");
    await world.advance(6 * minute);
    expect(world.values()).toEqual(["203.0.113.7"]);
    expect(world.cloudflare.calls("items.create")).toBeLessThan(20);
  });

  test("shared list: an owner's item of the same address is never taken, and the answer says who blocks it", async () => {
    const world = await cloudflareWorld({ settings: { shared: "allow" } });
    world.account.edit(world.list(), [{ ip: "203.0.113.7", comment: "the owner's" }]);
    for (const ip of ["203.0.113.7", "203.0.113.8"]) await world.block(ip, 30 * minute);
    await world.advance(10 * minute);
    expect(world.values()).toEqual(["203.0.113.8"]);
    expect(world.list().items.get("203.0.113.7")?.comment).toBe("the owner's");
    const word = "refused: it stands in list portcullis as somebody else's item, which blocks it and is not touched; delete that one if ours is to stand";
    expect(await world.said("203.0.113.7")).toBe(word);
    expect(await world.said("203.0.113.8")).toBe("enforced: ");
    await world.advance(40 * minute);
    expect([...world.list().items.keys()]).toEqual(["203.0.113.7"]);
  });

  test("own list with a stranger's item: adds stop and say why, removals go on, and adds too once it is gone", async () => {
    const world = await cloudflareWorld();
    await world.block("203.0.113.1", 10 * minute);
    await world.advance(2 * minute);
    world.account.edit(world.list(), [{ ip: "198.51.100.9" }]);
    await world.advance(5 * minute);
    await world.block("203.0.113.2", 60 * minute);
    await world.advance(2 * minute);
    expect(await world.said("203.0.113.2")).toMatch(/^failed: .*198\.51\.100\.9.*shared: allow/);
    await world.advance(10 * minute);
    expect([...world.list().items.keys()]).toEqual(["198.51.100.9"]);
    world.account.edit(world.list(), [], ["198.51.100.9"]);
    await world.advance(3 * minute);
    expect(world.values()).toEqual(["203.0.113.2"]);
  });
});

describe("many", () => {
  test("fairness: removals do not starve behind new blocks with every tick, nor those behind removals", async () => {
    const world = await cloudflareWorld({ batchItems: 4 });
    for (const ip of addresses(30)) await world.block(ip, 2 * minute);
    await world.advance(20 * minute);
    for (const [at, ip] of addresses(30, "198.51.99").entries()) {
      await world.block(ip, 200 * minute);
      await world.advance(limits.tickMs);
      if (at === 12) expect(world.values().some((value) => value.startsWith("203.0.113."))).toBe(false);
    }
    await world.advance(5 * minute);
    expect(world.values()).toEqual(addresses(30, "198.51.99").sort());
  });

  test("a batch that fails whole: halved until the one at fault is alone, all others stand, and it is named", async () => {
    const world = await cloudflareWorld({ batchItems: 16 });
    world.cloudflare.faults.badItem = (value) => (value === "203.0.113.5" ? "item 203.0.113.5 is not allowed" : null);
    const wanted = addresses(20);
    for (const ip of wanted) await world.block(ip, 600 * minute);
    await world.advance(15 * minute);
    expect(world.values()).toEqual(wanted.filter((ip) => ip !== "203.0.113.5").sort());
    expect(await world.said("203.0.113.5")).toMatch(/^failed: .*item 203\.0\.113\.5 is not allowed/);
    const creates = world.cloudflare.calls("items.create");
    await world.advance(30 * minute);
    expect(world.cloudflare.calls("items.create")).toBe(creates);
    world.cloudflare.faults.badItem = () => null;
    await world.advance(60 * minute);
    expect(world.values()).toEqual([...wanted].sort());
  });

  test("a quota lower than configured: what fits stands, the rest is shed by name", async () => {
    const world = await cloudflareWorld({ batchItems: 8 });
    world.cloudflare.itemsMax = 13;
    for (const ip of addresses(16)) await world.block(ip, 600 * minute);
    await world.advance(20 * minute);
    expect(world.values()).toHaveLength(13);
    const said = await Promise.all(addresses(16).map((ip) => world.said(ip)));
    expect(said.filter((text) => text.startsWith("enforced"))).toHaveLength(13);
    expect(said.filter((text) => text.startsWith("shed: no room"))).toHaveLength(3);
  });

  test("a burst over minutes with 3,000 items: never more calls than the limit allows", async () => {
    const world = await cloudflareWorld();
    const items = Array.from({ length: 3_000 }, (_, at) => ({ ip: `198.18.${Math.floor(at / 250)}.${(at % 250) + 1}`, comment: "x" }));
    world.account.edit(world.account.addList({ name: "other" }), items);
    for (let at = 0; at < 200; at += 1) {
      await world.block(`203.0.113.${at + 1}`, 600 * minute);
      await world.advance(1_500);
    }
    await world.advance(3 * minute);
    expect(world.values()).toHaveLength(200);
    expect(world.cloudflare.log.some((call) => call.code === 971)).toBe(false);
    expect(world.cloudflare.calls()).toBeLessThan(1_000);
  });
});

type Event =
  | { readonly do: "block"; readonly host: number; readonly minutes: number }
  | { readonly do: "lift" | "own"; readonly host: number }
  | { readonly do: "wait"; readonly seconds: number }
  | { readonly do: "evict" | "wipe" | "busy" }
  | { readonly do: "fault"; readonly route: "items.create" | "items.delete" | "lists.list" | "items.list"; readonly mishap: Mishap };

const host = fc.integer({ min: 1, max: 8 });
const mishap: fc.Arbitrary<Mishap> = fc.oneof(
  fc.boolean().map((committed): Mishap => ({ kind: "drop", committed })),
  fc.boolean().map((committed): Mishap => ({ kind: "serverError", status: 500, committed })),
  fc.boolean().map((committed): Mishap => ({ kind: "garbage", committed })),
  fc.constantFrom<Mishap>({ kind: "throttle", retryAfterSeconds: 20 }, { kind: "busy" }),
);
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("block" as const), host, minutes: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("lift" as const, "own" as const), host }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("wait" as const), seconds: fc.integer({ min: 0, max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("evict" as const, "wipe" as const, "busy" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("fault" as const),
      route: fc.constantFrom("items.create" as const, "items.delete" as const, "lists.list" as const, "items.list" as const),
      mishap,
    }),
  },
);

/** What was promised, what stood, and what is the owner's. */
class Ledger {
  readonly until = new Map<string, number>();
  readonly owned = new Set<string>();
  readonly #standing = new Set<string>();

  /** No gate that was closed opens before its lease ends; nothing of the owner's is touched. */
  check(world: CloudflareWorld): void {
    const values = new Set(world.values());
    // A removal that was accepted before a new lease came in still happens; nothing was called enforced meanwhile.
    const isSettled = [...world.account.operations.values()].every((operation) => operation.outcome !== null);
    for (const [ip, end] of this.until) {
      if (end <= world.now) this.#standing.delete(ip);
      else if (!values.has(ip)) expect(this.#standing.has(ip), `${ip} opened early`).toBe(false);
      else if (isSettled) this.#standing.add(ip);
    }
    for (const ip of this.owned) expect(world.list().items.get(ip)?.comment, `the owner's ${ip}`).toBe("the owner's");
  }

  lift(ip: string): void {
    this.until.delete(ip);
    this.#standing.delete(ip);
  }
}

async function perform(world: CloudflareWorld, step: Event, ledger: Ledger): Promise<void> {
  const { until, owned } = ledger;
  if (step.do === "wait") return world.advance(step.seconds * 1_000, () => ledger.check(world));
  if (step.do === "fault") world.cloudflare.faults.next.push({ route: step.route, mishap: step.mishap });
  if (step.do === "evict") world.evict();
  if (step.do === "wipe") world.wipe();
  if (step.do === "busy") {
    world.account.settle();
    if ([...world.account.operations.values()].every((operation) => operation.outcome !== null)) world.account.begin();
  }
  if (!("host" in step)) return;
  const ip = `203.0.113.${step.host}`;
  if (step.do === "block") {
    const answer = await world.block(ip, step.minutes * minute);
    if (answer !== null) until.set(ip, Math.max(until.get(ip) ?? 0, answer.until));
  } else if (step.do === "lift") {
    if ((await world.lift(ip)) !== null) ledger.lift(ip);
    // A block of the same moment is lifted too.
    await world.advance(1_000);
  } else if (!world.list().items.has(ip) && [...world.account.operations.values()].every((operation) => operation.outcome !== null)) {
    // Not in the moment of a write of ours: that window is named, not closed.
    world.account.edit(world.list(), [{ ip, comment: "the owner's" }]);
    owned.add(ip);
  }
}

test("histories: whatever happens, the list agrees with the leases in the end, and the owner's items are untouched", { timeout: 300_000 }, async () => {
  const story = fc.tuple(fc.array(event, { minLength: 5, maxLength: 30 }), fc.integer({ min: 0, max: 90_000 }));
  await fc.assert(
    fc.asyncProperty(story, async ([events, operationMs]) => {
      const world = await cloudflareWorld({ settings: { shared: "allow" }, operationMs, batchItems: 3 });
      const ledger = new Ledger();
      for (const step of events) {
        await perform(world, step, ledger);
        ledger.check(world);
      }
      world.cloudflare.faults.next.length = 0;
      const { until, owned } = ledger;
      for (const ip of [...until.keys()].slice(0, 4)) await perform(world, { do: "block", host: Number(ip.split(".")[3]), minutes: 120 }, ledger);
      const later = world.now + 45 * minute;
      await world.advance(45 * minute, () => ledger.check(world));
      const wanted = [...until].flatMap(([ip, end]) => (end > later && !owned.has(ip) ? [ip] : [])).sort();
      expect(world.values()).toEqual(wanted);
    }),
    { numRuns: runs },
  );
});
