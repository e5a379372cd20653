// The coordinator where there is no single object: whoever holds the lock is it. An accept that has waited long enough for the
// lock records without it; what else changes something says that it could not. Reads need no lock. A pass follows an accept
// at once where the platform lets it run on; the tick is what makes it certain.
import { PortcullisError } from "../../shared/errors.ts";
import type { Trace } from "../../shared/trace.ts";
import type { TakeAnswer, TakeRequest } from "../events/contract.ts";
import type { AcceptAnswer, AcceptRequest, CoordinatorApi, SettledItem } from "./contract.ts";
import type { Coordinator } from "./coordinator.ts";
import { type DenoLock, lockMs } from "./deno-lock.ts";
import { LockBusy, LockSessions, type Schedule, type Session, type SessionParts } from "./lock-sessions.ts";

export interface LockedParts extends SessionParts {
  readonly lock: SessionParts["lock"] & Pick<DenoLock, "noteAdded">;
  /** A coordinator over what is stored now: for questions, and for recording accepted leases. */
  openShared(schedule: Schedule): Promise<Coordinator>;
}

export interface LockedCoordinator {
  readonly api: CoordinatorApi;
  shutDown(graceMs: number): Promise<void>;
}

/** How long each verb waits for the lock: an accept must answer well within a detector's patience, a tick must outlast a crashed holder. */
const waits = { acceptMs: 2_000, changeMs: 20_000, tickMs: lockMs + 10_000 } as const;
/** Tickets carry the generation of the coordinator that issued them; 0: none did. */
const ticketsPerGeneration = 2 ** 32;

const noSchedule: Schedule = async () => undefined;

function ticketOf(session: Session, ticket: number): number {
  return session.generation * ticketsPerGeneration + ticket;
}

class Verbs {
  readonly #parts: LockedParts;
  readonly #sessions: LockSessions;

  constructor(parts: LockedParts, sessions: LockSessions) {
    this.#parts = parts;
    this.#sessions = sessions;
  }

  async change<T>(work: (session: Session) => Promise<T>, waitMs: number = waits.changeMs): Promise<T> {
    try {
      return await this.#sessions.use(waitMs, work);
    } catch (thrown) {
      if (!(thrown instanceof LockBusy)) throw thrown;
      const why = `another instance has been at work for more than ${waitMs / 1_000} s, so nothing was changed; try again in a few seconds`;
      throw new PortcullisError("NOT_READY", why, { retryAfterSeconds: 5 }, thrown);
    }
  }

  async ask<T>(question: (coordinator: Coordinator) => Promise<T>): Promise<T> {
    return question(await this.#parts.openShared(noSchedule));
  }

  async accept(request: AcceptRequest, trace: Trace | undefined): Promise<AcceptAnswer> {
    try {
      return await this.#sessions.use(waits.acceptMs, async (session) => {
        const answer = await session.coordinator.accept(request, trace);
        return { ...answer, ticket: ticketOf(session, answer.ticket) };
      });
    } catch (thrown) {
      if (!(thrown instanceof LockBusy)) throw thrown;
      return this.#acceptShared(request, trace);
    }
  }

  /** Records are immutable, so a second writer harms nothing; limits alone may count short, by what both accept at once. */
  async #acceptShared(request: AcceptRequest, trace: Trace | undefined): Promise<AcceptAnswer> {
    const answer = await this.#shared((coordinator) => coordinator.accept(request, trace), request.dryRun ? "asks" : "writes");
    return { ...answer, ticket: 0 };
  }

  async #shared<T>(run: (coordinator: Coordinator) => Promise<T>, kind: "asks" | "writes"): Promise<T> {
    // Before anything is written: if we die in between, the next holder looks once too often, never once too rarely.
    if (kind === "writes") await this.#parts.lock.noteAdded();
    let isWritten = false;
    const coordinator = await this.#parts.openShared(async () => {
      isWritten = true;
    });
    const answer = await run(coordinator);
    if (isWritten) {
      // And after it: the holder may have come and gone since.
      await this.#parts.lock.noteAdded();
      await this.#sessions.schedule(this.#parts.clock.now());
    }
    return answer;
  }

  /** As an accept: recorded without the lock, an event is found by whoever holds it next. */
  async take(request: TakeRequest, trace: Trace | undefined): Promise<TakeAnswer> {
    try {
      return await this.#sessions.use(waits.acceptMs, ({ coordinator }) => coordinator.take(request, trace));
    } catch (thrown) {
      if (!(thrown instanceof LockBusy)) throw thrown;
      return this.#shared((coordinator) => coordinator.take(request, trace), "writes");
    }
  }

  async settle(ticket: number, keys: readonly string[], waitMs: number): Promise<{ done: boolean; items: readonly SettledItem[] }> {
    const deadline = this.#parts.clock.now() + waitMs;
    const left = () => Math.max(0, deadline - this.#parts.clock.now());
    try {
      return await this.#sessions.use(waitMs, async ({ coordinator, generation }) => {
        if (Math.floor(ticket / ticketsPerGeneration) === generation) return coordinator.settle(ticket % ticketsPerGeneration, keys, left());
        // Accepted under an earlier lock, and read again with this one: a pass that begins now takes it in.
        const passed = this.#sessions.passNow().then((end) => end === "done");
        const done = await Promise.race([passed, this.#parts.sleep(left()).then(() => false)]);
        return { ...(await coordinator.settle(0, keys, 0)), done };
      });
    } catch (thrown) {
      if (!(thrown instanceof LockBusy)) throw thrown;
      return this.ask(async (coordinator) => ({ ...(await coordinator.settle(0, keys, 0)), done: false }));
    }
  }

  /** Of this very moment when this instance is the coordinator, else as stored with the last pass. */
  async vitals(): ReturnType<CoordinatorApi["vitals"]> {
    const current = this.#sessions.current;
    return current === null ? this.ask((coordinator) => coordinator.vitals()) : current.vitals();
  }

  /** Of this very moment when this instance is the coordinator, else as stored. */
  async snapshot(): ReturnType<CoordinatorApi["snapshot"]> {
    const current = this.#sessions.current;
    return current === null ? this.ask((coordinator) => coordinator.snapshot()) : current.snapshot();
  }
}

export function lockedCoordinator(parts: LockedParts): LockedCoordinator {
  const sessions = new LockSessions(parts);
  const verbs = new Verbs(parts, sessions);
  const api: CoordinatorApi = {
    accept: (request, trace) => verbs.accept(request, trace),
    settle: (ticket, keys, waitMs) => verbs.settle(ticket, keys, waitMs),
    lift: (request, trace) =>
      verbs.change(async (session) => {
        const answer = await session.coordinator.lift(request, trace);
        return { ...answer, ticket: ticketOf(session, answer.ticket) };
      }),
    stop: (request, trace) => verbs.change(({ coordinator }) => coordinator.stop(request, trace)),
    reconcile: (confirm, trace) => verbs.change(({ coordinator }) => coordinator.reconcile(confirm, trace)),
    plan: (target, trace) => verbs.ask((coordinator) => coordinator.plan(target, trace)),
    explain: (key) => verbs.ask((coordinator) => coordinator.explain(key)),
    snapshot: () => verbs.snapshot(),
    storeId: (mint) => (mint ? verbs.change(({ coordinator }) => coordinator.storeId(true)) : verbs.ask((coordinator) => coordinator.storeId(false))),
    take: (request, trace) => verbs.take(request, trace),
    events: (request) => verbs.ask((coordinator) => coordinator.events(request)),
    event: (id) => verbs.ask((coordinator) => coordinator.event(id)),
    replay: (request, trace) => verbs.change(({ coordinator }) => coordinator.replay(request, trace)),
    approve: (request, trace) => verbs.change(({ coordinator }) => coordinator.approve(request, trace)),
    vitals: () => verbs.vitals(),
    note: (unauthenticated) => verbs.change(({ coordinator }) => coordinator.note(unauthenticated), waits.acceptMs),
    tick: (trace) => verbs.change(({ coordinator }) => coordinator.tick(trace), waits.tickMs),
  };
  return { api, shutDown: (graceMs) => sessions.shutDown(graceMs) };
}
