// Which target spills into which: names that exist, no circles. What a spill means is `functions/pass/spill.ts`.
import type { TargetConfig } from "../config.ts";
import { type Finding, finding, shown, suggestion } from "./problem.ts";

type Targets = Readonly<Record<string, Pick<TargetConfig, "spill">>>;

function isCircular(start: string, targets: Targets): boolean {
  const seen = new Set([start]);
  for (let next = targets[start]?.spill; next !== undefined && Object.hasOwn(targets, next); next = targets[next]?.spill) {
    if (next === start) return true;
    if (seen.has(next)) return false;
    seen.add(next);
  }
  return false;
}

/** `names`: all that the file has, so that a target which could not be read is not called missing. */
export function spillFindings(targets: Targets, names: readonly string[]): Finding[] {
  return Object.entries(targets).flatMap(([name, { spill }]): Finding[] => {
    if (spill === undefined) return [];
    const path = ["targets", name, "spill"];
    if (!names.includes(spill)) return [finding(path, `there is no target ${shown(spill)}`, suggestion(spill, names))];
    if (!isCircular(name, targets)) return [];
    return [finding(path, "spills in a circle: what finds no room would come back to it", "let the last of the chain spill into nothing")];
  });
}
