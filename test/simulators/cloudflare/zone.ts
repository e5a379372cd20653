// One simulated zone's custom rules: the entry point of the phase http_request_firewall_custom, and strict rules in it.
import { cloudflareLimits } from "./limits.ts";
import { CloudflareRefusal, fields, textField } from "./refusal.ts";

export interface Rule {
  readonly id: string;
  readonly version: string;
  readonly action: string;
  readonly expression: string;
  readonly description: string;
  readonly ref: string;
  readonly enabled: boolean;
  readonly last_updated: string;
}

export interface ZoneHost {
  readonly nowMs: () => number;
  readonly newId: () => string;
  /** Whether the zone's account has a list of this name. */
  readonly hasList: (name: string) => boolean;
}

export const customPhase = "http_request_firewall_custom";
const actions: readonly string[] = ["block", "challenge", "js_challenge", "log", "managed_challenge", "skip"];
const ruleFields = ["action", "action_parameters", "description", "enabled", "expression", "logging", "ref"] as const;

type RuleInput = Partial<Pick<Rule, "action" | "expression" | "description" | "ref" | "enabled">>;

export class Zone {
  readonly id: string;
  readonly account: string;
  readonly name: string;
  status = "active";
  paused = false;
  /** Null until the first rule was written. */
  ruleset: { readonly id: string; version: number; name: string; rules: Rule[]; updatedMs: number } | null = null;
  readonly #host: ZoneHost;

  constructor(id: string, account: string, host: ZoneHost) {
    this.id = id;
    this.account = account;
    this.name = `zone-${id.slice(0, 4)}.example`;
    this.#host = host;
  }

  get view(): unknown {
    const ruleset = this.#known();
    const { id, name, rules, version, updatedMs } = ruleset;
    const last_updated = new Date(updatedMs).toISOString();
    return { id, name, description: "", kind: "zone", phase: customPhase, version: String(version), last_updated, rules };
  }

  create(body: unknown): unknown {
    const input = fields(body, ["name", "kind", "phase", "description", "rules"]);
    if (input.kind !== "zone" || input.phase !== customPhase)
      throw new CloudflareRefusal(400, 20001, "a zone's entry point is of kind zone and of a known phase");
    if (this.ruleset !== null) throw new CloudflareRefusal(400, 20002, `a similar configuration exists already: ${customPhase}`);
    const name = textField(input.name, "name", 200);
    const inputs = input.rules === undefined ? [] : input.rules;
    if (name === "" || !Array.isArray(inputs)) throw new CloudflareRefusal(400, 20003, "name and rules are needed");
    const rules = inputs.map((rule: unknown) => this.#made(this.#input(rule)));
    this.ruleset = { id: this.#host.newId(), version: 0, name, rules: [], updatedMs: this.#host.nowMs() };
    this.#commit(rules);
    return this.view;
  }

  addRule(rulesetId: string, body: unknown): unknown {
    const { position, ...rest } = fields(body, [...ruleFields, "position"]);
    const ruleset = this.#known(rulesetId);
    const rule = this.#made(this.#input(rest));
    this.#commit(placed(ruleset.rules, rule, position));
    return this.view;
  }

  editRule(rulesetId: string, ruleId: string, body: unknown): unknown {
    const { position, ...rest } = fields(body, [...ruleFields, "position"]);
    const ruleset = this.#known(rulesetId);
    const known = this.#rule(ruleId);
    const rule = { ...this.#made({ ...known, ...this.#input(rest) }), id: known.id, version: String(Number(known.version) + 1) };
    const others = ruleset.rules.filter((other) => other.id !== ruleId);
    const at = ruleset.rules.indexOf(known);
    this.#commit(position === undefined ? [...others.slice(0, at), rule, ...others.slice(at)] : placed(others, rule, position));
    return this.view;
  }

  deleteRule(rulesetId: string, ruleId: string): unknown {
    const ruleset = this.#known(rulesetId);
    const known = this.#rule(ruleId);
    this.#commit(ruleset.rules.filter((rule) => rule !== known));
    return this.view;
  }

  #known(id?: string) {
    if (this.ruleset === null || (id !== undefined && id !== this.ruleset.id)) {
      throw new CloudflareRefusal(404, 10003, `could not find entrypoint ruleset in the ${customPhase} phase`);
    }
    return this.ruleset;
  }

  #rule(id: string): Rule {
    const rule = this.#known().rules.find((candidate) => candidate.id === id);
    if (rule === undefined) throw new CloudflareRefusal(404, 20004, `could not find rule ${id}`);
    return rule;
  }

  #input(body: unknown): RuleInput {
    const input = fields(body, ruleFields);
    if (input.action !== undefined && !actions.includes(String(input.action))) throw new CloudflareRefusal(400, 20005, `unknown action ${input.action}`);
    if (input.enabled !== undefined && typeof input.enabled !== "boolean") throw new CloudflareRefusal(400, 20006, "enabled must be true or false");
    const { action, enabled } = input as RuleInput;
    return {
      ...(action === undefined ? {} : { action }),
      ...(enabled === undefined ? {} : { enabled }),
      ...(input.expression === undefined ? {} : { expression: this.#expression(input.expression) }),
      ...(input.description === undefined ? {} : { description: textField(input.description, "description", 500) }),
      ...(input.ref === undefined ? {} : { ref: textField(input.ref, "ref", 100) }),
    };
  }

  /** Not parsed, but for the lists it names: those must exist. */
  #expression(value: unknown): string {
    const expression = textField(value, "expression", cloudflareLimits.expressionChars);
    if (expression.trim() === "") throw new CloudflareRefusal(400, 20007, "the expression is empty");
    for (const [, name = ""] of expression.matchAll(/\$([\w.]+)/g)) {
      if (!this.#host.hasList(name)) throw new CloudflareRefusal(400, 20127, `the expression names the list ${name}, which does not exist`);
    }
    return expression;
  }

  #made(input: RuleInput): Rule {
    const { action, expression, description = "", enabled = true } = input;
    if (action === undefined || expression === undefined) throw new CloudflareRefusal(400, 20008, "a rule needs an action and an expression");
    const id = this.#host.newId();
    return { id, version: "1", action, expression, description, ref: input.ref ?? id, enabled, last_updated: new Date(this.#host.nowMs()).toISOString() };
  }

  #commit(rules: Rule[]): void {
    const ruleset = this.#known();
    if (rules.length > cloudflareLimits.rulesPerZone) throw new CloudflareRefusal(400, 20009, "exceeded the maximum number of rules of this phase");
    if (new Set(rules.map((rule) => rule.ref)).size !== rules.length) throw new CloudflareRefusal(400, 20010, "two rules have the same ref");
    ruleset.rules = rules;
    ruleset.version += 1;
    ruleset.updatedMs = this.#host.nowMs();
  }
}

/** `index` counts from 1; `before` and `after` name a rule, `""` the end and the beginning. */
function placed(rules: readonly Rule[], rule: Rule, position: unknown): Rule[] {
  if (position === undefined) return [...rules, rule];
  const { index, before, after } = fields(position, ["index", "before", "after"]);
  const given = [index, before, after].filter((value) => value !== undefined);
  if (given.length !== 1) throw new CloudflareRefusal(400, 20011, "a position is one of index, before and after");
  let at = typeof index === "number" ? index - 1 : -1;
  if (typeof before === "string") at = before === "" ? 0 : rules.findIndex((other) => other.id === before);
  if (typeof after === "string") at = after === "" ? rules.length : rules.findIndex((other) => other.id === after) + 1 || -1;
  if (!Number.isInteger(at) || at < 0 || at > rules.length) throw new CloudflareRefusal(400, 20012, "the position is not in the ruleset");
  return [...rules.slice(0, at), rule, ...rules.slice(at)];
}
