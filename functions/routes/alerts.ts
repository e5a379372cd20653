// POST /v1/alerts/{source}: takes what a detector sends, as it sends it. Once authenticated and of legal size the answer
// is 200 with a status per address: detectors stop at, or drop, what is refused, so one poisoned alert must never wedge one.
// Only a store that could not be reached answers otherwise (503): then nothing is promised and the detector should try again.
import { type AlertSource, alertSources, type EventSource, type MappedSource } from "../../shared/config.ts";
import { type AlertEntry, readAlerts } from "../../shared/request/alert.ts";
import { durationText } from "../../shared/request/duration.ts";
import { longestMs } from "../../shared/request/judge.ts";
import type { AcceptedItem } from "../coordinator/contract.ts";
import { addAddress, type Batch, countTaken, type Line, type Status } from "./alert-batch.ts";
import { addEvents, endResolved, type Resolved } from "./alert-events.ts";
import { escalatedView, jsonResponse, timeText } from "./answer.ts";
import type { Call, GuardedRoute } from "./call.ts";
import { bodyPayload, isEventSource, type Payload } from "./payload.ts";

function readEntries(call: Call, source: MappedSource, payload: Payload): readonly AlertEntry[] {
  if (!payload.ok) return [{ kind: "invalid", item: 0, field: "body", reason: payload.reason }];
  return readAlerts(payload.value, call.deps.config.alerts[source]);
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
    ...escalatedView(answer?.escalated),
    ...(line.adjustments.length === 0 ? {} : { adjustments: line.adjustments }),
  };
}

/** Tells the coordinator, and the sender what came of each item. */
async function answerBatch(call: Call, source: AlertSource, batch: Batch, adjustments: readonly string[]): Promise<Response> {
  const observing = call.caller.client.mode === "observe";
  const items = [...batch.accepted.values()];
  const answer = items.length === 0 ? null : await call.coordinator.accept({ client: call.caller.name, items, allOrNothing: false, dryRun: observing });
  const answers = new Map((answer?.items ?? []).map((item) => [item.key, item]));
  const shown = batch.lines.map((line) => shownLine(line, answers, observing));
  const counts = countTaken(call, source, shown);
  return jsonResponse(200, {
    source,
    recorded: !observing,
    ...(observing ? { mode: "observe" } : {}),
    ...(adjustments.length === 0 ? {} : { adjustments }),
    counts,
    items: shown,
  });
}

async function takeMapped(call: Call, source: MappedSource, payload: Payload): Promise<Response> {
  const { config } = call.deps;
  const asked = config.alerts[source].forMs ?? config.defaults.forMs;
  const forMs = Math.min(asked, longestMs(call.caller.client));
  const shortened = forMs < asked ? [`for ${durationText(forMs)}, the longest for client ${call.caller.name}, instead of ${durationText(asked)}`] : [];
  const batch: Batch = { lines: [], accepted: new Map() };
  for (const entry of readEntries(call, source, payload)) {
    if (entry.kind === "address") addAddress(entry, { forMs, said: [] }, call, batch);
    else batch.lines.push({ item: entry.item, status: "invalid", field: entry.field, reason: entry.reason, key: null, adjustments: [] });
  }
  return answerBatch(call, source, batch, shortened);
}

async function takeEvents(call: Call, source: EventSource, payload: Payload): Promise<Response> {
  const batch: Batch = { lines: [], accepted: new Map() };
  const resolved: readonly Resolved[] = addEvents(call, source, payload, batch);
  // Before new leases: a lift ends what began before it.
  batch.lines.push(...(await endResolved(call, resolved, batch)));
  batch.lines.sort((a, b) => a.item - b.item);
  return answerBatch(call, source, batch, []);
}

/** Makes leases of a payload whose sender is known and may send alerts of this source. */
export async function takeAlerts(call: Call, source: AlertSource, payload: Payload): Promise<Response> {
  // A mapped source names addresses to block and no events, so playbooks are not asked about it.
  if (!isEventSource(source)) return takeMapped(call, source, payload);
  return call.deps.eventPages?.take(call, source, payload) ?? takeEvents(call, source, payload);
}

export const alertRoutes: readonly GuardedRoute[] = alertSources.map((source) => ({
  method: "POST",
  path: `/v1/alerts/${source}`,
  access: `alert:${source}`,
  operation: `alert.${source}`,
  handle: async (call) => takeAlerts(call, source, await bodyPayload(call.request.headers, call.body, source)),
}));
