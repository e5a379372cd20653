// From the core's changes to bulk operations: adds together, removals together, in turn, never more than there is room for.
// Pure but for what earlier operations taught. Never adds a value that stands as somebody else's: an upsert would take it from its owner.
import { type Cidr, cidrKey, displayCidr } from "../../shared/address/index.ts";
import { fingerprint } from "../../shared/plan/fingerprint.ts";
import type { CompileRequest, Entry, Step } from "../../shared/provider.ts";
import { type Batches, type BatchVerb, inTurn } from "./batches.ts";
import { type CloudflareListSettings, commentOf } from "./config.ts";
import { foreignValues } from "./convert.ts";

interface Target {
  readonly account: string;
  readonly list: string;
  readonly storeId: string | null;
  /** Items that the list held when the step was decided. */
  readonly itemCount: number;
}

/** What one step sends: all that `apply` may use. `tell` sends nothing; it carries the word about what cannot be done. */
export type NativeStep =
  | (Target & { readonly verb: "add"; readonly items: readonly { readonly ip: string; readonly comment: string }[] })
  | (Target & { readonly verb: "remove"; readonly ids: readonly string[]; readonly values: readonly string[] })
  | { readonly verb: "tell"; readonly text: string };

function few(values: readonly string[]): string {
  const shown = values.slice(0, 3).join(", ");
  return values.length > 3 ? `${shown} and ${values.length - 3} more` : shown;
}

/** Cloudflare gives the ids; until they are seen, an entry goes by its value. */
function fresh(cidr: Cidr): Entry {
  return { id: `new:${displayCidr(cidr)}`, cidr, partial: null };
}

class Compiler {
  readonly #request: CompileRequest;
  readonly #settings: CloudflareListSettings;
  readonly #batches: Batches;
  readonly #foreign: ReadonlySet<string>;

  constructor(request: CompileRequest, settings: CloudflareListSettings, batches: Batches) {
    this.#request = request;
    this.#settings = settings;
    this.#batches = batches;
    this.#foreign = foreignValues(request.observation);
  }

  steps(): readonly Step[] {
    const { refused: notAdded, open: adds } = this.#sift(this.#adds(), (cidr) => displayCidr(cidr));
    const { refused: notRemoved, open: removals } = this.#sift(this.#removals(), (entry) => displayCidr(entry.cidr));
    const free = adds.filter((cidr) => !this.#foreign.has(displayCidr(cidr)));
    const isBarred = this.#settings.shared === "refuse" && this.#foreign.size > 0 && adds.length > 0;
    // At a full list a removal may only be making way; without the add that it makes way for it would open a gate.
    const wanted = isBarred && this.#free() <= 0 ? [] : removals;
    const batches = this.#batched(wanted, isBarred ? [] : free);
    return [...batches, ...(isBarred ? [this.#barred(adds)] : []), ...this.#refused([...notAdded, ...notRemoved])];
  }

  #free(): number {
    const { pools, ours } = this.#request.observation;
    return Math.min(...pools.map((pool) => pool.limit)) - ours.length;
  }

  #adds(): readonly Cidr[] {
    const standing = new Set(this.#request.observation.ours.map((entry) => cidrKey(entry.cidr)));
    const adds = new Map<string, Cidr>();
    for (const change of this.#request.changes) {
      if (change.verb === "add" && !standing.has(cidrKey(change.cidr))) adds.set(cidrKey(change.cidr), change.cidr);
    }
    return [...adds.values()].filter((cidr) => !this.#request.frozen.has(displayCidr(cidr)));
  }

  #removals(): readonly Entry[] {
    const standing = new Set(this.#request.observation.ours.map((entry) => entry.id));
    const entries = new Map<string, Entry>();
    for (const change of this.#request.changes) if (change.verb === "remove" && standing.has(change.entry.id)) entries.set(change.entry.id, change.entry);
    return [...entries.values()].filter((entry) => !this.#request.frozen.has(displayCidr(entry.cidr)));
  }

  #sift<T>(items: readonly T[], nameOf: (item: T) => string): { open: T[]; refused: string[] } {
    const isRefused = (item: T) => this.#batches.refusalOf(nameOf(item)) !== null;
    return { open: items.filter((item) => !isRefused(item)), refused: items.filter(isRefused).map(nameOf) };
  }

  /** The core's order decides who is first; when that one alone would fill batch after batch, the other goes in turn. */
  #first(removals: readonly Entry[], adds: readonly Cidr[]): BatchVerb {
    const first: BatchVerb = this.#request.changes[0]?.verb === "remove" ? "remove" : "add";
    const waits = first === "remove" ? removals.length : adds.length;
    if (this.#batches.lastVerb !== first || waits <= this.#batches.itemsMax) return first;
    return first === "remove" ? "add" : "remove";
  }

  #batched(removals: readonly Entry[], adds: readonly Cidr[]): readonly Step[] {
    const removeBatches = this.#batches.cut("remove", removals, (entry) => displayCidr(entry.cidr)).map((batch) => ({ verb: "remove" as const, batch }));
    const addBatches = this.#batches.cut("add", adds, (cidr) => displayCidr(cidr)).map((batch) => ({ verb: "add" as const, batch }));
    const isRemoveFirst = this.#first(removals, adds) === "remove";
    let free = this.#free();
    return (isRemoveFirst ? inTurn<RemoveBatch | AddBatch>(removeBatches, addBatches) : inTurn<RemoveBatch | AddBatch>(addBatches, removeBatches)).flatMap(
      (one) => {
        if (one.verb === "remove") {
          free += one.batch.length;
          return [this.#removeStep(one.batch)];
        }
        const batch = one.batch.slice(0, Math.max(0, free));
        free -= batch.length;
        return batch.length === 0 ? [] : [this.#addStep(batch)];
      },
    );
  }

  #addStep(cidrs: readonly Cidr[]): Step {
    const comment = commentOf(this.#request.observation.storeId);
    const values = cidrs.map(displayCidr);
    const native: NativeStep = { verb: "add", ...this.#target(), items: values.map((ip) => ({ ip, comment })) };
    const entries = cidrs.map(fresh);
    return { ...this.#named("add", values), summary: `add ${few(values)} to list ${this.#settings.list}`, adds: entries, removes: [], native: { ...native } };
  }

  #removeStep(entries: readonly Entry[]): Step {
    const values = entries.map((entry) => displayCidr(entry.cidr));
    const ids = entries.map((entry) => entry.id);
    const native: NativeStep = { verb: "remove", ...this.#target(), ids, values };
    const summary = `remove ${few(values)} from list ${this.#settings.list}`;
    return { ...this.#named("remove", values), summary, adds: [], removes: ids, native: { ...native } };
  }

  #target(): Target {
    const { ours, storeId } = this.#request.observation;
    return { account: this.#settings.account, list: this.#settings.list, storeId, itemCount: ours.length + this.#foreign.size };
  }

  #named(verb: string, values: readonly string[]): { readonly id: string; readonly slots: readonly string[] } {
    return { id: `cloudflare-list/${this.#settings.list}/${verb}/${values.length}/${fingerprint(values)}`, slots: values };
  }

  #tell(values: readonly string[], text: string): Step {
    const native: NativeStep = { verb: "tell", text };
    return { ...this.#named("tell", values), summary: text, adds: [], removes: [], native: { ...native } };
  }

  #barred(adds: readonly Cidr[]): Step {
    const text = `list ${this.#settings.list} holds ${this.#foreign.size} items that are not ours (${few([...this.#foreign].sort())}), so nothing is added to it: move them to another list, or write shared: allow and accept that an item its owner adds in the moment of our write can become ours`;
    return this.#tell(adds.map(displayCidr), text);
  }

  #refused(values: readonly string[]): readonly Step[] {
    const [first] = values;
    if (first === undefined) return [];
    const why = this.#batches.refusalOf(first) ?? "";
    return [this.#tell(values, `Cloudflare refused ${few(values)} in list ${this.#settings.list}, sent by itself: ${why}; it is tried again within an hour`)];
  }
}

interface RemoveBatch {
  readonly verb: "remove";
  readonly batch: readonly Entry[];
}

interface AddBatch {
  readonly verb: "add";
  readonly batch: readonly Cidr[];
}

export function compile(request: CompileRequest, settings: CloudflareListSettings, batches: Batches): readonly Step[] {
  return new Compiler(request, settings, batches).steps();
}
