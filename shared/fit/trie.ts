// The path-compressed binary trie over the sources of one family, children before parents.
// Owns: which sources lie in which block, what they weigh, and how many addresses there no source names. Chooses nothing.
import { blockOf, type Cidr, type Family } from "../address/index.ts";
import type { FitSource } from "./request.ts";
import { commonBits, type Sorted, sortBlocks } from "./words.ts";

export interface Trie {
  readonly family: Family;
  readonly size: number;
  readonly length: Int16Array;
  /** Length of the node above, -1 at the root: between the two, every block holds the same sources. */
  readonly above: Int16Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** First and last place in `order` of the sources that lie in the node. */
  readonly first: Int32Array;
  readonly last: Int32Array;
  readonly weight: Float64Array;
  /** Bystanders in the node's own block. */
  readonly bystanders: Float64Array;
  /** 1 where a wider source names every address around the node. */
  readonly inSource: Uint8Array;
  readonly order: Int32Array;
}

/** The block length of one unit of collateral. */
const unitLength = { 4: 32, 6: 64 } as const;

/** Bystanders of the block of length `to` around one of length `from` that has `inside` of them, when no source lies beside it. */
export function bystandersAround(family: Family, inside: number, from: number, to: number): number {
  if (to === from) return inside;
  const unit = unitLength[family];
  if (to >= unit) return 1;
  return (from > unit ? 1 : inside) + 2 ** (unit - to) - 2 ** (unit - Math.min(from, unit));
}

/** Nodes on the way from the root to the newest source: never more than there are lengths. */
const depthMax = 129;

interface Path {
  readonly length: Int16Array;
  readonly first: Int32Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly own: Float64Array;
}

class Builder {
  readonly #sorted: Sorted;
  readonly #path: Path = {
    length: new Int16Array(depthMax),
    first: new Int32Array(depthMax),
    left: new Int32Array(depthMax),
    right: new Int32Array(depthMax),
    own: new Float64Array(depthMax),
  };
  #depth = 0;
  readonly nodes: Trie;
  #size = 0;
  #place = 0;

  constructor(sorted: Sorted) {
    this.#sorted = sorted;
    const most = Math.max(0, 2 * sorted.order.length - 1);
    this.nodes = {
      family: sorted.family,
      size: 0,
      length: new Int16Array(most),
      above: new Int16Array(most).fill(-1),
      left: new Int32Array(most).fill(-1),
      right: new Int32Array(most).fill(-1),
      first: new Int32Array(most),
      last: new Int32Array(most),
      weight: new Float64Array(most),
      bystanders: new Float64Array(most),
      inSource: new Uint8Array(most),
      order: sorted.order,
    };
  }

  /** `own` is the weight of the sources that are this very block; 0 for a fork. */
  #push(length: number, first: number, own: number): void {
    const path = this.#path;
    const at = this.#depth;
    this.#depth += 1;
    path.length[at] = length;
    path.first[at] = first;
    path.left[at] = -1;
    path.right[at] = -1;
    path.own[at] = own;
  }

  /** Length of the lowest node on the path; -1 of an empty one. */
  #lowest(): number {
    return this.#depth === 0 ? -1 : (this.#path.length[this.#depth - 1] ?? -1);
  }

  #hang(node: number): void {
    const path = this.#path;
    const at = this.#depth - 1;
    if (at < 0) return;
    this.nodes.above[node] = path.length[at] ?? -1;
    if (path.left[at] === -1) path.left[at] = node;
    else path.right[at] = node;
  }

  #inside(child: number, length: number): number {
    return child === -1 ? 0 : bystandersAround(this.nodes.family, this.nodes.bystanders[child] ?? 0, this.nodes.length[child] ?? 0, length + 1);
  }

  /** Takes the lowest node off the path: no more sources will come below it. */
  #finish(): number {
    const path = this.#path;
    const nodes = this.nodes;
    const node = this.#size;
    this.#size += 1;
    this.#depth -= 1;
    const at = this.#depth;
    const length = path.length[at] ?? 0;
    const left = path.left[at] ?? -1;
    const right = path.right[at] ?? -1;
    const own = path.own[at] ?? 0;
    nodes.length[node] = length;
    nodes.left[node] = left;
    nodes.right[node] = right;
    nodes.first[node] = path.first[at] ?? 0;
    nodes.last[node] = this.#place - 1;
    nodes.weight[node] = own + ((left === -1 ? 0 : (nodes.weight[left] ?? 0)) + (right === -1 ? 0 : (nodes.weight[right] ?? 0)));
    if (own === 0) {
      const sum = this.#inside(left, length) + this.#inside(right, length);
      nodes.bystanders[node] = length >= unitLength[nodes.family] ? Math.min(1, sum) : sum;
    }
    if (own > 0) nodes.inSource[node] = 1;
    return node;
  }

  /** Finishes all nodes that do not hold a block of which the first `common` bits are those of the newest. */
  #closeTo(common: number): void {
    let done = -1;
    while (this.#lowest() > common) {
      if (done !== -1) this.#hang(done);
      done = this.#finish();
    }
    if (done === -1 || common < 0) return;
    if (this.#lowest() < common) this.#push(common, this.nodes.first[done] ?? 0, 0);
    this.#hang(done);
  }

  add(first: number, end: number, length: number, weight: number): void {
    const { order } = this.#sorted;
    if (first > 0) this.#closeTo(Math.min(Math.max(0, this.#lowest()), length, commonBits(this.#sorted, order[first - 1] ?? 0, order[first] ?? 0)));
    this.#push(length, first, weight);
    this.#place = end;
  }

  /** Only what is around a node matters to it: a source's own mark moves down to its children. */
  finish(): Trie {
    this.#closeTo(-1);
    const { left, right, inSource } = this.nodes;
    for (let node = this.#size - 1; node >= 0; node -= 1) {
      if (inSource[node] === 0) continue;
      const l = left[node] ?? -1;
      const r = right[node] ?? -1;
      if (l !== -1) inSource[l] = 2;
      if (r !== -1) inSource[r] = 2;
    }
    for (let node = 0; node < this.#size; node += 1) inSource[node] = (inSource[node] ?? 0) >> 1;
    return { ...this.nodes, size: this.#size };
  }
}

/** Adds up in a fixed order, so that the order of the input does not show in the last digit. */
function sumOf(weights: number[]): number {
  return weights.sort((a, b) => a - b).reduce((sum, weight) => sum + weight, 0);
}

export function createTrie(sources: readonly FitSource[], family: Family): Trie {
  const sorted = sortBlocks(sources, family);
  const builder = new Builder(sorted);
  const { order } = sorted;
  for (let first = 0; first < order.length; ) {
    const source = sources[order[first] ?? 0];
    if (source === undefined) break;
    const { cidr } = source;
    let end = first + 1;
    while (end < order.length && isSame(cidr, sources[order[end] ?? 0]?.cidr)) end += 1;
    const weight = end === first + 1 ? source.weight : sumOf(Array.from(order.subarray(first, end), (place) => sources[place]?.weight ?? 0));
    builder.add(first, end, cidr.length, weight);
    first = end;
  }
  return builder.finish();
}

function isSame(a: Cidr, b: Cidr | undefined): boolean {
  return b !== undefined && a.first === b.first && a.length === b.length;
}

/** The block of `length` around the node's first source. */
export function blockAround(trie: Trie, sources: readonly FitSource[], node: number, length: number): Cidr {
  const hex = sources[trie.order[trie.first[node] ?? 0] ?? 0]?.cidr.first ?? "";
  return blockOf(trie.family, hex, length);
}
