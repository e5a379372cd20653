// The best choice for every number of prefixes, by dynamic programming over the forest: a node's table holds the most value that at
// most k prefixes below it reach. Tables are no longer than the leaves below them, so that all merges together take O(N·K) steps.
import type { Forest } from "./forest.ts";
import { fits, type Room } from "./room.ts";

export interface Pair<T> {
  readonly ipv4: T;
  readonly ipv6: T;
}

/** Chosen choices of each family, in no particular order. */
export type Chosen = Pair<readonly number[]>;

interface Tables {
  readonly forest: Forest;
  readonly start: Int32Array;
  /** Largest k of each table. */
  readonly most: Int32Array;
  readonly cells: Float64Array;
}

function sizesOf({ size, left, right }: Forest, cap: number): Int32Array {
  const most = new Int32Array(size);
  for (let at = 0; at < size; at += 1) {
    const l = left[at] ?? -1;
    const r = right[at] ?? -1;
    most[at] = Math.min(cap, Math.max(1, (l === -1 ? 0 : (most[l] ?? 0)) + (r === -1 ? 0 : (most[r] ?? 0))));
  }
  return most;
}

/** How many steps the tables up to `cap` prefixes take. */
export function stepsOf(forest: Forest, cap: number): number {
  const most = sizesOf(forest, Math.min(cap, forest.size));
  let steps = 0;
  for (let at = 0; at < forest.size; at += 1) {
    const l = forest.left[at] ?? -1;
    const r = forest.right[at] ?? -1;
    if (l !== -1 && r !== -1) steps += ((most[l] ?? 0) + 1) * ((most[r] ?? 0) + 1);
  }
  return steps;
}

/** Writes the best sums of one entry from each of two tables, by the sum of their places. */
function merge(cells: Float64Array, to: number, most: number, left: readonly [number, number], right: readonly [number, number]): void {
  const [leftStart, leftMost] = left;
  const [rightStart, rightMost] = right;
  for (let i = 0; i <= leftMost; i += 1) {
    const add = cells[leftStart + i] ?? 0;
    const end = Math.min(rightMost, most - i);
    for (let j = 0; j <= end; j += 1) {
      const sum = add + (cells[rightStart + j] ?? 0);
      if (sum > (cells[to + i + j] ?? 0)) cells[to + i + j] = sum;
    }
  }
}

function fillTables(forest: Forest, cap: number): Tables {
  const { size, left, right, item, value } = forest;
  const most = sizesOf(forest, cap);
  const start = new Int32Array(size);
  let total = 0;
  for (let at = 0; at < size; at += 1) {
    start[at] = total;
    total += (most[at] ?? 0) + 1;
  }
  const cells = new Float64Array(total);
  for (let at = 0; at < size; at += 1) {
    const l = left[at] ?? -1;
    const r = right[at] ?? -1;
    const to = start[at] ?? 0;
    const end = most[at] ?? 0;
    if (l !== -1 && r !== -1) merge(cells, to, end, [start[l] ?? 0, most[l] ?? 0], [start[r] ?? 0, most[r] ?? 0]);
    else if (l !== -1 || r !== -1) {
      const from = start[Math.max(l, r)] ?? 0;
      cells.copyWithin(to, from, from + end + 1);
    }
    const choice = item[at] ?? -1;
    const own = choice === -1 ? 0 : (value[choice] ?? 0);
    for (let k = 1; k <= end && (cells[to + k] ?? 0) < own; k += 1) cells[to + k] = own;
  }
  return { forest, start, most, cells };
}

/** The choices behind entry `k` of the root's table, with the fewest prefixes; of equals, the wider and then the lower addresses. */
function trace({ forest, start, most, cells }: Tables, root: number, count: number): number[] {
  const chosen: number[] = [];
  const open: (readonly [number, number])[] = [[root, count]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [at, asked] = next;
    if (at === -1) continue;
    const to = start[at] ?? 0;
    let k = Math.min(asked, most[at] ?? 0);
    while (k > 0 && cells[to + k - 1] === cells[to + k]) k -= 1;
    if (k === 0) continue;
    const total = cells[to + k];
    const choice = forest.item[at] ?? -1;
    if (choice !== -1 && total === forest.value[choice]) {
      chosen.push(choice);
      continue;
    }
    const l = forest.left[at] ?? -1;
    const r = forest.right[at] ?? -1;
    if (l === -1 || r === -1) {
      open.push([Math.max(l, r), k]);
      continue;
    }
    let i = Math.min(k, most[l] ?? 0);
    while (i > 0 && (k - i > (most[r] ?? 0) || (cells[(start[l] ?? 0) + i] ?? 0) + (cells[(start[r] ?? 0) + k - i] ?? 0) !== total)) i -= 1;
    open.push([l, i], [r, k - i]);
  }
  return chosen;
}

/** One family solved for every number of prefixes up to a cap. */
class Solved {
  readonly #tables: Tables;
  readonly #root: number;
  readonly #sums: Float64Array;
  readonly #forest: Forest;
  readonly cap: number;

  constructor(forest: Forest, limit: number) {
    this.#forest = forest;
    const { singles, value, root } = forest;
    const inForest = root === -1 ? 0 : (sizesOf(forest, forest.size)[root] ?? 0);
    this.cap = Math.min(limit, inForest + singles.length);
    this.#tables = fillTables(forest, this.cap);
    this.#root = root;
    this.#sums = new Float64Array(Math.min(this.cap, singles.length) + 1);
    for (let at = 1; at < this.#sums.length; at += 1) this.#sums[at] = (this.#sums[at - 1] ?? 0) + (value[singles[at - 1] ?? 0] ?? 0);
  }

  /** The most value with at most `count` prefixes, how many of them lie in the forest, and how many there are. */
  best(count: number): { readonly value: number; readonly inForest: number; readonly used: number } {
    const { start, most, cells } = this.#tables;
    const from = this.#root === -1 ? 0 : (start[this.#root] ?? 0);
    const end = this.#root === -1 ? 0 : Math.min(count, most[this.#root] ?? 0);
    let [value, inForest, used] = [-1, 0, 0];
    for (let i = 0; i <= end; i += 1) {
      const singles = Math.min(count - i, this.#sums.length - 1);
      const total = (this.#root === -1 ? 0 : (cells[from + i] ?? 0)) + (this.#sums[singles] ?? 0);
      // Ascending: of equals the first has the fewest, since every single counts.
      if (total > value) [value, inForest, used] = [total, i, i + singles];
    }
    return { value, inForest, used };
  }

  chosen(count: number): number[] {
    const { inForest } = this.best(count);
    return [...trace(this.#tables, this.#root, inForest), ...this.#forest.singles.slice(0, Math.min(count - inForest, this.#sums.length - 1))];
  }
}

export function solveExactly(forests: Pair<Forest>, room: Room): Chosen {
  const four = new Solved(forests.ipv4, Math.min(room.ipv4, room.both));
  const six = new Solved(forests.ipv6, Math.min(room.ipv6, room.both));
  if (fits(room, four.cap, six.cap)) return { ipv4: four.chosen(four.cap), ipv6: six.chosen(six.cap) };
  const tableSix = Array.from({ length: six.cap + 1 }, (_, count) => six.best(count));
  let split = { value: -1, ipv4: 0, ipv6: 0, used: 0 };
  for (let ipv4 = Math.max(0, room.both - six.cap); ipv4 <= four.cap; ipv4 += 1) {
    const ipv6 = Math.min(six.cap, room.both - ipv4);
    const [a, b] = [four.best(ipv4), tableSix[ipv6]];
    if (b === undefined) continue;
    const [value, used] = [a.value + b.value, a.used + b.used];
    if (value > split.value || (value === split.value && used < split.used)) split = { value, ipv4, ipv6, used };
  }
  return { ipv4: four.chosen(split.ipv4), ipv6: six.chosen(split.ipv6) };
}
