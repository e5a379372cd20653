// Bodies that are too big, too slow, packed, doubled, confused: what comes of each at the routes that take one.
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readBody } from "../../functions/routes/body.ts";
import { limits } from "../../shared/limits.ts";
import { bearer, type HostileWorld, hostileWorld, json, post, send, signed } from "./world.ts";

const minute = 60_000;
const postRoutes = [
  ["/v1/blocks", "admin"],
  ["/v1/alerts/elastalert", "detector"],
  ["/v1/lifts", "admin"],
  ["/v1/exemptions", "admin"],
  ["/v1/reconcile", "admin"],
  ["/v1/stop", "admin"],
] as const;

const written = (world: HostileWorld) => world.behind.kv.counts.puts;

/** A request whose body comes as `parts` say; never ends when `end` is `never`. */
function streamed(path: string, headers: Record<string, string>, parts: Iterable<Uint8Array>, end: "ends" | "never"): Request {
  const iterator = parts[Symbol.iterator]();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const part = iterator.next();
      if (part.done !== true) return controller.enqueue(part.value);
      if (end === "ends") return controller.close();
      return new Promise(() => undefined);
    },
  });
  return new Request(`http://portcullis.test${path}`, { method: "POST", headers, body, duplex: "half" } as RequestInit);
}

const bytes = (text: string) => new TextEncoder().encode(text);

describe("slow", () => {
  test("refuse: a body that never ends is given up, on every route, and nothing is written", async () => {
    for (const [path, key] of postRoutes) {
      const world = await hostileWorld({}, { deadline: () => AbortSignal.timeout(20) });
      const before = written(world);
      const request = streamed(path, { ...bearer(key), "content-type": "application/json" }, [bytes('{"ip":"203.0.113.7"')], "never");
      const response = await world.app.request(request);
      expect([path, response.status, (await json(response)).detail, written(world) - before]).toEqual([
        path,
        400,
        `The body was not whole within ${limits.bodyWaitMs / 1_000} seconds; send it again.`,
        0,
      ]);
    }
  });

  test("refuse: a signature that was fresh when its request began, and is not when its body ends", async () => {
    const world = await hostileWorld();
    const body = JSON.stringify({ type: "stop", action: "resume" });
    const headers = signed(world, body);
    function* late() {
      yield bytes(body.slice(0, -1));
      // The sender holds the last byte back until the replay that it is after pays.
      world.behind.now += limits.signatureToleranceMs + 1_000;
      yield bytes(body.slice(-1));
    }
    expect((await world.app.request(streamed("/v1/stop", headers, late(), "ends"))).status).toBe(401);
  });
});

describe("big", () => {
  test("refuse: more than the limit is never held, whatever Content-Length says and however it is cut", async () => {
    const counts = fc.integer({ min: 1, max: 40_000 });
    await fc.assert(
      fc.asyncProperty(counts, fc.constantFrom(null, "0", "12", "-1", "1e3", "0x10", "262144", "٣"), async (partBytes, declared) => {
        let pulled = 0;
        function* flood() {
          for (;;) {
            pulled += partBytes;
            yield new Uint8Array(partBytes);
          }
        }
        const request = streamed("/v1/blocks", {}, flood(), "ends");
        const headers = new Headers(declared === null || declared === "٣" ? {} : { "content-length": declared });
        const result = await readBody({ headers, body: request.body } as Request);
        expect(result.ok ? "read" : result.error.code).toBe("PAYLOAD_TOO_LARGE");
        // One part over, and the few that the stream had asked for ahead.
        expect(pulled).toBeLessThanOrEqual(limits.bodyBytesMax + 4 * partBytes);
      }),
      { numRuns: 40 },
    );
  });

  test("take: a body sent byte by byte is the same body", async () => {
    const text = JSON.stringify({ ip: "203.0.113.7", reason: "x".repeat(190) });
    const request = streamed(
      "/v1/blocks",
      {},
      [...bytes(text)].map((byte) => Uint8Array.of(byte)),
      "ends",
    );
    const result = await readBody(request);
    expect(result.ok && new TextDecoder().decode(result.value)).toBe(text);
  });
});

describe("packed", () => {
  test("refuse: nothing but alerts is ever unpacked, and of those none that bursts", async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, "[")).toString("latin1");
    for (const encoding of ["gzip", "GZIP", "deflate", "br", "zstd", "x-gzip", "gzip, gzip", "identity, gzip"]) {
      for (const [path, key] of postRoutes) {
        const world = await hostileWorld();
        const before = written(world);
        const headers = { ...bearer(key), "content-type": "application/json", "content-encoding": encoding };
        const response = await send(world, path, { method: "POST", headers, body: Buffer.from(bomb, "latin1") });
        const isAlert = path.startsWith("/v1/alerts/");
        expect([encoding, path, response.status, written(world) - before]).toEqual([encoding, path, isAlert ? 200 : 415, 0]);
        if (isAlert) expect((await json(response)).counts).toEqual({ invalid: 1 });
      }
    }
  });
});

describe("confused", () => {
  test("agree: of doubled names the last one counts, for the signature's binding and for the route alike", async () => {
    for (const body of ['{"type":"block","type":"lift","ip":"203.0.113.7"}', '{"type":"lift","ip":"203.0.113.7","type":"block"}']) {
      const last = body.lastIndexOf('"block"') > body.lastIndexOf('"lift"') ? "/v1/blocks" : "/v1/lifts";
      for (const path of ["/v1/blocks", "/v1/lifts"]) {
        const world = await hostileWorld();
        const before = written(world);
        const { status } = await send(world, path, { method: "POST", headers: signed(world, body), body });
        expect([body, path, status, written(world) - before]).toEqual([body, path, path === last ? 202 : 401, path === last ? 1 : 0]);
      }
    }
  });

  test("agree: a signed body is JSON, whatever its content type would make of it; an unsigned one must say what it is", async () => {
    const world = await hostileWorld();
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const both = '{"type":"block","ip":"203.0.113.7","reason":"&ip=8.8.4.4&for=1h"}';
    const answer = await send(world, "/v1/blocks", { method: "POST", headers: { ...signed(world, both), ...form }, body: both });
    expect([answer.status, (await json(answer)).items.map(({ ip }: { ip: string }) => ip)]).toEqual([202, ["203.0.113.7"]]);
    expect((await send(world, "/v1/blocks", { method: "POST", headers: { ...bearer("writer"), ...form }, body: both })).status).toBe(400);
    expect((await send(world, "/v1/blocks", { method: "POST", headers: { ...bearer("writer"), "content-type": "text/plain" }, body: both })).status).toBe(415);
  });

  test("refuse: prototype names, wildcards, numbers and other shapes where an address, a target or a client belongs", async () => {
    const strange: readonly unknown[] = [
      "*",
      "**",
      "203.0.113.*",
      "0.0.0.0/0",
      "::/0",
      "any",
      3405803783,
      Number.POSITIVE_INFINITY,
      -0,
      true,
      null,
      {},
      [],
      ["203.0.113.7"],
      "__proto__",
      "constructor",
    ];
    const world = await hostileWorld();
    const before = written(world);
    for (const ip of strange)
      expect([ip, (await post(world, "/v1/blocks", "admin", { ip })).status]).toEqual([ip, ip === "0.0.0.0/0" || ip === "::/0" ? 403 : 400]);
    for (const name of ["*", "__proto__", "constructor", "toString", "", "web ", "WEB"]) {
      expect([name, (await post(world, "/v1/blocks", "admin", { ip: "203.0.113.7", targets: [name] })).status]).toEqual([name, 400]);
      expect([name, (await post(world, "/v1/stop", "admin", { action: "freeze", targets: [name] })).status]).toEqual([name, 400]);
      expect([name, (await post(world, "/v1/reconcile", "admin", { confirm: { target: name, digest: "x" } })).status]).toEqual([name, 400]);
    }
    for (const body of [{ __proto__: null, constructor: { prototype: { scopes: ["admin"] } } }, JSON.parse('{"__proto__":{"ip":"203.0.113.7"}}')])
      expect((await post(world, "/v1/blocks", "admin", body)).status).toBe(400);
    const form = "__proto__=1&constructor=1&ip=203.0.113.7";
    const headers = { ...bearer("admin"), "content-type": "application/x-www-form-urlencoded" };
    expect((await send(world, "/v1/blocks", { method: "POST", headers, body: form })).status).toBe(400);
    expect([written(world) - before, Object.hasOwn(Object.prototype, "ip")]).toEqual([0, false]);
  });

  test("bound: times of an alert far in the past or the future, in any unit, make no lease longer or older than the client's limits", async () => {
    const world = await hostileWorld();
    let seen = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.maxSafeInteger(), fc.double(), fc.constantFrom("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "-1", "1e308", "275760-09-13T00:00:00Z")),
        fc.nat(250),
        async (at, last) => {
          await world.behind.advance(2 * minute);
          const { now } = world.behind;
          await post(world, "/v1/alerts/elastalert", "detector", { ip: `203.0.113.${last}`, "@timestamp": at });
          await world.behind.advance(2_000);
          const { leases } = (await json(await send(world, `/v1/blocks/203.0.113.${last}`, { headers: bearer("reader") }))) as {
            leases: { at: string; until: string }[];
          };
          for (const lease of leases) {
            seen += 1;
            expect(Date.parse(lease.at)).toBeLessThanOrEqual(now);
            expect(Date.parse(lease.until) - Date.parse(lease.at)).toBeLessThanOrEqual(60 * minute);
          }
        },
      ),
      { numRuns: 30 },
    );
    expect(seen).toBeGreaterThan(0);
  });
});
