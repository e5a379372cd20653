// Every error code, provoked from outside as it happens to people: what is answered, where it points, and that the runbook's remedy works.
// The tables below are typed by the list of codes: one that nobody can provoke has no place in it.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type ErrorCode, errorTraits } from "../../shared/errors.ts";
import { errorCases } from "./error-cases.ts";

const readme = readFileSync(new URL("../../functions/README.md", import.meta.url), "utf8");

/** The runbook's entry of a code: its three lines. */
function entryOf(code: string): readonly string[] {
  const [, after = ""] = readme.split(`\n#### ${code}\n`);
  return (after.split(/\n#{2,4} /)[0] ?? "").trim().split("\n");
}

describe("every error code", () => {
  test.each(Object.entries(errorCases))("%s: it is answered so, points to its entry, and the remedy works", async (code, provoke) => {
    const { problem, status, remedied } = await provoke();
    expect([problem.code, status]).toEqual([code, errorTraits[code as ErrorCode].status]);
    // What happened and to what; never the platform's own words for it.
    expect(problem.detail.length).toBeGreaterThan(20);
    expect(problem.detail).not.toMatch(/undefined|\[object|null/);
    expect(problem.remedy.length).toBeGreaterThan(20);
    expect(problem.help).toBe(`functions/README.md#${code.toLowerCase()}`);
    const entry = entryOf(code);
    expect(entry.map((line) => line.split(":")[0])).toEqual(["- Means", "- Seen by", "- Do"]);
    for (const line of entry) expect(line.length).toBeGreaterThan(20);
    expect(await remedied()).toBe("remedied");
  });

  test("runbook: it has an entry for each code and for nothing else, and every sentence that is referred to exists", () => {
    const headings = [...readme.matchAll(/^#### (\S+)$/gm)].map(([, name]) => name);
    expect(headings).toEqual(Object.keys(errorTraits));
    for (const [, name] of readme.matchAll(/\(see \*([^*]+)\*\)|See \*([^*]+)\*/g)) if (name !== undefined) expect(readme).toContain(`**${name}`);
  });
});
