// Verifies Standard Webhooks v1 signatures (HMAC-SHA256 over `id.timestamp.body`; Standard Webhooks spec 1.0.0).
// A signature covers neither method nor path, so the caller of this module binds it to one route by the body's `type`.
// Refuses to stop early: every secret and every listed signature is tried whatever the outcome.
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";

export interface SigningKey {
  readonly client: string;
  readonly key: CryptoKey;
}

export interface Verified {
  readonly client: string;
  readonly id: string;
  readonly at: EpochMs;
}

export interface SignedMessage {
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly now: EpochMs;
  readonly keys: readonly SigningKey[];
}

const idPattern = /^[A-Za-z0-9_-]{1,128}$/;
// Strict where the reference library is lax: it reads `123junk` as 123 and then signs the number, not the text.
const timestampPattern = /^[0-9]{1,12}$/;
const base64Pattern = /^[A-Za-z0-9+/]+={0,2}$/;
const prefix = "whsec_";

/** What base64 says; null when it is none. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> | null {
  if (!base64Pattern.test(base64)) return null;
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

/** Imports a `whsec_…` secret; null when it is not one. The key is what the base64 decodes to, not the text. */
export async function importSecret(secret: string): Promise<CryptoKey | null> {
  const bytes = secret.startsWith(prefix) ? bytesOf(secret.slice(prefix.length)) : null;
  if (bytes === null || bytes.length === 0) return null;
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

/** Whether any of the three signature headers is there. */
export function isSigned(headers: Headers): boolean {
  return headers.has("webhook-id") || headers.has("webhook-timestamp") || headers.has("webhook-signature");
}

/** The text that is signed: `id.timestamp.` and the raw body. */
function signedBytes(id: string, timestamp: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`${id}.${timestamp}.`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

/** Every `v1` signature of the header; other versions and malformed parts are skipped, as the spec asks. */
function listedSignatures(header: string): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const part of header.split(" ")) {
    const bytes = part.startsWith("v1,") ? bytesOf(part.slice(3)) : null;
    if (bytes !== null) found.push(bytes);
  }
  return found;
}

/** Compares every byte, whether or not an earlier one differed. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (const [at, byte] of a.entries()) difference |= byte ^ (b[at] ?? 0);
  return difference === 0;
}

/** Signs as a sender would: the value of one `webhook-signature` part. */
export async function signMessage(key: CryptoKey, id: string, timestampSeconds: number, body: Uint8Array): Promise<string> {
  const signature = await crypto.subtle.sign("HMAC", key, signedBytes(id, String(timestampSeconds), body));
  return `v1,${btoa(String.fromCharCode(...new Uint8Array(signature)))}`;
}

/** The client whose secret made one of the signatures; null for every kind of failure alike. */
export async function verifyMessage(message: SignedMessage): Promise<Verified | null> {
  const id = message.headers.get("webhook-id") ?? "";
  const timestamp = message.headers.get("webhook-timestamp") ?? "";
  const signatures = listedSignatures(message.headers.get("webhook-signature") ?? "");
  const wellFormed = idPattern.test(id) && timestampPattern.test(timestamp);
  const at = wellFormed ? Number(timestamp) * 1_000 : 0;
  const fresh = Math.abs(message.now - at) <= limits.signatureToleranceMs;
  const data = signedBytes(id, timestamp, message.body);
  let client: string | null = null;
  // One HMAC per secret, however many signatures are listed: the work an outsider can cause is bounded by the config.
  for (const candidate of message.keys) {
    const expected = new Uint8Array(await crypto.subtle.sign("HMAC", candidate.key, data));
    for (const signature of signatures) if (sameBytes(expected, signature)) client ??= candidate.client;
  }
  return wellFormed && fresh && client !== null ? { client, id, at } : null;
}
