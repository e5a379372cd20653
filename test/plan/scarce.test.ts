// Few rules, many neighbours: what is merged, what that costs bystanders, what happens when a part of it ends, and what more rules would buy.
import { describe, expect, test } from "vitest";
import { type Cidr, cidrKey, cidrOf, cidrText } from "../../shared/address/index.ts";
import type { Lease } from "../../shared/lease/record.ts";
import type { Policy } from "../../shared/plan/choose.ts";
import { type DecideRequest, decide } from "../../shared/plan/decide.ts";
import { roomView } from "../../shared/plan/room.ts";
import type { Entry, Granularity } from "../../shared/provider.ts";
import { carryOut, plainPolicy, requestOf, type Scene } from "./scene.ts";

const base: Scene = {
  live: [],
  ended: [],
  standing: [],
  partial: [],
  limits: { v4: 2, v6: 2, both: 4 },
  isShared: false,
  maxEntries: null,
  protectedBlocks: [],
  mayRemove: true,
  canSwap: true,
  granularity: "entry",
  frozen: [],
};

function hosts(...numbers: readonly number[]): Lease[] {
  return numbers.map((number) => {
    const cidr = cidrOf(`203.0.113.${number}`);
    return { key: cidrKey(cidr), cidr, at: 0, until: 9, client: "a", severity: "medium" as const, targets: null, held: false };
  });
}

const texts = (list: readonly { readonly cidr: Cidr }[]) => list.map(({ cidr }) => cidrText(cidr)).sort();

/** Passes until nothing changes; calls `after` with what stands after every single change. */
function settle(scene: Scene, start: readonly Entry[], changes: Partial<DecideRequest> = {}, after: (standing: readonly Entry[]) => void = () => undefined) {
  let ours = start;
  for (let pass = 0; pass < 12; pass += 1) {
    const plan = decide(requestOf(scene, ours, changes));
    if (plan.changes.length === 0) return { ours, plan, passes: pass };
    ours = carryOut(ours, plan.changes, after);
  }
  throw new Error("it did not come to rest");
}

describe("scarce rules", () => {
  test("merge: neighbours share a rule when rules are short, and only then", () => {
    const live = hosts(4, 5, 9);
    const wide = settle({ ...base, live, limits: { v4: 3, v6: 0, both: 3 } }, []);
    expect([texts(wide.ours), wide.plan.widened]).toEqual([["203.0.113.4/32", "203.0.113.5/32", "203.0.113.9/32"], []]);
    const tight = settle({ ...base, live }, []);
    expect([texts(tight.ours), tight.plan.shed]).toEqual([["203.0.113.4/31", "203.0.113.9/32"], []]);
    expect(tight.plan.widened.map(({ need, blocks, collateral }) => [cidrText(need.cidr), blocks, collateral])).toEqual([["203.0.113.4/31", 2, 0]]);
    expect(tight.plan.covered.get(cidrKey(cidrOf("203.0.113.5")))?.cidr).toEqual(cidrOf("203.0.113.4/31"));
  });

  test("nested: of merges that stand inside each other the widest stays, and what finds no room is named once", () => {
    const standing = ["203.0.113.4/30", "203.0.113.4/31", "203.0.113.0/30"].map((text): Entry => ({ id: text, cidr: cidrOf(text), partial: null }));
    const scene: Scene = { ...base, canSwap: false, live: hosts(0, 1, 2, 3, 4, 5, 6, 7), limits: { v4: 1, v6: 0, both: 1 } };
    const plan = decide(requestOf(scene, standing));
    const named = texts([...plan.placed, ...plan.shed]);
    expect(new Set(named).size).toBe(named.length);
  });

  test("around: a block that holds others which stand has a rule of its own where one is left, however short the other family is", () => {
    const lease = (text: string, severity: Lease["severity"]): Lease => ({
      ...(hosts(1)[0] as Lease),
      key: cidrKey(cidrOf(text)),
      cidr: cidrOf(text),
      severity,
    });
    const inner = [lease("2001:db8:1::/64", "high"), lease("2001:db8:2::/64", "high")];
    const limits = { v4: 1, v6: 3, both: 4 };
    const before = settle({ ...base, live: [...hosts(4, 9), ...inner], limits }, []);
    const { ours, plan } = settle({ ...base, live: [...hosts(4, 9), ...inner, lease("2001:db8::/46", "medium")], limits }, before.ours);
    expect(texts(ours)).toContain("2001:db8::/46");
    expect(plan.shed.map(({ cidr }) => cidr.family)).toEqual([4]);
  });

  test("stay: what was merged in a shortage stays merged when there is room again: nothing is gained by redrawing it", () => {
    const live = hosts(4, 5, 9);
    const { ours } = settle({ ...base, live }, []);
    const roomy = settle({ ...base, live, limits: { v4: 9, v6: 0, both: 9 } }, ours);
    expect([texts(roomy.ours), roomy.passes]).toEqual([["203.0.113.4/31", "203.0.113.9/32"], 0]);
  });

  test.each<[Granularity, boolean]>([
    ["entry", true],
    ["entry", false],
    ["set", false],
    ["group", false],
  ])("part: when one of a merged four ends, it opens, and the others stay closed as far as there is room (%s, swap %s)", (granularity, canSwap) => {
    const scene = { ...base, granularity, canSwap, live: hosts(4, 5, 6, 7, 12), limits: { v4: 3, v6: 0, both: 3 } };
    const { ours } = settle(scene, []);
    expect(texts(ours)).toContain("203.0.113.4/30");
    const later = { ...scene, live: hosts(5, 6, 7, 12), ended: hosts(4) };
    const isClosed = (number: number, standing: readonly Entry[]) => {
      const { first, last } = cidrOf(`203.0.113.${number}`);
      return standing.some(({ cidr }) => cidr.first <= first && last <= cidr.last);
    };
    // Four rules for a moment where there are three: entry by entry, one host waits for its place.
    const least = granularity === "group" ? 4 : 3;
    const settled = settle(later, ours, {}, (standing) => {
      if (granularity !== "group") expect([5, 6, 7, 12].filter((number) => isClosed(number, standing)).length).toBeGreaterThanOrEqual(least);
    });
    expect(texts(settled.ours)).toEqual(["203.0.113.12/32", "203.0.113.5/32", "203.0.113.6/31"]);
    const roomy = settle({ ...later, limits: { v4: 4, v6: 0, both: 4 } }, ours, {}, (standing) => {
      if (granularity !== "group") expect([5, 6, 7, 12].filter((number) => isClosed(number, standing))).toHaveLength(4);
    });
    expect(isClosed(4, roomy.ours)).toBe(false);
  });

  test("part: where not all that is left finds room, the lightest is shed by name, and the one that ended does not stay for its sake", () => {
    for (const granularity of ["entry", "set", "group"] as const) {
      const scene = { ...base, granularity, live: hosts(4, 5, 6, 7), limits: { v4: 1, v6: 0, both: 1 } };
      const { ours } = settle(scene, []);
      expect(texts(ours)).toEqual(["203.0.113.4/30"]);
      const settled = settle({ ...scene, live: hosts(5, 6, 7), ended: hosts(4) }, ours);
      expect([texts(settled.ours), texts(settled.plan.shed)]).toEqual([["203.0.113.6/31"], ["203.0.113.5/32"]]);
    }
  });

  test("bystanders: none unless allowed; within the budget when it is, and never over what is off limits", () => {
    const live = hosts(0, 1, 2, 8, 9, 64);
    const policy = (changes: Partial<Policy>): Partial<DecideRequest> => ({ policy: { ...plainPolicy, ...changes } });
    const none = settle({ ...base, live }, []);
    expect(none.plan.widened.every(({ collateral }) => collateral === 0)).toBe(true);
    const one = settle({ ...base, live }, [], policy({ collateral: { kind: "max", units: 1 } }));
    expect([texts(one.ours), one.plan.widened.reduce((sum, { collateral }) => sum + collateral, 0)]).toEqual([["203.0.113.0/30", "203.0.113.8/31"], 1]);
    const guarded = settle(
      { ...base, live },
      [],
      policy({ collateral: { kind: "max", units: 1 }, isOffLimits: ({ first, last }) => first <= "cb007103" && "cb007103" <= last }),
    );
    expect(texts(guarded.ours)).toEqual(["203.0.113.0/31", "203.0.113.8/31"]);
    const priced = settle({ ...base, live }, [], policy({ collateral: { kind: "price", price: 0.01 } }));
    expect(priced.plan.shed).toEqual([]);
  });

  test("storm: at most a part of what stands gives its place in one pass", () => {
    const many = Array.from({ length: 100 }, (_, index) => 2 * index);
    const scene = { ...base, limits: { v4: 100, v6: 0, both: 100 }, live: hosts(...many) };
    const { ours } = settle(scene, []);
    const severe = Array.from({ length: 100 }, (_, index): Lease => {
      const cidr = cidrOf(`198.51.100.${2 * index}`);
      return { key: cidrKey(cidr), cidr, at: 0, until: 9, client: "a", severity: "critical", targets: null, held: false };
    });
    const storm = { ...scene, live: [...scene.live, ...severe] };
    expect(decide(requestOf(storm, ours)).changes).toHaveLength(25);
    expect(texts(settle(storm, ours).ours)).toEqual(texts(severe));
  });
});

describe("room", () => {
  const viewOf = (scene: Scene, warnAt = 0.9) => {
    const { ours, plan } = settle(scene, []);
    const { observation, policy } = requestOf(scene, ours);
    return roomView({ observation, standing: ours, maxEntries: scene.maxEntries, warnAt, ...plan, policy });
  };

  test("view: what is used, what is shed, the lightest, and what the next rules would buy, merged as they would be", () => {
    const view = viewOf({ ...base, live: [...hosts(0, 1, 2, 3), ...hosts(20, 21), ...hosts(40)], limits: { v4: 1, v6: 5, both: 6 } });
    expect(view).toMatchObject({
      used: 1,
      free: 0,
      usedShare: 1,
      warning: "3 blocks found no room",
      placed: { blocks: 1, weight: 4 },
      shed: { blocks: 3, weight: 3 },
      lightest: { cidr: "203.0.113.0/30", weight: 4 },
      widened: [{ cidr: "203.0.113.0/30", blocks: 4, collateral: 0 }],
    });
    expect(view.next.map(({ cidr, weight, blocks }) => [cidr, weight, blocks])).toEqual([
      ["203.0.113.20/31", 2, 2],
      ["203.0.113.40/32", 1, 1],
    ]);
  });

  test("warning: from the share that the operator names, for the fullest pool, and for what the operator allows", () => {
    const scene = { ...base, live: hosts(0, 2, 4), limits: { v4: 4, v6: 9, both: 13 } };
    expect([viewOf(scene).warning, viewOf(scene, 0.75).warning]).toEqual([null, "nearly full: v4 3 of 4"]);
    expect(viewOf({ ...scene, maxEntries: 3 }).warning).toBe("nearly full: maxEntries 3 of 3");
    expect(viewOf({ ...base, limits: { v4: 0, v6: 0, both: 0 } })).toMatchObject({ usedShare: 0, warning: null, lightest: null, next: [] });
  });
});
