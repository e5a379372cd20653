// The API's documentation says what the code does: every route, scope, signed type and error code with its status.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { routes } from "../../functions/routes/index.ts";
import { errorTraits } from "../../shared/errors.ts";

const readme = readFileSync(new URL("../../functions/README.md", import.meta.url), "utf8");

test("document: every error code with its status", () => {
  for (const [code, { status }] of Object.entries(errorTraits)) expect(readme).toContain(`| \`${code}\` | ${status} |`);
});

test("document: every route", () => {
  for (const { method, path } of routes) expect(readme).toContain(`\`${method} ${path.replace(/:(\w+)(\{[^}]+\})?/, "{$1}")}`);
});

test("document: every signed type, and no route shares one", () => {
  const operations = routes.flatMap((route) => ("operation" in route && route.operation !== null ? [route.operation] : []));
  expect(new Set(operations).size).toBe(operations.length);
  for (const operation of operations) expect(readme).toContain(operation.startsWith("alert.") ? "`alert.<source>`" : `| \`${operation}\` |`);
});
