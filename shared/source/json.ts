// Reads foreign JSON without trusting its shape: own members only, either spelling of a name's first letter, never a throw.
// AWS sends the same finding as `accountId` through EventBridge and as `AccountId` through its API and Security Hub.

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The own member of exactly this name. */
export function own(value: unknown, name: string): unknown {
  return isObject(value) ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined;
}

/** The name with the case of its first letter changed. */
function otherSpelling(name: string): string {
  const first = name.charAt(0);
  return (first === first.toLowerCase() ? first.toUpperCase() : first.toLowerCase()) + name.slice(1);
}

/** The member at the end of these names, each in either spelling; undefined when there is none. */
export function at(value: unknown, ...names: readonly string[]): unknown {
  let found = value;
  for (const name of names) found = own(found, name) ?? own(found, otherSpelling(name));
  return found ?? undefined;
}

/** A text or a number, as text; empty when it is neither. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "number" && Number.isFinite(value) ? String(value) : "";
}

export function textAt(value: unknown, ...names: readonly string[]): string {
  return textOf(at(value, ...names));
}

/** The members of a list; a value alone is a list of one, nothing an empty one. */
export function listAt(value: unknown, ...names: readonly string[]): readonly unknown[] {
  const found = at(value, ...names);
  if (Array.isArray(found)) return found;
  return found === undefined ? [] : [found];
}

/** The texts among values, a blank between them. What is no text has none, whatever it says of itself. */
export function wordsOf(values: readonly unknown[]): string {
  return values
    .map(textOf)
    .filter((text) => text !== "")
    .join(" ");
}

/** True also where the source spells it as text. */
export function flagAt(value: unknown, ...names: readonly string[]): boolean {
  const found = at(value, ...names);
  return found === true || found === "true";
}

export function numberAt(value: unknown, ...names: readonly string[]): number | null {
  const text = textAt(value, ...names).trim();
  const number = text === "" ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : null;
}

/** What a text holds as JSON; undefined when it holds none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const depthMax = 24;

/** One spelling per value, whatever the order of members; what lies deeper than any detector nests is the same to it. */
export function canonical(value: unknown, depth = 0): string {
  if (depth > depthMax) return "…";
  if (Array.isArray(value)) return `[${value.map((entry) => canonical(entry, depth + 1)).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member, depth + 1)}`).join(",")}}`;
}
