// Spoils messages as attackers, other versions and broken senders do: members dropped, of another type, nested too deep, hostile texts.
import fc from "fast-check";

type Path = readonly (string | number)[];

export function pathsOf(value: unknown, prefix: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [prefix];
  return [prefix, ...Object.entries(value).flatMap(([name, member]) => pathsOf(member, [...prefix, Array.isArray(value) ? Number(name) : name]))];
}

export function replaced(value: unknown, path: Path, by: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return by;
  if (Array.isArray(value)) return value.map((member, at) => (at === name ? replaced(member, rest, by) : member));
  if (typeof value !== "object" || value === null) return value;
  // Own members only, `__proto__` included.
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, key === name ? replaced(member, rest, by) : member]));
}

function deep(levels: number): unknown {
  let value: unknown = "203.0.113.99";
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { detail: value };
  return value;
}

/** What no reader can make a text or a number of. */
export const textless = { toString: "x", valueOf: null, length: 5 };

const hostile = [
  undefined,
  null,
  "",
  0,
  -1,
  1e308,
  true,
  [],
  {},
  "0.0.0.0/0",
  "::ffff:203.0.113.7",
  "203.0.113.7:55",
  "203.0.113.7, 198.51.100.9",
  "10.0.0.1%eth0",
  "\u202egnp.exe\u0000\u001b[2J",
  "\ud800",
  "a".repeat(20_000),
  "__proto__",
  "constructor",
  Array.from({ length: 3_000 }, (_, at) => `203.0.${at >> 8}.${at & 255}`),
  deep(200),
  textless,
  ["203.0.113.7", ["203.0.113.8"], { ip: "203.0.113.9" }],
];

/** Messages made of this one with one to four places spoilt. */
export function spoilt(payload: unknown): fc.Arbitrary<unknown> {
  const paths = pathsOf(payload);
  const change = fc.tuple(fc.constantFrom(...paths), fc.oneof(fc.constantFrom(...hostile), fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: "binary" })));
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => changes.reduce((value, [path, by]) => replaced(value, path, by), payload));
}

/** The same with the members of every object in another order. */
export function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reordered(member)]),
  );
}

/** What sources call their own events by, and when they happened: changed, it is another event. */
const identifying =
  /^(?:id|_id|VolumeId|arn|uuid|fingerprint|time|timestamp|at|@timestamp|startsAt|flow_id|RayID|requestId|execution_id|alert_correlation_id|ts|ip|src_ip|start_at|event_id)$/i;

/** The same message about another event. */
export function another(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((member) => another(member, name));
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, another(member, key)]));
  if (!identifying.test(name)) return typeof value === "string" && /^\{"/.test(value) ? JSON.stringify(another(JSON.parse(value))) : value;
  if (typeof value === "number") return value + 1;
  return typeof value === "string" ? value.replace(/[0-9a-z](?=[^0-9a-z]*$)/, (last) => (last === "1" ? "2" : "1")) : value;
}
