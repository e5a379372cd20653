// Addresses for written histories.

/** At most 14, none near another, so that no two share a rule; none the callers' own. */
export function apart(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `192.0.2.${12 + 17 * index}`);
}
