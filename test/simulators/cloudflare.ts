// A strict Cloudflare on loopback (Lists and zone rulesets), for tests, the sandbox and benches. Start one, point `endpoint` at its `url`:
//
//   const cloudflare = await startCloudflareSimulator({
//     accounts: [{ id: "023e…", zones: ["9f1c…"], lists: [{ name: "portcullis" }] }],
//     tokens: [{ value: "…", policies: fillTokenPolicy(policy, { account: "023e…", zones: ["9f1c…"] }) }],
//   });
//   cloudflare.url                                        "http://127.0.0.1:41234/client/v4"
//   cloudflare.account("023e…").list("portcullis").items  by value; account.edit(list, add, remove) as a person would
//   cloudflare.account("023e…").begin()                   another tool's bulk operation: nobody else may write until it is done
//   cloudflare.faults.next.push({ route: "items.create", mishap: { kind: "drop", committed: true } })
//   cloudflare.log, cloudflare.calls("items.list"), cloudflare.writes
//   await cloudflare.close()
//
// It holds every token to its policies and its call limit, and refuses what the cloud refuses (`cloudflare/`).
// `new SimulatedCloudflare(options).respond(request)` is the same without a network.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basePath, type CloudflareOptions, SimulatedCloudflare } from "./cloudflare/simulator.ts";
import type { TokenPolicy } from "./cloudflare/tokens.ts";

export { Account, type Item, type ItemInput, type List } from "./cloudflare/account.ts";
export { type Faults, type Mishap, noFaults } from "./cloudflare/faults.ts";
export { cloudflareLimits } from "./cloudflare/limits.ts";
export { type CloudflareOptions, type Logged, SimulatedCloudflare } from "./cloudflare/simulator.ts";
export type { TokenPolicy, TokenSeed } from "./cloudflare/tokens.ts";

export interface CloudflareServerOptions extends CloudflareOptions {
  /** 0 (the default): any free port. */
  readonly port?: number;
}

export class CloudflareSimulator extends SimulatedCloudflare {
  readonly #server: Server;

  constructor(options: CloudflareServerOptions) {
    super(options);
    this.#server = createServer((request, response) => {
      answer(this, request, response).catch((error: unknown) => {
        // A bug of the simulator must not look like an answer of the cloud.
        response.destroy(error instanceof Error ? error : new Error(String(error)));
        console.error("cloudflare simulator failed", error);
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
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${basePath}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

async function answer(simulator: SimulatedCloudflare, request: IncomingMessage, response: ServerResponse): Promise<void> {
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

export async function startCloudflareSimulator(options: CloudflareServerOptions = {}): Promise<CloudflareSimulator> {
  const simulator = new CloudflareSimulator(options);
  await simulator.listen(options.port ?? 0);
  return simulator;
}

/** Puts real names into a token's policies with the placeholders ACCOUNT and ZONE. */
export function fillTokenPolicy(
  document: { readonly policies: readonly TokenPolicy[] },
  names: { readonly account: string; readonly zones: readonly string[] },
): readonly TokenPolicy[] {
  const fill = (resource: string) =>
    resource.endsWith(".ZONE") ? names.zones.map((zone) => resource.replace(/ZONE$/, zone)) : [resource.replace(/ACCOUNT$/, names.account)];
  return document.policies.map((policy) => ({
    ...policy,
    resources: Object.fromEntries(Object.entries(policy.resources).flatMap(([resource, access]) => fill(resource).map((name) => [name, access]))),
  }));
}
