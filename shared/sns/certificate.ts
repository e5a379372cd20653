// Finds the public key and the dates in an X.509 certificate, and nothing else: Web Crypto takes keys, not certificates.
// Written here because it is one walk over six elements: `@peculiar/x509` 2.2.0 brings ten further packages and a dependency-injection
// container for it (npm, 2026-11-26), and Node's X509Certificate would need a compatibility flag on Workers (workerd #2335, 2024-07).
// Refuses to judge the certificate: it comes over TLS from a pinned host, and its chain is not looked at. Never throws.
import type { EpochMs } from "../ports.ts";

export interface CertificateParts {
  /** SubjectPublicKeyInfo in DER. */
  readonly key: Uint8Array<ArrayBuffer>;
  readonly notBefore: EpochMs;
  readonly notAfter: EpochMs;
}

/** The base64 of the first certificate in a PEM text, without line breaks; null when there is none. */
export function pemBase64(text: string): string | null {
  const begin = "-----BEGIN CERTIFICATE-----";
  const start = text.indexOf(begin);
  const end = text.indexOf("-----END CERTIFICATE-----", start);
  if (start === -1 || end === -1) return null;
  const base64 = text.slice(start + begin.length, end).replace(/[\r\n]/g, "");
  return /^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? base64 : null;
}

interface Element {
  readonly tag: number;
  /** Where it begins, where its content begins, where both end. */
  readonly from: number;
  readonly start: number;
  readonly end: number;
}

const tags = { integer: 0x02, utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30, version: 0xa0 } as const;

/** The element at `from`, wholly before `limit`. Definite, shortest lengths only, as DER has them (X.690, 10.1). */
function elementAt(bytes: Uint8Array, from: number, limit: number): Element | null {
  const tag = bytes[from];
  const first = bytes[from + 1];
  if (tag === undefined || first === undefined) return null;
  if (first === 0x80) return null;
  const count = first < 0x80 ? 0 : first & 0x7f;
  let length = count === 0 ? first : 0;
  for (let at = 0; at < count; at += 1) length = length * 256 + (bytes[from + 2 + at] ?? 0);
  if (count > 0 && length < (count === 1 ? 0x80 : 256 ** (count - 1))) return null;
  const start = from + 2 + count;
  return start + length > limit ? null : { tag, from, start, end: start + length };
}

/** The elements of a sequence, when they fill it exactly and are not more than a certificate has. */
function elementsIn(bytes: Uint8Array, parent: Element | null): readonly Element[] | null {
  if (parent === null || parent.tag !== tags.sequence) return null;
  const found: Element[] = [];
  for (let at = parent.start; at < parent.end; ) {
    const element = elementAt(bytes, at, parent.end);
    if (element === null || found.length > 16) return null;
    found.push(element);
    at = element.end;
  }
  return found;
}

/** UTCTime and GeneralizedTime as certificates have them: to the second, in UTC (RFC 5280, 4.1.2.5). */
function timeOf(bytes: Uint8Array, element: Element | undefined): EpochMs | null {
  if (element === undefined) return null;
  const text = Array.from(bytes.subarray(element.start, element.end), (byte) => String.fromCharCode(byte)).join("");
  const isShort = element.tag === tags.utcTime;
  if (!isShort && element.tag !== tags.generalizedTime) return null;
  const digits = (isShort ? /^([0-9]{12})Z$/ : /^([0-9]{14})Z$/).exec(text)?.[1];
  if (digits === undefined) return null;
  const whole = isShort ? `${Number(digits.slice(0, 2)) < 50 ? "20" : "19"}${digits}` : digits;
  const at = Date.parse(whole.replace(/(.{4})(..)(..)(..)(..)(..)/, "$1-$2-$3T$4:$5:$6Z"));
  return Number.isFinite(at) ? at : null;
}

/** Key and dates of a certificate in DER; null when it is none. */
export function readCertificate(bytes: Uint8Array): CertificateParts | null {
  const outer = elementAt(bytes, 0, bytes.length);
  const parts = outer?.end === bytes.length ? elementsIn(bytes, outer) : null;
  const body = elementsIn(bytes, parts?.[0] ?? null);
  if (body === null) return null;
  // tbsCertificate: [version], serial, algorithm, issuer, validity, subject, key, … (RFC 5280, 4.1).
  const fields = body[0]?.tag === tags.version ? body.slice(1) : body;
  const [serial, , , validity, , key] = fields;
  const dates = elementsIn(bytes, validity ?? null);
  const notBefore = timeOf(bytes, dates?.[0]);
  const notAfter = timeOf(bytes, dates?.[1]);
  if (serial?.tag !== tags.integer || key?.tag !== tags.sequence || notBefore === null || notAfter === null) return null;
  return { key: Uint8Array.from(bytes.subarray(key.from, key.end)), notBefore, notAfter };
}
