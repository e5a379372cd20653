// What a lift ends and what it leaves standing, told before the pass makes it so. Pure.
import { type Cidr, CidrIndex, cidrFromKey, cidrKey, contains } from "../../shared/address/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { liftKey } from "../../shared/keys.ts";
import { liftedBy } from "../../shared/lease/live.ts";
import type { Lease } from "../../shared/lease/record.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { liftsOfSnapshot } from "../pass/records.ts";
import type { LiftAnswer, LiftRequest } from "./contract.ts";
import type { Memory } from "./memory.ts";

export type LiveRecord = Pick<Lease, "client" | "at" | "until" | "severity" | "targets" | "held">;

export interface LiveBlock {
  readonly cidr: Cidr;
  readonly records: readonly LiveRecord[];
}

/** Blocks with live records, from the last snapshot and what was accepted since. Indexed: a request lifts a hundred of them at once. */
export function liveRecords(memory: Memory, now: EpochMs): CidrIndex<LiveBlock> {
  const rows = new Map<string, LiveBlock>();
  const lifted = liftedBy([...(memory.snapshot === null ? [] : liftsOfSnapshot(memory.snapshot)), ...memory.recentLifts()]);
  for (const row of memory.snapshot?.blocks ?? []) {
    const cidr = cidrFromKey(row.key);
    if (cidr === null) continue;
    rows.set(row.key, { cidr, records: row.records.filter((record) => record.until > now && !lifted({ ...record, cidr })) });
  }
  for (const lease of memory.recentLeases()) {
    const key = cidrKey(lease.cidr);
    const known = rows.get(key)?.records ?? [];
    const isKnown = known.some((record) => record.client === lease.client && record.until === lease.until);
    if (lease.until > now && !isKnown && !lifted(lease)) rows.set(key, { cidr: lease.cidr, records: [...known, lease] });
  }
  return new CidrIndex(rows.values(), (row) => row.cidr);
}

export function liftOne(
  key: string,
  request: LiftRequest,
  live: Pick<CidrIndex<LiveBlock>, "overlapping">,
): { readonly key: string; readonly answer: LiftAnswer["items"][number] } {
  const cidr = cidrFromKey(key);
  if (cidr === null) throw new PortcullisError("INVARIANT", `${key} is not a block`);
  let lifted = 0;
  const stillCoveredBy: string[] = [];
  for (const { cidr: block, records } of live.overlapping(cidr)) {
    if (records.length === 0) continue;
    const ends = records.filter((record) => record.at <= request.at && (request.client === "*" || record.client === request.client));
    if (contains(cidr, block)) lifted += ends.length;
    if (!contains(cidr, block) || ends.length < records.length) stillCoveredBy.push(cidrKey(block));
  }
  return { key: liftKey(cidr, request.at, request.client), answer: { key, lifted, exemptUntil: request.exemptUntil, stillCoveredBy } };
}
