// What can still matter once each choice has a value: nothing that could be needed is left out, nothing that could not is kept.
import { array, assert as check, constantFrom, integer, nat, oneof, property, record, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { blockOf, cidrKey } from "../../shared/address/index.ts";
import { type Choices, createChoices } from "../../shared/fit/choices.ts";
import { createForest, type Forest, leastOf, type Scale } from "../../shared/fit/forest.ts";
import { createTrie } from "../../shared/fit/trie.ts";
import { below, byWorth, choicesFor, families, itemsIn, legalIn, valued } from "./forests.ts";

const runs = Number(process.env.FIT_RUNS ?? 1_000);
const endless = Number.POSITIVE_INFINITY;

/** What a choice counts: its weight, more if it stands, less for each bystander. A tie goes to what stands, by less than any weight. */
function countedOf({ weight, collateral, standing }: Choices, { bias, price }: Scale, at: number): number {
  const stands = bias !== null && standing[at] === 1;
  return (weight[at] ?? 0) * (stands ? 1 + bias : 1) - price * (collateral[at] ?? 0);
}

interface Best {
  /** By set of prefixes apart from each other, and by single prefix: the most. */
  readonly sum: number;
  readonly one: number;
}

/** Choices that may be needed at some room or bound, by the definition. */
function neededOf(choices: Choices, scale: Scale, value: (at: number) => number): { readonly needed: number[]; readonly alone: number[] } {
  const { legal, collateral } = choices;
  const childrenOf = (at: number): number[] => [choices.left[at] ?? -1, choices.right[at] ?? -1].filter((child) => child !== -1);
  const counts = (at: number): boolean =>
    legal[at] === 1 && value(at) > 0 && (scale.bounded === "bounded" || value(at) >= Math.max(0, ...childrenOf(at).map((child) => bestOf(child).one)));
  const sumBelow = (at: number): number => childrenOf(at).reduce((sum, child) => sum + bestOf(child).sum, 0);
  const bestOf = (at: number): Best => {
    const one = Math.max(0, ...childrenOf(at).map((child) => bestOf(child).one));
    return counts(at) ? { sum: Math.max(value(at), sumBelow(at)), one: Math.max(value(at), one) } : { sum: sumBelow(at), one };
  };
  const isWhole = (at: number): boolean => counts(at) && value(at) >= sumBelow(at) && (scale.bounded === "free" || collateral[at] === 0);
  const above = new Map<number, number>();
  for (let at = 0; at < choices.size; at += 1) for (const child of childrenOf(at)) above.set(child, at);
  const around = (at: number): number[] => {
    const next = above.get(at);
    return next === undefined ? [] : [next, ...around(next)];
  };
  const needed = Array.from({ length: choices.size }, (_, at) => at).filter((at) => counts(at) && !around(at).some(isWhole));
  // Those that overlap no other that is needed, and cost nothing where that is bounded.
  const alone = needed.filter(
    (at) => !needed.some((other) => around(at).includes(other) || around(other).includes(at)) && (scale.bounded === "free" || collateral[at] === 0),
  );
  return { needed, alone };
}

function depthOf({ left, right }: Forest, at: number): number {
  const forest = { left, right } as Forest;
  return at === -1 ? 0 : 1 + Math.max(depthOf(forest, left[at] ?? -1), depthOf(forest, right[at] ?? -1));
}

describe("the choices that matter", () => {
  const scales = record({
    bounded: constantFrom("bounded" as const, "free" as const),
    most: constantFrom(0, 1, 2, 4, endless),
  });

  /** The forest of each family. */
  const bothForests = tuple(valued, scales).map(([{ request, price, bias }, { bounded, most }]) => {
    const scale: Scale = { bias, price, bounded, most };
    return families.map((family) => {
      const choices = choicesFor(request)[family];
      return { choices, scale, forest: createForest(choices, scale) };
    });
  });

  it("forest: just those that some room or bound may need, each once, in one tree or set apart", () => {
    let [items, apart] = [0, 0];
    check(
      property(bothForests, (both) => {
        for (const { choices, scale, forest } of both) {
          for (let at = 0; at < choices.size; at += 1) {
            if (choices.legal[at] === 0) continue;
            const counted = countedOf(choices, scale, at);
            const isFavoured = scale.bias !== null && choices.standing[at] === 1;
            expect(forest.value[at]).toBeCloseTo(counted, 9);
            expect((forest.value[at] ?? 0) > counted).toBe(isFavoured);
          }
          const { needed, alone } = neededOf(choices, scale, (at) => forest.value[at] ?? 0);
          const inForest = itemsIn(forest);
          expect([...inForest].sort()).toEqual(needed.filter((at) => !alone.includes(at)).sort());
          expect(forest.singles).toEqual(alone.sort((a, b) => byWorth(forest, a, b)).slice(0, scale.most));
          items += inForest.length;
          apart += alone.length;
        }
      }),
      { numRuns: runs },
    );
    expect({ items: items > runs, apart: apart > runs }).toEqual({ items: true, apart: true });
  });

  it("forest: one tree under the root, children first, what lies in a choice below it, parts joined in halves", () => {
    check(
      property(bothForests, (both) => {
        for (const { choices, forest } of both) {
          const seen: number[] = [];
          const walk = (at: number): number[] => {
            if (at === -1) return [];
            seen.push(at);
            const own = forest.item[at] ?? -1;
            const children = [forest.left[at] ?? -1, forest.right[at] ?? -1];
            expect(children.every((child) => child < at)).toBe(true);
            const under = children.flatMap(walk);
            if (own !== -1) for (const choice of under) expect(below(choices, own).includes(choice)).toBe(true);
            // What joins two parts joins two.
            else expect(children.every((child) => child !== -1)).toBe(true);
            return own === -1 ? under : [own, ...under];
          };
          const found = walk(forest.root);
          expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: forest.size }, (_, at) => at));
          expect(found.sort()).toEqual(itemsIn(forest).sort());
          const tops = found.filter((choice) => !found.some((other) => other !== choice && below(choices, other).includes(choice)));
          const heights = tops.map((choice) => depthOf(forest, forest.item.indexOf(choice)));
          expect(depthOf(forest, forest.root)).toBeLessThanOrEqual(Math.max(0, ...heights) + Math.ceil(Math.log2(Math.max(1, tops.length))));
        }
      }),
      { numRuns: runs },
    );
  });
});

describe("what lies apart", () => {
  const host = record({ at: integer({ min: 0, max: 2 ** 16 - 1 }), weight: integer({ min: 1, max: 6 }) });

  const most = oneof(integer({ min: 0, max: 9 }), integer({ min: 0, max: 90 }));

  it("singles: the best of many, few or most of them, as sorting them all would give", () => {
    const stand = array(integer({ min: 0, max: 79 }), { maxLength: 30, size: "max" });
    check(
      property(array(host, { maxLength: 80, size: "max" }), most, stand, constantFrom(null, 0), (hosts, room, stood, bias) => {
        const cidrOf = (at: number) => blockOf(4, `c0a8${at.toString(16).padStart(4, "0")}`, 32);
        const sources = hosts.map(({ at, weight }) => ({ cidr: cidrOf(at), weight }));
        const standing = stood.flatMap((place) => sources[place]?.cidr ?? []);
        const request = { sources, rooms: [], isProtected: () => false, lengths: { ipv4: [32], ipv6: [] }, collateral: { kind: "none" as const }, standing };
        const choices = createChoices(createTrie(sources, 4), request);
        const forest = createForest(choices, { bias, price: 0, bounded: "free", most: room });
        const all = legalIn(choices);
        expect(all).toHaveLength(new Set(sources.map(({ cidr }) => cidrKey(cidr))).size);
        expect(forest.singles).toEqual(all.sort((a, b) => byWorth(forest, a, b)).slice(0, room));
      }),
      { numRuns: runs },
    );
  });

  it("least: the worth of the last that finds room, by heap or by sort", () => {
    let [heaps, sorts] = [0, 0];
    const values = array(integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 120, size: "max" });
    check(
      property(values, nat(30), most, (worths, before, room) => {
        // The singles are some of the choices, anywhere among them.
        const value = Float64Array.from([...Array.from({ length: before }, () => 100), ...worths]);
        const singles = Int32Array.from(worths, (_, at) => before + at);
        const inOrder = worths.toSorted((a, b) => b - a);
        expect(leastOf(singles, value, room)).toBe(room === 0 || room >= worths.length ? 0 : inOrder[room - 1]);
        if (room > 1 && room < worths.length) [heaps, sorts] = room * 8 <= worths.length ? [heaps + 1, sorts] : [heaps, sorts + 1];
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(heaps, sorts)).toBeGreaterThan(50);
  });
});
