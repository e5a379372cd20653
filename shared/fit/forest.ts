// The choices that can still matter once each has a value: dominated ones are left out, and what is alone in its part of the
// address space is set apart, because the best of those are found by sorting. Decides nothing about room.
import type { Choices } from "./choices.ts";
import { blockAround } from "./trie.ts";

/** What a choice counts: its weight, more when it stands, less a price for each bystander. */
export interface Scale {
  /** A standing choice's weight counts 1 + bias times, and ties go to it. Null: what stands counts like the rest, ties included. */
  readonly bias: number | null;
  readonly price: number;
  /** Whether collateral is also bounded as a whole, so that a cheaper choice may be needed where a better one is possible. */
  readonly bounded: "bounded" | "free";
  /** No more prefixes than this find room. */
  readonly most: number;
}

export interface Forest {
  readonly choices: Choices;
  /** By choice; meaningful for legal ones. */
  readonly value: Float64Array;
  /** Children before parents. `item` is the choice that may be taken here, or -1. */
  readonly size: number;
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly item: Int32Array;
  /** The one tree that all parts hang in; -1: there is none. */
  readonly root: number;
  /** Choices that overlap no other, best first, as many as find room. */
  readonly singles: readonly number[];
}

/** From so many singles for each that finds room on, a heap is quicker than a sort. */
const heapShare = 8;

/** Makes ties go to what stands: far below any difference between weights that means something. */
const tieShare = 2 ** -40;

function valuesOf({ size, weight, collateral, standing }: Choices, { bias, price }: Scale): Float64Array {
  const values = new Float64Array(size);
  const factor = bias === null ? 1 : (1 + bias) * (1 + tieShare);
  for (let at = 0; at < size; at += 1) {
    const counted = standing[at] === 1 ? (weight[at] ?? 0) * factor : (weight[at] ?? 0);
    values[at] = price === 0 ? counted : counted - price * (collateral[at] ?? 0);
  }
  return values;
}

/** Why a choice is out, or how it counts. */
const state = { out: 0, open: 1, whole: 2 } as const;

/**
 * Bottom up. `whole`: one prefix here is worth as much as any number of prefixes below, so nothing below is looked at.
 * `out`: not legal, worth nothing, or worth less than one prefix below it.
 */
function judge(choices: Choices, value: Float64Array, { bounded }: Scale): Uint8Array {
  const { size, left, right, legal, collateral } = choices;
  const states = new Uint8Array(size);
  const sum = new Float64Array(size);
  const best = new Float64Array(size);
  for (let at = 0; at < size; at += 1) {
    const l = left[at] ?? -1;
    const r = right[at] ?? -1;
    const sumBelow = (l === -1 ? 0 : (sum[l] ?? 0)) + (r === -1 ? 0 : (sum[r] ?? 0));
    const bestBelow = Math.max(l === -1 ? 0 : (best[l] ?? 0), r === -1 ? 0 : (best[r] ?? 0));
    const own = value[at] ?? 0;
    const counts = legal[at] === 1 && own > 0 && (bounded === "bounded" || own >= bestBelow);
    if (counts) states[at] = own >= sumBelow && (bounded === "free" || collateral[at] === 0) ? state.whole : state.open;
    sum[at] = counts ? Math.max(own, sumBelow) : sumBelow;
    best[at] = counts ? Math.max(own, bestBelow) : bestBelow;
  }
  return states;
}

/** Top down: 1 below a choice that counts, 2 below one that is whole. */
function shadeOf({ size, left, right }: Choices, states: Uint8Array): Uint8Array {
  const shade = new Uint8Array(size);
  for (let at = size - 1; at >= 0; at -= 1) {
    const own = Math.max(shade[at] ?? 0, states[at] ?? 0);
    const l = left[at] ?? -1;
    const r = right[at] ?? -1;
    if (l !== -1) shade[l] = own;
    if (r !== -1) shade[r] = own;
  }
  return shade;
}

class Grower {
  readonly #most: number;
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly item: Int32Array;
  size = 0;

  constructor(most: number) {
    this.#most = most;
    this.left = new Int32Array(most);
    this.right = new Int32Array(most);
    this.item = new Int32Array(most);
  }

  add(left: number, right: number, item: number): number {
    const at = this.size;
    if (at >= this.#most) return -1;
    this.size += 1;
    this.left[at] = left;
    this.right[at] = right;
    this.item[at] = item;
    return at;
  }

  /** What joins two parts; -1 is no part. */
  join(left: number, right: number): number {
    if (left === -1 || right === -1) return Math.max(left, right);
    return this.add(left, right, -1);
  }

  /** In halves, so that tables stay small. */
  joinAll(parts: readonly number[]): number {
    let row = [...parts];
    while (row.length > 1) {
      const next: number[] = [];
      for (let at = 0; at < row.length; at += 2) next.push(this.join(row[at] ?? -1, row[at + 1] ?? -1));
      row = next;
    }
    return row[0] ?? -1;
  }
}

/** Best first; then what stands, then by address. A total order: no two choices are the same block. */
export function bestFirst({ choices, value }: Pick<Forest, "choices" | "value">): (a: number, b: number) => number {
  const { standing, trie, node } = choices;
  return (a, b) =>
    (value[b] ?? 0) - (value[a] ?? 0) || (standing[b] ?? 0) - (standing[a] ?? 0) || (trie.first[node[a] ?? 0] ?? 0) - (trie.first[node[b] ?? 0] ?? 0) || a - b;
}

/** The value of the `most`th best, 0 where all or none find room: by a heap of the best so far, whose least is at its top, where those are few among many. */
export function leastOf(singles: Int32Array, value: Float64Array, most: number): number {
  if (most >= singles.length || most === 0) return 0;
  if (most > singles.length / heapShare) return Float64Array.from(singles, (choice) => value[choice] ?? 0).sort()[singles.length - most] ?? 0;
  const heap = Float64Array.from(singles.subarray(0, most), (choice) => value[choice] ?? 0).sort();
  for (let next = most; next < singles.length; next += 1) {
    const own = value[singles[next] ?? 0] ?? 0;
    if (own <= (heap[0] ?? 0)) continue;
    let at = 0;
    for (let child = 1; child < most; child = 2 * at + 1) {
      if (child + 1 < most && (heap[child + 1] ?? 0) < (heap[child] ?? 0)) child += 1;
      const below = heap[child] ?? 0;
      if (below >= own) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = own;
  }
  return heap[0] ?? 0;
}

/** Sorts no more than it must: few of many singles find room. */
function bestOf(singles: Int32Array, forest: Pick<Forest, "choices" | "value">, most: number): number[] {
  const { value } = forest;
  const least = leastOf(singles, value, most);
  const good: number[] = [];
  for (const choice of singles) if ((value[choice] ?? 0) >= least) good.push(choice);
  return good.sort(bestFirst(forest)).slice(0, most);
}

/** Choices that count and are not below a whole one: no more members than twice as many are needed, joints included. */
function countOf(states: Uint8Array, shade: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < states.length; at += 1) if (states[at] !== state.out && shade[at] !== state.whole) count += 1;
  return count;
}

export function createForest(choices: Choices, scale: Scale): Forest {
  const value = valuesOf(choices, scale);
  const states = judge(choices, value, scale);
  const shade = shadeOf(choices, states);
  const grower = new Grower(2 * countOf(states, shade));
  const grown = new Int32Array(choices.size).fill(-1);
  const singles = new Int32Array(choices.size);
  let singlesCount = 0;
  const parts: number[] = [];
  for (let at = 0; at < choices.size; at += 1) {
    if (shade[at] === state.whole) continue;
    const l = choices.left[at] ?? -1;
    const r = choices.right[at] ?? -1;
    const whole = states[at] === state.whole;
    const left = l === -1 || whole ? -1 : (grown[l] ?? -1);
    const right = r === -1 || whole ? -1 : (grown[r] ?? -1);
    const counts = states[at] !== state.out;
    if (shade[at] === 0 && !counts) continue;
    const alone = shade[at] === 0 && left === -1 && right === -1;
    if (alone && (scale.bounded === "free" || choices.collateral[at] === 0)) {
      singles[singlesCount] = at;
      singlesCount += 1;
    } else grown[at] = counts ? grower.add(left, right, at) : grower.join(left, right);
    if (shade[at] === 0 && grown[at] !== -1) parts.push(grown[at] ?? -1);
  }
  const root = grower.joinAll(parts);
  return {
    choices,
    value,
    size: grower.size,
    left: grower.left,
    right: grower.right,
    item: grower.item,
    root,
    singles: bestOf(singles.subarray(0, singlesCount), { choices, value }, scale.most),
  };
}

/** The choices that may be taken in the forest, its singles apart. */
export function itemsOf({ item, size }: Pick<Forest, "item" | "size">): number[] {
  return [...item.subarray(0, size)].filter((choice) => choice !== -1);
}

/** The address block of a choice. */
export function blockOfChoice({ trie, node, length }: Choices, sources: Parameters<typeof blockAround>[1], choice: number): ReturnType<typeof blockAround> {
  return blockAround(trie, sources, node[choice] ?? 0, length[choice] ?? 0);
}
