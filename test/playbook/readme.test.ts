// shared/playbook/README.md: its examples do what it says, its tables have what there is, its bounds are the ones in force.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { limits } from "../../shared/limits.ts";
import { readCases } from "../../shared/playbook/cases.ts";
import { compileCondition } from "../../shared/playbook/condition.ts";
import { compilePlaybook } from "../../shared/playbook/decide.ts";
import { fieldTables } from "../../shared/playbook/fields.ts";
import { readPlaybook } from "../../shared/playbook/read.ts";
import { stepCore, stepSchemas } from "../../shared/playbook/schema.ts";
import { judge } from "../../shared/playbook/verdict.ts";

const text = readFileSync("shared/playbook/README.md", "utf8");
const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");

describe("the document", () => {
  it("README: the playbook is one, and its cases pass and show every branch", () => {
    const [playbook = "", cases = ""] = blocks;
    const read = readPlaybook(playbook, "README.md");
    const beside = readCases(cases, "README.md", () => null);
    if (!read.ok || !beside.ok) throw new Error(JSON.stringify([read, beside]));
    const { results, branches } = judge(compilePlaybook(read.playbook), beside.cases);
    expect(results.flatMap(({ faults }) => faults)).toEqual([]);
    expect(branches.filter(({ covered }) => !covered)).toEqual([]);
  });

  it("README: the table of fields has every field with its type, note and words", () => {
    const rows = [...text.matchAll(/^\| `((?:event|r)\.[^`]+)` \| (.*?) \| (.*) \|$/gm)].map(([, path = "", type = "", note = ""]) => [path, type, note]);
    const prefix: Readonly<Record<string, string>> = { Event: "event.", Actor: "event.actor.", Victim: "event.victim.", Resource: "r." };
    const wanted = Object.entries(fieldTables).flatMap(([table, fields]) =>
      Object.entries(fields).map(([field, { type, note, words }]) => {
        const list = words === undefined ? "" : `: ${words.map((word) => `\`"${word}"\``).join(" ")}`;
        return [`${prefix[table]}${field}`, fieldTables[type] === undefined ? type.replace("<Resource>", "") : "", `${note}${list}`];
      }),
    );
    expect(rows).toEqual(wanted);
  });

  it("README: every condition that it shows is one", () => {
    const shown = [...text.matchAll(/`([^`\n]*event\.[^`\n]*(?:==|>=|exists)[^`\n]*)`/g)].map((match) => match[1] ?? "");
    expect(shown.length).toBeGreaterThanOrEqual(3);
    for (const condition of shown) expect([condition, compileCondition(condition)]).toMatchObject([condition, { ok: true }]);
  });

  it("README: names every step and what stands beside it", () => {
    for (const name of [...Object.keys(stepSchemas), ...Object.keys(stepCore)]) expect(text).toContain(`\`${name}:`);
  });

  it("README: the bounds are those in force", () => {
    const bounds = /^Bounds[\s\S]*?\n\n/m.exec(text)?.[0] ?? "";
    const said = (bounds.match(/\b\d+\b/g) ?? []).map(Number).filter((value) => value !== 0);
    const held = [
      limits.conditionCharsMax,
      limits.conditionNodesMax,
      limits.conditionDepthMax,
      limits.conditionListMax,
      limits.conditionPatternsMax,
      limits.eventListMax,
      limits.patternCharsMax,
      limits.patternRepeatsMax,
      limits.patternChoicesMax,
      limits.patternBarsMax,
      limits.matchedCharsMax,
    ];
    expect(held.filter((value) => !said.includes(value))).toEqual([]);
  });
});
