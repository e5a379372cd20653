// The documents Azure Resource Manager answers with (azure-rest-api-specs network 2025-05-01, NetworkSecurityGroup and SecurityRule).
import { guidOf, type NsgState, type SimulatedNsg } from "./nsg.ts";
import type { Rule } from "./rules.ts";

const type = "Microsoft.Network/networkSecurityGroups";

export function ruleDocument(nsg: SimulatedNsg, state: NsgState, rule: Rule): Record<string, unknown> {
  return { name: rule.name, id: `${nsg.id}/securityRules/${rule.name}`, etag: state.etag, type: `${type}/securityRules`, properties: rule.properties };
}

const anything = {
  protocol: "*",
  sourcePortRange: "*",
  destinationPortRange: "*",
  destinationAddressPrefix: "*",
  sourcePortRanges: [],
  destinationPortRanges: [],
  sourceAddressPrefixes: [],
  destinationAddressPrefixes: [],
};

const defaults = [
  ["AllowVnetInBound", "Inbound", 65_000, "Allow", "VirtualNetwork", "VirtualNetwork"],
  ["AllowAzureLoadBalancerInBound", "Inbound", 65_001, "Allow", "AzureLoadBalancer", "*"],
  ["DenyAllInBound", "Inbound", 65_500, "Deny", "*", "*"],
  ["AllowVnetOutBound", "Outbound", 65_000, "Allow", "VirtualNetwork", "VirtualNetwork"],
  ["AllowInternetOutBound", "Outbound", 65_001, "Allow", "*", "Internet"],
  ["DenyAllOutBound", "Outbound", 65_500, "Deny", "*", "*"],
] as const;

export function defaultDocuments(nsg: SimulatedNsg, state: NsgState): Record<string, unknown>[] {
  return defaults.map(([name, direction, priority, access, source, destination]) => ({
    name,
    id: `${nsg.id}/defaultSecurityRules/${name}`,
    etag: state.etag,
    type: `${type}/defaultSecurityRules`,
    properties: {
      ...anything,
      provisioningState: "Succeeded",
      direction,
      priority,
      access,
      sourceAddressPrefix: source,
      destinationAddressPrefix: destination,
    },
  }));
}

export function groupDocument(nsg: SimulatedNsg, state: NsgState): Record<string, unknown> {
  const scope = `/subscriptions/${nsg.subscription}/resourceGroups/${nsg.resourceGroup}/providers/Microsoft.Network`;
  const { subnets, networkInterfaces } = state;
  return {
    name: nsg.name,
    id: nsg.id,
    etag: state.etag,
    type,
    location: nsg.location,
    ...(Object.keys(state.tags).length === 0 ? {} : { tags: state.tags }),
    properties: {
      provisioningState: state.provisioningState,
      resourceGuid: guidOf(nsg.id),
      securityRules: state.rules.map((rule) => ruleDocument(nsg, state, rule)),
      defaultSecurityRules: defaultDocuments(nsg, state),
      ...(subnets.length === 0 ? {} : { subnets: subnets.map((name) => ({ id: `${scope}/virtualNetworks/vnet/subnets/${name}` })) }),
      ...(networkInterfaces.length === 0 ? {} : { networkInterfaces: networkInterfaces.map((name) => ({ id: `${scope}/networkInterfaces/${name}` })) }),
    },
  };
}

export function tagsDocument(nsg: SimulatedNsg, state: NsgState): Record<string, unknown> {
  return { id: `${nsg.id}/providers/Microsoft.Resources/tags/default`, name: "default", type: "Microsoft.Resources/tags", properties: { tags: state.tags } };
}
