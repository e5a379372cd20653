// The laws, tested on the reference kind before any real one has to pass them.
import { describe, expect, test } from "vitest";
import { cidrKey, cidrOf } from "../../shared/address/index.ts";
import { ok } from "../../shared/errors.ts";
import { Secret } from "../../shared/ports.ts";
import type { Provider } from "../../shared/provider.ts";
import { type ProviderHarness, providerLaws, runProviderLaw, type World } from "../conformance/provider-laws.ts";
import { MemoryFirewall, memoryDefinition } from "../simulators/memory-provider.ts";
import { testPorts } from "./ports.ts";

const storeId = "store-memory";

async function memoryHarness(): Promise<ProviderHarness> {
  const firewall = new MemoryFirewall(12);
  firewall.mark = storeId;
  const definition = memoryDefinition(firewall);
  const ports = testPorts({ key: new Secret(firewall.key) });
  const provider = () => definition.create({ name: "m" }, ports);
  const entries = (wanted: (ours: boolean) => boolean) =>
    JSON.stringify([...firewall.places].filter(([, place]) => wanted(place.ours)).map(([number, { cidr, ours }]) => [number, cidrKey(cidr), ours]));
  const validKey = firewall.key;
  const take = (place: number) => firewall.places.set(place, { cidr: cidrOf("192.0.2.99/32"), ours: false });
  const troubles = { throttle: "throttled", lostAnswer: "lostAnswer", lostCall: "lostCall", serverError: "serverError" } as const;
  const world: World = {
    state: () => `${firewall.mark} ${entries(() => true)}`,
    foreign: () => entries((ours) => !ours),
    addForeign: () => take(2),
    takePlacesOf: (step) => {
      for (const slot of step.slots) take(Number(slot));
    },
    removeOurs: (entry) => firewall.places.delete(Number.parseInt(entry.id, 10)),
    writes: () => firewall.writes,
    advance: ports.advance,
    trouble: (trouble) => {
      if (trouble.kind === "unreadable") firewall.unreadable = true;
      else if (trouble.kind === "revoked") firewall.key = "another";
      else if (trouble.kind === "restored") firewall.key = validKey;
      else firewall.troubles.push({ kind: troubles[trouble.kind], retryAfterSeconds: trouble.kind === "throttle" ? trouble.retryAfterSeconds : null });
    },
  };
  return {
    definition,
    storeId,
    provider,
    operator: provider,
    world,
    nowMs: ports.clock.now,
    logs: ports.logs,
    secrets: () => [validKey],
    close: async () => {},
  };
}

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
