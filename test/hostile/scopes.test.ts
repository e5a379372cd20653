// Who may do what, from where: every client against every route, origins that are claimed instead of had, exemptions as an attack.
import { describe, expect, test } from "vitest";
import { routes } from "../../functions/routes/index.ts";
import { bearer, type HostileWorld, hostileConfig, hostileWorld, json, keys, post, send } from "./world.ts";

const minute = 60_000;
const part = /:\w+(\{[^}]+\})?/;

async function settled(): Promise<HostileWorld> {
  const world = await hostileWorld();
  await world.behind.advance(10 * minute);
  return world;
}

const reasons = async (response: Response) => JSON.stringify(await json(response));

describe("scopes", () => {
  test("refuse: every route to every client that has not its scope, by that scope's name, with nothing changed", async () => {
    for (const [name, client] of Object.entries(hostileConfig.clients ?? {})) {
      const key = Object.keys(keys).find((known): known is keyof typeof keys => known === name);
      if (key === undefined || key === "legacy") continue;
      const world = await settled();
      const { puts } = world.behind.kv.counts;
      for (const route of routes) {
        if (
          route.access === "public" ||
          route.access === "link" ||
          route.access === "token" ||
          route.access === "sender" ||
          client.scopes.includes(route.access)
        )
          continue;
        const init = route.method === "POST" ? { method: "POST", body: JSON.stringify({ ip: "203.0.113.7", action: "drain" }) } : {};
        const response = await send(world, route.path.replace(part, "203.0.113.7"), {
          ...init,
          headers: { ...bearer(key), "content-type": "application/json" },
        });
        expect([name, route.path, response.status, (await json(response)).facts?.scope]).toEqual([name, route.path, 403, route.access]);
      }
      expect([name, world.behind.kv.counts.puts - puts]).toEqual([name, 0]);
    }
  });

  test("refuse: no client reaches beyond its targets, its longest, its widest, whatever spelling or order it tries", async () => {
    const clients = { ...hostileConfig.clients };
    const bound = { ...clients.writer, targets: [], longestMs: 60 * minute, widest: { ipv4: 32, ipv6: 64 } } as never;
    const world = await hostileWorld({ config: { clients: { ...clients, writer: bound } } });
    const { puts } = world.behind.kv.counts;
    for (const body of [
      { ip: "203.0.113.7", targets: ["web"], for: "5m" },
      { ip: "203.0.113.7", for: "61m" },
      { ip: "203.0.113.7", for: "999999999d" },
      { ip: "203.0.113.0/31", for: "5m" },
      { ip: "::ffff:203.0.113.0/127", for: "5m" },
      { ip: "2a0e:1::/63", for: "5m" },
      { ips: ["203.0.113.7", "203.0.113.0/24"], for: "5m" },
    ])
      expect([JSON.stringify(body), (await post(world, "/v1/blocks", "writer", body)).status]).toEqual([JSON.stringify(body), 403]);
    expect(world.behind.kv.counts.puts).toBe(puts);
  });
});

describe("origins", () => {
  test("refuse: no header makes an origin: only the platform's word counts, and a range is no address", async () => {
    const claims = [
      "x-forwarded-for",
      "x-real-ip",
      "true-client-ip",
      "forwarded",
      "x-client-ip",
      "x-cluster-client-ip",
      "fastly-client-ip",
      "x-originating-ip",
      "client-ip",
      "via",
      "cf-connecting-ip",
      "cf-pseudo-ipv4",
      "cf-connecting-ipv6",
    ];
    const headers = Object.fromEntries(claims.map((name) => [name, name === "forwarded" ? "for=192.0.2.10" : "192.0.2.10"]));
    for (const remote of [
      "203.0.113.99",
      null,
      "",
      "unknown",
      "192.0.2.10, 203.0.113.99",
      "0.0.0.0/0",
      "192.0.2.0/24",
      "::/0",
      "192.0.2.10%eth0",
      "192.0.2.10:443",
    ]) {
      const world = await hostileWorld();
      world.remote = remote;
      expect([remote, (await post(world, "/v1/blocks", "narrow", { ip: "57.0.0.1" }, headers)).status]).toEqual([remote, 403]);
      expect([remote, (await send(world, `/blacklistip?accessToken=${keys.legacy}&ip=57.0.0.1`, { headers })).status]).toEqual([remote, 403]);
    }
    const world = await hostileWorld();
    expect((await post(world, "/v1/blocks", "narrow", { ip: "57.0.0.1" })).status).toBe(202);
  });
});

describe("exemptions", () => {
  test("refuse: a detector cannot exempt its attacker, and whoever may lift only cannot exempt for longer than the default, nor wider than it may block", async () => {
    const world = await settled();
    const { puts } = world.behind.kv.counts;
    expect((await post(world, "/v1/exemptions", "detector", { ip: "57.0.0.1" })).status).toBe(403);
    expect((await post(world, "/v1/exemptions", "lifter", { ip: "57.0.0.1" })).status).toBe(403);
    expect(await reasons(await post(world, "/v1/lifts", "lifter", { ip: "57.0.0.1", exempt: "2h" }))).toContain("takes the scope exempt");
    expect((await post(world, "/v1/lifts", "lifter", { ip: "57.0.0.0/8" })).status).toBe(403);
    expect((await post(world, "/v1/lifts", "lifter", { ip: "0.0.0.0/0", exempt: "none" })).status).toBe(403);
    expect((await post(world, "/v1/exemptions", "admin", { ip: "57.0.0.1", for: "31d" })).status).toBe(400);
    expect(world.behind.kv.counts.puts).toBe(puts);
  });

  test("tell: an exemption is seen by every reader for as long as it holds, and ends by itself", async () => {
    const world = await settled();
    await post(world, "/v1/lifts", "lifter", { ip: "57.0.0.1" });
    await world.behind.advance(minute);
    expect((await post(world, "/v1/blocks", "admin", { ip: "57.0.0.1" })).status).toBe(422);
    expect(await reasons(await send(world, "/v1/blocks/57.0.0.1", { headers: bearer("reader") }))).toContain('"exemptions":[{"ip":"57.0.0.1"');
    expect(await (await send(world, "/metrics", { headers: bearer("reader") })).text()).toMatch(/portcullis_exemptions_live 1/);
    await world.behind.advance(61 * minute);
    expect((await post(world, "/v1/blocks", "admin", { ip: "57.0.0.1" })).status).toBe(202);
  });

  test("keep: one client's lift of its own leases opens no gate that another client keeps closed", async () => {
    const world = await settled();
    await post(world, "/v1/alerts/elastalert", "detector", { source: { ip: "57.0.0.1" } });
    await post(world, "/v1/blocks", "admin", { ip: "57.0.0.1", for: "2h" });
    const answer = await json(await post(world, "/v1/lifts", "lifter", { ip: "57.0.0.1", client: "detector", exempt: "none" }));
    expect(answer.items).toMatchObject([{ lifted: 1, stillCoveredBy: ["57.0.0.1"] }]);
    await world.behind.advance(10 * minute);
    expect(world.behind.blocked("57.0.0.1")).toBe(true);
  });
});
