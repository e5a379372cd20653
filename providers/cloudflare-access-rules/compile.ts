// From the core's changes to one call each, in the core's order, never more than there is room for. Pure.
// Never writes a value that somebody else's rule holds: Cloudflare would refuse it, and the observation has said so.
import { type Cidr, displayCidr } from "../../shared/address/index.ts";
import type { CompileRequest, Entry, Step } from "../../shared/provider.ts";
import { markOf } from "../internal/cloudflare/marks.ts";
import type { AccessRulesSettings } from "./config.ts";
import { Allows, entryOf, nativeOf, placeText } from "./convert.ts";

/** What one step sends: all that `apply` may use. */
export type NativeStep =
  | { readonly verb: "add"; readonly place: string; readonly target: string; readonly value: string; readonly notes: string }
  | { readonly verb: "remove"; readonly place: string; readonly value: string };

class Compiler {
  readonly #request: CompileRequest;
  readonly #place: string;
  readonly #allows: Allows;
  readonly #taken: ReadonlySet<string>;
  /** Entries as they will stand, by id. */
  readonly #standing: Map<string, Entry>;
  #free: number;

  constructor(request: CompileRequest, settings: AccessRulesSettings) {
    const { ours, foreign, taken = [], pools } = request.observation;
    this.#request = request;
    this.#place = placeText(settings);
    this.#allows = new Allows(foreign);
    this.#taken = new Set(taken.map(({ cidr }) => displayCidr(cidr)));
    this.#standing = new Map(ours.map((entry) => [entry.id, entry]));
    this.#free = Math.min(...pools.map((pool) => pool.limit)) - ours.length;
  }

  steps(): readonly Step[] {
    const steps: Step[] = [];
    for (const change of this.#request.changes) {
      const value = change.verb === "remove" ? change.entry.id : displayCidr(change.cidr);
      if (change.verb === "swap" || this.#request.frozen.has(value)) continue;
      if (change.verb === "remove") steps.push(...this.#remove(change.entry));
      else if (!this.#taken.has(value)) steps.push(...this.#add(change.cidr));
    }
    return steps;
  }

  /** An entry that stands takes no step, a partial one neither: what is in its way is not ours to take away. */
  #add(cidr: Cidr): readonly Step[] {
    const entry = entryOf(cidr, this.#allows);
    if (this.#standing.has(entry.id) || this.#free <= 0) return [];
    this.#free -= 1;
    this.#standing.set(entry.id, entry);
    const native: NativeStep = { verb: "add", place: this.#place, ...nativeOf(cidr), notes: markOf(this.#request.observation.storeId) };
    return [{ ...this.#named("add", [entry.id]), summary: `block ${entry.id} at ${this.#place}`, adds: [entry], removes: [], native: { ...native } }];
  }

  #remove(entry: Entry): readonly Step[] {
    if (!this.#standing.delete(entry.id)) return [];
    this.#free += 1;
    const native: NativeStep = { verb: "remove", place: this.#place, value: entry.id };
    const summary = `delete the block of ${entry.id} at ${this.#place}`;
    return [{ ...this.#named("remove", [entry.id]), summary, adds: [], removes: [entry.id], native: { ...native } }];
  }

  #named(verb: string, values: readonly string[]): { readonly id: string; readonly slots: readonly string[] } {
    return { id: `cloudflare-access-rules/${this.#place}/${verb}/${values.join(",")}`, slots: values };
  }
}

export function compile(request: CompileRequest, settings: AccessRulesSettings): readonly Step[] {
  return new Compiler(request, settings).steps();
}
