// POST /v1/alerts/{source}: takes what a detector sends, as it sends it. Once authenticated and of legal size the answer
// is 200 with a status per address: detectors stop at, or drop, what is refused, so one poisoned alert must never wedge one.
// Only a store that could not be reached answers otherwise (503): then nothing is promised and the detector should try again.
import { cidrKey, displayCidr } from "../../shared/address/index.ts";
import { type AlertSource, alertSources, severities } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { type AlertEntry, type AlertEvent, readAlerts } from "../../shared/request/alert.ts";
import { durationText } from "../../shared/request/duration.ts";
import { judgeBlock, longestMs } from "../../shared/request/judge.ts";
import type { AcceptedItem, AcceptItem } from "../coordinator/contract.ts";
import { admissionNotes, admissionProblems } from "./admission.ts";
import { jsonResponse, timeText } from "./answer.ts";
import { contentEncoding, parseJson } from "./body.ts";
import { type Call, type GuardedRoute, judgeOf, requestTime } from "./call.ts";
import { countByStatus } from "./passage.ts";

type Status = AcceptedItem["status"] | "observed" | "refused" | "invalid";

/** One line of the answer. `key` ties it to what the coordinator says about its block; null when it never got there. */
interface Line {
  readonly item: number;
  readonly ip?: string;
  readonly status: Status | null;
  readonly field?: string;
  readonly reason?: string;
  readonly key: string | null;
  readonly adjustments: readonly string[];
}

interface Batch {
  readonly lines: Line[];
  readonly accepted: Map<string, AcceptItem>;
}

/** What the detector sent, whichever way it came in. */
export type Payload = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

/** The body as the payload. The content type is not looked at: detectors send JSON as text/plain or without a type. */
export function bodyPayload(headers: Headers, body: Uint8Array): Payload {
  if (contentEncoding(headers) !== null) return { ok: false, reason: "the body is encoded (content-encoding); send it plain" };
  const parsed = parseJson(body);
  return parsed.ok ? parsed : { ok: false, reason: parsed.error.message };
}

function readEntries(call: Call, source: AlertSource, payload: Payload): readonly AlertEntry[] {
  if (!payload.ok) return [{ kind: "invalid", item: 0, field: "body", reason: payload.reason }];
  return readAlerts(payload.value, call.deps.config.alerts[source]);
}

interface Timing {
  readonly at: EpochMs;
  readonly notes: readonly string[];
}

/** Event time, unless it is unreadable, too late or ahead of us; then the receipt, and it is said. */
function leaseStart(event: AlertEvent, forMs: number, call: Call): Timing {
  const receipt = requestTime(call);
  const fromNow = (why: string): Timing => ({ at: call.now, notes: [`${why}, so the lease counts from its receipt`] });
  if (event.at === "unreadable") return fromNow("the event's time cannot be read");
  const at = event.at ?? receipt;
  if (at > call.now + limits.skewMs) return fromNow(`the event's time ${timeText(at)} is ahead of ours`);
  if (call.now - at > limits.lateEventMs) return fromNow(`the event's time ${timeText(at)} is more than ${durationText(limits.lateEventMs)} ago`);
  if (at + forMs <= call.now) return fromNow(`a lease of ${durationText(forMs)} from ${timeText(at)} would be over already`);
  return { at: Math.min(at, call.now), notes: [] };
}

/** The same block named twice in one request becomes one lease: the latest end, the highest severity, everyone's ids. */
function merge(earlier: AcceptItem | undefined, item: AcceptItem): AcceptItem {
  if (earlier === undefined) return item;
  const later = item.until > earlier.until ? item : earlier;
  const severity = severities.indexOf(item.severity) > severities.indexOf(earlier.severity) ? item.severity : earlier.severity;
  return { ...later, severity, alerts: [...new Set([...earlier.alerts, ...item.alerts])].slice(0, limits.alertIdsMax) };
}

function addAddress(entry: Extract<AlertEntry, { kind: "address" }>, forMs: number, call: Call, batch: Batch): void {
  const { item, asked, event } = entry;
  const judged = judgeBlock(asked, "ip", judgeOf(call));
  const { targets } = call.caller.client;
  const problem = judged.problems[0] ?? admissionProblems(call.deps, judged.cidr, "ip", targets)[0];
  const ip = displayCidr(judged.cidr);
  if (problem !== undefined) {
    batch.lines.push({ item, ip, status: "refused", reason: problem.reason, key: null, adjustments: [] });
    return;
  }
  const { at, notes } = leaseStart(event, forMs, call);
  const key = cidrKey(judged.cidr);
  const lease = { key, asked: displayCidr(asked), at, until: at + forMs, severity: event.severity, targets, reason: event.reason, alerts: event.ids };
  batch.accepted.set(key, merge(batch.accepted.get(key), lease));
  batch.lines.push({ item, ip, status: null, key, adjustments: [...judged.adjustments, ...notes, ...admissionNotes(call.deps, judged.cidr, targets)] });
}

function shownLine(line: Line, answers: ReadonlyMap<string, AcceptedItem>, observing: boolean): Record<string, unknown> & { readonly status: Status } {
  const answer = line.key === null ? undefined : answers.get(line.key);
  const reason = line.reason ?? answer?.why;
  const taken = observing && answer !== undefined && answer.status !== "exempt" && answer.status !== "limited";
  return {
    item: line.item,
    ...(line.ip === undefined ? {} : { ip: line.ip }),
    status: taken ? "observed" : (line.status ?? answer?.status ?? "invalid"),
    ...(line.field === undefined || line.field === "" ? {} : { field: line.field }),
    ...(reason === undefined ? {} : { reason }),
    ...(answer?.limit === undefined ? {} : { limit: answer.limit }),
    ...(answer?.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: answer.retryAfterSeconds }),
    ...(answer === undefined || answer.until === 0 ? {} : { until: timeText(answer.until) }),
    ...(line.adjustments.length === 0 ? {} : { adjustments: line.adjustments }),
  };
}

/** Makes leases of a payload whose sender is known and may send alerts of this source. */
export async function takeAlerts(call: Call, source: AlertSource, payload: Payload): Promise<Response> {
  const { config } = call.deps;
  const asked = config.alerts[source].forMs ?? config.defaults.forMs;
  const forMs = Math.min(asked, longestMs(call.caller.client));
  const shortened = forMs < asked ? [`for ${durationText(forMs)}, the longest for client ${call.caller.name}, instead of ${durationText(asked)}`] : [];
  const batch: Batch = { lines: [], accepted: new Map() };
  for (const entry of readEntries(call, source, payload)) {
    if (entry.kind === "address") addAddress(entry, forMs, call, batch);
    else batch.lines.push({ item: entry.item, status: "invalid", field: entry.field, reason: entry.reason, key: null, adjustments: [] });
  }
  const observing = call.caller.client.mode === "observe";
  const items = [...batch.accepted.values()];
  const answer = items.length === 0 ? null : await call.coordinator.accept({ client: call.caller.name, items, allOrNothing: false, dryRun: observing });
  const answers = new Map((answer?.items ?? []).map((item) => [item.key, item]));
  const shown = batch.lines.map((line) => shownLine(line, answers, observing));
  const counts = countByStatus(shown);
  call.passage.items = counts;
  const lost = ["refused", "invalid", "limited"].filter((status) => Object.hasOwn(counts, status));
  // Nobody sends these again, so the operator's log is the only place where they are seen.
  if (lost.length > 0) call.deps.log({ level: "warn", event: "alerts.not_taken", client: call.caller.name, source, counts });
  return jsonResponse(200, {
    source,
    recorded: !observing,
    ...(observing ? { mode: "observe" } : {}),
    ...(shortened.length === 0 ? {} : { adjustments: shortened }),
    counts,
    items: shown,
  });
}

export const alertRoutes: readonly GuardedRoute[] = alertSources.map((source) => ({
  method: "POST",
  path: `/v1/alerts/${source}`,
  access: `alert:${source}`,
  operation: `alert.${source}`,
  handle: (call) => takeAlerts(call, source, bodyPayload(call.request.headers, call.body)),
}));
