// Sessions under the coordinator's lock: requests of one instance share one, which holds the lock while any of them works and
// ends soon after its start, so that other instances have their turn. Owns who may work when, and the passes that are due in this
// instance; refuses to decide what a request without the lock comes to.
import { asPortcullisError, PortcullisError } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";
import type { Clock, EpochMs, Log } from "../../shared/ports.ts";
import type { Coordinator } from "./coordinator.ts";
import type { Acquired, DenoLock } from "./deno-lock.ts";

export type Schedule = (at: EpochMs) => Promise<void>;

export interface SessionParts {
  readonly lock: Pick<DenoLock, "tryAcquire" | "release" | "isHeld" | "clearAdded">;
  readonly clock: Clock;
  readonly log: Log;
  /** A coordinator over what is stored now, its writes bound to the lock; `added`: somebody added to its memory without the lock, so no tick may be quiet. */
  openLocked(schedule: Schedule, memory: "as-left" | "added"): Promise<Coordinator>;
  sleep(ms: number): Promise<void>;
  /** Runs `work` at about that moment if the instance still lives then; the tick does it otherwise. */
  later(at: EpochMs, work: () => Promise<void>): void;
  /** From 0 up to 1. */
  jitter(): number;
}

/** A session takes no new requests after this. */
const sessionMs = 5_000;
/** How long a pass that was not asked for by a tick waits for the lock. */
const passWaitMs = 20_000;
const pollMs = { first: 40, most: 1_000, growth: 1.5 } as const;

export interface Session {
  readonly coordinator: Coordinator;
  /** Counts the coordinators that this instance has opened. */
  readonly generation: number;
  readonly openedAt: EpochMs;
  users: number;
}

/** The lock could not be had in time. */
export class LockBusy extends Error {
  override readonly name = "LockBusy";
}

export class LockSessions {
  readonly #parts: SessionParts;
  #session: Session | null = null;
  #opening: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  /** The last session's coordinator; right again when nobody else has held the lock in between. */
  #kept: Coordinator | null = null;
  #generation = 0;
  #wakeAt: EpochMs | null = null;
  #isStopping = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** The coordinator, when this instance is it just now. */
  get current(): Coordinator | null {
    return this.#session !== null && this.#parts.lock.isHeld ? this.#session.coordinator : null;
  }

  /** Runs `work` under the lock. Throws LockBusy when that was not to be had within `waitMs`. */
  async use<T>(waitMs: number, work: (session: Session) => Promise<T>, kind: "request" | "pass" = "request"): Promise<T> {
    const session = await this.#join(waitMs, kind);
    try {
      return await work(session);
    } finally {
      session.users -= 1;
      if (session.users === 0) await this.#close(session);
    }
  }

  async #join(waitMs: number, kind: "request" | "pass"): Promise<Session> {
    const deadline = this.#parts.clock.now() + waitMs;
    for (let pauseMs: number = pollMs.first; ; pauseMs = Math.min(pollMs.most, pauseMs * pollMs.growth)) {
      if (this.#closing !== null) await this.#closing;
      if (this.#session === null && !this.#isStopping) await this.#open();
      const session = this.#session;
      if (session !== null && this.#mayJoin(session, kind)) {
        session.users += 1;
        return session;
      }
      if (this.#parts.clock.now() >= deadline) throw new LockBusy("the lock was not free in time");
      await this.#parts.sleep(pauseMs * (0.5 + this.#parts.jitter()));
    }
  }

  /** A pass may always: a request of the session may be waiting for it. */
  #mayJoin(session: Session, kind: "request" | "pass"): boolean {
    return this.#parts.lock.isHeld && (kind === "pass" || this.#parts.clock.now() - session.openedAt < sessionMs);
  }

  /** One attempt for all who wait in this instance. */
  #open(): Promise<void> {
    this.#opening ??= this.#tryOpen().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #tryOpen(): Promise<void> {
    const acquired = await this.#parts.lock.tryAcquire();
    if (acquired === null) return;
    try {
      const coordinator = await this.#coordinatorFor(acquired);
      this.#session = { coordinator, generation: this.#generation, openedAt: this.#parts.clock.now(), users: 0 };
    } catch (thrown) {
      await this.#parts.lock.release().catch(() => undefined);
      throw thrown;
    }
  }

  async #coordinatorFor({ since, added }: Acquired): Promise<Coordinator> {
    if (since === "own" && added === null && this.#kept !== null) return this.#kept;
    this.#generation += 1;
    this.#kept = null;
    const coordinator = await this.#parts.openLocked(this.schedule, added === null ? "as-left" : "added");
    if (added !== null) {
      await this.#parts.lock.clearAdded(added);
      await this.schedule(this.#parts.clock.now());
    }
    this.#kept = coordinator;
    return coordinator;
  }

  async #close(session: Session): Promise<void> {
    if (this.#session !== session) return;
    this.#session = null;
    // Lost on the way: what it remembers may not be what is stored.
    if (!this.#parts.lock.isHeld) this.#kept = null;
    this.#closing = this.#parts.lock
      .release()
      .catch((thrown: unknown) => this.#note("lock.release.failed", thrown))
      .finally(() => {
        this.#closing = null;
      });
    await this.#closing;
  }

  #note(event: "lock.release.failed" | "wake.failed", thrown: unknown): void {
    const busy = new PortcullisError("NOT_READY", "another instance is at work; the next tick makes up for it");
    const error = thrown instanceof LockBusy ? busy : asPortcullisError(thrown, "INVARIANT", String(thrown));
    this.#parts.log({ level: "warn", event, code: error.code, message: error.message });
  }

  /** Wishes for a pass in this instance. What is further off than a tick is left to the tick. */
  readonly schedule: Schedule = async (at) => {
    if (at - this.#parts.clock.now() > limits.tickMs || (this.#wakeAt !== null && this.#wakeAt <= at)) return;
    this.#wakeAt = at;
    this.#parts.later(at, async () => {
      // Whose timer it is decides, not the clock: that may have been set back, and a wish that is never taken down stops all later ones.
      if (this.#wakeAt !== at) return;
      this.#wakeAt = null;
      await this.passNow();
    });
  };

  /** Never throws; `failed` is made up for by the next tick. */
  async passNow(): Promise<"done" | "failed"> {
    if (this.#isStopping) return "failed";
    try {
      await this.use(passWaitMs, ({ coordinator }) => coordinator.wake(), "pass");
      return "done";
    } catch (thrown) {
      this.#note("wake.failed", thrown);
      return "failed";
    }
  }

  /** Before the platform ends the instance: nothing new begins, and what runs has `graceMs` to end. */
  async shutDown(graceMs: number): Promise<void> {
    this.#isStopping = true;
    const deadline = this.#parts.clock.now() + graceMs;
    while ((this.#session !== null || this.#closing !== null) && this.#parts.clock.now() < deadline) await this.#parts.sleep(50);
  }
}
