// POST /v1/alerts/{source}: what detectors send, as they send it; always 200, with the truth per item.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { baseConfig, bearer, createWorld, hourMs, json, keyOf, nowMs, postJson, postSigned, send, type World } from "./world.ts";

const iso = (at: number) => new Date(at).toISOString();
const path = "/v1/alerts/elastalert";

function postRaw(world: World, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
  return send(world, path, { method: "POST", headers: { ...bearer("detector"), ...headers }, body });
}

async function itemsFor(world: World, body: unknown): Promise<Record<string, unknown>[]> {
  const response = await postJson(world, path, "detector", body);
  expect(response.status).toBe(200);
  return (await json(response)).items;
}

describe("what ElastAlert sends", () => {
  test("take: every captured body", async () => {
    const lines = readFileSync(new URL("../data/elastalert/http-post-captured.jsonl", import.meta.url), "utf8")
      .trim()
      .split("\n");
    const bodies = lines.map((line) => JSON.parse(line).body);
    const taken: unknown[] = [];
    for (const body of bodies) {
      // The captured addresses are of ranges that the test's protect list holds in part.
      const world = createWorld({ ...baseConfig, protect: { ranges: [], presets: [] } });
      taken.push(...(await itemsFor(world, body)).map((item) => [item.ip, item.status]));
    }
    expect(taken).toEqual([
      ["203.0.113.7", "created"],
      ["198.51.100.9", "created"],
      ["203.0.113.7", "created"],
    ]);
  });

  test("take: a whole match, with its event time, rule name and document id", async () => {
    const world = createWorld();
    const match = {
      "@timestamp": "2026-05-01T09:58:00.000Z",
      source: { ip: "203.0.113.7", port: 1 },
      rule_name: "ssh\nbrute",
      _id: "Qk3",
      _index: "fb-1",
      num_hits: 20,
    };
    expect(await itemsFor(world, match)).toEqual([{ item: 0, ip: "203.0.113.7", status: "created", until: iso(nowMs + 2 * hourMs - 120_000) }]);
    expect(world.coordinator.leases.get(keyOf("203.0.113.7"))?.[0]?.item).toMatchObject({
      at: nowMs - 120_000,
      reason: "ssh brute",
      severity: "high",
      alerts: ["fb-1/Qk3"],
    });
  });

  test("take: literal dotted keys, lists of values, lists of objects, later paths when earlier are null", async () => {
    const bodies = [
      { "source.ip": "203.0.113.7" },
      { source: { ip: ["203.0.113.7"] } },
      { source: [{ ip: "203.0.113.7" }] },
      { ip: null, source: { ip: null }, src_ip: "203.0.113.7" },
      { ip: [], src_ip: " 203.0.113.7\n" },
    ];
    for (const body of bodies) expect((await itemsFor(createWorld(), body)).map((item) => [item.ip, item.status])).toEqual([["203.0.113.7", "created"]]);
  });

  test("take: several addresses of one alert and several alerts of one address", async () => {
    const world = createWorld();
    const items = await itemsFor(world, [
      { ip: ["203.0.113.7", "203.0.113.8"], alert_id: "a" },
      { ip: "203.0.113.7", alert_id: "b", severity: "Critical" },
    ]);
    expect(items.map((item) => [item.item, item.ip, item.status])).toEqual([
      [0, "203.0.113.7", "created"],
      [0, "203.0.113.8", "created"],
      [1, "203.0.113.7", "created"],
    ]);
    expect(world.coordinator.leases.get(keyOf("203.0.113.7"))).toMatchObject([{ item: { alerts: ["a", "b"], severity: "critical" } }]);
  });

  test("take: JSON under any content type, or none", async () => {
    for (const type of [undefined, "text/plain", "application/json; charset=utf-8", "application/x-www-form-urlencoded"]) {
      const response = await postRaw(createWorld(), new TextEncoder().encode('\ufeff{"ip":"203.0.113.7"}'), type === undefined ? {} : { "content-type": type });
      expect([response.status, (await json(response)).counts]).toEqual([200, { created: 1 }]);
    }
  });
});

describe("the truth per item", () => {
  test("name: invalid, refused, exempt, limited, held and unchanged side by side", async () => {
    const world = createWorld();
    world.coordinator.refusals.set(keyOf("203.0.113.21"), { status: "exempt", why: "exempt until 11:00" });
    world.coordinator.refusals.set(keyOf("203.0.113.22"), { status: "limited", limit: "newPerMinute", why: "120 of 120", retryAfterSeconds: 9 });
    world.coordinator.refusals.set(keyOf("203.0.113.23"), { status: "held" });
    await itemsFor(world, { ip: "203.0.113.24" });
    const body = [
      { ip: "203.0.113.20" },
      "text",
      [{ ip: "203.0.113.20" }],
      { src: "203.0.113.20" },
      { ip: "not an address" },
      { ip: { nested: true } },
      { ip: "198.51.100.7" },
      { ip: "192.0.2.10" },
      { ip: "203.0.113.0/24" },
      { ip: "203.0.113.21" },
      { ip: "203.0.113.22" },
      { ip: "203.0.113.23" },
      { ip: "203.0.113.24" },
    ];
    const items = await itemsFor(world, body);
    expect(items.map((item) => item.status)).toEqual([
      "created",
      "invalid",
      "invalid",
      "invalid",
      "invalid",
      "invalid",
      "refused",
      "refused",
      "refused",
      "exempt",
      "limited",
      "held",
      "unchanged",
    ]);
    expect(items[3]).toMatchObject({ field: "ip", reason: expect.stringContaining("none of ip, source.ip, src_ip") });
    expect(items[4]).toMatchObject({ field: "ip", reason: expect.stringContaining("not an address") });
    expect(items[6]?.reason).toContain("198.51.100.0/24");
    expect(items[8]?.reason).toContain("no wider than /32");
    expect(items[10]).toMatchObject({ limit: "newPerMinute", retryAfterSeconds: 9, reason: "120 of 120" });
    expect(world.logged.findLast((record) => record.event === "alerts.not_taken")?.counts).toMatchObject({ invalid: 5, refused: 3, limited: 1 });
  });

  test("name: a body that is no JSON, no UTF-8, empty or encoded is one invalid item, never an error", async () => {
    const bodies: readonly [BodyInit, Record<string, string>][] = [
      ["{", {}],
      ["", {}],
      ["null", {}],
      ["7", {}],
      [new Uint8Array([0xff, 0xfe]), {}],
      ["{}", { "content-encoding": "gzip" }],
    ];
    for (const [body, headers] of bodies) {
      const response = await postRaw(createWorld(), body, headers);
      expect([response.status, (await json(response)).counts]).toEqual([200, { invalid: 1 }]);
    }
    expect((await json(await postRaw(createWorld(), "[]"))).items).toEqual([]);
  });

  test("name: what is beyond the limit of one request", async () => {
    const items = await itemsFor(
      createWorld(),
      Array.from({ length: 1_003 }, (_, at) => ({ ip: `203.0.${at >> 8}.${at & 255}` })),
    );
    expect(items).toHaveLength(1_001);
    expect(items.at(-1)).toMatchObject({ item: 1_000, status: "invalid", reason: expect.stringContaining("and the 2 after it were not read") });
  });

  test("time: late, future and unreadable event times count from receipt, and say so", async () => {
    const cases: readonly [unknown, RegExp][] = [
      ["2026-05-01T09:40:00Z", /more than 15m ago/],
      ["2026-05-01T10:00:06Z", /ahead of ours/],
      ["yesterday", /cannot be read/],
      [{}, /cannot be read/],
    ];
    for (const [time, why] of cases) {
      const items = await itemsFor(createWorld(), { ip: "203.0.113.7", "@timestamp": time });
      expect([items[0]?.until, String(items[0]?.adjustments)]).toEqual([iso(nowMs + 2 * hourMs), expect.stringMatching(why)]);
    }
  });

  test("time: seconds, milliseconds, nanoseconds, no zone and offsets mean the same moment", async () => {
    const at = nowMs - 60_000;
    const spellings = [
      at / 1_000,
      at,
      String(at),
      at * 1e6,
      "2026-05-01T09:59:00",
      "2026-05-01 09:59:00.000000Z",
      "2026-05-01T11:59:00+0200",
      "2026-05-01T09:59:00.123456789Z",
    ];
    for (const spelling of spellings) {
      const items = await itemsFor(createWorld(), { ip: "203.0.113.7", "@timestamp": spelling });
      expect([spelling, String(items[0]?.until).slice(0, 19), items[0]?.adjustments]).toEqual([spelling, "2026-05-01T11:59:00", undefined]);
    }
  });

  test("time: a short lease that would be over already still blocks", async () => {
    const alerts = { ...baseConfig.alerts, elastalert: { ...baseConfig.alerts.elastalert, forMs: 120_000 } };
    const items = await itemsFor(createWorld({ ...baseConfig, alerts }), { ip: "203.0.113.7", "@timestamp": nowMs - 180_000 });
    expect(items[0]).toMatchObject({ status: "created", until: iso(nowMs + 120_000), adjustments: [expect.stringContaining("over already")] });
  });

  test("length: shortened to the client's longest, and said so once", async () => {
    const answer = await json(await postJson(createWorld(), path, "detector", { ip: "203.0.113.7" }));
    expect(answer.adjustments).toEqual(["for 2h, the longest for client detector, instead of 4h"]);
  });

  test("observe client: nothing is recorded and the status says so", async () => {
    const world = createWorld();
    const answer = await json(await postJson(world, "/v1/alerts/generic", "watcher", [{ ip: "203.0.113.7" }, { ip: "198.51.100.7" }]));
    expect([answer.recorded, answer.counts, world.coordinator.leases.size]).toEqual([false, { observed: 1, refused: 1 }, 0]);
  });
});

describe("the door", () => {
  test("refuse: 503 with Retry-After when the store failed, and nothing is promised", async () => {
    const world = createWorld();
    world.coordinator.failure = new Error("store gone");
    const response = await postJson(world, path, "detector", { ip: "203.0.113.7" });
    expect([response.status, response.headers.get("retry-after"), (await json(response)).code]).toEqual([503, "60", "STORE_UNAVAILABLE"]);
  });

  test("refuse: no credential, another source's scope, unknown sources, other methods", async () => {
    const world = createWorld();
    expect((await send(world, path, { method: "POST", body: "{}" })).status).toBe(401);
    expect((await postJson(world, path, "watcher", {})).status).toBe(403);
    expect((await postJson(world, "/v1/alerts/nagios", "detector", {})).status).toBe(404);
    expect((await send(world, path)).status).toBe(405);
  });

  test("accept: a signed alert whose type names the source", async () => {
    const world = createWorld();
    const answer = await json(await postSigned(world, "/v1/alerts/generic", { type: "alert.generic", ip: "203.0.113.7" }));
    expect(answer.counts).toEqual({ created: 1 });
    expect((await postSigned(world, "/v1/alerts/generic", { type: "alert.elastalert", ip: "203.0.113.7" })).status).toBe(401);
  });

  test("always 200: any JSON at all, with a status for every item", async () => {
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.constantFrom("203.0.113.7", "::1", "10.0.0.1", "2001:db8:9::1", "203.0.113.0/24"));
    const names = fc.constantFrom(
      "ip",
      "source",
      "source.ip",
      "src_ip",
      "@timestamp",
      "timestamp",
      "rule_name",
      "severity",
      "_id",
      "_index",
      "alert_id",
      "__proto__",
      "constructor",
      "toString",
      "",
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        leaf,
        fc.array(tie("tree"), { maxLength: 4 }),
        fc.array(fc.tuple(names, tie("tree")), { maxLength: 5 }).map((pairs) => Object.fromEntries(pairs)),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(tree, async (body) => {
        const world = createWorld();
        const response = await postJson(world, path, "detector", body);
        const answer = await json(response);
        expect(response.status).toBe(200);
        for (const item of answer.items) {
          expect(["created", "unchanged", "refused", "invalid"]).toContain(item.status);
          if (item.status === "invalid" || item.status === "refused") expect(item.reason).toMatch(/\S/);
        }
        if (!Array.isArray(body)) expect(answer.items.length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });
});
