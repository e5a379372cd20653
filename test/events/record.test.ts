// What an event comes to when it is recorded: names, times, targets, and that all of it survives the store.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { actText, eventIdOf, eventMetadata, eventStates, readEventRecord, readEventSummary, summaryOf } from "../../shared/event/record.ts";
import { eventKey, readRecord } from "../../shared/keys.ts";
import { limits } from "../../shared/limits.ts";
import { startMs } from "../coordinator/world.ts";
import { callHome, calling, recorded } from "./support.ts";

describe("the name of an event", () => {
  test("same: for every delivery, whatever the order of its addresses", () => {
    const actor = { addresses: ["203.0.113.1/32", "203.0.113.2/32"] };
    expect(eventIdOf("a", { ...calling, actor })).toBe(
      eventIdOf("a", { ...calling, actor: { addresses: actor.addresses.toReversed() }, title: "other words" }),
    );
  });

  test.each([
    ["another client", "b", {}],
    ["another id", "a", { id: "other" }],
    ["another source", "a", { source: "wazuh" }],
    ["taken back", "a", { status: "resolved" as const }],
    ["later", "a", { at: startMs }],
    ["from elsewhere", "a", { actor: { addresses: ["203.0.113.67/32"] } }],
  ])("differ: %s", (_name, client, changes) => {
    expect(eventIdOf(client, { ...calling, ...changes })).not.toBe(eventIdOf("a", calling));
  });
});

describe("the plan", () => {
  const act = (changes: Parameters<typeof recorded>[1], steps?: string) => recorded([callHome("", steps)], changes).runs[0]?.steps[0];

  test("time: from the event, for as long as the step says; the same at every reading", () => {
    expect(act({})?.act).toMatchObject({ at: startMs - 1_000, until: startMs - 1_000 + 3_600_000, severity: "critical", targets: null });
    expect(recorded([callHome()], { now: startMs })).toEqual(recorded([callHome()], { now: startMs }));
  });

  test("time: a late event counts from its receipt, no longer than the client may, and says so", () => {
    const step = act({
      event: { at: startMs - limits.lateEventMs - 1 },
      sender: { client: { longestMs: 60_000, widest: { ipv4: 32, ipv6: 64 }, targets: null, mode: "enforce" } },
    });
    expect(step?.act).toMatchObject({ at: startMs, until: startMs + 60_000 });
    expect(step?.said).toEqual([expect.stringContaining("longest for client detector"), expect.stringContaining("counts from its receipt")]);
  });

  test("targets: those of the step that the client may select; none left is a refusal that is said", () => {
    const client = { longestMs: 86_400_000, widest: { ipv4: 32, ipv6: 64 }, targets: ["web"], mode: "enforce" as const };
    expect(act({ sender: { client } }, "  - block: { targets: [web, edge] }\n")?.act).toMatchObject({ targets: ["web"] });
    const none = recorded([callHome("", "  - block: { targets: [edge] }\n")], { sender: { client } });
    expect([none.state, none.runs[0]?.steps[0]?.state, none.runs[0]?.steps[0]?.said]).toEqual([
      "done",
      "refused",
      [expect.stringContaining("may select none")],
    ]);
  });

  test("observe: of the playbook or of the client, recorded and never due", () => {
    const client = { longestMs: 86_400_000, widest: { ipv4: 32, ipv6: 64 }, targets: null, mode: "observe" as const };
    expect(recorded([{ ...callHome(), mode: "observe" }])).toMatchObject({ state: "observed", runs: [{ outcome: "observes", state: "observed" }] });
    expect(recorded([callHome()], { sender: { client } })).toMatchObject({ state: "observed", runs: [{ why: expect.stringContaining("observe mode") }] });
  });

  test("bound: a thousand addresses are cut, and it is said", () => {
    const addresses = Array.from({ length: 1_000 }, (_, at) => `203.0.${at >> 8}.${at & 255}/32`);
    const step = act({ event: { actor: { addresses } } });
    expect(step?.act).toMatchObject({ addresses: addresses.slice(0, limits.eventAddressesMax) });
    expect(step?.said[0]).toContain(`first ${limits.eventAddressesMax} of 1000`);
  });

  test("words: each act in a few words", () => {
    expect(recorded([callHome()]).runs[0]?.steps.map(({ act: does }) => actText(does))).toEqual([
      expect.stringMatching(/^block 203\.0\.113\.66\/32 until 2026-11-20T12:59:59\.000Z, severity critical$/),
      'log "it calls home"',
    ]);
    const addresses = ["203.0.113.66/32", "203.0.113.67/32"];
    const block = { action: "block", addresses, at: startMs, until: startMs + 1, severity: "low", targets: ["web", "hub"] } as const;
    expect(actText(block)).toBe("block 203.0.113.66/32, 203.0.113.67/32 at web, hub until 2026-11-20T12:00:00.001Z, severity low");
    expect(actText({ ...block, addresses: [] })).toMatch(/^block nobody at web, hub until /);
    expect(actText({ action: "lift", addresses, at: startMs })).toBe("lift 203.0.113.66/32, 203.0.113.67/32");
  });
});

describe("in the store", () => {
  test("read: the record and its metadata come back as they were", () => {
    const record = recorded([callHome()]);
    expect(readEventRecord(JSON.stringify(record))).toEqual(record);
    const key = { name: eventKey(record.id), metadata: JSON.parse(JSON.stringify(eventMetadata(summaryOf(record)))) as unknown };
    expect(readRecord(key)).toEqual({ kind: "event", event: summaryOf(record) });
  });

  test("read: metadata stays below 1,024 bytes whatever it is made of", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400, unit: "binary" }), fc.constantFrom(...eventStates), fc.integer({ min: 0, max: 40 }), (type, state, count) => {
        const names = Array.from({ length: count }, (_, at) => `${at}`.padEnd(32, "x"));
        const summary = {
          ...summaryOf(recorded([callHome()])),
          client: "c".repeat(32),
          type,
          state,
          playbooks: names.slice(0, 8),
          firings: names.slice(0, 8).map((name) => name.slice(0, 12)),
        };
        const text = JSON.stringify(eventMetadata(summary));
        expect(new TextEncoder().encode(text).length).toBeLessThan(1_024);
        expect(readEventSummary(summary.id, JSON.parse(text))?.state).toBe(state);
      }),
    );
  });

  test("short: a summary names the first eight, a type keeps 48 plain characters, a firing has a name of twelve", () => {
    const many = Array.from({ length: 10 }, (_, at) => callHome("", undefined, `calls-${at}`));
    const record = recorded(many, { event: { type: `${"é".repeat(3)}${"x".repeat(60)}` } });
    const summary = summaryOf(record);
    expect([record.runs.length, summary.playbooks.length, summary.firings.length]).toEqual([10, 8, 8]);
    expect(summary.firings.every((name) => /^[0-9a-f]{12}$/.test(name))).toBe(true);
    expect(eventMetadata(summary)).toMatchObject({ t: `???${"x".repeat(45)}` });
  });

  test("refuse: metadata of which any part is not what it must be; of names, what is no text is left out", () => {
    const good = { a: 1, u: 2, s: 0, c: "c", o: "o", t: "t", p: ["one", 7, "two"], f: "none" };
    expect(readEventSummary("x", good)).toEqual({
      id: "x",
      receivedAt: 1,
      updatedAt: 2,
      state: "open",
      client: "c",
      source: "o",
      type: "t",
      playbooks: ["one", "two"],
      firings: [],
    });
    const nine = Array.from({ length: 9 }, (_, at) => `name ${at}`);
    expect(readEventSummary("x", { ...good, p: nine })?.playbooks).toEqual(nine.slice(0, 8));
    for (const spoilt of [{ a: -1 }, { u: "2" }, { s: "none" }, { c: 1 }, { o: null }, { t: undefined }])
      expect(readEventSummary("x", { ...good, ...spoilt }), JSON.stringify(spoilt)).toBeNull();
    expect(readEventSummary("x", "text")).toBeNull();
  });

  test("refuse: what is no record, and what is no metadata; a foreign key makes the listing incomplete", () => {
    expect([readEventRecord("{"), readEventRecord("{}"), readEventRecord('{"version":2,"runs":[]}'), readEventRecord("null")]).toEqual([
      null,
      null,
      null,
      null,
    ]);
    for (const metadata of [null, 1, {}, { a: 1, u: 1, s: 99, c: "c", o: "o", t: "t" }]) expect(readEventSummary("x", metadata)).toBeNull();
    expect(readRecord({ name: "event:zz", metadata: {} }).kind).toBe("corrupt");
  });
});
