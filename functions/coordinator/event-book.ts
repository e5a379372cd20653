// The events that the coordinator knows: those that are not over whole, of the others what a listing tells. Disposable like the rest of its memory:
// what is lost is read again from the store. Owns its layout in memory; decides nothing and reads no store.
import { type EventRecord, type EventState, type EventSummary, eventStates, summaryOf } from "../../shared/event/record.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs, Json } from "../../shared/ports.ts";
import type { MemoryStorage } from "./memory.ts";

export const eventsPrefix = "event:";

interface Kept {
  readonly summary: EventSummary;
  /** Absent: it is over, and stored so. */
  readonly record?: EventRecord;
}

const overStates: ReadonlySet<EventState> = new Set(["done", "observed", "dead", "lapsed"]);

function clientName(client: string): string {
  return `client ${client}`;
}

export function isOver(state: EventState): boolean {
  return overStates.has(state);
}

export class EventBook {
  readonly #storage: MemoryStorage;
  readonly #kept = new Map<string, Kept>();
  /** How long the records are that are not over, by event, and together. */
  readonly #chars = new Map<string, number>();
  openChars = 0;
  /** How many are on record, by client. */
  readonly #held = new Map<string, number>();
  /** When what fired, by the name under which it is counted; made anew from the summaries when they are listed. */
  readonly #fired = new Map<string, EpochMs[]>();
  /** Listed as not over, and not known here. */
  readonly strangers = new Map<string, EventSummary>();
  /** The last that ended in this life, whole. */
  readonly #over = new Map<string, EventRecord>();
  /** A whole listing was read in this life: what is not in here is in the store only if it came in by another way lately. */
  isWhole = false;

  constructor(storage: MemoryStorage) {
    this.#storage = storage;
  }

  restore(id: string, value: Json): void {
    this.#put(id, value as unknown as Kept);
  }

  #put(id: string, kept: Kept): void {
    const { client } = kept.summary;
    if (!this.#kept.has(id)) {
      if (!this.strangers.has(id)) this.#countFirings(kept.summary);
      this.#held.set(client, this.heldBy(client) + 1);
    }
    this.#kept.set(id, kept);
    this.#measure(id, kept.record);
  }

  #remove(id: string): void {
    const client = this.#kept.get(id)?.summary.client;
    if (client === undefined) return;
    this.#held.set(client, this.heldBy(client) - 1);
    this.#kept.delete(id);
    this.#over.delete(id);
    this.#measure(id, undefined);
  }

  /** Firings, and under the client's own name when its events came in: no name of firings looks like one. */
  #countFirings({ firings, receivedAt, client }: EventSummary): void {
    for (const name of [clientName(client), ...firings]) {
      const times = this.#fired.get(name);
      if (times === undefined) this.#fired.set(name, [receivedAt]);
      else times.push(receivedAt);
    }
  }

  #measure(id: string, record: EventRecord | undefined): void {
    const chars = record === undefined ? 0 : JSON.stringify(record).length;
    this.openChars += chars - (this.#chars.get(id) ?? 0);
    if (chars === 0) this.#chars.delete(id);
    else this.#chars.set(id, chars);
  }

  /** How many events of a client are on record. */
  heldBy(client: string): number {
    return this.#held.get(client) ?? 0;
  }

  /** When events of a client came in. */
  takenFrom(client: string): readonly EpochMs[] {
    return this.firings(clientName(client));
  }

  firings(name: string): readonly EpochMs[] {
    return this.#fired.get(name) ?? [];
  }

  get count(): number {
    return this.#kept.size;
  }

  summary(id: string): EventSummary | null {
    return this.#kept.get(id)?.summary ?? null;
  }

  /** Whole, as far as it is known without the store. */
  record(id: string): EventRecord | null {
    return this.#kept.get(id)?.record ?? this.#over.get(id) ?? null;
  }

  /** Those with work left, and those whose end the store has not taken yet. */
  records(): readonly EventRecord[] {
    return [...this.#kept.values()].flatMap(({ record }) => record ?? []);
  }

  summaries(): readonly EventSummary[] {
    const known = [...this.#kept.values()].map(({ summary }) => summary);
    return this.strangers.size === 0 ? known : [...new Map([...known, ...this.strangers.values()].map((summary) => [summary.id, summary])).values()];
  }

  /** Takes it in at once; resolves when it is kept. */
  async keep(record: EventRecord): Promise<void> {
    const summary = summaryOf(record);
    this.#put(record.id, { summary, record });
    this.strangers.delete(record.id);
    this.#over.delete(record.id);
    await this.#storage.put(`${eventsPrefix}${record.id}`, { summary, record } as unknown as Json);
  }

  /** The store has its end: only the summary stays. */
  async close(record: EventRecord): Promise<void> {
    const summary = summaryOf(record);
    this.#over.set(record.id, record);
    const [first] = this.#over.keys();
    if (this.#over.size > limits.eventsOverMax && first !== undefined) this.#over.delete(first);
    this.#put(summary.id, { summary });
    this.strangers.delete(summary.id);
    await this.#storage.put(`${eventsPrefix}${summary.id}`, { summary } as unknown as Json);
  }

  /** Takes in what the store has. */
  know(record: EventRecord): Promise<void> {
    return isOver(record.state) ? this.close(record) : this.keep(record);
  }

  async drop(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#remove(id);
    if (ids.length > 0) await this.#storage.delete(ids.map((id) => `${eventsPrefix}${id}`));
  }

  /** The oldest that is over, of this client where it holds more than half of all: whoever fills the book makes room first. Null: none is over. */
  oldestOver(client: string): EventSummary | null {
    const over = this.summaries().filter(({ state }) => state !== "dead" && isOver(state));
    const mine = this.heldBy(client) > this.#kept.size / 2;
    const candidates = mine ? over.filter((summary) => summary.client === client) : over;
    return candidates.reduce<EventSummary | null>((oldest, one) => (oldest === null || one.updatedAt < oldest.updatedAt ? one : oldest), null);
  }

  /** Takes in what a whole or partial listing named; what a whole one does not name, and is not new, the store has let go. */
  listed(events: readonly EventSummary[], listing: { readonly whole: boolean; readonly unbroken: boolean; readonly staleBefore: EpochMs }): readonly string[] {
    const named = new Set(events.map(({ id }) => id));
    for (const summary of events) {
      const known = this.#kept.get(summary.id);
      if (known !== undefined && known.summary.updatedAt >= summary.updatedAt) continue;
      // Somebody else wrote it later than we did, such as a replay in another life: read it before going on with it.
      if (!isOver(summary.state)) {
        if (known === undefined && !this.strangers.has(summary.id)) this.#countFirings(summary);
        this.strangers.set(summary.id, summary);
      } else if (known?.record === undefined) this.#put(summary.id, { summary });
    }
    if (!listing.whole) return [];
    // After lost memory a listing may miss what the life before wrote last.
    this.isWhole ||= listing.unbroken;
    const gone = [...this.#kept].filter(([id, { summary, record }]) => record === undefined && !named.has(id) && summary.updatedAt < listing.staleBefore);
    for (const [id] of gone) this.#remove(id);
    this.#recount();
    return gone.map(([id]) => id);
  }

  #recount(): void {
    this.#fired.clear();
    for (const summary of this.summaries()) this.#countFirings(summary);
  }

  /** Lets go of what a process without a coordinator took long ago; the store has it. */
  async forget(before: EpochMs): Promise<void> {
    await this.drop([...this.#kept.values()].flatMap(({ summary }) => (summary.updatedAt < before ? [summary.id] : [])));
  }

  /** How many of each state there are, and since when the oldest open one waits. */
  vitals(): { readonly states: Readonly<Record<EventState, number>>; readonly oldestOpenAt: EpochMs | null; readonly max: number } {
    const states = Object.fromEntries(eventStates.map((state) => [state, 0])) as Record<EventState, number>;
    let oldestOpenAt: EpochMs | null = null;
    for (const { state, receivedAt } of this.summaries()) {
      states[state] += 1;
      if (state === "open" && (oldestOpenAt === null || receivedAt < oldestOpenAt)) oldestOpenAt = receivedAt;
    }
    return { states, oldestOpenAt, max: limits.eventRecordsMax };
  }
}
