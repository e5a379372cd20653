// POST /v1/in/{secret}: one source, single addresses, an hour, from its own addresses; and the secret is shown nowhere.
import { describe, expect, test } from "vitest";
import { hourMs, json, keyOf, nowMs } from "../api/world.ts";
import { detector, pathSecret, post, senderClients, senderWorld, sha256 } from "./world.ts";

const path = `/v1/in/${pathSecret}`;
const body = JSON.stringify({ ip: "203.0.113.7" });

describe("POST /v1/in/{secret}", () => {
  test("take: an alert without any header, as the client's one source", async () => {
    const world = senderWorld();
    const response = await post(world, path, {}, body);
    expect([response.status, await json(response)]).toMatchObject([200, { source: "generic", items: [{ ip: "203.0.113.7", status: "created" }] }]);
    expect(world.coordinator.leases.get(keyOf("203.0.113.7"))).toMatchObject([{ client: "falco", item: { until: nowMs + hourMs } }]);
  });

  test("bound: never a range and never longer than an hour, though the configuration said so", async () => {
    const wide = { ...senderClients.falco, ...{ widest: { ipv4: 8, ipv6: 19 }, longestMs: 30 * 24 * hourMs } } as typeof detector;
    const world = senderWorld({ falco: wide });
    const { items } = await json(await post(world, path, {}, JSON.stringify([{ ip: "203.0.113.0/24" }, { ip: "203.0.113.7" }])));
    expect(items).toMatchObject([{ status: "refused" }, { status: "created", until: new Date(nowMs + hourMs).toISOString() }]);
  });

  test("refuse: without `from`, from elsewhere, from nowhere, or with more than one scope", async () => {
    const pathKeys = [sha256(pathSecret)];
    const from = senderClients.falco?.from ?? null;
    const cases = [
      [{ ...detector, pathKeys }, "192.0.2.10"],
      [{ ...detector, pathKeys, from }, "192.0.2.11"],
      [{ ...detector, pathKeys, from }, null],
      [{ ...detector, pathKeys, from, scopes: ["alert:generic", "alert:elastalert"] as const }, "192.0.2.10"],
      [{ ...detector, pathKeys, from, scopes: ["admin"] as const }, "192.0.2.10"],
    ] as const;
    for (const [client, remote] of cases) {
      const world = senderWorld({ falco: client });
      world.remote = remote;
      expect((await post(world, path, {}, body)).status).toBe(403);
      expect(world.coordinator.asked).toEqual([]);
    }
  });
});
