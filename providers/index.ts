// The table of kinds. Static, so that a build can leave out what its configuration does not use.
// Refuses lookups through inherited names.
import type { ProviderDefinition } from "../shared/provider.ts";
import { awsNacl } from "./aws-nacl/index.ts";
import { awsWaf } from "./aws-waf/index.ts";
import { azureNsg } from "./azure-nsg/index.ts";
import { cloudflareAccessRules } from "./cloudflare-access-rules/index.ts";
import { cloudflareList } from "./cloudflare-list/index.ts";

export const providers = {
  "aws-nacl": awsNacl,
  "aws-waf": awsWaf,
  "azure-nsg": azureNsg,
  "cloudflare-access-rules": cloudflareAccessRules,
  "cloudflare-list": cloudflareList,
} as const satisfies Record<string, ProviderDefinition>;

export type ProviderKind = keyof typeof providers;

export const providerKinds = Object.keys(providers) as readonly ProviderKind[];

function isKind(kind: string): kind is ProviderKind {
  return Object.hasOwn(providers, kind);
}

/** The definition of a kind; null for a name that is none. Parse settings with the definition's own schema before any other use of it. */
export function providerOf(kind: string): ProviderDefinition | null {
  return isKind(kind) ? providers[kind] : null;
}
