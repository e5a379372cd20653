// The most value under a hard bound on collateral: exactly while that is small, else by a price per bystander that is raised until the
// bound holds; what the price leaves of the bound is then spent. Never answers with more collateral than allowed.
import { limits } from "../limits.ts";
import type { Choices } from "./choices.ts";
import { type Chosen, type Pair, solveExactly, stepsOf } from "./exact.ts";
import { createForest, type Forest, type Scale } from "./forest.ts";
import { solveByFronts } from "./fronts.ts";
import { type Effort, fillUp, solveByPrice } from "./priced.ts";
import type { FitMethod } from "./request.ts";
import { fits, type Room } from "./room.ts";
import { widen } from "./widen.ts";

export interface Solution {
  readonly chosen: Chosen;
  readonly method: Exclude<FitMethod, "cover">;
}

export interface Budget {
  readonly choices: Pair<Choices>;
  readonly room: Room;
  readonly units: number;
  readonly bias: number | null;
  readonly stepsMax: number;
}

const families = ["ipv4", "ipv6"] as const;

/** Halvings of the price's logarithm, over this many orders of magnitude below the heaviest weight. */
const searchSteps = 20;
const searchDecades = 14;
/** Close enough to the bound: what is left is spent prefix by prefix. */
const spentShare = 0.99;

export function forestsOf(choices: Pair<Choices>, room: Room, scale: Omit<Scale, "most">): Pair<Forest> {
  return {
    ipv4: createForest(choices.ipv4, { ...scale, most: Math.min(room.ipv4, room.both) }),
    ipv6: createForest(choices.ipv6, { ...scale, most: Math.min(room.ipv6, room.both) }),
  };
}

/** Without a bound on collateral: exact when that takes at most `stepsMax` steps. */
export function solveFreely(forests: Pair<Forest>, room: Room, stepsMax: number, effort: Effort = "whole"): Solution {
  const cap = { ipv4: Math.min(room.ipv4, room.both), ipv6: Math.min(room.ipv6, room.both) };
  const steps = families.reduce((sum, family) => sum + stepsOf(forests[family], cap[family]), 0);
  // The tables take O(sources × prefixes) steps, often far fewer; whichever count is small enough will do.
  const bound = families.reduce((sum, family) => sum + forests[family].choices.trie.order.length * Math.min(cap[family], forests[family].size), 0);
  if (Math.min(steps, bound) <= stepsMax) return { chosen: solveExactly(forests, room), method: "exact" };
  return { chosen: solveByPrice(forests, room, effort), method: "price" };
}

function sumOver(chosen: Pair<Iterable<number>>, of: (family: "ipv4" | "ipv6", choice: number) => number): number {
  let sum = 0;
  for (const family of families) for (const choice of chosen[family]) sum += of(family, choice);
  return sum;
}

/** The best of the solutions at different prices that keep within the bound. */
export function solveAtBound({ choices, room, units, bias, stepsMax }: Budget, plain: Pair<Forest>): Solution {
  const collateralOf = (chosen: Chosen): number => sumOver(chosen, (family, choice) => choices[family].collateral[choice] ?? 0);
  const worthOf = (chosen: Chosen): number => sumOver(chosen, (family, choice) => plain[family].value[choice] ?? 0);
  const solveAt = (price: number): Solution =>
    solveFreely(forestsOf(choices, room, { bias, price, bounded: "free" }), room, stepsMax / limits.fitSearchShare, "rough");
  const free = solveFreely(forestsOf(choices, room, { bias, price: 0, bounded: "free" }), room, stepsMax);
  if (collateralOf(free.chosen) <= units) return free;
  // No weight outweighs a single bystander at this price.
  let best = solveAt(Number.MAX_VALUE).chosen;
  let bestValue = worthOf(best);
  const heaviest = Math.max(...families.map((family) => plain[family].value.reduce((most, value) => Math.max(most, value), 0)));
  let [low, high] = [Math.log(heaviest) - searchDecades * Math.LN10, Math.log(heaviest)];
  for (let step = 0; step < searchSteps; step += 1) {
    const middle = (low + high) / 2;
    const { chosen } = solveAt(Math.exp(middle));
    const spent = collateralOf(chosen);
    if (spent > units) {
      low = middle;
      continue;
    }
    high = middle;
    if (worthOf(chosen) > bestValue) [best, bestValue] = [chosen, worthOf(chosen)];
    if (spent >= units * spentShare) break;
  }
  return { chosen: best, method: "price" };
}

export function solveWithin(budget: Budget): Solution {
  const { choices, room, units, bias, stepsMax } = budget;
  const plain = forestsOf(choices, room, { bias, price: 0, bounded: "bounded" });
  const chosen = solveByFronts(plain, room, units, stepsMax / limits.fitSearchShare);
  if (chosen !== null) return { chosen, method: "exact" };
  const found = solveAtBound(budget, plain);
  if (found.method === "exact") return found;
  const sets = { ipv4: new Set(found.chosen.ipv4), ipv6: new Set(found.chosen.ipv6) };
  let left = units - sumOver(sets, (family, choice) => choices[family].collateral[choice] ?? 0);
  for (const family of families) left = widen(plain[family], sets[family], left);
  const affords = (collateral: number): boolean => {
    if (collateral > left) return false;
    left -= collateral;
    return true;
  };
  if (fits(room, sets.ipv4.size, sets.ipv6.size)) fillUp(plain, sets, room, affords);
  return { chosen: { ipv4: [...sets.ipv4], ipv6: [...sets.ipv6] }, method: "price" };
}
