// Placed is sticky: the most that standing prefixes may count more, so that what is chosen loses no more of the best value than allowed.
import { limits } from "../limits.ts";
import type { Solution } from "./budget.ts";
import type { Chosen } from "./exact.ts";

export interface Kept {
  readonly solution: Solution;
  readonly bias: number;
  readonly optimum: number;
}

/** Sums of the same weights in another order differ by less than this share. */
const roundingShare = 1e-12;

/**
 * Tries a bias of 1 (a standing prefix counts twice its weight), then halves the interval. A bias of 0 still gives ties to what stands.
 * When even that loses too much, which only the rounding of the near methods can do, what stands has no say.
 */
export function keepStanding(unbiased: Solution, solveAt: (bias: number) => Solution, worth: (chosen: Chosen) => number, lossMax: number): Kept {
  const best = worth(unbiased.chosen);
  const least = best * (1 - lossMax) - best * roundingShare;
  const tryAt = (bias: number): Kept | null => {
    const solution = solveAt(bias);
    const value = worth(solution.chosen);
    return value >= least ? { solution, bias, optimum: Math.max(best, value) } : null;
  };
  const most = tryAt(1);
  if (most !== null) return most;
  let kept = tryAt(0);
  let [low, high] = [0, 1];
  for (let step = 0; step < limits.fitBiasSteps && kept !== null; step += 1) {
    const middle = (low + high) / 2;
    const found = tryAt(middle);
    if (found === null) high = middle;
    else [kept, low] = [found, middle];
  }
  return kept ?? { solution: unbiased, bias: 0, optimum: best };
}
