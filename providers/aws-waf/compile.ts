// From the core's changes to at most one UpdateIPSet per family, each with the whole list. Pure and deterministic.
// Refuses to send less: a list is what was seen, less what a change removes by name, more what a change adds.
import { type Cidr, cidrKey, cidrText, compareCidrs } from "../../shared/address/index.ts";
import { fingerprint } from "../../shared/plan/fingerprint.ts";
import type { CompileRequest, Step } from "../../shared/provider.ts";
import { shrinkingFirst } from "../internal/shared-room.ts";
import { type AwsWafSettings, type Family, families, type SetName, setsOf, slotOf, wafLimits } from "./config.ts";
import { contentOf, entryOf, foreignTexts } from "./convert.ts";

/** What one step sends: all that `apply` may use. */
export interface NativeStep {
  readonly arn: string;
  readonly family: Family;
  /** The whole list, in address order; texts that are not ours last, as they stand. */
  readonly addresses: readonly string[];
  /** The name of what the set held when this was decided. */
  readonly before: string;
  /** Whose mark the set carried. */
  readonly storeId: string | null;
}

function few(cidrs: readonly Cidr[]): string {
  const shown = cidrs.slice(0, 3).map(cidrText).join(", ");
  return cidrs.length > 3 ? `${shown} and ${cidrs.length - 3} more` : shown;
}

function summaryOf(set: SetName, added: readonly Cidr[], removed: readonly Cidr[], count: number): string {
  const parts = [...(added.length === 0 ? [] : [`add ${few(added)}`]), ...(removed.length === 0 ? [] : [`remove ${few(removed)}`])];
  return `IP set ${set.name}: ${parts.join(", ")}; ${count} addresses in all`;
}

function stepFor(request: CompileRequest, set: SetName): Step | null {
  const { family } = set;
  const { observation, changes } = request;
  const before = observation.ours.filter((entry) => entry.cidr.family === family);
  const foreign = foreignTexts(observation, family);
  const going = new Set(changes.flatMap((change) => (change.verb === "add" ? [] : [change.entry.id])));
  const removed = before.filter((entry) => going.has(entry.id));
  const kept = before.filter((entry) => !going.has(entry.id)).map((entry) => entry.cidr);
  const standing = new Set(kept.map(cidrKey));
  const wanted = changes.flatMap((change) =>
    change.verb === "remove" || change.cidr.family !== family || standing.has(cidrKey(change.cidr)) ? [] : [change.cidr],
  );
  const unique = [...new Map(wanted.map((cidr) => [cidrKey(cidr), cidr])).values()];
  // The core counts the room; a list that WAF would refuse whole must not come from a miscount.
  const added = unique.slice(0, Math.max(0, wafLimits.addressesPerSet - kept.length - foreign.length));
  if (removed.length === 0 && added.length === 0) return null;
  const addresses = [...[...kept, ...added].sort(compareCidrs).map(cidrText), ...[...foreign].sort()];
  const native: NativeStep = {
    arn: set.arn,
    family,
    addresses,
    before: contentOf({ cidrs: before.map((entry) => entry.cidr), foreign }),
    storeId: observation.storeId,
  };
  return {
    id: `aws-waf/${set.name}/${addresses.length}/${fingerprint(addresses)}`,
    summary: summaryOf(
      set,
      added,
      removed.map((entry) => entry.cidr),
      addresses.length,
    ),
    slots: [slotOf(family)],
    adds: added.map(entryOf),
    removes: removed.map((entry) => entry.id),
    native: { ...native },
  };
}

/** The family that the core's order names first goes first. */
function familyOrder(request: CompileRequest): readonly Family[] {
  const first = request.changes[0];
  if (first === undefined) return [];
  return (first.verb === "remove" ? first.entry.cidr : first.cidr).family === 4 ? families : [...families].reverse();
}

/** Each set is written at once, so what shrinks goes before what grows, whatever the order inside: both share the room that `maxEntries` gives. */
export function compile(request: CompileRequest, settings: AwsWafSettings): readonly Step[] {
  const sets = setsOf(settings);
  const steps = familyOrder(request).flatMap((family) => sets.filter((set) => set.family === family).flatMap((set) => stepFor(request, set) ?? []));
  const sized = steps.map((step) => ({ step, growth: step.adds.length - step.removes.length }));
  return shrinkingFirst(sized, request.frozen);
}
