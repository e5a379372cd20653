// Finds values in foreign JSON by dotted paths. Indices differ in whether they nest: `source.ip` may be a member `ip` of
// `source`, or one member literally named `source.ip`; both are tried. Own members only; lists on the way are searched through.

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function member(value: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

function collect(value: unknown, parts: readonly string[], found: unknown[], countMax: number): void {
  if (found.length >= countMax || value === undefined || value === null) return;
  if (Array.isArray(value)) {
    // One level only: a list of lists is nobody's event, and depth stays bounded by the path.
    for (const entry of value) if (!Array.isArray(entry)) collect(entry, parts, found, countMax);
    return;
  }
  if (parts.length === 0) {
    found.push(value);
    return;
  }
  if (!isObject(value)) return;
  // The longest literal name first, and only the first spelling that leads anywhere: two spellings of one field are one fact.
  const before = found.length;
  for (let taken = parts.length; taken > 0 && found.length === before; taken -= 1) {
    collect(member(value, parts.slice(0, taken).join(".")), parts.slice(taken), found, countMax);
  }
}

/** Every value at the path, lists spread out; none when it is absent or null. */
export function valuesAt(value: unknown, path: string, countMax: number): readonly unknown[] {
  const found: unknown[] = [];
  collect(value, path.split("."), found, countMax);
  return found;
}

/** The values at the first path that has any, and which path that was. */
export function firstValues(value: unknown, paths: readonly string[], countMax: number): { readonly path: string; readonly values: readonly unknown[] } | null {
  for (const path of paths) {
    const values = valuesAt(value, path, countMax);
    if (values.length > 0) return { path, values };
  }
  return null;
}
