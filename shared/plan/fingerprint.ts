// A short name for a set of texts, so that a person can confirm exactly what was shown. Not a security measure.

const prime = 0x01000193;

/** 64 bits of FNV-1a over the sorted texts, as 16 hex digits; order does not matter. */
export function fingerprint(texts: readonly string[]): string {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  for (const character of [...texts].sort().join("\n")) {
    const code = character.codePointAt(0) ?? 0;
    low = Math.imul(low ^ code, prime) >>> 0;
    high = Math.imul(high ^ (code + low), prime) >>> 0;
  }
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}
