// Evaluates IAM policy documents as far as ours use them: Allow and Deny, Action and Resource with wildcards.
// Refuses a document with anything else (Condition, NotAction, Principal) at loading, so that no policy passes by being misread.

export interface Statement {
  readonly effect: "Allow" | "Deny";
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

export type Policy = readonly Statement[];

function listOf(value: unknown, what: string): readonly string[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0 || list.some((item) => typeof item !== "string" || item === "")) throw new Error(`IAM policy: ${what} must be text or a list of texts`);
  return list as string[];
}

const statementKeys = new Set(["Sid", "Effect", "Action", "Resource"]);

/** Reads a policy document; throws with the reason for one that IAM, or this simulator, would not take. */
export function readPolicy(document: unknown): Policy {
  const { Version, Statement, ...rest } = (document ?? {}) as Record<string, unknown>;
  if (Version !== "2012-10-17" || !Array.isArray(Statement) || Object.keys(rest).some((key) => key !== "Id"))
    throw new Error("IAM policy: not a 2012-10-17 document");
  return Statement.map((raw: unknown) => {
    const statement = raw as Record<string, unknown>;
    const unknown = Object.keys(statement).find((key) => !statementKeys.has(key));
    if (unknown !== undefined) throw new Error(`IAM policy: ${unknown} is not simulated`);
    if (statement.Effect !== "Allow" && statement.Effect !== "Deny") throw new Error("IAM policy: Effect must be Allow or Deny");
    const actions = listOf(statement.Action, "Action");
    if (actions.some((action) => action !== "*" && !/^[a-z0-9-]+:[A-Za-z*?]+$/.test(action)))
      throw new Error("IAM policy: an Action must look like ec2:DescribeNetworkAcls");
    return { effect: statement.Effect, actions, resources: listOf(statement.Resource, "Resource") };
  });
}

function matches(pattern: string, value: string, flags: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, flags).test(value);
}

/** Actions compare without regard to case, resources with. An explicit deny wins. */
export function allows(policy: Policy, action: string, resource: string): boolean {
  const hits = policy.filter(
    (statement) => statement.actions.some((pattern) => matches(pattern, action, "i")) && statement.resources.some((pattern) => matches(pattern, resource, "")),
  );
  return hits.some((statement) => statement.effect === "Allow") && !hits.some((statement) => statement.effect === "Deny");
}
