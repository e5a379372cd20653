// Hostile requests at every route: never a 500, always problem details, always the security headers, never a secret.
// The fake coordinator throws at anything the contract forbids, so a 500 here also means a route sent nonsense on.

import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventPages } from "../../functions/events/pages.ts";
import { routes } from "../../functions/routes/index.ts";
import { plainScopes } from "../../shared/config.ts";
import { durationText, parseDuration } from "../../shared/request/duration.ts";
import { readEventTime } from "../../shared/request/event-time.ts";
import { cleanText, cutText, textLength } from "../../shared/request/text.ts";
import { row, snapshotOf } from "./snapshots.ts";
import { baseConfig, createWorld, nowMs, send, signedHeaders, type World } from "./world.ts";

const key = "key-everything";
const everything = {
  ...baseConfig.clients.ops,
  keys: [createHash("sha256").update(key).digest("hex")],
  scopes: [...plainScopes, "alert:elastalert", "alert:generic"],
};
const config = { ...baseConfig, clients: { ...baseConfig.clients, everything: everything as never } };
const credential = { authorization: `Bearer ${key}` };

function hostileWorld(path = ""): World {
  const world = createWorld(config, path.startsWith("/v1/events") || path.startsWith("/v1/approve") ? { eventPages } : {});
  world.coordinator.snapshotNow = snapshotOf([row("203.0.113.7"), row("2001:db8:1::/64")]);
  return world;
}

async function checkAnswer(response: Response, what: string): Promise<void> {
  const text = await response.text();
  expect([what, response.status >= 500 && response.status !== 503]).toEqual([what, false]);
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(response.headers.get("cache-control")).toMatch(/^(no-store|private, no-cache)$/);
  expect(text).not.toContain(key);
  if (response.status < 400 || text === "") return;
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = JSON.parse(text);
  expect(problem).toMatchObject({
    status: response.status,
    code: expect.stringMatching(/^[A-Z_]+$/),
    type: expect.stringMatching(/^urn:portcullis:problem:[a-z-]+$/),
  });
  for (const member of ["title", "detail", "remedy"]) expect(problem[member]).toMatch(/\S/);
}

const fieldNames = [
  "ip",
  "ips",
  "for",
  "reason",
  "severity",
  "targets",
  "dryRun",
  "type",
  "client",
  "exempt",
  "confirm",
  "action",
  "__proto__",
  "constructor",
  "length",
  "",
  "\u202e",
];
const addresses = ["203.0.113.7", "203.0.113.0/24", "::ffff:203.0.113.7", "2001:db8:1::1/128", "0.0.0.0/0", "::/0", "10.0.0.1", "203.0.113.7/33", "1.1", "%00"];
const values = [
  "4h",
  "1s",
  "999999999d",
  "0s",
  "-1h",
  "block",
  "lift",
  "exempt",
  "stop",
  "freeze",
  "release",
  "none",
  "web",
  "edge",
  "critical",
  "true",
  "\ud800",
  "a".repeat(300),
];
const leaf = fc.oneof(fc.constantFrom(...addresses, ...values), fc.string({ unit: "binary" }), fc.double(), fc.boolean(), fc.constant(null));
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof({ depthSize: "small" }, leaf, fc.array(tie("tree"), { maxLength: 5 }), fc.dictionary(fc.constantFrom(...fieldNames), tie("tree"))),
}));
/** Objects that are almost right, so that most of them differ from a good request in one thing or none. */
const good = fc.constantFrom("203.0.113.7", "203.0.113.0/24", "2001:db8:1::1", "2001:db8:2::/48", "::ffff:203.0.113.8");
const address = fc.oneof({ weight: 8, arbitrary: good }, { weight: 1, arbitrary: fc.constantFrom(...addresses) });
const duration = fc.oneof({ weight: 4, arbitrary: fc.constantFrom("1m", "4h", "1d") }, { weight: 1, arbitrary: fc.constantFrom(...values) });
const where = fc.oneof(fc.record({ ip: address }), fc.record({ ips: fc.array(address, { minLength: 1, maxLength: 5 }) }));
const targets = fc.array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom("web", "edge") }, { weight: 1, arbitrary: fc.constantFrom("__proto__", "x") }), {
  minLength: 1,
  maxLength: 3,
});
const reason = fc.string({ unit: "binary", maxLength: 250 });
const partial = { requiredKeys: [] };
const almost = fc
  .oneof(
    fc.tuple(where, fc.record({ for: duration, reason, targets, dryRun: fc.boolean(), severity: fc.constantFrom("low", "critical", "x") }, partial)),
    fc.tuple(where, fc.record({ exempt: fc.oneof(duration, fc.constantFrom("none", 0, 1)), client: fc.constantFrom("writer", "*", "\u0000") }, partial)),
    fc.tuple(where, fc.record({ for: duration }, partial)),
    fc.tuple(fc.record({ action: fc.constantFrom("freeze", "drain", "resume", "release", "x") }), fc.record({ targets }, partial)),
    fc.tuple(
      fc.constant({}),
      fc.record({ confirm: fc.record({ target: fc.constantFrom("web", "x"), digest: fc.constantFrom("abc1", "", " ") }, partial) }, partial),
    ),
    fc.tuple(
      where,
      fc.record({ "@timestamp": fc.oneof(fc.date().map(String), fc.double(), fc.constant(nowMs)), rule_name: reason, _id: reason, _index: reason }, partial),
    ),
  )
  .map(([first, second]) => ({ ...first, ...second }));
const oddBody = fc.oneof(
  tree.map((value) => JSON.stringify(value) ?? ""),
  fc.string({ unit: "binary" }),
  fc
    .array(fc.tuple(fc.constantFrom(...fieldNames), fc.constantFrom(...addresses, ...values)), { maxLength: 6 })
    .map((pairs) => pairs.map(([name, value]) => `${encodeURIComponent(name)}=${value}`).join("&")),
);
const rawBody = fc.oneof({ weight: 5, arbitrary: almost.map((value) => JSON.stringify(value)) }, { weight: 1, arbitrary: oddBody });
const headerValue = fc.stringMatching(/^[ -~]{0,40}$/);
/** Mostly what gets past the media type and the size, so that the code behind is reached. */
const prefer = fc.oneof(fc.constantFrom("wait=1", "wait=99999999999", "wait=-1", 'wait="2"; x, y'), headerValue);
const jsonHeaders = fc.record(
  { "content-type": fc.constantFrom("application/json", "Application/JSON; charset=utf-8"), prefer },
  { requiredKeys: ["content-type"] },
);
const formHeaders = fc.constant({ "content-type": "application/x-www-form-urlencoded" });
const oddHeaders = fc.record(
  {
    "content-type": fc.oneof(fc.constantFrom("text/plain", "multipart/form-data"), headerValue),
    "content-encoding": fc.constantFrom("identity", "gzip", "br, gzip"),
    "content-length": fc.constantFrom("0", "-1", "1e9", "999999999999", "x"),
    "if-none-match": headerValue,
    prefer,
  },
  { requiredKeys: [] },
);
const headers: fc.Arbitrary<Record<string, string>> = fc
  .oneof({ weight: 6, arbitrary: jsonHeaders }, { weight: 1, arbitrary: formHeaders }, { weight: 1, arbitrary: oddHeaders })
  .map((found) => ({ ...found }));
const hostileParts = [
  "203.0.113.7",
  "203.0.113.0/24",
  "::1",
  "%2e%2e",
  "%00",
  "%E0%A4%A",
  "%zz",
  "__proto__",
  "web",
  "..;",
  "a".repeat(5_000),
  "\\",
  "%252f",
  "[::1]",
];
const query = fc.oneof(
  fc.constant(""),
  fc.string({ unit: "grapheme" }).map((text) => `?${encodeURI(text)}`),
  fc.constantFrom(
    "?limit=9&cursor=4:00000000/8",
    "?state=shed",
    "?family=4",
    "?accessToken=key-legacy&ip=203.0.113.7",
    "?accessToken=key-legacy&ip=2001:db8:1::7",
    "?accessToken=key-legacy&ip=%00",
    "?a&a",
    "?%",
    "?ip=%ff",
  ),
);

function concretePath(path: string, part: string): string {
  return path.replace(/:\w+(\{[^}]+\})?/, part);
}

describe("every route", () => {
  for (const route of routes) {
    test(`survive: ${route.method} ${route.path}`, async () => {
      const part = fc.constantFrom(...hostileParts);
      await fc.assert(
        fc.asyncProperty(rawBody, headers, part, query, async (body, extra, hostile, search) => {
          const world = hostileWorld(route.path);
          const init = route.method === "POST" ? { body: new TextEncoder().encode(body) } : {};
          const response = await send(world, `${concretePath(route.path, hostile)}${search}`, {
            method: route.method,
            headers: { ...extra, ...(route.access === "token" ? {} : credential) },
            ...init,
          });
          await checkAnswer(response, `${route.method} ${route.path}`);
        }),
        { numRuns: 200 },
      );
    });

    test(`stay shut: ${route.method} ${route.path} without a credential`, async () => {
      if (route.access === "public") return;
      const world = hostileWorld(route.path);
      const reference = await (await send(world, "/v1/blocks")).text();
      const path = `${concretePath(route.path, "203.0.113.7")}${route.access === "token" ? "?ip=203.0.113.7" : ""}`;
      const response = await send(world, path, { method: route.method, ...(route.method === "POST" ? { body: "{}" } : {}) });
      expect([response.status, await response.text(), world.coordinator.asked.length]).toEqual([401, reference, 0]);
    });

    test(`stay shut: ${route.method} ${route.path} to a signature whose body names another operation, and on GET`, async () => {
      const world = hostileWorld(route.path);
      const body = JSON.stringify({
        type: "operation" in route && route.operation === "block" ? "lift" : "block",
        ip: "203.0.113.7",
      });
      const response = await send(world, concretePath(route.path, "203.0.113.7"), {
        method: route.method,
        headers: signedHeaders(body),
        ...(route.method === "POST" ? { body } : {}),
      });
      if (route.access !== "public" && route.path !== "/blacklistip") expect(response.status).toBe(401);
      expect(world.coordinator.asked.filter((entry) => entry.verb !== "snapshot")).toEqual([]);
    });
  }

  test("survive: any method at any path", async () => {
    const path = fc.oneof(fc.webPath(), fc.constantFrom(...routes.map((route) => concretePath(route.path, "x")), "/", "//", "/v1", "/v1/", "/v1/blocks/"));
    const method = fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND");
    await fc.assert(
      fc.asyncProperty(path, method, query, async (somewhere, verb, search) => {
        await checkAnswer(await send(hostileWorld(), `${somewhere}${search}`, { method: verb, headers: credential }), `${verb} ${somewhere}`);
      }),
      { numRuns: 400 },
    );
  });

  test("survive: JSON nested as deep as the body limit allows, and prototype names", async () => {
    const deep = `${"[".repeat(130_000)}${"]".repeat(130_000)}`;
    const bodies = [
      deep,
      `{"ip":${deep}}`,
      `{"ips":${deep}}`,
      `${'{"source":'.repeat(20_000)}1${"}".repeat(20_000)}`,
      '{"__proto__":{"ip":"203.0.113.7","scopes":["admin"]}}',
      '{"ip":"10.0.0.1","ip":"203.0.113.7"}',
    ];
    for (const route of routes.filter((candidate) => candidate.method === "POST")) {
      for (const body of bodies) {
        const response = await send(hostileWorld(), route.path, { method: "POST", headers: { ...credential, "content-type": "application/json" }, body });
        await checkAnswer(response, route.path);
      }
    }
    expect(Object.hasOwn(Object.prototype, "ip")).toBe(false);
  });

  test("survive: an unexpected throw is INVARIANT without its details, also when it is no Error", async () => {
    for (const thrown of [new Error("secret hunter2"), "hunter2", null, { code: "PROTECTED", name: "PortcullisError" }]) {
      const world = createWorld(config, {
        remoteAddress: () => {
          throw thrown;
        },
      });
      const response = await send(world, "/v1/blocks", { headers: credential });
      const text = await response.text();
      expect([response.status, JSON.parse(text).code, text.includes("hunter2")]).toEqual([500, "INVARIANT", false]);
    }
  });

  test("keep: an error that crossed an RPC boundary keeps its code", async () => {
    const world = hostileWorld();
    world.coordinator.failure = Object.assign(new Error("the store did not answer"), { name: "PortcullisError", code: "STORE_UNAVAILABLE" });
    const response = await send(world, "/v1/blocks", { headers: credential });
    expect([response.status, (await response.json()).code]).toEqual([503, "STORE_UNAVAILABLE"]);
  });
});

describe("parsers", () => {
  test("duration: what is written is read back, and nothing else is a duration", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 * 86_400 }), (seconds) => {
        expect(parseDuration(durationText(seconds * 1_000))).toBe(seconds * 1_000);
      }),
    );
    for (const text of ["", "0s", "01m", "1", "h", "1H", " 1h", "1h ", "1.5h", "-1h", "1h30m", "PT1H", "1e3s", "9999999999s", "١h"])
      expect([text, parseDuration(text)]).toEqual([text, null]);
  });

  test("text: cleaned text has one line, no control, bidirectional or broken characters, and stays so", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 0, max: 50 }), (text, charsMax) => {
        const cleaned = cleanText(text);
        expect(cleaned).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(cleanText(cleaned)).toBe(cleaned);
        expect(textLength(cutText(cleaned, charsMax))).toBeLessThanOrEqual(charsMax);
        expect(cleaned.startsWith(cutText(cleaned, charsMax))).toBe(true);
      }),
    );
  });

  test("event time: any moment in any spelling is read to the millisecond; anything else is a time or null", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1e12, max: nowMs }), (at) => {
        const iso = new Date(at).toISOString();
        for (const spelling of [iso, iso.replace("Z", ""), iso.replace("Z", "+00:00"), iso.replace("T", " "), at, String(at)])
          expect(readEventTime(spelling)).toBe(at);
      }),
    );
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const at = readEventTime(value);
        expect(at === null || Number.isSafeInteger(at) || at > Number.MAX_SAFE_INTEGER).toBe(true);
      }),
    );
  });
});
