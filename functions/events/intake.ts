// Takes events in: decided once, recorded once, answered when the record is durable. Strict under concurrency: deliveries of one event wait for the
// one that writes, and between deciding and the write nothing is awaited, so that throttles and limits count right.

import { PortcullisError } from "../../shared/errors.ts";
import { questionsOf } from "../../shared/event/approval.ts";
import type { DetectionEvent } from "../../shared/event/event.ts";
import { type Arrival, recordOf } from "../../shared/event/plan.ts";
import { actText, type EventRecord, type EventSummary, eventIdOf, firingName } from "../../shared/event/record.ts";
import { eventKey } from "../../shared/keys.ts";
import { limits } from "../../shared/limits.ts";
import type { Decision } from "../../shared/playbook/decide.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { cutText } from "../../shared/request/text.ts";
import { isoTime } from "../../shared/time.ts";
import type { Trace } from "../../shared/trace.ts";
import type { EventBook } from "../coordinator/event-book.ts";
import type { World } from "../pass/world.ts";
import type { PlaybookEngine, TakenEvent, TakeRequest } from "./contract.ts";
import { getEvent, putEvent, storing } from "./storing.ts";

const minuteMs = 60_000;

interface Taking {
  readonly event: DetectionEvent;
  readonly id: string;
  readonly request: TakeRequest;
  readonly trace: Trace | undefined;
}

/** What is under way: counted as if it were recorded. */
interface Reserved {
  readonly client: string;
  readonly at: EpochMs;
  readonly firings: readonly string[];
}

type Limited = Pick<TakenEvent, "limit" | "why" | "retryAfterSeconds">;

const nothing = { id: null, state: null, playbooks: [] } as const;

/** Why no playbook fires, the nearest miss first. */
function ignoredWhy(decisions: readonly Decision[]): string {
  const nearness = ({ outcome, why }: Decision) => (outcome === "throttled" ? 0 : why.startsWith("when") ? 1 : 2);
  const reasons = decisions.toSorted((a, b) => nearness(a) - nearness(b)).map(({ playbook, why }) => `${playbook}: ${why}`);
  return cutText(`no playbook fires; ${reasons.join("; ")}`, limits.entryReasonCharsMax);
}

function told(record: EventRecord, status: TakenEvent["status"], why: string | null = null): TakenEvent {
  const playbooks = record.runs.map(({ playbook, outcome, steps }) => ({ playbook, outcome, actions: steps.map(({ act }) => actText(act)) }));
  const questions = status === "accepted" ? questionsOf(record) : [];
  return { status, id: record.id, state: record.state, why, playbooks, ...(questions.length === 0 ? {} : { questions }) };
}

function toldOver({ id, state, playbooks, receivedAt }: EventSummary): TakenEvent {
  const why = `it was taken at ${isoTime(receivedAt)} and is ${state}`;
  return { status: "unchanged", id, state, why, playbooks: playbooks.map((playbook) => ({ playbook, outcome: "", actions: [] })) };
}

export class Intake {
  readonly #world: World;
  readonly #engine: PlaybookEngine;
  readonly #book: EventBook;
  readonly #taking = new Map<string, Promise<unknown>>();
  readonly #reserved = new Set<Reserved>();

  constructor(world: World, engine: PlaybookEngine) {
    this.#world = world;
    this.#engine = engine;
    this.#book = world.memory.events;
  }

  /** Throws STORE_UNAVAILABLE: then nothing was promised for this event. */
  async take(event: DetectionEvent, request: TakeRequest, trace: Trace | undefined): Promise<TakenEvent> {
    const id = eventIdOf(request.client, event);
    for (let before = this.#taking.get(id); before !== undefined; before = this.#taking.get(id)) await before;
    const taking = this.#take({ event, id, request, trace }).finally(() => this.#taking.delete(id));
    this.#taking.set(
      id,
      taking.catch(() => undefined),
    );
    return taking;
  }

  async #take(taking: Taking): Promise<TakenEvent> {
    const known = this.#known(taking.id) ?? (await this.#stored(taking));
    if (known !== null) return known;
    const now = this.#world.clock.now();
    const decisions = this.#decide(taking.event, now);
    const record = recordOf(decisions, this.#arrival(taking, now), this.#world.config);
    if (record === null) return { ...nothing, status: "ignored", why: ignoredWhy(decisions) };
    const limited = this.#limited(taking.request.client, now) ?? this.#tooLong(record);
    if (limited !== null) return { ...nothing, ...limited, status: "limited" };
    const reserved = { client: record.client, at: now, firings: record.firings };
    this.#reserved.add(reserved);
    try {
      await this.#write(taking.trace === undefined ? record : { ...record, trace: taking.trace });
    } finally {
      this.#reserved.delete(reserved);
    }
    return told(record, record.state === "observed" ? "observed" : "accepted");
  }

  #arrival({ event, request }: Taking, now: EpochMs): Arrival {
    const { client: name, own, bounds, receipt } = request;
    const settings = Object.hasOwn(this.#world.config.clients, name) ? this.#world.config.clients[name] : undefined;
    if (settings === undefined) throw new PortcullisError("INVARIANT", `client ${name} is not configured`);
    return { event, sender: { name, own, client: { ...settings, ...bounds } }, receipt: Math.min(receipt, now), now };
  }

  #decide(event: DetectionEvent, now: EpochMs): readonly Decision[] {
    const under = [...this.#reserved];
    const firings = (key: string) => {
      const name = firingName(key);
      return [...this.#book.firings(name), ...under.flatMap((one) => (one.firings.includes(name) ? [one.at] : []))];
    };
    return this.#engine.decide(event, { now, firings });
  }

  #known(id: string): TakenEvent | null {
    const record = this.#book.record(id);
    if (record !== null) return told(record, "unchanged", `it was taken at ${isoTime(record.receivedAt)} and is ${record.state}`);
    const summary = this.#book.summary(id);
    return summary === null ? null : toldOver(summary);
  }

  /** What an earlier life recorded and this one has not heard of. Not asked where no playbook would fire anyway. */
  async #stored({ event, id }: Taking): Promise<TakenEvent | null> {
    if (this.#book.isWhole) return null;
    const fires = this.#decide(event, this.#world.clock.now()).some(({ matches }) => matches);
    if (!fires) return null;
    const record = await getEvent(this.#world, id);
    if (record === null) return null;
    await this.#book.know(record);
    return this.#known(id);
  }

  #limited(client: string, now: EpochMs): Limited | null {
    const settings = this.#world.config.clients[client];
    const under = [...this.#reserved].flatMap((one) => (one.client === client ? [one.at] : []));
    const held = this.#book.heldBy(client) + under.length;
    const recent = [...this.#book.takenFrom(client), ...under].filter((at) => at > now - minuteMs);
    if (settings !== undefined && recent.length >= settings.newPerMinute) {
      const why = `client ${client} sent ${recent.length} new events in the last minute of ${settings.newPerMinute} allowed`;
      return { limit: "newPerMinute", why, retryAfterSeconds: Math.max(1, Math.ceil((Math.min(...recent) + minuteMs - now) / 1_000)) };
    }
    const isFull = this.#book.count + this.#reserved.size >= limits.eventRecordsMax;
    const isGreedy = held >= limits.eventRecordsMax * limits.eventShareMax;
    if ((!isFull && !isGreedy) || this.#book.oldestOver(client) !== null) return null;
    const why = isFull
      ? `${this.#book.count} events are on record and none of them is over; replay or wait`
      : `client ${client} has ${held} of ${limits.eventRecordsMax} events on record and none of them is over; the rest is kept for the others`;
    return { limit: "store", why, retryAfterSeconds: 300 };
  }

  /** What is not over is in the coordinator's memory, whole. */
  #tooLong(record: EventRecord): Limited | null {
    const chars = JSON.stringify(record).length;
    if (chars > limits.eventRecordCharsMax) {
      const why = `its record would have ${chars} characters of ${limits.eventRecordCharsMax}: too many addresses for so many steps`;
      return { limit: "store", why, retryAfterSeconds: 300 };
    }
    if (this.#book.openChars + chars <= limits.eventsOpenCharsMax) return null;
    return { limit: "store", why: "the events that are not over fill what the coordinator has for them", retryAfterSeconds: 60 };
  }

  async #makeRoom(client: string): Promise<void> {
    if (this.#book.count + this.#reserved.size <= limits.eventRecordsMax) return;
    const oldest = this.#book.oldestOver(client);
    if (oldest === null) return;
    // Out of the book first, so that nobody else picks the same one.
    const dropped = this.#book.drop([oldest.id]);
    await storing(() => this.#world.store.delete(eventKey(oldest.id)));
    await dropped;
  }

  async #write(record: EventRecord): Promise<void> {
    await this.#makeRoom(record.client);
    await putEvent(this.#world, record);
    await this.#book.know(record);
  }
}
