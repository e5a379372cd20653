// The store laws in Deno: the Deno KV driver over the local runtime's KV. The laws run in one Deno process; here is one test for each.
import { beforeAll, describe, expect, test } from "vitest";
import { storeLaws } from "../../conformance/store-laws.ts";
import { denoKvLaws } from "./deno-kv-laws.ts";
import { runDeno } from "./deno-process.ts";

let results: ReadonlyMap<string, string | null>;

beforeAll(async () => {
  const output = await runDeno("run", "-A", "--no-remote", "--no-lock", "test/runners/deno/laws.ts");
  const lines = output.split("\n").filter((line) => line.startsWith('{"name"'));
  results = new Map(lines.map((line) => JSON.parse(line) as { name: string; error: string | null }).map(({ name, error }) => [name, error]));
}, 120_000);

describe("Deno KV store", () => {
  for (const law of [...storeLaws, ...denoKvLaws]) {
    test(`store: ${law.name}`, () => {
      expect(results.has(law.name)).toBe(true);
      expect(results.get(law.name)).toBeNull();
    });
  }
});
