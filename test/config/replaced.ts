// A YAML text with one of its values replaced by any other: what people and tools write by mistake, and what nobody would.
import { type Arbitrary, constantFrom, jsonValue, oneof, tuple } from "fast-check";
import { parse, parseDocument } from "yaml";

/** Every place in a value, as keys and positions. */
function pathsIn(value: unknown, base: readonly (string | number)[] = []): readonly (readonly (string | number)[])[] {
  if (value === null || typeof value !== "object") return [base];
  const inner: readonly (readonly [string | number, unknown])[] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [...(base.length === 0 ? [] : [base]), ...inner.flatMap(([key, one]) => pathsIn(one, [...base, key]))];
}

/** Values that break what reads them without care: with no text, no number or no prototype's methods of their own. */
const words = ["toString", "valueOf", "hasOwnProperty", "constructor", "length"];
const odd: readonly unknown[] = [...words.map((word) => ({ [word]: 0 })), -0, Number.POSITIVE_INFINITY, -1e-300, 2 ** 53, "", " ", "~", "<<"];
const nested = odd.flatMap((one) => [one, [one], [[one]], { a: one }]);

export function replacedIn(text: string): Arbitrary<string> {
  const value = oneof(jsonValue({ maxDepth: 2 }), constantFrom(...nested));
  return tuple(constantFrom(...pathsIn(parse(text))), value).map(([path, instead]) => {
    const document = parseDocument(text);
    document.setIn(path, instead);
    return document.toString();
  });
}
