// Whether a list counts: the judgement on a zone's custom rules. Pure.
import { type CloudflareListSettings, ruleOf } from "./config.ts";
import type { NativeRule, NativeRuleset } from "./read.ts";

/** The attributes that make our rule what it is; an owner may word its description. */
export function isAsWritten(rule: NativeRule, list: string): boolean {
  const ours = ruleOf(list);
  return rule.enabled && rule.action === ours.action && rule.expression === ours.expression;
}

export function findRule(ruleset: NativeRuleset | null, list: string): NativeRule | null {
  return ruleset?.rules.find((rule) => rule.ref === ruleOf(list).ref) ?? null;
}

/** Rules that an attacker could pass by before ours. One that blocks lets nobody by. */
export function passedBefore(ruleset: NativeRuleset | null, rule: NativeRule): readonly NativeRule[] {
  const rules = ruleset?.rules ?? [];
  return rules.slice(0, rules.indexOf(rule)).filter((other) => other.enabled && other.action !== "block");
}

/** Why this zone does not enforce the list; null: it does. */
export function faultOf(zone: string, ruleset: NativeRuleset | null, list: string): string | null {
  const rule = findRule(ruleset, list);
  const wanted = ruleOf(list);
  if (rule === null) return `zone ${zone} has no rule ${wanted.ref}`;
  if (!rule.enabled) return `rule ${wanted.ref} of zone ${zone} is disabled`;
  if (rule.action !== wanted.action) return `rule ${wanted.ref} of zone ${zone} does ${rule.action || "nothing"} instead of block`;
  if (rule.expression !== wanted.expression) return `rule ${wanted.ref} of zone ${zone} matches ${rule.expression} instead of ${wanted.expression}`;
  const before = passedBefore(ruleset, rule);
  if (before.length === 0) return null;
  const names = before.map((other) => `${other.action} ${other.description || other.ref || other.id}`).join(", ");
  return `rule ${wanted.ref} of zone ${zone} is not first: before it come ${names}`;
}

/** One sentence about all zones; null: every one enforces. */
export function whyNotEnforcing(settings: CloudflareListSettings, faults: readonly (string | null)[]): string | null {
  if (settings.zones.length === 0) return "a list alone blocks nothing: name the zones to protect under zones, and run setup";
  const found = faults.filter((fault) => fault !== null);
  return found.length === 0 ? null : `${found.join("; ")}; run setup to put it right`;
}
