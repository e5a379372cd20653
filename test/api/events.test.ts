// Events over HTTP: what a detector is answered where there are playbooks, and what an operator sees of events and may do about dead ones.
import { describe, expect, test } from "vitest";
import type { Config } from "../../shared/config.ts";
import { endStep } from "../../shared/event/progress.ts";
import type { EventRecord } from "../../shared/event/record.ts";
import { callHome, recorded } from "../events/support.ts";
import { baseConfig, createWorld, detectorAddress, get, json, keyOf, nowMs, postJson, postSigned, send, type World } from "./world.ts";

const config: Config = { ...baseConfig, playbooks: [callHome()] };
const alert = {
  rule: "Outbound Connection to C2 Servers",
  priority: "Critical",
  time: new Date(nowMs - 1_000).toISOString(),
  output_fields: { "evt.type": "connect", "fd.cip": "10.0.1.12", "fd.sip": "203.0.113.66" },
};

function deadLetter(): EventRecord {
  const once = recorded([callHome("", "  - block: {}\n    retry: { times: 1, wait: 10s }\n")], { now: nowMs - 60_000 });
  const failed = { kind: "failed", code: "STORE_UNAVAILABLE", message: "down", said: ["nobody"] } as const;
  const place = { run: 0, path: "do[0]" };
  return endStep(endStep(once, place, failed, nowMs - 50_000, 0.5), place, failed, nowMs - 30_000, 0.5);
}

describe("sent", () => {
  test("accept: one line for each item, what fires and what does not, and what was no event", async () => {
    const world = createWorld(config);
    const playbooks = [{ playbook: "calls-home", outcome: "acts", actions: ["block 203.0.113.66/32"] }];
    world.coordinator.takes = (event) =>
      event.direction === "outbound"
        ? { status: "accepted", id: "e".repeat(32), state: "open", why: null, playbooks }
        : { status: "ignored", id: null, state: null, why: "no playbook fires; calls-home: on: …", playbooks: [] };
    const inbound = { ...alert, output_fields: { "evt.type": "accept", "fd.cip": "203.0.113.7", "fd.sip": "10.0.1.12" } };
    const response = await postJson(world, "/v1/alerts/falco", "detector", [alert, "no alert", inbound]);
    expect([response.status, await json(response)]).toEqual([
      200,
      {
        source: "falco",
        recorded: true,
        counts: { accepted: 1, invalid: 1, ignored: 1 },
        items: [
          { item: 0, status: "accepted", event: "e".repeat(32), state: "open", playbooks },
          { item: 1, status: "invalid", reason: expect.stringContaining("an event is a JSON object") },
          { item: 2, status: "ignored", reason: "no playbook fires; calls-home: on: …" },
        ],
      },
    ]);
    // Nothing is blocked by the route itself.
    expect(world.coordinator.asked.map(({ verb }) => verb)).toEqual(["take"]);
    expect(world.coordinator.asked[0]?.with).toMatchObject({
      client: "detector",
      own: `${detectorAddress}/32`,
      bounds: { longestMs: expect.any(Number) },
      receipt: nowMs,
    });
    expect(world.logged).toContainEqual(expect.objectContaining({ event: "alerts.not_taken", counts: { accepted: 1, invalid: 1, ignored: 1 } }));
  });

  test("accept: nothing that is an event asks nobody", async () => {
    const world = createWorld(config);
    for (const body of [[], "{", [1, 2]]) expect((await postJson(world, "/v1/alerts/falco", "detector", body)).status).toBe(200);
    expect(world.coordinator.asked).toEqual([]);
  });

  test("accept: sources that name addresses and no events are blocked outright, with playbooks and without", async () => {
    const world = createWorld(config);
    await postJson(world, "/v1/alerts/generic", "detector", { ip: "203.0.113.7" });
    expect([world.coordinator.leases.has(keyOf("203.0.113.7")), world.coordinator.asked.map(({ verb }) => verb)]).toEqual([true, ["accept"]]);
  });

  test("refuse: 503 when the store is down, so that the detector tries again; 401 and 403 as everywhere", async () => {
    const world = createWorld(config);
    world.coordinator.failure = new Error("gone");
    expect((await postJson(world, "/v1/alerts/falco", "detector", alert)).status).toBe(503);
    expect((await postJson(world, "/v1/alerts/falco", "reader", alert)).status).toBe(403);
    expect((await send(world, "/v1/alerts/falco", { method: "POST", body: "{}" })).status).toBe(401);
  });
});

describe("seen", () => {
  function known(...records: readonly EventRecord[]): World {
    const world = createWorld(config);
    for (const record of records) world.coordinator.known.set(record.id, record);
    return world;
  }

  test("list: rows without what they are counted under; filters are checked before anyone is asked", async () => {
    const dead = deadLetter();
    const world = known(dead);
    const list = await json(await get(world, "/v1/events?state=dead&limit=5", "reader"));
    expect(list).toMatchObject({ total: 1, complete: true, next: null, events: [{ id: dead.id, state: "dead", source: "falco", playbooks: ["calls-home"] }] });
    expect(list.events[0]).not.toHaveProperty("firings");
    const before = world.coordinator.asked.length;
    for (const query of ["state=nope", "limit=0", "limit=201", "limit=x", "cursor=1", "other=1", "state=dead&state=done"]) {
      expect([query, (await get(world, `/v1/events?${query}`, "reader")).status]).toEqual([query, 400]);
    }
    expect(world.coordinator.asked.length).toBe(before);
  });

  test("explain: what came in, what fired, each step with its tries, its error and its next try", async () => {
    const dead = deadLetter();
    const shown = await json(await get(known(dead), `/v1/events/${dead.id}`, "reader"));
    expect(shown).toMatchObject({
      id: dead.id,
      client: "detector",
      state: "dead",
      event: { source: "falco", actor: { addresses: ["203.0.113.66/32"] }, at: expect.stringContaining("2026-") },
      playbooks: [
        {
          playbook: "calls-home",
          state: "dead",
          steps: [
            { step: "do[0]", state: "failed", tries: 2, triesMax: 2, nextTry: null, error: { code: "STORE_UNAVAILABLE", message: "down" }, said: ["nobody"] },
          ],
        },
      ],
    });
    expect(shown).not.toHaveProperty("bounds");
  });

  test.each(["/v1/events/nope", `/v1/events/${"0".repeat(32)}`, "/v1/events/%00", "/v1/events/..%2Fevents"])("explain: 404 for %s", async (path) => {
    expect((await get(known(), path, "reader")).status).toBe(404);
  });

  test("replay: only by an operator, only dead letters, once", async () => {
    const dead = deadLetter();
    const world = known(dead);
    const path = `/v1/events/${dead.id}/replay`;
    expect((await postJson(world, path, "writer", {})).status).toBe(403);
    expect((await postJson(world, path, "watcher", {})).status).toBe(403);
    expect((await postJson(world, path, "admin", { type: "block" })).status).toBe(400);
    const first = await postJson(world, path, "admin", {});
    const second = await postJson(world, path, "admin", {});
    expect([first.status, second.status, (await json(first)).replayed, (await json(second)).why]).toEqual([
      202,
      200,
      true,
      "it is open, and only dead letters are put back to work",
    ]);
    expect((await postJson(world, `/v1/events/${"0".repeat(32)}/replay`, "admin", {})).status).toBe(404);
    expect((await postSigned(world, path, { type: "replay", event: dead.id })).status).toBe(200);
    // Another's dead letter, and a signature that was made for another.
    expect((await postSigned(world, path, { type: "replay" })).status).toBe(400);
    expect((await postSigned(world, path, { type: "replay", event: "1".repeat(32) })).status).toBe(400);
    expect((await postJson(world, path, "admin", { event: "1".repeat(32) })).status).toBe(400);
    expect((await postSigned(world, path, { type: "stop" })).status).toBe(401);
  });
});
