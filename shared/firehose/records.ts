// Reads what Amazon Data Firehose posts and what its records hold: log events of CloudWatch Logs, or events as somebody put them there.
// Pure and lax: what makes no sense stays in the list as the text it is, so that it is named as invalid and spoils no neighbour.

import { linesOf } from "../request/text.ts";

export interface Delivery {
  readonly requestId: string | null;
  /** Of each record, its data in base64; null for what has none. */
  readonly records: readonly (string | null)[];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function own(value: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** An id that may be sent back in an answer; Firehose's are GUIDs (Firehose developer guide, httpdeliveryrequestresponse, 2026-11-26). */
export function requestIdOf(value: unknown): string | null {
  return typeof value === "string" && /^[A-Za-z0-9_-]{1,128}$/.test(value) ? value : null;
}

/** Null for a body that is no delivery at all. */
export function readDelivery(body: unknown): Delivery | null {
  if (!isObject(body)) return null;
  const records = own(body, "records");
  if (!Array.isArray(records)) return null;
  const data = records.map((record: unknown) => (isObject(record) ? own(record, "data") : undefined));
  return { requestId: requestIdOf(own(body, "requestId")), records: data.map((text) => (typeof text === "string" ? text : null)) };
}

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

function parse(text: string): Parsed {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}

function parsedOr(text: string): unknown {
  const parsed = parse(text);
  return parsed.ok ? parsed.value : text;
}

/**
 * The events of a subscription to CloudWatch Logs; a control message only tests whether we are there, and holds none
 * (CloudWatch Logs user guide, SubscriptionFilters, 2026-11-26). Anything else is an event itself.
 */
function eventsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (!isObject(value)) return [value];
  const type = own(value, "messageType");
  const events = own(value, "logEvents");
  if (type === "CONTROL_MESSAGE") return [];
  if (type !== "DATA_MESSAGE" || !Array.isArray(events)) return [value];
  return events.map((event: unknown) => {
    const message = isObject(event) ? own(event, "message") : undefined;
    return typeof message === "string" ? parsedOr(message) : event;
  });
}

/** The events of one record, at most `countMax`: of one JSON text, or one on each line. An empty record is allowed, and is none. */
export function recordEvents(text: string, countMax: number): readonly unknown[] {
  const whole = parse(text);
  if (whole.ok) return eventsOf(whole.value).slice(0, countMax);
  const events: unknown[] = [];
  for (const line of linesOf(text)) {
    if (events.length >= countMax) break;
    for (const event of eventsOf(parsedOr(line))) events.push(event);
  }
  return events.slice(0, countMax);
}
