// A strict Azure Resource Manager and Entra ID on loopback, for tests, the sandbox and benches. Start one, point `endpoint` and
// `loginEndpoint` at its `url`:
//
//   const azure = await startAzureSimulator({
//     groups: [{ name: "hub", rules: [{ name: "web", priority: 300, destinationPortRange: "443" }] }],       // one subnet; see NsgSeed
//     applications: [{ name: "portcullis", clientId: "…", secrets: [{ value: "…" }], roles: [{ definition: fillRole(policy, …), scope }] }],
//   });
//   azure.url                               "http://127.0.0.1:41234/": Azure Resource Manager and the token endpoint alike
//   azure.group("hub").state                rules, tags, subnets; .put(…) .edit(name, …) .delete(name) .tag(…) .associate(…) as a person would
//   azure.faults.provisioningMs = 5_000     a change is worked on for so long; azure.locks.push({ name, scope, level })
//   azure.faults.next.push({ call: "writeRule", mishap: { kind: "drop", committed: true } })
//   azure.log, azure.calls("readGroup"), azure.writes, azure.changes, azure.onChange(listener)
//   await azure.close()
//
// It issues and checks the tokens itself, holds every application to its role assignments, and refuses what the cloud refuses (`azure/`).
// `new SimulatedAzure(options).respond(request)` is the same without a network.

import { type AzureOptions, SimulatedAzure } from "./azure/simulator.ts";
import { LoopbackServer } from "./loopback-server.ts";

export type { ApplicationSeed, FederatedCredential } from "./azure/entra.ts";
export type { AzureFaults, AzureMishap } from "./azure/faults.ts";
export { azureLimits } from "./azure/limits.ts";
export type { NsgChange, NsgSeed, NsgState, SimulatedNsg } from "./azure/nsg.ts";
export { fillRole } from "./azure/rbac.ts";
export type { AzureReply } from "./azure/refusal.ts";
export type { RuleInput } from "./azure/rules.ts";
export { type AzureLogged, type AzureOptions, type AzureRequest, type Lock, SimulatedAzure } from "./azure/simulator.ts";

export interface AzureServerOptions extends AzureOptions {
  /** 0 (the default): any free port. */
  readonly port?: number;
}

export class AzureSimulator extends SimulatedAzure {
  readonly #server = new LoopbackServer("azure", this);

  listen(port: number): Promise<void> {
    return this.#server.listen(port);
  }

  get url(): string {
    return `${this.#server.origin}/`;
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

export async function startAzureSimulator(options: AzureServerOptions = {}): Promise<AzureSimulator> {
  const simulator = new AzureSimulator(options);
  await simulator.listen(options.port ?? 0);
  return simulator;
}
