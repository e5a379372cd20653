// What answers and metrics say of a target's rules: how they are used, the lightest, the widest, and what the next ones would buy.
import { describe, expect, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import { type RoomRequest, roomView } from "../../shared/plan/room.ts";
import type { Observation } from "../../shared/provider.ts";
import { blockOf, entry, need, poolsOf } from "./kit.ts";
import { plainPolicy } from "./scene.ts";

const observation: Observation = { ours: [], foreign: [], pools: poolsOf(4, 2), storeId: "s", enforcing: { yes: true }, terminal: null, serverDate: 0 };

function viewOf(changes: Partial<RoomRequest>) {
  return roomView({ observation, standing: [], maxEntries: null, warnAt: 0.9, placed: [], shed: [], widened: [], policy: plainPolicy, ...changes });
}

describe("what is used", () => {
  test("free: what the narrowest pool has left, by what stands in its own family", () => {
    expect(viewOf({ standing: [entry(1), entry(2), entry("2001:db8::/64")] })).toMatchObject({ used: 3, free: 1, usedShare: 0.5 });
    expect(viewOf({ standing: [entry(1)] })).toMatchObject({ used: 1, free: 2, usedShare: 0.25 });
    expect(viewOf({ standing: [entry(1), entry(2)], maxEntries: 3 })).toMatchObject({ free: 1, usedShare: 2 / 3 });
  });

  test("free: never less than none, however much stands beyond the room", () => {
    expect(viewOf({ standing: [1, 2, 3, 4, 5].map((number) => entry(number)) })).toMatchObject({ free: 0, usedShare: 1.25 });
  });

  test("share: a pool without room is full of anything, and of nothing it is empty", () => {
    const observed = { ...observation, pools: poolsOf(0, 0) };
    expect(viewOf({ observation: observed }).usedShare).toBe(0);
    expect(viewOf({ observation: observed, standing: [entry(1)] }).usedShare).toBe(1);
  });

  test("warning: a pool without room warns of nothing; one at its share does; what was shed is said first", () => {
    expect(viewOf({ observation: { ...observation, pools: poolsOf(0, 2) }, standing: [entry(1)], warnAt: 0.5 }).warning).toBeNull();
    expect(viewOf({ standing: [entry(1), entry(2), entry("2001:db8::/64")], warnAt: 0.5 }).warning).toBe("nearly full: v4 2 of 4, v6 1 of 2");
    expect(viewOf({ standing: [entry(1)], warnAt: 0.25, shed: [need(9)] }).warning).toBe("1 blocks found no room");
  });

  test("foreign: what is not ours is counted", () => {
    expect(viewOf({ observation: { ...observation, foreign: [{ id: "90", summary: "somebody's" }] } }).foreign).toBe(1);
  });
});

describe("what stands and what does not", () => {
  test("lightest: the least weight of what is placed, the first of several, none of nothing", () => {
    const weights = [3, 2, 1, 1, 4].map((weight, at) => need(at, { weight }));
    expect(viewOf({ placed: weights })).toMatchObject({ lightest: { cidr: "203.0.113.2/32", weight: 1 }, placed: { blocks: 5, weight: 11 } });
    expect(viewOf({ placed: weights.toReversed() }).lightest).toEqual({ cidr: "203.0.113.3/32", weight: 1 });
    expect(viewOf({}).lightest).toBeNull();
  });

  test("widened: the widest first, and no more than a hundred", () => {
    const merged = (text: string, blocks: number) => ({ need: need(text), blocks, collateral: blocks - 2 });
    expect(viewOf({ widened: [merged("203.0.113.8/31", 2), merged("203.0.113.0/29", 7), merged("203.0.113.16/30", 3)] }).widened).toEqual([
      { cidr: "203.0.113.0/29", blocks: 7, collateral: 5 },
      { cidr: "203.0.113.16/30", blocks: 3, collateral: 1 },
      { cidr: "203.0.113.8/31", blocks: 2, collateral: 0 },
    ]);
    const all = Array.from({ length: 101 }, (_, at) => merged(`198.51.${at}.0/24`, 2));
    expect(viewOf({ widened: all }).widened).toHaveLength(100);
  });
});

describe("what the next rules would buy", () => {
  const textsOf = (changes: Partial<RoomRequest>) => viewOf(changes).next.map(({ cidr, weight, blocks }) => [cidr, weight, blocks]);

  test("next: merged, the heaviest first, of equals by address; nothing while nothing is shed", () => {
    const shed = [need(9), need(20), need(21), need(3), need("2001:db8::/64", { weight: 5 })];
    expect(textsOf({ shed })).toEqual([
      ["2001:db8::/64", 5, 1],
      ["203.0.113.20/31", 2, 2],
      ["203.0.113.3/32", 1, 1],
      ["203.0.113.9/32", 1, 1],
    ]);
    expect(textsOf({ placed: [need(9)] })).toEqual([]);
  });

  test("next: as many rules as are shown, and the best of what there is", () => {
    const shed = Array.from({ length: 2 * limits.nextRulesShown }, (_, at) => need(3 * at, { weight: 1 + at }));
    const next = viewOf({ shed }).next;
    expect(next).toHaveLength(limits.nextRulesShown);
    expect(next.map(({ weight }) => weight)).toEqual(Array.from({ length: limits.nextRulesShown }, (_, at) => 2 * limits.nextRulesShown - at));
  });

  test("next: never what is off limits, nor what somebody else's entry holds", () => {
    const shed = [need(20), need(21), need(40)];
    const four = blockOf("203.0.113.20/31");
    const touches = { ...plainPolicy, isOffLimits: ({ length }: { readonly length: number }) => length < 32 };
    expect(textsOf({ shed, policy: touches }).map(([cidr]) => cidr)).toEqual(["203.0.113.20/32", "203.0.113.21/32", "203.0.113.40/32"]);
    const taken = {
      ...plainPolicy,
      isTaken: ({ first, length }: { readonly first: string; readonly length: number }) => first === four.first && length === 31,
    };
    expect(textsOf({ shed, policy: taken }).map(([cidr]) => cidr)).toEqual(["203.0.113.20/32", "203.0.113.21/32", "203.0.113.40/32"]);
  });
});
