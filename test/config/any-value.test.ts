// Whatever stands in place of whatever: the answer is problems, each with its line and what to do, or the whole thing. Never an exception.
import { readFileSync } from "node:fs";
import { assert, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { providers } from "../../functions/generated/providers.ts";
import type { Problem } from "../../shared/config-file/index.ts";
import { readCases } from "../../shared/playbook/cases.ts";
import { readPlaybook } from "../../shared/playbook/read.ts";
import { validText as playbookText } from "../playbook/support.ts";
import { replacedIn } from "./replaced.ts";
import { read, validText } from "./support.ts";

const runs = { numRuns: Number(process.env.LAW_RUNS ?? 300) };
const example = readFileSync(new URL("../../portcullis.example.yaml", import.meta.url), "utf8");

function expectTold(problems: readonly Problem[]): void {
  expect(problems.length).toBeGreaterThan(0);
  expect(problems.filter(({ line, column, message, remedy }) => line < 1 || column < 1 || message === "" || remedy === "")).toEqual([]);
}

describe("any value replaced by any other", () => {
  it.each([
    ["the small configuration", validText],
    ["the example configuration", example],
  ])("readConfigFile: %s", (_what, text) => {
    assert(
      property(replacedIn(text), (changed) => {
        const result = read(changed, { definitions: providers });
        if (result.ok) expect(JSON.parse(JSON.stringify(result.config))).toEqual(result.config);
        else expectTold(result.problems);
      }),
      runs,
    );
  });

  it("readPlaybook: a playbook", () => {
    assert(
      property(replacedIn(playbookText), (changed) => {
        const result = readPlaybook(changed, "a.yaml");
        if (!result.ok) expectTold(result.problems);
      }),
      runs,
    );
  });

  it("readCases: cases of a playbook", () => {
    const cases =
      "event: { source: falco, evidence: { a: 1 } }\ncases:\n  - case: one\n    event: { severity: high, actor: { addresses: [203.0.113.7] } }\n    expect: []\n";
    assert(
      property(replacedIn(cases), (changed) => {
        const result = readCases(changed, "a.yaml", () => null);
        if (!result.ok) expectTold(result.problems);
      }),
      runs,
    );
  });
});
