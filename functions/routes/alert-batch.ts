// One request's alerts on their way to the coordinator: which blocks they ask for, and the line of the answer that each item gets.
// Refuses to know how an alert was read.
import { type Cidr, cidrKey, displayCidr } from "../../shared/address/index.ts";
import { type AlertSource, severities } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import type { AlertEvent } from "../../shared/request/alert.ts";
import { judgeBlock } from "../../shared/request/judge.ts";
import { leaseStart } from "../../shared/request/lease-time.ts";
import type { AcceptedItem, AcceptItem } from "../coordinator/contract.ts";
import { admissionNotes, admissionProblems } from "./admission.ts";
import { type Call, judgeOf, requestTime } from "./call.ts";
import { countByStatus } from "./passage.ts";

export type Status = AcceptedItem["status"] | "observed" | "refused" | "invalid" | "ignored" | "lifted";

/** One line of the answer. `key` ties it to what the coordinator says about its block; null when it never got there. */
export interface Line {
  readonly item: number;
  readonly ip?: string;
  readonly status: Status | null;
  readonly field?: string;
  readonly reason?: string;
  readonly key: string | null;
  readonly adjustments: readonly string[];
}

export interface Batch {
  readonly lines: Line[];
  readonly accepted: Map<string, AcceptItem>;
}

/** One address that an item asks to block. */
export interface AskedBlock {
  readonly item: number;
  readonly asked: Cidr;
  readonly event: AlertEvent;
}

/** The same block named twice in one request becomes one lease: the latest end, the highest severity, the newest event, everyone's ids. */
function merge(earlier: AcceptItem | undefined, item: AcceptItem): AcceptItem {
  if (earlier === undefined) return item;
  const later = item.until > earlier.until ? item : earlier;
  const severity = severities.indexOf(item.severity) > severities.indexOf(earlier.severity) ? item.severity : earlier.severity;
  const eventAt = Math.max(earlier.eventAt ?? earlier.at, item.eventAt ?? item.at);
  return { ...later, severity, eventAt, alerts: [...new Set([...earlier.alerts, ...item.alerts])].slice(0, limits.alertIdsMax) };
}

/** `said` goes to the sender as it is: what else was changed from what was asked. */
export function addAddress(entry: AskedBlock, lease: { readonly forMs: number; readonly said: readonly string[] }, call: Call, batch: Batch): void {
  const { item, asked, event } = entry;
  const { forMs, said } = lease;
  const judged = judgeBlock(asked, "ip", judgeOf(call));
  const { targets } = call.caller.client;
  const problem = judged.problems[0] ?? admissionProblems(call.deps, judged.cidr, "ip", targets)[0];
  const ip = displayCidr(judged.cidr);
  if (problem !== undefined) {
    batch.lines.push({ item, ip, status: "refused", reason: problem.reason, key: null, adjustments: [] });
    return;
  }
  const { at, notes, ...happened } = leaseStart(event.at, forMs, requestTime(call), call.now);
  const key = cidrKey(judged.cidr);
  const { severity, reason, ids: alerts } = event;
  const block = { key, asked: displayCidr(asked), at, until: at + forMs, severity, targets, reason, alerts, ...happened };
  batch.accepted.set(key, merge(batch.accepted.get(key), block));
  batch.lines.push({
    item,
    ip,
    status: null,
    key,
    adjustments: [...judged.adjustments, ...said, ...notes, ...admissionNotes(call.deps, judged.cidr, targets)],
  });
}

export function saidOnly(item: number, status: Status, reason: string, ip?: string): Line {
  return { item, ...(ip === undefined ? {} : { ip }), status, reason, key: null, adjustments: [] };
}

const lostStatuses: readonly string[] = ["refused", "invalid", "limited"];

/** Counts what the items came to, for the answer and the log; what nobody sends again has a line of its own, the only place where it is seen. */
export function countTaken(call: Call, source: AlertSource, items: readonly { readonly status: string }[]): Record<string, number> {
  const counts = countByStatus(items);
  call.passage.items = counts;
  if (lostStatuses.some((status) => Object.hasOwn(counts, status)))
    call.deps.log({ level: "warn", event: "alerts.not_taken", client: call.caller.name, source, counts });
  return counts;
}
