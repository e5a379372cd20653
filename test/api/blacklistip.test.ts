// GET /blacklistip: the 2017 API without its six defects. Each defect has its test, named after it; all were read in
// the original's source (handler.js of `automated-defence`, 2018).
import { describe, expect, test } from "vitest";
import { baseConfig, bearer, createWorld, hourMs, json, keyOf, keys, nowMs, send, type World } from "./world.ts";

const ask = (world: World, query: string, init: RequestInit = {}) => send(world, `/blacklistip${query}`, init);
const block = (world: World, ip: string) => ask(world, `?accessToken=${keys.legacy}&ip=${encodeURIComponent(ip)}`);

describe("GET /blacklistip", () => {
  test("block: a single address, for an hour at most, and `blocked` only once it stands", async () => {
    const world = createWorld();
    const response = await block(world, "203.0.113.7");
    expect([response.status, await json(response)]).toMatchObject([
      200,
      { status: "blocked", ip: "203.0.113.7", until: new Date(nowMs + hourMs).toISOString() },
    ]);
  });

  test("block: an IPv6 address as its /64", async () => {
    expect(await json(await block(createWorld(), "2001:db8:1::9"))).toMatchObject({ status: "blocked", ip: "2001:db8:1::/64" });
  });

  test("block: later again extends, at once again does not", async () => {
    const world = createWorld();
    await block(world, "203.0.113.7");
    expect((await json(await block(world, "203.0.113.7"))).status).toBe("blocked");
    world.clock.at += hourMs / 2;
    expect(await json(await block(world, "203.0.113.7"))).toMatchObject({ status: "expiryextended", until: new Date(nowMs + 1.5 * hourMs).toISOString() });
  });

  test("absent: the route does not exist unless configured", async () => {
    const world = createWorld({ ...baseConfig, blacklistip: null });
    expect((await block(world, "203.0.113.7")).status).toBe(404);
  });

  test("refuse: ranges, several addresses, protected ones, bad spellings", async () => {
    const world = createWorld();
    const statuses: number[] = [];
    for (const ip of ["203.0.113.0/24", "203.0.113.7/31", "198.51.100.7", "192.0.2.10", "x", "", "203.0.113.7,203.0.113.8"])
      statuses.push((await block(world, ip)).status);
    expect(statuses).toEqual([400, 400, 422, 422, 400, 400, 400]);
    expect((await ask(world, `?accessToken=${keys.legacy}&ip=203.0.113.7&ip=203.0.113.8`)).status).toBe(400);
    expect(world.coordinator.asked).toEqual([]);
  });

  test("refuse: other origins, and a client without `from`", async () => {
    const elsewhere = createWorld();
    elsewhere.remote = "192.0.2.99";
    expect((await block(elsewhere, "203.0.113.7")).status).toBe(403);
    const legacy = { ...baseConfig.clients.legacy, from: null };
    const unbound = createWorld({ ...baseConfig, clients: { ...baseConfig.clients, legacy: legacy as never } });
    expect((await block(unbound, "203.0.113.7")).status).toBe(403);
  });

  test("refuse: other clients' keys, doubled tokens and mixed credentials look like every 401", async () => {
    const world = createWorld();
    const reference = await (await send(world, "/v1/blocks")).text();
    const attempts: readonly [string, RequestInit?][] = [
      [`?accessToken=${keys.writer}&ip=203.0.113.7`],
      ["?accessToken=&ip=203.0.113.7"],
      ["?ip=203.0.113.7"],
      [`?accessToken=${keys.legacy}&accessToken=${keys.legacy}&ip=203.0.113.7`],
      [`?accessToken=${keys.legacy}&ip=203.0.113.7`, { headers: bearer("writer") }],
      [`?accessToken=${keys.legacy}&ip=203.0.113.7`, { headers: { "webhook-id": "x" } }],
      ["?ip=203.0.113.7", { headers: { "x-api-key": keys.legacy } }],
    ];
    for (const [query, init] of attempts) {
      const response = await ask(world, query, init);
      expect([query, response.status, await response.text()]).toEqual([query, 401, reference]);
    }
    expect(world.coordinator.asked).toEqual([]);
  });

  test("refuse: HEAD and POST, which must not block anyone", async () => {
    const world = createWorld();
    for (const method of ["HEAD", "POST", "PUT"]) {
      const response = await ask(world, `?accessToken=${keys.legacy}&ip=203.0.113.7`, { method });
      expect([method, response.status, response.headers.get("allow")]).toEqual([method, 405, "GET"]);
    }
    expect(world.coordinator.asked).toEqual([]);
  });

  test("secrecy: the token is in no answer and no log", async () => {
    const world = createWorld();
    const texts = [await (await block(world, "203.0.113.7")).text(), await (await block(world, keys.legacy)).text()];
    world.coordinator.failure = new TypeError(`bad URL http://x/blacklistip?accessToken=${keys.legacy}`);
    texts.push(await (await block(world, "203.0.113.8")).text());
    expect(JSON.stringify(world.logged)).not.toContain(keys.legacy);
    expect([texts[0], texts[2]].join()).not.toContain(keys.legacy);
  });
});

describe("the six defects of 2017 are absent", () => {
  test("1 expiry leak: the end is a moment in the record, not a minute that must be met", async () => {
    const world = createWorld();
    await block(world, "203.0.113.7");
    const [held] = world.coordinator.leases.get(keyOf("203.0.113.7")) ?? [];
    expect(held?.item).toMatchObject({ at: nowMs, until: nowMs + hourMs });
  });

  test("2 slot race: concurrent requests for different addresses are all recorded, and told the truth", async () => {
    const world = createWorld();
    const ips = Array.from({ length: 30 }, (_, at) => `203.0.113.${at + 1}`);
    const answers = await Promise.all(ips.map(async (ip) => json(await block(world, ip))));
    expect(answers.map((answer) => [answer.ip, answer.status])).toEqual(ips.map((ip) => [ip, "blocked"]));
    expect([...world.coordinator.leases.keys()].sort()).toEqual(ips.map(keyOf));
  });

  test("3 reply before effect: 503 when the record failed, `accepted` while it does not stand yet", async () => {
    const failing = createWorld();
    failing.coordinator.failure = new Error("store gone");
    expect((await block(failing, "203.0.113.7")).status).toBe(503);
    const slow = createWorld();
    slow.coordinator.settles = false;
    const response = await block(slow, "203.0.113.7");
    expect([response.status, (await json(response)).status]).toEqual([202, "accepted"]);
    const lost = createWorld();
    lost.coordinator.settle = () => Promise.reject(new Error("gone"));
    expect(await json(await block(lost, "203.0.113.7"))).toMatchObject({ status: "accepted", recorded: true });
  });

  test("4 orphans: the route touches no firewall; it only records and asks", async () => {
    const world = createWorld();
    await block(world, "203.0.113.7");
    expect(world.coordinator.asked.map((entry) => entry.verb)).toEqual(["accept", "settle"]);
  });

  test("5 crash paths: a missing query or parameter is 400, not a crash", async () => {
    const world = createWorld();
    for (const query of ["", "?", `?accessToken=${keys.legacy}`]) {
      const response = await ask(world, query);
      expect([query, response.status, (await json(response)).facts]).toEqual([query, 400, { reply: "badrequest" }]);
    }
    for (const query of ["?ip", "?%", "?accessToken", "?&&&=&"]) expect([query, (await ask(world, query)).status]).toEqual([query, 401]);
  });

  test("6 room: what has no room is never called blocked", async () => {
    const world = createWorld();
    world.coordinator.settledState = "shed";
    const response = await block(world, "203.0.113.7");
    expect([response.status, (await json(response)).status]).toEqual([202, "rulelimitreached"]);
    const full = createWorld();
    full.coordinator.refusals.set(keyOf("203.0.113.7"), { status: "limited", limit: "store" });
    const refused = await block(full, "203.0.113.7");
    expect([refused.status, (await json(refused)).facts.reply]).toEqual([503, "rulelimitreached"]);
  });
});
