// The list of what a long run must have met, and that the world can count each of it under that very name.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { classes, missing, seedsForAll } from "./classes.ts";

function sources(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts") && !file.includes("mutants"));
  return files
    .filter((file) => !file.includes("classes"))
    .map((file) => readFileSync(join(folder, file), "utf8"))
    .join("\n");
}

test("missing: a long run that never met a class is told so, a short one is not", () => {
  const all = new Map(classes.map((name) => [name, 1]));
  expect(missing(all, seedsForAll)).toEqual([]);
  expect(missing(new Map([...all, ["was silent", 0]]), seedsForAll)).toEqual(["was silent"]);
  expect(missing(new Map(), seedsForAll)).toEqual(classes);
  expect(missing(new Map(), seedsForAll - 1)).toEqual([]);
});

test("classes: none is named twice, and the sources of the world hold the words of each", () => {
  expect(new Set(classes).size).toBe(classes.length);
  const text = sources(import.meta.dirname);
  // What stands before and after a colon may be put together at run time.
  const unknown = classes.filter((name) => !name.split(": ").every((part) => part.split(" ").some((word) => text.includes(word))));
  expect(unknown).toEqual([]);
});
