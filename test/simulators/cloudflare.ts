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

import { basePath, type CloudflareOptions, SimulatedCloudflare } from "./cloudflare/simulator.ts";
import type { TokenPolicy } from "./cloudflare/tokens.ts";
import { LoopbackServer } from "./loopback-server.ts";

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
  readonly #server = new LoopbackServer("cloudflare", this);

  listen(port: number): Promise<void> {
    return this.#server.listen(port);
  }

  get url(): string {
    return `${this.#server.origin}${basePath}`;
  }

  close(): Promise<void> {
    return this.#server.close();
  }
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
