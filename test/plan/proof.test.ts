// Why an entry may go, one proof at a time: alone, and in the step in which a block takes its place.
import { describe, expect, test } from "vitest";
import { cidrKey } from "../../shared/address/index.ts";
import type { Lease } from "../../shared/lease/record.ts";
import { decide } from "../../shared/plan/decide.ts";
import type { Need } from "../../shared/plan/need.ts";
import { type ProofRequest, Proofs } from "../../shared/plan/proof.ts";
import type { Entry } from "../../shared/provider.ts";
import { blockOf, entry, namesOf, need } from "./kit.ts";
import { requestOf, type Scene } from "./scene.ts";

function lease(of: number | string, severity: Lease["severity"] = "medium"): Lease {
  const cidr = blockOf(of);
  return { key: `lease of ${of}`, cidr, at: 0, until: 9, client: "a", severity, targets: null, held: false };
}

function proofsOf(ours: readonly Entry[], needs: readonly Need[], changes: Partial<ProofRequest> = {}): Proofs {
  return new Proofs({
    ours,
    needs,
    placed: needs,
    shed: [],
    ended: [],
    granularity: "entry",
    landing: [],
    isProtected: () => false,
    orphanMayGo: () => false,
    isImmovable: () => false,
    mayLeave: () => true,
    ...changes,
  });
}

const four = entry("203.0.113.4/30");
const [n4, n5, n6, n7] = [need(4), need(5), need(6), need(7)] as const;
const pair = need("203.0.113.4/31");

describe("alone", () => {
  test("superseded: all that counts stands elsewhere; a wider block that was shed and lies only partly in it does not count", () => {
    const wide = need("203.0.113.0/24");
    const ours = [entry(4), entry("203.0.113.4/31")];
    expect(proofsOf(ours, [pair, wide], { placed: [pair], shed: [wide] }).proofFor(entry(4), true)).toBe("superseded");
    expect(proofsOf([entry(4)], [n4], { placed: [], shed: [n4] }).proofFor(entry(4), true)).toBe("displaced");
    expect(proofsOf([entry(4)], [wide], { placed: [], shed: [wide] }).proofFor(entry(4), true)).toBe("displaced");
  });

  test("ended: not while it still holds what was shed and all of it is wanted; where it denies more than that, it goes", () => {
    const ended = [lease(4)];
    expect(proofsOf([four], [n5], { placed: [], shed: [n5], ended }).proofFor(four, true)).toBe("ended");
    expect(proofsOf([four], [n4, n5, n6, n7], { placed: [], shed: [n4, n5, n6, n7], ended }).proofFor(four, true)).toBe("displaced");
    // Inside a wider block that was asked for, all of it is wanted.
    const wide = need("203.0.113.0/29");
    expect(proofsOf([four], [n4, wide], { placed: [], shed: [n4, wide], ended }).proofFor(four, true)).toBe("displaced");
    expect(proofsOf([four], [], { ended }).proofFor(four, true)).toBe("ended");
  });
});

describe("making way", () => {
  test("null: what was shed would lose the entry that holds it whole, all of which is wanted", () => {
    const proofs = proofsOf([four], [n4, n5, n6, n7], { placed: [pair], shed: [n6, n7] });
    expect(proofs.proofMakingWay(four, pair)).toBeNull();
  });

  test("superseded: what was shed lies inside the block that takes its place, or the entry denies somebody besides", () => {
    const others = [entry(6), entry(7)];
    const inside = proofsOf([four, ...others], [n4, n5, n6, n7], { placed: [pair, n6, n7], shed: [n5] });
    expect(inside.proofMakingWay(four, pair)).toBe("superseded");
    const bystander = proofsOf([four], [n4, n5, n6], { placed: [pair], shed: [n6] });
    expect(bystander.proofMakingWay(four, pair)).toBe("superseded");
  });

  test("superseded: a wider block that was shed loses nothing by it, since the entry held only a part", () => {
    const wide = need("203.0.113.0/29");
    expect(proofsOf([four], [n4, n5, wide], { placed: [pair], shed: [wide] }).proofMakingWay(four, pair)).toBe("superseded");
  });

  test("ended, or nothing at all", () => {
    const ended = [lease(7)];
    expect(proofsOf([four], [n4, n5], { placed: [pair], ended }).proofMakingWay(four, pair)).toBe("ended");
    expect(proofsOf([four], [], { placed: [pair] }).proofMakingWay(four, pair)).toBeNull();
    expect(proofsOf([four], [n4, n6], { placed: [pair] }).proofMakingWay(four, pair)).toBeNull();
    expect(proofsOf([four], [n4], { placed: [pair], isImmovable: () => true }).proofMakingWay(four, pair)).toBeNull();
    expect(proofsOf([four], [n4, n6], { placed: [pair], shed: [n6], mayLeave: () => false }).proofMakingWay(four, pair)).toBeNull();
  });
});

describe("in a plan", () => {
  const base: Scene = {
    live: [],
    ended: [],
    standing: [],
    partial: [],
    limits: { v4: 2, v6: 0, both: 2 },
    isShared: false,
    maxEntries: null,
    protectedBlocks: [],
    mayRemove: true,
    canSwap: true,
    granularity: "entry",
    frozen: [],
  };
  const two = [lease(4), lease(9)];

  test("stuck: what nobody knows, and may not go yet, takes a rule, and whoever has none for it is named", () => {
    const scene = { ...base, live: two };
    const plan = decide(requestOf(scene, [entry(99)]));
    expect([namesOf(plan.placed), namesOf(plan.shed), plan.waiting]).toEqual([[4], [9], []]);
    const known = decide(requestOf(scene, [entry(99)], { orphanMayGo: () => true }));
    expect([namesOf(known.placed), known.shed]).toEqual([[4, 9], []]);
  });

  test("stuck: while nothing may be removed, and where it cannot go whatever is proved", () => {
    const scene = { ...base, live: two, ended: [lease(99)] };
    const shedOf = (...request: Parameters<typeof requestOf>) => namesOf(decide(requestOf(...request)).shed);
    expect(shedOf(scene, [entry(99)])).toEqual([]);
    expect(shedOf({ ...scene, mayRemove: false }, [entry(99)])).toEqual([9]);
    expect(shedOf(scene, [entry(99)], { immovable: new Set(["entry 99"]) })).toEqual([9]);
    // What protects somebody goes first, and gives its rule at once.
    expect(shedOf({ ...scene, mayRemove: false, protectedBlocks: [blockOf(99)] }, [entry(99)])).toEqual([]);
  });

  test("half an entry is completed where it stands: it has its rule, however full the target is", () => {
    const scene = { ...base, live: two };
    const half = entry(4, "its egress half is missing");
    expect(decide(requestOf({ ...scene, limits: { v4: 1, v6: 0, both: 1 } }, [half])).changes).toEqual([{ verb: "add", cidr: blockOf(4) }]);
    expect(decide(requestOf(scene, [half])).changes).toEqual([4, 9].map((host) => ({ verb: "add", cidr: blockOf(host) })));
  });

  test("storm: what has ended gives its rule to as many as come; of what is only lighter, a part does in one pass", () => {
    const numbers = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + 2 * at);
    const [over, light] = [numbers(0, 20), numbers(100, 20)];
    const heavy = numbers(0, 60).map((number) => lease(`198.51.100.${number}`, "critical"));
    const scene = {
      ...base,
      limits: { v4: 40, v6: 0, both: 40 },
      live: [...light.map((number) => lease(number)), ...heavy],
      ended: over.map((number) => lease(number)),
    };
    const { changes } = decide(
      requestOf(
        scene,
        [...over, ...light].map((number) => entry(number)),
      ),
    );
    expect(changes.every(({ verb }) => verb === "swap")).toBe(true);
    const gone = changes.flatMap((change) => (change.verb === "swap" ? [cidrKey(change.entry.cidr)] : []));
    expect(gone.filter((key) => over.some((number) => need(number).key === key))).toHaveLength(20);
    expect(gone).toHaveLength(20 + 16);
  });
});
