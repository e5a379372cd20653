// What is logged: one line of JSON whatever the text, nothing below the level asked for, no field but those of the table, and no secret, whoever sends what.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderLog } from "../../functions/cli/render-log.ts";
import { logAbove, logLine } from "../../functions/log/line.ts";
import { loggedTransport } from "../../functions/runtime/call-log.ts";
import { createTransport } from "../../functions/runtime/transport.ts";
import { events, traceFieldNames } from "../../shared/events.ts";
import type { LogRecord } from "../../shared/ports.ts";
import { createWorld, keys, secrets, send, signedHeaders } from "../api/world.ts";
import { newWorld } from "../coordinator/world.ts";
import { aclId } from "../simulators/aws-fixtures.ts";

const silent: Pick<LogRecord, "level" | "event"> & { readonly message: string } = { level: "warn", event: "heartbeat.unset", message: "" };
const line = (message: string): string => logLine({ ...silent, event: "heartbeat.unset", message });

/** Fields that a line has and the table does not. */
function strayFields(records: readonly LogRecord[]): readonly string[] {
  return records.flatMap((record) => {
    const known: readonly string[] = ["level", "event", "code", ...traceFieldNames, ...events[record.event].fields];
    return [
      ...Object.keys(record)
        .filter((name) => !known.includes(name))
        .map((name) => `${record.event}: ${name}`),
      ...((events[record.event].levels as readonly string[]).includes(record.level) ? [] : [`${record.event} at ${record.level}`]),
    ];
  });
}

describe("lines", () => {
  test("shape: any text stays within its line, and reads as what it is", () => {
    const nasty = fc.string({ unit: fc.constantFrom("\n", "\r", "\u001b", "\u0085", "\u2028", "\u202e", "\u200b", '"', "\\", "a", "é", "😀") });
    fc.assert(
      fc.property(nasty, (message) => {
        const text = line(message);
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
        const read = JSON.parse(text) as { message: string };
        expect(read.message.replaceAll("\ufffd", "")).toBe(message.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ""));
      }),
    );
  });

  test("cut: a URL's query, and what is too long", () => {
    expect(line("GET https://example.org/a?token=hunter2#x failed")).not.toContain("hunter2");
    expect(line("http://h/?accessToken=hunter2")).not.toContain("hunter2");
    expect(line("x".repeat(50_000)).length).toBeLessThan(1_200);
    const many = { level: "error", event: "pass.done", links: Array.from({ length: 5_000 }, () => "x") } as const;
    expect(logLine(many).length).toBeLessThan(1_000);
  });

  test("level: info unless something else is asked for in its own word", () => {
    const shown = (level: string | undefined) => {
      const kept: string[] = [];
      const log = logAbove((record) => kept.push(record.level), level);
      for (const each of ["debug", "info", "warn", "error"] as const) log({ level: each, event: "tick.quiet" });
      return kept.join();
    };
    expect([undefined, "debug", "error", "DEBUG", "constructor", ""].map(shown)).toEqual([
      "info,warn,error",
      "debug,info,warn,error",
      "error",
      ...["info,warn,error", "info,warn,error", "info,warn,error"],
    ]);
  });

  test("document: the committed table is the one in the code", () => {
    expect(readFileSync(new URL("../../functions/log/README.md", import.meta.url), "utf8")).toBe(renderLog());
  });
});

describe("secrets", () => {
  const planted = [...Object.values(keys), ...Object.values(secrets), "hunter2-planted"];
  const secret = fc.constantFrom(...planted);
  const path = fc.oneof(
    fc.constantFrom(
      "/v1/blocks",
      "/v1/alerts/generic",
      "/v1/alerts/generic",
      "/v1/lifts",
      "/v1/exemptions",
      "/v1/stop",
      "/v1/reconcile",
      "/v1/targets/nope",
      "/metrics",
    ),
    secret.map((text) => `/v1/blocks/${text}`),
    secret.map((text) => `/${text}`),
    secret.map((text) => `/v1/in/${text}`),
    secret.map((text) => `/blacklistip?accessToken=${text}&ip=203.0.113.7`),
    secret.map((text) => `/v1/blocks?target=${text}`),
  );
  const body = fc.oneof(
    fc.json(),
    secret.map((text) => JSON.stringify({ ip: "203.0.113.7", reason: text })),
    secret.map((text) => JSON.stringify({ ip: text, [text]: text })),
    secret.map((text) => `${text} no json`),
  );
  const headerName = fc.constantFrom("authorization", "x-api-key", "webhook-id", "webhook-signature", "traceparent", "cookie", "user-agent", "prefer");
  const hostile = fc.dictionary(
    headerName,
    fc.oneof(
      secret,
      secret.map((text) => `Bearer ${text}`),
      fc.constant(""),
    ),
    { maxKeys: 4 },
  );
  const known = fc.constantFrom(...Object.values(keys)).map((key) => ({ authorization: `Bearer ${key}`, "content-type": "application/json" }));
  const headers = fc.oneof(
    hostile,
    known,
    fc.tuple(known, secret).map(([one, text]) => ({ ...one, cookie: text, prefer: `wait=1; ${text}` })),
  );
  const failures = fc.constantFrom(null, null, new Error(`boom https://example.org/?key=${keys.writer}`), keys.admin);

  test("law: no line of any request has a planted secret, and none a field that the table lacks", async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        path,
        fc.constantFrom("GET", "POST", "HEAD", "DELETE"),
        headers,
        body,
        failures,
        async (where, method, sent: Record<string, string>, text, failure) => {
          const world = createWorld();
          world.coordinator.failure = failure;
          const carries = method === "POST" ? { body: text } : {};
          await send(world, where, { method, headers: "authorization" in sent ? sent : { ...signedHeaders(text), ...sent }, ...carries });
          const log = JSON.stringify(world.logged);
          for (const one of planted) expect(log).not.toContain(one);
          expect(strayFields(world.logged)).toEqual([]);
          for (const { event } of world.logged) seen.add(event);
        },
      ),
      {
        numRuns: 800,
        // What chance may leave out, in any case.
        examples: [
          ["/v1/alerts/generic", "POST", { authorization: `Bearer ${keys.detector}` }, "no json", null],
          ["/v1/blocks", "POST", { authorization: `Bearer ${keys.writer}`, "content-type": "application/json" }, '{"ip":"203.0.113.7"}', new Error("boom")],
        ],
      },
    );
    // The law is empty unless the requests got somewhere.
    expect([...seen].sort()).toEqual(expect.arrayContaining(["alerts.not_taken", "coordinator.unreachable", "http.answered"]));
  });

  test("law: no line of a remote call has its query, headers or body, however it ends", async () => {
    const endings: readonly (() => Promise<Response>)[] = [
      async () => new Response("hunter2", { status: 200, headers: { "x-amzn-requestid": "id-1" } }),
      async () => new Response("hunter2", { status: 403, headers: { "cf-ray": "hunter2 with blanks" } }),
      async () => new Response("", { status: 302, headers: { location: "https://hunter2.example" } }),
      async () => Promise.reject(new Error("connect failed: https://ec2.amazonaws.com/?secret=hunter2")),
    ];
    for (const fetch of endings) {
      const logged: LogRecord[] = [];
      const parts = {
        target: "web",
        clock: { now: () => 5 },
        random: { bytes: (count: number) => new Uint8Array(count) },
        log: (record: LogRecord) => logged.push(record),
      };
      const transport = loggedTransport(createTransport({ fetch, hostSuffixes: [".amazonaws.com"] }), parts);
      const request = { method: "POST", headers: { authorization: "hunter2" }, body: "secret=hunter2" };
      await transport({ ...request, url: "https://ec2.amazonaws.com/path?secret=hunter2" }).catch(() => undefined);
      await transport({ ...request, url: "https://user:hunter2@ec2.amazonaws.com/path" }).catch(() => undefined);
      expect([logged.length, JSON.stringify(logged).includes("hunter2"), strayFields(logged)]).toEqual([2, false, []]);
    }
  });

  test("table: a history with drift, throttling, a stop and a failing store logs what the table says", async () => {
    const world = await newWorld();
    await world.block("203.0.113.7", 3_600_000);
    await world.advance(300_000);
    world.aws.acl(aclId).delete(world.ours()[0]?.number ?? 0, false);
    await world.survive((coordinator) => coordinator.stop({ action: "freeze", targets: null, at: world.now, once: null }));
    await world.lift("203.0.113.7", 60_000);
    await world.advance(600_000);
    expect(strayFields(world.logs)).toEqual([]);
    expect(new Set(world.logs.map(({ event }) => event)).size).toBeGreaterThanOrEqual(6);
  });
});
