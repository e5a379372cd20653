// The routes that undo and steer: lifts, exemptions, reconcile, stop, store.
import { describe, expect, test } from "vitest";
import { snapshotOf } from "./snapshots.ts";
import { bearer, createWorld, hourMs, json, keyOf, nowMs, postJson, postSigned, send, type World } from "./world.ts";

const iso = (at: number) => new Date(at).toISOString();
const lastAsked = (world: World, verb: string) => world.coordinator.asked.findLast((entry) => entry.verb === verb)?.with;

describe("POST /v1/lifts", () => {
  test("lift: ends everyone's leases and leaves the default exemption", async () => {
    const world = createWorld();
    await postJson(world, "/v1/blocks", "writer", { ip: "203.0.113.7" });
    const response = await postJson(world, "/v1/lifts", "writer", { ip: "203.0.113.7" });
    expect(response.status).toBe(202);
    expect(await json(response)).toMatchObject({
      recorded: true,
      repeated: false,
      items: [{ ip: "203.0.113.7", lifted: 1, exemptUntil: iso(nowMs + hourMs) }],
    });
    expect((await postJson(world, "/v1/blocks", "writer", { ip: "203.0.113.7" })).status).toBe(422);
  });

  test("lift: no exemption when none is asked for, in each spelling", async () => {
    for (const exempt of ["none", 0, "0"]) {
      const world = createWorld();
      await postJson(world, "/v1/lifts", "writer", { ips: ["203.0.113.7", "2001:db8:1::9"], client: "detector", exempt });
      expect(lastAsked(world, "lift")).toEqual({
        keys: [keyOf("203.0.113.7"), keyOf("2001:db8:1::/64")],
        client: "detector",
        at: nowMs,
        exemptUntil: null,
        once: null,
        by: "writer",
      });
    }
  });

  test("lift: waits for the pass when preferred", async () => {
    const response = await postJson(createWorld(), "/v1/lifts", "writer", { ip: "203.0.113.7" }, { prefer: "wait=3" });
    expect([response.status, response.headers.get("preference-applied")]).toEqual([200, "wait=3"]);
  });

  test("lift: signed, it counts from the signed time and carries the message id", async () => {
    const world = createWorld();
    world.clock.at += 60_000;
    const body = { type: "lift", ip: "203.0.113.7" };
    await postSigned(world, "/v1/lifts", body, { id: "msg_lift" });
    expect(lastAsked(world, "lift")).toMatchObject({ at: nowMs, exemptUntil: nowMs + hourMs, once: "msg_lift" });
    expect((await json(await postSigned(world, "/v1/lifts", body, { id: "msg_lift" }))).repeated).toBe(true);
  });

  test("lift: an exemption longer than the default takes the scope exempt", async () => {
    const world = createWorld();
    const response = await postJson(world, "/v1/lifts", "writer", { ip: "203.0.113.7", exempt: "2h" });
    expect([response.status, (await json(response)).facts]).toEqual([403, { scope: "exempt", allowed: "1h" }]);
    expect((await postJson(world, "/v1/lifts", "admin", { ip: "203.0.113.7", exempt: "2h" })).status).toBe(202);
  });

  test("lift: a block wider than the client may make, when it exempts nothing", async () => {
    expect((await postJson(createWorld(), "/v1/lifts", "admin", { ip: "203.0.0.0/16", exempt: "none" })).status).toBe(202);
    expect((await json(await postJson(createWorld(), "/v1/lifts", "admin", { ip: "203.0.0.0/16" }))).detail).toContain("or lift it with exempt: none");
  });

  test("refuse: too wide, too long, malformed; and nothing is changed", async () => {
    const world = createWorld();
    const attempts: readonly [unknown, number][] = [
      [{ ip: "0.0.0.0/0" }, 403],
      [{ ip: "203.0.0.0/16" }, 403],
      [{ ip: "0.0.0.0/7", exempt: "none" }, 403],
      [{ ip: "203.0.113.7", exempt: "31d" }, 400],
      [{ ip: "203.0.113.7", exempt: 5 }, 400],
      [{ ip: "203.0.113.7", client: "a b" }, 400],
      [{ ip: "203.0.113.7", for: "1h" }, 400],
      [{ ip: "x" }, 400],
      [{}, 400],
      [null, 400],
    ];
    for (const [body, status] of attempts) expect([body, (await postJson(world, "/v1/lifts", "admin", body)).status]).toEqual([body, status]);
    expect(world.coordinator.asked).toEqual([]);
  });

  test("observe client: nothing is recorded", async () => {
    const world = createWorld();
    expect(await json(await postJson(world, "/v1/lifts", "watcher", { ip: "203.0.113.7" }))).toMatchObject({
      recorded: false,
      items: [{ status: "observed" }],
    });
    expect(world.coordinator.asked).toEqual([]);
  });
});

describe("POST /v1/exemptions", () => {
  test("exempt: refuses new leases until then and ends what stands", async () => {
    const world = createWorld();
    const response = await postJson(world, "/v1/exemptions", "admin", { ip: "203.0.113.7", for: "6h" });
    expect([response.status, (await json(response)).items[0].exemptUntil]).toEqual([202, iso(nowMs + 6 * hourMs)]);
    expect(lastAsked(world, "lift")).toMatchObject({ client: "*", exemptUntil: nowMs + 6 * hourMs });
  });

  test("refuse: without the scope, and longer than the longest", async () => {
    expect((await postJson(createWorld(), "/v1/exemptions", "writer", { ip: "203.0.113.7" })).status).toBe(403);
    expect((await postJson(createWorld(), "/v1/exemptions", "admin", { ip: "203.0.113.7", for: "31d" })).status).toBe(400);
  });
});

describe("admin", () => {
  test("reconcile: a pass now, with a confirmation when given", async () => {
    const world = createWorld();
    world.coordinator.snapshotNow = snapshotOf([]);
    const plain = await send(world, "/v1/reconcile", { method: "POST", headers: bearer("admin") });
    expect([plain.status, (await json(plain)).done]).toEqual([200, true]);
    await postJson(world, "/v1/reconcile", "admin", { confirm: { target: "web", digest: "abc123" } });
    expect(lastAsked(world, "reconcile")).toEqual({ target: "web", digest: "abc123" });
    world.coordinator.snapshotNow = null;
    expect((await postJson(world, "/v1/reconcile", "admin", {})).status).toBe(202);
  });

  test("reconcile: a malformed confirmation is refused", async () => {
    for (const confirm of [
      null,
      "web",
      {},
      { target: "web" },
      { target: "web", digest: "a b" },
      { target: "nope", digest: "abc" },
      { target: "web", digest: "a", extra: 1 },
    ]) {
      const world = createWorld();
      expect([confirm, (await postJson(world, "/v1/reconcile", "admin", { confirm })).status]).toEqual([confirm, 400]);
      expect(world.coordinator.asked).toEqual([]);
    }
  });

  test("stop: freeze, drain, resume and release, all targets or some", async () => {
    const world = createWorld();
    expect(await json(await postJson(world, "/v1/stop", "admin", { action: "freeze" }))).toMatchObject({ stopped: { "*": "freeze" } });
    await postJson(world, "/v1/stop", "admin", { action: "drain", targets: ["edge"] });
    expect(lastAsked(world, "stop")).toEqual({ action: "drain", targets: ["edge"], at: nowMs, once: null });
    for (const action of ["resume", "release"]) expect((await postJson(world, "/v1/stop", "admin", { action })).status).toBe(200);
    for (const body of [{}, { action: "halt" }, { action: "freeze", targets: [] }, { action: "freeze", targets: ["nope"] }]) {
      expect((await postJson(world, "/v1/stop", "admin", body)).status).toBe(400);
    }
  });

  test("store: mints once", async () => {
    const world = createWorld();
    const first = await postSigned(world, "/v1/store", { type: "store" });
    expect([first.status, await json(first)]).toEqual([201, { storeId: "store-1", minted: true }]);
    expect((await postJson(world, "/v1/store", "admin", {})).status).toBe(200);
  });

  test("refuse: without the scope, and in observe mode", async () => {
    for (const path of ["/v1/reconcile", "/v1/stop", "/v1/store"]) {
      const world = createWorld();
      const statuses = [
        (await postJson(world, path, "writer", { action: "freeze" })).status,
        (await postJson(world, path, "watcher", { action: "freeze" })).status,
      ];
      expect([path, ...statuses, world.coordinator.asked.length]).toEqual([path, 403, 403, 0]);
    }
  });
});
