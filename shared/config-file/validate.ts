// Runs one schema over one part of the file and lists everything that is wrong with it.
// valibot stops at the first unknown key of an object, so unknown keys are taken away one by one until none is left.
import * as v from "valibot";
import { type Finding, finding, type Path, pathText, shown, unknownKey } from "./problem.ts";

export interface Checked<T> {
  /** What came out, unknown keys left aside; null when it cannot be used at all. */
  readonly value: T | null;
  readonly findings: readonly Finding[];
}

const unknownKeysMax = 200;

interface Item {
  readonly type: string;
  readonly key: unknown;
  readonly input: unknown;
}

type Issue = v.BaseIssue<unknown>;

function isUnknownKey(issue: Issue): boolean {
  return issue.kind === "schema" && issue.expected === "never" && issue.path !== undefined;
}

function itemsOf(issue: Issue): readonly Item[] {
  return issue.path ?? [];
}

function pathOf(issue: Issue, base: Path): Path {
  return [...base, ...itemsOf(issue).map(({ key }) => (typeof key === "number" ? key : String(key)))];
}

/** A copy of `input` without the key that the path names. */
function without(input: unknown, keys: readonly unknown[]): unknown {
  const [head, ...rest] = keys;
  if (Array.isArray(input)) return input.map((item: unknown, index) => (index === head && rest.length > 0 ? without(item, rest) : item));
  if (input === null || typeof input !== "object") return input;
  const entries = Object.entries(input).flatMap(([key, value]) => (key !== head ? [[key, value]] : rest.length === 0 ? [] : [[key, without(value, rest)]]));
  return Object.fromEntries(entries);
}

/** Names of an object schema at a path inside a schema; empty when it cannot be told. */
export function knownKeys(schema: unknown, path: readonly unknown[]): readonly string[] {
  const node = unwrap(schema);
  if (node === null) return [];
  if (Array.isArray(node.options)) return node.options.flatMap((option) => knownKeys(option, path));
  const entries = node.entries;
  const [head, ...rest] = path;
  if (entries !== null && typeof entries === "object") {
    if (path.length === 0) return Object.keys(entries);
    return Object.hasOwn(entries, String(head)) ? knownKeys(Object.getOwnPropertyDescriptor(entries, String(head))?.value, rest) : [];
  }
  return path.length === 0 ? [] : knownKeys(node.item ?? node.value, rest);
}

function unwrap(schema: unknown): Record<string, unknown> | null {
  if (schema === null || typeof schema !== "object") return null;
  const node = schema as Record<string, unknown>;
  if (node.wrapped !== undefined) return unwrap(node.wrapped);
  return node;
}

/** What is wrong with a map that may also be one word (false) is wrong inside the map: point there. */
function inner(issue: Issue): readonly Issue[] {
  const { input } = issue;
  if (issue.type !== "union" || input === null || typeof input !== "object" || Array.isArray(input)) return [issue];
  const inside = (issue.issues ?? []).filter((sub) => itemsOf(sub).length > 0);
  return inside.length === 0 ? [issue] : inside.map((sub) => ({ ...sub, path: [...(issue.path ?? []), ...(sub.path ?? [])] }) as Issue);
}

function findingOf(issue: Issue, base: Path): Finding {
  const path = pathOf(issue, base);
  const missing = issue.received === "undefined" && itemsOf(issue).length > 0;
  if (missing) {
    const key = path.at(-1) ?? "";
    return finding(path, `${JSON.stringify(String(key))} is missing`, `add \`${key}: …\``, "key");
  }
  if (issue.message.startsWith("Invalid ")) return finding(path, `${shown(issue.input)} does not fit`, `expected ${issue.expected ?? "something else"}`);
  const cut = issue.message.indexOf("; ");
  return cut > 0 ? finding(path, issue.message.slice(0, cut), issue.message.slice(cut + 2)) : finding(path, issue.message, "correct it");
}

function unknownFinding(issue: Issue, base: Path, schema: v.GenericSchema): Finding {
  const keys = itemsOf(issue).map(({ key }) => key);
  return unknownKey(pathOf(issue, base), knownKeys(schema, keys.slice(0, -1)));
}

/** The lists that stand where a map of keys should: to the library a list is an object whose keys are numbers. */
function listFindings(issues: readonly Issue[], base: Path, schema: v.GenericSchema): readonly Finding[] {
  return firstOfEach(
    issues.flatMap((issue) => {
      const items = itemsOf(issue);
      const at = items.findIndex(({ type, input }) => type === "object" && Array.isArray(input));
      if (at === -1) return [];
      const keys = items.slice(0, at).map(({ key }) => key);
      const known = knownKeys(schema, keys);
      const remedy = known.length === 0 ? "write { key: value }" : `write some of: ${known.join(", ")}`;
      return [finding(pathOf(issue, base).slice(0, base.length + at), "a list is not a map of keys", remedy)];
    }),
  );
}

/** One value can fail several checks; the first says it best. */
function firstOfEach(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ path }) => {
    const text = pathText(path);
    if (seen.has(text)) return false;
    seen.add(text);
    return true;
  });
}

/** Everything wrong with `input`, each with its path below `base`. */
export function validate<T>(schema: v.GenericSchema<unknown, T>, input: unknown, base: Path): Checked<T> {
  const findings: Finding[] = [];
  let rest = input;
  for (let round = 0; round < unknownKeysMax; round += 1) {
    const result = v.safeParse(schema, rest);
    if (result.success) return { value: result.output, findings };
    const issues = result.issues.flatMap(inner);
    const lists = listFindings(issues, base, schema);
    if (lists.length > 0) return { value: null, findings: [...findings, ...lists] };
    const unknown = issues.filter(isUnknownKey);
    if (unknown.length === 0) return { value: null, findings: [...findings, ...firstOfEach(issues.map((issue) => findingOf(issue, base)))] };
    for (const issue of unknown) {
      findings.push(unknownFinding(issue, base, schema));
      rest = without(
        rest,
        itemsOf(issue).map(({ key }) => key),
      );
    }
  }
  return { value: null, findings };
}

/** The fields of a broken object that are right by themselves, so that what depends on them can still be checked. */
export function salvage<E extends v.ObjectEntries>(entries: E, input: unknown): Partial<{ [K in keyof E]: v.InferOutput<E[K]> }> {
  if (input === null || typeof input !== "object") return {};
  const fields = Object.entries(entries).flatMap(([key, schema]) => {
    const result = v.safeParse(schema as v.GenericSchema, Object.getOwnPropertyDescriptor(input, key)?.value);
    return result.success ? [[key, result.output]] : [];
  });
  return Object.fromEntries(fields);
}
