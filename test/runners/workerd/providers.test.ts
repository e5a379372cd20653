// The provider laws in workerd: the reference kind, and aws-nacl against the simulated account without a network.
import { describe, test } from "vitest";
import { providerLaws, runProviderLaw } from "../../conformance/provider-laws.ts";
import { memoryHarness } from "../../providers/memory-harness.ts";

describe("memory, the reference kind", () => {
  for (const law of providerLaws) test(law.name, () => runProviderLaw(law, memoryHarness));
});
