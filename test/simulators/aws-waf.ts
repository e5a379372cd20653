// A strict WAFv2 (and STS) on loopback, for tests. Start one, point `endpoint` and `stsEndpoint` at its `url`:
//
//   const waf = await startWafSimulator({
//     sets: [{ name: "blocked", id: "11111111-2222-4333-8444-555555555555", version: "IPV4" }],
//     webAcls: [{ name: "edge", id: "…", rules: [{ name: "block", priority: 0, action: "Block", statement: inSet(arn) }] }],
//     users: [{ name: "portcullis", accessKeyId: "AKIA…", secretAccessKey: "…", policy }],
//   });
//   waf.set(arn).state, .edit({ addresses, description }) as a person would; waf.webAcl(arn).rules = […]; waf.delete(arn)
//   waf.faults.next.push({ action: "UpdateIPSet", mishap: { kind: "drop", committed: true } })
//   waf.log, waf.calls("GetIPSet"), waf.writes, waf.changes, waf.aws (STS and its principals)
//   await waf.close()
//
// It verifies every signature itself, holds every caller to its IAM policy and to one write a second, and refuses what the cloud refuses.
import { SimulatedWaf, type WafOptions } from "./aws-waf/simulator.ts";
import { LoopbackServer } from "./loopback-server.ts";

export type { IpSetSeed, Scope, SimulatedIpSet } from "./aws-waf/ip-set.ts";
export { wafLimits } from "./aws-waf/limits.ts";
export type { WafOptions } from "./aws-waf/simulator.ts";
export { anyOf, inSet, managed, type RuleSeed, type WebAclSeed } from "./aws-waf/web-acl.ts";

export class WafSimulator extends SimulatedWaf {
  readonly #server = new LoopbackServer("aws-waf", this);

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

export async function startWafSimulator(options: WafOptions & { readonly port?: number } = {}): Promise<WafSimulator> {
  const simulator = new WafSimulator(options);
  await simulator.listen(options.port ?? 0);
  return simulator;
}
