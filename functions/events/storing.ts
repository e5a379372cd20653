// Events in the store: how one is written, read and named there. Whatever the store throws reads as "nothing was promised, send it again".
import { asPortcullisError } from "../../shared/errors.ts";
import { type EventRecord, eventMetadata, readEventRecord, summaryOf } from "../../shared/event/record.ts";
import { eventKey } from "../../shared/keys.ts";
import { limits } from "../../shared/limits.ts";
import { isOver } from "../coordinator/event-book.ts";
import type { World } from "../pass/world.ts";

/** Throws STORE_UNAVAILABLE. */
export async function storing<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (thrown) {
    const message = "the store did not answer about an event; nothing was promised, send it again";
    throw asPortcullisError(thrown, "STORE_UNAVAILABLE", message, { retryAfterSeconds: 5 });
  }
}

/** What is dead is kept longer than what is well over: a person has to look at it. Throws STORE_UNAVAILABLE. */
export async function putEvent({ store, clock, memory }: World, record: EventRecord): Promise<void> {
  const keepMs = isOver(record.state) && record.state !== "dead" ? limits.eventRetainMs : limits.eventKeepMs;
  const options = { metadata: eventMetadata(summaryOf(record)), expiresAtMs: clock.now() + keepMs };
  await storing(() => store.put(eventKey(record.id), JSON.stringify(record), options));
  memory.counters.add("portcullis_store_puts_total");
}

/** Null for what is not there, and for what cannot be read; that is told. Throws STORE_UNAVAILABLE. */
export async function getEvent({ store, log }: World, id: string): Promise<EventRecord | null> {
  const found = await storing(() => store.get(eventKey(id)));
  if (found === null) return null;
  const record = readEventRecord(found.value);
  if (record === null) log({ level: "error", event: "event.unreadable", code: "STORE_CORRUPT", id });
  return record;
}
