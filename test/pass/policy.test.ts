// How a target's rules may be spent: no wider prefix ever touches what is protected or exempt, or is wider than the operator allows.
import { describe, expect, it } from "vitest";
import { policyOf } from "../../functions/pass/policy.ts";
import type { Target, World } from "../../functions/pass/world.ts";
import { type Cidr, cidrOf, overlaps } from "../../shared/address/index.ts";
import type { TargetConfig } from "../../shared/config.ts";
import type { Lift } from "../../shared/lease/record.ts";
import { limits } from "../../shared/limits.ts";
import { requestOf, startMs, targetConfig, targetOf, whole, worldOf } from "./world.ts";

const base = await worldOf();

function policy(config: Partial<TargetConfig> = {}, { admit = () => true, taken, protect, lifts = [] }: Parts = {}) {
  const provider = { admit: (cidr: Cidr) => ({ kind: admit(cidr) ? "accept" : "narrow" }) } as unknown as Target["provider"];
  const target: Target = { ...targetOf("web"), config: { ...targetConfig, ...config }, provider };
  const find = (cidr: Cidr) => (protect !== undefined && overlaps(cidrOf(protect), cidr) ? { range: protect, source: "ours" } : null);
  const world: World = { ...base, protection: { find, size: 1 } };
  const observed = taken === undefined ? {} : { taken: taken.map((text) => ({ cidr: cidrOf(text), why: "the owner's" })) };
  return policyOf(world, target, requestOf({ now: startMs, records: { ...whole, lifts } }), observed as Parameters<typeof policyOf>[3]);
}

interface Parts {
  readonly admit?: (cidr: Cidr) => boolean;
  readonly taken?: readonly string[];
  readonly protect?: string;
  readonly lifts?: readonly Lift[];
}

const liftOf = (text: string, exemptUntil: number | null): Lift => ({ key: text, cidr: cidrOf(text), at: 0, client: "*", exemptUntil });
const offLimits = (made: ReturnType<typeof policy>, ...texts: readonly string[]) => texts.map((text) => made.isOffLimits(cidrOf(text)));

describe("policyOf", () => {
  it("policyOf: unless the operator says otherwise no bystander, and the usual loss", () => {
    expect(policy()).toMatchObject({ collateral: { kind: "none" }, lossMax: limits.fitLossShareMax, isTaken: undefined });
    const allow = { kind: "max", units: 9 } as const;
    expect(policy({ lossMax: 0, collateral: { allow, widest: { ipv4: 20, ipv6: 48 } } })).toMatchObject({ collateral: allow, lossMax: 0 });
  });

  it("policyOf: the lengths that the kind holds as they are, each family's own", () => {
    const all = (bits: number) => Array.from({ length: bits }, (_, at) => at + 1);
    expect(policy().lengths).toEqual({ ipv4: all(32), ipv6: all(128) });
    const some = policy({}, { admit: ({ family, length }) => (family === 4 ? [1, 8, 32] : [12, 64, 128]).includes(length) });
    expect(some.lengths).toEqual({ ipv4: [1, 8, 32], ipv6: [12, 64, 128] });
  });

  it("policyOf: asks a kind for its lengths with an address that is nobody's special, and once", () => {
    const asked: string[] = [];
    const provider = {
      admit: ({ first }: Cidr) => {
        asked.push(first);
        return { kind: "accept" };
      },
    } as unknown as Target["provider"];
    const target: Target = { ...targetOf("web"), provider };
    const { lengths } = policyOf(base, target, requestOf(), { taken: [] });
    expect(policyOf(base, target, requestOf(), { taken: [] }).lengths).toBe(lengths);
    expect(asked).toHaveLength(32 + 128);
    expect([asked[31], asked.at(-1)]).toEqual(["cb007100", `20010db8${"0".repeat(24)}`]);
  });

  it("policyOf: off limits is what is wider than anybody may block", () => {
    const { ipv4, ipv6 } = limits.shortestPrefix;
    const made = policy();
    expect(offLimits(made, `10.0.0.0/${ipv4}`, `10.0.0.0/${ipv4 - 1}`, `2001::/${ipv6}`, `2000::/${ipv6 - 1}`)).toEqual([false, true, false, true]);
  });

  it("policyOf: off limits is what is wider than the operator allows, each family's own", () => {
    const made = policy({ collateral: { allow: { kind: "price", price: 1 }, widest: { ipv4: 24, ipv6: 56 } } });
    expect(offLimits(made, "203.0.113.0/24", "203.0.112.0/23", "2001:db8::/56", "2001:db8::/55")).toEqual([false, true, false, true]);
  });

  it("policyOf: off limits is whatever shares an address with what is protected", () => {
    const made = policy({}, { protect: "203.0.113.8/32" });
    expect(offLimits(made, "203.0.113.8/32", "203.0.113.8/29", "203.0.113.0/29")).toEqual([true, true, false]);
  });

  it("policyOf: off limits is whatever shares an address with what is exempt, until the exemption ends", () => {
    const made = policy({}, { lifts: [liftOf("203.0.113.8", startMs + 1), liftOf("203.0.113.16", startMs), liftOf("203.0.113.24", null)] });
    expect(offLimits(made, "203.0.113.8/32", "203.0.113.8/29", "203.0.113.16/29", "203.0.113.24/29")).toEqual([true, true, false, false]);
  });

  it("policyOf: taken is exactly what somebody else has", () => {
    const isTaken = policy({}, { taken: ["203.0.113.8/31"] }).isTaken;
    expect(["203.0.113.8/31", "203.0.113.8/32", "203.0.113.8/30"].map((text) => isTaken?.(cidrOf(text)))).toEqual([true, false, false]);
    expect(policy({}, { taken: [] }).isTaken).toBeUndefined();
  });
});
