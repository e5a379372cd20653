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
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type AwsOptions, SimulatedAws } from "./aws/simulator.ts";

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
  readonly #server: Server;

  constructor(options: AwsServerOptions) {
    super(options);
    this.#server = createServer((request, response) => {
      answer(this, request, response).catch((error: unknown) => {
        // A bug of the simulator must not look like an answer of the cloud.
        response.destroy(error instanceof Error ? error : new Error(String(error)));
        console.error("aws simulator failed", error);
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

async function answer(simulator: SimulatedAws, request: IncomingMessage, response: ServerResponse): Promise<void> {
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
