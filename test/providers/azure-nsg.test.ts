// azure-nsg held to the laws of every kind, over real HTTP against the strict simulator: each way to credentials, each way an operation ends.
import { describe, test } from "vitest";
import { providerLaws, runProviderLaw } from "../conformance/provider-laws.ts";
import { type AzureHarnessOptions, azureHarness } from "./azure-nsg-harness.ts";

const variants: Readonly<Record<string, AzureHarnessOptions>> = {
  "client secret": {},
  "client secret, operations that take seconds": { provisioningMs: 8_000 },
  "federated identity, configured": { identity: "token" },
  "federated identity, of the platform": { identity: "platform", provisioningMs: 8_000 },
};

for (const [name, options] of Object.entries(variants)) {
  describe(`azure-nsg, ${name}`, () => {
    for (const law of providerLaws) test(law.name, () => runProviderLaw(law, () => azureHarness(options)));
  });
}
