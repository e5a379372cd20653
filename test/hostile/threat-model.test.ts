// Holds SECURITY.md to the tests: each row of the threat model names real code and real attacks, and no attack goes unnamed.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const document = readFileSync(join(root, "SECURITY.md"), "utf8");
const own = "test/hostile/threat-model.test.ts";

interface Row {
  readonly threat: string;
  readonly cells: readonly string[];
  readonly tests: readonly { readonly file: string; readonly title: string }[];
}

/** Rows of the tables whose last column says what attacks them. */
function rowsOf(markdown: string): readonly Row[] {
  const rows: Row[] = [];
  let isThreats = false;
  for (const line of markdown.split("\n")) {
    const cells = line.startsWith("|") ? line.slice(1, line.lastIndexOf("|")).split("|") : null;
    if (cells === null) isThreats = false;
    else if (cells[0]?.trim() === "Threat") isThreats = true;
    else if (isThreats && !/^[-| ]+$/.test(line)) {
      const tests = [...(cells[4] ?? "").matchAll(/`([^`]+)` › `([^`]+)`/g)].map(([, file = "", title = ""]) => ({ file, title }));
      rows.push({ threat: /\*\*(.+?)\*\*/.exec(cells[0] ?? "")?.[1] ?? "", cells: cells.map((cell) => cell.trim()), tests });
    }
  }
  return rows;
}

/** Whether a call has this text as its first argument. */
function hasTitle(text: string, title: string): boolean {
  return ['"', "`"].some((quote) => text.split(`${quote}${title}${quote}`).some((before, at, all) => at < all.length - 1 && /\(\s*$/.test(before)));
}

/** What is wrong with a row; empty when nothing is. `textOf` null: no such file. */
function faultsOf(row: Row, textOf: (path: string) => string | null): readonly string[] {
  const faults: string[] = [];
  if (row.threat === "" || row.cells.length !== 5 || row.cells.some((cell) => cell === "")) faults.push("has not all of its five cells");
  if (row.tests.length === 0) faults.push("names no test");
  for (const { file, title } of row.tests) {
    const text = /^test\/[\w/-]+\.test\.ts$/.test(file) ? textOf(file) : null;
    if (text === null) faults.push(`names ${file}, which is no test file`);
    else if (!hasTitle(text, title)) faults.push(`names a test that ${file} does not have: ${title}`);
  }
  const paths = [...(row.cells[2] ?? "").matchAll(/`([\w./-]+\/[\w./-]+|wrangler\.toml)`/g)]
    .map(([, path = ""]) => path)
    .filter((path) => !path.startsWith("/"));
  if (paths.length === 0) faults.push("names no file that holds the defence");
  for (const path of paths) if (textOf(path) === null) faults.push(`names ${path}, which does not exist`);
  return faults;
}

const read = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : null);
const rows = rowsOf(document);

/** What the threat model was asked to answer, by a word of each; none may be dropped. */
const asked = [
  "who may make us block whom",
  "stolen detector key",
  "poisoned detector",
  "x-forwarded-for",
  "replay",
  "ssrf",
  "log injection",
  "header injection",
  "path tricks",
  "parser differentials",
  "oversized",
  "deep nesting",
  "slow bodies",
  "decompression",
  "algorithmic complexity",
  "timing of credential checks",
  "cache poisoning",
  "secrets in errors",
  "captured signature on another route",
  "one poisoned match",
  "write quota",
  "throwaway addresses",
  "list quota",
  "line in the configuration",
  "follow-up url",
  "empty, wiped or foreign store",
  "preview",
  "stolen from elsewhere",
  "admin key",
  "supply chain",
  "dns",
  "rpc",
  "compromised cloud credential",
  "browsers",
] as const;

describe("SECURITY.md", () => {
  test("hold: every row of the threat model has its five cells, a defence that exists and a test that exists", () => {
    expect(rows.length).toBeGreaterThan(asked.length);
    expect(rows.flatMap((row) => faultsOf(row, read).map((fault) => `${row.threat}: ${fault}`))).toEqual([]);
  });

  test("hold: every threat that was asked about has a row, and no two rows have one name", () => {
    const names = rows.map(({ threat }) => threat.toLowerCase());
    expect(asked.filter((threat) => !names.some((name) => name.includes(threat)))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  test("hold: every attack in this folder is named by a row", () => {
    const named = new Set(rows.flatMap(({ tests }) => tests.map(({ file, title }) => `${file} › ${title}`)));
    const files = readdirSync(join(root, "test/hostile")).filter((name) => name.endsWith(".test.ts") && !own.endsWith(`/${name}`));
    const attacks = files.flatMap((name) => {
      const text = read(`test/hostile/${name}`) ?? "";
      return [...text.matchAll(/^\s*test(?:\.for\([^\n]*?\))?\(\s*"((?:[^"\\]|\\.)+)"/gm)].map(([, title]) => `test/hostile/${name} › ${title}`);
    });
    expect(attacks.length).toBeGreaterThan(50);
    expect(attacks.filter((attack) => !named.has(attack))).toEqual([]);
  });

  test("judge: a stale title, a file that is gone, a row without a test or without a defence", () => {
    const row = (defence: string, attackedBy: string) =>
      rowsOf(`| Threat | a | b | c | d |\n|---|---|---|---|---|\n| **x** | y | ${defence} | z | ${attackedBy} |\n`)[0];
    const faults = (defence: string, attackedBy: string) => {
      const one = row(defence, attackedBy);
      return one === undefined ? ["no row"] : faultsOf(one, read);
    };
    const good = `\`${own}\` › \`hold: every attack in this folder is named by a row\``;
    expect(faults("(`functions/app.ts`)", good)).toEqual([]);
    expect(faults("(`functions/app.ts`)", good.replace("folder", "place"))).toHaveLength(1);
    expect(faults("(`functions/app.ts`)", good.replace("threat-model", "gone"))).toHaveLength(1);
    expect(faults("(`functions/app.ts`)", "none")).toHaveLength(1);
    expect(faults("(`functions/gone.ts`)", good)).toHaveLength(1);
    expect(faults("words", good)).toHaveLength(1);
    expect(faults("(`functions/app.ts`)", "")).toHaveLength(2);
  });
});
