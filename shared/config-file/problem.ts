// One thing that is wrong with the configuration file: where, what, and what to write instead.
// Refuses to repeat a value that may be a secret.
import { cidrText, parseCidr } from "../address/index.ts";

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

const secretPatterns: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: "an AWS access key id", pattern: /^(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{12,}$/ },
  { what: "a signing secret", pattern: /^whs[ek]c?_/i },
  { what: "a Portcullis key", pattern: /^portcullis_/ },
  { what: "an AWS secret access key", pattern: /^[A-Za-z0-9/+]{40}$/ },
  { what: "a token", pattern: /^(?:Bearer |ey[A-Za-z0-9_-]{10,}\.|gh[opsu]_|xox[abp]-|-----BEGIN )/ },
  { what: "a long random text", pattern: /^(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+/_=-]{32,}$/ },
];

/** What secret a text looks like, or null. */
export function secretLookOf(text: string): string | null {
  return secretPatterns.find(({ pattern }) => pattern.test(text.trim()))?.what ?? null;
}

/** A value as a message may show it: short, and never one that looks like a secret. */
export function shown(value: unknown): string {
  if (typeof value === "string") {
    if (secretLookOf(value) !== null) return "(a text that looks like a secret)";
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  }
  if (Array.isArray(value)) return "a list";
  if (value !== null && typeof value === "object") return "a map";
  return value === null || value === undefined ? "nothing" : String(value);
}

/** Insertions, deletions, replacements and swaps of neighbours: what fingers do. */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = [];
  let previous: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const swapped = isSwap ? (before[column - 2] ?? 0) + 1 : replaced;
      current.push(Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, replaced, swapped));
    }
    before = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** The known word that was most likely meant; null when none is near. */
export function nearest(word: string, known: readonly string[]): string | null {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, "");
  let best: { readonly word: string; readonly distance: number } | null = null;
  if (word.length > 64) return null;
  for (const candidate of known) {
    const distance = editDistance(plain(word), plain(candidate));
    if (best === null || distance < best.distance) best = { word: candidate, distance };
  }
  return best !== null && best.distance <= Math.max(1, Math.floor(best.word.length / 3)) ? best.word : null;
}

/** "did you mean …" when something is near, the whole list otherwise. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  if (near !== null) return `did you mean ${JSON.stringify(near)}?`;
  return known.length === 0 ? "remove it" : `write one of: ${known.join(", ")}`;
}

/** Canonical text of an address or range, or what is wrong with it. */
export function canonical(text: string): { readonly ok: true; readonly text: string; readonly length: number } | { readonly ok: false; readonly why: string } {
  const parsed = parseCidr(text);
  return parsed.ok ? { ok: true, text: cidrText(parsed.value), length: parsed.value.length } : { ok: false, why: parsed.error.message };
}
