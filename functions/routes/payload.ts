// What a detector sent, whichever way it came in: read, or why it cannot be. Refuses to know what it means.
import { type AlertSource, type EventSource, eventSources } from "../../shared/config.ts";
import { contentEncoding, parseJson, parseLines } from "./body.ts";

export type Payload = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

export function isEventSource(source: AlertSource): source is EventSource {
  return (eventSources as readonly AlertSource[]).includes(source);
}

/** The body as the payload. The content type is not looked at: detectors send JSON as text/plain or without a type, some a document a line. */
export function bodyPayload(headers: Headers, body: Uint8Array, source: AlertSource): Payload {
  if (contentEncoding(headers) !== null) return { ok: false, reason: "the body is encoded (content-encoding); send it plain" };
  const parsed = isEventSource(source) ? parseLines(body) : parseJson(body);
  return parsed.ok ? parsed : { ok: false, reason: parsed.error.message };
}
