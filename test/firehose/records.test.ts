// What a delivery of Amazon Data Firehose holds, and what its records hold: nothing that somebody sent is lost, and nothing is made of what is none.
import { array, assert as check, constantFrom, integer, jsonValue, option, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { readDelivery, recordEvents, requestIdOf } from "../../shared/firehose/records.ts";

describe("a request's id", () => {
  test.each(["ed4acda5-034f-9f42-bba1-f29aea6d7d8f", "a", "A_b-9", "x".repeat(128)])("pass: %s", (id) => {
    expect(requestIdOf(id)).toBe(id);
  });

  test.each([[""], ["x".repeat(129)], ["a b"], ["a\n"], ["\na"], ["<script>"], ["é"], [7], [null], [undefined], [["a"]]])("refuse: %j", (id) => {
    expect(requestIdOf(id)).toBe(null);
  });
});

describe("a delivery", () => {
  test("pass: each record's data in its order, and null for what has none", () => {
    const records = [{ data: "YQ==" }, { data: 7 }, {}, null, "YQ==", ["YQ=="], { data: "" }, { data: "Yg==", other: 1 }];
    expect(readDelivery({ requestId: "r-1", timestamp: 1, records })).toEqual({
      requestId: "r-1",
      records: ["YQ==", null, null, null, null, null, "", "Yg=="],
    });
    expect(readDelivery({ records: [] })).toEqual({ requestId: null, records: [] });
    expect(readDelivery({ requestId: "not one!", records: [] })).toEqual({ requestId: null, records: [] });
  });

  test.each([[null], ["text"], [7], [[]], [[{ data: "YQ==" }]], [{}], [{ records: null }], [{ records: { data: "YQ==" } }]])("refuse: %j", (body) => {
    expect(readDelivery(body)).toBe(null);
  });

  test("refuse: what is not the body's own", () => {
    expect(readDelivery(Object.create({ records: [] }))).toBe(null);
    expect(readDelivery({ records: [Object.create({ data: "YQ==" })] })).toEqual({ requestId: null, records: [null] });
    expect(readDelivery(Object.assign(Object.create({ requestId: "r-1" }), { records: [] }))).toEqual({ requestId: null, records: [] });
  });
});

describe("a record", () => {
  const message = (...logEvents: unknown[]) => ({ messageType: "DATA_MESSAGE", logGroup: "waf", logEvents });

  test.each<readonly [string, unknown, readonly unknown[]]>([
    ["one event", { a: 1 }, [{ a: 1 }]],
    ["a list of events", [{ a: 1 }, { b: 2 }], [{ a: 1 }, { b: 2 }]],
    ["a subscription's messages, each as what it says", message({ message: '{"a":1}' }, { message: "plain words" }), [{ a: 1 }, "plain words"]],
    ["a subscription's entry without a message", message({ id: "1" }, { message: 7 }, "odd", null), [{ id: "1" }, { message: 7 }, "odd", null]],
    ["a control message", { messageType: "CONTROL_MESSAGE", logEvents: [{ message: "CWL CONTROL MESSAGE: Checking health" }] }, []],
    ["a control message's type on anything", { messageType: "CONTROL_MESSAGE" }, []],
    ["an event of another type", { messageType: "OTHER", logEvents: [{ message: "x" }] }, [{ messageType: "OTHER", logEvents: [{ message: "x" }] }]],
    ["a data message without events", { messageType: "DATA_MESSAGE" }, [{ messageType: "DATA_MESSAGE" }]],
    ["no object at all", 7, [7]],
    ["null", null, [null]],
    ["an empty list", [], []],
  ])("pass: %s", (_what, value, events) => {
    expect(recordEvents(JSON.stringify(value), 500)).toEqual(events);
  });

  test("pass: an empty record holds none; words are kept as they are, so that they are named", () => {
    expect(recordEvents("", 500)).toEqual([]);
    expect(recordEvents("not json", 500)).toEqual(["not json"]);
  });

  test("pass: one on each line, whatever each of them is", () => {
    const lines = ['{"a":1}', "words", JSON.stringify(message({ message: '{"b":2}' }, { message: "more words" })), '[{"c":3},{"d":4}]'];
    expect(recordEvents(lines.join("\n"), 500)).toEqual([{ a: 1 }, "words", { b: 2 }, "more words", { c: 3 }, { d: 4 }]);
  });

  test("law: what is sent line by line comes back line by line, up to the limit and no further", () => {
    check(
      property(array(jsonValue({ maxDepth: 1 }), { maxLength: 6 }), integer({ min: 0, max: 5 }), (values, most) => {
        const events = values.map((value) => ({ event: value }));
        const text = events.map((event) => JSON.stringify(event)).join("\n");
        expect(recordEvents(text, 100)).toEqual(JSON.parse(JSON.stringify(events)));
        expect(recordEvents(text, most)).toEqual(JSON.parse(JSON.stringify(events.slice(0, most))));
        expect(recordEvents(JSON.stringify(events), most)).toEqual(JSON.parse(JSON.stringify(events.slice(0, most))));
        expect(recordEvents(JSON.stringify(message(...events.map((event) => ({ message: JSON.stringify(event) })))), most)).toEqual(
          JSON.parse(JSON.stringify(events.slice(0, most))),
        );
      }),
    );
  });

  test("law: a line that holds several never makes them more than the limit", () => {
    const line = constantFrom('[{"a":1},{"b":2},{"c":3}]', '{"d":4}', "words");
    check(
      property(array(line, { minLength: 2, maxLength: 8 }), integer({ min: 0, max: 9 }), (lines, most) => {
        const all = recordEvents(lines.join("\n"), 1_000);
        expect(recordEvents(lines.join("\n"), most)).toEqual(all.slice(0, most));
      }),
    );
  });

  test("law: nothing makes it fail", () => {
    check(
      property(string({ unit: "binary" }), option(jsonValue()), (text, value) => {
        expect(Array.isArray(recordEvents(text, 10))).toBe(true);
        expect(readDelivery(value)?.records.every((record) => record === null || typeof record === "string") ?? true).toBe(true);
      }),
    );
  });
});
