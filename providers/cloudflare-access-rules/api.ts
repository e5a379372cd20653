// The calls that this kind makes, page by page and whole. Knows the routes; the client that it extends knows the rest.
import { fail, ok, type Result } from "../../shared/errors.ts";
import type { EpochMs, Signal } from "../../shared/ports.ts";
import type { ProviderPorts } from "../../shared/provider.ts";
import { type Call, CloudflareClient } from "../internal/cloudflare/client.ts";
import { type Level, levelText } from "./config.ts";
import { accessLimits, ours } from "./limits.ts";
import { type NativeRule, type NativeZone, readRule, readRules, readZone, readZones } from "./read.ts";

const folder = "providers/cloudflare-access-rules";
const authHint = `give the token the permissions of ${folder}/policy.json (an account) or policy.zone.json (a zone), and see that it has not ended`;

/** Cloudflare's numbers, as public code that calls the API handles them (2026-11-20). */
export const codes = { notFound: 10001, duplicate: 10009 } as const;

export interface AllRules {
  readonly rules: readonly NativeRule[];
  readonly serverDate: EpochMs | null;
}

interface Page extends AllRules {
  /** Of all pages. */
  readonly total: number;
  readonly perPage: number;
}

/** How many are shown if nothing was hidden: all that there were at first, and those seen to be made since. */
function expectedOf({ serverDate, total }: Page, found: ReadonlyMap<string, NativeRule>): number {
  if (serverDate === null) return total;
  return total + [...found.values()].filter(({ createdMs }) => createdMs !== null && createdMs >= serverDate).length;
}

export function isUnfound(result: Result<unknown>): boolean {
  return !result.ok && result.error.context.facts?.cloudflareCode === codes.notFound;
}

export class AccessRulesApi extends CloudflareClient {
  constructor(endpoint: string | undefined, ports: ProviderPorts) {
    super({ endpoint, authHint }, ports);
  }

  /**
   * Every rule that the level showed when it was begun, page by page; never part of them. A rule that stands can only be hidden by a
   * deletion on an earlier page while it is read, and that shows in the counts.
   */
  async rules(level: Level, signal?: Signal): Promise<Result<AllRules>> {
    const what = `reading the IP Access rules of ${levelText(level)}`;
    const found = new Map<string, NativeRule>();
    let first: Page | null = null;
    for (let page = 1; ; page += 1) {
      const answer = await this.#page(level, page, what, signal);
      if (!answer.ok) return answer;
      const { rules, total, perPage, serverDate } = answer.value;
      first ??= answer.value;
      for (const rule of rules) found.set(rule.id, rule);
      const expected = page === 1 ? total : expectedOf(first, found);
      const isEnd = rules.length === 0 || (rules.length < perPage && found.size >= expected);
      if (isEnd && found.size >= expected) return ok({ rules: [...found.values()], serverDate });
      if (isEnd) return fail("PROVIDER_UNAVAILABLE", `${what}: some were deleted meanwhile (${total} counted, ${found.size} shown); nothing is concluded`);
      const left = Math.max(1, Math.ceil((total - found.size) / rules.length));
      if (page + left > ours.pagesMax) return tooMany(what, total, rules.length);
    }
  }

  async #page(level: Level, page: number, what: string, signal?: Signal): Promise<Result<Page>> {
    const query = { page: String(page), per_page: String(accessLimits.rulesPerPage), order: "configuration.value", direction: "asc" };
    const answer = await this.send({ method: "GET", path: `${rulesPath(level)}?${new URLSearchParams(query)}`, what }, "read", signal);
    if (!answer.ok) return answer;
    const { result, totalCount: total, perPage, serverDate } = answer.value;
    const rules = readRules(result);
    return rules === null || total === null ? unreadable(what) : ok({ rules, total, perPage: perPage ?? accessLimits.rulesPerPage, serverDate });
  }

  /** The level's rules that Cloudflare finds for a value, in its own spelling of it. */
  async rulesFor(level: Level, value: string, signal?: Signal): Promise<Result<readonly NativeRule[]>> {
    const what = `looking for the rule of ${value} at ${levelText(level)}`;
    const query = new URLSearchParams({ "configuration.value": value });
    const answer = await this.send({ method: "GET", path: `${rulesPath(level)}?${query}`, what }, "read", signal);
    if (!answer.ok) return answer;
    const rules = readRules(answer.value.result);
    return rules === null ? unreadable(what) : ok(rules);
  }

  /** Null: there is no such rule (any more). */
  async rule(level: Level, id: string, signal?: Signal): Promise<Result<NativeRule | null>> {
    const what = `reading rule ${id} of ${levelText(level)}`;
    const answer = await this.send({ method: "GET", path: `${rulesPath(level)}/${id}`, what }, "read", signal);
    if (!answer.ok) return isUnfound(answer) ? ok(null) : answer;
    const rule = readRule(answer.value.result);
    return rule === null ? unreadable(what) : ok(rule);
  }

  /** The new rule's id; an answer without one leaves it open whether there is a rule. */
  async create(level: Level, rule: { readonly target: string; readonly value: string; readonly notes: string }, signal?: Signal): Promise<Result<string>> {
    const { target, value, notes } = rule;
    const what = `blocking ${value} at ${levelText(level)}`;
    const call: Call = { method: "POST", path: rulesPath(level), body: { mode: "block", configuration: { target, value }, notes }, what };
    const answer = await this.send(call, "write", signal);
    if (!answer.ok) return answer;
    const made = readRule(answer.value.result);
    return made === null ? fail("OUTCOME_UNKNOWN", `${what} was answered without the rule; it may have taken effect`) : ok(made.id);
  }

  /**
   * False: it was gone already. Deleting what is gone answers 200 with nothing (seen live by alchemy-run/alchemy-effect) or not_found.
   * No body is sent: `cascade`, which would delete rules of other zones, is none by default.
   */
  async delete(level: Level, id: string, value: string, signal?: Signal): Promise<Result<boolean>> {
    const answer = await this.send(
      { method: "DELETE", path: `${rulesPath(level)}/${id}`, what: `deleting the block of ${value} at ${levelText(level)}` },
      "write",
      signal,
    );
    if (!answer.ok) return isUnfound(answer) ? ok(false) : answer;
    return ok(answer.value.result !== null);
  }

  async zone(id: string, signal?: Signal): Promise<Result<NativeZone>> {
    const what = `reading zone ${id}`;
    const answer = await this.send({ method: "GET", path: `/zones/${id}`, what }, "read", signal);
    if (!answer.ok) return answer;
    const zone = readZone(answer.value.result);
    return zone === null ? unreadable(what) : ok(zone);
  }

  /** The first page of the zones that the token may read. */
  async zones(account: string | undefined, signal?: Signal): Promise<Result<readonly NativeZone[]>> {
    const what = "reading the zones that the token may see";
    const query = new URLSearchParams({ per_page: String(ours.zonesPerPage), ...(account === undefined ? {} : { "account.id": account }) });
    const answer = await this.send({ method: "GET", path: `/zones?${query}`, what }, "read", signal);
    if (!answer.ok) return answer;
    const zones = readZones(answer.value.result);
    return zones === null ? unreadable(what) : ok(zones);
  }
}

function rulesPath({ name, id }: Level): string {
  return `/${name}s/${id}/firewall/access_rules/rules`;
}

function tooMany(what: string, total: number, perPage: number): Result<never> {
  const read = `${ours.pagesMax} pages of ${perPage}`;
  const how = "delete rules that nobody needs, or use a zone or a Cloudflare list (kind cloudflare-list) instead";
  return fail("PROVIDER_REJECTED", `${what}: there are ${total}, more than the ${read} that are read at a time, and nothing is concluded from a part; ${how}`);
}

function unreadable(what: string): Result<never> {
  return fail("PROVIDER_UNAVAILABLE", `${what} answered with something unreadable; nothing is concluded from it`);
}
