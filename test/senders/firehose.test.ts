// POST /v1/firehose/{source} as Amazon Data Firehose uses it: deliveries of CloudWatch Logs and of plain events, in its own form.
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PortcullisError } from "../../shared/errors.ts";
import { json, keyOf, nowMs } from "../api/world.ts";
import { delivery, logsRecord, post, postStream, requestId, senderWorld, streamHeaders, streamKey } from "./world.ts";

const alert = (last: number) => ({ ip: `203.0.113.${last}` });
const acknowledged = { requestId, timestamp: nowMs };

describe("deliveries", () => {
  test("take: every log event of a subscription, packed and in base64, and answer in exactly Firehose's form", async () => {
    const world = senderWorld();
    const response = await postStream(world, delivery([logsRecord([alert(1), alert(2)]), logsRecord([], "CONTROL_MESSAGE"), logsRecord([alert(3)])]));
    expect([response.status, response.headers.get("content-type"), response.headers.get("content-encoding")]).toEqual([200, "application/json", null]);
    expect(await json(response)).toEqual(acknowledged);
    expect([...world.coordinator.leases.keys()].sort()).toEqual([1, 2, 3].map((last) => keyOf(`203.0.113.${last}`)));
    expect(world.logged).toContainEqual(expect.objectContaining({ event: "http.answered", client: "stream", items: { created: 3 } }));
  });

  test("take: a body that the stream packs as a whole", async () => {
    const world = senderWorld();
    const body = new Uint8Array(gzipSync(delivery([logsRecord([alert(1)])])));
    expect(await json(await postStream(world, body, { "content-encoding": "gzip" }))).toEqual(acknowledged);
    expect(world.coordinator.leases.size).toBe(1);
  });

  test("take: events as they are, one on each line, lists of them, and none at all", async () => {
    const world = senderWorld();
    const lines = [alert(1), alert(2)].map((event) => JSON.stringify(event)).join("\n");
    const records = [lines, `${lines}\n`, JSON.stringify([alert(3)]), JSON.stringify(alert(4)), ""].map((text) => Buffer.from(text));
    expect((await postStream(world, delivery(records))).status).toBe(200);
    expect(world.coordinator.leases.size).toBe(4);
  });

  test("name: one bad record or event spoils no other, and is counted in the log", async () => {
    const world = senderWorld();
    const broken = logsRecord([alert(1)]).subarray(0, 40);
    const body = JSON.parse(delivery([logsRecord(["not JSON", alert(2), 7]), broken, Buffer.from("text"), logsRecord([alert(3)])]));
    body.records.push({ data: "***" }, { data: 7 }, {}, null);
    expect((await postStream(world, JSON.stringify(body))).status).toBe(200);
    expect([...world.coordinator.leases.keys()]).toEqual([keyOf("203.0.113.2"), keyOf("203.0.113.3")]);
    expect(world.logged).toContainEqual(expect.objectContaining({ event: "alerts.not_taken", client: "stream", counts: { created: 2, invalid: 8 } }));
  });

  test("survive: any body is acknowledged with the id of its header, once the key is right", async () => {
    const some = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
    );
    await fc.assert(
      fc.asyncProperty(some, fc.boolean(), async (body, packed) => {
        const response = await postStream(senderWorld(), new Uint8Array(body), packed ? { "content-encoding": "gzip" } : {});
        expect([response.status, await json(response)]).toEqual([200, acknowledged]);
      }),
      { numRuns: 100 },
    );
  });
});

describe("errors in Firehose's form", () => {
  test("ask again: when the store fails nothing is promised, and the stream sends it again", async () => {
    const world = senderWorld();
    world.coordinator.failure = new PortcullisError("STORE_UNAVAILABLE", "The store is gone.");
    const response = await postStream(world, delivery([logsRecord([alert(1)])]));
    expect([response.status, await json(response)]).toEqual([503, { ...acknowledged, errorMessage: "The store is gone." }]);
    expect(world.logged).toContainEqual(expect.objectContaining({ event: "http.answered", "error.type": "STORE_UNAVAILABLE" }));
  });

  test("refuse: another source, an unknown one, a body beyond its bound; never with 413, which would be final", async () => {
    const world = senderWorld();
    const large = "x".repeat(3 * 1024 * 1024 + 1);
    for (const [path, body, status] of [
      ["/v1/firehose/elastalert", "{}", 403],
      ["/v1/firehose/none", "{}", 404],
      ["/v1/firehose/%", "{}", 404],
      ["/v1/firehose/generic", large, 400],
    ] as const) {
      const response = await post(world, path, streamHeaders, body);
      expect([path, response.status, await json(response)]).toEqual([path, status, { ...acknowledged, errorMessage: expect.stringMatching(/\S/) }]);
    }
    expect(world.coordinator.asked).toEqual([]);
  });

  test("refuse: a key in any other header here, Firehose's header anywhere else, and two credentials", async () => {
    const world = senderWorld();
    const body = delivery([logsRecord([alert(1)])]);
    const inHeader = await post(world, "/v1/firehose/generic", { "x-api-key": streamKey }, body);
    const elsewhere = await post(world, "/v1/alerts/generic", { "x-amz-firehose-access-key": streamKey }, JSON.stringify(alert(1)));
    const both = await postStream(world, body, { authorization: `Bearer ${streamKey}` });
    const empty = await postStream(world, body, { "x-amz-firehose-access-key": "" });
    expect([inHeader, elsewhere, both, empty].map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    expect(world.coordinator.asked).toEqual([]);
  });
});
