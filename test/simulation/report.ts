// What a simulation did, for people: how often each kind of trouble and each class of interleaving really happened, what broke, and the
// shortest script that breaks it, as lines and as JSON to keep.
import type { Outcome } from "./run.ts";
import { told } from "./script.ts";
import type { Setting } from "./setting.ts";

export function settingText({ platform, clouds, room, spill }: Setting): string {
  return `${platform}, ${clouds.join(" and ")}, ${room}${spill === undefined ? "" : `, spilling (${spill})`}`;
}

export function addCounts(total: Map<string, number>, counts: Iterable<readonly [string, number]>): void {
  for (const [what, count] of counts) total.set(what, (total.get(what) ?? 0) + count);
}

export function countsText(counts: ReadonlyMap<string, number>): string {
  const width = Math.max(0, ...[...counts.values()].map((count) => String(count).length));
  const rows = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  return rows.map(([what, count]) => `  ${String(count).padStart(width)}  ${what}`).join("\n");
}

/** Why it failed, how, and how to see it again. */
export function failureText(shortest: Outcome, steps: number): string {
  const { script, setting, broken, trace } = shortest;
  return [
    `seed ${script.seed} (${settingText(setting)}) breaks ${broken?.promise}: ${broken?.what}`,
    `  again: npm run sim -- --seed ${script.seed} --steps ${steps}`,
    `  shortest script, ${script.actions.length} actions:`,
    ...script.actions.map((action) => `    ${told(action)}`),
    "  what happened last:",
    ...trace.slice(-60).map((line) => `    ${line}`),
    "  to keep (test/simulation/regressions/):",
    `    ${JSON.stringify({ taught: "…", setting, script })}`,
  ].join("\n");
}
