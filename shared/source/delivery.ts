// Takes off what the channel wrapped around an event: lists, SNS, EventBridge, CloudWatch Logs, CloudEvents. Bounded in depth.
// Refuses to look at what is inside. The wrapping is the channel's and may differ between two deliveries of one event.
import { at, isObject, own, parsed } from "./json.ts";
import { ignored, type Reading } from "./source.ts";

const depthMax = 6;

type Wrapper = (value: object) => unknown;

/** SNS over HTTPS without raw delivery (AWS docs, sns/latest/dg/sns-message-and-json-formats, 2026-11). */
const sns: Wrapper = (value) => {
  const message = own(value, "Message");
  if (own(value, "Type") !== "Notification" || typeof message !== "string") return undefined;
  return parsed(message) ?? message;
};

/** EventBridge (AWS docs, eventbridge/latest/ref/overiew-event-structure, 2026-11). */
const eventBridge: Wrapper = (value) => {
  const detail = at(value, "detail");
  // Input paths of a rule may leave `detail-type` out; a member `detail` beside a type of its own is somebody else's.
  return typeof own(value, "detail-type") === "string" || (isObject(detail) && at(value, "type") === undefined) ? detail : undefined;
};

/** A decoded CloudWatch Logs subscription record (AWS docs, logs/SubscriptionFilters, 2026-11). */
const logs: Wrapper = (value) => {
  const events = own(value, "logEvents");
  if (own(value, "messageType") !== "DATA_MESSAGE" || !Array.isArray(events)) return undefined;
  return events.map((event) => {
    const message = own(event, "message");
    return typeof message === "string" ? (parsed(message) ?? message) : event;
  });
};

/** CloudEvents 1.0 in structured mode (cloudevents.io, spec v1.0.2). */
export const cloudEvent: Wrapper = (value) => {
  if (typeof own(value, "specversion") !== "string") return undefined;
  const data = own(value, "data");
  return typeof data === "string" ? (parsed(data) ?? data) : data;
};

export const everyWrapper: readonly Wrapper[] = [sns, eventBridge, logs, cloudEvent];
export const awsWrappers: readonly Wrapper[] = [sns, eventBridge, logs];

/** The items of a message, at most `countMax`, wrappers taken off. A list inside a list is nobody's event and stays an item. */
export function delivered(payload: unknown, wrappers: readonly Wrapper[], countMax: number): readonly unknown[] {
  const items: unknown[] = [];
  const open = (value: unknown, depth: number): void => {
    if (items.length >= countMax) return;
    const inner =
      isObject(value) && depth < depthMax ? wrappers.map((unwrap) => unwrap(value)).find((found) => found !== undefined && found !== null) : undefined;
    if (inner === undefined) items.push(value);
    else if (Array.isArray(inner)) for (const entry of inner) open(entry, depth + 1);
    else open(inner, depth + 1);
  };
  for (const value of Array.isArray(payload) ? payload : [payload]) open(value, 0);
  return items;
}

const snsTalk = ["SubscriptionConfirmation", "UnsubscribeConfirmation"];

/** What the channel itself has to say, which is no event; null: it is none of that. */
export function talkOf(item: unknown): Reading | null {
  const type = own(item, "Type");
  if (typeof type === "string" && snsTalk.includes(type) && typeof own(item, "TopicArn") === "string") {
    return ignored("delivery", `is SNS's ${type}, no event`);
  }
  return own(item, "messageType") === "CONTROL_MESSAGE" ? ignored("delivery", "is CloudWatch Logs' test of the way here, no event") : null;
}
