// The definition of azure-nsg: what it can do, its limits with their sources, its permissions, its factory. Data only.
import type { ProviderDefinition } from "../../shared/provider.ts";
import { type AzureNsgSettings, armOrigin, groupLimits, loginOrigin, priorities, settingsSchema } from "./config.ts";
import { discover } from "./discover.ts";
import { AzureNsg } from "./provider.ts";

const checked = "2026-11-20";
const networkLimits = "https://github.com/MicrosoftDocs/azure-docs/blob/main/includes/azure-virtual-network-limits.md";
const throttling = "https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling";
const ruleSpec = "https://github.com/Azure/azure-rest-api-specs/blob/main/specification/network/resource-manager/Microsoft.Network";

export const azureNsg: ProviderDefinition<AzureNsgSettings> = {
  kind: "azure-nsg",
  title: "Azure network security group",
  granularity: "group",
  capabilities: {
    ipv4Host: { support: "yes" },
    ipv4Range: { support: "yes" },
    ipv6Host: { support: "yes", note: "in a rule of their own, at the next priority" },
    ipv6Range: { support: "yes" },
    swap: { support: "no", note: "a rule is written whole, so adds and removals land together anyway" },
    egress: { support: "no", note: "inbound only" },
  },
  limits: [
    {
      name: "source addresses and ranges per NSG",
      value: groupLimits.sourceAddresses,
      unit: "over all its rules, the owner's included",
      source: networkLimits,
      checked,
    },
    { name: "rules per NSG", value: groupLimits.rules, unit: "rules, the defaults not counted", source: networkLimits, checked },
    { name: "highest priority number", value: priorities.last, unit: "from 100; unique per direction", source: ruleSpec, checked },
    { name: "writes", value: 200, unit: "as a burst, then 10 per second; per region, subscription and principal", source: throttling, checked },
    { name: "reads", value: 250, unit: "as a burst, then 25 per second; per region, subscription and principal", source: throttling, checked },
  ],
  permissions: [
    "Microsoft.Network/networkSecurityGroups/read",
    "Microsoft.Network/networkSecurityGroups/securityRules/read",
    "Microsoft.Network/networkSecurityGroups/securityRules/write",
    "Microsoft.Network/networkSecurityGroups/securityRules/delete",
  ],
  credentials: [
    { name: "clientId", required: true, note: "application (client) id of an Entra application that has the role of policy.json on the NSG" },
    { name: "clientSecret", required: false, note: "a client secret of that application; not needed with a federated identity" },
    { name: "federatedToken", required: false, note: "a JWT of an issuer that the application trusts, where the platform gives none by itself" },
  ],
  // Azure documents no bound for how far a read of an NSG may be behind a write; ten seconds is a choice.
  observeLagMs: 10_000,
  caveats: [
    "An NSG keeps running flows: a block stops new connections, and does not cut one that stands.",
    "Behind Front Door, Application Gateway or any other proxy it stops nobody: an NSG sees the proxy's address.",
    "Security admin rules of Azure Virtual Network Manager come first: an always-allow there passes by any NSG.",
    "A change takes seconds after Azure accepted it; until then the block is pending, and nothing else is written to the NSG.",
    "A rule cannot hold a range and an address inside it: the wider one denies for both, and the narrower one is shown as pending until it stands alone.",
    "A delete lock on the NSG or its resource group forbids deleting the rule, so the last address of a family is not lifted while it holds.",
  ],
  settings: settingsSchema,
  // Its rule name is what a target claims: a new priority moves the rule, and leaves nothing behind.
  place: (settings) => ({ name: `${settings.subscription}/${settings.resourceGroup}/${settings.nsg} ${settings.rule}`.toLowerCase(), span: null }),
  serialKey: (settings) => `azure-nsg:${settings.subscription}/${settings.resourceGroup}/${settings.nsg}`.toLowerCase(),
  hostSuffixes: () => [new URL(armOrigin).hostname, new URL(loginOrigin).hostname],
  create: (settings, ports) => new AzureNsg(settings, ports),
  discover,
};
