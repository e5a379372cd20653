// A lease that is longer than asked is never silent about it: blocks, alerts, and the event's own time on its way to the coordinator.
import { describe, expect, test } from "vitest";
import type { AcceptRequest } from "../../functions/coordinator/contract.ts";
import { Coordinator } from "../../functions/coordinator/coordinator.ts";
import { Memory, volatileStorage } from "../../functions/coordinator/memory.ts";
import { memoryStore } from "../../functions/stores/memory.ts";
import { createProtection } from "../../shared/protect/index.ts";
import { baseConfig, createWorld, get, hourMs, json, keyOf, nowMs, postJson, type World } from "./world.ts";

const ip = "203.0.113.7";
const minute = 60_000;
const iso = (at: number) => new Date(at).toISOString();

function returning(): World {
  const world = createWorld();
  world.coordinator.returns.set(keyOf(ip), { offence: 2, askedMs: hourMs, forMs: 13.5 * hourMs });
  return world;
}

function sentItems(world: World): AcceptRequest["items"] {
  return world.coordinator.asked.flatMap(({ verb, with: asked }) => (verb === "accept" ? (asked as AcceptRequest).items : []));
}

describe("a return", () => {
  const escalated = { offence: 2, asked: "1h", for: "810m" };

  test("blocks: the answer says the offence, what was asked and what it came to, with the true end", async () => {
    const world = returning();
    const answer = await json(await postJson(world, "/v1/blocks", "writer", { ips: [ip, "203.0.113.8"], for: "1h" }));
    expect(answer.items[0]).toMatchObject({ ip, status: "created", until: iso(nowMs + 13.5 * hourMs), escalated });
    expect(answer.items[1]).not.toHaveProperty("escalated");
  });

  test("alerts: each line says so too", async () => {
    const answer = await json(await postJson(returning(), "/v1/alerts/generic", "detector", [{ ip }, { ip: "203.0.113.8" }]));
    expect(answer.items[0]).toMatchObject({ ip, status: "created", escalated });
    expect(answer.items[1]).not.toHaveProperty("escalated");
  });
});

describe("when it happened", () => {
  const eventTime = async (alerts: readonly { readonly ip: string; readonly timestamp?: string }[]) => {
    const world = createWorld();
    await postJson(world, "/v1/alerts/generic", "detector", alerts);
    return sentItems(world).map(({ at, eventAt }) => [at - nowMs, eventAt === undefined ? undefined : eventAt - nowMs]);
  };

  test("late: a lease that counts from its receipt still tells the event's own time, so that an old alert is no return", async () => {
    expect(await eventTime([{ ip, timestamp: iso(nowMs - 6 * hourMs) }])).toEqual([[0, -6 * hourMs]]);
    expect(await eventTime([{ ip, timestamp: iso(nowMs - 5 * minute) }])).toEqual([[-5 * minute, undefined]]);
    expect(await eventTime([{ ip }])).toEqual([[0, undefined]]);
    // Ahead of our clock: nobody knows when it was.
    expect(await eventTime([{ ip, timestamp: iso(nowMs + hourMs) }])).toEqual([[0, undefined]]);
  });

  test("together: of several alerts on one block the newest event counts, whichever gives the lease its end", async () => {
    const late = { ip, timestamp: iso(nowMs - 6 * hourMs) };
    const recent = { ip, timestamp: iso(nowMs - 5 * minute) };
    expect(await eventTime([late, recent])).toEqual([[0, -5 * minute]]);
    expect(await eventTime([recent, late])).toEqual([[0, -5 * minute]]);
  });
});

describe("through the coordinator itself", () => {
  test("return: a dry run and an alert say what a lease would be and is, and the explanation has the number", async () => {
    const escalate = { factor: 4, maxMs: 720 * hourMs, memoryMs: 720 * hourMs };
    const { writer, detector, reader } = baseConfig.clients;
    if (writer === undefined || detector === undefined || reader === undefined) throw new Error("the world lacks its clients");
    const clients = { writer: { ...writer, escalate }, detector: { ...detector, longestMs: 24 * hourMs, escalate }, reader };
    const config = { ...baseConfig, clients, targets: {}, blacklistip: null };
    const clock = { at: nowMs, now: () => clock.at };
    const memory = await Memory.open(volatileStorage(), clock.at);
    const parts = { config, clock, memory, log: () => undefined, targets: [], deployment: "api", continuity: "kept" as const };
    const host = { schedule: async () => undefined, sleep: async () => undefined, heartbeat: async () => undefined, randomBytes: () => new Uint8Array(16) };
    const coordinator = new Coordinator({ ...parts, store: memoryStore(clock), protection: createProtection(config.protect) }, host);
    await coordinator.storeId(true);
    const world = createWorld(config, { clock, coordinatorFor: () => coordinator });
    const ask = async (dryRun: boolean) => (await json(await postJson(world, "/v1/blocks", "writer", { ip, for: "1h", dryRun }))).items[0];
    expect(await ask(false)).not.toHaveProperty("escalated");
    clock.at += 3 * 24 * hourMs;
    await coordinator.tick();
    const escalated = { offence: 1, asked: "1h", for: "4h" };
    expect(await ask(true)).toMatchObject({ status: "created", escalated });
    expect(await ask(false)).toMatchObject({ status: "created", until: iso(clock.at + 4 * hourMs), escalated });
    // Another client's alert on the same block: its own first.
    expect((await json(await postJson(world, "/v1/alerts/generic", "detector", { ip }))).items[0]).not.toHaveProperty("escalated");
    await coordinator.tick();
    const explained = await json(await get(world, `/v1/blocks/${ip}`, "reader"));
    expect(explained.leases.map((lease: { client: string; offence?: number }) => [lease.client, lease.offence]).sort()).toEqual([
      ["detector", undefined],
      ["writer", 1],
    ]);
    expect((await json(await get(world, "/v1/blocks", "reader"))).blocks[0].leases).toContainEqual(expect.objectContaining({ client: "writer", offence: 1 }));
  });
});
