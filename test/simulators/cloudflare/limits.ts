// What the simulated Cloudflare refuses by number. One place; every number with its source. Looked at 2026-11-20.
// D documented, I inferred, U a choice where no page says a number.
export const cloudflareLimits = {
  /** D: API reference, limits: per token; then all is refused for as long again. */
  calls: { most: 1_200, windowMs: 5 * 60_000, shutOutMs: 5 * 60_000 },
  /** D: Lists API page: per account. */
  changingRequests: { most: 30_000, windowMs: 12 * 3_600_000 },
  changedItems: { most: 1_000_000, windowMs: 12 * 3_600_000 },
  /** D: older "Rules lists" page: over all lists of an account below Enterprise. */
  itemsPerAccount: 10_000,
  /** D: WAF lists: Free 1, Pro and Business 10. */
  listsPerAccount: 10,
  /** D: schema of the Lists API. */
  perPage: 500,
  nameChars: 50,
  descriptionChars: 500,
  commentChars: 500,
  /** D: WAF custom lists. IPv6 by the newest page; `ipv6Longest: 64` gives the older one. */
  shortestPrefix: { ipv4: 8, ipv6: 12 },
  ipv6Longest: 128,
  /** D: WAF custom rules: Free 5. */
  rulesPerZone: 5,
  /** D: about 4 KB. */
  expressionChars: 4_096,
  /** D: WAF, IP Access rules: per account. */
  accessRulesPerAccount: 50_000,
  /** U: others ask for 1,000 (code in public repositories). */
  accessRulesPerPage: 1_000,
  /** D: IP Access rules, parameters. */
  accessLengths: { ipv4: [16, 24], ipv6: [32, 48, 64] },
  /** U: no page says how long notes may be. */
  notesChars: 500,
  /** U: how long a bulk operation takes by default. */
  operationMs: 2_000,
  /** U: how long a finished operation can be asked for. */
  operationKeptMs: 24 * 3_600_000,
} as const;
