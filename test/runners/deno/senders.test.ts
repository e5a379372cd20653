// What senders without our credentials need of Deno. The laws run in one Deno process; here is one test for each.
import { beforeAll, describe, expect, test } from "vitest";
import { senderLaws } from "../../conformance/sender-laws.ts";
import { runLaws } from "./deno-process.ts";

let results: ReadonlyMap<string, string | null>;

beforeAll(async () => {
  results = await runLaws("senders");
}, 120_000);

describe("ways in without our credentials, in Deno", () => {
  for (const { name } of senderLaws) {
    test(name, () => {
      expect(results.get(name)).toBeNull();
    });
  }
});
