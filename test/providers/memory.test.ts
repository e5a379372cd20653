// The laws, tested on the reference kind before any real one has to pass them.
import { describe, expect, test } from "vitest";
import { ok } from "../../shared/errors.ts";
import type { Provider } from "../../shared/provider.ts";
import { providerLaws, runProviderLaw } from "../conformance/provider-laws.ts";
import { memoryHarness } from "./memory-harness.ts";

describe("memory, the reference kind", () => {
  for (const law of providerLaws) test(law.name, () => runProviderLaw(law, memoryHarness));
});

/** Names of the laws that a kind breaks when its instances are wrapped so. */
async function brokenBy(spoil: (real: Provider) => Partial<Provider>): Promise<readonly string[]> {
  const broken: string[] = [];
  for (const law of providerLaws) {
    const harness = await memoryHarness();
    const provider = () => {
      const real = harness.provider();
      const whole: Provider = {
        admit: (cidr) => real.admit(cidr),
        observe: (signal) => real.observe(signal),
        compile: (request) => real.compile(request),
        apply: (step, signal) => real.apply(step, signal),
        setup: (action, signal) => real.setup(action, signal),
      };
      return { ...whole, ...spoil(real) };
    };
    await law.run({ ...harness, provider }).catch(() => broken.push(law.name));
  }
  return broken;
}

describe("the laws", () => {
  test("catch: a kind that does not see its own entries", async () => {
    const broken = await brokenBy((real) => ({
      observe: async (signal) => {
        const seen = await real.observe(signal);
        return seen.ok ? ok({ ...seen.value, ours: [] }) : seen;
      },
    }));
    expect(broken).toContain("apply: empty to full to empty again, the last entry included");
    expect(broken).toContain("apply: an answer lost after the change is unknown; observed again, it is there and is not made twice");
  });

  test("catch: a kind that says applied whatever happened", async () => {
    const broken = await brokenBy(() => ({ apply: async () => ({ kind: "applied" }) }));
    expect(broken).toContain("apply: the same step twice changes nothing the second time, and says already or conflict");
    expect(broken).toContain("apply, observe: refused credentials are PROVIDER_AUTH, change nothing, and work again once restored");
  });

  test("catch: a kind that calls everything its own, and one that ignores frozen places", async () => {
    const greedy = await brokenBy((real) => ({
      observe: async (signal) => {
        const seen = await real.observe(signal);
        return seen.ok ? ok({ ...seen.value, foreign: [] }) : seen;
      },
    }));
    expect(greedy).toContain("observe: what a person adds is foreign, named, and takes up room");
    const hasty = await brokenBy((real) => ({ compile: (request) => real.compile({ ...request, frozen: new Set() }) }));
    expect(hasty).toEqual(["compile: frozen places are not touched, neither to add nor to remove"]);
  });
});
