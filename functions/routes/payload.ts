// What a detector sent, whichever way it came in: unpacked, read, or why it cannot be. Refuses to know what it means.
import { type AlertSource, type EventSource, eventSources } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import { mediaType, parseJson, parseLines } from "./body.ts";
import { packedText, plainBody } from "./unpack.ts";

export type Payload = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

export function isEventSource(source: AlertSource): source is EventSource {
  return (eventSources as readonly AlertSource[]).includes(source);
}

function read(bytes: Uint8Array, source: AlertSource): Payload {
  const parsed = isEventSource(source) ? parseLines(bytes) : parseJson(bytes);
  return parsed.ok ? parsed : { ok: false, reason: parsed.error.message };
}

/**
 * A CloudEvent whose attributes travel in headers, as the one object that it is in structured mode (CloudEvents 1.0.2, http-protocol-binding 3.1).
 * Only for the source that reads CloudEvents: the data alone is what every other one expects.
 */
function cloudEventOf(headers: Headers, data: unknown): unknown {
  if (headers.get("ce-specversion") === null || mediaType(headers).startsWith("application/cloudevents")) return data;
  const names = ["specversion", "id", "source", "type", "time", "subject"];
  return { ...Object.fromEntries(names.flatMap((name) => ((value) => (value === null ? [] : [[name, value]]))(headers.get(`ce-${name}`)))), data };
}

function parsedText(text: string): Payload {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false, reason: "the message that was published is not JSON" };
  }
}

/** The body as the payload. The content type is not looked at: detectors send JSON as text/plain or without a type, some a document a line. */
export async function bodyPayload(headers: Headers, body: Uint8Array<ArrayBuffer>, source: AlertSource): Promise<Payload> {
  const plain = await plainBody(headers, body, limits.unpackedBytesMax);
  if (!plain.ok) return plain;
  const payload = read(plain.bytes, source);
  if (payload.ok) return source === "cloudevents" ? { ok: true, value: cloudEventOf(headers, payload.value) } : payload;
  // What `notify` queues is a text, which whoever forwards it may post as it is.
  const packed = source === "custodian" ? await packedText(new TextDecoder().decode(plain.bytes)) : null;
  if (packed === null) return payload;
  return packed.ok ? parsedText(new TextDecoder().decode(packed.bytes)) : packed;
}

/** A text that was published: JSON where a service or a rule of ours published it, or JSON packed to fit. */
export async function textPayload(text: string): Promise<Payload> {
  const packed = await packedText(text);
  if (packed === null) return parsedText(text);
  return packed.ok ? parsedText(new TextDecoder().decode(packed.bytes)) : packed;
}
