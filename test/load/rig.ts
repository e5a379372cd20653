// The deployment under load: the built Worker in workerd, three simulated clouds with rules of a person's, one client per kind of sender.
// Its limits are such that the load is legal, except for one client, whose is not.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../../shared/config.ts";
import { newSigningSecret } from "../bench/load.ts";
import { azureNames, cloudflareNames, type OtherUrls, otherClouds } from "../sandbox/other-clouds.ts";
import { newKey, type Stack, sandboxAdjust, startStack } from "../sandbox/stack.ts";
import { acl, list, nsgRule, rules } from "./clouds.ts";
import type { Credentials } from "./shapes.ts";

/** New blocks per minute of the client that asks for more. */
export const eagerPerMinute = 5;

export interface Rig {
  readonly stack: Stack;
  readonly keys: Credentials & { readonly reader: string };
  /** Where KV and the object keep their data; gone with `close`. */
  readonly folder: string;
  /** Lines that the Worker logged, oldest first. */
  readonly lines: readonly string[];
  close(): Promise<void>;
}

/** What a line of the log may count for, without keeping all of them. */
const linesMax = 200_000;

type Digests = Readonly<Record<"admin" | "scanner" | "detector" | "eager" | "reader", string>>;

function yamlOf(digests: Digests): (awsUrl: string, others: OtherUrls) => string {
  const { tenant, subscription, resourceGroup, nsg } = azureNames;
  return (awsUrl, { azure, cloudflare }) => `
owner: load
protect: { presets: all }
brake: { new: 10000, per: 10s }
clients:
  admin: { keys: ["${digests.admin}"], scopes: [block, lift, exempt, read, feed, metrics, admin], longest: 7d, widest: { ipv4: 24, ipv6: 48 } }
  script: { secrets: [LOAD_SECRET], scopes: [block], longest: 1h, live: 20000, newPerMinute: 10000 }
  scanner: { keys: ["${digests.scanner}"], scopes: [block], longest: 1h, widest: { ipv4: 24, ipv6: 64 }, live: 20000, newPerMinute: 10000 }
  detector: { keys: ["${digests.detector}"], scopes: ["alert:elastalert", "alert:generic"], longest: 1h, live: 20000, newPerMinute: 10000 }
  eager: { keys: ["${digests.eager}"], scopes: [block], longest: 1h, newPerMinute: ${eagerPerMinute} }
  reader: { keys: ["${digests.reader}"], scopes: [read, feed, metrics] }
targets:
  aws-web:
    kind: aws-nacl
    region: eu-west-1
    acl: ${acl}
    rules: { first: ${rules.first}, last: ${rules.last}, limit: 20 }
    mode: enforce
    endpoint: "${awsUrl}"
    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }
  azure-hub:
    kind: azure-nsg
    tenant: ${tenant}
    subscription: ${subscription}
    resourceGroup: ${resourceGroup}
    nsg: ${nsg}
    priority: 100
    rule: ${nsgRule}
    mode: enforce
    endpoint: "${azure}"
    loginEndpoint: "${azure}"
    credentials: { clientId: AZURE_HUB_ID, clientSecret: AZURE_HUB_SECRET }
  edge:
    kind: cloudflare-list
    account: ${cloudflareNames.account}
    list: ${list}
    zones: [${cloudflareNames.zone}]
    mode: enforce
    endpoint: "${cloudflare}"
    credentials: { token: CF_TOKEN }
`;
}

/** What alerts lead to: leases that end during the run, and some that take longer. */
function shortLeases(config: Config): Config {
  const adjusted = sandboxAdjust(config);
  const { elastalert, generic } = adjusted.alerts;
  return { ...adjusted, alerts: { ...adjusted.alerts, elastalert: { ...elastalert, forMs: 20_000 }, generic: { ...generic, forMs: 120_000 } } };
}

export async function startRig(): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-load-"));
  const [admin, scanner, detector, eager, reader] = [newKey(), newKey(), newKey(), newKey(), newKey()];
  const signing = newSigningSecret();
  const lines: string[] = [];
  const stack = await startStack({
    clouds: otherClouds,
    acls: [
      {
        id: acl,
        entries: [
          { number: 90, cidr: "192.0.2.66/32", action: "deny" },
          { number: 100, cidr: "0.0.0.0/0", action: "allow" },
          { egress: true, number: 100, cidr: "0.0.0.0/0", action: "allow" },
        ],
      },
    ],
    adminKey: admin.key,
    secrets: { LOAD_SECRET: signing },
    persistTo: folder,
    adjust: shortLeases,
    onLog: (line) => {
      if (lines.length < linesMax) lines.push(line);
    },
    yaml: yamlOf({ admin: admin.digest, scanner: scanner.digest, detector: detector.digest, eager: eager.digest, reader: reader.digest }),
  });
  return {
    stack,
    keys: { admin: admin.key, scanner: scanner.key, detector: detector.key, eager: eager.key, reader: reader.key, signing },
    folder,
    lines,
    async close() {
      await stack.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
