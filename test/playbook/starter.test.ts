// The starter set, by the same code as `playbook test`; and that its cases notice when a condition is changed.
import { describe, expect, it } from "vitest";
import { findPlaybooks } from "../../functions/cli/playbook-files.ts";
import { compilePlaybook } from "../../shared/playbook/decide.ts";
import { judge } from "../../shared/playbook/verdict.ts";

const { playbooks, problems } = findPlaybooks(undefined);
const rows = playbooks.map((found) => [found.compiled.playbook.name, found] as const);

const isWhole = ({ results, branches }: ReturnType<typeof judge>): boolean =>
  results.every(({ faults }) => faults.length === 0) && branches.every(({ covered }) => covered);

describe("the starter set", () => {
  it("findPlaybooks: finds the eight, without a problem", () => {
    expect(problems).toEqual([]);
    expect(rows.map(([name]) => name)).toEqual([
      "c2-traffic",
      "crypto-mining",
      "leaked-access-key",
      "port-probe",
      "public-bucket",
      "shell-in-container",
      "ssh-rdp-brute-force",
      "web-scanner",
    ]);
  });

  it.each(rows)("%s: every case as expected, every branch shown, and it changes nothing unasked", (_name, { compiled, cases }) => {
    const verdict = judge(compiled, cases ?? []);
    expect(verdict.results.filter(({ faults }) => faults.length > 0)).toEqual([]);
    expect(verdict.branches.filter(({ covered }) => !covered)).toEqual([]);
    expect(compiled.playbook.mode).toBe("observe");
  });

  it.each(rows.flatMap(([name, { compiled, cases }]) => (compiled.condition === null ? [] : [[name, compiled, cases ?? []] as const])))(
    "%s: its cases notice a part of `when` that is missing or turned round",
    (_name, { playbook, condition }, cases) => {
      const first = cases[0];
      if (condition === null || first === undefined) throw new Error("no condition or no case");
      const terms = condition.ask(first.event).terms.map(({ term }) => `(${term})`);
      const join = (parts: readonly string[]) => (parts.length === 0 ? "true" : parts.join(` ${condition.joined} `));
      const changed = terms.flatMap((term, at) => [join(terms.toSpliced(at, 1)), join(terms.with(at, `!${term}`))]);
      for (const when of changed) expect([when, isWhole(judge(compilePlaybook({ ...playbook, when }), cases))]).toEqual([when, false]);
    },
  );

  it.each(rows)("%s: its cases notice a step that is missing", (_name, { compiled, cases }) => {
    const { playbook } = compiled;
    playbook.do.forEach((_step, at) => {
      const fewer = { ...playbook, do: playbook.do.toSpliced(at, 1) };
      expect(isWhole(judge(compilePlaybook(fewer), cases ?? []))).toBe(false);
    });
  });
});
