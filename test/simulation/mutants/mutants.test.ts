// The mutants as data: each still fits the code that it takes a defence from, and none is without a reason. Whether the simulation catches
// them is `npm run sim:mutants`.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { edited, sourceOf } from "./copy.ts";
import { mutants } from "./index.ts";

const killed = JSON.parse(readFileSync(join(import.meta.dirname, "killed.json"), "utf8")) as Record<
  string,
  { readonly promise: string; readonly seed: number }
>;

const uncaught = JSON.parse(readFileSync(join(import.meta.dirname, "uncaught.json"), "utf8")) as readonly string[];

describe("mutants", () => {
  test.each(mutants.map((mutant) => [mutant.name, mutant] as const))("fit: %s edits what stands there exactly once, and changes it", (_name, mutant) => {
    const texts = new Map<string, string>();
    for (const edit of mutant.edits) {
      const before = texts.get(edit.file) ?? sourceOf(edit.file);
      const after = edited(before, edit);
      expect(after).not.toBe(before);
      texts.set(edit.file, after);
    }
    expect([mutant.edits.length > 0, mutant.from.length > 0, mutant.expect.length > 0]).toEqual([true, true, true]);
    expect([...texts.keys()].filter((file) => !/^(functions|providers|shared)\//.test(file))).toEqual([]);
  });

  test("name: no two bear the same, and what is recorded as caught is a mutant", () => {
    const names = mutants.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.keys(killed).filter((name) => !names.includes(name))).toEqual([]);
  });

  test("account: each is caught, or called equivalent, or still to be hunted, and only one of them", () => {
    const torn = mutants.filter(
      ({ name, equivalent }) => [Object.hasOwn(killed, name), equivalent !== undefined, uncaught.includes(name)].filter(Boolean).length !== 1,
    );
    expect(torn.map(({ name }) => name)).toEqual([]);
  });

  test("refuse: an edit that fits nowhere, or twice", () => {
    const edit = { file: "a.ts", find: "x", replace: "y" };
    expect(edited("axb", edit)).toBe("ayb");
    expect(() => edited("ab", edit)).toThrow("change the mutant");
    expect(() => edited("axbx", edit)).toThrow("2 times");
  });
});
