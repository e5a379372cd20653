// The provider laws with each kind's harness, named for both: run in Deno by `laws.ts`, the real kinds over real HTTP.
import type { ProviderKind } from "../../../providers/index.ts";
import { type ProviderHarness, providerLaws, runProviderLaw } from "../../conformance/provider-laws.ts";
import { awsHarness } from "../../providers/aws-nacl-harness.ts";
import { wafHarness } from "../../providers/aws-waf-harness.ts";
import { azureHarness } from "../../providers/azure-nsg-harness.ts";
import { accessHarness } from "../../providers/cloudflare-access-rules-harness.ts";
import { cloudflareHarness } from "../../providers/cloudflare-list-harness.ts";
import { memoryHarness } from "../../providers/memory-harness.ts";

/**
 * Deno's fetch sends a request again, once and by itself, when the connection ends before an answer, a POST too (measured with
 * deno 2.9.5, 2026-11-20). An answer is lost for the product only when it is lost both times.
 */
async function lostTwice(make: () => Promise<ProviderHarness>): Promise<ProviderHarness> {
  const harness = await make();
  const { world } = harness;
  const trouble: typeof world.trouble = (given) => {
    world.trouble(given);
    if (given.kind === "lostAnswer" || given.kind === "lostCall") world.trouble({ kind: "lostCall" });
  };
  return { ...harness, world: { ...world, trouble } };
}

/** Every kind: one that is left out does not compile. */
const kinds: Readonly<Record<ProviderKind | "memory", () => Promise<ProviderHarness>>> = {
  memory: memoryHarness,
  "aws-nacl": () => lostTwice(() => awsHarness({ direction: "both" })),
  "aws-waf": () => lostTwice(wafHarness),
  "azure-nsg": () => lostTwice(azureHarness),
  "cloudflare-access-rules": () => lostTwice(accessHarness),
  "cloudflare-list": () => lostTwice(cloudflareHarness),
};

export const providerRuns = Object.entries(kinds).flatMap(([kind, harness]) =>
  providerLaws.map((law) => ({ name: `${kind}: ${law.name}`, run: () => runProviderLaw(law, harness) })),
);
