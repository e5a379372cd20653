// The product as the benches run it in workerd: one client that signs, one ACL and, if asked for, a firewall in each other cloud;
// the production settings, limits set high.
import { azureNames, cloudflareNames, type OtherCloud, type OtherUrls } from "../sandbox/other-clouds.ts";
import { newKey, type Stack, startStack } from "../sandbox/stack.ts";
import { newSigningSecret } from "./load.ts";

export const acl = "acl-0123456789abcdef0";

export interface Product {
  readonly stack: Stack;
  readonly adminKey: string;
  readonly signingSecret: string;
  /** Passes that did something, as the Worker's own log tells. */
  readonly passes: () => number;
}

/** The lines of targets besides AWS; none for a cloud without a URL. */
function otherTargets({ azure, cloudflare }: OtherUrls): string {
  const { tenant, subscription, resourceGroup, nsg } = azureNames;
  const place = `tenant: ${tenant}, subscription: ${subscription}, resourceGroup: ${resourceGroup}, nsg: ${nsg}, priority: 100`;
  const login = "credentials: { clientId: AZURE_HUB_ID, clientSecret: AZURE_HUB_SECRET }";
  const hub = `  azure-hub: { kind: azure-nsg, ${place}, mode: enforce, endpoint: "${azure}", loginEndpoint: "${azure}", ${login} }\n`;
  const names = `account: ${cloudflareNames.account}, list: portcullis, zones: [${cloudflareNames.zone}]`;
  const edge = `  edge: { kind: cloudflare-list, ${names}, mode: enforce, endpoint: "${cloudflare}", credentials: { token: CF_TOKEN } }\n`;
  return `${azure === "" ? "" : hub}${cloudflare === "" ? "" : edge}`;
}

export function productYaml(awsUrl: string, digest: string, others: OtherUrls = { azure: "", cloudflare: "" }): string {
  return `
owner: bench
protect: { presets: [iana-special-purpose, cloud-services] }
clients:
  bench: { keys: ["${digest}"], secrets: [BENCH_SECRET], scopes: [block, read, admin], longest: 7d, live: 50000, newPerMinute: 10000 }
brake: { new: 10000, per: 1m }
targets:
  aws-web: { kind: aws-nacl, region: eu-west-1, acl: ${acl}, rules: { first: 1, last: 40, limit: 20 }, mode: enforce, endpoint: "${awsUrl}", credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET } }
${otherTargets(others)}`;
}

export async function startProduct(clouds: readonly OtherCloud[] = []): Promise<Product> {
  const admin = newKey();
  const signingSecret = newSigningSecret();
  let passes = 0;
  const stack = await startStack({
    acls: [{ id: acl }],
    clouds,
    adminKey: admin.key,
    secrets: { BENCH_SECRET: signingSecret },
    yaml: (awsUrl, others) => productYaml(awsUrl, admin.digest, others),
    // The configuration as it would be deployed: the sandbox's shorter times are not for measuring.
    adjust: (config) => config,
    onLog: (text) => {
      passes += text.split('"event":"pass.done"').length - 1;
    },
  });
  return { stack, adminKey: admin.key, signingSecret, passes: () => passes };
}
