// Who gets in: keys, signatures, scopes and origins; and that every way of not getting in looks the same.
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { importSecret, signMessage } from "../../functions/auth/signature.ts";
import { baseConfig, createWorld, json, keys, nowMs, postJson, postSigned, secrets, send, signedHeaders, type World } from "./world.ts";

const block = JSON.stringify({ type: "block", ip: "203.0.113.7" });
const asJson = { "content-type": "application/json" };

function post(world: World, headers: Record<string, string>, body = block, path = "/v1/blocks"): Promise<Response> {
  return send(world, path, { method: "POST", headers: { ...asJson, ...headers }, body });
}

const basic = (user: string, password: string) => `Basic ${btoa(`${user}:${password}`)}`;

describe("keys", () => {
  const accepted: readonly [string, Record<string, string>][] = [
    ["Bearer", { authorization: `Bearer ${keys.writer}` }],
    ["bearer in lower case", { authorization: `bearer ${keys.writer}` }],
    ["X-API-Key", { "x-api-key": keys.writer }],
    ["Basic password, whatever the user", { authorization: basic("anyone", keys.writer) }],
    ["the same key twice", { authorization: `Bearer ${keys.writer}`, "x-api-key": keys.writer }],
  ];
  for (const [what, headers] of accepted) {
    test(`accept: ${what}`, async () => {
      expect((await post(createWorld(), headers)).status).toBe(202);
    });
  }

  test("refuse: the query-token client's key in a header", async () => {
    expect((await post(createWorld(), { "x-api-key": keys.legacy })).status).toBe(401);
  });
});

describe("signatures", () => {
  test("accept: what the standardwebhooks package signs, with either secret of a rotation", async () => {
    for (const secret of [secrets.OPS, secrets.OPS_NEXT])
      expect((await postSigned(createWorld(), "/v1/blocks", JSON.parse(block), { secret })).status).toBe(202);
  });

  test("sign: the standardwebhooks package accepts our signatures", async () => {
    const key = await importSecret(secrets.OPS);
    expect(key).not.toBeNull();
    if (key === null) return;
    const at = Math.floor(Date.now() / 1_000);
    const signature = await signMessage(key, "msg_9", at, new TextEncoder().encode(block));
    const headers = { "webhook-id": "msg_9", "webhook-timestamp": String(at), "webhook-signature": signature };
    expect(new Webhook(secrets.OPS).verify(block, headers)).toEqual(JSON.parse(block));
  });

  test("sign: agrees with the standardwebhooks package on any body, id and time", async () => {
    const key = await importSecret(secrets.OTHER);
    if (key === null) throw new Error("the test's secret does not import");
    const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/);
    await fc.assert(
      fc.asyncProperty(id, fc.integer({ min: 0, max: 4e9 }), fc.string({ unit: "grapheme" }), async (message, at, body) => {
        const ours = await signMessage(key, message, at, new TextEncoder().encode(body));
        expect(ours).toBe(new Webhook(secrets.OTHER).sign(message, new Date(at * 1_000), body));
      }),
      { numRuns: 50 },
    );
  });

  test("accept: one valid signature among other versions, wrong and malformed ones", async () => {
    const headers = signedHeaders(block);
    const list = `v1a,AAAA v2,x ,, v1, v1,!!! ${new Webhook(secrets.OTHER).sign("msg_1", new Date(nowMs), block)} ${headers["webhook-signature"]}`;
    expect((await post(createWorld(), { ...headers, "webhook-signature": list })).status).toBe(202);
  });

  test("accept: five minutes of difference both ways, and not a second more", async () => {
    const statuses: number[] = [];
    for (const offset of [-301_000, -300_000, 300_000, 301_000])
      statuses.push((await post(createWorld(), signedHeaders(block, { at: nowMs + offset }))).status);
    expect(statuses).toEqual([401, 202, 202, 401]);
  });

  test("refuse: a signed body at another route, by its type", async () => {
    const world = createWorld();
    const body = JSON.stringify({ type: "block", ip: "203.0.113.7" });
    for (const path of ["/v1/lifts", "/v1/exemptions", "/v1/reconcile", "/v1/stop", "/v1/store", "/v1/alerts/generic"]) {
      const response = await post(world, signedHeaders(body), body, path);
      expect([path, response.status]).toEqual([path, 401]);
    }
    expect(world.coordinator.asked).toEqual([]);
  });

  test("refuse: a signed form that is JSON to the signature and something else to the route", async () => {
    const world = createWorld();
    const response = await post(world, { ...signedHeaders(block), "content-type": "application/x-www-form-urlencoded" });
    expect(response.status).toBe(202);
    expect(world.coordinator.leases.size).toBe(1);
  });

  test("refuse: a secret that is missing or no whsec_ opens nothing and is named in the log", async () => {
    for (const value of [undefined, "plain", "whsec_", "whsec_***"]) {
      const world = createWorld(baseConfig, { secrets: async () => value });
      expect((await post(world, signedHeaders(block))).status).toBe(401);
      expect(JSON.stringify(world.logged)).toMatch(/auth\.secret_(missing|unusable).*"OPS"/);
      if (value !== undefined) expect(JSON.stringify(world.logged)).not.toContain(`"${value}"`);
    }
  });
});

describe("401", () => {
  const signed = signedHeaders(block);
  const untyped = JSON.stringify({ ip: "203.0.113.7" });
  const causes: readonly [string, Record<string, string>, string?][] = [
    ["nothing", {}],
    ["an unknown key", { authorization: "Bearer nope" }],
    ["an empty bearer", { authorization: "Bearer " }],
    ["another scheme", { authorization: `Digest ${keys.writer}` }],
    ["bad base64", { authorization: "Basic %%%" }],
    ["basic without a colon", { authorization: `Basic ${btoa(keys.writer)}` }],
    ["two keys that differ", { authorization: `Bearer ${keys.writer}`, "x-api-key": keys.reader }],
    ["a good key and a bad one", { authorization: `Bearer ${keys.writer}`, "x-api-key": "nope" }],
    ["a good key and an unreadable header", { authorization: "Negotiate abc", "x-api-key": keys.writer }],
    ["a key and a valid signature", { ...signed, authorization: `Bearer ${keys.writer}` }],
    ["a key and one signature header", { authorization: `Bearer ${keys.writer}`, "webhook-id": "x" }],
    ["a signature over another body", signed, `${block} `],
    ["no signature", { ...signed, "webhook-signature": "" }],
    ["an unknown version only", { ...signed, "webhook-signature": (signed["webhook-signature"] ?? "").replace("v1,", "v2,") }],
    ["an id with a dot", { ...signedHeaders(block, { id: "a.b" }) }],
    ["a timestamp with junk after it", { ...signed, "webhook-timestamp": `${signed["webhook-timestamp"]}x` }],
    ["a missing timestamp", { "webhook-id": "msg_1", "webhook-signature": signed["webhook-signature"] ?? "" }],
    ["someone else's secret", signedHeaders(block, { secret: secrets.OTHER })],
    ["a body without a type", signedHeaders(untyped), untyped],
    ["a body that is no JSON", signedHeaders("type=block"), "type=block"],
  ];

  test("refuse: every cause gives the same bytes and headers", async () => {
    const world = createWorld();
    const seen = new Map<string, string>();
    for (const [what, headers, body] of causes) {
      const response = await post(world, headers, body);
      expect([what, response.status]).toEqual([what, 401]);
      seen.set(JSON.stringify([[...response.headers].sort(), await response.text()]), what);
    }
    expect([...seen.values()]).toHaveLength(1);
    expect(world.coordinator.asked).toEqual([]);
  });

  test("refuse: any headers at all, with the same bytes", async () => {
    const world = createWorld();
    const reference = await (await post(world, {})).text();
    const value = fc.stringMatching(/^[ -~]{0,80}$/);
    const headers = fc.dictionary(fc.constantFrom("authorization", "x-api-key", "webhook-id", "webhook-timestamp", "webhook-signature"), value);
    await fc.assert(
      fc.asyncProperty(headers, async (hostile) => {
        const response = await post(world, hostile);
        expect([response.status, await response.text()]).toEqual([401, reference]);
      }),
      { numRuns: 150 },
    );
  });
});

describe("403", () => {
  test("refuse: a missing scope is named", async () => {
    const response = await postJson(createWorld(), "/v1/blocks", "reader", { ip: "203.0.113.7" });
    expect([response.status, (await json(response)).detail]).toEqual([403, expect.stringContaining("lacks the scope block; it has read, feed, metrics")]);
  });

  test("refuse: admin implies nothing", async () => {
    expect((await postJson(createWorld(), "/v1/blocks", "admin", { ip: "203.0.113.7" })).status).toBe(403);
  });

  test("refuse: another origin, an unknown one and an unreadable one when `from` is set", async () => {
    for (const remote of ["192.0.2.11", null, "unknown", "2001:db8::1"]) {
      const world = createWorld();
      world.remote = remote;
      const response = await postJson(world, "/v1/blocks", "narrow", { ip: "203.0.113.7" });
      expect([remote, response.status, (await json(response)).facts]).toEqual([remote, 403, { limit: "from" }]);
    }
  });

  test("accept: the origin in IPv4-mapped form", async () => {
    const world = createWorld();
    world.remote = "::ffff:192.0.2.10";
    expect((await postJson(world, "/v1/blocks", "narrow", { ip: "203.0.113.7" })).status).toBe(202);
  });
});
