// One simulated web ACL: what its owner's rules are. Read only through the API; a person edits it here.
import type { Scope } from "./ip-set.ts";

type Statement = { readonly [name: string]: unknown };

export interface RuleSeed {
  readonly name: string;
  readonly priority: number;
  readonly statement: Statement;
  /** A rule's action, or for a rule group what overrides its rules'. */
  readonly action?: "Allow" | "Block" | "Count" | "Captcha" | "Challenge";
  readonly override?: "None" | "Count";
}

export interface WebAclSeed {
  readonly name: string;
  readonly id: string;
  readonly scope?: Scope;
  readonly region?: string;
  readonly rules?: readonly RuleSeed[];
  /** Rule groups that Firewall Manager puts first. */
  readonly first?: readonly { readonly name: string; readonly override: "None" | "Count" }[];
}

export function inSet(arn: string): Statement {
  return { IPSetReferenceStatement: { ARN: arn } };
}

export function anyOf(...statements: readonly Statement[]): Statement {
  return { OrStatement: { Statements: statements } };
}

export function managed(name: string): Statement {
  return { ManagedRuleGroupStatement: { VendorName: "AWS", Name: name } };
}

function visibility(name: string) {
  return { SampledRequestsEnabled: true, CloudWatchMetricsEnabled: true, MetricName: name };
}

function ruleOf({ name, priority, statement, action, override }: RuleSeed) {
  const acts = action === undefined ? { OverrideAction: { [override ?? "None"]: {} } } : { Action: { [action]: {} } };
  return { Name: name, Priority: priority, Statement: statement, ...acts, VisibilityConfig: visibility(name) };
}

export class SimulatedWebAcl {
  readonly name: string;
  readonly id: string;
  readonly scope: Scope;
  readonly region: string;
  readonly arn: string;
  rules: readonly RuleSeed[];
  first: NonNullable<WebAclSeed["first"]>;

  constructor(seed: WebAclSeed, region: string, accountId: string) {
    const { name, id, scope = "REGIONAL" } = seed;
    this.name = name;
    this.id = id;
    this.scope = scope;
    this.region = region;
    this.arn = `arn:aws:wafv2:${region}:${accountId}:${scope === "CLOUDFRONT" ? "global" : "regional"}/webacl/${name}/${id}`;
    this.rules = seed.rules ?? [];
    this.first = seed.first ?? [];
  }

  get document() {
    const groups = this.first.map(({ name, override }, at) => ({
      Name: name,
      Priority: at,
      FirewallManagerStatement: { ManagedRuleGroupStatement: { VendorName: "AWS", Name: name } },
      OverrideAction: { [override]: {} },
      VisibilityConfig: visibility(name),
    }));
    return {
      Name: this.name,
      Id: this.id,
      ARN: this.arn,
      DefaultAction: { Allow: {} },
      // In no order: the priority is what counts.
      Rules: [...this.rules].reverse().map(ruleOf),
      VisibilityConfig: visibility(this.name),
      Capacity: this.rules.length,
      ...(groups.length === 0 ? {} : { PreProcessFirewallManagerRuleGroups: groups }),
      ManagedByFirewallManager: groups.length > 0,
    };
  }
}
