// The routes that only look: block list, explain, targets, plan, feed, metrics, health.
import { describe, expect, test } from "vitest";
import { row, snapshotOf, stateAt, targetSnapshot } from "./snapshots.ts";
import { baseConfig, createWorld, get, hourMs, json, nowMs, postJson, send, type World } from "./world.ts";

function worldWith(snapshot: World["coordinator"]["snapshotNow"]): World {
  const world = createWorld();
  world.coordinator.snapshotNow = snapshot;
  return world;
}

describe("GET /v1/blocks", () => {
  test("list: live rows with states by name, in address order, without what ended by the clock", async () => {
    const world = worldWith(snapshotOf([row("203.0.113.9", { edge: stateAt.shed }), row("203.0.113.7"), row("203.0.113.8", { until: nowMs })]));
    const answer = await json(await get(world, "/v1/blocks", "reader"));
    expect(answer).toMatchObject({ complete: true, total: 2, next: null });
    expect(answer.blocks.map((block: { ip: string }) => block.ip)).toEqual(["203.0.113.7", "203.0.113.9"]);
    expect(answer.blocks[1]).toMatchObject({
      targets: { web: { state: "enforced" }, edge: { state: "shed", why: "no room" } },
      leases: [{ client: "writer" }],
    });
  });

  test("list: filters by target and state together", async () => {
    const world = worldWith(snapshotOf([row("203.0.113.7"), row("203.0.113.9", { edge: stateAt.shed })]));
    const count = async (query: string) => (await json(await get(world, `/v1/blocks?${query}`, "reader"))).total;
    expect([await count("state=shed"), await count("state=shed&target=edge"), await count("state=shed&target=web"), await count("target=web")]).toEqual([
      1, 1, 0, 2,
    ]);
  });

  test("list: pages with a cursor visit every row once", async () => {
    const ips = Array.from({ length: 7 }, (_, at) => `203.0.113.${at + 1}`);
    const world = worldWith(snapshotOf(ips.map((ip) => row(ip))));
    const seen: string[] = [];
    let cursor: string | null = "";
    for (let page = 0; page < 9 && cursor !== null; page += 1) {
      const answer = await json(await get(world, `/v1/blocks?limit=3&cursor=${encodeURIComponent(cursor)}`, "reader"));
      seen.push(...answer.blocks.map((block: { ip: string }) => block.ip));
      cursor = answer.next;
    }
    expect(seen).toEqual(ips);
  });

  test("list: unknown and malformed parameters are refused, and no snapshot is 503", async () => {
    const world = worldWith(snapshotOf([]));
    for (const query of ["status=shed", "state=gone", "target=__proto__", "limit=0", "limit=1001", "limit=1e2", "cursor=x", "limit=1&limit=2"]) {
      expect([query, (await get(world, `/v1/blocks?${query}`, "reader")).status]).toEqual([query, 400]);
    }
    expect((await get(createWorld(), "/v1/blocks", "reader")).status).toBe(503);
  });
});

describe("GET /v1/blocks/{ip}", () => {
  test("explain: why, where and until when; slashes work plain and encoded", async () => {
    const world = createWorld();
    await postJson(world, "/v1/blocks", "writer", { ip: "203.0.113.0/24", reason: "scan" });
    world.coordinator.state = "enforced";
    for (const path of ["/v1/blocks/203.0.113.0/24", "/v1/blocks/203.0.113.0%2F24"]) {
      const answer = await json(await get(world, path, "reader"));
      expect(answer).toMatchObject({
        ip: "203.0.113.0/24",
        summary: "203.0.113.0/24 is blocked at web, edge: enforced.",
        protected: null,
        leases: [{ client: "writer", reason: "scan" }],
      });
    }
  });

  test("explain: not leased, protected, exempt, and widened", async () => {
    const world = createWorld();
    const summary = async (ip: string) => (await json(await get(world, `/v1/blocks/${ip}`, "reader"))).summary;
    expect(await summary("203.0.113.7")).toBe("203.0.113.7 is not blocked at web, edge: never, no lease on it is on record.");
    expect(await summary("198.51.100.7")).toMatch(/^198\.51\.100\.7 is never blocked: it touches 198\.51\.100\.0\/24/);
    await postJson(world, "/v1/lifts", "writer", { ip: "203.0.113.7" });
    expect(await summary("203.0.113.7")).toMatch(/new blocks are refused until 2026-05-01T11:00/);
    expect((await json(await get(world, "/v1/blocks/2001:db8::7", "reader"))).ip).toBe("2001:db8::/64");
  });

  test("explain: leased and not enforced is said so", async () => {
    const world = createWorld();
    await postJson(world, "/v1/blocks", "writer", { ip: "203.0.113.7" });
    expect((await json(await get(world, "/v1/blocks/203.0.113.7", "reader"))).summary).toMatch(/^203\.0\.113\.7 is not blocked at web, edge: pending/);
  });

  test("explain: before the first pass nothing is claimed", async () => {
    const world = createWorld();
    const targets = [{ target: "web", blocked: "unknown", cause: "never", why: "nothing is known", entry: null, observedAt: null }] as const;
    const nothing = { leases: [], wider: [], narrower: [], exemptions: [], ended: [], refusals: [] };
    world.coordinator.explain = async () => ({ exact: null, ...nothing, targets, endedWhole: false, asOf: 0 });
    expect(await json(await get(world, "/v1/blocks/203.0.113.7", "reader"))).toMatchObject({
      summary: expect.stringMatching(/is not known to be blocked or not: no pass has reported/),
      asOf: null,
    });
  });

  test("explain: what is no address is 400", async () => {
    for (const path of ["/v1/blocks/x", "/v1/blocks/%zz", "/v1/blocks/%E0%A4", "/v1/blocks/203.0.113.7/", "/v1/blocks/203.0.113.7/24"]) {
      expect([path, (await get(createWorld(), path, "reader")).status]).toEqual([path, 400]);
    }
  });
});

describe("GET /v1/targets", () => {
  test("show: every configured target, visited or not", async () => {
    const world = worldWith(snapshotOf([], { targets: { web: targetSnapshot({ drift: ["rule 3 changed"] }) } }));
    const answer = await json(await get(world, "/v1/targets", "reader"));
    expect(answer.targets).toMatchObject([
      { name: "web", drift: ["rule 3 changed"], observedAt: "2026-05-01T09:59:30.000Z" },
      { name: "edge", observedAt: null },
    ]);
    expect((await json(await get(createWorld(), "/v1/targets", "reader"))).targets).toHaveLength(2);
  });

  test("show: one target, its caveats and its plan; others are 404", async () => {
    const world = createWorld(baseConfig, { targetFacts: () => ({ caveats: ["keeps running flows"], admit: () => ({ kind: "accept" }) }) });
    expect(await json(await get(world, "/v1/targets/web", "reader"))).toMatchObject({ name: "web", caveats: ["keeps running flows"] });
    expect(await json(await get(world, "/v1/targets/web/plan", "reader"))).toMatchObject({ target: "web", add: ["203.0.113.7/32"] });
    for (const name of ["nope", "__proto__", "constructor", "%ff", "web%00"]) {
      expect([(await get(world, `/v1/targets/${name}`, "reader")).status, (await get(world, `/v1/targets/${name}/plan`, "reader")).status]).toEqual([404, 404]);
    }
  });
});

describe("admission", () => {
  const facts = (name: string) => ({
    caveats: [`caveat of ${name}`],
    admit: () => (name === "web" ? { kind: "unsupported" as const, why: "no IPv6" } : { kind: "accept" as const }),
  });

  test("accept: what one target can hold, naming the one that cannot and every caveat", async () => {
    const answer = await json(await postJson(createWorld(baseConfig, { targetFacts: facts }), "/v1/blocks", "writer", { ip: "203.0.113.7" }));
    expect(answer.items[0].adjustments).toEqual(["web cannot hold it: no IPv6"]);
    expect(answer.caveats).toEqual({ web: ["caveat of web"], edge: ["caveat of edge"] });
  });

  test("refuse: what no selected target can hold", async () => {
    const response = await postJson(createWorld(baseConfig, { targetFacts: facts }), "/v1/blocks", "writer", { ip: "203.0.113.7", targets: ["web"] });
    expect([response.status, (await json(response)).code]).toEqual([422, "UNSUPPORTED"]);
  });
});

describe("GET /v1/feed.txt", () => {
  const blocks = [
    row("203.0.113.9"),
    row("203.0.113.0/28", { web: stateAt.shed, edge: stateAt.pending }),
    row("2001:db8:1::/64"),
    row("203.0.113.20", { until: nowMs - 1 }),
    row("203.0.113.21", { web: stateAt.held, edge: stateAt.held, held: true }),
    row("203.0.113.22", { web: stateAt.refused, edge: stateAt.refused }),
    row("10.1.2.3"),
  ];

  test("list: live blocks, one per line, without ended, held, refused and protected ones", async () => {
    const response = await get(worldWith(snapshotOf(blocks)), "/v1/feed.txt", "reader");
    expect(await response.text()).toBe("203.0.113.0/28\n203.0.113.9\n2001:db8:1::/64\n");
    expect(response.headers.get("cache-control")).toBe("private, no-cache");
    expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
  });

  test("list: by family", async () => {
    const world = worldWith(snapshotOf(blocks));
    expect(await (await get(world, "/v1/feed.txt?family=6", "reader")).text()).toBe("2001:db8:1::/64\n");
    expect(await (await get(world, "/v1/feed.txt?family=4", "reader")).text()).toBe("203.0.113.0/28\n203.0.113.9\n");
    expect((await get(world, "/v1/feed.txt?family=5", "reader")).status).toBe(400);
  });

  test("list: a freeze does not shorten it", async () => {
    const stop = { at: nowMs, targets: { "*": "freeze" as const }, releasedAt: 0 };
    const world = worldWith(snapshotOf([row("203.0.113.21", { web: stateAt.held, edge: stateAt.held })], { stop }));
    expect(await (await get(world, "/v1/feed.txt", "reader")).text()).toBe("203.0.113.21\n");
  });

  test("list: what the brake held is there once it is released", async () => {
    const stop = { at: nowMs, targets: {}, releasedAt: nowMs };
    const world = worldWith(snapshotOf([row("203.0.113.21", { held: true })], { stop }));
    expect(await (await get(world, "/v1/feed.txt", "reader")).text()).toBe("203.0.113.21\n");
  });

  test("cache: the same list is 304, and an end by the clock changes the tag", async () => {
    const world = worldWith(snapshotOf([row("203.0.113.9", { until: nowMs + hourMs }), row("203.0.113.10", { until: nowMs + 1_000 })]));
    const tag = (await get(world, "/v1/feed.txt", "reader")).headers.get("etag") ?? "";
    for (const header of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
      const again = await get(world, "/v1/feed.txt", "reader", { "if-none-match": header });
      expect([again.status, again.headers.get("etag"), await again.text()]).toEqual([304, tag, ""]);
    }
    world.clock.at += 2_000;
    expect((await get(world, "/v1/feed.txt", "reader", { "if-none-match": tag })).status).toBe(200);
  });

  test("refuse: what is not whole is 503, never a shorter list", async () => {
    const broken = [
      null,
      snapshotOf([], { fullAt: null }),
      snapshotOf([], { complete: false, incompleteWhy: "one key cannot be read" }),
      snapshotOf([{ ...row("203.0.113.9"), key: "?" }]),
    ];
    for (const snapshot of broken) {
      const response = await get(worldWith(snapshot), "/v1/feed.txt", "reader", { "if-none-match": "*" });
      expect([response.status, response.headers.get("content-type"), response.headers.get("retry-after")]).toEqual([503, "application/problem+json", "60"]);
    }
  });
});

describe("GET /metrics", () => {
  test("show: room, use, shed, errors and ages per target, with labels escaped", async () => {
    const error = { code: "PROVIDER_AUTH" as const, message: "denied" };
    const web = targetSnapshot({
      pools: [{ name: 'we"ird\\\n', limit: 18, used: 3 }],
      shed: ["203.0.113.9/32"],
      error,
      enforcing: { yes: false, why: "no subnet" },
    });
    const response = await get(worldWith(snapshotOf([row("203.0.113.7")], { targets: { web }, held: 2 })), "/metrics", "reader");
    const text = await response.text();
    const expected = [
      'portcullis_target_room{target="web",pool="we\\"ird\\\\\\n"} 15',
      'portcullis_target_foreign{target="web"} 2',
      'portcullis_target_shed{target="web"} 1',
      'portcullis_target_enforcing{target="web"} 0',
      'portcullis_target_error{target="web",code="PROVIDER_AUTH"} 1',
      "portcullis_leases_live 1",
      "portcullis_leases_held 2",
      "portcullis_snapshot_age_seconds 10",
      "portcullis_full_pass_age_seconds 20",
    ];
    for (const line of expected) expect(text.split("\n")).toContain(line);
    for (const line of text.trimEnd().split("\n")) expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{.*\})? -?[0-9.]+)$/);
  });

  test("show: no snapshot is a metric, not an error", async () => {
    expect(await (await get(createWorld(), "/metrics", "reader")).text()).toContain("portcullis_snapshot_present 0\n");
  });
});

describe("health", () => {
  test("healthz: a constant for everyone", async () => {
    const response = await send(createWorld(), "/healthz");
    expect([response.status, await response.text()]).toEqual([200, '{"status":"ok"}']);
  });

  test("readyz: bare 200 while full passes come through, bare 503 otherwise", async () => {
    const ready = async (world: World) => {
      const response = await send(world, "/readyz");
      return [response.status, await response.text()];
    };
    expect(await ready(worldWith(snapshotOf([])))).toEqual([200, ""]);
    expect(await ready(createWorld())).toEqual([503, ""]);
    expect(await ready(worldWith(snapshotOf([], { fullAt: nowMs - 15 * 60_000 - 1 })))).toEqual([503, ""]);
    const broken = createWorld();
    broken.coordinator.failure = new Error("gone");
    expect(await ready(broken)).toEqual([503, ""]);
  });

  test("openapi: the document that was passed in, for readers", async () => {
    expect(await json(await get(createWorld(), "/openapi.json", "reader"))).toEqual({ openapi: "3.1.0" });
    expect((await send(createWorld(), "/openapi.json")).status).toBe(401);
  });

  test("scopes: feed and metrics need their own", async () => {
    for (const path of ["/v1/feed.txt", "/metrics", "/v1/blocks", "/v1/blocks/203.0.113.7", "/v1/targets"])
      expect((await get(createWorld(), path, "admin")).status).toBe(403);
  });
});
