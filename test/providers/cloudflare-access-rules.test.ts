// cloudflare-access-rules held to the laws of every kind, over real HTTP against the strict simulator.
import { describe, test } from "vitest";
import { providerLaws, runProviderLaw } from "../conformance/provider-laws.ts";
import { type AccessHarnessOptions, accessHarness } from "./cloudflare-access-rules-harness.ts";

const variants: Readonly<Record<string, AccessHarnessOptions>> = {
  "an account": {},
  "a zone": { level: "zone" },
  "small pages": {
    prepare: (cloudflare) => {
      cloudflare.accessRulesPerPage = 5;
    },
  },
  "deletions that are not found": {
    level: "zone",
    prepare: (cloudflare) => {
      cloudflare.missingDelete = "notFound";
    },
  },
};

for (const [name, options] of Object.entries(variants)) {
  describe(`cloudflare-access-rules, ${name}`, () => {
    for (const law of providerLaws) test(law.name, () => runProviderLaw(law, () => accessHarness(options)));
  });
}
