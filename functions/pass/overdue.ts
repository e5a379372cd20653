// How long something of ours has stood that should not: the measure of promise P2. Pure.
import { CidrIndex, cidrFromKey } from "../../shared/address/index.ts";
import type { EndedRecord } from "../../shared/lease/snapshot.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { overAt } from "./ended.ts";
import type { Visit } from "./visit.ts";

/** Since when the longest one is over, of the entries that serve no live lease and did serve one; null: there is none. */
export function overdueSince(visited: Visit, ended: readonly EndedRecord[]): EpochMs | null {
  const needs = new CidrIndex(visited.plan?.needs.needs ?? [], (need) => need.cidr);
  const over = new CidrIndex(
    ended.flatMap((record) => {
      const cidr = cidrFromKey(record.key);
      return cidr === null ? [] : [{ cidr, at: overAt(record) }];
    }),
    ({ cidr }) => cidr,
  );
  const since = visited.standing.flatMap((entry) => {
    if (needs.overlapping(entry.cidr).length > 0) return [];
    const served = over.overlapping(entry.cidr);
    return served.length === 0 ? [] : [Math.max(...served.map(({ at }) => at))];
  });
  return since.length === 0 ? null : Math.min(...since);
}
