// Reads a variable part out of a path, and the query, without trusting either to be well-formed.
import { fail, ok, type Result } from "../../shared/errors.ts";
import { quoted } from "../../shared/request/text.ts";

/** What stands between prefix and suffix, percent-decoded; null when that is impossible or empty. */
export function decodedPart(path: string, prefix: string, suffix: string): string | null {
  if (!path.startsWith(prefix) || !path.endsWith(suffix) || path.length <= prefix.length + suffix.length) return null;
  try {
    return decodeURIComponent(path.slice(prefix.length, path.length - suffix.length));
  } catch {
    return null;
  }
}

/** The query's parameters, each at most once and each known: a misspelt filter must not read as no filter. */
export function readQuery(url: URL, known: readonly string[]): Result<ReadonlyMap<string, string>> {
  const values = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (!known.includes(name))
      return fail("INVALID_INPUT", `${quoted(name)} is not a parameter of this route; it takes ${known.join(", ")}.`, { field: "query" });
    if (values.has(name)) return fail("INVALID_INPUT", `${name} is given twice; give it once.`, { field: name });
    values.set(name, value);
  }
  return ok(values);
}
