// What is filled up is what greed by hand takes, and what is free is what overlaps nothing.
import { array, assert as check, constantFrom, integer, oneof, property, shuffledSubarray, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { type Cidr, contains, overlaps } from "../../shared/address/index.ts";
import { blockOfChoice } from "../../shared/fit/forest.ts";
import { fillUp, Taken } from "../../shared/fit/priced.ts";
import { roomOf } from "../../shared/fit/room.ts";
import { alike, apartOf, crowded, forestsFor, grown, inOrder, itemsIn, legalIn, prices, rooms, unbounded } from "./forests.ts";

const runs = Number(process.env.FIT_RUNS ?? 1_000);

describe("what is empty", () => {
  it("filled: with what greed by hand takes, as far as room and bystanders go", () => {
    let filled = 0;
    const units = constantFrom(0, 1, 3, 6, Number.POSITIVE_INFINITY);
    const cases = tuple(oneof(crowded, alike), prices).chain(([base, price]) => {
      const forests = forestsFor(base, unbounded, { bounded: "bounded", price });
      return shuffledSubarray(itemsIn(forests.ipv4)).map((four) => ({ base, forests, four }));
    });
    check(
      property(cases, rooms, units, ({ base, forests, four }, all, most) => {
        const room = roomOf(all);
        // Some of the first family is there, all of it apart.
        const there = apartOf(forests.ipv4.choices, base, four.slice(0, Math.min(2, room.ipv4, room.both)));
        const before = { ipv4: there, ipv6: [] };
        const chosen = { ipv4: new Set(there), ipv6: new Set<number>() };
        let left = most;
        fillUp(forests, chosen, room, (cost) => {
          if (cost > left) return false;
          left -= cost;
          return true;
        });
        expect(inOrder(chosen)).toEqual(grown(forests, base, before, room, most));
        if (chosen.ipv4.size + chosen.ipv6.size > there.length) filled += 1;
      }),
      { numRuns: runs },
    );
    expect(filled).toBeGreaterThan(runs / 10);
  });

  it("taken: free is what overlaps nothing that is there, and around a choice are those whose blocks hold it", () => {
    check(
      property(crowded, array(integer({ min: 0, max: 40 }), { maxLength: 6 }), array(integer({ min: 0, max: 40 }), { maxLength: 12 }), (base, some, more) => {
        const forest = forestsFor(base, unbounded, {}).ipv4;
        const { choices } = forest;
        const all = legalIn(choices);
        const cidrOf = (at: number): Cidr => blockOfChoice(choices, base.sources, at);
        const pick = (at: number): readonly number[] => all.slice(at % Math.max(1, all.length)).slice(0, 1);
        const there = apartOf(choices, base, some.flatMap(pick));
        const isApart = (choice: number): boolean => there.every((other) => !overlaps(cidrOf(other), cidrOf(choice)));
        const taken = new Taken(forest, new Set(there));
        for (const choice of more.flatMap(pick)) {
          expect(taken.isFree(choice)).toBe(isApart(choice));
          const around = taken.around(choice).filter((at) => all.includes(at));
          expect(around).toEqual(all.filter((at) => at !== choice && contains(cidrOf(at), cidrOf(choice))));
          if (!isApart(choice)) continue;
          taken.take(choice);
          there.push(choice);
        }
      }),
      { numRuns: runs },
    );
  });
});
