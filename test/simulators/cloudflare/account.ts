// One simulated account's lists: their items, and the one bulk operation that may be pending in all of them.
// Owns when an operation takes effect. A person's edits (dashboard) go through the same upsert.
import { AccessRules } from "./access-rules.ts";
import type { Faults } from "./faults.ts";
import { cloudflareLimits } from "./limits.ts";
import { Quota } from "./quota.ts";
import { CloudflareRefusal } from "./refusal.ts";
import { throttled } from "./tokens.ts";
import { canonicalValue } from "./values.ts";

export interface Item {
  readonly id: string;
  readonly ip: string;
  readonly comment: string | null;
  readonly createdMs: number;
  readonly modifiedMs: number;
}

export interface ItemInput {
  readonly ip: string;
  readonly comment?: string;
}

export interface List {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  description: string;
  /** By value. */
  readonly items: Map<string, Item>;
  readonly createdMs: number;
  modifiedMs: number;
}

export interface Operation {
  readonly id: string;
  readonly acceptedMs: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly run: () => void;
  outcome: { readonly status: "completed" } | { readonly status: "failed"; readonly error: string } | null;
}

export interface AccountHost {
  readonly nowMs: () => number;
  readonly newId: () => string;
  readonly faults: Faults;
  readonly itemsMax: () => number;
  readonly operationMs: () => number;
  readonly ipv6Longest: () => number;
  readonly accessRulesMax: () => number;
  readonly accessRulesPerPage: () => number;
  readonly missingDelete: () => "null" | "notFound";
}

class Failed extends Error {}

export class Account {
  readonly id: string;
  readonly lists = new Map<string, List>();
  readonly operations = new Map<string, Operation>();
  readonly accessRules: AccessRules;
  readonly #host: AccountHost;
  readonly #requests = new Quota(cloudflareLimits.changingRequests);
  readonly #changedItems = new Quota(cloudflareLimits.changedItems);
  #changeMs: number | null = null;

  constructor(id: string, host: AccountHost) {
    this.id = id;
    this.#host = host;
    const { nowMs, newId, accessRulesMax: rulesMax, accessRulesPerPage: perPageMost, missingDelete } = host;
    this.accessRules = new AccessRules({ account: id, nowMs, newId, rulesMax, perPageMost, missingDelete });
  }

  get nowMs(): number {
    return this.#host.nowMs();
  }

  get itemCount(): number {
    return [...this.lists.values()].reduce((sum, list) => sum + list.items.size, 0);
  }

  addList(input: { readonly name: string; readonly kind?: string; readonly description?: string; readonly items?: readonly ItemInput[] }): List {
    const nowMs = this.#host.nowMs();
    const { name, kind = "ip", description = "", items = [] } = input;
    if (!/^[a-z0-9_]+$/.test(name) || name.length > cloudflareLimits.nameChars) throw new CloudflareRefusal(400, 10004, "invalid list name");
    if (!["ip", "redirect", "hostname", "asn"].includes(kind)) throw new CloudflareRefusal(400, 10005, "invalid list kind");
    if ([...this.lists.values()].some((list) => list.name === name)) throw new CloudflareRefusal(400, 10006, "a list with this name already exists");
    if (this.lists.size >= cloudflareLimits.listsPerAccount) throw new CloudflareRefusal(400, 10007, "exceeded the maximum number of lists of this account");
    const list: List = { id: this.#host.newId(), name, kind, description, items: new Map(), createdMs: nowMs, modifiedMs: nowMs };
    this.lists.set(list.id, list);
    this.edit(list, items);
    return list;
  }

  /** The list by name, to look at; throws for an unknown one. */
  list(name: string): List {
    this.settle();
    const list = [...this.lists.values()].find((candidate) => candidate.name === name);
    if (list === undefined) throw new Error(`the simulated account has no list ${name}`);
    return list;
  }

  /** As a person at the dashboard: at once. */
  edit(list: List, add: readonly ItemInput[], remove: readonly string[] = []): void {
    this.settle();
    this.#edit(list, add, remove);
  }

  /** As another tool, or a dashboard that does it by the API: a bulk operation of so long. Refused while there is one. */
  editLater(list: List, add: readonly ItemInput[], remove: readonly string[], lastsMs: number): Operation {
    return this.begin(() => this.#edit(list, add, remove), lastsMs);
  }

  #edit(list: List, add: readonly ItemInput[], remove: readonly string[]): void {
    this.#upsert(list, add);
    for (const value of remove) if (list.items.delete(value)) list.modifiedMs = this.#nowMs();
  }

  /** Makes every operation take effect whose time has come. */
  settle(): void {
    const nowMs = this.#host.nowMs();
    for (const [id, operation] of this.operations) {
      if (operation.outcome === null && operation.endMs <= nowMs) this.#finish(operation);
      if (operation.endMs + cloudflareLimits.operationKeptMs <= nowMs) this.operations.delete(id);
    }
  }

  #finish(operation: Operation): void {
    // Asked later, it was over all the same: what it changed bears that time.
    this.#changeMs = operation.endMs;
    try {
      operation.run();
      operation.outcome = { status: "completed" };
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      operation.outcome = { status: "failed", error: error.message };
    } finally {
      this.#changeMs = null;
    }
  }

  /** The one operation that is not over; asks for nothing to take effect. */
  get running(): Operation | null {
    return [...this.operations.values()].find((operation) => operation.outcome === null) ?? null;
  }

  /** An operation of the API. */
  #accept(run: () => void): Operation {
    const { faults } = this.#host;
    const why = faults.failNext;
    const operation = this.begin(() => {
      if (why !== null) throw new Failed(why);
      run();
    });
    faults.failNext = null;
    return operation;
  }

  /** Another tool of the same account writes: nobody else may, until it is done. */
  begin(run: () => void = () => undefined, lastsMs = this.#host.operationMs()): Operation {
    this.settle();
    if (this.running !== null) throw busy();
    const nowMs = this.#host.nowMs();
    const operation: Operation = { id: this.#host.newId(), acceptedMs: nowMs, startMs: nowMs + lastsMs / 4, endMs: nowMs + lastsMs, run, outcome: null };
    this.operations.set(operation.id, operation);
    this.settle();
    return operation;
  }

  add(list: List, items: readonly ItemInput[]): Operation {
    this.#countRequest(items.length);
    const checked = this.#checked(list, items);
    return this.#accept(() => {
      const bad = checked.map((item) => this.#host.faults.badItem(item.ip)).find((why) => why !== null);
      if (bad !== undefined) throw new Failed(bad);
      const fresh = checked.filter((item) => !list.items.has(item.ip)).length;
      if (this.itemCount + fresh > this.#host.itemsMax()) throw new Failed("This list is at the maximum number of items");
      this.#upsert(list, checked);
    });
  }

  /** Removes all items, then adds these. */
  replace(list: List, items: readonly ItemInput[]): Operation {
    this.#countRequest(items.length);
    const checked = this.#checked(list, items);
    return this.#accept(() => {
      if (this.itemCount - list.items.size + checked.length > this.#host.itemsMax()) throw new Failed("This list is at the maximum number of items");
      list.items.clear();
      list.modifiedMs = this.#nowMs();
      this.#upsert(list, checked);
    });
  }

  /** By id. An id that is not there fails the whole: no page says otherwise, and the stricter reading is held. */
  remove(list: List, ids: readonly string[]): Operation {
    this.#countRequest(ids.length);
    return this.#accept(() => {
      const values = new Map([...list.items.values()].map((item) => [item.id, item.ip]));
      const found = ids.map((id) => {
        const value = values.get(id);
        if (value === undefined) throw new Failed(`could not find item ${id}`);
        return value;
      });
      const bad = found.map((value) => this.#host.faults.badItem(value)).find((why) => why !== null);
      if (bad !== undefined) throw new Failed(bad);
      for (const value of found) list.items.delete(value);
      list.modifiedMs = this.#nowMs();
    });
  }

  #countRequest(items: number): void {
    const nowMs = this.#host.nowMs();
    if (!this.#requests.fits(1, nowMs) || !this.#changedItems.fits(items, nowMs)) throw throttled(60);
    this.#requests.take(1, nowMs);
    this.#changedItems.take(items, nowMs);
  }

  #checked(list: List, items: readonly ItemInput[]): readonly ItemInput[] {
    if (list.kind !== "ip") throw new CloudflareRefusal(400, 10009, `a list of kind ${list.kind} does not take addresses`);
    const rules = { ipv6Longest: this.#host.ipv6Longest() };
    const checked = items.map((item) => ({ ...item, ip: canonicalValue(item.ip, rules) }));
    if (new Set(checked.map((item) => item.ip)).size !== checked.length) throw new CloudflareRefusal(400, 10010, "duplicate items in the request");
    return checked;
  }

  #nowMs(): number {
    return this.#changeMs ?? this.#host.nowMs();
  }

  /** An item that exists keeps its id and takes the new comment. */
  #upsert(list: List, items: readonly ItemInput[]): void {
    const nowMs = this.#nowMs();
    for (const item of items) {
      const ip = canonicalValue(item.ip, { ipv6Longest: 128 });
      const known = list.items.get(ip);
      const { id, createdMs } = known ?? { id: this.#host.newId(), createdMs: nowMs };
      list.items.set(ip, { id, ip, comment: item.comment ?? null, createdMs, modifiedMs: nowMs });
    }
    if (items.length > 0) list.modifiedMs = nowMs;
  }
}

/** No page gives the code or the exact words; "submit again later" is the docs' (Lists API page, 2026). */
export function busy(): CloudflareRefusal {
  return new CloudflareRefusal(429, 10040, "a bulk operation of this account is still being processed; submit your request again later");
}
