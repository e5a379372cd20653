// A lease that is longer than asked is never silent about it: blocks, alerts, and the event's own time on its way to the coordinator.
import { describe, expect, test } from "vitest";
import type { AcceptRequest } from "../../functions/coordinator/contract.ts";
import { createWorld, hourMs, json, keyOf, nowMs, postJson, type World } from "./world.ts";

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
