// Holds the house style: each rule is run on the repository as it stands, and on samples that prove it can fail.
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { providers } from "../providers/index.ts";
import type { ProviderDefinition } from "../shared/provider.ts";
import { bannedCalls, fileLength, fileNames, firstComment, functionLength, silencers, skippedTests, typeLoopholes } from "./tidy/code-rules.ts";
import { completeKinds, definitionFaults, documentedErrors, documentedKeys, documentLinks, lockfile, machineTraces } from "./tidy/document-rules.ts";
import { importDirection, workerBundle } from "./tidy/import-rules.ts";
import { createRepositories, type Finding, type Rule, readRepository } from "./tidy/repository.ts";
import { samples } from "./tidy/samples.ts";

const root = new URL("../", import.meta.url);
const repository = readRepository(root);

const rules: readonly Rule[] = [
  importDirection,
  workerBundle,
  fileLength,
  functionLength,
  bannedCalls,
  typeLoopholes,
  silencers,
  skippedTests,
  firstComment,
  fileNames,
  documentedErrors,
  documentedKeys,
  completeKinds,
  documentLinks,
  machineTraces,
  lockfile,
];

function shown(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ path, line, message }) => `${path}:${line} ${message}`);
}

function compile(project: string): string {
  const compiler = new URL("../node_modules/typescript/bin/tsc", import.meta.url);
  try {
    return execFileSync(process.execPath, [compiler.pathname, "-p", project, "--pretty", "false"], { cwd: root, encoding: "utf8" });
  } catch (error) {
    return error instanceof Error && "stdout" in error ? String(error.stdout) : String(error);
  }
}

describe("the repository", () => {
  it.each(rules.map((rule) => [rule.name, rule] as const))("hold: %s", (_name, rule) => {
    expect(shown(rule.check(repository))).toEqual([]);
  });

  it("hold: shared/ compiles without any platform's types", () => {
    expect(compile("shared")).toBe("");
  });

  it.each(Object.entries<ProviderDefinition>(providers))("hold: the definition of %s is dated, and names its permissions", (kind, definition) => {
    expect(definitionFaults(kind, definition)).toEqual([]);
  });
});

describe("the rules", () => {
  const judged = createRepositories(samples.map((sample) => sample.files));

  it.each(samples.map((sample, at) => [sample.rule.name, sample.title, sample, at] as const))("judge: %s, %s", (_rule, _title, sample, at) => {
    const found = judged[at] === undefined ? [] : sample.rule.check(judged[at]);
    expect(found.map(({ path, line }) => `${path}:${line}`).toSorted()).toEqual(sample.found.toSorted());
    for (const { message } of found) expect(message.length).toBeGreaterThan(10);
  });

  it("judge: a definition without permissions, limits, sources or dates", () => {
    const limit = { name: "rules", value: 20, unit: "rules", source: "https://example.org", checked: "2026-01-31" };
    const whole = { kind: "a", permissions: ["x:Describe"], limits: [limit] };
    expect(definitionFaults("a", whole)).toEqual([]);
    expect(definitionFaults("b", whole)).toHaveLength(1);
    expect(definitionFaults("a", { ...whole, permissions: [] })).toHaveLength(1);
    expect(definitionFaults("a", { ...whole, limits: [] })).toHaveLength(1);
    expect(definitionFaults("a", { ...whole, limits: [limit, { ...limit, source: "" }] })).toHaveLength(1);
    expect(definitionFaults("a", { ...whole, limits: [{ ...limit, checked: "2026-13-01" }] })).toHaveLength(1);
    expect(definitionFaults("a", { ...whole, limits: [{ ...limit, checked: "lately" }] })).toHaveLength(1);
  });

  it("judge: every rule has a sample that breaks it and one that does not", () => {
    for (const rule of rules) {
      const own = samples.filter((sample) => sample.rule === rule);
      expect(
        own.some((sample) => sample.found.length > 0),
        rule.name,
      ).toBe(true);
      expect(
        own.some((sample) => sample.found.length === 0),
        rule.name,
      ).toBe(true);
    }
  });
});
