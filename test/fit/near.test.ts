// The near methods, which large inputs get: they break no rule, never spend more than allowed, and come close to the best.
import { assert as check, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { cidrKey, cidrOf } from "../../shared/address/index.ts";
import { type Collateral, fit as choose, type FitRequest } from "../../shared/fit/index.ts";
import { bestByTrying, collateral, faultsOf, instance } from "./support.ts";

const runs = Number(process.env.FIT_RUNS ?? 1_000);

describe("the near methods", () => {
  it.each<Collateral["kind"]>(["none", "price", "max"])("price: for %s, breaks no rule and reaches nearly the best value", (kind) => {
    let [reached, possible, near] = [0, 0, 0];
    const policies = collateral.filter((one) => one.kind === kind);
    check(
      property(instance, policies, integer({ min: 2, max: 3 }), (base, policy, limit) => {
        // Room for a few, and bystanders for fewer than one would like: otherwise there is nothing to be near to.
        const request: FitRequest = { ...base, collateral: policy, rooms: [...base.rooms.map((room) => ({ ...room, limit }))] };
        const result = choose({ ...request, stepsMax: 0 });
        expect(faultsOf(request, result)).toEqual([]);
        const best = bestByTrying(request).value;
        expect(result.value).toBeLessThanOrEqual(best + 1e-9);
        if (result.method !== "price") return;
        reached += result.value;
        possible += best;
        near += 1;
      }),
      { numRuns: runs },
    );
    if (kind === "none") expect(near).toBe(0);
    else expect({ near: near > runs / 50, share: reached / possible > 0.9 }).toEqual({ near: true, share: true });
  });

  it("price: keeps what stands as the exact method does, within the same loss", () => {
    check(
      property(instance, instance, (request, before) => {
        const standing = choose({ ...request, sources: [...request.sources, ...before.sources] }).prefixes.map(({ cidr }) => cidr);
        const result = choose({ ...request, standing, stepsMax: 0, lossMax: 0.05 });
        expect(faultsOf(request, result)).toEqual([]);
        expect(result.value).toBeGreaterThanOrEqual(result.optimum * 0.95 * (1 - 1e-9));
      }),
      { numRuns: runs / 2 },
    );
  });
});

describe("bystanders", () => {
  const open = {
    isProtected: () => false,
    lengths: { ipv4: { min: 0, max: 32 }, ipv6: { min: 0, max: 128 } },
    rooms: [{ families: [4, 6] as const, limit: 1 }],
  };
  const only = (collateral: Collateral, ...blocks: readonly string[]): FitRequest => ({
    ...open,
    collateral,
    sources: blocks.map((text) => ({ cidr: cidrOf(text), weight: 1 })),
  });

  it("bystanders: two hosts of one /64 are not the /64, unless a /64 may be a bystander", () => {
    const hosts = ["2001:db8::1/128", "2001:db8::8000:0:0:1/128"] as const;
    expect(choose(only({ kind: "none" }, ...hosts)).prefixes).toHaveLength(1);
    expect(choose(only({ kind: "none" }, ...hosts)).coveredWeight).toBe(1);
    expect(choose(only({ kind: "max", units: 1 }, ...hosts))).toMatchObject({ coveredWeight: 2, collateral: 1 });
  });

  it("bystanders: the largest ranges are counted to the unit", () => {
    const halves = ["2000::/20", "2000:1000::/20"] as const;
    expect(choose(only({ kind: "none" }, ...halves))).toMatchObject({ method: "cover", collateral: 0 });
    const all = choose(only({ kind: "none" }, "0.0.0.0/1", "128.0.0.0/1"));
    expect(all.prefixes.map(({ cidr }) => cidrKey(cidr))).toEqual([cidrKey(cidrOf("0.0.0.0/0"))]);
    const short = ["2000::/20", "2000:1000::/64"] as const;
    expect(choose(only({ kind: "price", price: 0 }, ...short)).collateral).toBe(2 ** 44 - 1);
    expect(choose(only({ kind: "price", price: 0 }, "10.0.0.0/32", "10.255.255.255/32")).collateral).toBe(2 ** 24 - 2);
  });
});
