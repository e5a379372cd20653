// Evaluates Azure role definitions as far as ours use them: Actions and NotActions with wildcards, assigned at a scope.
// Refuses a definition with anything it does not know at loading, so that no role passes by being misread.

export interface RoleDefinition {
  readonly name: string;
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
  readonly assignableScopes: readonly string[];
}

export interface Assignment {
  readonly role: RoleDefinition;
  readonly scope: string;
}

const keys = new Set(["Name", "IsCustom", "Description", "Actions", "NotActions", "DataActions", "NotDataActions", "AssignableScopes"]);

function texts(value: unknown, what: string): readonly string[] {
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string" || item === ""))
    throw new Error(`role definition: ${what} must be a list of texts`);
  return value as string[];
}

/** Reads a role definition as `az role definition create` takes it; throws with the reason for one it would not take. */
export function readRole(document: unknown): RoleDefinition {
  const given = (document ?? {}) as Record<string, unknown>;
  const unknown = Object.keys(given).find((key) => !keys.has(key));
  if (unknown !== undefined) throw new Error(`role definition: ${unknown} is not simulated`);
  if (typeof given.Name !== "string" || given.Name === "" || given.IsCustom !== true) throw new Error("role definition: needs a Name, and IsCustom true");
  const actions = texts(given.Actions, "Actions");
  if (actions.some((action) => action !== "*" && !/^[A-Za-z.]+(?:\/[A-Za-z*]+)+$/.test(action)))
    throw new Error("role definition: an action must look like Microsoft.Network/networkSecurityGroups/read");
  if (texts(given.DataActions, "DataActions").length + texts(given.NotDataActions, "NotDataActions").length > 0)
    throw new Error("role definition: data actions are not simulated");
  const assignableScopes = texts(given.AssignableScopes, "AssignableScopes");
  if (assignableScopes.length === 0 || assignableScopes.some((scope) => !/^\/subscriptions\/[0-9a-f-]{36}(?:\/resourceGroups\/[\w().-]+)?$/i.test(scope)))
    throw new Error("role definition: AssignableScopes must be subscriptions or resource groups");
  return { name: given.Name, actions, notActions: texts(given.NotActions, "NotActions"), assignableScopes };
}

function within(inner: string, outer: string): boolean {
  const [a, b] = [inner.toLowerCase(), outer.toLowerCase().replace(/\/$/, "")];
  return a === b || a.startsWith(`${b}/`);
}

function matches(pattern: string, action: string): boolean {
  const source = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${source}$`, "i").test(action);
}

export function assign(role: RoleDefinition, scope: string): Assignment {
  if (!role.assignableScopes.some((assignable) => within(scope, assignable))) throw new Error(`role ${role.name} cannot be assigned at ${scope}`);
  return { role, scope };
}

export function permitted(assignments: readonly Assignment[], action: string, resource: string): boolean {
  return assignments.some(
    ({ role, scope }) =>
      within(resource, scope) && role.actions.some((pattern) => matches(pattern, action)) && !role.notActions.some((pattern) => matches(pattern, action)),
  );
}

/** Puts real names into a role definition with the placeholders SUBSCRIPTION and GROUP. */
export function fillRole(document: unknown, names: { readonly subscription: string; readonly resourceGroup: string }): unknown {
  const text = JSON.stringify(document);
  return JSON.parse(text.replaceAll("SUBSCRIPTION", names.subscription).replaceAll("resourceGroups/GROUP", `resourceGroups/${names.resourceGroup}`));
}
