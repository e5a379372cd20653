// A target with no room left, one case at a time: who makes way for whom, and what never does.
import { describe, expect, test } from "vitest";
import { type Cidr, cidrKey, cidrOf } from "../../shared/address/index.ts";
import type { Severity } from "../../shared/config.ts";
import type { Lease } from "../../shared/lease/record.ts";
import { decide } from "../../shared/plan/decide.ts";
import { entries, liveNeeds, requestOf, type Scene } from "./scene.ts";

function leaseOf(text: string, severity: Severity, until: number): Lease {
  const block: Cidr = cidrOf(text);
  return { key: text, cidr: block, at: 0, until, client: "a", severity, targets: null, held: false };
}

const small = { v4: 2, v6: 0, both: 2 };
const base: Scene = {
  live: [],
  ended: [],
  standing: [],
  partial: [],
  limits: small,
  isShared: false,
  maxEntries: null,
  protectedBlocks: [],
  mayRemove: true,
  canSwap: true,
  granularity: "entry",
  frozen: [],
};

describe("a full target", () => {
  test("range: takes the place of a lighter block inside it that lasts longer and was shed, for nothing of it opens", () => {
    const live = [leaseOf("198.51.100.1/32", "high", 9), leaseOf("203.0.113.7/32", "low", 9), leaseOf("203.0.113.0/28", "medium", 5)];
    const ours = entries([cidrOf("198.51.100.1/32"), cidrOf("203.0.113.7/32")]);
    const plan = decide(requestOf({ ...base, live }, ours));
    expect(plan.changes).toEqual([{ verb: "swap", entry: ours[1], cidr: cidrOf("203.0.113.0/28") }]);
    expect(plan.removals.map((removal) => removal.proof)).toEqual(["superseded"]);
  });

  test("ended: what only waited for a newcomer to stand in its place goes with it, for its own reason", () => {
    const ours = entries([cidrOf("203.0.113.7/32")]);
    const world = { ...base, live: [leaseOf("203.0.113.0/28", "medium", 5)], limits: { ...small, v4: 1 } };
    const removals = (ended: readonly Lease[]) => decide(requestOf({ ...world, ended }, ours)).removals;
    expect(removals([leaseOf("203.0.113.7/32", "low", 1)])).toEqual([{ entry: ours[0], proof: "ended" }]);
    expect(removals([])).toEqual([{ entry: ours[0], proof: "superseded" }]);
  });

  test("lowered limit: what leaves anyway counts, so that no gate opens for room that is there", () => {
    const live = [leaseOf("203.0.113.1/32", "critical", 9), leaseOf("203.0.113.12/32", "low", 9), leaseOf("203.0.113.33/32", "high", 9)];
    const ended = [leaseOf("203.0.113.44/32", "low", 1)];
    const ours = entries(["203.0.113.12/32", "203.0.113.33/32", "203.0.113.44/32"].map(cidrOf));
    // The critical one rests, its last outcome being unknown.
    const plan = decide(requestOf({ ...base, live, ended, frozen: [cidrOf("203.0.113.1/32")] }, ours));
    expect(plan.changes).toEqual([{ verb: "remove", entry: ours[2] }]);
  });

  test("drain: all of ours goes, whatever is live, and the plan says so", () => {
    const live = liveNeeds({ ...base, live: [leaseOf("203.0.113.1/32", "critical", 9)] });
    const ours = entries([cidrOf("203.0.113.1/32"), cidrOf("198.51.100.0/24")]);
    const plan = decide(requestOf({ ...base, live, mayRemove: false }, ours, { intent: "drain" }));
    expect(plan).toEqual({
      needs: { needs: [], servedBy: new Map(), refused: new Map() },
      covered: new Map(),
      placed: [],
      shed: [],
      widened: [],
      waiting: [],
      keep: [],
      orphans: [],
      removals: ours.map((entry) => ({ entry, proof: "drained" })),
      changes: ours.map((entry) => ({ verb: "remove", entry })),
    });
  });

  test("both: a lighter range that stands whole, and holds a severer block inside it, keeps both gates closed with one entry", () => {
    const live = [leaseOf("203.0.113.0/28", "low", 5), leaseOf("203.0.113.8/31", "critical", 9)];
    for (const ended of [[], [leaseOf("203.0.113.0/28", "low", 1)]]) {
      const plan = decide(requestOf({ ...base, live, ended, limits: { ...small, v4: 1 } }, entries([cidrOf("203.0.113.0/28")])));
      expect([plan.changes, plan.shed, plan.covered.get(cidrKey(cidrOf("203.0.113.8/31")))?.cidr]).toEqual([[], [], cidrOf("203.0.113.0/28")]);
    }
  });

  test("unknown: what no record explains makes way for nobody, though something beside it does", () => {
    const live = [leaseOf("203.0.113.8/32", "critical", 9)];
    const ours = entries([cidrOf("198.51.100.1/32"), cidrOf("203.0.113.8/30")]);
    const plan = decide(requestOf({ ...base, live }, ours));
    expect(plan.changes).toEqual([{ verb: "swap", entry: ours[1], cidr: cidrOf("203.0.113.8/32") }]);
  });

  test("superseded: what lies inside a newcomer of its own weight is not displaced by it, though a range around both was shed", () => {
    const live = [leaseOf("203.0.113.4/32", "low", 9), leaseOf("203.0.113.4/31", "low", 9), { ...leaseOf("203.0.113.0/28", "low", 5), at: 1 }];
    const ours = entries([cidrOf("203.0.113.4/32")]);
    for (const granularity of ["group", "entry"] as const) {
      const plan = decide(requestOf({ ...base, live, granularity, limits: { ...small, v4: 1 } }, ours));
      expect(plan.removals).toEqual([{ entry: ours[0], proof: "superseded" }]);
    }
  });

  test("lightest: of several that were shed, the lightest makes way first, and the heavier stays while the newcomer rests", () => {
    const live = [
      leaseOf("203.0.113.1/32", "medium", 9),
      leaseOf("203.0.113.12/32", "low", 9),
      leaseOf("203.0.113.33/32", "critical", 9),
      leaseOf("203.0.113.44/32", "high", 9),
    ];
    const ours = entries([cidrOf("203.0.113.1/32"), cidrOf("203.0.113.12/32")]);
    for (const canSwap of [true, false]) {
      const plan = decide(requestOf({ ...base, live, canSwap, frozen: [cidrOf("203.0.113.33/32")] }, ours));
      expect(plan.removals).toEqual([{ entry: ours[1], proof: "displaced" }]);
      expect(plan.keep).toEqual([ours[0]]);
    }
    const lowered = decide(requestOf({ ...base, live: live.slice(0, 2), limits: { ...small, v4: 1 } }, ours));
    expect(lowered.removals).toEqual([{ entry: ours[1], proof: "over-limit" }]);
  });

  test("group: shrinks to its limit and takes in what is severer in the same step", () => {
    const hosts = [1, 2, 3, 4].map((at) => `203.0.113.${at}/32`);
    const live = [...hosts.map((text) => leaseOf(text, "low", 9)), leaseOf("203.0.113.9/32", "critical", 9)];
    const ours = entries(hosts.map(cidrOf));
    const plan = decide(requestOf({ ...base, live, granularity: "group" }, ours));
    expect(plan.changes.map((change) => change.verb)).toEqual(["remove", "remove", "remove", "add"]);
    expect(plan.removals.map((removal) => removal.proof)).toEqual(["over-limit", "over-limit", "displaced"]);
  });

  test("group: what cannot land proves nothing: the entry that holds it stays until it does", () => {
    // Two odd entries hold the block whose last outcome is unknown, and leave no room for the range around the third.
    const live = [leaseOf("203.0.113.8/32", "critical", 9), leaseOf("198.51.100.1/32", "low", 5), leaseOf("198.51.100.0/31", "high", 9)];
    const ours = entries(["203.0.113.8/30", "203.0.113.8/31", "198.51.100.1/32"].map(cidrOf));
    const plan = decide(requestOf({ ...base, live, granularity: "group", frozen: [cidrOf("203.0.113.8/32")] }, ours));
    expect([plan.changes, plan.keep, plan.waiting.length]).toEqual([[], ours, 2]);
  });

  test("duplicates: of two entries of one block the whole one stands, wherever it is in the list", () => {
    const live = [leaseOf("203.0.113.1/32", "high", 9)];
    const [half, whole] = entries([cidrOf("203.0.113.1/32"), cidrOf("203.0.113.1/32")]).map((entry, at) => ({ ...entry, partial: at === 0 ? "half" : null }));
    for (const ours of [
      [half, whole],
      [whole, half],
    ]) {
      const plan = decide(
        requestOf(
          { ...base, live },
          ours.filter((entry) => entry !== undefined),
        ),
      );
      expect([plan.changes, plan.removals]).toEqual([[{ verb: "remove", entry: half }], [{ entry: half, proof: "superseded" }]]);
    }
  });

  test("immovable: what cannot go now takes room, protected or not, and makes way for nobody", () => {
    const live = [leaseOf("203.0.113.1/32", "high", 9), leaseOf("203.0.113.2/32", "medium", 9)];
    const ours = entries([cidrOf("198.51.100.1/32"), cidrOf("203.0.113.8/32")]);
    const ended = [leaseOf("203.0.113.8/32", "low", 1)];
    const world = { ...base, live, ended, protectedBlocks: [cidrOf("198.51.100.1/32")] };
    expect(decide(requestOf(world, ours)).changes.length).toBe(3);
    const plan = decide(requestOf(world, ours, { immovable: new Set(["e0", "e1"]) }));
    expect([plan.changes, plan.keep]).toEqual([[], ours]);
    const one = decide(requestOf(world, ours, { immovable: new Set(["e1"]) }));
    expect([one.placed.map((need) => need.cidr), one.shed.length]).toEqual([[cidrOf("203.0.113.1/32")], 1]);
    const held = decide(
      requestOf({ ...base, live: [leaseOf("203.0.113.0/28", "high", 9)], limits: { ...small, v4: 1 } }, entries([cidrOf("203.0.113.1/32")]), {
        immovable: new Set(["e0"]),
      }),
    );
    expect(held.changes).toEqual([]);
    // Of two that would make way, the one that can.
    const pair = entries([cidrOf("203.0.113.1/32"), cidrOf("203.0.113.2/32")]);
    const range = decide(requestOf({ ...base, live: [leaseOf("203.0.113.0/28", "high", 9)] }, pair, { immovable: new Set(["e0"]) }));
    expect(range.changes).toEqual([{ verb: "swap", entry: pair[1], cidr: cidrOf("203.0.113.0/28") }]);
  });
});
