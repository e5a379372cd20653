// The azure-nsg part of a target in `portcullis.yaml`: what may be written, and what to write instead when it is wrong.
// Emits plain JSON that it accepts again unchanged. Refuses unknown keys; holds no secret.
import * as v from "valibot";

/** Limits of one NSG (Azure virtual network limits, 2022-12; error texts of hashicorp and kubernetes-sigs issues; checked 2026-11-20). */
export const groupLimits = { rules: 1_000, sourceAddresses: 4_000 } as const;
/** Priorities are 100 to 4096, lower first, unique per direction (azure-rest-api-specs network 2025-05-01, checked 2026-11-20). */
export const priorities = { first: 100, last: 4_096 } as const;
/** Longest description of a rule (azure-rest-api-specs network 2025-05-01, checked 2026-11-20). */
export const descriptionCharsMax = 140;
const ruleNameCharsMax = 80;

export type Family = 4 | 6;
export const families = [4, 6] as const satisfies readonly Family[];

/** The SDK asks for tokens of this audience and refuses any scheme but https; another endpoint is put in its place at the very last. */
export const armOrigin = "https://management.azure.com";
export const loginOrigin = "https://login.microsoftonline.com";

const ipv6Suffix = "-ipv6";

function unknownKey(allowed: string) {
  return (issue: v.StrictObjectIssue) =>
    issue.expected === "never" ? `unknown key ${issue.received}; allowed here: ${allowed}` : `expected an object with ${allowed}`;
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" && url.pathname === "/" && url.search === "" && url.hash === "";
}

function originOf(name: string) {
  const message = `${name} must be a plain http(s) origin without user, path or query, such as https://management.example.net`;
  return v.pipe(v.string(message), v.check(isOrigin, message));
}

function guidOf(name: string, where: string) {
  const message = `${name} must be a GUID such as 11111111-2222-3333-4444-555555555555 (${where})`;
  return v.pipe(v.string(message), v.regex(/^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, message));
}

/** Rule names: 1 to 80 characters, a word character first, a word character last (Azure documentation, network-security-groups-overview, checked 2026-11-20). */
const ruleMessage = `rule must be 1 to ${ruleNameCharsMax - ipv6Suffix.length} letters, digits, _ . or -, with a letter or digit at both ends, and not end in ${ipv6Suffix}`;
const rulePattern = /^[a-z0-9](?:[\w.-]*[a-z0-9])?$/i;
const priorityMessage = `priority must be a whole number from ${priorities.first} to ${priorities.last - 1}; the IPv6 rule takes the next one`;
const groupMessage = "resourceGroup must be the name of a resource group: 1 to 90 letters, digits, _ . ( ) or -, not ending in a dot";
const nsgMessage = "nsg must be the name of a network security group: 1 to 80 letters, digits, _ . or -";

const account = {
  subscription: guidOf("subscription", "`az account show --query id`"),
  tenant: guidOf("tenant", "`az account show --query tenantId`"),
  endpoint: v.exactOptional(originOf("endpoint")),
  loginEndpoint: v.exactOptional(originOf("loginEndpoint")),
};

const resourceGroup = v.pipe(v.string(groupMessage), v.regex(/^[\w().-]{0,89}[\w()-]$/, groupMessage));

/** What `discover` needs: the subscription, and if wanted one resource group of it. */
export const accountSchema = v.strictObject(
  { ...account, resourceGroup: v.exactOptional(resourceGroup) },
  unknownKey("subscription, tenant, resourceGroup, endpoint, loginEndpoint"),
);

export const settingsSchema = v.strictObject(
  {
    ...account,
    resourceGroup,
    nsg: v.pipe(v.string(nsgMessage), v.regex(/^[a-z0-9](?:[\w.-]{0,78}\w)?$/i, nsgMessage)),
    priority: v.pipe(
      v.number(priorityMessage),
      v.integer(priorityMessage),
      v.minValue(priorities.first, priorityMessage),
      v.maxValue(priorities.last - 1, priorityMessage),
    ),
    rule: v.optional(
      v.pipe(
        v.string(ruleMessage),
        v.maxLength(ruleNameCharsMax - ipv6Suffix.length, ruleMessage),
        v.regex(rulePattern, ruleMessage),
        v.check((name) => !name.toLowerCase().endsWith(ipv6Suffix), ruleMessage),
      ),
      "portcullis-deny",
    ),
  },
  unknownKey("subscription, tenant, resourceGroup, nsg, priority, rule, endpoint, loginEndpoint"),
);

export type AzureAccount = v.InferOutput<typeof accountSchema>;
export type AzureNsgSettings = v.InferOutput<typeof settingsSchema>;

/**
 * One rule cannot hold addresses of both families (`ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies`: Azure/AKS#3136,
 * hashicorp/terraform-provider-azurerm#12534, checked 2026-11-20), so each family has a rule of its own.
 */
export function ruleNameOf(settings: Pick<AzureNsgSettings, "rule">, family: Family): string {
  return family === 4 ? settings.rule : `${settings.rule}${ipv6Suffix}`;
}

export function priorityOf(settings: Pick<AzureNsgSettings, "priority">, family: Family): number {
  return family === 4 ? settings.priority : settings.priority + 1;
}

/** Azure compares names of resources and tags without regard to case (Azure documentation, tag-resources, checked 2026-11-20). */
export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** The tag on the NSG that `setup` writes. It names the rule, so that several deployments can share an NSG, each with a rule of its own. */
export function claimTagOf(settings: Pick<AzureNsgSettings, "rule">): string {
  return `portcullis:${settings.rule}`;
}

export function describeRule(storeId: string): string {
  return `Portcullis, store ${storeId}: managed, changes by hand are undone`;
}

export function groupPathOf(settings: Pick<AzureNsgSettings, "subscription" | "resourceGroup" | "nsg">): string {
  return `/subscriptions/${settings.subscription}/resourceGroups/${settings.resourceGroup}/providers/Microsoft.Network/networkSecurityGroups/${settings.nsg}`;
}
