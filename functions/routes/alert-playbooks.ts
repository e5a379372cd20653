// What events of a detector come to where there are playbooks: each is handed to the coordinator, which records what fires and does it after the
// answer; each item is answered with what that is, or why nothing fires. Refuses to decide or to do anything itself.
import { cidrText } from "../../shared/address/index.ts";
import type { EventSource } from "../../shared/config.ts";
import type { DetectionEvent } from "../../shared/event/event.ts";
import type { TakenEvent } from "../events/contract.ts";
import { countTaken } from "./alert-batch.ts";
import { readEventEntries, saidOfNoEvent } from "./alert-events.ts";
import { jsonResponse } from "./answer.ts";
import { type Call, requestTime } from "./call.ts";
import { tellQuestions } from "./links.ts";
import type { Payload } from "./payload.ts";

interface Line {
  readonly item: number;
  readonly status: string;
  readonly [more: string]: unknown;
}

function takenLine(item: number, taken: TakenEvent): Line {
  const { status, id, state, why, playbooks, limit, retryAfterSeconds } = taken;
  return {
    item,
    status,
    ...(id === null ? {} : { event: id }),
    ...(state === null ? {} : { state }),
    ...(why === null ? {} : { reason: why }),
    ...(limit === undefined ? {} : { limit }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(playbooks.length === 0 ? {} : { playbooks }),
  };
}

async function take(call: Call, events: readonly DetectionEvent[]): Promise<readonly TakenEvent[]> {
  if (events.length === 0) return [];
  const { name, client } = call.caller;
  const { longestMs, widest } = client;
  const own = call.remote === null ? null : cidrText(call.remote);
  const answer = await call.coordinator.take({ client: name, own, bounds: { longestMs, widest }, receipt: requestTime(call), events });
  const asked = answer.events.flatMap(({ questions = [] }) => questions.map((question) => ({ ...question, client: name })));
  await tellQuestions(call.deps, asked);
  return answer.events;
}

/** The answer is sent when all that fires is recorded; it is done after that. */
export async function takeByPlaybooks(call: Call, source: EventSource, payload: Payload): Promise<Response> {
  const entries = readEventEntries(call, source, payload);
  const events = entries.flatMap((entry) => (entry.kind === "event" ? [{ item: entry.item, event: entry.event }] : []));
  const taken = await take(
    call,
    events.map(({ event }) => event),
  );
  const others = entries.flatMap((entry): readonly Line[] => {
    if (entry.kind === "event") return [];
    const { field, reason } = saidOfNoEvent(entry);
    return [{ item: entry.item, status: entry.kind, ...(field === undefined ? {} : { field }), reason }];
  });
  const lines = [...taken.map((one, at) => takenLine(events[at]?.item ?? at, one)), ...others].sort((a, b) => a.item - b.item);
  const counts = countTaken(call, source, lines);
  const { client } = call.caller;
  const isRecorded = taken.some(({ id }) => id !== null);
  return jsonResponse(200, { source, recorded: isRecorded, ...(client.mode === "observe" ? { mode: "observe" } : {}), counts, items: lines });
}
