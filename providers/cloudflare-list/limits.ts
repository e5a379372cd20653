// Numbers of Cloudflare's API that this kind keeps to, each with where it comes from; all looked at 2026-11-20. Data only.

export const cloudflareLimits = {
  /** WAF lists: items over all lists of an account on plans below Enterprise (older pages of the docs; today's table is not confirmed). */
  itemsPerAccount: 10_000,
  /** Lists API schema: `per_page`. */
  itemsPerPage: 500,
  /** Lists API schema: list name and description. */
  listNameChars: 50,
  descriptionChars: 500,
  /** WAF custom lists: IPv4 /8 to /32; IPv6 /12 and longer. Older pages end IPv6 at /64. */
  shortestPrefix: { ipv4: 8, ipv6: 12 },
  /** Lists API: requests that change items, and items changed, in twelve hours. */
  changingRequestsPer12Hours: 30_000,
  changedItemsPer12Hours: 1_000_000,
} as const;

export const ours = {
  /** Items of one bulk operation: no bound is documented. A batch fails whole, so a smaller one costs less. */
  batchItems: 1_000,
  zonesMax: 20,
  /** A read of the items serves again while the list's counters stand still, but not longer than this. */
  itemsFreshMs: 4 * 60_000,
  /** `modified_on` is in whole seconds (Lists API, JSON object), and so is the server's date: two changes within one second look like one. */
  listSettlesMs: 2_000,
  /** A look at the zone rules serves again for this long, so that a burst of passes does not spend the window. */
  zonesFreshMs: 30_000,
  /** How long what the cloud refused by itself is not sent again, and an account found full is taken as full. */
  refusedMs: 60 * 60_000,
  /** … and the first time; four times as long each time after that. */
  refusedShortestMs: 30_000,
  /** Between two looks at a running operation. */
  pollShortestMs: 5_000,
  pollLongestMs: 60_000,
  /** An operation whose state cannot be made out for so long is let go: what stands is read, and decided anew. */
  operationForgottenMs: 15 * 60_000,
  /** Of one reading, beyond the pages that so many items fill: a listing that never ends must not spend the call limit. */
  sparePages: 20,
} as const;
