// Reads what Amazon SNS posts (a notification, or the confirmation of a subscription or of its end) and says which text it signed.
// Pure and strict: a field that could hold a line break would let the same signed text be cut into other fields, so only the message
// itself, which comes first, may hold one. Refuses to believe anything: verifying is `functions/auth/sns.ts`.
import type { EpochMs } from "../ports.ts";
import { readTopic, type Topic } from "./topic.ts";

export const snsTypes = ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"] as const;
export type SnsType = (typeof snsTypes)[number];

const versions = [1, 2] as const;

export interface SnsMessage {
  readonly type: SnsType;
  readonly id: string;
  readonly topic: Topic;
  readonly at: EpochMs;
  /** What was published. */
  readonly text: string;
  /** 1: RSA with SHA-1, 2: RSA with SHA-256. */
  readonly version: (typeof versions)[number];
  /** In base64. */
  readonly signature: string;
  readonly certificateUrl: string;
  readonly signedText: string;
  /** Of the two confirmations only. */
  readonly subscribe: { readonly url: string; readonly token: string } | null;
}

/** Fields of the signed text in byte order (SNS developer guide, sns-verify-signature-of-message, 2026-11); `Subject` only if there. */
const signedFields = {
  Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
  SubscriptionConfirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
  UnsubscribeConfirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
} as const satisfies Record<SnsType, readonly string[]>;

const idPattern = /^[A-Za-z0-9-]{1,100}$/;
const timePattern = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,3})?Z$/;
const linePattern = /^[^\n\r]{1,4096}$/;
const signaturePattern = /^[A-Za-z0-9+/]{1,1400}={0,2}$/;

type Fields = (name: string) => string | null;

/** Own members that are texts; `null` and absent are the same, as in AWS's own validator. */
function fieldsOf(parsed: object): Fields {
  return (name) => {
    const value: unknown = Object.getOwnPropertyDescriptor(parsed, name)?.value;
    return typeof value === "string" ? value : null;
  };
}

function matching(text: string | null, pattern: RegExp): string | null {
  return text !== null && pattern.test(text) ? text : null;
}

/** All but the subject are known to be there. */
function signedTextOf(type: SnsType, fields: Fields): string {
  const lines = signedFields[type].map((name) => [name, fields(name)] as const);
  return lines.map(([name, value]) => (value === null ? "" : `${name}\n${value}\n`)).join("");
}

function subscribeOf(type: SnsType, fields: Fields): SnsMessage["subscribe"] | undefined {
  if (type === "Notification") return null;
  const url = matching(fields("SubscribeURL"), linePattern);
  const token = matching(fields("Token"), linePattern);
  return url === null || token === null ? undefined : { url, token };
}

/** The message; null for whatever is none, or could be read in two ways. */
export function readSnsMessage(parsed: unknown): SnsMessage | null {
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return null;
  const fields = fieldsOf(parsed);
  const type = snsTypes.find((name) => name === fields("Type"));
  const id = matching(fields("MessageId"), idPattern);
  const topic = readTopic(fields("TopicArn") ?? "");
  const at = Date.parse(matching(fields("Timestamp"), timePattern) ?? "");
  const text = fields("Message");
  const signature = matching(fields("Signature"), signaturePattern);
  const certificateUrl = matching(fields("SigningCertURL"), linePattern);
  const version = versions.find((number) => `${number}` === fields("SignatureVersion"));
  if (type === undefined || id === null || topic === null || !Number.isFinite(at) || text === null) return null;
  if (signature === null || certificateUrl === null || version === undefined) return null;
  // A subject has no line breaks (SNS API reference, Publish, 2026-11); one that has is not SNS's.
  if (!/^[^\n\r]*$/.test(fields("Subject") ?? "")) return null;
  const subscribe = subscribeOf(type, fields);
  if (subscribe === undefined) return null;
  return { type, id, topic, at, text, version, signature, certificateUrl, signedText: signedTextOf(type, fields), subscribe };
}
