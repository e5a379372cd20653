// How a snapshot lies in memory's storage: in pieces, and whole or not there at all. Refuses to know what is in it.
import type { Snapshot } from "../../shared/lease/snapshot.ts";
import type { Json } from "../../shared/ports.ts";
import type { MemoryStorage } from "./memory.ts";

const chunkChars = 500_000;

/** Null for what another version wrote, or nobody can read: the next pass makes it anew. */
function readSnapshot(text: string): Snapshot | null {
  try {
    const snapshot = JSON.parse(text) as Snapshot;
    return snapshot.version === 1 ? snapshot : null;
  } catch {
    return null;
  }
}

/** Its text, piece by piece: tens of thousands of blocks as one text would not fit beside them into an isolate's memory. */
function* piecesOf({ blocks, ...rest }: Snapshot): Generator<string> {
  let piece = `${JSON.stringify(rest).slice(0, -1)},"blocks":[`;
  for (const [at, row] of blocks.entries()) {
    piece += `${at === 0 ? "" : ","}${JSON.stringify(row)}`;
    for (; piece.length >= chunkChars; piece = piece.slice(chunkChars)) yield piece.slice(0, chunkChars);
  }
  piece += "]}";
  for (let at = 0; at < piece.length; at += chunkChars) yield piece.slice(at, at + chunkChars);
}

export class SnapshotStorage {
  readonly #storage: MemoryStorage;
  #chunks = 0;

  constructor(storage: MemoryStorage) {
    this.#storage = storage;
  }

  restore(stored: ReadonlyMap<string, Json>): Snapshot | null {
    const whole = stored.get("snapshot");
    const chunks: string[] = [];
    for (let chunk = stored.get("snapshot:0"); typeof chunk === "string"; chunk = stored.get(`snapshot:${chunks.length}`)) chunks.push(chunk);
    this.#chunks = chunks.length;
    if (chunks.length > 0 && stored.get("snapshot:count") === chunks.length) return readSnapshot(chunks.join(""));
    return typeof whole === "string" ? readSnapshot(whole) : null;
  }

  /** In pieces: one value of a Durable Object holds 2 MB (Cloudflare docs, durable-objects/platform/limits, 2026). */
  async save(snapshot: Snapshot): Promise<void> {
    if (this.#storage.takesLongTexts === true) return this.#storage.put("snapshot", JSON.stringify(snapshot));
    // Until all pieces are there, there is none: pieces of two snapshots never become one.
    await this.#storage.put("snapshot:count", 0);
    let count = 0;
    for (const piece of piecesOf(snapshot)) {
      await this.#storage.put(`snapshot:${count}`, piece);
      count += 1;
    }
    await this.#storage.put("snapshot:count", count);
    const stale = Array.from({ length: Math.max(0, this.#chunks - count) }, (_, index) => `snapshot:${count + index}`);
    if (stale.length > 0) await this.#storage.delete(stale);
    this.#chunks = count;
  }
}
