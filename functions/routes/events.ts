// GET /v1/events, GET /v1/events/{id} and POST /v1/events/{id}/replay: what came in and fired, how far each step is, and dead letters put back to work.
// Replaying is an operator's: it acts in the name of the event's client, within that client's limits.
import { fail, ok, PortcullisError, type Result } from "../../shared/errors.ts";
import { actText, type EventRecord, type EventState, type EventSummary, eventStates, type StepRecord } from "../../shared/event/record.ts";
import { limits } from "../../shared/limits.ts";
import { readReplay } from "../../shared/request/operations.ts";
import { quoted } from "../../shared/request/text.ts";
import type { EventsRequest } from "../events/contract.ts";
import { jsonResponse, timeText } from "./answer.ts";
import type { Call } from "./call.ts";
import { shownQuestions } from "./links.ts";
import { operate } from "./operations.ts";
import { decodedPart, readQuery } from "./path.ts";
import { problemResponse } from "./problem.ts";

const prefix = "/v1/events/";
const replaySuffix = "/replay";

function readRequest(call: Call): Result<EventsRequest> {
  const query = readQuery(call.url, ["state", "limit", "cursor"]);
  if (!query.ok) return query;
  const stateText = query.value.get("state");
  const state: EventState | null = eventStates.find((name) => name === stateText) ?? null;
  if (stateText !== undefined && state === null)
    return fail("INVALID_INPUT", `${quoted(stateText)} is no state of an event; write one of ${eventStates.join(", ")}.`, { field: "state" });
  const limitText = query.value.get("limit") ?? String(limits.eventRowsUsual);
  const rows = /^[0-9]{1,4}$/.test(limitText) ? Number(limitText) : 0;
  if (rows < 1 || rows > limits.eventRowsMax)
    return fail("INVALID_INPUT", `limit must be a whole number from 1 to ${limits.eventRowsMax}; it is ${quoted(limitText)}.`, { field: "limit" });
  const after = query.value.get("cursor") ?? null;
  if (after !== null && !/^[0-9]{16}-[0-9a-f]{32}$/.test(after))
    return fail("INVALID_INPUT", "cursor must be the `next` of the page before.", { field: "cursor" });
  return ok({ state, rows, after });
}

function shownSummary({ receivedAt, updatedAt, firings: _counted, ...summary }: EventSummary): Record<string, unknown> {
  return { ...summary, receivedAt: timeText(receivedAt), updatedAt: timeText(updatedAt) };
}

function shownStep({ path, stage, act, state, tries, retry, nextAt, error, said }: StepRecord): Record<string, unknown> {
  return {
    step: path,
    stage,
    does: actText(act),
    state,
    tries,
    triesMax: retry.times + 1,
    nextTry: state === "waiting" ? timeText(nextAt) : null,
    error,
    said,
  };
}

/** Everything but names under which things are counted. */
function shownEvent(record: EventRecord): Record<string, unknown> {
  const { id, client, state, receivedAt, updatedAt, replayedAt, event, runs } = record;
  return {
    id,
    client,
    state,
    receivedAt: timeText(receivedAt),
    updatedAt: timeText(updatedAt),
    replayedAt: timeText(replayedAt),
    event: { ...event, at: timeText(event.at) },
    playbooks: runs.map(({ playbook, title, outcome, why, state: runState, askUntil, agreedAt, steps }) => ({
      playbook,
      title,
      outcome,
      why,
      state: runState,
      ...(askUntil === null ? {} : { askUntil: timeText(askUntil), agreedAt: timeText(agreedAt) }),
      steps: steps.map(shownStep),
    })),
  };
}

function unknownEvent(id: string): Response {
  return problemResponse(
    new PortcullisError("NOT_FOUND", `No event ${quoted(id)} is on record; events that are over are kept for a day, dead letters for two weeks.`),
  );
}

/** Null for what is no name of an event: nobody is asked for it. */
function idIn(call: Call, suffix: string): string | null {
  const id = decodedPart(call.url.pathname, prefix, suffix);
  return id !== null && /^[0-9a-f]{32}$/.test(id) ? id : null;
}

export async function listEvents(call: Call): Promise<Response> {
  const request = readRequest(call);
  if (!request.ok) return problemResponse(request.error);
  const { total, next, events, whole } = await call.coordinator.events(request.value);
  return jsonResponse(200, { total, complete: whole, next, events: events.map(shownSummary) });
}

export async function readEvent(call: Call): Promise<Response> {
  const id = idIn(call, "");
  const record = id === null ? null : await call.coordinator.event(id);
  if (record === null) return unknownEvent(id ?? "");
  // A link acts: whoever may only read must not be handed one.
  const isOperator = call.caller.client.scopes.includes("admin") && call.caller.client.mode === "enforce";
  const questions = isOperator ? await shownQuestions(call.deps, record) : [];
  return jsonResponse(200, { ...shownEvent(record), ...(questions.length === 0 ? {} : { questions }) });
}

export function replayEvent(call: Call): Promise<Response> {
  return operate(call, readReplay, async ({ event: meant }) => {
    const id = idIn(call, replaySuffix);
    // A signature does not cover the path: without the name in the body it would be good for every other dead letter too.
    if (meant !== id && (meant !== undefined || call.caller.signed !== null)) {
      const message = "The body's event must be the one that the path names; it is required when signed.";
      return problemResponse(new PortcullisError("INVALID_INPUT", message, { field: "event" }));
    }
    const answer = id === null ? null : await call.coordinator.replay({ id, by: call.caller.name, once: call.caller.signed?.id ?? null });
    if (answer === null) return unknownEvent(id ?? "");
    const { replayed, event } = answer;
    const why = replayed ? {} : { why: `it is ${event.state}, and only dead letters are put back to work` };
    return jsonResponse(replayed ? 202 : 200, { replayed, ...why, event: shownEvent(event) });
  });
}
