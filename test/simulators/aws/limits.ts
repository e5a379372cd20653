// What the simulated EC2 and STS refuse by number. One place; every number with its source. Looked at 2026-11-20.
// D documented, S seen in vendor source, I inferred, U common use, not confirmed by a page we could read.
export const awsLimits = {
  /** D: Amazon VPC quotas, "Rules per network ACL"; the default deny counts. */
  rulesPerDirectionAndFamily: 20,
  rulesPerDirectionAndFamilyMost: 40,
  /** D: CreateNetworkAclEntry, RuleNumber. */
  ruleNumber: { first: 1, last: 32_766 },
  /** D: Amazon VPC user guide, network ACLs; shown by DescribeNetworkAcls. */
  defaultDeny: { ipv4: 32_767, ipv6: 32_768 },
  /** D: DescribeNetworkAclsMaxResults. */
  maxResults: { fewest: 5, most: 1_000 },
  /** D: Tag, key and value lengths; tags per resource. */
  tagKeyChars: 127,
  tagValueChars: 256,
  tagsPerResource: 50,
  /** D: EC2 API throttling: bucket size and refill per second; per account, region and action. */
  buckets: {
    mutating: { size: 50, perSecond: 5 },
    describing: { size: 100, perSecond: 20 },
    tagging: { size: 100, perSecond: 10 },
    /** U: STS publishes no bucket; large enough to matter only to a loop. */
    sts: { size: 600, perSecond: 600 },
  },
  /** U: EC2 allows 5 minutes in practice; SigV4's documented bound is 15. The stricter one is held. */
  skewMs: 5 * 60_000,
  /** D: AssumeRole. */
  sessionSeconds: { shortest: 900, byDefault: 3_600, longest: 43_200 },
  sessionPolicyChars: 2_048,
} as const;
