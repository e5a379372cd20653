// The laws of the coordinator's lock in Deno, and of events under it, over the local runtime's KV. They run in one Deno process; here is one test for each.
import { beforeAll, describe, expect, test } from "vitest";
import { runLaws } from "./deno-process.ts";
import { eventLaws } from "./event-laws.ts";
import { lockLaws } from "./lock-laws.ts";

let results: ReadonlyMap<string, string | null>;

beforeAll(async () => {
  results = await runLaws("lock");
}, 240_000);

describe("the coordinator's lock in Deno KV", () => {
  for (const law of [...lockLaws, ...eventLaws]) {
    test(`lock: ${law.name}`, () => {
      expect(results.get(law.name)).toBeNull();
    });
  }
});
