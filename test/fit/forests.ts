// The forests of small random requests, and what can be reached in them by the definitions. Shares no code with the methods under test.
import { type Arbitrary, array, constantFrom, integer, oneof, record, tuple } from "fast-check";
import { type Cidr, compareCidrs, contains, overlaps } from "../../shared/address/index.ts";
import { forestsOf } from "../../shared/fit/budget.ts";
import { type Choices, createChoices } from "../../shared/fit/choices.ts";
import type { Pair } from "../../shared/fit/exact.ts";
import { blockOfChoice, type Forest, type Scale } from "../../shared/fit/forest.ts";
import { fits, type Room } from "../../shared/fit/room.ts";
import { createTrie } from "../../shared/fit/trie.ts";
import { block, cornerBlock, type Instance, instance } from "./support.ts";

export const families = ["ipv4", "ipv6"] as const;

export function choicesFor(request: Instance): Pair<Choices> {
  return { ipv4: createChoices(createTrie(request.sources, 4), request), ipv6: createChoices(createTrie(request.sources, 6), request) };
}

export function forestsFor(request: Instance, room: Room, scale: Partial<Scale>): Pair<Forest> {
  return forestsOf(choicesFor(request), room, { bias: null, price: 0, bounded: "free", ...scale });
}

const limit = integer({ min: 0, max: 6 });

/** A limit for each family, one for both, or all three. */
export const rooms = tuple(limit, limit, limit, constantFrom("each", "both", "all")).map(([four, six, both, kind]) => {
  const each = [
    { families: [4] as const, limit: four },
    { families: [6] as const, limit: six },
  ];
  const shared = { families: [4, 6] as const, limit: both };
  return kind === "each" ? each : kind === "both" ? [shared] : [...each, shared];
});

export const unbounded: Room = { ipv4: Number.POSITIVE_INFINITY, ipv6: Number.POSITIVE_INFINITY, both: Number.POSITIVE_INFINITY };

/** Sum over what was chosen. */
export function sumOver(forests: Pair<Forest>, chosen: Pair<Iterable<number>>, of: (forest: Forest, choice: number) => number): number {
  return families.reduce((both, family) => [...chosen[family]].reduce((sum, choice) => sum + of(forests[family], choice), both), 0);
}

/** The same choices in an order that two of them can be compared by. */
export function inOrder({ ipv4, ipv6 }: Pair<Iterable<number>>): Pair<number[]> {
  return { ipv4: [...ipv4].sort(), ipv6: [...ipv6].sort() };
}

/** The choices in the forest, its singles apart. */
export function itemsIn({ item, size }: Forest): number[] {
  return [...item.subarray(0, size)].filter((choice) => choice !== -1);
}

export function legalIn({ size, legal }: Choices): number[] {
  return Array.from({ length: size }, (_, at) => at).filter((at) => legal[at] === 1);
}

/** The members below one, by its links. */
export function below(choices: Pick<Choices, "left" | "right">, at: number): number[] {
  return [choices.left[at] ?? -1, choices.right[at] ?? -1].flatMap((child) => (child === -1 ? [] : [child, ...below(choices, child)]));
}

/** Of these choices in turn, each that lies apart from those before it. */
export function apartOf(choices: Choices, { sources }: Instance, some: readonly number[]): number[] {
  const there: number[] = [];
  const cidrOf = (choice: number): Cidr => blockOfChoice(choices, sources, choice);
  for (const choice of some) if (there.every((other) => !overlaps(cidrOf(other), cidrOf(choice)))) there.push(choice);
  return there;
}

/** Best first, then what stands, then by address. */
export function byWorth({ value, choices: { standing, trie, node } }: Pick<Forest, "value" | "choices">, a: number, b: number): number {
  const placeOf = (choice: number): number => trie.first[node[choice] ?? 0] ?? 0;
  return (value[b] ?? 0) - (value[a] ?? 0) || (standing[b] ?? 0) - (standing[a] ?? 0) || placeOf(a) - placeOf(b) || a - b;
}

export const worth = ({ value }: Forest, choice: number): number => value[choice] ?? 0;

/** So many in one family that there is something to choose between; and some of what lies around them stands. */
export const crowded = tuple(
  instance,
  array(record({ cidr: block(4), weight: integer({ min: 1, max: 9 }) }), { maxLength: 12 }),
  array(oneof(block(4), block(6)), { maxLength: 4 }),
).map(([base, more, standing]): Instance => ({ ...base, sources: [...base.sources, ...more], standing, collateral: { kind: "price", price: 0 } }));

/** Nothing protected, nothing taken, no limit, every length of IPv4: what a test wants less of, it says. */
export function openRequest(sources: Instance["sources"], less: Partial<Instance> = {}): Instance {
  return {
    sources,
    rooms: [],
    lengths: { ipv4: { min: 0, max: 32 }, ipv6: [] },
    collateral: { kind: "price", price: 0 },
    walls: [],
    taken: [],
    isProtected: () => false,
    ...less,
  };
}

/** Many of few weights in one family, all of it open: nearly every prefix weighs as much as another, and room for a part of them. */
export const alike = tuple(
  array(record({ cidr: block(4), weight: integer({ min: 1, max: 2 }) }), { minLength: 3, maxLength: 9 }),
  integer({ min: 1, max: 4 }),
).map(([sources, most]): Instance => openRequest(sources, { rooms: [{ families: [4], limit: most }] }));

/** Per bystander: where it is not 0, a wide prefix is worth less than the parts below it, for fewer rules. */
export const prices = constantFrom(0, 0.25, 0.5, 1);

/**
 * Two hosts close together, at twice to three times the price of a bystander, and around them a wider block that stands and holds no other:
 * it counts more than each of them, and mostly less than both.
 */
const kept = tuple(
  constantFrom(0.5, 1),
  array(integer({ min: 4, max: 6 }), { minLength: 2, maxLength: 2 }),
  array(tuple(integer({ min: 8, max: 15 }), integer({ min: 2, max: 6 })), { maxLength: 5 }),
).map(([price, [low = 0, high = 0], far]): Valued => {
  const hosts = [[0, (low * price) / 2] as const, [3, (high * price) / 2] as const, ...far];
  return {
    request: openRequest(
      hosts.map(([at, weight]) => ({ cidr: cornerBlock(4, 32, at), weight })),
      { standing: [cornerBlock(4, 29, 0)] },
    ),
    price,
    bias: 1,
  };
});

interface Valued {
  readonly request: Instance;
  readonly price: number;
  readonly bias: number | null;
}

/** Requests with what a bystander costs, and how much more it counts what stands. */
export const valued: Arbitrary<Valued> = oneof(
  { weight: 3, arbitrary: record({ request: crowded, price: prices, bias: constantFrom(null, 0, 0.5, 1) }) },
  { weight: 1, arbitrary: kept },
);

/** Prefixes, bystanders, value. */
export type Triple = readonly [number, number, number];

export interface Fronts {
  readonly triples: readonly Triple[];
  /** One for each pair of triples that was joined. */
  readonly steps: number;
}

/** Those that no other beats in all three, each once. */
function frontOf(triples: readonly Triple[]): Triple[] {
  const each = new Map(triples.map((triple) => [triple.join(), triple]));
  const isBeaten = (one: Triple): boolean => [...each.values()].some((by) => by !== one && by[0] <= one[0] && by[1] <= one[1] && by[2] >= one[2]);
  return [...each.values()].filter((one) => !isBeaten(one));
}

/** All that the forest below one member can give, its singles apart. */
export function frontAt(forest: Forest, at: number, countMax: number, units: number): Fronts {
  if (at === -1) return { triples: [[0, 0, 0]], steps: 0 };
  const [left = -1, right = -1, choice = -1] = [forest.left[at], forest.right[at], forest.item[at]];
  const [a, b] = [frontAt(forest, left, countMax, units), frontAt(forest, right, countMax, units)];
  const joined = a.triples.flatMap((x) => b.triples.map((y): Triple => [x[0] + y[0], x[1] + y[1], x[2] + y[2]]));
  const steps = left === -1 || right === -1 ? 0 : joined.length;
  if (choice !== -1) joined.push([1, forest.choices.collateral[choice] ?? 0, forest.value[choice] ?? 0]);
  const allowed = joined.filter(([count, collateral]) => count <= countMax && collateral <= units);
  return { triples: frontOf(allowed), steps: a.steps + b.steps + steps };
}

/** By hand: what is worth most, lies apart from what is there, and fits, until nothing does. */
export function grown(
  forests: Pair<Forest>,
  { sources }: Instance,
  before: Pair<readonly number[]>,
  room: Room,
  units = Number.POSITIVE_INFINITY,
): Pair<number[]> {
  const there = { ipv4: new Set(before.ipv4), ipv6: new Set(before.ipv6) };
  const cidrOf = (family: "ipv4" | "ipv6", choice: number): Cidr => blockOfChoice(forests[family].choices, sources, choice);
  const all = families.flatMap((family) => {
    return [...itemsIn(forests[family]), ...forests[family].singles].map((choice) => {
      const cidr = cidrOf(family, choice);
      const held = sources.flatMap((source) => (contains(cidr, source.cidr) ? [source.cidr] : [])).sort(compareCidrs);
      return {
        family,
        choice,
        value: worth(forests[family], choice),
        cidr,
        stands: forests[family].choices.standing[choice] ?? 0,
        lowest: held[0]?.first ?? "",
      };
    });
  });
  // Of equals the first family, what stands, the lowest source, the narrower block.
  const order = (a: (typeof all)[number], b: (typeof all)[number]): number =>
    b.value - a.value || a.cidr.family - b.cidr.family || b.stands - a.stands || a.lowest.localeCompare(b.lowest) || b.cidr.length - a.cidr.length;
  let left = units;
  for (const { family, choice, cidr } of all.sort(order)) {
    const cost = forests[family].choices.collateral[choice] ?? 0;
    const isApart = [...there[family]].every((other) => !overlaps(cidrOf(family, other), cidr));
    if (!isApart || cost > left || !fits(room, there.ipv4.size + (family === "ipv4" ? 1 : 0), there.ipv6.size + (family === "ipv6" ? 1 : 0))) continue;
    there[family].add(choice);
    left -= cost;
  }
  return inOrder(there);
}
