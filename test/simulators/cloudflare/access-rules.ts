// One simulated account's IP Access rules, those of its zones included: strict values, one rule per value and level, one quota.
// Refusals bear the vendor's own words where somebody has shown them in public; looked at 2026-11-20.
import { cloudflareLimits } from "./limits.ts";
import { CloudflareRefusal, fields, type Success, textField } from "./refusal.ts";
import { accessValue } from "./values.ts";

export interface AccessRule {
  readonly id: string;
  /** The account's own id, or the zone's. */
  readonly level: string;
  readonly target: string;
  readonly value: string;
  mode: string;
  notes: string;
  readonly createdMs: number;
  modifiedMs: number;
}

export interface AccessRuleInput {
  readonly mode: string;
  readonly target: string;
  readonly value: string;
  readonly notes?: string;
}

export interface AccessRulesHost {
  readonly account: string;
  readonly nowMs: () => number;
  readonly newId: () => string;
  readonly rulesMax: () => number;
  readonly perPageMost: () => number;
  /** What a deletion of nothing answers. */
  readonly missingDelete: () => "null" | "notFound";
}

const modes: readonly string[] = ["whitelist", "block", "challenge", "js_challenge", "managed_challenge"];
const orders: Readonly<Record<string, (rule: AccessRule) => string>> = {
  "configuration.target": (rule) => rule.target,
  "configuration.value": (rule) => rule.value,
  mode: (rule) => rule.mode,
};

/** Codes and words of 10009, 10001 and 10016 as public code handles them; the code of a refused value is a choice. */
function duplicate(): CloudflareRefusal {
  return new CloudflareRefusal(400, 10009, "firewallaccessrules.api.duplicate_of_existing");
}

function notFound(): CloudflareRefusal {
  return new CloudflareRefusal(404, 10001, "firewallaccessrules.api.not_found");
}

function invalid(why: string): CloudflareRefusal {
  return new CloudflareRefusal(400, 10002, `firewallaccessrules.api.validation_error:${why}`);
}

export class AccessRules {
  readonly rules = new Map<string, AccessRule>();
  readonly #host: AccessRulesHost;

  constructor(host: AccessRulesHost) {
    this.#host = host;
  }

  /** Rules of one level in the order they were made, to look at. */
  at(level: string): readonly AccessRule[] {
    return [...this.rules.values()].filter((rule) => rule.level === level);
  }

  /** As a person at the dashboard. */
  put(level: string, input: AccessRuleInput): AccessRule {
    const { mode, target, notes = "" } = input;
    if (!modes.includes(mode)) throw invalid("invalid mode received");
    const value = accessValue(target, input.value);
    if (value === null) throw invalid(`invalid ${target} provided`);
    if (target === "country" && mode === "block") throw new CloudflareRefusal(403, 10016, "firewallaccessrules.api.not_entitled.country_block");
    if (this.at(level).some((rule) => rule.value === value)) throw duplicate();
    // No page gives the code or the words.
    if (this.rules.size >= this.#host.rulesMax()) throw new CloudflareRefusal(400, 10020, "firewallaccessrules.api.rule_limit_exceeded");
    const nowMs = this.#host.nowMs();
    const rule: AccessRule = { id: this.#host.newId(), level, target, value, mode, notes, createdMs: nowMs, modifiedMs: nowMs };
    this.rules.set(rule.id, rule);
    return rule;
  }

  remove(level: string, value: string): void {
    for (const rule of this.at(level)) if (rule.value === value) this.rules.delete(rule.id);
  }

  create(level: string, body: unknown): Success {
    const input = fields(body, ["mode", "configuration", "notes"]);
    const { target, value } = fields(input.configuration, ["target", "value"]);
    const isZone = level !== this.#host.account;
    const notes = textField(input.notes, "notes", cloudflareLimits.notesChars, ...(isZone ? [] : [""]));
    const rule = this.put(level, { mode: String(input.mode), target: String(target), value: textField(value, "value", 64), notes });
    return { result: this.#view(rule) };
  }

  get(level: string, id: string): Success {
    return { result: this.#view(this.#known(level, id)) };
  }

  edit(level: string, id: string, body: unknown): Success {
    const { mode, notes } = fields(body, ["mode", "notes", "configuration"]);
    const rule = this.#known(level, id);
    if (mode !== undefined && !modes.includes(String(mode))) throw invalid("invalid mode received");
    rule.mode = mode === undefined ? rule.mode : String(mode);
    rule.notes = textField(notes, "notes", cloudflareLimits.notesChars, rule.notes);
    rule.modifiedMs = this.#host.nowMs();
    return { result: this.#view(rule) };
  }

  delete(level: string, id: string): Success {
    const rule = this.rules.get(id);
    if (rule === undefined || rule.level !== level) {
      if (this.#host.missingDelete() === "notFound") throw notFound();
      return { result: null };
    }
    this.rules.delete(id);
    return { result: { id } };
  }

  /** A zone shows its account's rules too (cf-terraforming, issue 201). */
  list(level: string, query: URLSearchParams): Success {
    const all = [...this.at(level), ...(level === this.#host.account ? [] : this.at(this.#host.account))];
    const found = ordered(all.filter(filterOf(query)), query);
    const page = wholeNumber(query, "page", 1);
    // No page says what is the most; asked for more, it gives fewer, as other lists of this API do.
    const perPage = Math.min(wholeNumber(query, "per_page", 25), this.#host.perPageMost());
    const result = found.slice((page - 1) * perPage, page * perPage).map((rule) => this.#view(rule));
    const total_pages = Math.ceil(found.length / perPage);
    return { result, resultInfo: { page, per_page: perPage, count: result.length, total_count: all.length, total_pages } };
  }

  #known(level: string, id: string): AccessRule {
    const rule = this.rules.get(id);
    if (rule === undefined || rule.level !== level) throw notFound();
    return rule;
  }

  #view(rule: AccessRule): unknown {
    const { id, mode, notes, target, value, level } = rule;
    const times = { created_on: new Date(rule.createdMs).toISOString(), modified_on: new Date(rule.modifiedMs).toISOString() };
    const scope = { id: level, type: level === this.#host.account ? "organization" : "zone" };
    return { id, paused: false, ...times, allowed_modes: modes, mode, notes, configuration: { target, value }, scope };
  }
}

function wholeNumber(query: URLSearchParams, name: string, byDefault: number): number {
  const value = Number(query.get(name) ?? byDefault);
  if (!Number.isInteger(value) || value < 1) throw invalid(`invalid ${name}`);
  return value;
}

/**
 * Values are searched for as they are kept, from their beginning: no page says that another spelling of an IPv6 address is found, nor
 * that no longer value is.
 */
function filterOf(query: URLSearchParams): (rule: AccessRule) => boolean {
  const [value, notes, mode, target] = ["configuration.value", "notes", "mode", "configuration.target"].map((name) => query.get(name));
  if (target != null && !["ip", "ip_range", "asn", "country"].includes(target)) throw invalid("unsupported target received");
  return (rule) =>
    (value == null || rule.value.startsWith(value)) &&
    (notes == null || rule.notes.toLowerCase().includes(notes.toLowerCase())) &&
    (mode == null || rule.mode === mode) &&
    (target == null || rule.target === target);
}

function ordered(rules: readonly AccessRule[], query: URLSearchParams): readonly AccessRule[] {
  const order = query.get("order");
  if (order === null) return rules;
  const by = orders[order];
  const direction = query.get("direction") ?? "asc";
  if (by === undefined || !["asc", "desc"].includes(direction)) throw invalid("invalid order");
  const sign = direction === "asc" ? 1 : -1;
  return [...rules].sort((a, b) => (by(a) < by(b) ? -sign : by(a) > by(b) ? sign : 0));
}
