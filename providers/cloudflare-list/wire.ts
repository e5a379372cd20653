// Calls with their failures as values: the budget before, the words after. Knows the routes that this kind uses.
import { fail, ok, type Result } from "../../shared/errors.ts";
import type { EpochMs, Signal } from "../../shared/ports.ts";
import type { ProviderPorts } from "../../shared/provider.ts";
import { backoffUntil } from "../internal/backoff.ts";
import { transportError } from "../internal/transport-error.ts";
import { type CloudflareAnswer, type CloudflareCall, type CloudflareOk, sendCall } from "./api.ts";
import { CallBudget } from "./call-budget.ts";
import type { CloudflareAccount } from "./config.ts";
import { type Effect, errorOf, throttledError } from "./failures.ts";
import { cloudflareLimits, ours } from "./limits.ts";
import { type NativeItem, type NativeList, type NativeOperation, type NativeRuleset, readItems, readLists, readOperation, readRuleset } from "./read.ts";

export interface Call extends CloudflareCall {
  /** For messages: `reading the lists of …`. */
  readonly what: string;
}

export interface Page<T> {
  readonly value: T;
  readonly serverDate: EpochMs | null;
}

export class Wire {
  readonly #account: CloudflareAccount;
  readonly #ports: ProviderPorts;
  readonly #budget = new CallBudget();
  /** Refusals in a row, for the growing delay when the cloud names none. */
  #refusals = 0;

  constructor(account: CloudflareAccount, ports: ProviderPorts) {
    this.#account = account;
    this.#ports = ports;
  }

  get now(): EpochMs {
    return this.#ports.clock.now();
  }

  async send(call: Call, effect: Effect, signal?: Signal): Promise<Result<CloudflareOk>> {
    const freeAtMs = this.#budget.take(this.now);
    if (freeAtMs !== null) {
      const why = `${call.what} waits: ${cloudflareLimits.callsPerWindow} calls in five minutes would shut the token out for five more`;
      return { ok: false, error: throttledError(why, freeAtMs, this.now) };
    }
    try {
      const answer = await sendCall(this.#ports, this.#account, call, signal);
      const retryAtMs = this.#retryAtMs(call, answer);
      return answer.kind === "ok" ? ok(answer) : { ok: false, error: errorOf(call.what, answer, effect, retryAtMs, this.now) };
    } catch (thrown) {
      return { ok: false, error: transportError(call.what, thrown, effect) };
    }
  }

  /** A read whose 404 is an answer: null. */
  async find(call: Call, signal?: Signal): Promise<Result<CloudflareOk | null>> {
    const answer = await this.send(call, "read", signal);
    return !answer.ok && answer.error.context.facts?.status === 404 ? ok(null) : answer;
  }

  async lists(signal?: Signal): Promise<Result<Page<readonly NativeList[]>>> {
    const what = `reading the lists of account ${this.#account.account}`;
    const answer = await this.send({ method: "GET", path: this.listsPath(), what }, "read", signal);
    if (!answer.ok) return answer;
    const lists = readLists(answer.value.result);
    return lists === null ? unreadable(what) : ok({ value: lists, serverDate: answer.value.serverDate });
  }

  /** Every item of a list, page by page; never part of them. */
  async items(list: NativeList, itemsMax: number, signal?: Signal): Promise<Result<readonly NativeItem[]>> {
    const what = `reading the items of list ${list.name}`;
    const items: NativeItem[] = [];
    const pagesMax = Math.ceil(itemsMax / cloudflareLimits.itemsPerPage) + ours.sparePages;
    let cursor: string | null = null;
    for (let pages = 0; pages === 0 || (cursor !== null && items.length <= itemsMax); pages += 1) {
      if (pages === pagesMax)
        return fail("PROVIDER_UNAVAILABLE", `${what}: ${pages} pages hold ${items.length} items, and there are more; nothing is concluded from a part`);
      const query = new URLSearchParams({ per_page: String(cloudflareLimits.itemsPerPage), ...(cursor === null ? {} : { cursor }) });
      const answer: Result<CloudflareOk> = await this.send({ method: "GET", path: `${this.itemsPath(list.id)}?${query}`, what }, "read", signal);
      if (!answer.ok) return answer;
      const page = readItems(answer.value.result);
      if (page === null || (answer.value.nextCursor !== null && (page.length === 0 || answer.value.nextCursor === cursor))) return unreadable(what);
      items.push(...page);
      cursor = answer.value.nextCursor;
    }
    if (cursor !== null) return fail("PROVIDER_REJECTED", `${what}: it holds more than the ${itemsMax} items that the target's setting items allows; raise it`);
    return ok(items);
  }

  /** Null: the zone has no custom rules at all, not even an empty set of them. */
  async customRules(zone: string, signal?: Signal): Promise<Result<NativeRuleset | null>> {
    const what = `reading the custom rules of zone ${zone}`;
    const answer = await this.find({ method: "GET", path: `/zones/${zone}/rulesets/phases/http_request_firewall_custom/entrypoint`, what }, signal);
    if (!answer.ok) return answer;
    if (answer.value === null) return ok(null);
    const ruleset = readRuleset(answer.value.result);
    return ruleset === null ? unreadable(what) : ok(ruleset);
  }

  /** Null: Cloudflare does not know the operation (any more). */
  async operation(id: string, signal?: Signal): Promise<Result<NativeOperation | null>> {
    const what = `reading bulk operation ${id}`;
    const answer = await this.find({ method: "GET", path: `${this.listsPath()}/bulk_operations/${id}`, what }, signal);
    if (!answer.ok) return answer;
    if (answer.value === null) return ok(null);
    const operation = readOperation(answer.value.result);
    return operation === null ? unreadable(what) : ok(operation);
  }

  listsPath(): string {
    return `/accounts/${this.#account.account}/rules/lists`;
  }

  itemsPath(listId: string): string {
    return `${this.listsPath()}/${listId}/items`;
  }

  #retryAtMs(call: Call, answer: CloudflareAnswer): EpochMs {
    const refused = answer.kind === "error" && (answer.meaning === "throttle" || answer.meaning === "busy");
    // A read in between says nothing about whether a write would be let through.
    if (refused) this.#refusals += 1;
    else if (call.method !== "GET") this.#refusals = 0;
    if (answer.kind === "error" && answer.retryAtMs !== null) return answer.retryAtMs;
    // The call limit shuts everything out for five minutes, and asking sooner is a call too.
    if (answer.kind === "error" && answer.meaning === "throttle") return this.now + cloudflareLimits.callWindowMs;
    return backoffUntil(Math.max(1, this.#refusals) + 1, this.now, this.#ports.random);
  }
}

function unreadable(what: string): Result<never> {
  return fail("PROVIDER_UNAVAILABLE", `${what} answered with something unreadable; nothing is concluded from it`);
}
