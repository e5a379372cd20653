// Unpacks gzip and zlib within a bound: the one place where anything is unpacked. Fed in small pieces: an unpacker may unpack all it was given
// before anyone can say stop, and a kilobyte of gzip can become a megabyte (deflate packs 1,032 to 1 at best: zlib.net/zlib_tech.html, 2026-11).
// Refuses to go on past the bound, to say more of a broken stream than that it is one, and to unpack what was packed twice.
import { limits } from "../../shared/limits.ts";
import { bytesOf } from "../auth/signature.ts";
import { contentEncoding } from "./body.ts";

/** As the platforms call them; `deflate` is zlib's format, in HTTP too (RFC 9110, 8.4.1.2). */
export type Packing = "gzip" | "deflate";

export type Unpacked = { readonly ok: true; readonly bytes: Uint8Array<ArrayBuffer> } | { readonly ok: false; readonly why: "too large" | `not ${Packing}` };

const pieceBytes = 1_024;

/** RFC 1952, 2.3.1. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** RFC 1950, 2.2: deflate in a window of 32 KiB, no dictionary, and a check over both bytes. */
function isZlib(bytes: Uint8Array): boolean {
  const [method = 0, flags = 0] = bytes;
  return method === 0x78 && (flags & 0x20) === 0 && (method * 256 + flags) % 31 === 0;
}

async function feed(writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) await writer.write(bytes.subarray(at, at + pieceBytes));
  await writer.close();
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** Bytes between two reductions of the sums, which stay far below 2⁵³ meanwhile (RFC 1950, 8.2). */
const adlerStride = 3_800;

function adler32(bytes: Uint8Array): number {
  let [low, high] = [1, 0];
  for (let from = 0; from < bytes.length; from += adlerStride) {
    for (const byte of bytes.subarray(from, from + adlerStride)) {
      low += byte;
      high += low;
    }
    low %= 65_521;
    high %= 65_521;
  }
  return high * 65_536 + low;
}

/** Whether zlib's stream has its end: Deno 2.9.5 unpacks one that was cut as if it were whole, and says nothing (tried 2026-11-26). */
function isWholeZlib(packed: Uint8Array, plain: Uint8Array): boolean {
  return packed.length >= 8 && new DataView(packed.buffer, packed.byteOffset, packed.byteLength).getUint32(packed.length - 4) === adler32(plain);
}

/** What was packed, when it is not more than `bytesMax`. */
export async function unpack(packing: Packing, bytes: Uint8Array<ArrayBuffer>, bytesMax: number): Promise<Unpacked> {
  const { readable, writable } = new DecompressionStream(packing);
  const writer = writable.getWriter();
  const reader: ReadableStreamDefaultReader<Uint8Array> = readable.getReader();
  // Its failure is the reader's failure as well, and told there.
  const fed = feed(writer, bytes).catch(() => undefined);
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      size += part.value.byteLength;
      if (size > bytesMax) {
        void reader.cancel().catch(() => undefined);
        void writer.abort().catch(() => undefined);
        return { ok: false, why: "too large" };
      }
      parts.push(part.value);
    }
    await fed;
  } catch {
    return { ok: false, why: `not ${packing}` };
  }
  const plain = joined(parts, size);
  return packing === "gzip" || isWholeZlib(bytes, plain) ? { ok: true, bytes: plain } : { ok: false, why: "not deflate" };
}

const encodings: ReadonlyMap<string, Packing> = new Map([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
]);

export type Plain = { readonly ok: true; readonly bytes: Uint8Array<ArrayBuffer> } | { readonly ok: false; readonly reason: string };

function plainOf(unpacked: Unpacked, what: string, bytesMax: number): Plain {
  if (unpacked.ok) return unpacked;
  return { ok: false, reason: unpacked.why === "too large" ? `${what} unpacks to more than ${bytesMax} bytes` : `${what} is ${unpacked.why}` };
}

/** A body as it was before it was packed: as its header says, or as its first bytes do, where a sender of `.gz` files says nothing. */
export async function plainBody(headers: Headers, body: Uint8Array<ArrayBuffer>, bytesMax: number): Promise<Plain> {
  const encoding = contentEncoding(headers);
  const packing = encoding === null ? (isGzip(body) ? "gzip" : null) : encodings.get(encoding);
  if (packing === undefined) return { ok: false, reason: "the body is encoded (content-encoding) otherwise than by gzip or deflate; send it plain" };
  return packing === null ? { ok: true, bytes: body } : plainOf(await unpack(packing, body, bytesMax), "the body", bytesMax);
}

/**
 * A text that is zlib in base64, as Cloud Custodian's `notify` publishes it (c7n/actions/notify.py, 2026-11), unpacked; null for any other text.
 * JSON is never mistaken for it: a packed text begins with `e`, and with no word of JSON.
 */
export async function packedText(text: string): Promise<Plain | null> {
  const packed = text.startsWith("e") ? bytesOf(text.trim()) : null;
  if (packed === null || !isZlib(packed)) return null;
  return plainOf(await unpack("deflate", packed, limits.unpackedBytesMax), "the packed message", limits.unpackedBytesMax);
}
