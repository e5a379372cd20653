// From a mutant's hunt and a seed to one history. The same pair gives the same history, in the product as in its mutant.
import { type Outcome, run } from "../run.ts";
import { type Crowd, type Script, scriptOf } from "../script.ts";
import { crowdOf, settingOf } from "../setting.ts";
import type { Hunt } from "./mutant.ts";

const stepsUsual = 40;
/** How many actions are looked through for those that a hunt asks for. */
const lookedThrough = 30;

function scriptFor(seed: number, { only, steps = stepsUsual, script }: Hunt, crowd: Crowd): Script {
  if (script !== undefined) return { seed, actions: script };
  if (only === undefined) return scriptOf(seed, steps, crowd);
  const kinds = new Set<string>(only);
  return {
    seed,
    actions: scriptOf(seed, steps * lookedThrough, crowd)
      .actions.filter((action) => kinds.has(action.do))
      .slice(0, steps),
  };
}

export function runHistory(seed: number, hunt: Hunt): Promise<Outcome> {
  const setting = { ...settingOf(seed), ...hunt.setting };
  return run(scriptFor(seed, hunt, crowdOf(setting)), setting);
}
