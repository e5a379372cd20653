// The mutation check's own reading of results: what counts, what is excused, and which excuses are wrong.
import { describe, expect, test } from "vitest";
import { proseReason, strykerPlugins } from "./prose.ts";
import { type MutantResult, type Mutation, mutationOf, reportOf } from "./report.ts";
import { rooms } from "./rooms.ts";
import { survivors } from "./survivors.ts";

const base: Mutation = { file: "shared/a.ts", at: 3, line: "return a > b;", from: "a > b", to: "a >= b", status: "Survived" };
const note = { file: base.file, line: base.line, from: base.from, to: base.to, why: "they are never equal" };

describe("score", () => {
  test("count: what dies or never ends is noticed; what nothing can notice does not count", () => {
    const all: Mutation[] = [
      base,
      { ...base, to: "true", status: "Killed" },
      { ...base, to: "false", status: "Timeout" },
      { ...base, to: "{}", status: "RuntimeError" },
      { ...base, to: "x", status: "NoCoverage" },
    ];
    const ignored: Mutation = { ...base, to: "y", status: "Ignored" };
    const plain = reportOf([...all, ignored], []);
    expect([plain.mutants, plain.killed, plain.equivalent, plain.score, plain.survived.length]).toEqual([5, 3, 0, 60, 2]);
    const noted = reportOf([...all, ignored], [note]);
    expect([noted.equivalent, Math.round(noted.score), noted.survived.map((mutation) => mutation.to), noted.wrongNotes]).toEqual([1, 75, ["x"], []]);
    expect(reportOf([], []).score).toBe(100);
  });

  test("doubt: a mutant that never ran, a note that names nothing, and one that a test disproves are told", () => {
    expect(reportOf([{ ...base, status: "CompileError" }], []).broken.length).toBe(1);
    expect(reportOf([base], [{ ...note, line: "return b;" }])).toMatchObject({ staleNotes: [expect.stringContaining("names no mutant")], wrongNotes: [] });
    expect(reportOf([{ ...base, status: "Killed" }], [note])).toMatchObject({ staleNotes: [], wrongNotes: [expect.stringContaining("is killed by a test")] });
    // On a busy machine an equivalent mutant may run out of time: that disproves nothing.
    expect(reportOf([{ ...base, status: "Timeout" }], [note]).wrongNotes).toEqual([]);
    expect(reportOf([base], [note, { ...note, file: "shared/b.ts" }])).toMatchObject({ staleNotes: [], wrongNotes: [] });
  });

  test("read: a mutant's line and text are cut out of its file, over several lines too", () => {
    const text = "one\n  two(a, {\n    b: 1,\n  });\nfive";
    const result = (start: [number, number], end: [number, number]): MutantResult => ({
      location: { start: { line: start[0], column: start[1] }, end: { line: end[0], column: end[1] } },
      replacement: "{}\n",
      status: "Survived",
    });
    expect(mutationOf(result([2, 7], [2, 8]), "f", text)).toEqual({ file: "f", at: 2, line: "two(a, {", from: "a", to: "{}", status: "Survived" });
    expect(mutationOf(result([2, 10], [4, 4]), "f", text).from).toBe("{ b: 1, }");
  });
});

describe("prose", () => {
  const template = (raws: readonly string[], expressions: readonly { readonly type: string }[]) => ({
    type: "TemplateLiteral",
    quasis: raws.map((raw) => ({ value: { raw } })),
    expressions,
  });
  const name = { type: "Identifier" };

  test("rule: sentences are left alone, what decides something is not", () => {
    for (const value of ["is not a lease key", "no room", "write: the range"]) expect(proseReason({ type: "StringLiteral", value })).toBeDefined();
    for (const value of ["", " ", "freeze", "aws-nacl", "lease:", "\n", ", ", "-1 2"]) expect(proseReason({ type: "StringLiteral", value })).toBeUndefined();
    expect(proseReason(template(["", " is too wide"], [name]))).toBeDefined();
    expect(proseReason(template(["", ":", ""], [name, name]))).toBeUndefined();
    expect(proseReason(template(["there is ", ""], [{ type: "ConditionalExpression" }]))).toBeUndefined();
    expect(proseReason(template(["there is ", ""], [{ type: "LogicalExpression" }]))).toBeUndefined();
    expect(proseReason({ type: "NumericLiteral", value: 7 })).toBeUndefined();
    expect(strykerPlugins.map((plugin) => plugin.name)).toEqual(["prose"]);
  });
});

test("rooms: named once, held to a score, a bounded few of them in CI; every survivor has its reason", () => {
  expect(new Set(rooms.map((room) => room.name)).size).toBe(rooms.length);
  for (const room of rooms) expect(room.scoreMin).toBeGreaterThanOrEqual(80);
  expect(rooms.filter((room) => room.ci).length).toBeGreaterThan(0);
  for (const survivor of survivors) expect(survivor.why.length).toBeGreaterThan(12);
});
