// Which addresses Azure Resource Manager has here, what each needs permission for, and which bucket it draws from. Any other is no route.
import { azureLimits } from "./limits.ts";
import type { BucketName } from "./throttle.ts";

export type CallName =
  | "listGroups"
  | "readGroup"
  | "patchGroup"
  | "listRules"
  | "readRule"
  | "writeRule"
  | "deleteRule"
  | "readDefaults"
  | "readTags"
  | "writeTags"
  | "readOperation";

export interface Route {
  readonly call: CallName;
  readonly method: "GET" | "PUT" | "PATCH" | "DELETE";
  readonly pattern: RegExp;
  readonly action: string;
  readonly bucket: BucketName;
  readonly versions: readonly string[];
}

/** What an address named; empty where the route has no such part. */
export interface Named {
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly nsg: string;
  readonly rule: string;
  readonly operation: string;
}

const network = "Microsoft.Network/networkSecurityGroups";
const subscription = "^/subscriptions/(?<subscription>[^/]+)";
const inGroup = `${subscription}/resourceGroups/(?<resourceGroup>[^/]+)`;
const group = `${inGroup}/providers/${network}/(?<nsg>[^/]+)`;
const rule = `${group}/securityRules/(?<rule>[^/]+)$`;

function route(
  call: CallName,
  method: Route["method"],
  pattern: string,
  action: string,
  bucket: BucketName,
  versions: readonly string[] = azureLimits.versions.network,
): Route {
  return { call, method, pattern: new RegExp(pattern, "i"), action, bucket, versions };
}

export const routes: readonly Route[] = [
  route("listGroups", "GET", `${subscription}/providers/${network}$`, `${network}/read`, "reads"),
  route("listGroups", "GET", `${inGroup}/providers/${network}$`, `${network}/read`, "reads"),
  route("readGroup", "GET", `${group}$`, `${network}/read`, "reads"),
  route("patchGroup", "PATCH", `${group}$`, `${network}/write`, "writes"),
  route("listRules", "GET", `${group}/securityRules$`, `${network}/securityRules/read`, "reads"),
  route("readRule", "GET", rule, `${network}/securityRules/read`, "reads"),
  route("writeRule", "PUT", rule, `${network}/securityRules/write`, "writes"),
  route("deleteRule", "DELETE", rule, `${network}/securityRules/delete`, "deletes"),
  route("readDefaults", "GET", `${group}/defaultSecurityRules$`, `${network}/defaultSecurityRules/read`, "reads"),
  route("readTags", "GET", `${group}/providers/Microsoft.Resources/tags/default$`, "Microsoft.Resources/tags/read", "reads", azureLimits.versions.tags),
  route("writeTags", "PATCH", `${group}/providers/Microsoft.Resources/tags/default$`, "Microsoft.Resources/tags/write", "writes", azureLimits.versions.tags),
  route(
    "readOperation",
    "GET",
    `${subscription}/providers/Microsoft.Network/locations/[^/]+/(?:operations|operationResults)/(?<operation>[^/]+)$`,
    "Microsoft.Network/locations/operations/read",
    "reads",
  ),
];

export function namedOf(found: RegExpExecArray): Named {
  const part = (name: keyof Named) => decodeURIComponent(found.groups?.[name] ?? "");
  return { subscription: part("subscription"), resourceGroup: part("resourceGroup"), nsg: part("nsg"), rule: part("rule"), operation: part("operation") };
}

/** The scope that permission is needed at. */
export function scopeOf(named: Named): string {
  const parts = [`/subscriptions/${named.subscription}`];
  if (named.resourceGroup !== "") parts.push(`/resourceGroups/${named.resourceGroup}`);
  if (named.nsg !== "") parts.push(`/providers/${network}/${named.nsg}`);
  return parts.join("");
}
