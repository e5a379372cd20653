// aws-nacl held to the laws of every kind, over real HTTP against the strict simulator: each direction, each way to credentials.
import { describe, test } from "vitest";
import { providerLaws, runProviderLaw } from "../conformance/provider-laws.ts";
import { type AwsHarnessOptions, awsHarness } from "./aws-nacl-harness.ts";

const variants: Readonly<Record<string, AwsHarnessOptions>> = {
  "ingress, static keys": { direction: "ingress" },
  "both directions, static keys": { direction: "both" },
  "ingress, assumed role": { direction: "ingress", assumeRole: true },
  "both directions, assumed role": { direction: "both", assumeRole: true },
  "a range shorter than the quota": { direction: "both", rules: { first: 10, last: 16 } },
};

for (const [name, options] of Object.entries(variants)) {
  describe(`aws-nacl, ${name}`, () => {
    for (const law of providerLaws) test(law.name, () => runProviderLaw(law, () => awsHarness(options)));
  });
}
