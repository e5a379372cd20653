// How a target is shown: what the last pass saw there, next to what the config says. Also for targets no pass has visited.
import type { TargetConfig } from "../../shared/config.ts";
import type { Snapshot } from "../../shared/lease/snapshot.ts";
import { timeText } from "./answer.ts";
import type { AppDeps } from "./call.ts";
import { adviceOn } from "./problem.ts";

export type ShownTarget = Record<string, unknown> & { readonly name: string };

function shownTarget(deps: AppDeps, name: string, config: TargetConfig, snapshot: Snapshot | null): ShownTarget {
  const seen = snapshot !== null && Object.hasOwn(snapshot.targets, name) ? snapshot.targets[name] : undefined;
  const caveats = deps.targetFacts?.(name)?.caveats ?? [];
  const error = seen === undefined || seen.error === null ? null : { ...seen.error, ...adviceOn(seen.error.code) };
  const visit =
    seen === undefined ? { observedAt: null, why: "no pass has visited this target yet" } : { ...seen, error, observedAt: timeText(seen.observedAt) };
  return { name, maxEntries: config.maxEntries, ...visit, kind: config.kind, mode: config.mode, caveats };
}

/** Every configured target in the order of the config. */
export function shownTargets(deps: AppDeps, snapshot: Snapshot | null): readonly ShownTarget[] {
  return Object.entries(deps.config.targets).map(([name, config]) => shownTarget(deps, name, config, snapshot));
}
