// Unpacks gzip within a bound. Fed in small pieces: an unpacker may unpack all it was given before anyone can say stop, and a
// kilobyte of gzip can become a megabyte (deflate packs 1,032 to 1 at best: zlib.net/zlib_tech.html, 2026-11).
// Refuses to go on past the bound, and to say more of a broken stream than that it is one.

export type Unpacked = { readonly ok: true; readonly bytes: Uint8Array<ArrayBuffer> } | { readonly ok: false; readonly why: "too large" | "not gzip" };

const pieceBytes = 1_024;

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
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

/** What gzip holds, when it is not more than `bytesMax`. */
export async function unpackGzip(bytes: Uint8Array<ArrayBuffer>, bytesMax: number): Promise<Unpacked> {
  const { readable, writable } = new DecompressionStream("gzip");
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
    return { ok: false, why: "not gzip" };
  }
  return { ok: true, bytes: joined(parts, size) };
}
