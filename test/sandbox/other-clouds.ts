// The clouds besides AWS that a stack may have: one simulated subscription with one NSG, one simulated account with one zone,
// each with a runtime credential as the provider's policy grants it, and a person's for `setup`. Refuses to know who uses them.
import azureRunRole from "../../providers/azure-nsg/policy.json" with { type: "json" };
import azureSetupRole from "../../providers/azure-nsg/policy.setup.json" with { type: "json" };
import cloudflareRunPolicy from "../../providers/cloudflare-list/policy.json" with { type: "json" };
import cloudflareSetupPolicy from "../../providers/cloudflare-list/policy.setup.json" with { type: "json" };
import { type AzureSimulator, fillRole, type RuleInput, startAzureSimulator } from "../simulators/azure.ts";
import { type CloudflareSimulator, fillTokenPolicy, startCloudflareSimulator } from "../simulators/cloudflare.ts";

export const otherClouds = ["azure", "cloudflare"] as const;
export type OtherCloud = (typeof otherClouds)[number];

/** Names that a configuration uses. Not secrets, and nobody's. */
export const azureNames = {
  tenant: "aaaaaaaa-0000-4000-8000-000000000001",
  subscription: "bbbbbbbb-0000-4000-8000-000000000002",
  resourceGroup: "edge",
  nsg: "hub",
} as const;
export const cloudflareNames = { account: "023e105f4ecef8ad9ca31a8372d0c353", zone: "9f1839b6152d298aca64c4e906b6d074" } as const;

const azureRuntime = { clientId: "cccccccc-0000-4000-8000-000000000003", secret: "runtime~Secret~of~the~sandbox~000001" } as const;
const azureOperator = { clientId: "dddddddd-0000-4000-8000-000000000004", secret: "operator~Secret~of~the~sandbox~00001" } as const;
const cloudflareTokens = { runtime: "runtime-token-of-the-sandbox-00000000001", operator: "operator-token-of-the-sandbox-0000000001" } as const;

export interface OtherUrls {
  /** Empty for a cloud that was not started. */
  readonly azure: string;
  readonly cloudflare: string;
}

export interface OtherClouds {
  readonly azure: AzureSimulator | null;
  readonly cloudflare: CloudflareSimulator | null;
  readonly urls: OtherUrls;
  /** What the deployed function holds. */
  readonly bindings: Readonly<Record<string, string>>;
  /** The same names with a person's credentials, for the CLI. */
  readonly operator: Readonly<Record<string, string>>;
  /** For PORTCULLIS_ALLOWED_HOSTS. */
  readonly hosts: readonly string[];
  close(): Promise<void>;
}

/** What a person has in the NSG already. */
const azureRules: readonly RuleInput[] = [
  { name: "allow-https", priority: 300, protocol: "Tcp", destinationPortRange: "443", sourceAddressPrefix: "Internet" },
  { name: "allow-ssh-office", priority: 310, protocol: "Tcp", destinationPortRange: "22", sourceAddressPrefixes: ["198.51.100.0/25", "198.51.100.192/26"] },
];

/** What a person has in the zone already; `setup` puts ours before it. */
const zoneRules = [
  { action: "managed_challenge", expression: '(http.request.uri.path eq "/login")', description: "Challenge logins" },
  { action: "log", expression: '(ip.src.country in {"XX" "T1"})', description: "Watch Tor & <unknown> countries" },
];

async function startAzure(): Promise<AzureSimulator> {
  const { tenant, subscription, resourceGroup, nsg } = azureNames;
  const scope = `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/Microsoft.Network/networkSecurityGroups/${nsg}`;
  const role = (document: unknown) => ({ definition: fillRole(document, { subscription, resourceGroup }), scope });
  const application = (name: string, { clientId, secret }: { readonly clientId: string; readonly secret: string }, ...documents: readonly unknown[]) => ({
    name,
    clientId,
    secrets: [{ value: secret }],
    roles: documents.map(role),
  });
  return startAzureSimulator({
    tenant,
    subscription,
    resourceGroup,
    groups: [{ name: nsg, rules: azureRules }],
    applications: [application("portcullis", azureRuntime, azureRunRole), application("operator", azureOperator, azureRunRole, azureSetupRole)],
  });
}

async function startCloudflare(): Promise<CloudflareSimulator> {
  const { account, zone } = cloudflareNames;
  const names = { account, zones: [zone] };
  const run = fillTokenPolicy(cloudflareRunPolicy, names);
  const simulator = await startCloudflareSimulator({
    accounts: [{ id: account, zones: [zone] }],
    tokens: [
      { value: cloudflareTokens.runtime, policies: run },
      { value: cloudflareTokens.operator, policies: [...run, ...fillTokenPolicy(cloudflareSetupPolicy, names)] },
    ],
  });
  simulator.zone(zone).create({ name: "default", kind: "zone", phase: "http_request_firewall_custom", rules: zoneRules });
  return simulator;
}

export async function startOtherClouds(wanted: readonly OtherCloud[]): Promise<OtherClouds> {
  const azure = wanted.includes("azure") ? await startAzure() : null;
  const cloudflare = wanted.includes("cloudflare") ? await startCloudflare() : null;
  const credentials = (application: { readonly clientId: string; readonly secret: string }, token: string) => ({
    ...(azure === null ? {} : { AZURE_HUB_ID: application.clientId, AZURE_HUB_SECRET: application.secret }),
    ...(cloudflare === null ? {} : { CF_TOKEN: token }),
  });
  const started = [azure, cloudflare].filter((simulator) => simulator !== null);
  return {
    azure,
    cloudflare,
    urls: { azure: azure?.url ?? "", cloudflare: cloudflare?.url ?? "" },
    bindings: credentials(azureRuntime, cloudflareTokens.runtime),
    operator: credentials(azureOperator, cloudflareTokens.operator),
    hosts: started.map(({ url }) => new URL(url).host),
    async close() {
      for (const simulator of started) await simulator.close();
    },
  };
}
