// Leases that grow, through the coordinator: what a return comes to, what is none, and what of it survives.
import { describe, expect, test } from "vitest";
import { Offences } from "../../functions/coordinator/offences.ts";
import { cidrOf } from "../../shared/address/index.ts";
import { readRecord } from "../../shared/keys.ts";
import type { Lease } from "../../shared/lease/record.ts";
import { limits } from "../../shared/limits.ts";
import type { Json } from "../../shared/ports.ts";
import { type CoordinatedWorld, newWorld, testConfig } from "./world.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const rule = { factor: 3, maxMs: 30 * day, memoryMs: 10 * day };
const ip = "203.0.113.7";

async function growing(escalate: Partial<typeof rule> = {}, longestMs: number = limits.leaseLongestMs): Promise<CoordinatedWorld> {
  const { detector, other } = testConfig().clients;
  if (detector === undefined || other === undefined) throw new Error("the world has no clients");
  return newWorld({ config: { clients: { detector: { ...detector, longestMs, escalate: { ...rule, ...escalate } }, other } } });
}

/** Blocks it for an hour, and says for how many hours it is blocked and as which offence. */
async function offend(world: CoordinatedWorld, changes = {}, client = "detector"): Promise<readonly [string | undefined, number, number]> {
  const answer = await world.block(ip, hour, changes, client);
  return [answer?.status, ((answer?.until ?? 0) - world.now) / hour, answer?.escalated?.offence ?? 0];
}

/** Waits until the last lease is over, and for that much longer. */
async function away(world: CoordinatedWorld, ms: number): Promise<void> {
  const until = (await world.survive((coordinator) => coordinator.settle(0, ["4:cb007107/32"], 0)))?.items[0]?.until ?? 0;
  await world.advance(Math.max(0, until - world.now) + ms);
}

describe("coming back", () => {
  test("grows: each return is longer by the factor, at the firewall too, and the record and the explanation have its number", async () => {
    const world = await growing();
    expect(await offend(world)).toEqual(["created", 1, 0]);
    await away(world, 5 * hour);
    expect(await offend(world)).toEqual(["created", 3, 1]);
    await away(world, minute);
    const answer = await world.block(ip, hour);
    expect(answer?.escalated).toEqual({ offence: 2, askedMs: hour, forMs: 9 * hour });
    await world.advance(8 * hour);
    expect(world.blocked(ip)).toBe(true);
    const explained = await world.survive((coordinator) => coordinator.explain("4:cb007107/32"));
    expect(explained?.leases.map((lease) => lease.offence)).toEqual([2]);
    expect(explained?.ended.map((record) => record.offence)).toEqual([1, undefined]);
    expect(world.logs.filter(({ event }) => event === "leases.accepted").map((record) => Reflect.get(record, "escalated"))).toEqual([
      undefined,
      { 1: 1 },
      { 2: 1 },
    ]);
    await world.advance(2 * hour);
    expect(world.blocked(ip)).toBe(false);
  });

  test("soon: a return is known as one before any pass has seen the end", async () => {
    const world = await growing();
    await offend(world);
    await world.advance(10 * minute);
    // Another block, so that what is known is of a moment when the first lease still lived.
    await world.block("203.0.113.8", hour);
    world.now += 50 * minute + 1;
    expect(await offend(world)).toEqual(["created", 3, 1]);
  });

  test("bounds: the rule's most and the client's longest hold", async () => {
    const capped = await growing({ maxMs: 2 * hour });
    const short = await growing({}, 90 * minute);
    for (const world of [capped, short]) {
      await offend(world);
      await away(world, minute);
    }
    expect([await offend(capped), await offend(short)]).toEqual([
      ["created", 2, 1],
      ["created", 1.5, 1],
    ]);
  });

  test("memory: whoever stays away for longer begins anew, by another client or at another block too", async () => {
    const world = await growing({ memoryMs: 12 * hour });
    await offend(world);
    await away(world, hour);
    expect(await offend(world, {}, "other")).toEqual(["created", 1, 0]);
    expect((await world.block("203.0.113.8", hour))?.escalated).toBeUndefined();
    expect(await offend(world)).toEqual(["created", 3, 1]);
    await away(world, 13 * hour);
    expect(await offend(world)).toEqual(["created", 1, 0]);
  });

  test("cost: one write to the store per block, none to read, and the number in the record's metadata", async () => {
    const world = await growing();
    await offend(world);
    await away(world, minute);
    const before = { ...world.kv.counts };
    await offend(world);
    expect(world.kv.counts).toEqual({ ...before, puts: before.puts + 1 });
    const { keys } = await world.kv.list(null);
    const numbers = keys.flatMap((key) => {
      const record = readRecord(key);
      return record.kind === "lease" ? [record.lease.offence] : [];
    });
    expect(numbers).toEqual([undefined, 1]);
  });
});

describe("what is no return", () => {
  test("renewal: while the lease lives a repeat is none, and what renews it keeps the number", async () => {
    const world = await growing();
    await offend(world);
    await away(world, minute);
    expect(await offend(world)).toEqual(["created", 3, 1]);
    await world.advance(2 * hour);
    expect((await offend(world))[0]).toBe("unchanged");
    expect(await world.block(ip, 4 * hour)).toMatchObject({ status: "renewed", until: world.now + 4 * hour });
    const explained = await world.survive((coordinator) => coordinator.explain("4:cb007107/32"));
    expect(explained?.leases.map((lease) => lease.offence)).toEqual([1, 1]);
    await away(world, minute);
    expect(await offend(world)).toEqual(["created", 9, 2]);
  });

  test("at once: ten equal requests are one lease and one offence", async () => {
    const world = await growing();
    await offend(world);
    await away(world, minute);
    const ten = await Promise.all(Array.from({ length: 10 }, () => world.block(ip, hour)));
    expect(ten.map((answer) => answer?.status).sort()).toEqual(["created", ...Array<string>(9).fill("unchanged")]);
    expect(new Set(ten.map((answer) => answer?.until))).toEqual(new Set([world.now + 3 * hour]));
  });

  test("redelivery: the same event while its lease lives changes nothing, and after it is no return", async () => {
    const world = await growing();
    await offend(world);
    await away(world, minute);
    const at = world.now;
    await offend(world);
    await world.advance(10 * minute);
    expect(await world.block(ip, hour, { at, until: at + hour })).toMatchObject({ status: "unchanged", until: at + 3 * hour });
    world.evict();
    expect(await world.block(ip, hour, { at, until: at + hour })).toMatchObject({ status: "unchanged", until: at + 3 * hour });
    await away(world, minute);
    // As the alert route takes an event of hours ago: counted from its receipt, and still an event of then.
    expect(await offend(world, { eventAt: at })).toEqual(["created", 1, 0]);
    await away(world, minute);
    expect(await offend(world)).toEqual(["created", 9, 2]);
  });

  test("clock: set back, it neither makes a lease longer nor counts an offence twice", async () => {
    const world = await growing();
    await offend(world);
    await away(world, 10 * minute);
    world.now -= 30 * minute;
    expect((await offend(world))[2]).toBe(0);
    world.now += 2 * hour;
    await world.advance(10 * minute);
    expect(await offend(world)).toEqual(["created", 3, 1]);
  });

  test("lift: what a person ended clears the memory, the wider lift too, and only of the client it names", async () => {
    for (const [address, client, expected] of [
      [ip, "*", 0],
      ["203.0.113.0/24", "*", 0],
      [ip, "detector", 0],
      [ip, "other", 1],
      ["198.18.0.0/24", "*", 1],
    ] as const) {
      for (const when of ["living", "ended"] as const) {
        const world = await growing();
        await offend(world);
        if (when === "ended") await away(world, 10 * minute);
        await world.lift(address, null, client);
        // By then neither the lease nor the lift is among what was accepted lately.
        await world.advance(3 * hour);
        expect([address, client, when, (await offend(world))[2]]).toEqual([address, client, when, expected]);
      }
    }
  });

  test("lift: it clears the memory also when the coordinator dies before the next pass", async () => {
    const world = await growing();
    await offend(world);
    await away(world, 4 * day);
    await world.lift(ip);
    world.evict();
    world.alarmAt = null;
    expect((await offend(world, { at: world.now + 1, until: world.now + 1 + hour }))[2]).toBe(0);
  });

  test("brake: what was held to its end was never judged, and is no offence", async () => {
    const world = await growing();
    world.config = { ...world.config, brake: { new: 1, perMs: minute } };
    await world.block("203.0.113.1", hour);
    expect((await offend(world))[0]).toBe("held");
    await away(world, 10 * minute);
    expect(await offend(world)).toEqual(["created", 1, 0]);
  });
});

describe("what survives", () => {
  test("lost memory: the records that the store keeps for 48 hours teach it again, and what is older is forgotten", async () => {
    const world = await growing();
    await offend(world);
    await away(world, minute);
    await offend(world);
    await away(world, 40 * hour);
    world.wipe();
    await world.advance(10 * minute);
    expect(await offend(world)).toEqual(["created", 9, 2]);
    await away(world, 60 * hour);
    world.wipe();
    await world.advance(10 * minute);
    expect(await offend(world)).toEqual(["created", 1, 0]);
  });

  test("eviction: days later, in another life, a return is known by what the coordinator has stored", async () => {
    const world = await growing();
    await offend(world);
    await away(world, 4 * day);
    world.evict();
    expect(await offend(world)).toEqual(["created", 3, 1]);
  });

  test("without its setting nothing is kept, and what was kept goes", async () => {
    const world = await growing();
    await offend(world);
    await away(world, 10 * minute);
    const rooms = async () => [...(await world.storage.load()).keys()].filter((key) => key.startsWith("offences:"));
    expect(await rooms()).toHaveLength(1);
    world.config = testConfig();
    world.evict();
    await world.advance(10 * minute);
    expect(await rooms()).toEqual([]);
    expect(await offend(world)).toEqual(["created", 1, 0]);
  });
});

describe("the memory of offences", () => {
  const { detector } = testConfig().clients;
  if (detector === undefined) throw new Error("the world has no clients");
  const config = testConfig({ clients: { detector: { ...detector, escalate: rule } } });
  const stop = { at: 0, targets: {}, releasedAt: 0 };
  const leaseAt = (number: number, until: number): Lease => ({
    key: `lease ${number}`,
    cidr: cidrOf(`10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`),
    at: until - hour,
    until,
    client: "detector",
    severity: "medium",
    targets: null,
    held: false,
  });

  function kept() {
    const values = new Map<string, Json>();
    const storage = {
      put: async (key: string, value: Json) => void values.set(key, structuredClone(value)),
      delete: async (keys: readonly string[]) => {
        for (const key of keys) values.delete(key);
      },
    };
    return { values, offences: new Offences(storage) };
  }

  test("bounds: beyond its number the oldest ended go first, in memory and as stored; what it forgets by time goes too", async () => {
    const { values, offences } = kept();
    const count = limits.offencesMax + 5_000;
    const leases = Array.from({ length: count }, (_, number) => leaseAt(number, day + number));
    offences.learn({ leases, stop }, () => false, config, 2 * day);
    await offences.save();
    expect(offences.size).toBeLessThanOrEqual(limits.offencesMax);
    expect([...values.values()].reduce<number>((sum, rows) => sum + (rows as Json[]).length, 0)).toBe(offences.size);
    expect(offences.of("detector", "4:0a000000/32")).toBeUndefined();
    expect(offences.of("detector", `4:${(0x0a000000 + count - 1).toString(16).padStart(8, "0")}/32`)).toMatchObject({ until: day + count - 1 });
    // One value of a Durable Object holds 2 MB.
    for (const rows of values.values()) expect(JSON.stringify(rows).length).toBeLessThan(500_000);
    offences.learn({ leases: [], stop }, () => false, config, 2 * day + rule.memoryMs + count);
    await offences.save();
    expect([offences.size, values.size]).toEqual([0, 0]);
  });

  test("learnt: in whatever order records are seen, the higher number stays", () => {
    const records = [leaseAt(1, day), { ...leaseAt(1, day - hour), offence: 4 }];
    for (const leases of [records, [...records].reverse(), [...records, ...records]]) {
      const { offences } = kept();
      for (const lease of leases) offences.learn({ leases: [lease], stop }, () => false, config, 2 * day);
      expect(offences.of("detector", "4:0a000001/32")).toMatchObject({ until: day, offence: 4 });
    }
  });

  test("stored: what is read back is what was learnt, and what nobody can read is forgotten", async () => {
    const { values, offences } = kept();
    offences.learn({ leases: [leaseAt(1, day), { ...leaseAt(2, day + 1), offence: 4 }], stop }, () => false, config, 2 * day);
    await offences.save();
    const again = kept().offences;
    for (const rows of [...values.values(), "x", [["no block", "detector", 1, 2, 0], 7, ["4:0a000003/32", "detector", "1", 2, 0]] as Json]) again.restore(rows);
    expect(again.size).toBe(2);
    expect(again.of("detector", "4:0a000002/32")).toMatchObject({ until: day + 1, offence: 4 });
    expect(again.of("detector", "4:0a000001/32")?.offence).toBeUndefined();
  });
});
