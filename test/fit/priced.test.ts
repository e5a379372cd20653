// A price per prefix reaches what it can by its nature, the corners of the curve; and among equals as many as there is room for.
import { array, assert as check, constantFrom, integer, oneof, property, record, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { blockOf, type Cidr, cidrOf } from "../../shared/address/index.ts";
import type { Forest } from "../../shared/fit/forest.ts";
import { solveByPrice } from "../../shared/fit/priced.ts";
import { fits, roomOf } from "../../shared/fit/room.ts";
import { alike, crowded, families, forestsFor, frontAt, grown, inOrder, openRequest, prices, rooms, sumOver, unbounded, worth } from "./forests.ts";
import { block, type Instance } from "./support.ts";

const runs = Number(process.env.FIT_RUNS ?? 1_000);

/** The most value with at most 0, 1, 2, … prefixes. */
function curveOf(forest: Forest): number[] {
  const { triples } = frontAt(forest, forest.root, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  const most = Math.max(...triples.map(([count]) => count));
  const inForest = Array.from({ length: most + 1 }, (_, k) => Math.max(...triples.filter(([count]) => count <= k).map(([, , value]) => value)));
  const singles = [0];
  for (const choice of forest.singles) singles.push((singles.at(-1) ?? 0) + worth(forest, choice));
  return join(inForest, singles);
}

function join(a: readonly number[], b: readonly number[]): number[] {
  const best = Array.from({ length: a.length + b.length - 1 }, () => 0);
  a.forEach((x, i) => {
    b.forEach((y, j) => {
      best[i + j] = Math.max(best[i + j] ?? 0, x + y);
    });
  });
  return best;
}

/** The number of prefixes at the last corner of the curve's upper hull that is not beyond the limit: what some price reaches. */
function cornerOf(curve: readonly number[], limit: number): number {
  let corner = 0;
  const at = (k: number): number => curve[k] ?? 0;
  for (let from = 0; ; from = corner) {
    // The steepest way on; of equally steep ones the farthest.
    let next = from;
    for (let to = from + 1; to < curve.length; to += 1) {
      if (at(to) <= at(from)) continue;
      const isSteeper = next === from || (at(to) - at(from)) * (next - from) >= (at(next) - at(from)) * (to - from);
      if (isSteeper) next = to;
    }
    if (next === from || next > limit) return corner;
    corner = next;
  }
}

describe("a price per prefix", () => {
  it("rough: the corner of the curve before the limit, of each family or of both together, in no more prefixes than fit", () => {
    let cornered = 0;
    check(
      property(crowded, rooms, prices, (base, all, price) => {
        const room = roomOf(all);
        const forests = forestsFor(base, unbounded, { price });
        const chosen = solveByPrice(forests, room, "rough");
        expect(fits(room, chosen.ipv4.length, chosen.ipv6.length)).toBe(true);
        // Each family up to the corner before its own limit, and of both together the corner before theirs.
        const [four, six] = families.map((family) => {
          const curve = curveOf(forests[family]);
          return curve.slice(0, cornerOf(curve, room[family]) + 1);
        });
        const curve = join(four ?? [], six ?? []);
        const corner = cornerOf(curve, room.both);
        expect(sumOver(forests, chosen, worth)).toBe(curve[corner]);
        if (corner > 0 && corner < curve.length - 1) cornered += 1;
      }),
      { numRuns: runs },
    );
    expect(cornered).toBeGreaterThan(runs / 20);
  });

  it("whole: no less than the corner, no more than the best, and no prefix more would fit", () => {
    let [better, best] = [0, 0];
    check(
      property(
        oneof(
          tuple(crowded, rooms),
          alike.map((base) => [base, base.rooms] as const),
        ),
        prices,
        ([base, all], price) => {
          const room = roomOf(all);
          const forests = forestsFor(base, unbounded, { price });
          const rough = sumOver(forests, solveByPrice(forests, room, "rough"), worth);
          const chosen = solveByPrice(forests, room, "whole");
          const value = sumOver(forests, chosen, worth);
          expect(fits(room, chosen.ipv4.length, chosen.ipv6.length)).toBe(true);
          expect(value).toBeGreaterThanOrEqual(rough);
          const [four, six] = [curveOf(forests.ipv4), curveOf(forests.ipv6)];
          const possible = join(four.slice(0, room.ipv4 + 1), six.slice(0, room.ipv6 + 1)).slice(0, room.both + 1);
          expect(value).toBeLessThanOrEqual(Math.max(...possible));
          expect(grown(forests, base, chosen, room)).toEqual(inOrder(chosen));
          if (value > rough) better += 1;
          if (value > rough && value === Math.max(...possible)) best += 1;
        },
      ),
      { numRuns: runs },
    );
    // Where a price alone leaves room, what is done with it is mostly the best there is.
    expect({ better: better > runs / 50, best: best > better * 0.8 }).toEqual({ better: true, best: true });
  });

  it("whole: of several parts alike, as many go on to the next corner as find room, though one price decides for all", () => {
    let [between, packed] = [0, 0];
    const one = array(record({ cidr: block(4), weight: integer({ min: 1, max: 6 }) }), { minLength: 2, maxLength: 8 });
    check(
      property(one, integer({ min: 2, max: 4 }), integer({ min: 1, max: 20 }), constantFrom(0.5, 1, 2), (sources, copies, most, price) => {
        const request = alone(sources, copies);
        const forests = forestsFor(request, unbounded, { price });
        const curve = curveOf(forestsFor(alone(sources, 1), unbounded, { price }).ipv4);
        const room = roomOf([{ families: [4], limit: most }]);
        const before = cornerOf(curve, most / copies);
        const after = curve.findIndex((_, k) => k > before && cornerOf(curve, k) === k);
        const value = sumOver(forests, solveByPrice(forests, room, "whole"), worth);
        const at = (k: number): number => curve[k] ?? 0;
        const [step, left] = [after - before, most - copies * before];
        if (after === -1 || step > left) return;
        const slope = (at(after) - at(before)) / step;
        // Parts of one corner may be of several sizes, so less than one corner's room may stay empty; it seldom does.
        expect(value).toBeGreaterThanOrEqual(copies * at(before) + (left - step + 1) * slope - 1e-9);
        // One more prefix that replaces none is filled up anyway.
        if (before === 0 || step === 1) return;
        between += 1;
        if (value >= copies * at(before) + Math.floor(left / step) * (at(after) - at(before))) packed += 1;
      }),
      { numRuns: runs },
    );
    expect({ between: between > runs / 50, packed: packed > between * 0.97 }).toEqual({ between: true, packed: true });
  });

  /** Hosts of the same weight; what a wider block counts is less by its bystanders, one by one. */
  const worthAt = (blocks: readonly string[], lengths: Instance["lengths"], all: Parameters<typeof roomOf>[0]): number => {
    const request = openRequest(
      blocks.map((text) => ({ cidr: cidrOf(text), weight: 5 })),
      { lengths },
    );
    const forests = forestsFor(request, unbounded, { price: 1 });
    return sumOver(forests, solveByPrice(forests, roomOf(all), "whole"), worth);
  };

  it("whole: of parts worth the same per prefix, the larger one first", () => {
    // Six hosts as one /28 with 10 bystanders, two as one /30 with 2: either way each prefix more saves two.
    const six = [0, 3, 4, 7, 9, 14].map((at) => `203.0.113.${at}/32`);
    const two = ["203.0.114.0/32", "203.0.114.3/32"];
    const reached = [2, 3, 7, 8].map((limit) => worthAt([...six, ...two], { ipv4: [28, 30, 32], ipv6: [] }, [{ families: [4], limit }]));
    expect(reached).toEqual([28, 30, 38, 40]);
  });

  it("whole: what is worth most per prefix first, in room of each family and of both", () => {
    // Two pairs of IPv4, of which each prefix more saves two bystanders; two blocks of three of IPv6, of which two more save one.
    const four = ["203.0.113.0/32", "203.0.113.3/32", "203.0.114.0/32", "203.0.114.3/32"];
    const six = [0, 1, 2, 8, 9, 10].map((at) => `2001:db8:0:${at.toString(16)}::/64`);
    const reached = (ipv4: number, ipv6: number, both: number): number => {
      const all = [
        { families: [4] as const, limit: ipv4 },
        { families: [6] as const, limit: ipv6 },
        { families: [4, 6] as const, limit: both },
      ];
      return worthAt([...four, ...six], { ipv4: [30, 32], ipv6: [62, 64] }, all);
    };
    expect(reached(2, 2, 20)).toBe(44);
    expect(reached(3, 5, 6)).toBe(46);
    expect(reached(2, 5, 20)).toBe(45);
    expect(reached(3, 2, 20)).toBe(46);
    expect(reached(3, 5, 20)).toBe(47);
  });
});

/** The same sources so many times, each time in a part of the address space of its own. */
function alone(sources: readonly { readonly cidr: Cidr; readonly weight: number }[], copies: number): Instance {
  const all = Array.from({ length: copies }, (_, copy) =>
    sources.map(({ cidr, weight }) => ({ cidr: blockOf(4, `cb00${(copy + 1).toString(16).padStart(2, "0")}${cidr.first.slice(6)}`, cidr.length), weight })),
  );
  return openRequest(all.flat(), { lengths: { ipv4: { min: 28, max: 32 }, ipv6: [] } });
}
