// What the simulated Azure refuses by number. One place; every number with its source. Looked at 2026-11-20.
// D documented, T seen in issue trackers or vendor source, I inferred, U common use, not confirmed by a page we could read.
export const azureLimits = {
  /** D: azure-docs includes/azure-virtual-network-limits (2022-12); T: "MaxSecurityRuleAddressesOrPortsPerSecurityGroup", kubernetes-sigs/cloud-provider-azure#2725. */
  addressesPerGroup: 4_000,
  /** D: the same page; T: SecurityRuleCountLimitReached, azure-rest-api-specs#3003. */
  rulesPerGroup: 1_000,
  /** D: azure-rest-api-specs network 2025-05-01, SecurityRulePropertiesFormat. */
  priority: { first: 100, last: 4_096 },
  descriptionChars: 140,
  /** D: azure-docs network-security-groups-overview: 1 to 80 characters, a word character first, a word character or _ last. */
  ruleName: /^[a-z0-9](?:[\w.-]{0,78}\w)?$/i,
  /** D: learn.microsoft.com tag-resources: name and value lengths, characters, tags per resource. */
  tags: { nameChars: 512, valueChars: 256, count: 50, forbidden: /[<>%&\\?/]/ },
  /** D: learn.microsoft.com request-limits-and-throttling: token buckets per region, subscription and principal. */
  buckets: {
    reads: { size: 250, perSecond: 25 },
    writes: { size: 200, perSecond: 10 },
    deletes: { size: 200, perSecond: 10 },
  },
  /** D: Entra v2-oauth2-client-creds-grant-flow, its example answer. */
  tokenSeconds: 3_599,
  /** 2025-05-01 is the published description, 2026-01-01 what @azure/arm-network 39.0.0 sends; tags have a version of their own. */
  versions: { network: ["2025-05-01", "2026-01-01"], tags: ["2021-04-01"] },
  /** U: how many groups or rules a page of a listing holds. */
  pageSize: 200,
} as const;
