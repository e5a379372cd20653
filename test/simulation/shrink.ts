// Makes a failing script shorter: leaves out ever smaller pieces for as long as the same promise still breaks (delta debugging,
// Zeller and Hildebrandt 2002). Chance belongs to labels, so what is left out changes little of the rest.
import { type Outcome, run } from "./run.ts";
import type { Action } from "./script.ts";

const runsMax = 150;

export async function shrink(failed: Outcome): Promise<Outcome> {
  let best = failed;
  let runs = 0;
  const stillFails = async (actions: readonly Action[]): Promise<boolean> => {
    runs += 1;
    const outcome = await run({ ...failed.script, actions }, failed.setting);
    if (outcome.broken?.promise !== failed.broken?.promise) return false;
    best = outcome;
    return true;
  };
  for (let size = Math.ceil(failed.script.actions.length / 2); size >= 1 && runs < runsMax; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    let at = 0;
    while (at < best.script.actions.length && runs < runsMax) {
      const { actions } = best.script;
      const without = [...actions.slice(0, at), ...actions.slice(at + size)];
      if (!(await stillFails(without))) at += size;
    }
  }
  return best;
}
