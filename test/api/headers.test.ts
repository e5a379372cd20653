// Every route, by every outcome, as the application answers it: each answer carries the headers that keep a browser from running, framing,
// guessing or keeping it. A new route does not pass until it is in the table below; and every status that is documented must have been met.
import { describe, expect, test } from "vitest";
import { eventPages } from "../../functions/events/pages.ts";
import { routes } from "../../functions/routes/index.ts";
import { makeWorker, WorkersRuntime } from "../../functions/runtime/workers.ts";
import { eventSources } from "../../shared/config.ts";
import { callHome, recorded } from "../events/support.ts";
import { notification } from "../sns/publisher.ts";
import { securityFaults } from "../supply/security-headers.ts";
import { row, snapshotOf } from "./snapshots.ts";
import { baseConfig, bearer, createWorld, detectorAddress, keyOf, keys, nowMs, send, type World } from "./world.ts";

interface Sample {
  /** Without credential. */
  readonly path: string;
  readonly key: keyof typeof keys;
  /** Another client's, who may not do this. */
  readonly stranger: keyof typeof keys;
  readonly body?: unknown;
}

const event = recorded([callHome()]);
const reader = { key: "reader", stranger: "writer" } as const;
const admin = { key: "admin", stranger: "reader" } as const;
/** What they answer to their own senders is looked at in test/senders/. */
const sender = { key: "detector", stranger: "reader" } as const;
const samples: Readonly<Record<string, Sample>> = {
  "POST /v1/blocks": { path: "/v1/blocks", key: "writer", stranger: "reader", body: { ip: "203.0.113.7", for: "1h" } },
  "GET /v1/blocks": { path: "/v1/blocks", ...reader },
  "GET /v1/blocks/:ip{.+}": { path: "/v1/blocks/203.0.113.9", ...reader },
  "POST /v1/alerts/elastalert": { path: "/v1/alerts/elastalert", key: "detector", stranger: "reader", body: [{ ip: "203.0.113.7" }] },
  ...Object.fromEntries(
    eventSources.map((source) => [`POST /v1/alerts/${source}`, { path: `/v1/alerts/${source}`, key: "detector", stranger: "reader", body: [{}] } as const]),
  ),
  "POST /v1/alerts/generic": { path: "/v1/alerts/generic", key: "detector", stranger: "reader", body: [{ ip: "203.0.113.7" }] },
  "POST /v1/sns": { path: "/v1/sns", ...sender, body: notification({ ip: "203.0.113.7" }, nowMs) },
  "POST /v1/firehose/:source": { path: "/v1/firehose/generic", ...sender, body: { requestId: "r", records: [] } },
  "POST /v1/in/:secret": { path: "/v1/in/nobody", ...sender, body: { ip: "203.0.113.7" } },
  "GET /v1/events": { path: "/v1/events", ...reader },
  "GET /v1/events/:id": { path: `/v1/events/${event.id}`, ...reader },
  "POST /v1/events/:id/replay": { path: `/v1/events/${event.id}/replay`, ...admin, body: {} },
  "GET /v1/approve/:link": { path: "/v1/approve/nobody", ...reader },
  "POST /v1/approve/:link": { path: "/v1/approve/nobody", ...reader, body: {} },
  "POST /v1/lifts": { path: "/v1/lifts", key: "writer", stranger: "reader", body: { ip: "203.0.113.9" } },
  "POST /v1/exemptions": { path: "/v1/exemptions", ...admin, body: { ip: "203.0.113.9" } },
  "GET /v1/targets": { path: "/v1/targets", ...reader },
  "GET /v1/targets/:name": { path: "/v1/targets/web", ...reader },
  "GET /v1/targets/:name/plan": { path: "/v1/targets/web/plan", ...reader },
  "POST /v1/reconcile": { path: "/v1/reconcile", ...admin, body: {} },
  "POST /v1/stop": { path: "/v1/stop", ...admin, body: { action: "freeze" } },
  "POST /v1/store": { path: "/v1/store", ...admin, body: {} },
  "GET /v1/feed.txt": { path: "/v1/feed.txt", ...reader },
  "GET /metrics": { path: "/metrics", ...reader },
  "GET /openapi.json": { path: "/openapi.json", key: "reader", stranger: "reader" },
  "GET /healthz": { path: "/healthz", key: "reader", stranger: "reader" },
  "GET /readyz": { path: "/readyz", key: "reader", stranger: "reader" },
  "GET /blacklistip": { path: `/blacklistip?accessToken=${keys.legacy}&ip=203.0.113.99`, key: "reader", stranger: "reader" },
};

function ready(path = ""): World {
  const world = createWorld(baseConfig, path.startsWith("/v1/events") ? { eventPages } : {});
  world.coordinator.snapshotNow = snapshotOf([row("203.0.113.9")]);
  world.coordinator.known.set(event.id, event);
  return world;
}

/** Breaks the coordinator as no contract allows. */
function broken(failure: unknown): World {
  const world = ready();
  world.coordinator.failure = failure;
  return world;
}

function withBody(key: keyof typeof keys, body: string, headers: Readonly<Record<string, string>> = {}): RequestInit {
  return { method: "POST", headers: { ...bearer(key), "content-type": "application/json", ...headers }, body };
}

async function answersOf(method: string, { path, key, stranger, body }: Sample): Promise<readonly Response[]> {
  const right: RequestInit = body === undefined ? { method, headers: bearer(key) } : withBody(key, JSON.stringify(body));
  const world = ready(path);
  const first = await send(world, path, right);
  const etag = first.headers.get("etag");
  const answers = [
    first,
    await send(createWorld(), path, right),
    await send(broken(new Error("gone?token=1")), path, right),
    await send(world, path, { method }),
  ];
  answers.push(await send(world, path, { ...right, headers: { ...Object.fromEntries(new Headers(right.headers)), ...bearer(stranger) } }));
  if (etag !== null) answers.push(await send(world, path, { headers: { ...bearer(key), "if-none-match": etag } }));
  if (body !== undefined) {
    answers.push(await send(world, path, withBody(key, "{")), await send(world, path, withBody(key, `"${"x".repeat(300_000)}"`)));
    answers.push(await send(world, path, withBody(key, "<a/>", { "content-type": "application/xml" })));
  }
  for (const other of ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"]) answers.push(await send(world, path, { method: other, headers: bearer(key) }));
  answers.push(await send(createWorld(baseConfig, { secrets: () => Promise.reject(new Error("the store of secrets is gone")) }), path, right));
  answers.push(
    await send(
      createWorld(baseConfig, {
        remoteAddress: () => {
          throw new Error("no address");
        },
      }),
      path,
      right,
    ),
  );
  return answers;
}

const met = new Set<number>();

describe("every answer's headers", () => {
  test("walk: the table has every route, and no other", () => {
    expect(Object.keys(samples).sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort());
  });

  test.each(Object.entries(samples))("hold: %s, whatever comes of it", async (name, sample) => {
    const answers = await answersOf(name.split(" ")[0] ?? "", sample);
    for (const answer of answers) met.add(answer.status);
    const faults = await Promise.all(answers.map(async (answer) => securityFaults(answer.status, answer.headers, await answer.text())));
    expect(faults.flat()).toEqual([]);
  });

  test("hold: where there is no route, for odd paths and methods, and when a client asks too much", async () => {
    const world = ready();
    world.coordinator.refusals.set(keyOf("203.0.113.7"), { status: "limited", limit: "newPerMinute", retryAfterSeconds: 17 });
    const paths = [
      "/",
      "/v1",
      "/v1/blocks/",
      "/v1/blocks/%00",
      "/v1/blocks/%",
      "/v1/targets/none",
      "/v1/targets/%/plan",
      "//healthz",
      "/healthz/",
      "/%2e%2e/etc/passwd",
    ];
    const requests = paths.flatMap((path) => ["GET", "POST", "DELETE"].map((method) => [path, { method, headers: bearer("reader") }] as const));
    const answers = await Promise.all(requests.map(([path, init]) => send(world, path, init)));
    answers.push(await send(world, "/v1/blocks", withBody("writer", JSON.stringify({ ip: "203.0.113.7" }))));
    answers.push(await send(world, "/blacklistip"), await send(world, "/blacklistip?accessToken=wrong&ip=203.0.113.7"));
    for (const answer of answers) met.add(answer.status);
    const faults = await Promise.all(answers.map(async (answer) => securityFaults(answer.status, answer.headers, await answer.text())));
    expect(faults.flat()).toEqual([]);
  });

  test("walk: every status that the API answers with was among them", () => {
    expect([...met].sort()).toEqual(expect.arrayContaining([200, 202, 304, 400, 401, 403, 404, 405, 413, 415, 429, 500, 503]));
  });

  // A Secrets Store binding that does not answer would otherwise leave the caller with the platform's own page.
  test("hold: when the Worker cannot be made ready, and nothing of why is told", async () => {
    const lines: unknown[] = [];
    const platform = {
      clock: { now: () => 0 },
      random: { bytes: (count: number) => new Uint8Array(count) },
      log: (record: unknown) => void lines.push(record),
    };
    const target = { kind: "gone", mode: "enforce", maxEntries: null, settings: {}, credentials: {}, formerly: null } as const;
    const runtime = new WorkersRuntime({ platform: platform as never, config: { ...baseConfig, targets: { secretname: target } }, definitions: {} });
    const request = new Request("https://portcullis.test/healthz", { headers: { "cf-connecting-ip": detectorAddress } });
    const answer = await makeWorker(runtime).fetch(request, { PORTCULLIS_KV: {} as never }, {} as never);
    const text = await answer.text();
    expect([answer.status, securityFaults(answer.status, answer.headers, text), text.includes("secretname")]).toEqual([500, [], false]);
    expect(lines).toEqual([expect.objectContaining({ level: "error", message: expect.stringContaining("secretname") })]);
  });
});
