// The calls that this kind makes, page by page and whole. Knows the routes; the client that it extends knows the rest.
import { fail, ok, type Result } from "../../shared/errors.ts";
import type { EpochMs, Signal } from "../../shared/ports.ts";
import type { ProviderPorts } from "../../shared/provider.ts";
import type { CloudflareOk, IsBusy } from "../internal/cloudflare/api.ts";
import { CloudflareClient } from "../internal/cloudflare/client.ts";
import type { CloudflareAccount } from "./config.ts";
import { cloudflareLimits, ours } from "./limits.ts";
import { type NativeItem, type NativeList, type NativeOperation, type NativeRuleset, readItems, readLists, readOperation, readRuleset } from "./read.ts";

export interface Page<T> {
  readonly value: T;
  readonly serverDate: EpochMs | null;
}

const authHint = "give the token the permissions of providers/cloudflare-list/policy.json for this account and its zones, and see that it has not ended";
const busyWords = /operation|pending|progress|process|later|wait/i;

/** Only changes of items wait for the account's pending operation. */
export const isBusy: IsBusy = (call, message) => call.method !== "GET" && /\/rules\/lists\/[^/]+\/items$/.test(call.path) && busyWords.test(message);

export class Wire extends CloudflareClient {
  readonly #account: CloudflareAccount;

  constructor(account: CloudflareAccount, ports: ProviderPorts) {
    super({ endpoint: account.endpoint, authHint, isBusy }, ports);
    this.#account = account;
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
}

function unreadable(what: string): Result<never> {
  return fail("PROVIDER_UNAVAILABLE", `${what} answered with something unreadable; nothing is concluded from it`);
}
