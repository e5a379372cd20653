// One thing that is wrong with the configuration file: where, what, and what to write instead.
// Refuses to repeat a value that may be a secret.
import { cidrText, parseCidr } from "../address/index.ts";
import { nearest, shown } from "../playbook/shown.ts";

export { nearest, secretLookOf, shown } from "../playbook/shown.ts";

/** Keys and list positions from the top of the file. */
export type Path = readonly (string | number)[];

export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Dotted, such as `clients.elastalert.from[0]`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
}

/** A problem that has not been placed in the file yet. */
export interface Finding {
  readonly path: Path;
  /** Point at the key rather than at its value. */
  readonly at: "key" | "value";
  readonly message: string;
  readonly remedy: string;
}

/** A map of keys. */
export type Table = Readonly<Record<string, unknown>>;

export function isTable(value: unknown): value is Table {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

export function finding(path: Path, message: string, remedy: string, at: Finding["at"] = "value"): Finding {
  return { path, at, message, remedy };
}

export function pathText(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text;
}

/** One problem as one line, the way compilers print theirs. */
export function problemText(problem: Problem): string {
  const where = problem.path === "" ? "" : `${problem.path}: `;
  return `${problem.file}:${problem.line}:${problem.column} ${where}${problem.message}; ${problem.remedy}`;
}

/** "did you mean …" when something is near, the whole list otherwise. `word`: whatever was written; only a text can be near to anything. */
export function suggestion(word: unknown, known: readonly string[]): string {
  const near = typeof word === "string" ? nearest(word, known) : null;
  if (near !== null) return `did you mean ${JSON.stringify(near)}?`;
  return known.length === 0 ? "remove it" : `write one of: ${known.join(", ")}`;
}

/** The last key of `path` is not among those that may stand there. */
export function unknownKey(path: Path, known: readonly string[]): Finding {
  const key = path.at(-1);
  return finding(path, `unknown key ${shown(key)}`, key === "<<" ? "write the keys out; merge keys are not read" : suggestion(key, known), "key");
}

/** Canonical text of an address or range, or what is wrong with it. */
export function canonical(text: string): { readonly ok: true; readonly text: string; readonly length: number } | { readonly ok: false; readonly why: string } {
  const parsed = parseCidr(text);
  return parsed.ok ? { ok: true, text: cidrText(parsed.value), length: parsed.value.length } : { ok: false, why: parsed.error.message };
}

/** In the order of the file. */
export function byPlace(a: Problem, b: Problem): number {
  return a.line - b.line || a.column - b.column || (a.message < b.message ? -1 : 1);
}
