// Brings the reference kind to the laws: a firewall in memory, spoiled on demand. No Node in it, so that it runs in workerd too.
import { cidrKey, cidrOf } from "../../shared/address/index.ts";
import { Secret } from "../../shared/ports.ts";
import type { ProviderHarness, World } from "../conformance/provider-laws.ts";
import { MemoryFirewall, memoryDefinition } from "../simulators/memory-provider.ts";
import { testPorts } from "./ports.ts";

const storeId = "store-memory";

export async function memoryHarness(): Promise<ProviderHarness> {
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
