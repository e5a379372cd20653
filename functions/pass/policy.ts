// How a target's scarce rules may be spent: what it can hold, what no wider prefix may touch, what its operator allows. Reads configuration only.
import { blockOf, type Cidr, CidrIndex, cidrKey, type Family, familyBits } from "../../shared/address/index.ts";
import { limits } from "../../shared/limits.ts";
import type { Policy } from "../../shared/plan/choose.ts";
import type { Observation } from "../../shared/provider.ts";
import type { Target, VisitRequest, World } from "./world.ts";

/** Any address that is nobody's special: only the length is asked about. */
const samples: Readonly<Record<Family, string>> = { 4: "cb007100", 6: `20010db8${"0".repeat(24)}` };

const known = new WeakMap<Target["provider"], { readonly ipv4: readonly number[]; readonly ipv6: readonly number[] }>();

function heldLengths(target: Target, family: Family): number[] {
  const lengths = Array.from({ length: familyBits(family) }, (_, index) => index + 1);
  return lengths.filter((length) => target.provider.admit(blockOf(family, samples[family], length)).kind === "accept");
}

/** The prefix lengths that the kind holds as they are; asked once per instance. */
function lengthsOf(target: Target): { readonly ipv4: readonly number[]; readonly ipv6: readonly number[] } {
  const before = known.get(target.provider);
  if (before !== undefined) return before;
  const lengths = { ipv4: heldLengths(target, 4), ipv6: heldLengths(target, 6) };
  known.set(target.provider, lengths);
  return lengths;
}

export function policyOf(world: World, target: Target, request: Pick<VisitRequest, "records" | "now">, { taken = [] }: Pick<Observation, "taken">): Policy {
  const { collateral, lossMax } = target.config;
  const widest = collateral?.widest ?? limits.shortestPrefix;
  const exempt = new CidrIndex(
    request.records.lifts.filter((lift) => (lift.exemptUntil ?? 0) > request.now),
    (lift) => lift.cidr,
  );
  const isTooWide = ({ family, length }: Cidr) => length < (family === 4 ? widest.ipv4 : widest.ipv6);
  const places = new Set(taken.map(({ cidr }) => cidrKey(cidr)));
  const isOffLimits = (cidr: Cidr) => isTooWide(cidr) || world.protection.find(cidr) !== null || exempt.overlapping(cidr).length > 0;
  return {
    collateral: collateral?.allow ?? { kind: "none" },
    lossMax: lossMax ?? limits.fitLossShareMax,
    lengths: lengthsOf(target),
    isOffLimits,
    isTaken: places.size === 0 ? undefined : (cidr) => places.has(cidrKey(cidr)),
  };
}
