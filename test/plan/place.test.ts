// Who gets room first, and how room fills up: the heaviest, where what stands counts twice, then what stands, then the oldest, then by address.
import { assert as check, constantFrom, integer, property, record, shuffledSubarray, uniqueArray } from "fast-check";
import { describe, expect, test } from "vitest";
import { compareCidrs } from "../../shared/address/index.ts";
import { byClaim, placeNeeds, Room } from "../../shared/plan/place.ts";
import { entry, namesOf, need, poolsOf } from "./kit.ts";
import { many } from "./scene.ts";

const noneStand: ReadonlySet<string> = new Set();

describe("claims", () => {
  test.each<[string, readonly ReturnType<typeof need>[], readonly number[], readonly number[]]>([
    ["the heavier", [need(1, { weight: 2 }), need(2, { weight: 3 })], [], [2, 1]],
    ["the heavier, although it is younger and has the higher address", [need(1, { at: 1 }), need(2, { at: 5, weight: 3 })], [], [2, 1]],
    ["what stands, up to twice its weight", [need(1, { weight: 5 }), need(2, { weight: 3 })], [2], [2, 1]],
    ["what is more than twice as heavy as what stands", [need(1, { weight: 3 }), need(2, { weight: 7 })], [1], [2, 1]],
    ["of exactly twice the weight, what stands", [need(1, { weight: 6 }), need(2, { weight: 3, at: 9 })], [2], [2, 1]],
    ["of equals, the older", [need(1, { at: 5 }), need(2, { at: 3 })], [], [2, 1]],
    ["of equals of one age, the lower address", [need(7), need(4), need(9)], [], [4, 7, 9]],
    ["of what stands, the heavier", [need(1, { weight: 2 }), need(2, { weight: 3 })], [1, 2], [2, 1]],
  ])("first: %s", (_what, needs, standing, order) => {
    const keys = new Set(standing.map((number) => need(number).key));
    expect(namesOf(byClaim(needs, keys))).toEqual(order);
    expect(namesOf(byClaim(needs.toReversed(), keys))).toEqual(order);
  });

  test("law: a total order, whatever the order of the input, and each is at its rightful place", () => {
    const hosts = uniqueArray(integer({ min: 0, max: 40 }), { minLength: 2, maxLength: 12 });
    const claims = hosts.chain((numbers) =>
      record({
        needs: shuffledSubarray(numbers, { minLength: numbers.length }),
        weights: uniqueArray(constantFrom(1, 2, 3, 4, 6, 8), { minLength: 3 }),
        standing: shuffledSubarray(numbers),
      }),
    );
    check(
      property(claims, ({ needs, weights, standing }) => {
        const made = needs.map((number) => need(number, { weight: weights[number % weights.length] ?? 1, at: number % 3 }));
        const keys = new Set(standing.map((number) => need(number).key));
        const order = byClaim(made, keys);
        expect(
          namesOf(
            byClaim(
              made.toSorted((a, b) => compareCidrs(a.cidr, b.cidr)),
              keys,
            ),
          ),
        ).toEqual(namesOf(order));
        for (const [at, one] of order.entries()) {
          const next = order[at + 1];
          if (next === undefined) continue;
          const claim = (of: typeof one) => of.weight * (keys.has(of.key) ? 2 : 1);
          expect(claim(one)).toBeGreaterThanOrEqual(claim(next));
          if (claim(one) === claim(next) && keys.has(one.key) === keys.has(next.key)) expect(one.at).toBeLessThanOrEqual(next.at);
        }
      }),
      many,
    );
  });
});

describe("room", () => {
  test("place: as long as there is room in the family, the rest is shed in the same order", () => {
    const needs = [need(1), need(2, { weight: 4 }), need("2001:db8::/64", { weight: 3 }), need(3, { weight: 2 }), need("2001:db8:1::/64")];
    const { placed, shed } = placeNeeds(needs, noneStand, new Room(poolsOf(2, 1), null, []));
    expect([namesOf(placed), namesOf(shed)]).toEqual([
      [2, "2001:db8::/64", 3],
      [1, "2001:db8:1::/64"],
    ]);
  });

  test("place: what stands takes room of its own family, and of what the operator allows of both", () => {
    const room = new Room(poolsOf(2, 2), 3, [entry(1), entry("2001:db8::/64")]);
    expect([room.has(4), room.has(6)]).toEqual([true, true]);
    room.take(4);
    expect([room.has(4), room.has(6)]).toEqual([false, false]);
    room.give(4);
    room.take(6);
    expect([room.has(4), room.has(6)]).toEqual([false, false]);
    room.give(6);
    expect([room.has(4), room.has(6)]).toEqual([true, true]);
  });

  test("excess: by how much a family stands beyond the narrowest of its own pools; of another's pool nothing counts", () => {
    const room = new Room(
      poolsOf(3, 1),
      null,
      [1, 2, 3, 4, 5].map((number) => entry(number)),
    );
    expect([room.excess(4), room.excess(6)]).toEqual([2, 0]);
    expect(
      new Room(
        poolsOf(9, 9),
        3,
        [1, 2, 3, 4].map((number) => entry(number)),
      ).excess(6),
    ).toBe(1);
    expect(new Room(poolsOf(9, 9), null, [entry(1)]).excess(4)).toBe(0);
  });
});
