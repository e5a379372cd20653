// A bound on bystanders, near the best: the price that meets it, the widening that spends what is left, and when the exact method is asked.
import { array, assert as check, constantFrom, integer, nat, oneof, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { type Cidr, contains, overlaps } from "../../shared/address/index.ts";
import { forestsOf, type Solution, solveAtBound, solveFreely, solveWithin } from "../../shared/fit/budget.ts";
import { stepsOf } from "../../shared/fit/exact.ts";
import { blockOfChoice, type Forest } from "../../shared/fit/forest.ts";
import { solveByFronts } from "../../shared/fit/fronts.ts";
import { fit as choose } from "../../shared/fit/index.ts";
import { fits, roomOf } from "../../shared/fit/room.ts";
import { widen } from "../../shared/fit/widen.ts";
import { limits } from "../../shared/limits.ts";
import { alike, apartOf, byWorth, choicesFor, families, forestsFor, grown, inOrder, itemsIn, rooms, sumOver, unbounded, valued, worth } from "./forests.ts";
import { cornerBlock, type Instance } from "./support.ts";

const runs = Number(process.env.FIT_RUNS ?? 1_000);
const units = integer({ min: 0, max: 16 });

describe("without a bound", () => {
  it("exact: as long as the tables, or sources times prefixes, take no more steps than told", () => {
    const found = { exact: 0, price: 0 };
    check(
      property(valued, rooms, ({ request, price, bias }, all) => {
        const room = roomOf(all);
        const forests = forestsFor(request, room, { price, bias });
        const cap = { ipv4: Math.min(room.ipv4, room.both), ipv6: Math.min(room.ipv6, room.both) };
        const tables = families.reduce((sum, family) => sum + stepsOf(forests[family], cap[family]), 0);
        const places = families.reduce((sum, family) => {
          const own = request.sources.filter(({ cidr }) => cidr.family === (family === "ipv4" ? 4 : 6));
          return sum + own.length * Math.min(cap[family], forests[family].size);
        }, 0);
        const steps = Math.min(tables, places);
        expect(solveFreely(forests, room, steps).method).toBe("exact");
        expect(solveFreely(forests, room, steps - 1).method).toBe("price");
        found[steps > 0 ? "exact" : "price"] += 1;
      }),
      { numRuns: runs },
    );
    expect(Math.min(found.exact, found.price)).toBeGreaterThan(runs / 20);
  });
});

describe("within a bound", () => {
  const dense = alike.map((request) => ({ request, bias: null }));
  const spentOf = (forests: ReturnType<typeof forestsFor>, { chosen }: Pick<Solution, "chosen">): number =>
    sumOver(forests, chosen, ({ choices }, choice) => choices.collateral[choice] ?? 0);

  it("price: no less than at any price of a bystander that keeps the bound, and never over it", () => {
    // No price at which two choices are worth the same: there one of them may be had that no search for a price finds.
    const prices = [0, ...Array.from({ length: 24 }, (_, at) => (Math.PI / 3) * 2 ** ((at - 16) / 2)), Number.MAX_VALUE];
    let [bound, free] = [0, 0];
    check(
      property(valued, rooms, units, constantFrom(1, 1e6), ({ request: base, bias }, all, most, factor) => {
        const room = roomOf(all);
        // One that outweighs the rest a million times hides none of it.
        const request = { ...base, sources: base.sources.map(({ cidr, weight }, at) => ({ cidr, weight: at === 0 ? weight * factor : weight })) };
        const choices = choicesFor(request);
        const plain = forestsOf(choices, room, { bias, price: 0, bounded: "bounded" });
        const stepsMax = Number.POSITIVE_INFINITY;
        const solutionAt = (price: number): Solution => solveFreely(forestsOf(choices, room, { bias, price, bounded: "free" }), room, stepsMax);
        const result = solveAtBound({ choices, room, units: most, bias, stepsMax }, plain);
        const kept = prices.map(solutionAt).filter((one) => spentOf(plain, one) <= most);
        const values = kept.map((one) => sumOver(plain, one.chosen, worth));
        expect(spentOf(plain, result)).toBeLessThanOrEqual(most);
        expect(sumOver(plain, result.chosen, worth)).toBeGreaterThanOrEqual(Math.max(0, ...values) - 1e-3);
        // Where the bound does not bind, the answer is the best there is.
        expect(result.method).toBe(kept.length === prices.length ? "exact" : "price");
        if (result.method === "exact") free += 1;
        else if (values.some((value) => value > (values.at(-1) ?? 0))) bound += 1;
      }),
      { numRuns: runs },
    );
    expect({ bound: bound > runs / 50, free: free > runs / 10 }).toEqual({ bound: true, free: true });
  });

  it("exact: by fronts in the search's share of the steps, else where the bound does not bind", () => {
    const found = { exact: 0, price: 0 };
    check(
      property(valued, rooms, units, nat(60), ({ request, bias }, all, bound, steps) => {
        const room = roomOf(all);
        const choices = choicesFor(request);
        const plain = forestsOf(choices, room, { bias, price: 0, bounded: "bounded" });
        const budget = { choices, room, units: bound, bias, stepsMax: steps * limits.fitSearchShare };
        const fronts = solveByFronts(plain, room, bound, steps);
        const { chosen, method } = solveWithin(budget);
        if (fronts !== null) expect({ chosen, method }).toEqual({ chosen: fronts, method: "exact" });
        else expect(method).toBe(solveAtBound(budget, plain).method);
        found[fronts === null ? "price" : "exact"] += 1;
      }),
      { numRuns: runs },
    );
    expect(Math.min(found.exact, found.price)).toBeGreaterThan(runs / 50);
  });

  it("near: never over the bound, in room and apart, no less than without a bound where that keeps it, and nothing more could be added", () => {
    check(
      property(oneof(valued, dense), rooms, units, ({ request: base, bias }, all, bound) => {
        const room = roomOf(all);
        const request: Instance = { ...base, collateral: { kind: "max", units: bound } };
        const choices = choicesFor(request);
        const plain = forestsOf(choices, room, { bias, price: 0, bounded: "bounded" });
        const budget = { choices, room, units: bound, bias, stepsMax: 0 };
        const result = solveWithin(budget);
        const left = bound - spentOf(plain, result);
        expect(left).toBeGreaterThanOrEqual(0);
        expect(fits(room, result.chosen.ipv4.length, result.chosen.ipv6.length)).toBe(true);
        for (const family of families) {
          const cidrs = result.chosen[family].map((choice) => blockOfChoice(choices[family], request.sources, choice));
          for (const [at, cidr] of cidrs.entries()) expect(cidrs.slice(at + 1).filter((other) => overlaps(cidr, other))).toEqual([]);
        }
        const found = solveAtBound(budget, plain);
        expect(result.method).toBe(found.method);
        expect(sumOver(plain, result.chosen, worth)).toBeGreaterThanOrEqual(sumOver(plain, found.chosen, worth) - 1e-9);
        if (result.method === "exact") return;
        expect(grown(plain, request, result.chosen, room, left)).toEqual(inOrder(result.chosen));
      }),
      { numRuns: runs },
    );
  });

  it("near: of two parts alike, which a price takes both or neither, the bound still pays for one", () => {
    const sources = [
      { cidr: cornerBlock(4, 32, 0), weight: 2 },
      { cidr: cornerBlock(4, 32, 3), weight: 1 },
      { cidr: cornerBlock(4, 32, 8), weight: 2 },
      { cidr: cornerBlock(4, 32, 11), weight: 1 },
    ];
    const near = (units: number, limit = 2) =>
      choose({
        sources,
        rooms: [{ families: [4], limit }],
        isProtected: () => false,
        lengths: { ipv4: { min: 28, max: 32 }, ipv6: [] },
        collateral: { kind: "max", units },
        stepsMax: 0,
      });
    expect([0, 1, 2, 3, 4].map((units) => [near(units).value, near(units).collateral])).toEqual([
      [4, 0],
      [4, 0],
      [5, 2],
      [5, 2],
      [6, 4],
    ]);
  });

  it("near: a wider block makes room, which is filled up without a bystander more", () => {
    // Two parts alike, of three hosts each; with one of them whole, the third host of the other finds room.
    const sources = [0, 3, 5, 8, 11, 13].map((at) => ({ cidr: cornerBlock(4, 32, at), weight: at % 8 === 5 ? 1 : 3 }));
    const near = (units: number) =>
      choose({
        sources,
        rooms: [{ families: [4], limit: 4 }],
        isProtected: () => false,
        lengths: { ipv4: [29, 32], ipv6: [] },
        collateral: { kind: "max", units },
        stepsMax: 0,
      });
    expect([4, 5, 6].map((units) => [near(units).value, near(units).collateral])).toEqual([
      [12, 0],
      [14, 5],
      [14, 5],
    ]);
  });
});

/** By hand: the wider block with the most value per bystander, where it takes the place of some that are there, and no place twice. */
function widened(forest: Forest, { sources }: Instance, before: readonly number[], left: number): { readonly chosen: number[]; readonly left: number } {
  const { choices } = forest;
  const cidrOf = (choice: number): Cidr => blockOfChoice(choices, sources, choice);
  const swaps = itemsIn(forest).flatMap((choice) => {
    const replaced = before.filter((one) => one !== choice && contains(cidrOf(choice), cidrOf(one)));
    const sumOf = (of: (one: number) => number): number => replaced.reduce((sum, one) => sum + of(one), 0);
    const gain = worth(forest, choice) - sumOf((one) => worth(forest, one));
    const cost = (choices.collateral[choice] ?? 0) - sumOf((one) => choices.collateral[one] ?? 0);
    return replaced.length > 0 && gain > 0 ? [{ choice, cidr: cidrOf(choice), replaced, gain, cost, rate: gain / Math.max(cost, Number.MIN_VALUE) }] : [];
  });
  const chosen = new Set(before);
  const touched: Cidr[] = [];
  let rest = left;
  for (const { choice, cidr, replaced, cost } of swaps.sort((a, b) => b.rate - a.rate || byWorth(forest, a.choice, b.choice))) {
    if (cost > rest || touched.some((one) => overlaps(one, cidr))) continue;
    for (const one of replaced) chosen.delete(one);
    chosen.add(choice);
    touched.push(cidr);
    rest -= cost;
  }
  return { chosen: [...chosen].sort(), left: rest };
}

describe("what is left of a bound", () => {
  it("widened: what is chosen gives place to wider blocks, most value per bystander first, as by hand", () => {
    let done = 0;
    check(
      property(valued, array(nat(40), { maxLength: 8 }), units, constantFrom(0, 1), ({ request, price, bias }, some, bound, priced) => {
        const forest = forestsFor(request, unbounded, { bounded: "bounded", bias, price: price * priced }).ipv4;
        const items = itemsIn(forest);
        const there = apartOf(
          forest.choices,
          request,
          some.flatMap((at) => items[at % Math.max(1, items.length)] ?? []),
        );
        const chosen = new Set(there);
        const left = widen(forest, chosen, bound);
        expect({ chosen: [...chosen].sort(), left }).toEqual(widened(forest, request, there, bound));
        if ([...chosen].some((choice) => !there.includes(choice))) done += 1;
      }),
      { numRuns: runs },
    );
    expect(done).toBeGreaterThan(runs / 10);
  });
});
