// The exact method by tables, against the best there is by the definition, with what stands and with prices; and how many steps it takes.
import { array, assert as check, integer, property } from "fast-check";
import { expect, it } from "vitest";
import { solveExactly, stepsOf } from "../../shared/fit/exact.ts";
import type { Forest } from "../../shared/fit/forest.ts";
import { fits, roomOf } from "../../shared/fit/room.ts";
import { forestsFor, frontAt, rooms, sumOver, type Triple, unbounded, valued, worth } from "./forests.ts";

const runs = Number(process.env.FIT_RUNS ?? 1_000);
const endless = Number.POSITIVE_INFINITY;

/** All that a family can give: so many prefixes, so much value. */
function triplesOf(forest: Forest): Triple[] {
  const { triples } = frontAt(forest, forest.root, endless, endless);
  let sum = 0;
  const singles = [0, ...forest.singles.map((choice) => (sum += worth(forest, choice)))];
  return triples.flatMap(([count, , value]) => singles.map((more, at): Triple => [count + at, 0, value + more]));
}

it("tables: the best value with the fewest prefixes, however the families share the room", () => {
  let [tight, onlyChildren] = [0, 0];
  check(
    property(valued, rooms, ({ request, price, bias }, all) => {
      const room = roomOf(all);
      const forests = forestsFor(request, unbounded, { price, bias });
      const chosen = solveExactly(forests, room);
      const { left, right, size } = forests.ipv4;
      for (let at = 0; at < size; at += 1) if ((left[at] === -1) !== (right[at] === -1)) onlyChildren += 1;
      expect(fits(room, chosen.ipv4.length, chosen.ipv6.length)).toBe(true);
      let best = { value: 0, count: 0 };
      const six = triplesOf(forests.ipv6);
      for (const [four, , a] of triplesOf(forests.ipv4)) {
        for (const [more, , b] of six) {
          const one = { value: a + b, count: four + more };
          if (fits(room, four, more) && (one.value > best.value || (one.value === best.value && one.count < best.count))) best = one;
        }
      }
      expect({ value: sumOver(forests, chosen, worth), count: sumOver(forests, chosen, () => 1) }).toEqual(best);
      if (best.count > 1 && best.count === Math.min(room.both, room.ipv4 + room.ipv6)) tight += 1;
    }),
    { numRuns: runs },
  );
  expect({ tight: tight > runs / 10, onlyChildren: onlyChildren > runs / 10 }).toEqual({ tight: true, onlyChildren: true });
});

/** The most prefixes at and below a member. */
function leavesOf({ left, right }: Forest, at: number): number {
  if (at === -1) return 0;
  const forest = { left, right } as Forest;
  return Math.max(1, leavesOf(forest, left[at] ?? -1) + leavesOf(forest, right[at] ?? -1));
}

it("steps: at each fork as many as its two tables have pairs, none longer than the room or what is below", () => {
  let forks = 0;
  check(
    property(valued, array(integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 3 }), ({ request, price, bias }, caps) => {
      const forest = forestsFor(request, unbounded, { price, bias }).ipv4;
      for (const cap of caps) {
        let steps = 0;
        for (let at = 0; at < forest.size; at += 1) {
          const [left = -1, right = -1] = [forest.left[at], forest.right[at]];
          if (left === -1 || right === -1) continue;
          steps += (Math.min(cap, leavesOf(forest, left)) + 1) * (Math.min(cap, leavesOf(forest, right)) + 1);
          forks += 1;
        }
        expect(stepsOf(forest, cap)).toBe(steps);
      }
    }),
    { numRuns: runs },
  );
  expect(forks).toBeGreaterThan(runs);
});
