// Amazon SNS as far as a subscriber sees it: a key and a certificate of its own, made here and known to nobody else, messages that it
// really signs, and the two URLs that it answers. Strict: another URL, method or token than it gave out is an error.
import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { HttpRequest, HttpResponse, Transport } from "../../shared/ports.ts";

export const region = "eu-west-1";
export const topicArn = `arn:aws:sns:${region}:123456789012:guardduty`;
export const host = `https://sns.${region}.amazonaws.com`;
export const certificateUrl = `${host}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem`;

const dayMs = 86_400_000;

function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(contents);
  const size = body.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

/** UTCTime until 2049, as RFC 5280 asks; later, and before 1950, GeneralizedTime. */
function derTime(at: number): Uint8Array {
  const digits = new Date(at).toISOString().replace(/[-:T]/g, "").slice(0, 14);
  const year = Number(digits.slice(0, 4));
  return year >= 1950 && year < 2050 ? der(0x17, Buffer.from(`${digits.slice(2)}Z`)) : der(0x18, Buffer.from(`${digits}Z`));
}

const sha256WithRsa = der(0x30, der(0x06, Buffer.from("2a864886f70d01010b", "hex")), der(0x05));
const commonName = (text: string) => der(0x30, der(0x31, der(0x30, der(0x06, Buffer.from("550403", "hex")), der(0x0c, Buffer.from(text)))));

export interface Dates {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A self-signed X.509 v3 certificate, as DER. */
export function certificateDer(keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }, { notBefore, notAfter }: Dates): Buffer {
  const name = commonName("sns.amazonaws.com");
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    sha256WithRsa,
    name,
    der(0x30, derTime(notBefore), derTime(notAfter)),
    name,
    keys.publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = createSign("RSA-SHA256").update(body).sign(keys.privateKey);
  return Buffer.from(der(0x30, body, sha256WithRsa, der(0x03, Buffer.from([0]), signature)));
}

export function pemOf(bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

export type Fields = Record<string, string>;

const signed = {
  Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
  confirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
} as const;

export const pair = generateKeyPairSync("rsa", { modulusLength: 2_048 });
export const foreignPair = generateKeyPairSync("rsa", { modulusLength: 2_048 });

/** Signed as the SNS developer guide says (sns-verify-signature-of-message, 2026-11). */
export function sign(fields: Fields, key: KeyObject = pair.privateKey): Fields {
  const names = fields.Type === "Notification" ? signed.Notification : signed.confirmation;
  const text = names.filter((name) => fields[name] !== undefined).map((name) => `${name}\n${fields[name]}\n`);
  const algorithm = fields.SignatureVersion === "1" ? "RSA-SHA1" : "RSA-SHA256";
  return { ...fields, Signature: createSign(algorithm).update(text.join("")).sign(key, "base64") };
}

/** A notification of `message`, published at `at`. */
export function notification(message: unknown, at: number, changes: Fields = {}): Fields {
  return {
    Type: "Notification",
    MessageId: "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
    TopicArn: topicArn,
    Message: typeof message === "string" ? message : JSON.stringify(message),
    Timestamp: new Date(at).toISOString(),
    SignatureVersion: "2",
    SigningCertURL: certificateUrl,
    UnsubscribeURL: `${host}/?Action=Unsubscribe&SubscriptionArn=${topicArn}:1`,
    ...changes,
  };
}

export const token = "2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92768dd60a747ba6f3beb71854e285d6ad02428b09ceece29417f1f02d609c582afb";

export function confirmation(at: number, changes: Fields = {}): Fields {
  const { UnsubscribeURL: _none, ...fields } = notification(`You have chosen to subscribe to the topic ${topicArn}.`, at);
  const SubscribeURL = `${host}/?Action=ConfirmSubscription&TopicArn=${topicArn}&Token=${token}`;
  return { ...fields, Type: "SubscriptionConfirmation", Token: token, SubscribeURL, ...changes };
}

export interface Publisher {
  readonly askSns: Transport;
  /** Every URL that was called. */
  readonly called: string[];
  /** What is given for the certificate; a test may put something else here. */
  certificate: () => HttpResponse;
}

const answer = (status: number, body: string): HttpResponse => ({ status, headers: {}, body });

export function createPublisher(nowMs: number): Publisher {
  const pem = pemOf(certificateDer(pair, { notBefore: nowMs - 30 * dayMs, notAfter: nowMs + 300 * dayMs }));
  const called: string[] = [];
  const publisher: Publisher = {
    called,
    certificate: () => answer(200, pem),
    askSns: async (request: HttpRequest) => {
      called.push(request.url);
      if (request.method !== "GET" || request.body !== undefined) throw new Error(`${request.method} is not for SNS`);
      if (request.url === certificateUrl) return publisher.certificate();
      const url = new URL(request.url);
      const asks = url.origin === host && url.pathname === "/" && url.searchParams.get("Action") === "ConfirmSubscription";
      if (!asks || url.searchParams.get("TopicArn") !== topicArn || url.searchParams.get("Token") !== token) throw new Error(`${request.url} is not SNS's`);
      return answer(200, "<ConfirmSubscriptionResponse/>");
    },
  };
  return publisher;
}
