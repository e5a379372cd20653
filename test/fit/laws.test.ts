// What stands stays: laws of a fit that was made before, and that nothing but the sources decides.
import { array, assert as check, constantFrom, double, integer, pre, property, shuffledSubarray, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { cidrKey, compareCidrs, overlaps } from "../../shared/address/index.ts";
import { fit as choose, type FitRequest, type FitResult } from "../../shared/fit/index.ts";
import { bestByTrying, block, cornerBlock, faultsOf, instance } from "./support.ts";

const runs = Number(process.env.FIT_RUNS ?? 1_000);
const anyBlock = constantFrom(4 as const, 6 as const).chain(block);
const lossMax = constantFrom(0, 0.01, 0.1, 0.3);
const standing = array(anyBlock, { maxLength: 5 });

function keysOf(result: FitResult): readonly string[] {
  return result.prefixes.map(({ cidr }) => cidrKey(cidr));
}

function blocksOf(result: FitResult): NonNullable<FitRequest["standing"]> {
  return result.prefixes.map(({ cidr }) => cidr);
}

describe("what stands", () => {
  it("standing: no rule is broken for it, and no more than the allowed share of the value is given up", () => {
    check(
      property(instance, standing, lossMax, (request, before, loss) => {
        const result = choose({ ...request, standing: before, lossMax: loss });
        expect(faultsOf(request, result)).toEqual([]);
        expect(result.optimum).toBe(bestByTrying(request).value);
        expect(result.value).toBeGreaterThanOrEqual(result.optimum * (1 - loss) * (1 - 1e-9));
        const was = new Set(before.map(cidrKey));
        const kept = keysOf(result).filter((key) => was.has(key)).length;
        expect(result.churn).toEqual({ kept, added: result.prefixes.length - kept, removed: was.size - kept });
      }),
      { numRuns: runs },
    );
  });

  it("standing: the same sources again change nothing, however the result came about", () => {
    check(
      property(instance, standing, lossMax, (request, before, loss) => {
        const first = choose({ ...request, standing: before, lossMax: loss });
        const again = choose({ ...request, standing: blocksOf(first), lossMax: loss });
        expect(keysOf(again)).toEqual(keysOf(first));
        expect(again.churn).toMatchObject({ added: 0, removed: 0 });
      }),
      { numRuns: runs },
    );
  });

  it("standing: without a loss allowed, of several best choices the one that keeps most weight standing is taken", () => {
    check(
      property(instance, standing, (request, before) => {
        const free = choose(request);
        const result = choose({ ...request, standing: before, lossMax: 0 });
        expect(result.value).toBe(free.value);
        // What was chosen freely and also stands could have been kept as well.
        const was = new Set(before.map(cidrKey));
        const keptWeight = (one: FitResult): number => one.prefixes.filter(({ cidr }) => was.has(cidrKey(cidr))).reduce((sum, { weight }) => sum + weight, 0);
        if (request.collateral.kind !== "max" && free.method !== "cover") expect(keptWeight(result)).toBeGreaterThanOrEqual(keptWeight(free));
      }),
      { numRuns: runs },
    );
  });

  it("standing: at a full target, a source lighter than everything that stands changes nothing, unless it completes a block", () => {
    let met = 0;
    check(
      property(instance, anyBlock, lossMax, (base, cidr, loss) => {
        const request: FitRequest = { ...base, collateral: { kind: "none" }, lossMax: loss };
        const first = choose(request);
        const lightest = Math.min(...first.prefixes.map(({ weight }) => weight));
        pre(first.left.length > 0 && first.prefixes.length > 0 && base.rooms.length === 1 && first.prefixes.length === base.rooms[0]?.limit);
        const sources = [...request.sources, { cidr, weight: lightest / 2 }];
        const alone = choose({ ...request, sources, rooms: [] });
        // It lies in nothing that is there, and makes no wider block whole.
        pre(alone.prefixes.some((prefix) => cidrKey(prefix.cidr) === cidrKey(cidr) && prefix.leases === 1));
        const second = choose({ ...request, sources, standing: blocksOf(first) });
        expect(keysOf(second)).toEqual(keysOf(first));
        met += 1;
      }),
      { numRuns: runs / 4, maxSkipsPerRun: 1_000 },
    );
    expect(met).toBeGreaterThan(runs / 100);
  });

  it("standing: a source more than twice as heavy as the lightest that stands gets in, where a prefix apart from those may hold it", () => {
    let met = 0;
    check(
      property(instance, anyBlock, (base, cidr) => {
        const request: FitRequest = { ...base, lossMax: 1 };
        const first = choose(request);
        const family = first.prefixes.filter((prefix) => prefix.cidr.family === cidr.family);
        const lightest = Math.min(...family.map(({ weight }) => weight));
        pre(family.length > 0);
        const sources = [...request.sources, { cidr, weight: lightest * 2 + 0.5 }];
        // Held by itself, without bystanders: more would have to be paid for otherwise.
        const byItself = choose({ ...request, sources: sources.slice(-1), rooms: [], collateral: { kind: "none" } });
        const apart = byItself.prefixes.every((one) => first.prefixes.every((other) => !overlaps(one.cidr, other.cidr)));
        pre(byItself.prefixes.length === 1 && apart);
        const second = choose({ ...request, sources, standing: blocksOf(first) });
        pre(second.bias === 1);
        expect(second.left).not.toContain(sources.length - 1);
        met += 1;
      }),
      { numRuns: runs / 2, maxSkipsPerRun: 1_000 },
    );
    expect(met).toBeGreaterThan(runs / 100);
  });
});

describe("what nobody asked for", () => {
  it("standing: a part of a block that was asked for and may be chosen never takes that block's place, unless the part stands", () => {
    let met = 0;
    // Severities lie this far apart, so that a light block may be given up for what stands.
    const source = (length: number, weights: readonly number[]) =>
      tuple(integer({ min: 0, max: 2 ** (length - 28) - 1 }), constantFrom(...weights)).map(([at, weight]) => ({ cidr: cornerBlock(4, length, at), weight }));
    const hosts = array(source(32, [1, 200, 40_000]), { minLength: 3, maxLength: 10 });
    const around = integer({ min: 28, max: 30 }).chain((length) => source(length, [1, 200]));
    check(
      property(hosts, around, integer({ min: 1, max: 4 }), lossMax, (before, late, limit, loss) => {
        const request: FitRequest = {
          sources: before,
          rooms: [{ families: [4], limit }],
          isProtected: () => false,
          lengths: { ipv4: { min: 16, max: 32 }, ipv6: { min: 32, max: 128 } },
          collateral: { kind: "none" },
          lossMax: loss,
        };
        const standing = blocksOf(choose(request));
        const sources = [...before, late];
        const known = new Set([...sources.map(({ cidr }) => cidr), ...standing].map(cidrKey));
        const result = choose({ ...request, sources, standing });
        const odd = result.prefixes.filter(({ cidr }) => !known.has(cidrKey(cidr)) && overlaps(cidr, late.cidr));
        if (late.cidr.length < 30 && odd.length === 0 && result.bias > 0) met += 1;
        expect(odd.filter(({ cidr }) => cidr.length > late.cidr.length).map(({ cidr }) => cidrKey(cidr))).toEqual([]);
      }),
      { numRuns: runs },
    );
    expect(met).toBeGreaterThan(runs / 100);
  });
});

describe("what stands, at the edges", () => {
  it("standing: where everything fits nothing is left out for it, however much loss is allowed", () => {
    let met = 0;
    check(
      property(instance, standing, (base, before) => {
        const request = { ...base, rooms: base.rooms.map((room) => ({ ...room, limit: room.limit * 3 })) };
        const free = choose(request);
        pre(free.method === "cover");
        const result = choose({ ...request, standing: before, lossMax: 1 });
        expect(result).toMatchObject({ left: free.left, collateral: 0, method: "cover" });
        if (result.churn.kept > free.prefixes.filter(({ cidr }) => before.some((one) => cidrKey(one) === cidrKey(cidr))).length) met += 1;
      }),
      { numRuns: runs, maxSkipsPerRun: 1_000 },
    );
    // And what stands is still kept where it covers as well.
    expect(met).toBeGreaterThan(0);
  });

  it("standing: a source exactly twice as heavy does not displace, a heavier one does", () => {
    const [low, high] = [cornerBlock(4, 32, 1), cornerBlock(4, 32, 8)];
    const request = (weight: number): FitRequest => ({
      sources: [
        { cidr: low, weight },
        { cidr: high, weight: 3 },
      ],
      rooms: [{ families: [4], limit: 1 }],
      isProtected: () => false,
      lengths: { ipv4: { min: 16, max: 32 }, ipv6: { min: 32, max: 128 } },
      collateral: { kind: "none" },
      standing: [high],
      lossMax: 1,
    });
    expect(keysOf(choose(request(6)))).toEqual([cidrKey(high)]);
    expect(keysOf(choose(request(6.01)))).toEqual([cidrKey(low)]);
  });
});

describe("the input", () => {
  it("order: of sources, rooms and what stands, and how often a block is named, does not matter", () => {
    const weights = array(double({ min: 0.001, max: 1_000, noNaN: true }), { minLength: 9, maxLength: 9 });
    const shuffled = instance.chain((request) =>
      tuple(weights, standing).chain(([weight, before]) => {
        const sources = request.sources.map(({ cidr }, at) => ({ cidr, weight: weight[at] ?? 1 }));
        const all = { minLength: sources.length, maxLength: sources.length };
        const walls = { minLength: before.length, maxLength: before.length };
        return tuple(integer(), shuffledSubarray(sources, all), shuffledSubarray(before, walls)).map(([, mixed, mixedBefore]) => ({
          one: { ...request, sources, standing: before },
          other: { ...request, sources: mixed, standing: mixedBefore, rooms: request.rooms.toReversed() },
        }));
      }),
    );
    const plain = ({ prefixes, left, ...rest }: FitResult, { sources }: FitRequest): unknown => ({
      ...rest,
      prefixes: prefixes.map(({ sources: held, ...prefix }) => ({ ...prefix, held: held.map((at) => sources[at]?.weight).sort() })),
      left: left.map((at) => `${sources[at]?.weight}`).sort(),
    });
    check(
      property(shuffled, ({ one, other }) => {
        expect(plain(choose(other), other)).toEqual(plain(choose(one), one));
      }),
      { numRuns: runs },
    );
  });

  it("answer: is in address order, with every source covered or named as left", () => {
    check(
      property(instance, (request) => {
        const result = choose(request);
        expect(result.prefixes.map(({ cidr }) => cidr)).toEqual(result.prefixes.map(({ cidr }) => cidr).toSorted(compareCidrs));
        const covered = result.prefixes.flatMap(({ sources }) => sources);
        expect([...covered, ...result.left].sort((a, b) => a - b)).toEqual(request.sources.map((_, at) => at));
        expect(result.totalWeight).toBe(request.sources.reduce((sum, { weight }) => sum + weight, 0));
      }),
      { numRuns: runs },
    );
  });

  it("answer: the value is what is covered less the price of the bystanders, to the last digit, and without a past nothing is removed", () => {
    const weights = array(double({ min: 0.001, max: 1_000, noNaN: true }), { minLength: 9, maxLength: 9 });
    check(
      property(instance, weights, constantFrom("few", "all"), (base, weight, room) => {
        const request: FitRequest = {
          ...base,
          rooms: room === "all" ? [] : base.rooms,
          sources: base.sources.map(({ cidr }, at) => ({ cidr, weight: weight[at] ?? 1 })),
        };
        const { prefixes, value, coveredWeight, churn } = choose(request);
        const price = request.collateral.kind === "price" ? request.collateral.price : 0;
        expect(value).toBe(prefixes.reduce((sum, prefix) => sum + (prefix.weight - price * prefix.collateral), 0));
        expect(coveredWeight).toBe(prefixes.reduce((sum, prefix) => sum + prefix.weight, 0));
        expect(churn).toEqual({ kept: 0, added: prefixes.length, removed: 0 });
      }),
      { numRuns: runs },
    );
  });

  it("refuses: weights, limits and prices that mean nothing", () => {
    check(
      property(instance, constantFrom(0, -1, Number.NaN, Number.POSITIVE_INFINITY), (request, bad) => {
        const sources = [...request.sources, { cidr: request.sources[0]?.cidr, weight: bad }] as FitRequest["sources"];
        expect(() => choose({ ...request, sources })).toThrow(/weight/);
        expect(() => choose({ ...request, rooms: [{ families: [4], limit: -1 }] })).toThrow(/limit/);
        expect(() => choose({ ...request, rooms: [{ families: [4], limit: 1.5 }] })).toThrow(/limit/);
        expect(() => choose({ ...request, collateral: { kind: "price", price: Number.NaN } })).toThrow(/price/);
        expect(() => choose({ ...request, collateral: { kind: "max", units: -1 } })).toThrow(/max/);
        for (const lossMax of [2, -1, Number.NaN]) expect(() => choose({ ...request, lossMax })).toThrow(expect.objectContaining({ code: "INVARIANT" }));
        // No bound is one as well.
        const endless = { families: [4, 6] as const, limit: Number.POSITIVE_INFINITY };
        expect(choose({ ...request, rooms: [endless] })).toEqual(choose({ ...request, rooms: [] }));
      }),
      { numRuns: 20 },
    );
  });
});
