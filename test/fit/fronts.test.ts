// The exact method under a bound on bystanders, against fronts by their definition: the same answer for just the steps they take.
import { assert as check, integer, property } from "fast-check";
import { expect, it } from "vitest";
import type { Pair } from "../../shared/fit/exact.ts";
import type { Forest } from "../../shared/fit/forest.ts";
import { solveByFronts } from "../../shared/fit/fronts.ts";
import { type Room, roomOf } from "../../shared/fit/room.ts";
import { forestsFor, frontAt, rooms, sumOver, valued, worth } from "./forests.ts";

const runs = Number(process.env.FIT_RUNS ?? 1_000);

/** Every way to share the rest of the room among the singles; they are all worth something. */
function singlesOf({ ipv4, ipv6 }: Pair<Forest>, room: Room, four: number, six: number): { readonly value: number; readonly count: number } {
  const sum = (forest: Forest, count: number): number => forest.singles.slice(0, count).reduce((all, choice) => all + worth(forest, choice), 0);
  let best = { value: 0, count: 0 };
  for (let a = 0; a <= ipv4.singles.length && four + a <= room.ipv4; a += 1) {
    for (let b = 0; b <= ipv6.singles.length && six + b <= room.ipv6 && four + a + six + b <= room.both; b += 1) {
      const value = sum(ipv4, a) + sum(ipv6, b);
      if (value > best.value) best = { value, count: a + b };
    }
  }
  return best;
}

function bestOf(forests: Pair<Forest>, room: Room, units: number): { readonly value: number; readonly count: number; readonly steps: number } {
  const [four, six] = [
    frontAt(forests.ipv4, forests.ipv4.root, Math.min(room.ipv4, room.both), units),
    frontAt(forests.ipv6, forests.ipv6.root, Math.min(room.ipv6, room.both), units),
  ];
  let best = { value: 0, count: 0 };
  for (const a of four.triples) {
    for (const b of six.triples) {
      if (a[0] + b[0] > room.both || a[1] + b[1] > units) continue;
      const rest = singlesOf(forests, room, a[0], b[0]);
      const [value, count] = [a[2] + b[2] + rest.value, a[0] + b[0] + rest.count];
      if (value > best.value || (value === best.value && count < best.count)) best = { value, count };
    }
  }
  return { ...best, steps: four.steps + six.steps + four.triples.length * six.triples.length };
}

it("fronts: the best value with the fewest prefixes, in just as many steps as pairs are joined, and none with one less", () => {
  let long = 0;
  check(
    property(valued, rooms, integer({ min: 0, max: 12 }), ({ request: base, bias }, all, units) => {
      const room = roomOf(all);
      const forests = forestsFor({ ...base, collateral: { kind: "max", units } }, room, { bounded: "bounded", bias });
      const best = bestOf(forests, room, units);
      expect(solveByFronts(forests, room, units, best.steps - 1)).toBeNull();
      const chosen = solveByFronts(forests, room, units, best.steps) ?? { ipv4: [], ipv6: [] };
      expect({ value: sumOver(forests, chosen, worth), count: sumOver(forests, chosen, () => 1) }).toEqual({ value: best.value, count: best.count });
      expect(sumOver(forests, chosen, ({ choices }, choice) => choices.collateral[choice] ?? 0)).toBeLessThanOrEqual(units);
      if (best.steps > 20) long += 1;
    }),
    { numRuns: runs },
  );
  expect(long).toBeGreaterThan(runs / 20);
});
