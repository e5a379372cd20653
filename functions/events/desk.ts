// Where events are worked off: the one place, inside the coordinator. An event is in the store before it is answered; its progress is in the
// coordinator's memory, and its end in the store again. Whatever is lost with memory is read again from the store, and repeats at most steps that do
// the same when they are done twice. Refuses to decide what an event means: the playbooks do.
import { asPortcullisError, PortcullisError } from "../../shared/errors.ts";
import { type Approval, approved } from "../../shared/event/approval.ts";
import { begin, dueSteps, endStep, giveUp, lapse, nextDueAt, replay, type StepPlace, stepAt } from "../../shared/event/progress.ts";
import type { EventRecord, EventSummary } from "../../shared/event/record.ts";
import { keyPrefixes, readRecord } from "../../shared/keys.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Trace } from "../../shared/trace.ts";
import { type EventBook, isOver } from "../coordinator/event-book.ts";
import { traced } from "../log/traced.ts";
import { settleOf } from "../pass/world.ts";
import type * as contract from "./contract.ts";
import { Intake } from "./intake.ts";
import { carryOut } from "./steps.ts";
import { getEvent, putEvent, storing } from "./storing.ts";

/** A record on its way: side by side steps change it one after the other. */
interface Working {
  record: EventRecord;
}

/** An event as its place in the list: the newest first, and never two alike. */
function orderOf({ receivedAt, id }: EventSummary): string {
  return `${String(receivedAt).padStart(16, "0")}-${id}`;
}

export class EventDesk implements contract.Desk {
  readonly #parts: contract.DeskParts;
  readonly #book: EventBook;
  readonly #intake: Intake;
  /** Rounds are serial, and a replay comes between two. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Ends that the store did not take, by event: not before then. */
  readonly #saveAt = new Map<string, EpochMs>();

  constructor(parts: contract.DeskParts, engine: contract.PlaybookEngine) {
    this.#parts = parts;
    this.#book = parts.world.memory.events;
    this.#intake = new Intake(parts.world, engine);
  }

  // --- asked ---

  async take(request: contract.TakeRequest, trace?: Trace): Promise<contract.TakeAnswer> {
    // Side by side; all are waited for, so that nothing runs on unwatched when one fails.
    const taken = await Promise.allSettled(request.events.map((event) => this.#intake.take(event, request, trace)));
    if (taken.some((one) => one.status === "fulfilled" && (one.value.status === "accepted" || one.value.state === "open"))) {
      await this.#parts.schedule(this.#parts.world.clock.now());
    }
    const events = taken.map((one) => {
      if (one.status === "rejected") throw one.reason;
      this.#parts.world.memory.counters.add("portcullis_events_total", { client: request.client, status: one.value.status });
      return one.value;
    });
    return { events };
  }

  async events({ state, rows, after }: contract.EventsRequest): Promise<contract.EventsAnswer> {
    await this.#adoptListing();
    const all = this.#book
      .summaries()
      .filter((summary) => state === null || summary.state === state)
      .sort((a, b) => (orderOf(a) < orderOf(b) ? 1 : -1));
    const rest = after === null ? all : all.filter((summary) => orderOf(summary) < after);
    const page = rest.slice(0, rows);
    const last = page.at(-1);
    return { total: all.length, next: rest.length > page.length && last !== undefined ? orderOf(last) : null, events: page, whole: this.#book.isWhole };
  }

  async event(id: string): Promise<EventRecord | null> {
    return this.#book.record(id) ?? (await getEvent(this.#parts.world, id));
  }

  replay({ id, by, once }: contract.ReplayRequest, trace?: Trace): Promise<contract.ReplayAnswer | null> {
    return this.#inTurn(async () => {
      const { memory, clock } = this.#parts.world;
      const record = await this.#newest(id);
      if (record === null) return null;
      const again = memory.wasUsed(once) ? null : replay(record, clock.now());
      if (again === null) return { event: record, replayed: false };
      await this.#putToWork(again);
      await memory.markUsed(once, clock.now());
      traced(this.#parts.world.log, trace)({ level: "info", event: "event.replayed", id, client: record.client, by });
      return { event: again, replayed: true };
    });
  }

  approve({ id, run, plan }: Pick<Approval, "id" | "run" | "plan">, trace?: Trace): Promise<contract.ApproveAnswer | null> {
    return this.#inTurn(async () => {
      const record = await this.#newest(id);
      if (record === null) return null;
      const agreed = approved(record, { run, plan }, this.#parts.world.clock.now());
      if (agreed === null) return { event: record, agreed: false };
      await this.#putToWork(agreed);
      const playbook = record.runs[run]?.playbook ?? "";
      traced(this.#parts.world.log, trace)({ level: "info", event: "event.agreed", id, client: record.client, playbook });
      return { event: agreed, agreed: true };
    });
  }

  /** Throws NOT_READY where the store shows it as it was, and memory knows that. */
  async #newest(id: string): Promise<EventRecord | null> {
    const record = await this.event(id);
    if (record === null || record.updatedAt >= (this.#book.summary(id)?.updatedAt ?? 0)) return record;
    throw new PortcullisError("NOT_READY", "the store still shows the event as it was; try again in a minute or two", { retryAfterSeconds: 60 });
  }

  /** In the store first: whoever was answered may lose memory after it, and it is done all the same. */
  async #putToWork(record: EventRecord): Promise<void> {
    await putEvent(this.#parts.world, record);
    await this.#book.keep(record);
    await this.#parts.schedule(this.#parts.world.clock.now());
  }

  // --- at work ---

  nextDueAt(): EpochMs | null {
    if (this.#book.strangers.size > 0) return this.#parts.world.clock.now();
    const moments = this.#book.records().flatMap((record) => this.#dueAt(record) ?? []);
    return moments.length === 0 ? null : Math.min(...moments);
  }

  #dueAt(record: EventRecord): EpochMs | null {
    return isOver(record.state) ? (this.#saveAt.get(record.id) ?? 0) : nextDueAt(record);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  work(): Promise<void> {
    return this.#inTurn(() => this.#round());
  }

  async #round(): Promise<void> {
    const { clock } = this.#parts.world;
    const began = clock.now();
    await this.#adoptListing();
    await this.#adoptStrangers();
    const due = this.#book
      .records()
      .filter((record) => (this.#dueAt(record) ?? Number.POSITIVE_INFINITY) <= began)
      .sort((a, b) => a.receivedAt - b.receivedAt)
      .slice(0, limits.eventsPerRoundMax);
    for (let at = 0; at < due.length && clock.now() - began < limits.eventRoundMs; at += limits.eventsAtOnce) {
      await Promise.all(due.slice(at, at + limits.eventsAtOnce).map((record) => this.#advance(record)));
    }
  }

  /** Takes one event as far as it goes now. */
  async #advance(record: EventRecord): Promise<void> {
    const { clock } = this.#parts.world;
    const working: Working = { record };
    if (record.runs.some(({ state, askUntil }) => state === "asking" && (askUntil ?? 0) <= clock.now()))
      await this.#change(working, lapse(record, clock.now()));
    for (let due = dueSteps(working.record, clock.now()); due.length > 0; due = dueSteps(working.record, clock.now())) {
      await this.#tryAll(working, due);
    }
    if (isOver(working.record.state)) await this.#close(working);
    // Without memory that lasts, the store is the only place for what was tried.
    else if (this.#parts.world.continuity === "none" && working.record !== record) await this.#saveEnd(working.record);
  }

  async #change(working: Working, record: EventRecord): Promise<void> {
    working.record = record;
    await this.#book.keep(record);
  }

  async #tryAll(working: Working, places: readonly StepPlace[]): Promise<void> {
    const { clock } = this.#parts.world;
    let record = working.record;
    const alive = places.filter((place) => {
      if ((stepAt(record, place)?.begun ?? 0) < limits.stepDeathsMax) return true;
      record = giveUp(record, place, `it was begun ${limits.stepDeathsMax} times, and each time the life that did it ended first`, clock.now());
      return false;
    });
    for (const place of alive) record = begin(record, place, clock.now());
    await this.#change(working, record);
    await Promise.all(alive.map((place) => this.#tryOne(working, place)));
  }

  async #tryOne(working: Working, place: StepPlace): Promise<void> {
    const { world, randomBytes } = this.#parts;
    const step = stepAt(working.record, place);
    if (step === undefined) return;
    const playbook = working.record.runs[place.run]?.playbook ?? "";
    const outcome = await carryOut({ record: working.record, playbook, step, trace: working.record.trace }, this.#parts);
    const chance = (randomBytes(1)[0] ?? 0) / 256;
    await this.#change(working, endStep(working.record, place, outcome, world.clock.now(), chance));
    world.memory.counters.add("portcullis_event_steps_total", { action: step.act.action, outcome: outcome.kind });
    const after = stepAt(working.record, place);
    if (outcome.kind !== "failed" || after === undefined) return;
    const { id, client } = working.record;
    const told = { id, client, playbook, step: place.path, message: outcome.message, tries: after.tries, next: after.nextAt };
    traced(world.log, working.record.trace)({ level: "warn", event: "event.step.failed", code: outcome.code, ...told });
  }

  // --- in the store ---

  /** False: the store did not take it, and it is tried again. */
  async #saveEnd(record: EventRecord): Promise<boolean> {
    const { world } = this.#parts;
    try {
      await putEvent(this.#parts.world, record);
      this.#saveAt.delete(record.id);
      return true;
    } catch (thrown) {
      this.#saveAt.set(record.id, world.clock.now() + limits.eventSaveAgainMs);
      world.log({ level: "warn", event: "event.save.failed", id: record.id, message: asPortcullisError(thrown, "STORE_UNAVAILABLE", "no answer").message });
      return false;
    }
  }

  async #close({ record }: Working): Promise<void> {
    if (!(await this.#saveEnd(record))) return;
    // Told before it is closed: who dies in between tells it twice, not never.
    this.#tellEnd(record);
    await this.#book.close(record);
  }

  #tellEnd(record: EventRecord): void {
    const { id, client, state, event, trace } = record;
    const said = { id, client, state, source: event.source, type: event.type, playbooks: record.runs.map(({ playbook }) => playbook) };
    const write = traced(this.#parts.world.log, trace);
    if (state !== "dead") {
      write({ level: "info", event: "event.done", ...said });
      return;
    }
    const failures = record.runs.flatMap(({ playbook, steps }) =>
      steps.flatMap(({ path, error, state: end }) => (end === "failed" && error !== null ? [`${playbook} ${path}: ${error.code}: ${error.message}`] : [])),
    );
    write({ level: "error", event: "event.dead", ...said, failures });
  }

  // --- what other lives recorded ---

  async listed(events: readonly EventSummary[], { whole, beganAt }: { readonly whole: boolean; readonly beganAt: EpochMs }): Promise<void> {
    const { world } = this.#parts;
    const settleMs = settleOf(world);
    const unbroken = world.continuity === "kept" && beganAt - world.memory.core.since >= settleMs;
    const gone = this.#book.listed(events, { whole, unbroken, staleBefore: beganAt - settleMs });
    await this.#book.drop(gone);
  }

  /** Without memory that lasts, each round begins with what the store names. */
  async #adoptListing(): Promise<void> {
    const { world } = this.#parts;
    if (world.continuity !== "none") return;
    const beganAt = world.clock.now();
    const events: EventSummary[] = [];
    let cursor: string | null = null;
    do {
      const page = await storing(() => world.store.list(cursor, keyPrefixes.event));
      for (const key of page.keys) {
        const record = readRecord(key);
        if (record.kind === "event") events.push(record.event);
      }
      cursor = page.cursor;
    } while (cursor !== null && events.length < 2 * limits.eventRecordsMax);
    await this.listed(events, { whole: cursor === null, beganAt });
  }

  async #adoptStrangers(): Promise<void> {
    const ids = [...this.#book.strangers.keys()].slice(0, limits.eventsPerRoundMax);
    for (let at = 0; at < ids.length; at += limits.eventsAtOnce) await Promise.all(ids.slice(at, at + limits.eventsAtOnce).map((id) => this.#adopt(id)));
  }

  /** One that the store does not show yet, or that cannot be read, is named again by the next listing. */
  async #adopt(id: string): Promise<void> {
    this.#book.strangers.delete(id);
    const known = this.#book.summary(id);
    const record = await getEvent(this.#parts.world, id).catch(() => null);
    if (record === null || (known !== null && known.updatedAt >= record.updatedAt)) return;
    await this.#book.know(record);
  }
}
