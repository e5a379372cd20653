// Prints a JSON answer for people: keys in the answer's order, short values on one line, tables indented.
// Generic on purpose: whatever the function says is shown, so that nothing it says is lost on the way.

type Value = unknown;

function isTable(value: Value): value is Readonly<Record<string, Value>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isShort(value: Value): boolean {
  return value === null || typeof value !== "object";
}

function scalar(value: Value): string {
  return value === null || value === undefined ? "-" : String(value);
}

function inline(value: Value): string | null {
  if (isShort(value)) return scalar(value);
  if (Array.isArray(value)) {
    if (value.length === 0) return "none";
    const text = value.map(scalar).join(", ");
    return value.every(isShort) && text.length <= 100 ? text : null;
  }
  if (!isTable(value)) return null;
  const entries = Object.entries(value);
  if (entries.length === 0) return "none";
  const text = entries.map(([key, inner]) => `${key} ${scalar(inner)}`).join(", ");
  return entries.every(([, inner]) => isShort(inner)) && text.length <= 100 ? text : null;
}

/** One line per value; nested values two blanks deeper. */
export function readable(value: Value, indent = ""): readonly string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: Value) => {
      const short = inline(item);
      return short === null ? [`${indent}-`, ...readable(item, `${indent}  `)] : [`${indent}- ${short}`];
    });
  }
  if (!isTable(value)) return [`${indent}${scalar(value)}`];
  return Object.entries(value).flatMap(([key, inner]) => {
    const short = inline(inner);
    return short === null ? [`${indent}${key}:`, ...readable(inner, `${indent}  `)] : [`${indent}${key}: ${short}`];
  });
}
