// The laws every kind of firewall is held to, against its strict simulator. Data: a runner loops over the list.
// A new kind adds a harness, never a law of its own; a law never names a kind.
import { failingLaws } from "./provider/failing.ts";
import type { ProviderHarness, ProviderLaw } from "./provider/harness.ts";
import { observingLaws } from "./provider/observing.ts";
import { owningLaws } from "./provider/owning.ts";
import { writingLaws } from "./provider/writing.ts";

export type { ProviderHarness, ProviderLaw, Trouble, World } from "./provider/harness.ts";

export const providerLaws: readonly ProviderLaw[] = [...observingLaws, ...writingLaws, ...failingLaws, ...owningLaws];

/** Runs one law on a target of its own. A law about a capability that the kind does not have is held by the law about `admit`. */
export async function runProviderLaw(law: ProviderLaw, makeHarness: () => Promise<ProviderHarness>): Promise<void> {
  const harness = await makeHarness();
  try {
    if (law.needs !== undefined && harness.definition.capabilities[law.needs].support !== "yes") return;
    await law.run(harness);
  } finally {
    await harness.close();
  }
}
