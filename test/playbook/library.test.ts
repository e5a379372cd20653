// The library that reads conditions will run in Workers, which make no code from text: held here, since no bundle has it yet.
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { dynamicCodeIn, parseScripts } from "../supply/dynamic-code.ts";

const folder = "node_modules/@marcbachmann/cel-js/lib";

it("cel-js: makes no code from text", () => {
  const texts = readdirSync(folder)
    .filter((name) => name.endsWith(".js"))
    .map((name) => readFileSync(`${folder}/${name}`, "utf8"));
  expect(texts.length).toBeGreaterThan(10);
  expect(parseScripts(texts).flatMap((tree) => dynamicCodeIn(tree))).toEqual([]);
});
