// The coordinator's verbs over JSON: errors keep their code and context on the way. No platform in it.
import { type ErrorCode, type ErrorContext, errorTraits, PortcullisError } from "../../shared/errors.ts";
import type { TargetState } from "../../shared/lease/snapshot.ts";
import type { Trace } from "../../shared/trace.ts";
import type { TakeRequest } from "../events/contract.ts";
import type { AcceptAnswer, AcceptRequest, CoordinatorApi } from "./contract.ts";

const verbs = [
  "accept",
  "settle",
  "lift",
  "stop",
  "reconcile",
  "plan",
  "explain",
  "snapshot",
  "storeId",
  "tick",
  "vitals",
  "note",
  "take",
  "events",
  "event",
  "replay",
  "approve",
] as const satisfies readonly (keyof CoordinatorApi)[];
type Verb = (typeof verbs)[number];

function isTrace(value: unknown): value is Trace {
  return typeof value === "object" && value !== null && "traceId" in value;
}

type Envelope = { readonly value: unknown } | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly context: ErrorContext } };

function isVerb(text: unknown): text is Verb {
  return verbs.some((verb) => verb === text);
}

/** Runs one call and wraps whatever comes of it. Unexpected failures become INVARIANT without details. */
export async function serveCall(api: CoordinatorApi, body: string): Promise<string> {
  const envelope = async (): Promise<Envelope> => {
    try {
      const { verb, args } = JSON.parse(body) as { verb: unknown; args: readonly unknown[] };
      if (!isVerb(verb)) throw new PortcullisError("INVARIANT", "no such verb");
      const method = api[verb] as (...args: readonly unknown[]) => Promise<unknown>;
      return { value: (await method.apply(api, [...args])) ?? null };
    } catch (thrown) {
      if (!(thrown instanceof PortcullisError)) throw thrown;
      return { error: { code: thrown.code, message: thrown.message, context: thrown.context } };
    }
  };
  return JSON.stringify(await envelope());
}

/** The other end: `send` carries one body there and back, and throws when the coordinator cannot be reached. */
export function remoteCoordinator(send: (body: string, trace: Trace | undefined) => Promise<string>): CoordinatorApi {
  const call = async (verb: Verb, args: readonly unknown[]): Promise<unknown> => {
    // JSON has no undefined: what is left out at the end stays out.
    const given = args.at(-1) === undefined ? args.slice(0, -1) : args;
    const envelope = JSON.parse(await send(JSON.stringify({ verb, args: given }), args.find(isTrace))) as Envelope;
    if ("value" in envelope) return envelope.value;
    const { code, message, context } = envelope.error;
    throw new PortcullisError(Object.hasOwn(errorTraits, code) ? code : "INVARIANT", message, context);
  };
  return Object.fromEntries(verbs.map((verb) => [verb, (...args: readonly unknown[]) => call(verb, args)])) as unknown as CoordinatorApi;
}

/** Marks a call that never reached the coordinator. */
export class CoordinatorUnreachable extends Error {
  override readonly name = "CoordinatorUnreachable";
}

const recordedAside: TargetState = {
  state: "pending",
  why: "recorded without the coordinator, which did not answer: its next full pass enforces it, within five minutes",
};

/** The ticket of what the coordinator has not taken in: no pass that it knows of includes it. */
const asideTicket = -1;

/** Says of what was recorded that nobody was told yet; what the store's old snapshot says of it may be an hour old, and is not repeated. */
async function acceptAside(fallback: Pick<CoordinatorApi, "accept">, request: AcceptRequest, trace: Trace | undefined): Promise<AcceptAnswer> {
  const answer = await fallback.accept(request, trace);
  const items = answer.items.map((item) => ({
    ...item,
    states: Object.fromEntries(Object.keys(item.states).map((target) => [target, recordedAside])),
  }));
  return { ticket: asideTicket, items };
}

/**
 * When the coordinator cannot be reached, blocks and events are still recorded: the records are immutable, so a second writer harms
 * nothing, and the next full pass enforces them; nobody waits for that. Everything else answers NOT_READY.
 */
export function withFallback(coordinator: CoordinatorApi, fallback: Pick<CoordinatorApi, "accept" | "take">): CoordinatorApi {
  const guarded = Object.fromEntries(
    verbs.map((verb) => [
      verb,
      async (...args: readonly unknown[]) => {
        // The coordinator would tell of what it knows: of an older lease, or of none.
        if (verb === "settle" && args[0] === asideTicket) return { done: false, items: [] };
        try {
          return await (coordinator[verb] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
        } catch (thrown) {
          if (!(thrown instanceof CoordinatorUnreachable)) throw thrown;
          if (verb === "accept") return acceptAside(fallback, args[0] as AcceptRequest, args[1] as Trace | undefined);
          // Recorded is taken: the coordinator finds it in its next full listing.
          if (verb === "take") return fallback.take(args[0] as TakeRequest, args[1] as Trace | undefined);
          throw new PortcullisError("NOT_READY", "the coordinator could not be reached; try again in a few seconds", { retryAfterSeconds: 5 }, thrown);
        }
      },
    ]),
  );
  return guarded as unknown as CoordinatorApi;
}
