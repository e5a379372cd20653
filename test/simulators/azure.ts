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
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type AzureOptions, SimulatedAzure } from "./azure/simulator.ts";

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
  readonly #server: Server;

  constructor(options: AzureServerOptions) {
    super(options);
    this.#server = createServer((request, response) => {
      answer(this, request, response).catch((error: unknown) => {
        // A bug of the simulator must not look like an answer of the cloud.
        response.destroy(error instanceof Error ? error : new Error(String(error)));
        console.error("azure simulator failed", error);
      });
    });
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", resolve);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

async function answer(simulator: SimulatedAzure, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : (value ?? "")]));
  const reply = simulator.respond({ method: request.method ?? "", target: request.url ?? "", headers, body: Buffer.concat(chunks).toString() });
  if (simulator.faults.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, simulator.faults.latencyMs));
  if (reply === null) {
    request.socket.destroy();
    return;
  }
  response.sendDate = false;
  response.writeHead(reply.status, reply.headers).end(reply.body);
}

export async function startAzureSimulator(options: AzureServerOptions = {}): Promise<AzureSimulator> {
  const simulator = new AzureSimulator(options);
  await simulator.listen(options.port ?? 0);
  return simulator;
}
