// Who gets a rule: each block by itself while there is room, what stands merged stays merged, the best of them where there is none left, and
// what has to stand beside its successors, or its predecessor, for a while.
import { describe, expect, test } from "vitest";
import type { Cidr } from "../../shared/address/index.ts";
import { type Choice, type ChooseRequest, choose } from "../../shared/plan/choose.ts";
import type { Need } from "../../shared/plan/need.ts";
import { entry, namesOf, need, poolsOf } from "./kit.ts";
import { plainPolicy } from "./scene.ts";

function chosen(needs: readonly Need[], changes: Partial<ChooseRequest> = {}): Choice {
  const base = { ours: [], pools: poolsOf(9, 9), maxEntries: null, granularity: "entry", canSwap: true, mayRemove: true, policy: plainPolicy } as const;
  return choose({ ...base, stuck: () => [], ...changes, needs });
}

const placedOf = (choice: Choice) => namesOf(choice.placed).toSorted();
const shedOf = (choice: Choice) => namesOf(choice.shed).toSorted();
const widenedOf = ({ widened }: Choice) => widened.map(({ need: one, blocks, collateral }) => [namesOf([one])[0], blocks, collateral]);
/** Which block covers a block; undefined: none does. */
const coverOf = (choice: Choice, of: number | string) => {
  const by = choice.covered.get(need(of).key);
  return by === undefined ? undefined : namesOf([by])[0];
};

describe("while there is room", () => {
  test("each block by itself, in the order of its claim", () => {
    const choice = chosen([need(4, { at: 1 }), need(5, { at: 3 }), need(7, { at: 2 })], { ours: [entry(5)] });
    expect(namesOf(choice.placed)).toEqual([5, 4, 7]);
    expect([choice.shed, choice.widened, choice.covered.size]).toEqual([[], [], 0]);
  });

  test("inside: what a wider block holds that ends no earlier has no rule of its own, and its weight goes to that block", () => {
    const needs = [need("203.0.113.4/31", { weight: 2 }), need(4, { weight: 3, severity: 2 })];
    const choice = chosen(needs);
    expect([placedOf(choice), coverOf(choice, 4)]).toEqual([["203.0.113.4/31"], "203.0.113.4/31"]);
    expect(choice.placed[0]).toMatchObject({ weight: 5, severity: 2 });
    // The needs that came in stay as they were.
    expect(needs[0]).toMatchObject({ weight: 2, severity: 1 });
    expect(placedOf(chosen([need("203.0.113.4/31"), need(4, { until: 10 })]))).toEqual(["203.0.113.4/31", 4]);
  });

  test("merge that stands: stays, for all that it holds", () => {
    const needs = [need("203.0.113.4/31"), need(4), need(6, { weight: 4, until: 20, at: -3, severity: 3 }), need(7)];
    const choice = chosen(needs, { ours: [entry("203.0.113.4/30")] });
    expect([placedOf(choice), widenedOf(choice)]).toEqual([["203.0.113.4/30"], [["203.0.113.4/30", 3, 0]]]);
    expect(choice.placed[0]).toMatchObject({ weight: 7, until: 20, at: -3, severity: 3 });
    expect(["203.0.113.4/31", 4, 6, 7].map((of) => coverOf(choice, of))).toEqual(Array(4).fill("203.0.113.4/30"));
  });

  test("merge that stands: none is one that is not whole, is off limits, has a bystander, or is asked for itself", () => {
    const hosts = [need(4), need(5)];
    expect(placedOf(chosen(hosts, { ours: [entry("203.0.113.4/31", "half of it")] }))).toEqual([4, 5]);
    const isOffLimits = ({ length }: Cidr) => length < 32;
    expect(placedOf(chosen(hosts, { ours: [entry("203.0.113.4/31")], policy: { ...plainPolicy, isOffLimits } }))).toEqual([4, 5]);
    expect(placedOf(chosen(hosts, { ours: [entry("203.0.113.4/30")] }))).toEqual([4, 5]);
    const outliving = [need("203.0.113.4/31"), need(4, { until: 10 }), need(5, { until: 10 })];
    expect(placedOf(chosen(outliving, { ours: [entry("203.0.113.4/31")] }))).toEqual(["203.0.113.4/31", 4, 5]);
    expect(placedOf(chosen(outliving, { ours: [entry("203.0.113.4/31"), entry("203.0.113.6/31")] }))).toEqual(["203.0.113.4/31", 4, 5]);
  });

  test("merges inside each other: the widest stays, whichever is told first", () => {
    for (const ours of [
      [entry("203.0.113.4/31"), entry("203.0.113.4/30")],
      [entry("203.0.113.4/30"), entry("203.0.113.4/31")],
    ])
      expect(
        placedOf(
          chosen(
            [4, 5, 6, 7].map((host) => need(host)),
            { ours },
          ),
        ),
      ).toEqual(["203.0.113.4/30"]);
  });
});

describe("where there is not room for all", () => {
  test("the best: neighbours share a rule and are named, blocks of their own are not", () => {
    const choice = chosen([need(4), need(5), need(9)], { pools: poolsOf(2) });
    expect([placedOf(choice), widenedOf(choice), shedOf(choice)]).toEqual([["203.0.113.4/31", 9], [["203.0.113.4/31", 2, 0]], []]);
  });

  test("the order of the best: by claim, where what stands counts twice", () => {
    const needs = [need(1, { weight: 3 }), need(3, { weight: 2 }), need(8, { weight: 1 / 8 }), need(10)];
    expect(namesOf(chosen(needs, { pools: poolsOf(3), ours: [entry(3)] }).placed)).toEqual([3, 1, 10]);
  });

  test("stuck: takes the room of its own family alone, and what it asks about are the blocks, and what stands and holds some", () => {
    const asked: string[][] = [];
    const ours = [entry("2001:db8::/64"), entry("203.0.113.4/31"), entry(77)];
    const stuck: ChooseRequest["stuck"] = (wanted) => {
      asked.push([...wanted].toSorted());
      return [entry("2001:db8::/64")];
    };
    const choice = chosen([need(1), need(4), need(8), need(9), need(5)], { pools: poolsOf(3, 1), ours, stuck });
    expect([placedOf(choice), shedOf(choice)]).toEqual([[1, "203.0.113.4/31", "203.0.113.8/31"], []]);
    expect(asked.at(-1)).toEqual([need(1), need(4), need(5), need(8), need(9), need("203.0.113.4/31")].map(({ key }) => key).toSorted());
  });

  test("off limits: a block that was asked for is, whatever the policy says of it; nothing wider is", () => {
    const isOffLimits = ({ length }: Cidr) => length < 32;
    const needs = [need(4), need(5), need("203.0.113.8/31"), need(20)];
    const choice = chosen(needs, { pools: poolsOf(2), policy: { ...plainPolicy, isOffLimits }, ours: [entry("203.0.113.8/31")] });
    expect(placedOf(choice)).toHaveLength(2);
    expect(placedOf(choice)).toContain("203.0.113.8/31");
    expect(widenedOf(choice)).toEqual([]);
  });

  test("taken: a merge whose place is somebody else's is none", () => {
    const isTaken = ({ length }: Cidr) => length === 31;
    expect(shedOf(chosen([need(4), need(5), need(9)], { pools: poolsOf(2), policy: { ...plainPolicy, isTaken } }))).toHaveLength(1);
  });

  test("around: a block around others that were chosen has a rule beside them where its family has one", () => {
    const inner = [need("2001:db8:1::/64", { weight: 900 }), need("2001:db8:2::/64", { weight: 900 })];
    const needs = [need(4), need(9), need("2001:db8::/46"), ...inner];
    const choice = chosen(needs, { pools: poolsOf(1, 3), ours: inner.map(({ key, cidr }) => ({ id: key, cidr, partial: null })) });
    expect([placedOf(choice).length, shedOf(choice)]).toEqual([4, [9]]);
    expect(placedOf(choice)).toContain("2001:db8::/46");
  });
});

describe("what stands beside its successors for a while", () => {
  const four = entry("203.0.113.4/30");

  test("one that goes once several narrower ones stand takes a rule until then", () => {
    const needs = [need(5, { weight: 3 }), need(6), need(7), need(9, { weight: 2 })];
    const choice = chosen(needs, { pools: poolsOf(3), ours: [four, entry(9)] });
    expect([placedOf(choice), shedOf(choice)]).toEqual([
      [5, 9],
      [6, 7],
    ]);
    // With one rule more, what is left shares; with two, nobody has to.
    expect(placedOf(chosen(needs, { pools: poolsOf(4), ours: [four, entry(9)] }))).toEqual(["203.0.113.6/31", 5, 9]);
    expect(placedOf(chosen(needs, { pools: poolsOf(5), ours: [four, entry(9)] }))).toEqual([5, 6, 7, 9]);
    // A group is written whole.
    expect(placedOf(chosen(needs, { pools: poolsOf(3), ours: [four, entry(9)], granularity: "group" }))).toEqual(["203.0.113.6/31", 5, 9]);
  });

  test("one that a single successor is swapped in for takes none; where nothing is swapped, it does", () => {
    const needs = [need(5, { weight: 3 }), need(6), need(7), need(9, { weight: 2 })];
    const ours = [four, entry(5), entry(9)];
    expect(placedOf(chosen(needs, { pools: poolsOf(3), ours }))).toEqual(["203.0.113.6/31", 5, 9]);
    expect(placedOf(chosen(needs, { pools: poolsOf(3), ours, canSwap: false }))).toEqual([5, 9]);
  });

  test("one that stays takes none for what stands inside it besides", () => {
    const needs = [need("203.0.113.4/30"), need(5, { until: 10 }), need(6, { until: 10 })];
    expect(placedOf(chosen(needs, { pools: poolsOf(3), ours: [four] }))).toEqual(["203.0.113.4/30", 5, 6]);
  });
});

describe("what waits for the rule that it will share, where none can change places in one call", () => {
  const noSwap = { canSwap: false } as const;
  /** 4 and 5 stand and would share a rule. */
  const pair = [need(4, { weight: 10 }), need(5, { weight: 10 })];
  const standing = [entry(4), entry(5)];

  test("no rule is free: to make place for a merge a gate would have to open, so each block keeps what it has", () => {
    const needs = [...pair, need(64, { weight: 2 }), need(70)];
    const choice = chosen(needs, { ...noSwap, pools: poolsOf(3), ours: standing });
    expect([placedOf(choice), shedOf(choice), widenedOf(choice)]).toEqual([[4, 5, 64], [70], []]);
    // In one call, as a group, or while nothing may go at all, the best is chosen.
    for (const changes of [{ canSwap: true }, { granularity: "group" as const }, { mayRemove: false }])
      expect(placedOf(chosen(needs, { ...noSwap, pools: poolsOf(3), ours: standing, ...changes }))).toEqual(["203.0.113.4/31", 64, 70]);
  });

  test("a rule is free for all that wait: the best is chosen; for one of two: it is not", () => {
    const needs = [...pair, need(6), need(7), need(64, { weight: 2 })];
    expect(placedOf(chosen(needs, { ...noSwap, pools: poolsOf(3), ours: [entry(5)] }))).toEqual(["203.0.113.4/30", 64]);
    expect(placedOf(chosen(needs, { ...noSwap, pools: poolsOf(3), ours: standing }))).toEqual([4, 5, 64]);
  });

  test.each<[string, Need, number]>([
    ["lies in one that stands already", need("203.0.113.8/30", { weight: 30 }), 9],
    ["serves nobody any more", need(8, { weight: 30 }), 99],
  ])("what %s waits for nothing", (_what, other, leaving) => {
    const needs = [other, ...(leaving === 9 ? [need(9)] : []), need(64), need(65)];
    const ours = [{ id: "other", cidr: other.cidr, partial: null }, entry(leaving)];
    expect(placedOf(chosen(needs, { ...noSwap, pools: poolsOf(2), ours }))).toEqual(["203.0.113.64/31", ...namesOf([other])].toSorted());
  });

  test("what stays waits for nothing, though something wider comes to stand around it", () => {
    const inner = [need("2001:db8:1::/64", { weight: 900 }), need("2001:db8:2::/64", { weight: 900 })];
    const needs = [need(4), need(5), need(9), need("2001:db8::/46"), ...inner];
    const ours = inner.map(({ key, cidr }) => ({ id: key, cidr, partial: null }));
    const choice = chosen(needs, { ...noSwap, pools: poolsOf(1, 3), ours });
    expect([choice.placed.length, shedOf(choice)]).toEqual([4, [9]]);
    expect(placedOf(choice)).toContain("203.0.113.4/31");
  });

  test("a range that finds no room covers nothing: what lies inside it claims a place for itself", () => {
    const inner = need("198.51.100.1", { weight: 3 });
    const needs = [need("198.51.100.0/30"), inner, ...pair, need(99, { weight: 5 })];
    const ours = [...standing, { id: "inner", cidr: inner.cidr, partial: null }];
    const choice = chosen(needs, { ...noSwap, pools: poolsOf(3), ours });
    expect([placedOf(choice), shedOf(choice), choice.covered.size]).toEqual([["198.51.100.1/32", 4, 5], ["198.51.100.0/30", 99], 0]);
  });

  test("a merge that stands and finds no room: each of its blocks is shed by its own name, and covers nothing", () => {
    const light = { weight: 1 / 16 };
    const needs = [...pair, need("203.0.113.8/31", light), need(8, light), need("203.0.113.10/31", light), need(99, { weight: 5 })];
    const choice = chosen(needs, { ...noSwap, pools: poolsOf(3), ours: [...standing, entry("203.0.113.8/30")] });
    expect([placedOf(choice), shedOf(choice), widenedOf(choice)]).toEqual([[4, 5, 99], ["203.0.113.10/31", "203.0.113.8/31", 8], []]);
    expect(choice.covered.size).toBe(0);
  });
});
