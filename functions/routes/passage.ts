// One request on its way through the door: whose trace it continues, who turned out to send it, and the one line that is logged of it.
// Refuses to log what a stranger chose: of a path only the route's own template, of a trace only its ids. Nothing here decides anything.
import type { Context } from "hono";
import type { EpochMs, Log } from "../../shared/ports.ts";
import { continued, newTrace, type Trace, traceparentOf } from "../../shared/trace.ts";
import { traced } from "../log/traced.ts";
import type { AppDeps, Route } from "./call.ts";
import { codeOf } from "./problem.ts";

/** Lines about those who were not let in: whoever knocks often must not write our log full. */
const refusalsPerMinute = 20;
const minuteMs = 60_000;

export interface Passage {
  readonly trace: Trace;
  readonly log: Log;
  readonly began: EpochMs;
  /** The client's name, once the credential has told it. */
  client: string | null;
  /** How many items of the request came to what; set by the routes that have some. */
  items: Readonly<Record<string, number>> | null;
}

/** Items by what they came to. */
export function countByStatus(items: readonly { readonly status: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of items) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

export function beginPassage(context: Context, deps: AppDeps): Passage {
  const trace = continued(context.req.header("traceparent") ?? null, deps.random) ?? newTrace(deps.random);
  return { trace, log: traced(deps.log, trace), began: deps.clock.now(), client: null, items: null };
}

/** Null also where the platform fails to say: the line is written all the same. */
function remoteOf(context: Context, deps: AppDeps): string | null {
  try {
    return deps.remoteAddress(context)?.slice(0, 64) ?? null;
  } catch {
    return null;
  }
}

/** Counts what was not let in, per instance and minute; says how many lines were left out when the next may be written. */
class Refusals {
  #minute = 0;
  #written = 0;
  #suppressed = 0;

  /** Null: no line for this one. */
  note(now: EpochMs): number | null {
    const minute = Math.floor(now / minuteMs);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#written = 0;
    }
    if (this.#written >= refusalsPerMinute) {
      this.#suppressed += 1;
      return null;
    }
    this.#written += 1;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed;
  }
}

/** Counts requests without a valid credential, and tells the coordinator once a minute: never more often, whoever knocks. */
class Strangers {
  #untold = 0;
  #toldAt = 0;

  note(context: Context, deps: AppDeps): void {
    const now = deps.clock.now();
    this.#untold += 1;
    if (now - this.#toldAt < minuteMs) return;
    const count = this.#untold;
    this.#toldAt = now;
    this.#untold = 0;
    // Nobody waits for it: the answer is the same, and takes as long, whatever comes of it.
    const tell = async () => deps.coordinatorFor(context).note(count);
    const told = tell().catch(() => {
      this.#untold += count;
    });
    deps.defer?.(context, told);
  }
}

/** Writes the line of each request that is over, and tells those who were let in which trace it is. */
export class Passages {
  readonly #deps: AppDeps;
  readonly #refusals = new Refusals();
  readonly #strangers = new Strangers();

  constructor(deps: AppDeps) {
    this.#deps = deps;
  }

  /** `route` null: there is none. */
  end(passage: Passage, context: Context, route: Pick<Route, "path"> | null, response: Response): Response {
    // Before the credential everyone gets the same bytes, so no id either.
    if (passage.client !== null) response.headers.set("traceresponse", traceparentOf(passage.trace));
    const isIn = passage.client !== null || (route !== null && response.status < 400);
    if (passage.client === null && response.status === 401) this.#strangers.note(context, this.#deps);
    const suppressed = isIn ? 0 : this.#refusals.note(this.#deps.clock.now());
    if (suppressed === null) return response;
    const isQuiet = response.status < 400 && context.req.method !== "POST" && route?.path !== "/blacklistip";
    const error = codeOf(response);
    passage.log({
      level: isIn ? (isQuiet ? "debug" : "info") : "warn",
      event: "http.answered",
      "http.request.method": context.req.method.slice(0, 16),
      "http.route": route?.path ?? null,
      "http.response.status_code": response.status,
      ...(error === undefined ? {} : { "error.type": error }),
      client: passage.client,
      "client.address": remoteOf(context, this.#deps),
      duration_ms: this.#deps.clock.now() - passage.began,
      ...(passage.items === null ? {} : { items: passage.items }),
      ...(suppressed === 0 ? {} : { suppressed }),
    });
    return response;
  }
}
