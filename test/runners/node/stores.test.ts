// The store laws in Node: the memory driver.
import { describe, test } from "vitest";
import { memoryStore } from "../../../functions/stores/memory.ts";
import { storeLaws } from "../../conformance/store-laws.ts";

describe("memory store", () => {
  for (const law of storeLaws) {
    test(`store: ${law.name}`, async () => {
      const nowMs = () => Date.UTC(2026, 10, 20);
      await law.run({ store: memoryStore({ now: nowMs }), nowMs });
    });
  }
});
