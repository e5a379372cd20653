// The prefixes that may be chosen: allowed length, nothing protected inside, collateral within the policy, at least one source, no mere part of one.
// Among blocks that hold the same sources the longest has the fewest bystanders, so the others are left out, but for one that stands.
import { type Cidr, compareCidrs } from "../address/index.ts";
import { allowedLengths, type FitRequest, type FitSource } from "./request.ts";
import { blockAround, bystandersAround, type Trie } from "./trie.ts";

/** A forest in which each member may be chosen (`legal`) or only joins what is below it. Children before parents. */
export interface Choices {
  readonly trie: Trie;
  readonly size: number;
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly node: Int32Array;
  readonly length: Int16Array;
  readonly legal: Uint8Array;
  readonly standing: Uint8Array;
  readonly weight: Float64Array;
  readonly collateral: Float64Array;
}

/** The standing length on the edge above each node that has one; the longest of several. */
type Standing = ReadonlyMap<number, number>;

function boundOf(count: number, before: (at: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function findStanding(trie: Trie, sources: readonly FitSource[], standing: readonly Cidr[]): Standing {
  const found = new Map<number, number>();
  const own = standing.filter(({ family }) => family === trie.family);
  if (own.length === 0 || trie.size === 0) return found;
  const total = trie.order.length + 1;
  const nodeOf = new Map<number, number>();
  for (let node = 0; node < trie.size; node += 1) nodeOf.set((trie.first[node] ?? 0) * total + (trie.last[node] ?? 0), node);
  const sourceAt = (at: number): Cidr | undefined => sources[trie.order[at] ?? 0]?.cidr;
  for (const cidr of own) {
    const isBefore = (at: number): boolean => {
      const source = sourceAt(at);
      return source !== undefined && compareCidrs(source, cidr) < 0;
    };
    const first = boundOf(trie.order.length, isBefore);
    const last = boundOf(trie.order.length, (at) => (sourceAt(at)?.first ?? "") <= cidr.last) - 1;
    const node = first > last ? undefined : nodeOf.get(first * total + last);
    if (node !== undefined) found.set(node, Math.max(found.get(node) ?? -1, cidr.length));
  }
  return found;
}

/** Asks about protection from the root down: what holds nothing protected needs no further question. */
class Guard {
  readonly #trie: Trie;
  readonly #sources: readonly FitSource[];
  readonly #isProtected: (cidr: Cidr) => boolean;
  readonly #clear: Uint8Array;

  constructor(trie: Trie, { sources, isProtected }: FitRequest) {
    this.#trie = trie;
    this.#sources = sources;
    this.#isProtected = isProtected;
    this.#clear = new Uint8Array(trie.size);
    for (let node = trie.size - 1; node >= 0; node -= 1) this.#look(node);
  }

  #look(node: number): void {
    if (this.#clear[node] === 0 && !this.#touches(node, this.#trie.length[node] ?? 0)) this.#clear[node] = 1;
    if (this.#clear[node] === 0) return;
    const left = this.#trie.left[node] ?? -1;
    const right = this.#trie.right[node] ?? -1;
    if (left !== -1) this.#clear[left] = 2;
    if (right !== -1) this.#clear[right] = 2;
  }

  #touches(node: number, length: number): boolean {
    return this.#isProtected(blockAround(this.#trie, this.#sources, node, length));
  }

  /** Whether the block of `length` on the edge above `node` holds nothing protected. 2: something wider is known to be clear. */
  allows(node: number, length: number): boolean {
    const clear = this.#clear[node] ?? 0;
    return clear === 2 || (clear === 1 && (length === (this.#trie.length[node] ?? 0) || !this.#touches(node, length)));
  }
}

class Builder {
  readonly #trie: Trie;
  readonly #allowed: Int16Array;
  readonly #guard: Guard;
  readonly #collateralMax: number;
  readonly #isTaken: (node: number, length: number) => boolean;
  readonly #isSource: (node: number) => boolean;
  /** 1 where a wider source around the node may be chosen whole. */
  readonly #held: Uint8Array;
  readonly choices: Omit<Choices, "size">;
  size = 0;

  constructor(trie: Trie, request: FitRequest, standing: Standing) {
    this.#trie = trie;
    this.#allowed = allowedLengths(trie.family, trie.family === 4 ? request.lengths.ipv4 : request.lengths.ipv6);
    this.#guard = new Guard(trie, request);
    const { collateral, isTaken, sources } = request;
    this.#isTaken = isTaken === undefined ? () => false : (node, length) => isTaken(blockAround(trie, sources, node, length));
    this.#isSource = (node) => sources[trie.order[trie.first[node] ?? 0] ?? 0]?.cidr.length === trie.length[node];
    this.#held = this.#findHeld();
    this.#collateralMax = collateral.kind === "none" ? 0 : collateral.kind === "max" ? collateral.units : Number.POSITIVE_INFINITY;
    const most = trie.size + standing.size;
    this.choices = {
      trie,
      left: new Int32Array(most).fill(-1),
      right: new Int32Array(most).fill(-1),
      node: new Int32Array(most),
      length: new Int16Array(most),
      legal: new Uint8Array(most),
      standing: new Uint8Array(most),
      weight: new Float64Array(most),
      collateral: new Float64Array(most),
    };
  }

  #findHeld(): Uint8Array {
    const { size, left, right, length } = this.#trie;
    const held = new Uint8Array(size);
    for (let node = size - 1; node >= 0; node -= 1) {
      const own = length[node] ?? 0;
      if (held[node] === 0 && !(this.#isSource(node) && this.isAllowed(node, own) && this.#guard.allows(node, own))) continue;
      const l = left[node] ?? -1;
      const r = right[node] ?? -1;
      if (l !== -1) held[l] = 1;
      if (r !== -1) held[r] = 1;
    }
    return held;
  }

  /** A part of a source that may be chosen whole: for one rule, the source stops all that its part does. */
  #isMerePart(node: number, length: number): boolean {
    return this.#held[node] === 1 && !(length === this.#trie.length[node] && this.#isSource(node));
  }

  /** Adds a member for the block of `length` on the edge above `node`; -1: no length is allowed there. */
  add(node: number, length: number, left: number, right: number, stands: boolean): number {
    const trie = this.#trie;
    const at = this.size;
    this.size += 1;
    this.choices.left[at] = left;
    this.choices.right[at] = right;
    this.choices.node[at] = node;
    this.choices.length[at] = length;
    this.choices.weight[at] = trie.weight[node] ?? 0;
    if (length < 0) return at;
    const inside = trie.bystanders[node] ?? 0;
    const cost = trie.inSource[node] === 1 ? 0 : bystandersAround(trie.family, inside, trie.length[node] ?? 0, length);
    this.choices.collateral[at] = cost;
    if (cost > this.#collateralMax || !this.#guard.allows(node, length) || (!stands && this.#isMerePart(node, length))) return at;
    this.choices.legal[at] = 1;
    this.choices.standing[at] = stands ? 1 : 0;
    return at;
  }

  /** The longest allowed length between a node and the one above, of a block that nobody else has taken; -1: there is none. */
  lengthFor(node: number): number {
    const above = this.#trie.above[node] ?? -1;
    let length = this.#allowed[this.#trie.length[node] ?? 0] ?? -1;
    while (length > above && this.#isTaken(node, length)) length = this.#allowed[length - 1] ?? -1;
    return length > above ? length : -1;
  }

  isAllowed(node: number, length: number): boolean {
    return this.#allowed[length] === length && !this.#isTaken(node, length);
  }
}

export function createChoices(trie: Trie, request: FitRequest): Choices {
  const standing = findStanding(trie, request.sources, request.standing ?? []);
  const builder = new Builder(trie, request, standing);
  const top = new Int32Array(trie.size);
  for (let node = 0; node < trie.size; node += 1) {
    const left = trie.left[node] ?? -1;
    const right = trie.right[node] ?? -1;
    const length = builder.lengthFor(node);
    const stands = standing.get(node) ?? -1;
    let at = builder.add(node, length, left === -1 ? -1 : (top[left] ?? -1), right === -1 ? -1 : (top[right] ?? -1), length === stands);
    if (stands !== -1 && stands !== length && builder.isAllowed(node, stands)) at = builder.add(node, stands, at, -1, true);
    top[node] = at;
  }
  return { ...builder.choices, size: builder.size };
}
