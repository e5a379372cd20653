// What the selected targets themselves say about a block, before it becomes a lease: can hold it, holds it as something
// wider, cannot. Refuses to overrule the core: a block that one target can hold is accepted.
import { type Cidr, displayCidr } from "../../shared/address/index.ts";
import { defaultTargets } from "../../shared/config.ts";
import type { Admission } from "../../shared/provider.ts";
import type { Problem } from "../../shared/request/problem.ts";
import type { Target } from "../pass/world.ts";
import type { AppDeps, TargetFacts } from "./call.ts";

type Admitting = Pick<AppDeps, "config" | "targetFacts">;

/** What these targets' providers say, by name; null for a target that is none of them. */
export function targetFactsOf(targets: readonly Pick<Target, "name" | "definition" | "provider">[]): (name: string) => TargetFacts | null {
  const byName = new Map(targets.map((target) => [target.name, target]));
  return (name) => {
    const target = byName.get(name);
    return target === undefined ? null : { caveats: target.definition.caveats, admit: (cidr) => target.provider.admit(cidr) };
  };
}

function selectedNames(deps: Admitting, targets: readonly string[] | null): readonly string[] {
  return targets ?? defaultTargets(deps.config);
}

function admissions(deps: Admitting, cidr: Cidr, targets: readonly string[] | null): readonly { readonly name: string; readonly admission: Admission }[] {
  return selectedNames(deps, targets).flatMap((name) => {
    const facts = deps.targetFacts?.(name) ?? null;
    return facts === null ? [] : [{ name, admission: facts.admit(cidr) }];
  });
}

/** UNSUPPORTED when there are selected targets and none of them can hold the block. */
export function admissionProblems(deps: Admitting, cidr: Cidr, field: string, targets: readonly string[] | null): readonly Problem[] {
  const names = selectedNames(deps, targets);
  const refusals = admissions(deps, cidr, targets).flatMap(({ name, admission }) => (admission.kind === "unsupported" ? [`${name}: ${admission.why}`] : []));
  if (names.length === 0 || refusals.length < names.length) return [];
  return [{ code: "UNSUPPORTED", field, reason: `no selected target can hold ${displayCidr(cidr)} (${refusals.join("; ")})` }];
}

/** What each target makes of the block where that differs from the block itself. */
export function admissionNotes(deps: AppDeps, cidr: Cidr, targets: readonly string[] | null): readonly string[] {
  return admissions(deps, cidr, targets).flatMap(({ name, admission }) => {
    if (admission.kind === "adjust") return [`${name} holds it as ${displayCidr(admission.cidr)}: ${admission.why}`];
    return admission.kind === "unsupported" ? [`${name} cannot hold it: ${admission.why}`] : [];
  });
}

/** What the operator should know about the selected targets, as a member of an answer; empty when nothing. */
export function caveatsOf(deps: AppDeps, targets: readonly string[] | null): { readonly caveats?: Readonly<Record<string, readonly string[]>> } {
  const entries = selectedNames(deps, targets).flatMap((name): [string, readonly string[]][] => {
    const caveats = deps.targetFacts?.(name)?.caveats ?? [];
    return caveats.length === 0 ? [] : [[name, caveats]];
  });
  return entries.length === 0 ? {} : { caveats: Object.fromEntries(entries) };
}
