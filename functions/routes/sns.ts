// POST /v1/sns: takes what Amazon SNS delivers over HTTPS, and confirms subscriptions of topics that the configuration names.
// The topic of the verified message is the client; SNS's headers are not signed, so none is believed. Refuses raw delivery, which is not
// signed at all; to follow any URL but the confirmation it makes itself; to store one; and to act on the end of a subscription.
import { PortcullisError } from "../../shared/errors.ts";
import { confirmationUrl } from "../../shared/sns/topic.ts";
import { presentedKey } from "../auth/keys.ts";
import { isSigned } from "../auth/signature.ts";
import type { SnsCaller } from "../auth/sns.ts";
import { takeAlerts } from "./alerts.ts";
import { jsonResponse } from "./answer.ts";
import { parseJson } from "./body.ts";
import type { Call, Door, PublicCall, SenderRoute } from "./call.ts";
import { textPayload } from "./payload.ts";
import { problemResponse, unauthenticatedResponse } from "./problem.ts";
import { bodyOf, callOf, refuseSender, soleSource } from "./sender.ts";

const rawDelivery =
  "Raw message delivery carries no signature, so nobody can tell who sent it. Set the subscription's attribute RawMessageDelivery to false; see functions/README.md.";

async function confirm(call: Call, { message, caller }: SnsCaller, { sns }: Door): Promise<Response> {
  const { subscribe, topic } = message;
  const url = subscribe === null ? null : confirmationUrl(subscribe.url, topic, subscribe.token);
  // Signed all the same: whoever may publish as SNS does not need us to call a strange URL.
  if (url === null) {
    const error = new PortcullisError("FORBIDDEN", "The SubscribeURL is not SNS's own for this topic; it was not called.");
    call.deps.log({ level: "warn", event: "sns.refused", code: error.code, client: caller.name, why: error.message });
    return problemResponse(error);
  }
  await sns.confirm(url, call.now);
  call.deps.log({ level: "info", event: "sns.confirmed", client: caller.name, topic: topic.arn });
  return jsonResponse(200, { confirmed: true, topic: topic.arn });
}

async function admit(call: PublicCall, door: Door): Promise<Response> {
  const { headers } = call.request;
  // Told to anyone: it is the same text whoever asks, and nothing else explains to the operator why nothing arrives.
  if (headers.get("x-amz-sns-rawdelivery")?.toLowerCase() === "true") {
    return problemResponse(new PortcullisError("INVALID_INPUT", rawDelivery, { field: "x-amz-sns-rawdelivery" }));
  }
  const body = await bodyOf(call);
  if (!body.ok) return problemResponse(body.error);
  const parsed = parseJson(body.value);
  const isAlone = presentedKey(headers).kind === "none" && !isSigned(headers);
  const sender = parsed.ok && isAlone ? await door.sns.authenticate(parsed.value, call.deps.clock.now()) : null;
  if (sender === null) return unauthenticatedResponse();
  const { caller, message } = sender;
  const source = soleSource(caller.client);
  const denied = refuseSender(caller, source, call);
  if (denied !== null || source === null) {
    // SNS tells nobody that its subscription was refused, and it stays pending.
    if (denied !== null && message.type === "SubscriptionConfirmation")
      call.deps.log({ level: "warn", event: "sns.refused", code: denied.code, client: caller.name, why: denied.message });
    return problemResponse(denied ?? new PortcullisError("FORBIDDEN", "There is no source."));
  }
  const known = callOf(call, caller, body.value);
  if (message.type === "SubscriptionConfirmation") return confirm(known, sender, door);
  if (message.type === "Notification") return takeAlerts(known, source, await textPayload(message.text));
  call.deps.log({ level: "warn", event: "sns.unsubscribed", client: caller.name, topic: message.topic.arn });
  return jsonResponse(200, { confirmed: false, topic: message.topic.arn });
}

export const snsAlerts: SenderRoute = { method: "POST", path: "/v1/sns", access: "sender", credential: "snsSignature", admit };
