// What free text, durations, event times and paths mean: each spelling one thing or nothing, whatever comes in.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { durationHint, durationText, parseDuration } from "../../shared/request/duration.ts";
import { readEventTime } from "../../shared/request/event-time.ts";
import { firstValues, valuesAt } from "../../shared/request/paths.ts";
import { cleanText, cutText, linesOf, oneLine, quoted, textLength } from "../../shared/request/text.ts";

describe("durations", () => {
  const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

  test("read: a whole number and a unit, and the shortest spelling reads back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999_999 }), fc.constantFrom("s", "m", "h", "d"), (count, unit) => {
        const milliseconds = count * units[unit];
        expect(parseDuration(`${count}${unit}`)).toBe(milliseconds);
        const text = durationText(milliseconds);
        expect(text.length).toBeLessThanOrEqual(`${count}${unit}`.length);
        expect(parseDuration(text) ?? milliseconds).toBe(milliseconds);
      }),
      { numRuns: 500 },
    );
    expect([durationText(86_400_000), durationText(90_000), durationText(7_200_000), durationText(0), durationText(1_500)]).toEqual([
      "1d",
      "90s",
      "2h",
      "0s",
      "1.5s",
    ]);
    for (const text of durationHint.match(/\d+[a-z]\b/g) ?? []) expect(parseDuration(text)).not.toBeNull();
  });

  test.each(["", "4", "h", "0h", "04h", "-4h", "4H", "4 h", " 4h", "4h ", "4h30m", "1.5h", "4w", "1234567890s", "4hh", "x4h"])("refuse: %j", (text) => {
    expect(parseDuration(text)).toBeNull();
  });
});

describe("event times", () => {
  const at = Date.UTC(2026, 0, 2, 3, 4, 5);

  test.each<[unknown, number]>([
    ["2026-01-02T03:04:05Z", at],
    ["2026-01-02 03:04:05", at],
    ["2026-01-02t03:04:05z", at],
    ["  2026-01-02T03:04:05Z ", at],
    ["2026-01-02T03:04:05 Z", at],
    [`2026-01-02T03:04:05Z${" ".repeat(20)}`, at],
    ["2026-01-02T03:04:05.6Z", at + 600],
    ["2026-01-02T03:04:05,678Z", at + 678],
    ["2026-01-02T03:04:05.678999999Z", at + 678],
    ["2026-01-02T05:34:05+02:30", at],
    ["2026-01-02T05:34:05+0230", at],
    ["2026-01-01T22:04:05-05:00", at],
    [at, at],
    [at / 1e3, at],
    [at * 1e3 + 7, at],
    [at * 1e6, at],
    [String(at), at],
    [String(at / 1e3), at],
    [`${at / 1e3}.25`, at + 250],
    [at / 1e3 + 0.25, at + 250],
    [at + 0.7, at],
    [1, 1_000],
    [1e11 - 1, 1e14 - 1_000],
    [1e11, 1e11],
    [1e14 - 1, 1e14 - 1],
    [1e14, 1e11],
    [1e17, 1e11],
    ["100000000", 1e11],
  ])("read: %j", (value, expected) => {
    expect(readEventTime(value)).toBe(expected);
  });

  test.each<unknown>([
    0,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    undefined,
    true,
    [at],
    { at },
    "",
    "now",
    "12345678",
    "12345678901234567890",
    `${at}.1234567890`,
    `${at}.`,
    `x${at}`,
    "2026-01-02",
    "2026-01-02T03:04",
    "2026-01-02T03:04:05.Z",
    "2026-01-02T03:04:05.1234567890Z",
    "2026-01-02T03:04:05+2",
    "2026-01-02T03:04:05 UTC",
    "x2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05Zx",
    "2026-13-02T03:04:05Z",
    "2026-01-02T25:04:05Z",
    "2026-01-02-03:04:05",
    "26-01-02T03:04:05Z",
    `2026-01-02T03:04:05Z${" ".repeat(21)}`,
  ])("refuse: %j", (value) => {
    expect(readEventTime(value)).toBeNull();
  });
});

describe("text", () => {
  test("clean: one line that prints, trimmed, blanks shrunk, and clean stays clean", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        const cleaned = cleanText(text);
        expect(cleaned).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(cleaned).not.toMatch(/\s\s|^\s|\s$/);
        expect(cleanText(cleaned)).toBe(cleaned);
      }),
      { numRuns: 1_000 },
    );
    expect(cleanText(" a\tb\nc\rd\u2028e\u2029f  g\u0000h\u200bi\u202ej ")).toBe("a b c d e f ghij");
    expect(cleanText("tail\n\ud800")).toBe("tail");
    expect(cleanText("wörter, 字 und 👍🏽")).toBe("wörter, 字 und 👍🏽");
  });

  test("cut: counts characters as readers do, and never cuts one in half", () => {
    expect([textLength("a👍"), textLength("")]).toEqual([2, 0]);
    expect([cutText("👍👍👍", 2), cutText("abc", 5), cutText("abc", 0), cutText("a👍b", 2)]).toEqual(["👍👍", "abc", "", "a👍"]);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 12 }), fc.integer({ min: 0, max: 14 }), (text, charsMax) => {
        expect([...cutText(text, charsMax)]).toEqual([...text].slice(0, charsMax));
      }),
    );
  });

  test("quote: what came, in one short line", () => {
    expect([quoted('a"b\nc'), quoted("x".repeat(70)), quoted("abcdef", 3)]).toEqual(['"a\\"b c"', `"${"x".repeat(64)}"`, '"abc"']);
    expect([null, 7, true, [], {}, undefined].map((value) => quoted(value))).toEqual(["null", "7", "true", "a list", "an object", "nothing"]);
  });
});

describe("paths", () => {
  const event = {
    source: { ip: "1", deep: { ip: null } },
    "source.port": 7,
    "a.b": { c: "joined" },
    a: { b: { c: "nested" }, "b.c": "half" },
    list: [{ ip: "2" }, [{ ip: "no" }], null, { ip: ["3", "4"] }, "text"],
    empty: "",
    zero: 0,
  };

  test.each<[string, readonly unknown[]]>([
    ["source.ip", ["1"]],
    ["source.port", [7]],
    ["a.b.c", ["joined"]],
    ["list.ip", ["2", "3", "4"]],
    ["list", [{ ip: "2" }, { ip: ["3", "4"] }, "text"]],
    ["empty", [""]],
    ["zero", [0]],
    ["source.deep.ip", []],
    ["source.nothing", []],
    ["nothing.ip", []],
    ["empty.length", []],
    ["constructor", []],
    ["list.length", []],
    ["", []],
  ])("find: %j", (path, values) => {
    expect(valuesAt(event, path, 10)).toEqual(values);
  });

  test("find: the joined name before the nested one, and the next spelling only where a longer leads nowhere", () => {
    expect(valuesAt({ a: { "b.c": 1, b: { c: 2 } } }, "a.b.c", 9)).toEqual([1]);
    expect(valuesAt({ "a.b": { d: 1 }, a: { b: { c: 2 } } }, "a.b.c", 9)).toEqual([2]);
    expect(valuesAt({ "a.b": { c: null }, a: { b: { c: 2 } } }, "a.b.c", 9)).toEqual([2]);
    expect(valuesAt("text", "a", 9)).toEqual([]);
    expect(valuesAt({ "": { a: 1 } }, "a", 9)).toEqual([]);
    expect(valuesAt([1, [2]], "", 9)).toEqual([]);
  });

  test("bound: no more values than asked for, and the first path that has any", () => {
    expect(valuesAt(event, "list.ip", 2)).toEqual(["2", "3"]);
    expect(valuesAt(event, "list.ip", 0)).toEqual([]);
    expect(firstValues(event, ["nothing", "list.ip", "source.ip"], 2)).toEqual({ path: "list.ip", values: ["2", "3"] });
    expect(firstValues(event, ["nothing", "source.deep.ip"], 2)).toBeNull();
    expect(firstValues(event, [], 2)).toBeNull();
  });
});

describe("lines", () => {
  test("law: those that are not blank, as they are, in their order", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", "b", " ", "\n", "\r"), maxLength: 20 }), (text) => {
        expect([...linesOf(text)]).toEqual(text.split("\n").filter((line) => line.trim() !== ""));
      }),
      { numRuns: 500 },
    );
  });

  test("read: the last line without a break, and nothing in nothing", () => {
    expect([...linesOf("a\n\n b\nc")]).toEqual(["a", " b", "c"]);
    expect([...linesOf("")]).toEqual([]);
    expect([...linesOf("\n \n\n")]).toEqual([]);
  });

  test("read: no more is cut off than is asked for: of many line breaks none becomes a text", () => {
    const lines = linesOf(`a\n${"\n".repeat(1_000_000)}b`);
    expect([lines.next().value, lines.next().value, lines.next().done]).toEqual(["a", "b", true]);
  });
});

describe("one line", () => {
  test("cut: only the first sixteen times as many characters are looked at", () => {
    expect(oneLine(`${"\u0007".repeat(4 * 16)}abcd`, 4)).toBe("");
    expect(oneLine(`${"\u0007".repeat(4 * 16 - 1)}abcd`, 4)).toBe("a");
  });
});
