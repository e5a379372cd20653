// The table of laws and kinds in this folder's README is what the runners run. `UPDATE=1 npx vitest run test/conformance` rewrites it.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { providers } from "../../providers/index.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";
import { providerLaws } from "./provider-laws.ts";
import { storeLaws } from "./store-laws.ts";

const folder = import.meta.dirname;
const file = join(folder, "README.md");
const definitions: readonly ProviderDefinition[] = Object.values(providers);

function cell(law: (typeof providerLaws)[number], definition: ProviderDefinition): string {
  if (law.needs === undefined) return "passes";
  const { support } = definition.capabilities[law.needs];
  return support === "yes" ? "passes" : `${law.needs}: ${support}`;
}

function table(): string {
  const kinds = definitions.map((definition) => definition.kind);
  const rows = providerLaws.map((law) => `| ${law.name} | passes | ${definitions.map((definition) => cell(law, definition)).join(" | ")} |`);
  return [
    "# Laws",
    "",
    "Every kind of firewall is held to these against its strict simulator over real HTTP, in Node and in Deno, and the reference kind in memory first, in workerd",
    "too. A law about a capability that a kind does not have says so here; that such a block is refused is a law of its own. Every store driver is held to the",
    "second list.",
    "",
    `| Law | reference | ${kinds.join(" | ")} |`,
    `|---|---|${kinds.map(() => "---|").join("")}`,
    ...rows,
    "",
    "## Stores",
    "",
    "Workers KV (in workerd), Deno KV (in Deno) and memory (in Node) pass all of these.",
    "",
    ...storeLaws.map((law) => `- ${law.name}`),
    "",
  ].join("\n");
}

describe("the table of laws", () => {
  if (process.env.UPDATE === "1") writeFileSync(file, table());

  test("current: it lists every law with the kinds that pass it", () => {
    expect(existsSync(file) ? readFileSync(file, "utf8") : "").toBe(table());
  });

  test("runners: every kind's own test file runs the laws, and the stores' runners run theirs", () => {
    for (const { kind } of definitions) expect(readFileSync(join(folder, `../providers/${kind}.test.ts`), "utf8")).toContain("providerLaws");
    expect(readFileSync(join(folder, "../runners/deno/providers.test.ts"), "utf8")).toContain("providerRuns");
    for (const runner of ["node", "workerd", "deno"]) expect(readFileSync(join(folder, `../runners/${runner}/stores.test.ts`), "utf8")).toContain("storeLaws");
  });
});
