// Whose work a pass is: one request's, when it alone waits for it; else its own, with links to those it takes in.
// So a block can be followed by its own trace id from the door to the clouds, and a pass for hundreds stays one line.
import type { EpochMs, Random } from "../../shared/ports.ts";
import { childOf, newTrace, type Trace } from "../../shared/trace.ts";

/** More traces than this are counted, not named. */
const linksMax = 32;

export interface Cause {
  readonly trace: Trace;
  /** Trace ids of the requests whose records the pass takes in; empty when it continues the one there is. */
  readonly links: readonly string[];
  readonly linksTotal: number;
}

/** Records that wait for a pass, by name, with the trace that made them. In memory; as good as it gets after a restart. */
export class OpenTraces {
  readonly #open = new Map<string, { readonly trace: Trace; readonly at: EpochMs }>();

  add(record: string, trace: Trace, at: EpochMs): void {
    this.#open.set(record, { trace, at });
  }

  /** `asked`: the request that wants this very pass. */
  causeOf(asked: Trace | undefined, random: Random): Cause {
    const byId = new Map<string, Trace>(asked === undefined ? [] : [[asked.traceId, asked]]);
    for (const { trace } of this.#open.values()) if (!byId.has(trace.traceId)) byId.set(trace.traceId, trace);
    const [only] = byId.values();
    if (only !== undefined && byId.size === 1) return { trace: childOf(only, random), links: [], linksTotal: 0 };
    return { trace: newTrace(random), links: [...byId.keys()].slice(-linksMax), linksTotal: byId.size };
  }

  /** Lets go of what was recorded before that moment. */
  end(before: EpochMs, names?: ReadonlySet<string>): void {
    for (const [name, { at }] of this.#open) if (at < before || names?.has(name) === true) this.#open.delete(name);
  }

  names(): ReadonlySet<string> {
    return new Set(this.#open.keys());
  }
}
