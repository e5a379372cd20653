// What an ARM or Entra error code means to us. One table, so that no caller compares code strings.
// Codes: Azure documentation (request-limits-and-throttling, lock-resources, common-deployment-errors) and the issue trackers named in
// README.md; checked 2026-11-20. Which status comes with which "another operation" code is not documented (seen: 400, 409, 429), so codes decide.

export type Meaning = "auth" | "throttle" | "busy" | "server" | "priority" | "capacity" | "locked" | "policy" | "missing" | "rejected";

const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ["AuthenticationFailed", "auth"],
  ["AuthorizationFailed", "auth"],
  ["LinkedAuthorizationFailed", "auth"],
  ["InvalidAuthenticationToken", "auth"],
  ["InvalidAuthenticationTokenTenant", "auth"],
  ["InvalidAuthenticationTokenAudience", "auth"],
  ["ExpiredAuthenticationToken", "auth"],
  ["TooManyRequests", "throttle"],
  ["SubscriptionRequestsThrottled", "throttle"],
  ["OperationsThrottled", "throttle"],
  ["RetryableErrorDueToAnotherOperation", "busy"],
  ["AnotherOperationInProgress", "busy"],
  ["ReferencedResourceNotProvisioned", "busy"],
  ["CanceledAndSupersededDueToAnotherOperation", "busy"],
  ["RetryableError", "busy"],
  ["InternalServerError", "server"],
  ["ServerTimeout", "server"],
  ["GatewayTimeout", "server"],
  ["ServiceUnavailable", "server"],
  ["SecurityRuleConflict", "priority"],
  ["SecurityRuleCountLimitReached", "capacity"],
  ["SecurityRuleAddressesOrPortsPerSecurityGroupLimitReached", "capacity"],
  ["ScopeLocked", "locked"],
  ["RequestDisallowedByPolicy", "policy"],
  ["ReadOnlyDisabledSubscription", "policy"],
  ["ResourceNotFound", "missing"],
  ["ResourceGroupNotFound", "missing"],
  ["SubscriptionNotFound", "missing"],
  ["NotFound", "missing"],
]);

/** The code decides, an inner one before an outer one; a status alone decides only where no known code came with it. */
export function meaningOf(status: number, codes: readonly string[]): Meaning {
  const known = codes.map((code) => meanings.get(code)).find((meaning) => meaning !== undefined);
  if (known !== undefined) return known;
  if (status === 429) return "throttle";
  if (status >= 500 || status === 408) return "server";
  return status === 401 || status === 403 ? "auth" : "rejected";
}

/** What the operator should do about a refusal. */
export const hints: Readonly<Record<Meaning, string>> = {
  auth: "assign the role of providers/azure-nsg/policy.json to this application on the NSG (a new assignment takes up to ten minutes)",
  throttle: "the next pass tries again",
  busy: "the next pass tries again",
  server: "the next pass tries again",
  priority: "another rule has this priority and direction: give it another one, or change the target's priority",
  capacity: "free addresses or rules in the NSG, or set maxEntries",
  locked: "a management lock on the NSG, its resource group or the subscription forbids this: remove it or exempt the NSG",
  policy: "a policy or the state of the subscription forbids this: exempt the NSG",
  missing: "correct subscription, resourceGroup and nsg of the target",
  rejected: "compare the message with the target's configuration",
};
