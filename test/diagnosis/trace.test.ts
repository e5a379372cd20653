// The trace of a request: what is taken over from a caller, what is given back, and whose trace a pass continues.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CoordinatorApi } from "../../functions/coordinator/contract.ts";
import { CoordinatorUnreachable, remoteCoordinator, serveCall, withFallback } from "../../functions/coordinator/rpc.ts";
import { OpenTraces } from "../../functions/log/cause.ts";
import { childOf, continued, newTrace, traceFields, traceparentOf } from "../../shared/trace.ts";
import { createWorld, get, json, postJson, send } from "../api/world.ts";
import { newWorld } from "../coordinator/world.ts";
import { Deployed } from "./deployed.ts";

const caller = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", parentId: null };
const traceparent = traceparentOf(caller);
const ones = { bytes: (count: number) => new Uint8Array(count).fill(1) };
const zeroes = { bytes: (count: number) => new Uint8Array(count) };

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const isZero = (text: string) => /^0+$/.test(text);

describe("traceparent", () => {
  test("continue: every well-formed header, and a span of our own below the caller's", () => {
    fc.assert(
      fc.property(hex(2), hex(32), hex(16), hex(2), (version, traceId, parentId, flags) => {
        const usable = version !== "ff" && !isZero(traceId) && !isZero(parentId);
        const trace = continued(`${version}-${traceId}-${parentId}-${flags}`, ones);
        expect(trace).toEqual(usable ? { traceId, parentId, spanId: "0101010101010101" } : null);
      }),
    );
  });

  test("refuse: anything else is as if there were none", () => {
    const malformed = [
      "",
      "00",
      traceparent.toUpperCase(),
      ` ${traceparent}`,
      `${traceparent}-01`,
      `${traceparent}\n`,
      traceparent.slice(1),
      `${traceparent.slice(0, -1)}g`,
    ];
    for (const text of [...malformed, `ff${traceparent.slice(2)}`, `cc${traceparent.slice(2)}01`, `cc${traceparent.slice(2)}-${"a".repeat(200)}`])
      expect([text, continued(text, ones)]).toEqual([text, null]);
    expect(continued(null, ones)).toBeNull();
    expect(continued(`cc${traceparent.slice(2)}-what.comes.later`, ones)?.traceId).toBe(caller.traceId);
    fc.assert(fc.property(fc.string(), (text) => text === traceparent || continued(text, ones) === null));
  });

  test("bound: a later version may say as much as 128 characters hold, and not one more", () => {
    const longest = `cc${traceparent.slice(2)}-${"a".repeat(128 - traceparent.length - 1)}`;
    expect([longest.length, continued(longest, ones)?.traceId, continued(`${longest}a`, ones)]).toEqual([128, caller.traceId, null]);
  });

  test("fields: a parent is named where there is one", () => {
    expect(Object.keys(traceFields(caller))).toEqual(["trace_id", "span_id"]);
    expect(traceFields(childOf(caller, ones))).toEqual({ trace_id: caller.traceId, span_id: "0101010101010101", parent_span_id: caller.spanId });
  });

  test("mint: never the id that means none", () => {
    for (const random of [zeroes, ones]) {
      const { traceId, spanId } = newTrace(random);
      expect([isZero(traceId), isZero(spanId), traceId.length, spanId.length]).toEqual([false, false, 32, 16]);
    }
  });
});

describe("requests", () => {
  test("give back: who was let in is told the trace, his own or a new one; refusals included", async () => {
    const world = createWorld();
    const own = await postJson(world, "/v1/blocks", "writer", { ip: "203.0.113.7" }, { traceparent });
    expect(own.headers.get("traceresponse")).toMatch(new RegExp(`^00-${caller.traceId}-(?!${caller.spanId})[0-9a-f]{16}-01$`));
    const bad = await postJson(world, "/v1/blocks", "writer", { ip: "nonsense" }, { traceparent: "00-junk" });
    const given = bad.headers.get("traceresponse") ?? "";
    expect([bad.status, continued(given, ones) === null, given.includes(caller.traceId)]).toEqual([400, false, false]);
    world.coordinator.failure = new Error("the object is gone");
    const failed = await get(world, "/v1/targets", "reader", { traceparent });
    expect([failed.status, failed.headers.get("traceresponse")]).toEqual([503, expect.stringContaining(caller.traceId)]);
  });

  test("withhold: before the credential there is no id, and nothing that follows the caller's", async () => {
    const world = createWorld();
    const seen = new Set<string>();
    for (const headers of [{}, { traceparent }, { traceparent: "junk" }, { authorization: "Bearer nope", traceparent }] as Record<string, string>[]) {
      const response = await send(world, "/v1/blocks", { method: "POST", headers, body: "{}" });
      seen.add(JSON.stringify([response.status, [...response.headers].sort(), await json(response)]));
    }
    expect(seen.size).toBe(1);
    expect([...seen][0]).not.toContain("traceresponse");
  });

  test("decide nothing: with any header the same request has the same answer", async () => {
    const answers = new Set<string>();
    for (const header of [traceparent, "junk", `00-${"1".repeat(32)}-${"2".repeat(16)}-00`]) {
      const response = await postJson(createWorld(), "/v1/blocks", "writer", { ip: "203.0.113.7" }, { traceparent: header });
      answers.add(JSON.stringify([response.status, await response.text()]));
    }
    expect(answers.size).toBe(1);
  });

  test("line: one per request, with its names, items, error and time, under its trace", async () => {
    const world = createWorld();
    await postJson(world, "/v1/blocks", "writer", { ips: ["203.0.113.7", "203.0.113.8"] }, { traceparent });
    await postJson(world, "/v1/blocks", "reader", { ip: "203.0.113.7" }, { traceparent });
    await get(world, "/v1/blocks/203.0.113.7", "reader", { traceparent });
    const common = { event: "http.answered", trace_id: caller.traceId, parent_span_id: caller.spanId, "client.address": "192.0.2.10", duration_ms: 0 };
    expect(world.logged.filter((record) => record.event === "http.answered")).toEqual([
      expect.objectContaining({ ...common, level: "info", "http.request.method": "POST", "http.route": "/v1/blocks", client: "writer", items: { created: 2 } }),
      expect.objectContaining({ ...common, level: "info", "http.response.status_code": 403, "error.type": "FORBIDDEN", client: "reader" }),
      expect.objectContaining({ ...common, level: "debug", "http.route": "/v1/blocks/:ip{.+}", "http.response.status_code": 200 }),
    ]);
  });

  test("flood: strangers write twenty lines a minute, and the next one counts the others", async () => {
    const world = createWorld();
    const knock = () => send(world, "/v1/blocks", { method: "POST", body: "{}" });
    for (let at = 0; at < 500; at += 1) await (at % 2 === 0 ? knock() : send(world, `/nothing/${at}`));
    expect(world.logged).toHaveLength(20);
    world.clock.at += 60_000;
    await knock();
    expect([world.logged.length, world.logged.at(-1)]).toEqual([
      21,
      expect.objectContaining({ level: "warn", suppressed: 480, "error.type": "UNAUTHENTICATED" }),
    ]);
  });
});

describe("the way to the coordinator", () => {
  const request = { client: "detector", items: [], allOrNothing: true, dryRun: false };

  test("carry: every verb that a request may ask has its trace at the other end; what is left out stays out", async () => {
    const heard: unknown[][] = [];
    const record = async (...args: unknown[]) => {
      heard.push(args);
      return { items: [], ticket: 0 };
    };
    const far = { accept: record, lift: record, stop: record, reconcile: record, plan: record, tick: record } as unknown as CoordinatorApi;
    const near = remoteCoordinator((body) => serveCall(far, body));
    await near.accept(request, caller);
    await near.reconcile(null, caller);
    await near.plan("web", caller);
    await near.tick(caller);
    await near.tick();
    expect(heard).toEqual([[request, caller], [null, caller], ["web", caller], [caller], []]);
  });

  test("carry: when the coordinator does not answer, the record made without it and the line of it have the trace", async () => {
    const traces: unknown[] = [];
    const unreachable = remoteCoordinator(async (_body, trace) => {
      traces.push(trace);
      throw new CoordinatorUnreachable("gone");
    });
    const fallback = {
      accept: async (_request: unknown, trace?: unknown) => {
        traces.push(trace);
        return { items: [], ticket: 0 };
      },
      take: async (_request: unknown, trace?: unknown) => {
        traces.push(trace);
        return { events: [] };
      },
    };
    await withFallback(unreachable, fallback).accept(request, caller);
    expect(traces).toEqual([caller, caller]);
    const taken = { client: "x", own: null, bounds: { longestMs: 1, widest: { ipv4: 32, ipv6: 64 } }, receipt: 1, events: [] };
    await withFallback(unreachable, fallback).take(taken, caller);
    expect(traces).toEqual([caller, caller, caller, caller]);
  });
});

describe("passes", () => {
  const traceOf = (at: number) => ({ traceId: String(at).padStart(32, "a"), spanId: String(at).padStart(16, "b"), parentId: null });

  test("cause: of one trace it is the continuation, of several it links them, the newest of many", () => {
    const open = new OpenTraces();
    expect(open.causeOf(undefined, ones)).toEqual({ trace: newTrace(ones), links: [], linksTotal: 0 });
    open.add("lease:1", traceOf(1), 10);
    open.add("lease:2", traceOf(1), 11);
    expect(open.causeOf(undefined, ones)).toEqual({
      trace: { ...traceOf(1), spanId: "0101010101010101", parentId: traceOf(1).spanId },
      links: [],
      linksTotal: 0,
    });
    expect(open.causeOf(traceOf(1), ones).links).toEqual([]);
    expect(open.causeOf(traceOf(2), ones)).toMatchObject({ trace: newTrace(ones), linksTotal: 2 });
    for (let at = 0; at < 100; at += 1) open.add(`lift:${at}`, traceOf(at + 10), 20);
    const many = open.causeOf(undefined, ones);
    expect([many.linksTotal, many.links.length, many.links.at(-1)]).toEqual([101, 32, traceOf(109).traceId]);
  });

  test("follow: accept, pass, step and remote calls of one block are found by its trace, also when the coordinator dies in between", async () => {
    for (const dies of [false, true]) {
      const deployed = new Deployed(await newWorld());
      const { world } = deployed;
      await deployed.minutes(2);
      await deployed.send("POST", "/v1/blocks", "admin", { body: '{"ip":"203.0.113.7"}', headers: { traceparent } });
      if (dies) world.evict();
      await world.advance(2_000);
      const found = () => world.logs.filter((record) => record.trace_id === caller.traceId).map(({ event }) => event);
      const expected = ["leases.accepted", "http.answered", "remote.call", "remote.call", "step.applied", "pass.done"];
      expect([dies, found()]).toEqual([dies, expected]);
      // The block is done: the next pass is nobody's.
      await deployed.minutes(10);
      expect(found()).toEqual(expected);
      await deployed.send("GET", "/v1/targets/web/plan", "admin", { headers: { traceparent } });
      expect(found().slice(expected.length)).toEqual(["remote.call", "http.answered"]);
    }
  });

  test("follow: of two requests each finds the pass by its own id, as a link", async () => {
    const world = await newWorld();
    await world.advance(120_000);
    for (const at of [1, 2]) {
      const items = [world.item(`203.0.113.${at}`, 600_000)];
      await world.survive((coordinator) => coordinator.accept({ client: "detector", items, allOrNothing: true, dryRun: false }, traceOf(at)));
    }
    await world.advance(2_000);
    const pass = world.logs.findLast((record) => record.event === "pass.done");
    expect(pass).toMatchObject({ links: [traceOf(1).traceId, traceOf(2).traceId], links_total: 2 });
    expect(pass?.trace_id).not.toBe(traceOf(1).traceId);
  });

  test("follow: what a throttling cloud leaves over keeps its trace until it is written", async () => {
    const world = await newWorld();
    await world.advance(120_000);
    world.aws.faults.next.push({ action: "CreateNetworkAclEntry", mishap: { kind: "throttle", status: 503, retryAfterSeconds: null } });
    const trace = traceOf(9);
    await world.survive((coordinator) =>
      coordinator.accept({ client: "detector", items: [world.item("203.0.113.9", 600_000)], allOrNothing: true, dryRun: false }, trace),
    );
    await world.advance(120_000);
    const outcomes = world.logs.flatMap((record) => (record.event === "step.applied" && record.trace_id === trace.traceId ? [record.outcome] : []));
    expect([world.blocked("203.0.113.9"), outcomes]).toEqual([true, ["throttled", "applied"]]);
  });

  test("quiet: an idle hour writes one line in five minutes", async () => {
    const world = await newWorld();
    await world.block("203.0.113.7", 12 * 3_600_000);
    await world.advance(10 * 60_000);
    world.logs.length = 0;
    await world.advance(60 * 60_000);
    expect(world.logs.filter(({ level }) => level !== "debug").map(({ event }) => event)).toEqual(Array.from({ length: 12 }, () => "pass.done"));
  });
});
