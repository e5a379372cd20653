// The store laws in Deno: the Deno KV driver over the local runtime's KV. The laws run in one Deno process; here is one test for each.
import { beforeAll, describe, expect, test } from "vitest";
import { storeLaws } from "../../conformance/store-laws.ts";
import { denoKvLaws } from "./deno-kv-laws.ts";
import { runLaws } from "./deno-process.ts";

let results: ReadonlyMap<string, string | null>;

beforeAll(async () => {
  results = await runLaws("stores");
}, 120_000);

describe("Deno KV store", () => {
  for (const law of [...storeLaws, ...denoKvLaws]) {
    test(`store: ${law.name}`, () => {
      expect(results.get(law.name)).toBeNull();
    });
  }
});
