// A strict EC2 and STS on loopback, for tests, the sandbox and benches. Start one, point `endpoint` and `stsEndpoint` at its `url`:
//
//   const aws = await startAwsSimulator({
//     acls: [{ id: "acl-0123456789abcdef0" }],                       // default allows at 100, one subnet; see AclSeed
//     users: [{ name: "portcullis", accessKeyId: "AKIA…", secretAccessKey: "…", policy: fillPolicy(policy, { acl: "acl-0123456789abcdef0" }) }],
//     roles: [{ name: "blocker", policy, trusts: ["portcullis"], externalId: "…" }],
//   });
//   aws.url                                 "http://127.0.0.1:41234/": EC2 and STS alike, told apart by the signature's scope
//   aws.acl("acl-…").state                  entries, tags, subnets; .create(…) .replace(…) .delete(number, egress) .tag(…) as a person would
//   aws.faults.next.push({ action: "CreateNetworkAclEntry", mishap: { kind: "drop", committed: true } })
//   aws.log, aws.calls("DescribeNetworkAcls"), aws.writes, aws.changes, aws.onChange(listener)
//   await aws.close()
//
// It verifies every signature itself, holds every caller to its IAM policy, and refuses what the cloud refuses (`aws/`).
// `new SimulatedAws(options).respond(request)` is the same without a network.

import { type AwsOptions, SimulatedAws } from "./aws/simulator.ts";
import { LoopbackServer } from "./loopback-server.ts";

export type { AclChange, AclEntry, AclSeed, EntryInput, SimulatedAcl } from "./aws/acl.ts";
export { type Faults, type Mishap, noFaults } from "./aws/faults.ts";
export { awsLimits } from "./aws/limits.ts";
export type { RoleSeed, UserSeed } from "./aws/principals.ts";
export { type AwsOptions, type AwsReply, SimulatedAws, textOfState } from "./aws/simulator.ts";
export { type Claims, type IdentityProvider, issueToken } from "./aws/web-identity.ts";

export interface AwsServerOptions extends AwsOptions {
  /** 0 (the default): any free port. */
  readonly port?: number;
}

export class AwsSimulator extends SimulatedAws {
  readonly #server = new LoopbackServer("aws", this);

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

export async function startAwsSimulator(options: AwsServerOptions = {}): Promise<AwsSimulator> {
  const simulator = new AwsSimulator(options);
  await simulator.listen(options.port ?? 0);
  return simulator;
}

/** Puts real names into a policy document with the placeholders REGION, ACCOUNT, ACL and ROLE. */
export function fillPolicy(
  document: unknown,
  names: { readonly acl?: string; readonly role?: string; readonly region?: string; readonly account?: string },
): unknown {
  const { acl = "ACL", role = "ROLE", region = "eu-west-1", account = "111122223333" } = names;
  const text = JSON.stringify(document);
  return JSON.parse(
    text
      .replaceAll("REGION", region)
      .replaceAll("ACCOUNT", account)
      .replaceAll("network-acl/ACL", `network-acl/${acl}`)
      .replaceAll("role/ROLE", `role/${role}`),
  );
}
