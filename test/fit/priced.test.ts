// A price per prefix reaches what it can by its nature, the corners of the curve; what is filled up is what greed by hand takes.
import { assert as check, constantFrom, oneof, property, shuffledSubarray, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { type Cidr, compareCidrs, contains, overlaps } from "../../shared/address/index.ts";
import type { Pair } from "../../shared/fit/exact.ts";
import { blockOfChoice, type Forest } from "../../shared/fit/forest.ts";
import { fillUp, solveByPrice } from "../../shared/fit/priced.ts";
import { fits, roomOf } from "../../shared/fit/room.ts";
import { alike, crowded, families, forestsFor, frontAt, prices, rooms, sumOver, worth } from "./forests.ts";
import type { Instance } from "./support.ts";

const runs = Number(process.env.FIT_RUNS ?? 1_000);
const nowhere = { ipv4: Number.POSITIVE_INFINITY, ipv6: Number.POSITIVE_INFINITY, both: Number.POSITIVE_INFINITY };

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
        const forests = forestsFor(base, nowhere, { price });
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
          const forests = forestsFor(base, nowhere, { price });
          const rough = sumOver(forests, solveByPrice(forests, room, "rough"), worth);
          const chosen = solveByPrice(forests, room, "whole");
          const value = sumOver(forests, chosen, worth);
          expect(fits(room, chosen.ipv4.length, chosen.ipv6.length)).toBe(true);
          expect(value).toBeGreaterThanOrEqual(rough);
          const [four, six] = [curveOf(forests.ipv4), curveOf(forests.ipv6)];
          const possible = join(four.slice(0, room.ipv4 + 1), six.slice(0, room.ipv6 + 1)).slice(0, room.both + 1);
          expect(value).toBeLessThanOrEqual(Math.max(...possible));
          expect(grown(forests, base, chosen, room)).toEqual({ ipv4: [...chosen.ipv4].sort(), ipv6: [...chosen.ipv6].sort() });
          if (value > rough) better += 1;
          if (value > rough && value === Math.max(...possible)) best += 1;
        },
      ),
      { numRuns: runs },
    );
    // Where a price alone leaves room, what is done with it is mostly the best there is.
    expect({ better: better > runs / 50, best: best > better * 0.8 }).toEqual({ better: true, best: true });
  });
});

/** By hand: what is worth most, lies apart from what is there, and fits, until nothing does. */
function grown(
  forests: Pair<Forest>,
  { sources }: Instance,
  before: Pair<readonly number[]>,
  room: typeof nowhere,
  units = Number.POSITIVE_INFINITY,
): Pair<number[]> {
  const there = { ipv4: new Set(before.ipv4), ipv6: new Set(before.ipv6) };
  const cidrOf = (family: "ipv4" | "ipv6", choice: number): Cidr => blockOfChoice(forests[family].choices, sources, choice);
  const all = families.flatMap((family) => {
    const { item, size, singles } = forests[family];
    const choices = [...item.subarray(0, size), ...singles].filter((choice) => choice !== -1);
    return choices.map((choice) => {
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
  return { ipv4: [...there.ipv4].sort(), ipv6: [...there.ipv6].sort() };
}

describe("what is empty", () => {
  it("filled: with what greed by hand takes, as far as room and bystanders go", () => {
    let filled = 0;
    const units = constantFrom(0, 1, 3, 6, Number.POSITIVE_INFINITY);
    const cases = crowded.chain((base) => {
      const forests = forestsFor(base, nowhere, { bounded: "bounded" });
      const { item, size } = forests.ipv4;
      return shuffledSubarray([...item.subarray(0, size)].filter((choice) => choice !== -1)).map((four) => ({ base, forests, four }));
    });
    check(
      property(cases, rooms, units, ({ base, forests, four }, all, most) => {
        const room = roomOf(all);
        // Some of the first family is there, all of it apart.
        const there: number[] = [];
        for (const choice of four.slice(0, Math.min(2, room.ipv4, room.both))) {
          const cidr = blockOfChoice(forests.ipv4.choices, base.sources, choice);
          if (there.every((other) => !overlaps(blockOfChoice(forests.ipv4.choices, base.sources, other), cidr))) there.push(choice);
        }
        const before = { ipv4: there, ipv6: [] };
        const chosen = { ipv4: new Set(there), ipv6: new Set<number>() };
        let left = most;
        fillUp(forests, chosen, room, (cost) => {
          if (cost > left) return false;
          left -= cost;
          return true;
        });
        expect({ ipv4: [...chosen.ipv4].sort(), ipv6: [...chosen.ipv6].sort() }).toEqual(grown(forests, base, before, room, most));
        if (chosen.ipv4.size + chosen.ipv6.size > there.length) filled += 1;
      }),
      { numRuns: runs },
    );
    expect(filled).toBeGreaterThan(runs / 10);
  });
});
