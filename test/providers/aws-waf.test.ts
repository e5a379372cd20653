// aws-waf held to the laws of every kind, over real HTTP against the strict simulator: each scope, each way to credentials.
import { describe, test } from "vitest";
import { providerLaws, runProviderLaw } from "../conformance/provider-laws.ts";
import { type WafHarnessOptions, wafHarness } from "./aws-waf-harness.ts";

const variants: Readonly<Record<string, WafHarnessOptions>> = {
  "regional, static keys": {},
  "CloudFront, static keys": { scope: "CLOUDFRONT" },
  "regional, assumed role": { assumeRole: true },
};

for (const [name, options] of Object.entries(variants)) {
  describe(`aws-waf, ${name}`, () => {
    for (const law of providerLaws) test(law.name, () => runProviderLaw(law, () => wafHarness(options)));
  });
}
