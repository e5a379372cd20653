// cloudflare-list held to the laws of every kind, over real HTTP against the strict simulator.
import { describe, test } from "vitest";
import { providerLaws, runProviderLaw } from "../conformance/provider-laws.ts";
import { type CloudflareHarnessOptions, cloudflareHarness } from "./cloudflare-list-harness.ts";

const variants: Readonly<Record<string, CloudflareHarnessOptions>> = {
  "a list of our own": {},
  "a shared list": { settings: { shared: "allow" } },
  "single IPv6 addresses": { settings: { ipv6: 128 } },
  "operations done at once": { server: { operationMs: 0 } },
  "no zones": { settings: { zones: [] } },
};

for (const [name, options] of Object.entries(variants)) {
  describe(`cloudflare-list, ${name}`, () => {
    for (const law of providerLaws) test(law.name, () => runProviderLaw(law, () => cloudflareHarness(options)));
  });
}
