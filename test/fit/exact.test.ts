// A fit is as good as trying every set of prefixes: thousands of small instances, all policies, families, rooms and lengths.
import { assert as check, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { cidrOf, contains, type Family } from "../../shared/address/index.ts";
import { fit as choose } from "../../shared/fit/index.ts";
import { bestByTrying, boundOf, candidatesOf, cornerBlock, faultsOf, instance } from "./support.ts";

const runs = Number(process.env.FIT_RUNS ?? 4_000);

describe("fit, against every set of prefixes", () => {
  it("exact: reaches the best value with the fewest prefixes, and breaks no rule", () => {
    const methods = new Map<string, number>();
    check(
      property(instance, (request) => {
        const result = choose(request);
        const exactCover = result.method === "cover" && result.collateral === 0;
        // An exact cover goes before a shorter one with bystanders.
        const best = bestByTrying(exactCover ? { ...request, collateral: { kind: "none" } } : request);
        if (exactCover) expect(result.value).toBe(bestByTrying(request).value);
        expect(faultsOf(request, result)).toEqual([]);
        expect({ value: result.value, count: result.prefixes.length }).toEqual(best);
        expect(result.optimum).toBe(result.value);
        // Whatever may be covered without bystanders, and finds room, is.
        const candidates = candidatesOf(request).filter(({ collateral }) => collateral <= boundOf(request.collateral));
        const coverable = request.sources.map(({ cidr }) => candidates.some((one) => contains(one.cidr, cidr)));
        const weight = request.sources.reduce((sum, source, at) => sum + (coverable[at] === true ? source.weight : 0), 0);
        if (bestByTrying({ ...request, collateral: { kind: "none" } }).value === weight) expect(result).toMatchObject({ collateral: 0, coveredWeight: weight });
        expect(result.method === "cover").toBe(result.collateral === 0 && result.left.every((at) => coverable[at] === false));
        methods.set(result.method, (methods.get(result.method) ?? 0) + 1);
      }),
      { numRuns: runs },
    );
    expect([...methods.keys()].sort()).toEqual(["cover", "exact"]);
  });

  it.each([4, 6] as const)("exact: of two ways to share the room that are worth the same, the one with fewer prefixes: three hosts of IPv%i", (family) => {
    const hosts = (own: Family, count: number, weight: number) =>
      Array.from({ length: count }, (_, at) => ({ cidr: cornerBlock(own, own === 4 ? 32 : 64, at), weight }));
    // Three hosts are worth 6; so are the block around them, with one bystander, and the host of the other family.
    const result = choose({
      sources: [...hosts(family, 3, 2), ...hosts(family === 4 ? 6 : 4, 1, 1)],
      rooms: [{ families: [4, 6], limit: 3 }],
      isProtected: () => false,
      lengths: { ipv4: [30, 32], ipv6: [62, 64] },
      collateral: { kind: "price", price: 1 },
    });
    expect({ value: result.value, count: result.prefixes.length }).toEqual({ value: 6, count: 2 });
  });

  it("exact: of two ways to spend a bystander that are worth the same, the one with fewer prefixes", () => {
    const four = [0, 1, 2].map((at) => ({ cidr: cornerBlock(4, 32, at), weight: 1 }));
    const six = Array.from({ length: 7 }, (_, at) => ({ cidr: cidrOf(`2001:db8:0:${at}::/64`), weight: 1 }));
    const result = choose({
      sources: [...four, ...six],
      rooms: [{ families: [4, 6], limit: 9 }],
      isProtected: () => false,
      lengths: { ipv4: [30, 32], ipv6: [61, 64] },
      collateral: { kind: "max", units: 1 },
    });
    expect({ value: result.value, count: result.prefixes.length, method: result.method }).toEqual({ value: 10, count: 4, method: "exact" });
  });
});
