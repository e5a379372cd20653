// POST /v1/firehose/{source}: takes what an Amazon Data Firehose stream delivers, such as a CloudWatch Logs subscription. The stream's access
// key is a client's key, and every answer but that to a stranger is in Firehose's own form (Firehose developer guide,
// httpdeliveryrequestresponse, 2026-11-26). Refuses to unpack more than its bounds, and to let one bad record spoil the others.
import { type AlertSource, alertSources } from "../../shared/config.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { readDelivery, recordEvents, requestIdOf } from "../../shared/firehose/records.ts";
import { limits } from "../../shared/limits.ts";
import { bytesOf } from "../auth/signature.ts";
import { takeAlerts } from "./alerts.ts";
import { parseJson } from "./body.ts";
import type { Door, PublicCall, SenderRoute } from "./call.ts";
import { decodedPart } from "./path.ts";
import type { Payload } from "./payload.ts";
import { errorOf, noteCode, problemResponse, securityHeaders, unauthenticatedResponse } from "./problem.ts";
import { bodyOf, callOf, refuseSender } from "./sender.ts";
import { isGzip, plainBody, unpack } from "./unpack.ts";

const prefix = "/v1/firehose/";

/** Exactly the members that Firehose knows. */
function acknowledgement(status: number, requestId: string, now: number, errorMessage?: string): Response {
  const body = { requestId, timestamp: now, ...(errorMessage === undefined ? {} : { errorMessage: errorMessage.slice(0, 8_000) }) };
  const headers = { ...securityHeaders, "content-type": "application/json" };
  return new Response(JSON.stringify(body), { status, headers });
}

/** An error in Firehose's form. 413 would be final and bypass the stream's bucket for failed records, so what is too large is a 400 too. */
function failure(error: PortcullisError, requestId: string, now: number): Response {
  const { status } = problemResponse(error);
  return noteCode(acknowledgement(status === 413 ? 400 : status, requestId, now, error.message), error.code);
}

interface Opened {
  readonly requestId: string | null;
  readonly payload: Payload;
}

const unreadable = (reason: string): Opened => ({ requestId: null, payload: { ok: false, reason } });

/** The text of a record; null for what is none or would unpack to more than is left of the delivery's bound. */
async function recordText(data: string | null, bytesLeft: number): Promise<{ readonly text: string; readonly bytes: number } | null> {
  const packed = data === "" ? new Uint8Array() : bytesOf(data ?? "");
  if (packed === null) return null;
  const unpacked = isGzip(packed) ? await unpack("gzip", packed, bytesLeft) : { ok: true as const, bytes: packed };
  if (!unpacked.ok || unpacked.bytes.length > bytesLeft) return null;
  return { text: new TextDecoder().decode(unpacked.bytes), bytes: unpacked.bytes.length };
}

async function opened(headers: Headers, body: Uint8Array<ArrayBuffer>): Promise<Opened> {
  const plain = await plainBody(headers, body, limits.firehoseBodyBytesMax);
  if (!plain.ok) return unreadable(plain.reason);
  const parsed = parseJson(plain.bytes);
  const delivery = parsed.ok ? readDelivery(parsed.value) : null;
  if (delivery === null) return unreadable("the body is no delivery of Firehose");
  const events: unknown[] = [];
  let bytesLeft: number = limits.unpackedBytesMax;
  for (const data of delivery.records) {
    // One more than may be taken: what is too much must be seen to be too much.
    if (events.length > limits.alertItemsMax) break;
    const record = await recordText(data, bytesLeft);
    // In the list as what it is: a text is no alert, so it is named as invalid where it stands.
    if (record === null) events.push("(a record that is not base64, not gzip, or too large)");
    else {
      bytesLeft -= record.bytes;
      for (const event of recordEvents(record.text, limits.alertItemsMax + 1)) events.push(event);
    }
  }
  return { requestId: delivery.requestId, payload: { ok: true, value: events } };
}

function sourceOf(call: PublicCall): AlertSource | null {
  const name = decodedPart(call.url.pathname, prefix, "");
  return alertSources.find((source) => source === name) ?? null;
}

async function admit(call: PublicCall, { authenticator }: Door): Promise<Response> {
  const { headers } = call.request;
  const caller = await authenticator.authenticateFirehose(headers);
  if (caller === null) return unauthenticatedResponse();
  const headerId = requestIdOf(headers.get("x-amz-firehose-request-id")) ?? "";
  call.passage.client = caller.name;
  const source = sourceOf(call);
  if (source === null) return failure(new PortcullisError("NOT_FOUND", `There is no such source; there are ${alertSources.join(", ")}.`), headerId, call.now);
  const denied = refuseSender(caller, source, call);
  if (denied !== null) return failure(denied, headerId, call.now);
  const body = await bodyOf(call, "firehoseBodyBytesMax");
  if (!body.ok) return failure(body.error, headerId, call.now);
  const { requestId, payload } = await opened(headers, body.value);
  const known = callOf(call, caller, body.value);
  try {
    await takeAlerts(known, source, payload);
  } catch (thrown) {
    const error = errorOf(thrown);
    if (error.code === "INVARIANT") throw thrown;
    return failure(error, requestId ?? headerId, known.now);
  }
  return acknowledgement(200, requestId ?? headerId, known.now);
}

export const firehoseAlerts: SenderRoute = { method: "POST", path: `${prefix}:source`, access: "sender", credential: "firehoseKey", admit };
