// The provider laws in Deno, for the reference kind and for every real one. They run in one Deno process; here is one test for each.
import { beforeAll, describe, expect, test } from "vitest";
import { runLaws } from "./deno-process.ts";
import { providerRuns } from "./provider-runs.ts";

let results: ReadonlyMap<string, string | null>;

beforeAll(async () => {
  results = await runLaws("providers");
}, 240_000);

describe("the kinds of firewall in Deno", () => {
  for (const { name } of providerRuns) {
    test(name, () => {
      expect(results.get(name)).toBeNull();
    });
  }
});
