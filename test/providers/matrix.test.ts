// The generated table of kinds: complete, in order, and unharmed by what a definition says.
import { expect, test } from "vitest";
import { renderMatrix } from "../../functions/cli/render-providers.ts";
import { providers } from "../../providers/index.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";
import { MemoryFirewall, memoryDefinition } from "../simulators/memory-provider.ts";

const awsNacl: ProviderDefinition = providers["aws-nacl"];
const memory: ProviderDefinition = memoryDefinition(new MemoryFirewall(3));

test("render: everything a definition declares is there, with dates and sources", () => {
  const text = renderMatrix([awsNacl]);
  for (const limit of awsNacl.limits) for (const part of [limit.name, limit.source, limit.checked]) expect(text).toContain(part);
  for (const permission of awsNacl.permissions) expect(text).toContain(`- \`${permission}\``);
  for (const credential of awsNacl.credentials) expect(text).toContain(`\`${credential.name}\``);
  for (const caveat of awsNacl.caveats) expect(text).toContain(caveat);
});

test("render: the same text whatever the order of kinds", () => {
  expect(renderMatrix([memory, awsNacl])).toBe(renderMatrix([awsNacl, memory]));
});

test("render: a bar or a line break in a note does not break the table", () => {
  const capabilities = { ...memory.capabilities, swap: { support: "untried", note: "a | b\nc" } } as const;
  const row = renderMatrix([{ ...memory, capabilities }])
    .split("\n")
    .find((line) => line.startsWith("| Atomic swap"));
  expect(row).toBe("| Atomic swap | untried (a \\| b c) |");
});
