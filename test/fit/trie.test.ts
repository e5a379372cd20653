// The trie over blocks anywhere in the address space, node by node, against what each node means.
import { array, assert as check, constantFrom, double, integer, oneof, property, record } from "fast-check";
import { expect, it } from "vitest";
import { blockOf, type Cidr, cidrKey, compareCidrs, contains, type Family, familyBits } from "../../shared/address/index.ts";
import type { FitSource } from "../../shared/fit/request.ts";
import { blockAround, createTrie, type Trie } from "../../shared/fit/trie.ts";
import { anywhere, block, corner } from "./support.ts";

function source(family: Family) {
  return record({ cidr: oneof(anywhere(family), block(family)), weight: integer({ min: 1, max: 9 }) });
}

const family = constantFrom<Family>(4, 6);
/** Of both families, the more of one. */
const sources = family.chain((own) =>
  array(oneof({ weight: 4, arbitrary: source(own) }, { weight: 1, arbitrary: source(own === 4 ? 6 : 4) }), { maxLength: 14 }),
);

/** The longest block that holds both. */
function around(a: Cidr, b: Cidr): Cidr {
  let length = Math.min(a.length, b.length);
  while (!contains(blockOf(a.family, a.first, length), b)) length -= 1;
  return blockOf(a.family, a.first, length);
}

function halves({ family: own, first, length }: Cidr): readonly [Cidr, Cidr] {
  const bits = familyBits(own);
  const upper = (BigInt(`0x${first}`) | (1n << BigInt(bits - length - 1))).toString(16).padStart(bits / 4, "0");
  return [blockOf(own, first, length + 1), blockOf(own, upper, length + 1)];
}

/** Units of the block of which some address is in no source. */
function unnamed(cidr: Cidr, named: readonly Cidr[]): number {
  const { unit } = corner[cidr.family];
  if (named.some((wide) => contains(wide, cidr))) return 0;
  if (!named.some((inside) => contains(cidr, inside))) return cidr.length >= unit ? 1 : 2 ** (unit - cidr.length);
  const sum = halves(cidr).reduce((all, half) => all + unnamed(half, named), 0);
  return cidr.length >= unit ? Math.min(1, sum) : sum;
}

/** Beyond what a number counts one by one, only that: targets hold no block that wide. */
function counted(units: number): number {
  return Math.min(units, Number.MAX_SAFE_INTEGER + 1);
}

interface Node {
  readonly above: number;
  readonly left: string | null;
  readonly right: string | null;
  readonly weight: number;
  readonly held: readonly number[];
  readonly inSource: number;
  readonly bystanders: number;
}

function nodesOf(all: readonly FitSource[], own: Family): Map<string, Node> {
  const named = all.filter(({ cidr }) => cidr.family === own).map(({ cidr }) => cidr);
  const blocks = new Map<string, Cidr>();
  for (const a of named) for (const b of named) blocks.set(cidrKey(around(a, b)), around(a, b));
  const inOrder = all.map((_, place) => place).filter((place) => all[place]?.cidr.family === own);
  inOrder.sort((a, b) => compareCidrs(all[a]?.cidr as Cidr, all[b]?.cidr as Cidr));
  const nodes = [...blocks.values()].map((cidr): readonly [string, Node] => {
    const wider = [...blocks.values()].filter((other) => other.length < cidr.length && contains(other, cidr));
    const below = [...blocks.values()].filter((other) => other.length > cidr.length && contains(cidr, other));
    const isNext = (one: Cidr): boolean => !below.some((other) => other.length < one.length && contains(other, one));
    const children = below.filter(isNext).sort(compareCidrs);
    const held = inOrder.filter((place) => contains(cidr, all[place]?.cidr as Cidr));
    const [left, right] = children.map(cidrKey);
    const inSource = named.some((wide) => wide.length < cidr.length && contains(wide, cidr)) ? 1 : 0;
    return [
      cidrKey(cidr),
      {
        above: Math.max(-1, ...wider.map(({ length }) => length)),
        left: left ?? null,
        right: right ?? null,
        weight: held.reduce((sum, place) => sum + (all[place]?.weight ?? 0), 0),
        held,
        inSource,
        bystanders: inSource === 1 ? 0 : counted(unnamed(cidr, named)),
      },
    ];
  });
  return new Map(nodes);
}

function readNodes(trie: Trie, all: readonly FitSource[]): Map<string, Node> {
  const keyOf = (node: number): string => cidrKey(blockAround(trie, all, node, trie.length[node] ?? 0));
  const childOf = (node: number): string | null => (node === -1 ? null : keyOf(node));
  const nodes = Array.from({ length: trie.size }, (_, node): readonly [string, Node] => {
    const inSource = trie.inSource[node] ?? 0;
    return [
      keyOf(node),
      {
        above: trie.above[node] ?? -1,
        left: childOf(trie.left[node] ?? -1),
        right: childOf(trie.right[node] ?? -1),
        weight: trie.weight[node] ?? 0,
        held: [...trie.order.subarray(trie.first[node] ?? 0, (trie.last[node] ?? 0) + 1)],
        inSource,
        // Nobody asks for those of a block that a source names whole.
        bystanders: inSource === 1 ? 0 : counted(trie.bystanders[node] ?? 0),
      },
    ];
  });
  expect(new Set(nodes.map(([key]) => key)).size).toBe(trie.size);
  for (let node = 0; node < trie.size; node += 1) expect(Math.max(trie.left[node] ?? -1, trie.right[node] ?? -1)).toBeLessThan(node);
  return new Map(nodes);
}

it("nodes: each source's block and each block where two part, with all that lies in it, and nothing else", () => {
  check(
    property(sources, family, (all, own) => {
      expect(readNodes(createTrie(all, own), all)).toEqual(nodesOf(all, own));
    }),
    { numRuns: 300 },
  );
});

it("weight: of a block named often is one sum, in whatever order the names come", () => {
  const weights = array(double({ min: 0.001, max: 1_000, noNaN: true }), { minLength: 3, maxLength: 8 });
  check(
    property(anywhere(4), weights, (cidr, all) => {
      const rootOf = (some: readonly number[]): number | undefined =>
        createTrie(
          some.map((weight) => ({ cidr, weight })),
          4,
        ).weight[0];
      expect(rootOf(all)).toBe(rootOf(all.toReversed()));
      expect(rootOf(all)).toBe(rootOf([...all.slice(1), ...all.slice(0, 1)]));
      expect(rootOf(all)).toBeCloseTo(
        all.reduce((sum, weight) => sum + weight, 0),
        6,
      );
    }),
  );
});
