// How one part of the file is checked: unknown keys all at once, missing ones by name, what is wrong inside of a choice at its own place, and
// what of a broken part is right all the same.
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { byPlace, type Path, type Problem, pathText, problemText, suggestion } from "../../shared/config-file/problem.ts";
import { knownKeys, salvage, validate } from "../../shared/config-file/validate.ts";
import { integerSchema, nameSchema, says } from "../../shared/config-file/words.ts";

const inner = v.strictObject({ size: integerSchema(1, 9), name: v.optional(nameSchema) });
const schema = v.strictObject({
  one: inner,
  more: v.optional(v.array(inner)),
  named: v.optional(v.record(v.string(), inner)),
  maybe: v.optional(v.union([v.literal(false), inner], says("neither", "write false or a map"))),
  plain: v.optional(v.number()),
});
const base: Path = ["top"];
const one = { size: 1 };

function found(input: unknown, from: Path = base): readonly string[] {
  return validate(schema, input, from).findings.map(({ path, at, message, remedy }) => `${pathText(path)} (${at}) ${message}; ${remedy}`);
}

describe("validate", () => {
  it("right: comes out as it is, with nothing found", () => {
    expect(validate(schema, { one, more: [one] }, base)).toEqual({ value: { one, more: [one] }, findings: [] });
  });

  it("unknown: each key by its place, and the rest is used without them", () => {
    const input = { one: { size: 2, nmae: "a", x9y: 1 }, more: [one, { size: 3, siez: 4 }], named: { a: { size: 1, y8: 2 } }, pxx: 1 };
    const checked = validate(schema, input, base);
    expect(checked.value).toEqual({ one: { size: 2 }, more: [one, { size: 3 }], named: { a: { size: 1 } } });
    expect(found(input).toSorted()).toEqual([
      'top.more[1].siez (key) unknown key "siez"; did you mean "size"?',
      'top.named.a.y8 (key) unknown key "y8"; write one of: size, name',
      'top.one.nmae (key) unknown key "nmae"; did you mean "name"?',
      'top.one.x9y (key) unknown key "x9y"; write one of: size, name',
      'top.pxx (key) unknown key "pxx"; write one of: one, more, named, maybe, plain',
    ]);
  });

  it("unknown: a merge key is named for what it is; what stands where nothing may stand goes", () => {
    expect(found({ one, "<<": {} })).toEqual(['top.<< (key) unknown key "<<"; write the keys out; merge keys are not read']);
    const nothing = validate(v.strictObject({}), { a: 1 }, base);
    expect(nothing).toMatchObject({ value: {}, findings: [{ message: 'unknown key "a"', remedy: "remove it" }] });
  });

  it("unknown: with unknown keys, what is wrong as well is still found", () => {
    expect(found({ one: { size: 10, q7: 1 } }).toSorted()).toEqual([
      'top.one.q7 (key) unknown key "q7"; write one of: size, name',
      "top.one.size (value) 10 is too large; write a whole number from 1 to 9",
    ]);
  });

  it("unknown: in a list each where it stands, though others have the same name", () => {
    const input = { one, more: [{ size: 1, x7: 1, y7: 1 }, { size: 2, y7: 1 }, 3] };
    expect(
      found(input)
        .map((text) => text.split(" ")[0])
        .toSorted(),
    ).toEqual(["top.more[0].x7", "top.more[0].y7", "top.more[1].y7", "top.more[2]"]);
  });

  it("wrong: what is no value at all is not called missing where nothing names it", () => {
    const all = validate(v.string(says("no word", "write one")), undefined, base);
    expect(all.findings).toMatchObject([{ path: ["top"], message: "no word", remedy: "write one" }]);
  });

  it("unknown: more of them than anyone writes by mistake end it, and nothing is used", () => {
    const many = Object.fromEntries(Array.from({ length: 250 }, (_, at) => [`z${at}`, at]));
    const checked = validate(schema, { one, ...many }, base);
    expect([checked.value, checked.findings.length >= 200, checked.findings.length <= 250]).toEqual([null, true, true]);
  });

  it("missing: by its name, with what to add, at the key", () => {
    expect(found({})).toEqual(['top.one (key) "one" is missing; add `one: …`']);
    expect(found({ one: {} })).toEqual(['top.one.size (key) "size" is missing; add `size: …`']);
    expect(found(undefined)).not.toEqual([]);
  });

  it("wrong: the first that is said of a value, and each value once", () => {
    expect(found({ one: { size: 0.5 } })).toEqual(["top.one.size (value) 0.5 is not a whole number; write a whole number from 1 to 9"]);
    expect(found({ one: { size: "x", name: "A" } }).map((text) => text.split(" ")[0])).toEqual(["top.one.size", "top.one.name"]);
  });

  it("wrong: what the library says by itself is said in our words", () => {
    expect(found({ one, plain: "x" })).toEqual(['top.plain (value) "x" does not fit; expected number']);
    expect(found({ one, more: 7 })).toEqual(["top.more (value) 7 does not fit; expected Array"]);
  });

  it("wrong: a message without a remedy asks to be corrected", () => {
    const checked = validate(
      v.strictObject({
        a: v.pipe(
          v.number(),
          v.check(() => false, "odd"),
        ),
      }),
      { a: 1 },
      base,
    );
    expect(checked.findings).toMatchObject([{ message: "odd", remedy: "correct it" }]);
  });

  it("choice: a word that is none of them is refused as a whole; a map is looked into", () => {
    expect(found({ one, maybe: true })).toEqual(["top.maybe (value) neither; write false or a map"]);
    expect(found({ one, maybe: [one] })[0]).toMatch(/^top\.maybe /);
    expect(found({ one, maybe: { size: 10 } })).toEqual(["top.maybe.size (value) 10 is too large; write a whole number from 1 to 9"]);
    expect(found({ one, maybe: { size: 1, siez: 2 } })).toEqual(['top.maybe.siez (key) unknown key "siez"; did you mean "size"?']);
    expect(validate(schema, { one, maybe: false }, base)).toEqual({ value: { one, maybe: false }, findings: [] });
  });

  it("list: where a map of keys should be it is said once, with the keys", () => {
    expect(found({ one: [1, 2] })).toEqual(["top.one (value) a list is not a map of keys; write some of: size, name"]);
    expect(found([one, one])).toEqual(["top (value) a list is not a map of keys; write some of: one, more, named, maybe, plain"]);
    expect(validate(schema, { one: [1] }, base).value).toBeNull();
    const nothing = validate(v.strictObject({ a: v.strictObject({}) }), { a: [1] }, base);
    expect(nothing.findings).toMatchObject([{ message: "a list is not a map of keys", remedy: "write { key: value }" }]);
  });
});

describe("knownKeys", () => {
  it("known: by the way through maps, lists, tables, choices and what may be left out", () => {
    const all = ["one", "more", "named", "maybe", "plain"];
    for (const [path, keys] of [
      [[], all],
      [["one"], ["size", "name"]],
      [
        ["more", 0],
        ["size", "name"],
      ],
      [
        ["named", "anything"],
        ["size", "name"],
      ],
      [["maybe"], ["size", "name"]],
      [["one", "size"], []],
      [["one", "size", "x"], []],
      [["more"], []],
      [["nothing"], []],
      [["toString"], []],
      [["nothing", "one"], []],
    ] as const)
      expect([path, knownKeys(schema, path)]).toEqual([path, keys]);
    for (const none of [null, undefined, "text", 7]) expect(knownKeys(none, [])).toEqual([]);
  });
});

describe("salvage", () => {
  it("salvage: the fields that are right by themselves, and no others", () => {
    expect(salvage(schema.entries, { one, more: 7, plain: 3, other: 1 })).toEqual({ one, plain: 3 });
    expect(salvage(inner.entries, { size: 10, name: "a" })).toEqual({ name: "a" });
    for (const none of [null, undefined, 7, "text"]) expect(salvage(schema.entries, none)).toEqual({});
    expect(salvage(inner.entries, Object.create({ size: 1 }))).toEqual({});
  });
});

describe("a problem", () => {
  const problem = (changes: Partial<Problem> = {}): Problem => ({ file: "f.yaml", line: 2, column: 3, path: "a.b", message: "m", remedy: "r", ...changes });

  it("text: file, line, column, place, what is wrong and what to do", () => {
    expect(problemText(problem())).toBe("f.yaml:2:3 a.b: m; r");
    expect(problemText(problem({ path: "" }))).toBe("f.yaml:2:3 m; r");
    expect([pathText([]), pathText(["a"]), pathText(["a", 0, "b"]), pathText([1, "a"]), pathText(["a", 0, 1])]).toEqual([
      "",
      "a",
      "a[0].b",
      "[1].a",
      "a[0][1]",
    ]);
  });

  it("order: by line, then column, then words", () => {
    const [a, b, c, d] = [
      problem({ line: 1, column: 9, message: "z" }),
      problem({ line: 2, column: 1, message: "z" }),
      problem({ line: 2, column: 3, message: "a" }),
      problem({ line: 2, column: 3, message: "b" }),
    ];
    expect([d, c, b, a].toSorted(byPlace)).toEqual([a, b, c, d]);
    expect([a, b, c, d].toSorted(byPlace)).toEqual([a, b, c, d]);
  });

  it("suggestion: what is near, else all there are, else to remove it", () => {
    expect(suggestion("siez", ["size", "name"])).toBe('did you mean "size"?');
    expect(suggestion("zzzz", ["size", "name"])).toBe("write one of: size, name");
    expect(suggestion("zzzz", [])).toBe("remove it");
    // What cannot even be made a text of.
    for (const word of [7, null, ["size"], { toString: 0 }, [{ toString: 0 }]]) expect(suggestion(word, ["size"])).toBe("write one of: size");
  });
});
