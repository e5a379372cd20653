// Who is the coordinator when several instances run at once: a lock in Deno KV, taken by compare-and-set and held for a while.
// What is written under it is bound to it (a fence), so that whoever lost it without noticing can change nothing in KV; clouds know
// no fence, so before each call the lock must still hold for longer than the call may take. Owns the lock's three keys; runs nothing.
import { asPortcullisError, PortcullisError } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";
import type { Clock, EpochMs } from "../../shared/ports.ts";
import type { DenoAtomic, DenoKv, DenoKvCheck, DenoKvKey } from "../runtime/deno-api.ts";
import { type Fence, FenceBroken } from "../stores/deno-kv-values.ts";

/** How long a lock holds unless renewed, and so how long a crash holds up the others: three times the longest remote call. */
export const lockMs = 3 * limits.callTimeoutMs;

/** Which acquisition this is, and whose. It changes with the owner only, so that a renewal breaks no write under way. */
const termKey: DenoKvKey = ["portcullis", "lock", "term"];
/** `{lockUntil}`; 0 when released. */
const untilKey: DenoKvKey = ["portcullis", "lock", "until"];
/** Set by an instance that added to the coordinator's memory without the lock. */
const addedKey: DenoKvKey = ["portcullis", "lock", "added"];

export interface DenoLockParts {
  readonly kv: DenoKv;
  readonly clock: Clock;
  /** Names this instance. */
  readonly owner: string;
}

export interface Acquired {
  /** `own`: nobody else has held it since we did, so what we remember is what is stored. */
  readonly since: "own" | "other";
  /** Somebody without the lock has added to memory; to be given to `clearAdded` when that is taken in. */
  readonly added: DenoKvCheck | null;
}

interface Held {
  readonly term: number;
  readonly check: DenoKvCheck;
  lockUntil: EpochMs;
}

function lost(what: string): PortcullisError {
  return new PortcullisError("PROVIDER_UNAVAILABLE", `${what}: another instance has taken over the coordinator's lock; it goes on from here`);
}

async function reach<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw asPortcullisError(thrown, "STORE_UNAVAILABLE", `Deno KV failed to ${what} the coordinator's lock`);
  }
}

function numberIn(value: unknown, name: string): number {
  const found = typeof value === "object" && value !== null && name in value ? Reflect.get(value, name) : undefined;
  return typeof found === "number" ? found : 0;
}

export class DenoLock implements Fence {
  readonly #parts: DenoLockParts;
  #held: Held | null = null;
  #renewing: Promise<void> | null = null;
  /** Of the last term that was ours; its number may come again after a wipe. */
  #lastStamp: string | null = null;
  /** The foreign lock we see, and since when by our own clock: one that does not move for its whole time is dead, whatever its clock says. */
  #watched: { readonly versionstamp: string | null; readonly since: EpochMs } | null = null;

  constructor(parts: DenoLockParts) {
    this.#parts = parts;
  }

  get isHeld(): boolean {
    return this.#held !== null;
  }

  /** One attempt, two round trips; null: somebody else holds it. */
  tryAcquire(): Promise<Acquired | null> {
    return reach("take", async () => {
      const { kv, clock, owner } = this.#parts;
      const [term, until, added] = await kv.getMany([termKey, untilKey, addedKey]);
      const lockUntil = numberIn(until?.value, "lockUntil");
      const stamp = until?.versionstamp ?? null;
      if (!this.#isOver(lockUntil, stamp)) return null;
      const before = term?.versionstamp ?? null;
      const next = numberIn(term?.value, "term") + 1;
      const mine = clock.now() + lockMs;
      const taken = await kv
        .atomic()
        .check({ key: termKey, versionstamp: before }, { key: untilKey, versionstamp: stamp })
        .set(termKey, { term: next, owner })
        .set(untilKey, { lockUntil: mine })
        .commit();
      if (!taken.ok) return null;
      this.#held = { term: next, check: { key: termKey, versionstamp: taken.versionstamp ?? null }, lockUntil: mine };
      const since = before !== null && before === this.#lastStamp ? "own" : "other";
      this.#lastStamp = taken.versionstamp ?? null;
      this.#watched = null;
      const addedStamp = added?.versionstamp ?? null;
      return { since, added: addedStamp === null ? null : { key: addedKey, versionstamp: addedStamp } };
    });
  }

  #isOver(lockUntil: EpochMs, versionstamp: string | null): boolean {
    const now = this.#parts.clock.now();
    if (lockUntil + limits.skewMs < now || lockUntil === 0) return true;
    if (this.#watched?.versionstamp !== versionstamp) this.#watched = { versionstamp, since: now };
    return now - this.#watched.since > lockMs + limits.skewMs;
  }

  /** For the others' sake; a failure costs them the rest of its time and nothing else. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = null;
    if (held === null) return;
    await reach("release", async () => {
      await this.#parts.kv.atomic().check(held.check).set(untilKey, { lockUntil: 0 }).commit();
    });
  }

  /** Resolves when a remote call that begins now and takes `callMs` at most ends before the lock does; renews it where needed. Throws when it is lost. */
  async ensure(callMs: number): Promise<void> {
    for (let tries = 0; tries < 3; tries += 1) {
      if (this.#held === null) throw lost("the call was not made");
      if (this.#parts.clock.now() + callMs <= this.#held.lockUntil) return;
      this.#renewing ??= this.#renew().finally(() => {
        this.#renewing = null;
      });
      await this.#renewing;
    }
    throw lost("the call was not made, for Deno KV is too slow to hold a lock");
  }

  async #renew(): Promise<void> {
    const held = this.#held;
    if (held === null) return;
    const lockUntil = this.#parts.clock.now() + lockMs;
    const renewed = await reach("renew", () => this.#parts.kv.atomic().check(held.check).set(untilKey, { lockUntil }).commit());
    if (renewed.ok) held.lockUntil = lockUntil;
    else if (this.#held === held) this.#held = null;
  }

  /** What every write under the lock is bound to. */
  checks(): readonly DenoKvCheck[] {
    if (this.#held === null) throw new FenceBroken("Deno KV");
    return [this.#held.check];
  }

  /** A write has met a fence that did not hold: the lock is somebody else's. */
  broken(): void {
    this.#held = null;
  }

  /** Tells the next holder that memory was added to without the lock. */
  async noteAdded(): Promise<void> {
    await reach("mark", async () => {
      await this.#parts.kv.atomic().set(addedKey, { at: this.#parts.clock.now() }).commit();
    });
  }

  /** Unless more was added meanwhile. */
  async clearAdded(added: DenoKvCheck): Promise<void> {
    await reach("mark", async () => {
      const operation: DenoAtomic = this.#parts.kv.atomic().check(added, ...this.checks());
      await operation.delete(addedKey).commit();
    });
  }
}
