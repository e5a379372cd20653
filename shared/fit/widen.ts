// What is left of a bound on bystanders buys wider prefixes around chosen ones, most value per bystander first. Spends no more than is left.
import type { Choices } from "./choices.ts";
import { bestFirst, type Forest, itemsOf } from "./forest.ts";
import { Taken } from "./priced.ts";

interface Below {
  readonly value: Float64Array;
  readonly collateral: Float64Array;
  readonly count: Int32Array;
}

/** What is chosen strictly below each choice. */
function chosenBelow({ choices, value }: Forest, chosen: ReadonlySet<number>): Below {
  const below = { value: new Float64Array(choices.size), collateral: new Float64Array(choices.size), count: new Int32Array(choices.size) };
  for (let at = 0; at < choices.size; at += 1) {
    for (const child of [choices.left[at] ?? -1, choices.right[at] ?? -1]) {
      if (child === -1) continue;
      const own = chosen.has(child);
      below.value[at] = (below.value[at] ?? 0) + (own ? (value[child] ?? 0) : (below.value[child] ?? 0));
      below.collateral[at] = (below.collateral[at] ?? 0) + (own ? (choices.collateral[child] ?? 0) : (below.collateral[child] ?? 0));
      below.count[at] = (below.count[at] ?? 0) + (own ? 1 : (below.count[child] ?? 0));
    }
  }
  return below;
}

function descendants({ left, right }: Choices, from: number): number[] {
  const found: number[] = [];
  const open = [left[from] ?? -1, right[from] ?? -1];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === -1) continue;
    found.push(at);
    open.push(left[at] ?? -1, right[at] ?? -1);
  }
  return found;
}

/** Replaces chosen prefixes by a wider one around them, most value per bystander first, while the bound allows. Answers what is left of it. */
export function widen(forest: Forest, chosen: Set<number>, left: number): number {
  const { choices, value } = forest;
  const below = chosenBelow(forest, chosen);
  const taken = new Taken(forest, chosen);
  const cost = (at: number): number => (choices.collateral[at] ?? 0) - (below.collateral[at] ?? 0);
  const gain = (at: number): number => (value[at] ?? 0) - (below.value[at] ?? 0);
  const candidates = itemsOf(forest).filter((at) => (below.count[at] ?? 0) > 0 && gain(at) > 0);
  const rate = new Map(candidates.map((at) => [at, gain(at) / Math.max(cost(at), Number.MIN_VALUE)]));
  // What overlaps a wider block that was taken.
  const touched = new Set<number>();
  const order = bestFirst(forest);
  let rest = left;
  for (const at of candidates.sort((a, b) => (rate.get(b) ?? 0) - (rate.get(a) ?? 0) || order(a, b))) {
    if (cost(at) > rest || touched.has(at)) continue;
    for (const one of descendants(choices, at)) {
      chosen.delete(one);
      touched.add(one);
    }
    chosen.add(at);
    for (const outer of taken.around(at)) touched.add(outer);
    rest -= cost(at);
  }
  return rest;
}
