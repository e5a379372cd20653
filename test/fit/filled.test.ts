// What is filled up is what greed by hand takes, and what is free is what overlaps nothing.
import { array, assert as check, constantFrom, integer, oneof, property, shuffledSubarray, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { type Cidr, contains, overlaps } from "../../shared/address/index.ts";
import { blockOfChoice } from "../../shared/fit/forest.ts";
import { fillUp, Taken } from "../../shared/fit/priced.ts";
import { roomOf } from "../../shared/fit/room.ts";
import { alike, crowded, forestsFor, grown, nowhere, prices, rooms } from "./forests.ts";

const runs = Number(process.env.FIT_RUNS ?? 1_000);

describe("what is empty", () => {
  it("filled: with what greed by hand takes, as far as room and bystanders go", () => {
    let filled = 0;
    const units = constantFrom(0, 1, 3, 6, Number.POSITIVE_INFINITY);
    const cases = tuple(oneof(crowded, alike), prices).chain(([base, price]) => {
      const forests = forestsFor(base, nowhere, { bounded: "bounded", price });
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

  it("taken: free is what overlaps nothing that is there, and around a choice are those whose blocks hold it", () => {
    check(
      property(crowded, array(integer({ min: 0, max: 40 }), { maxLength: 6 }), array(integer({ min: 0, max: 40 }), { maxLength: 12 }), (base, some, more) => {
        const forest = forestsFor(base, nowhere, {}).ipv4;
        const { choices } = forest;
        const all = Array.from({ length: choices.size }, (_, at) => at).filter((at) => choices.legal[at] === 1);
        const cidrOf = (at: number): Cidr => blockOfChoice(choices, base.sources, at);
        const there: number[] = [];
        const isApart = (choice: number): boolean => there.every((other) => !overlaps(cidrOf(other), cidrOf(choice)));
        const pick = (at: number): number | undefined => all[at % Math.max(1, all.length)];
        for (const choice of some.map(pick)) if (choice !== undefined && isApart(choice)) there.push(choice);
        const taken = new Taken(forest, new Set(there));
        for (const choice of more.map(pick)) {
          if (choice === undefined) continue;
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
