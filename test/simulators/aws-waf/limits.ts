// What the simulated WAFv2 refuses by number. One place; every number with its source. Looked at 2026-11-25.
// D documented, S seen in the vendor's service model, I inferred: stricter than what is known, so that nobody relies on more.
export const wafLimits = {
  /** D: AWS WAF quotas. */
  addressesPerSet: 10_000,
  /** D: AWS WAF quotas, "requests per second" of any individual Get or List, and Create, Put or Update action; no burst is documented. */
  callsPerSecond: { read: 5, write: 1 },
  /** S: EntityDescription. */
  descriptionChars: 256,
  /** D: UpdateIPSet, "all IPv4 and IPv6 CIDR ranges except for /0". */
  shortestPrefix: 1,
  /** I: as the simulated EC2 has it. */
  skewMs: 5 * 60_000,
} as const;
