// Where a character of a YAML text stands in the file: a condition may be folded over lines or quoted, and a mistake is in one word of it.
import type { Place } from "../config-file/document.ts";

/** Index in `source` of line and column (both from 1). */
function indexOf(source: string, { line, column }: Place): number {
  let index = 0;
  for (let at = 1; at < line; at += 1) index = source.indexOf("\n", index) + 1;
  return index + column - 1;
}

function placeOf(source: string, index: number): Place {
  const before = source.slice(0, index);
  return { line: before.split("\n").length, column: index - before.lastIndexOf("\n") };
}

const isBlank = (character: string | undefined) => character !== undefined && /\s/.test(character);

/**
 * The place of the character at `offset` of `value`, whose YAML begins at `start`. Folding and quoting move blanks and add escapes, but leave all else in
 * order: so the characters are counted off.
 */
export function placeInText(source: string, start: Place, value: string, offset: number): Place {
  let index = indexOf(source, start);
  const opening = source[index] ?? "";
  if (opening === "|" || opening === ">") index = source.indexOf("\n", index) + 1;
  else if (opening === '"' || opening === "'") index += 1;
  let last = index;
  for (let at = 0; at <= offset && at < value.length; at += 1) {
    if (isBlank(value[at])) continue;
    while (index < source.length && source[index] !== value[at]) index += 1;
    // 'it''s': the first of the two is the escape.
    if (opening === "'" && value[at] === "'" && source[index + 1] === "'") index += 1;
    last = index;
    index += 1;
  }
  return placeOf(source, offset >= value.trimEnd().length ? index : last);
}
