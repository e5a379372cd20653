// From the core's decision to at most one PUT or DELETE per family's rule, each with the whole payload. Pure and deterministic.
// Refuses to send less than keep + place; an empty payload deletes the rule and never widens it.
import { type Cidr, cidrKey, cidrText, compareCidrs, contains } from "../../shared/address/index.ts";
import { fingerprint } from "../../shared/plan/fingerprint.ts";
import type { CompileRequest, Entry, Step } from "../../shared/provider.ts";
import { type SizedStep, shrinkingFirst } from "../internal/shared-room.ts";
import { type AzureNsgSettings, describeRule, type Family, families, priorityOf, ruleNameOf } from "./config.ts";

/** What one step sends: all that `apply` may use. */
export interface NativeStep {
  readonly nsg: string;
  readonly rule: string;
  readonly family: Family;
  readonly priority: number;
  readonly description: string | null;
  /** The whole payload, in address order; empty: the rule is deleted. */
  readonly sources: readonly string[];
  /** Fingerprint of the addresses that stood when this was decided: another set means that somebody changed the rule since. */
  readonly before: string;
}

export function fingerprintOf(cidrs: readonly Cidr[]): string {
  return fingerprint(cidrs.map(cidrKey));
}

/**
 * Azure refuses blocks inside one another in one rule (`OverlappingSubnetsNotPermittedInSecurityRule`: kubernetes-sigs/cloud-provider-azure#6775,
 * checked 2026-11-20). The wider one denies for both; when it goes, the same PUT brings the narrower one.
 */
export function widest(cidrs: readonly Cidr[]): readonly Cidr[] {
  const kept: Cidr[] = [];
  for (const cidr of [...cidrs].sort(compareCidrs)) {
    const last = kept.at(-1);
    if (last === undefined || !contains(last, cidr)) kept.push(cidr);
  }
  return kept;
}

interface Draft extends SizedStep {
  /** Where the core's order has the first address that it adds. */
  readonly claim: number;
}

function namesOf(cidrs: readonly Cidr[]): string {
  const shown = cidrs.slice(0, 3).map(cidrText).join(", ");
  return cidrs.length > 3 ? `${shown} and ${cidrs.length - 3} more` : shown;
}

function summaryOf(nsg: string, rule: string, wanted: readonly Cidr[], added: readonly Cidr[], removed: readonly Cidr[]): string {
  if (wanted.length === 0) return `delete rule ${rule} of ${nsg}, whose last address goes: ${namesOf(removed)}`;
  const parts = [...(added.length === 0 ? [] : [`deny ${namesOf(added)}`]), ...(removed.length === 0 ? [] : [`no longer deny ${namesOf(removed)}`])];
  return `rule ${rule} of ${nsg}: ${parts.length === 0 ? "as it should be" : parts.join(", ")}; ${wanted.length} addresses in all`;
}

/** Addresses that change without a change of the set: a rule that a person altered is written again when the core asks for it. */
function isRepair(request: CompileRequest, before: readonly Entry[], family: Family): boolean {
  return before.some((entry) => entry.partial !== null) && request.changes.some((change) => change.verb !== "remove" && change.cidr.family === family);
}

function draft(request: CompileRequest, settings: AzureNsgSettings, family: Family): Draft | null {
  const rule = ruleNameOf(settings, family);
  const before = request.observation.ours.filter((entry) => entry.cidr.family === family);
  const wanted = widest(request.standing.filter((cidr) => cidr.family === family));
  const wantedKeys = new Set(wanted.map(cidrKey));
  const standing = new Map(before.map((entry) => [cidrKey(entry.cidr), entry]));
  const added = wanted.filter((cidr) => !standing.has(cidrKey(cidr)));
  const removed = before.filter((entry) => !wantedKeys.has(cidrKey(entry.cidr))).sort((a, b) => compareCidrs(a.cidr, b.cidr));
  if (added.length === 0 && removed.length === 0 && !isRepair(request, before, family)) return null;
  const { storeId } = request.observation;
  const native: NativeStep = {
    nsg: settings.nsg,
    rule,
    family,
    priority: priorityOf(settings, family),
    description: storeId === null ? null : describeRule(storeId),
    sources: wanted.map(cidrText),
    before: fingerprintOf(before.map((entry) => entry.cidr)),
  };
  const now = wanted.filter((cidr) => standing.get(cidrKey(cidr))?.partial !== null);
  const step: Step = {
    id: `azure-nsg/${settings.nsg}/${rule}/${native.before}/${fingerprintOf(wanted)}`,
    summary: summaryOf(
      settings.nsg,
      rule,
      wanted,
      added,
      removed.map((entry) => entry.cidr),
    ),
    slots: [rule],
    adds: now.map((cidr) => ({ id: cidrText(cidr), cidr, partial: null })),
    removes: removed.map((entry) => entry.id),
    native: { ...native },
  };
  const claim = request.changes.findIndex((change) => change.verb !== "remove" && change.cidr.family === family);
  return { step, growth: added.length - removed.length, claim: claim < 0 ? request.changes.length : claim };
}

/**
 * What shrinks goes first, and what grows waits for it: both rules share the room of the NSG. Then the rule that has the first claim: a change is
 * worked on for seconds, and one family that changes all the time must not hold up the other.
 */
export function compile(request: CompileRequest, settings: AzureNsgSettings): readonly Step[] {
  const drafts = families.map((family) => draft(request, settings, family)).filter((one) => one !== null);
  const byClaim = drafts.sort((a, b) => a.claim - b.claim);
  return shrinkingFirst(byClaim, request.frozen);
}
