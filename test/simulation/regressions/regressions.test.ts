// Every bug that a simulation found, once more: in the history that showed it, every promise holds.
import { describe, expect, test } from "vitest";
import { run } from "../run.ts";
import { regressions } from "./read.ts";

describe("regressions", () => {
  test.each(regressions().map((regression) => [regression.name, regression] as const))("%s", async (_name, { setting, script }) => {
    const { broken, counts } = await run(script, setting);
    expect(broken).toBe(null);
    expect(counts.get("was gone")).toBe(1);
  });

  test("each says what it taught, in a line of its own", () => {
    const lines = regressions().map(({ taught }) => taught);
    expect(lines.filter((line) => line.length < 40 || line.includes("…") || line.includes("\n"))).toEqual([]);
    expect(new Set(lines).size).toBe(lines.length);
  });
});
