// What arrives packed: Logpush's gzip, Cloud Custodian's zlib in base64, and the same from whoever means no good.
import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type AlertSource, alertSources, type Config } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import { baseConfig, bearer, createWorld, json, keyOf, nowMs, send, type World } from "./world.ts";

const scopes = alertSources.map((source) => `alert:${source}` as const);

function open(): World {
  const { detector } = baseConfig.clients;
  if (detector === undefined) throw new Error("the world has no detector");
  const config: Config = { ...baseConfig, clients: { ...baseConfig.clients, detector: { ...detector, scopes } } };
  return createWorld(config);
}

type Headers = Readonly<Record<string, string>>;

async function told(world: World, source: AlertSource, body: BodyInit, headers: Headers = {}): Promise<Record<string, unknown>[]> {
  const response = await send(world, `/v1/alerts/${source}`, { method: "POST", headers: { ...bearer("detector"), ...headers }, body });
  expect(response.status).toBe(200);
  return (await json(response)).items;
}

const packings = [
  [{ "content-encoding": "gzip" }, gzipSync],
  [{ "content-encoding": "X-GZIP" }, gzipSync],
  [{ "content-encoding": "deflate" }, deflateSync],
  [{}, gzipSync],
] as const satisfies readonly (readonly [Headers, (bytes: Uint8Array) => Buffer])[];

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const row = (last: number) => ({ Action: "block", ClientIP: `203.0.113.${last}`, Datetime: nowMs / 1_000, RayID: `ray-${last}`, RuleID: "r", Source: "waf" });
const lines = (count: number) => Array.from({ length: count }, (_, at) => JSON.stringify(row(at + 1))).join("\n");
const failing = { policy: { name: "open-bucket", resource: "aws.s3" }, execution_id: "x", ip: "203.0.113.7", resources: [{ Name: "hr-data" }] };

describe("packed bodies", () => {
  test("take: Logpush's rows, one on each line, packed in whichever way and whether or not the header says so", async () => {
    for (const [headers, pack] of packings) {
      const world = open();
      const items = await told(world, "cloudflare", new Uint8Array(pack(bytes(`${lines(3)}\n`))), headers);
      expect(items.map(({ status }) => status)).toEqual(["created", "created", "created"]);
      expect([...world.coordinator.leases.keys()]).toEqual([1, 2, 3].map((last) => keyOf(`203.0.113.${last}`)));
    }
  });

  test("answer: the file with which Logpush tries the way out, with 200, or the job could not be made", async () => {
    const items = await told(open(), "cloudflare", new Uint8Array(gzipSync(bytes('{"content":"tests"}'))));
    expect(items).toMatchObject([{ item: 0, status: "ignored", reason: expect.stringMatching(/^sample: /) }]);
  });

  test("take: the same from every source, the mapped ones too", async () => {
    for (const source of alertSources) {
      const plain = await told(open(), source, '{"ip":"203.0.113.7"}');
      expect([source, await told(open(), source, new Uint8Array(gzipSync(bytes('{"ip":"203.0.113.7"}'))))]).toEqual([source, plain]);
    }
  });

  test("name: what is packed otherwise, twice, not at all, or not to its end", async () => {
    const good = gzipSync(bytes(lines(2)));
    const bad: readonly (readonly [Uint8Array, Headers])[] = [
      [good, { "content-encoding": "br" }],
      [good, { "content-encoding": "gzip, gzip" }],
      [good, { "content-encoding": "deflate" }],
      [bytes(lines(2)), { "content-encoding": "gzip" }],
      [gzipSync(good), {}],
      [good.subarray(0, good.length - 4), {}],
      [new Uint8Array([...good, ...good]), {}],
      [new Uint8Array([...good, 0]), {}],
    ];
    for (const [body, headers] of bad) {
      const items = await told(open(), "cloudflare", new Uint8Array(body), headers);
      expect([headers, items.map(({ status, field }) => [status, field])]).toEqual([headers, [["invalid", "body"]]]);
    }
  });

  test("bound: what unpacks to more than allowed is one invalid item that names the bound, and what just fits is read", async () => {
    const most = limits.unpackedBytesMax;
    const fitting = `[${JSON.stringify(row(1))}${" ".repeat(most - 2 - JSON.stringify(row(1)).length)}]`;
    expect((await told(open(), "cloudflare", new Uint8Array(gzipSync(bytes(fitting))))).map(({ status }) => status)).toEqual(["created"]);
    const world = open();
    const items = await told(world, "cloudflare", new Uint8Array(gzipSync(bytes(`${fitting} `))));
    expect(items).toMatchObject([{ status: "invalid", field: "body", reason: expect.stringContaining(`more than ${most} bytes`) }]);
    expect(world.coordinator.asked).toEqual([]);
  });

  test("bound: a million empty lines, rows and lists become no million of anything", async () => {
    const many = Math.floor(limits.unpackedBytesMax / 3) - 1;
    for (const [text, read] of [
      ["\n".repeat(limits.unpackedBytesMax), 1],
      ["{}\n".repeat(many), limits.alertItemsMax + 1],
      [`[${Array(many).fill("{}").join(",")}]`, limits.alertItemsMax + 1],
      ["x\n".repeat(many), 1],
    ] as const) {
      const items = await told(open(), "cloudflare", new Uint8Array(gzipSync(bytes(text))));
      expect([text.slice(0, 4), items.length, new Set(items.map(({ status }) => status))]).toEqual([text.slice(0, 4), read, new Set(["invalid"])]);
    }
  });
});

describe("packed texts", () => {
  const packed = (value: unknown) => deflateSync(bytes(JSON.stringify(value))).toString("base64");

  test("take: what Cloud Custodian's notify queues, as a body", async () => {
    const world = open();
    expect(await told(world, "custodian", packed(failing))).toMatchObject([{ ip: "203.0.113.7", status: "created" }]);
    expect(await told(world, "custodian", `${packed(failing)}\n`)).toMatchObject([{ ip: "203.0.113.7", status: "unchanged" }]);
  });

  test("name: such a text of another source, one that bursts, and one that is cut", async () => {
    expect(await told(open(), "falco", packed(failing))).toMatchObject([{ status: "invalid", field: "body" }]);
    const burst = deflateSync(Buffer.alloc(limits.unpackedBytesMax + 1, " ")).toString("base64");
    expect(await told(open(), "custodian", burst)).toMatchObject([{ status: "invalid", reason: expect.stringContaining("unpacks to more than") }]);
    for (const text of [packed(failing).slice(0, 40), "eJ", "eJw=", "e", "eJwrSS0uAQAEXQHB".replace("A", "B")])
      expect([text, (await told(open(), "custodian", text)).map(({ status }) => status)]).toEqual([text, ["invalid"]]);
  });
});

describe("CloudEvents in binary mode", () => {
  const attributes = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/edge", "ce-type": "com.example.attack", "ce-time": new Date(nowMs).toISOString() };
  const body = JSON.stringify({ ip: "203.0.113.7", severity: "high" });

  test("take: attributes of the headers and data of the body are the event that structured mode says", async () => {
    const [binary, structured] = [open(), open()];
    await told(binary, "cloudevents", body, { ...attributes, "content-type": "application/json" });
    const event = { specversion: "1.0", id: "1", source: "/edge", type: "com.example.attack", time: attributes["ce-time"], data: JSON.parse(body) };
    await told(structured, "cloudevents", JSON.stringify(event), { "content-type": "application/cloudevents+json" });
    const lease = (world: World) => world.coordinator.leases.get(keyOf("203.0.113.7"))?.[0]?.item;
    expect(lease(binary)).toEqual(lease(structured));
    expect(lease(binary)?.alerts).toEqual(["cloudevents/%2Fedge/1"]);
  });

  test("keep: headers change nothing of what a structured event or another source says", async () => {
    const world = open();
    const event = { specversion: "1.0", id: "2", source: "/other", type: "t", data: { ip: "203.0.113.8" } };
    await told(world, "cloudevents", JSON.stringify(event), { ...attributes, "content-type": "application/cloudevents+json; charset=utf-8" });
    expect(world.coordinator.leases.get(keyOf("203.0.113.8"))?.[0]?.item.alerts).toEqual(["cloudevents/%2Fother/2"]);
    expect(await told(open(), "falco", body, attributes)).toEqual(await told(open(), "falco", body));
  });

  test("name: a list, a text or nothing as the data", async () => {
    for (const data of ["[1]", '"x"', "null"]) expect((await told(open(), "cloudevents", data, attributes)).map(({ status }) => status)).toEqual(["invalid"]);
  });
});
