// Whether the IP sets count: reading the target's web ACL, and the judgement on its rules. An IP set alone blocks nothing.
// Refuses to believe what it cannot see: a rule that may let a request by before ours means that nothing is promised.
import * as v from "valibot";
import { fail, ok, type Result } from "../../shared/errors.ts";
import type { Signal } from "../../shared/ports.ts";
import type { Purpose } from "../internal/aws/credentials.ts";
import type { Client } from "./client.ts";
import { meaningOf } from "./codes.ts";
import { type AwsWafSettings, arnOf, type SetName, setsOf } from "./config.ts";

const anything = v.looseObject({});
const overrideSchema = v.nullish(v.looseObject({ Count: v.nullish(anything) }));
const ruleSchema = v.looseObject({
  Name: v.string(),
  Priority: v.number(),
  Statement: anything,
  Action: v.nullish(v.looseObject({ Block: v.nullish(anything), Allow: v.nullish(anything) })),
  OverrideAction: overrideSchema,
});
const answerSchema = v.looseObject({
  WebACL: v.looseObject({
    ARN: v.string(),
    Rules: v.optional(v.array(ruleSchema), []),
    PreProcessFirewallManagerRuleGroups: v.nullish(v.array(v.looseObject({ Name: v.string(), OverrideAction: overrideSchema }))),
  }),
});

type NativeRule = v.InferOutput<typeof ruleSchema>;
type Override = v.InferOutput<typeof overrideSchema>;

export type WebAcl = v.InferOutput<typeof answerSchema>["WebACL"];

/** Null: the web ACL does not exist. */
export type ReadWebAcl = WebAcl | null;

export async function readWebAcl(client: Client, webAcl: string, purpose: Purpose, signal?: Signal): Promise<Result<ReadWebAcl>> {
  const { arn, name, scope, id } = arnOf(webAcl);
  const what = `GetWebACL of ${name}`;
  const call = { action: "GetWebACL", body: { Name: name, Scope: scope, Id: id }, what, purpose, effect: "read" } as const;
  const sent = await client.send(call, signal);
  if (!sent.ok) return sent;
  const { answer, circumstances } = sent.value;
  if (answer.kind === "error" && meaningOf(answer) === "missing") return ok(null);
  if (answer.kind !== "ok") return client.failure(call, answer, circumstances);
  const read = v.safeParse(answerSchema, answer.content);
  if (!read.success || read.output.WebACL.ARN !== arn)
    return fail("PROVIDER_UNAVAILABLE", `${what} answered without a readable ${arn}; nothing is concluded from it`);
  return ok(read.output.WebACL);
}

const statementSchema = v.looseObject({
  IPSetReferenceStatement: v.nullish(v.looseObject({ ARN: v.string() })),
  OrStatement: v.nullish(v.looseObject({ Statements: v.array(v.unknown()) })),
});

/** Sets in whose presence the statement matches: the set that it is, or those of an OR. An AND or a NOT may not match. */
function arnsIn(statement: unknown): readonly string[] {
  const arns: string[] = [];
  // A list to work off and no recursion: how deep an answer is nested is for whoever sent it to choose.
  const left: unknown[] = [statement];
  while (left.length > 0) {
    const read = v.safeParse(statementSchema, left.pop());
    if (!read.success) continue;
    const { IPSetReferenceStatement: own, OrStatement: or } = read.output;
    if (own !== null && own !== undefined) arns.push(own.ARN);
    left.push(...(or?.Statements ?? []));
  }
  return arns;
}

function blocks(rule: NativeRule): boolean {
  return rule.Action?.Block !== null && rule.Action?.Block !== undefined;
}

/** ARNs of the IP sets that the web ACL's own blocking rules name, in the order of the rules. */
export function setArnsOf(webAcl: WebAcl): readonly string[] {
  const arns = [...webAcl.Rules].sort((a, b) => a.Priority - b.Priority).flatMap((rule) => (blocks(rule) ? arnsIn(rule.Statement) : []));
  return [...new Set(arns)];
}

function isCounting(override: Override): boolean {
  return override?.Count !== null && override?.Count !== undefined;
}

/**
 * Whether a request may leave the web ACL by this rule unblocked. Count, CAPTCHA and challenge go on to the next rule when they are
 * passed (AWS WAF developer guide, "rule action", checked 2026-11-25); a rule group may hold an allow, and is not looked into.
 */
function mayLetBy(rule: NativeRule): boolean {
  if (rule.Action !== null && rule.Action !== undefined) return rule.Action.Allow !== null && rule.Action.Allow !== undefined;
  return !isCounting(rule.OverrideAction);
}

function faultOf(webAcl: WebAcl, set: SetName, where: string): string | null {
  const rules = [...webAcl.Rules].sort((a, b) => a.Priority - b.Priority);
  const naming = rules.filter((rule) => arnsIn(rule.Statement).includes(set.arn));
  const ours = naming.find(blocks);
  if (ours === undefined) {
    const other = naming[0] === undefined ? "" : ` (rule ${naming[0].Name} names it with another action)`;
    return `${where} has no rule with action Block whose statement is IP set ${set.name}, or an OR with it${other}; add one before every rule that allows`;
  }
  const group = webAcl.PreProcessFirewallManagerRuleGroups?.find((candidate) => !isCounting(candidate.OverrideAction));
  if (group !== undefined) return `rule group ${group.Name} of Firewall Manager comes first in ${where}, and what it allows is not looked into`;
  const before = rules.slice(0, rules.indexOf(ours)).find(mayLetBy);
  if (before === undefined) return null;
  const how = before.Action === null || before.Action === undefined ? "is a rule group, which may allow" : "allows";
  return `rule ${before.Name} (priority ${before.Priority}) of ${where} ${how}, and comes before rule ${ours.Name} (${ours.Priority}); give ${ours.Name} the lower number`;
}

/** One sentence for all sets; null: every one of them counts. */
export function whyNotEnforcing(webAcl: ReadWebAcl, settings: AwsWafSettings): string | null {
  const { name, region } = arnOf(settings.webAcl);
  if (webAcl === null) return `web ACL ${name} does not exist in ${region}; correct the target's webAcl`;
  const faults = setsOf(settings).flatMap((set) => faultOf(webAcl, set, `web ACL ${name}`) ?? []);
  return faults.length === 0 ? null : faults.join("; ");
}
