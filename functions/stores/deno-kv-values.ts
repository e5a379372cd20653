// Text of any length with metadata beside it, over Deno KV, whose values end at 64 KiB. What is longer lies in pieces: they are
// written first, under a version of their own, and the record that names them is set last, so that a reader finds the old text,
// the new text, or nothing. Owns the layout of one room of keys; knows neither leases nor the coordinator.
import { asPortcullisError, PortcullisError } from "../../shared/errors.ts";
import type { EpochMs, Json } from "../../shared/ports.ts";
import type { DenoAtomic, DenoKv, DenoKvCheck, DenoKvEntry, DenoKvKey } from "../runtime/deno-api.ts";

/** A value holds 65,536 bytes with its envelope; an atomic operation 819,200 (Deno docs, deploy/kv/transactions, 2026; measured with Deno 2.9.5, 2026-11-20). */
const pieceBytesMax = 60_000;
const piecesPerCommit = 12;
/** Text up to this many characters (two bytes each at worst) lies beside its metadata. */
const inlineCharsMax = 24_000;
/** `getMany` takes ten keys (Deno docs, deploy/kv/transactions, 2026). */
const keysPerRead = 10;
/** Another writer between our read and our commit is met by reading again; this often, and it is no coincidence any more. */
const triesMax = 5;
export const pageSize = 1_000;

interface Head {
  readonly metadata: Json;
  readonly expiresAtMs: EpochMs | null;
  readonly text: string | null;
  /** Where the text is when it is not here. */
  readonly pieces: { readonly version: string; readonly count: number } | null;
}

export interface StoredText {
  readonly text: string;
  readonly metadata: unknown;
  /** Names the pieces; null when there are none. */
  readonly version: string | null;
}

export interface ListedText {
  readonly name: string;
  readonly metadata: unknown;
  /** Null: it lies in pieces; `get` reads it. */
  readonly text: string | null;
  /** Names the pieces, so that whoever has read this version need not read it again; null when there are none. */
  readonly version: string | null;
}

/** What must hold at the moment of each write. */
export interface Fence {
  /** Asked anew for each write; throws when it is known not to hold. */
  checks(): readonly DenoKvCheck[];
  /** Told when a write has met a fence that did not hold. */
  broken(): void;
}

export interface ValuesParts {
  readonly kv: DenoKv;
  /** First part of every key. */
  readonly room: string;
  readonly now: () => EpochMs;
  readonly fence?: Fence | undefined;
  readonly randomId: () => string;
}

/** A write whose fence did not hold: somebody else has what we held. */
export class FenceBroken extends PortcullisError {
  constructor(room: string) {
    super("NOT_READY", `a write to ${room} was not made: another instance has taken over; try again in a few seconds`, { retryAfterSeconds: 5 });
  }
}

const keyRoot = "portcullis";

async function reach<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw asPortcullisError(thrown, "STORE_UNAVAILABLE", `Deno KV failed to ${what}`);
  }
}

export class DenoKvValues {
  readonly #parts: ValuesParts;

  constructor(parts: ValuesParts) {
    this.#parts = parts;
  }

  #headKey(name: string): DenoKvKey {
    return [keyRoot, this.#parts.room, "record", name];
  }

  #pieceKey(name: string, version: string, index: number): DenoKvKey {
    return [keyRoot, this.#parts.room, "piece", name, version, index];
  }

  async put(name: string, text: string, metadata: Json, expiresAtMs: EpochMs | null): Promise<void> {
    return reach("put", async () => {
      const head: Head = { metadata, expiresAtMs, text: text.length <= inlineCharsMax ? text : null, pieces: null };
      if (head.text !== null && (await this.#setNew(name, head))) return;
      for (let tries = 0; tries < triesMax; tries += 1) if (await this.#replace(name, head, text)) return;
      throw new PortcullisError("STORE_UNAVAILABLE", `${name} was written by others ${triesMax} times while we wrote it; nothing of ours was kept`);
    });
  }

  /** One round trip for what was not there before, which is every lease. */
  async #setNew(name: string, head: Head): Promise<boolean> {
    return this.#commit(this.#setHead(this.#parts.kv.atomic().check({ key: this.#headKey(name), versionstamp: null }), name, head));
  }

  #setHead(operation: DenoAtomic, name: string, head: Head): DenoAtomic {
    return operation.set(this.#headKey(name), head, this.#expiry(head.expiresAtMs));
  }

  /** Deno KV removes at the earliest then, and perhaps much later (Deno docs, deploy/kv/key_expiration, 2026): readers look at the value. */
  #expiry(expiresAtMs: EpochMs | null): { expireIn?: number } {
    return expiresAtMs === null ? {} : { expireIn: Math.max(1, Math.ceil(expiresAtMs - this.#parts.now())) };
  }

  async #replace(name: string, next: Head, text: string): Promise<boolean> {
    const before = await this.#parts.kv.get(this.#headKey(name));
    const written = next.text === null ? await this.#writePieces(name, text, next.expiresAtMs) : null;
    const head = written === null ? next : { ...next, pieces: { version: written.version, count: written.count } };
    let operation = this.#parts.kv.atomic().check({ key: this.#headKey(name), versionstamp: before.versionstamp });
    // A cleaner removes the first piece first: while that stands, all of them stand.
    if (written !== null) operation = operation.check(written.first);
    if (!(await this.#commit(this.#setHead(operation, name, head)))) return false;
    await this.#clean(name, head.pieces?.version ?? null);
    return true;
  }

  async #writePieces(name: string, text: string, expiresAtMs: EpochMs | null): Promise<{ version: string; count: number; first: DenoKvCheck }> {
    const { kv, randomId } = this.#parts;
    const bytes = new TextEncoder().encode(text);
    const version = randomId();
    const count = Math.ceil(bytes.length / pieceBytesMax);
    const options = this.#expiry(expiresAtMs);
    let first: DenoKvCheck = { key: this.#pieceKey(name, version, 0), versionstamp: null };
    for (let from = 0; from < count; from += piecesPerCommit) {
      let operation = kv.atomic().check(...this.#fence());
      for (let index = from; index < Math.min(count, from + piecesPerCommit); index += 1) {
        operation = operation.set(this.#pieceKey(name, version, index), bytes.slice(index * pieceBytesMax, (index + 1) * pieceBytesMax), options);
      }
      const done = await operation.commit();
      if (!done.ok) throw this.#broken();
      if (from === 0) first = { key: first.key, versionstamp: done.versionstamp ?? null };
    }
    return { version, count, first };
  }

  #fence(): readonly DenoKvCheck[] {
    return this.#parts.fence?.checks() ?? [];
  }

  #broken(): FenceBroken {
    this.#parts.fence?.broken();
    return new FenceBroken(this.#parts.room);
  }

  /** False: a check of ours did not hold. Throws FenceBroken when it was the fence. */
  async #commit(operation: DenoAtomic): Promise<boolean> {
    const fence = this.#fence();
    if ((await operation.check(...fence).commit()).ok) return true;
    for (const check of fence) {
      if ((await this.#parts.kv.get(check.key)).versionstamp !== check.versionstamp) throw this.#broken();
    }
    return false;
  }

  /** Removes the pieces of other versions: replaced ones, and those of writers that died or lost. A writer under way writes again. */
  async #clean(name: string, keep: string | null): Promise<void> {
    const { kv, room } = this.#parts;
    const stale = new Map<string, DenoKvKey[]>();
    for await (const { key } of kv.list({ prefix: [keyRoot, room, "piece", name] }, { batchSize: 100 })) {
      const version = String(key[4]);
      if (version !== keep) stale.set(version, [...(stale.get(version) ?? []), this.#pieceKey(name, version, Number(key[5]))]);
    }
    for (const [version, keys] of stale) {
      const head = await kv.get(this.#headKey(name));
      if ((head.value as Head | null)?.pieces?.version === version) continue;
      const [first, ...rest] = keys;
      if (
        first === undefined ||
        !(
          await kv
            .atomic()
            .check({ key: this.#headKey(name), versionstamp: head.versionstamp })
            .delete(first)
            .commit()
        ).ok
      )
        continue;
      for (let at = 0; at < rest.length; at += 100) {
        let operation = kv.atomic();
        for (const key of rest.slice(at, at + 100)) operation = operation.delete(key);
        await operation.commit();
      }
    }
  }

  async get(name: string): Promise<StoredText | null> {
    return reach("get", async () => {
      for (let tries = 0; tries < triesMax; tries += 1) {
        const entry = await this.#parts.kv.get(this.#headKey(name));
        const head = this.#live(entry);
        if (head === null) return null;
        const text = head.pieces === null ? head.text : await this.#readPieces(name, head.pieces);
        if (text !== null) return { text, metadata: head.metadata, version: head.pieces?.version ?? null };
        // It was replaced while we read: the new one is whole.
      }
      throw new PortcullisError("STORE_UNAVAILABLE", `${name} changed ${triesMax} times while it was read, or a piece of it is missing`);
    });
  }

  /** Null unless all pieces are there. */
  async #readPieces(name: string, { version, count }: NonNullable<Head["pieces"]>): Promise<string | null> {
    const decoder = new TextDecoder();
    let text = "";
    for (let from = 0; from < count; from += keysPerRead) {
      const keys = Array.from({ length: Math.min(keysPerRead, count - from) }, (_, index) => this.#pieceKey(name, version, from + index));
      for (const { value } of await this.#parts.kv.getMany(keys)) {
        if (!(value instanceof Uint8Array)) return null;
        text += decoder.decode(value, { stream: true });
      }
    }
    return text + decoder.decode();
  }

  /** The record of an entry, unless it has expired. */
  #live(entry: DenoKvEntry): Head | null {
    const head = entry.value as Head | null;
    if (entry.versionstamp === null || head === null) return null;
    return head.expiresAtMs !== null && head.expiresAtMs <= this.#parts.now() ? null : head;
  }

  /** One page of names in ascending byte order; `cursor` null: there is no further one. */
  async list(cursor: string | null, prefix = ""): Promise<{ readonly found: readonly ListedText[]; readonly cursor: string | null }> {
    return reach("list", async () => {
      // No name holds a character beyond U+10FFFF, so this is the end of all that start with the prefix.
      const range = { start: this.#headKey(prefix), end: this.#headKey(`${prefix}\u{10ffff}`) };
      const listed = this.#parts.kv.list(range, { limit: pageSize, batchSize: pageSize, ...(cursor === null ? {} : { cursor }) });
      const found: ListedText[] = [];
      let read = 0;
      for await (const entry of listed) {
        read += 1;
        const head = this.#live(entry);
        if (head === null) continue;
        found.push({ name: String(entry.key[3]), metadata: head.metadata, text: head.text, version: head.pieces?.version ?? null });
      }
      return { found, cursor: read < pageSize ? null : listed.cursor };
    });
  }

  async delete(name: string): Promise<void> {
    await reach("delete", async () => {
      const before = await this.#parts.kv.get(this.#headKey(name));
      if (before.versionstamp === null) return;
      await this.#commit(this.#parts.kv.atomic().delete(this.#headKey(name)));
      if ((before.value as Head).pieces !== null) await this.#clean(name, null);
    });
  }
}
