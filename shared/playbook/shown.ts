// How a message shows a value that somebody wrote, and what he most likely meant. Refuses to repeat a value that may be a secret.

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
      const isSwap = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
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
