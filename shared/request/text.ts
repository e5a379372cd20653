// Makes free text from outside harmless: one line, no control or bidirectional characters, bounded.
// Refuses to judge what the text says.

/** Control, format (zero-width and bidirectional included), lone surrogates, line and paragraph separators. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** One line: breaks and tabs become a space, whatever does not print is dropped, runs of blanks shrink to one. */
export function cleanText(text: string): string {
  return text
    .replace(/[\t\n\r\u2028\u2029]/g, " ")
    .replace(unprintable, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** Length in characters as a reader counts them, not in UTF-16 halves. */
export function textLength(text: string): number {
  return [...text].length;
}

/** At most `charsMax` characters, never half of one. */
export function cutText(text: string, charsMax: number): string {
  // Two UTF-16 units at most make one character: slicing first keeps the spread small for very long texts.
  return [...text.slice(0, charsMax * 2)].slice(0, charsMax).join("");
}

/** How much of a text is cleaned for each character that may be kept: a megabyte of what does not print is not walked through for one line. */
const looksPerChar = 16;

/** One harmless line of at most `charsMax` characters. */
export function oneLine(text: string, charsMax: number): string {
  return cutText(cleanText(text.slice(0, charsMax * looksPerChar)), charsMax).trim();
}

/** A value from outside as it may be shown in a message: quoted, cut, one line. */
export function quoted(value: unknown, charsMax = 64): string {
  if (typeof value === "string") return JSON.stringify(oneLine(value, charsMax));
  if (value === null || typeof value === "number" || typeof value === "boolean") return String(value);
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : "nothing";
}

/** The lines that are not blank, one after the other: a text of nothing but line breaks must not become a million texts. */
export function* linesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const at = text.indexOf("\n", from);
    const end = at === -1 ? text.length : at;
    const line = text.slice(from, end);
    if (line.trim() !== "") yield line;
    from = end + 1;
  }
}
