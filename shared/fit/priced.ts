// Near the best choice in linear time: each prefix costs a price, searched so that as many are worth it as there is room for.
// What the price leaves empty is filled afterwards, best gain per prefix first.
import type { Chosen, Pair } from "./exact.ts";
import { bestFirst, type Forest, itemsOf } from "./forest.ts";
import { fits, type Room } from "./room.ts";

/** The best choice at one price per prefix: how much each node gains, with how many prefixes, and whether by its own item. */
interface Priced {
  readonly gain: Float64Array;
  readonly count: Int32Array;
  readonly own: Uint8Array;
  readonly total: number;
}

/** Halvings of the price: to a millionth of a millionth of the greatest value. */
const searchSteps = { rough: 20, whole: 40 } as const;

/** Rough: what the price alone gives, for a search that solves many times. */
export type Effort = keyof typeof searchSteps;

function priceForest({ size, left, right, item, value, root, singles }: Forest, price: number): Priced {
  const gain = new Float64Array(size);
  const count = new Int32Array(size);
  const own = new Uint8Array(size);
  for (let at = 0; at < size; at += 1) {
    const l = left[at] ?? -1;
    const r = right[at] ?? -1;
    const choice = item[at] ?? -1;
    const below = (l === -1 ? 0 : (gain[l] ?? 0)) + (r === -1 ? 0 : (gain[r] ?? 0));
    const mine = choice === -1 ? 0 : (value[choice] ?? 0) - price;
    own[at] = mine > 0 && mine >= below ? 1 : 0;
    gain[at] = own[at] === 1 ? mine : below;
    count[at] = own[at] === 1 ? 1 : (l === -1 ? 0 : (count[l] ?? 0)) + (r === -1 ? 0 : (count[r] ?? 0));
  }
  return { gain, count, own, total: (root === -1 ? 0 : (count[root] ?? 0)) + countWorth(singles, value, price) };
}

/** How many of the singles, which are sorted, are worth more than the price. */
function countWorth(singles: readonly number[], value: Float64Array, price: number): number {
  let [low, high] = [0, singles.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((value[singles[middle] ?? 0] ?? 0) > price) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The lowest price at which `isEnough`, to within the last digits, and the highest at which it is not. */
function searchPrice(highest: number, steps: number, isEnough: (price: number) => boolean): readonly [number, number] {
  if (isEnough(0)) return [0, 0];
  let [low, high] = [0, highest];
  for (let step = 0; step < steps; step += 1) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return [high, low];
}

function highestValue({ value }: Forest): number {
  let most = 0;
  for (const one of value) if (one > most) most = one;
  return most;
}

interface Swap {
  readonly remove: readonly number[];
  readonly add: readonly number[];
}

interface Piece extends Swap {
  readonly family: keyof Pair<unknown>;
  /** What each more prefix of it is worth. */
  readonly price: number;
}

function collect(forest: Forest, priced: Priced, from: number): number[] {
  const found: number[] = [];
  const open = [from];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === -1 || (priced.count[at] ?? 0) === 0) continue;
    if (priced.own[at] === 1) found.push(forest.item[at] ?? 0);
    else open.push(forest.left[at] ?? -1, forest.right[at] ?? -1);
  }
  return found;
}

/** Where the choice at a lower price differs from the one at a higher: each may be taken over by itself. */
function differences(forest: Forest, dear: Priced, cheap: Priced): Swap[] {
  const swaps: Swap[] = [];
  const open = [forest.root];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === -1 || (dear.own[at] === 1 && cheap.own[at] === 1)) continue;
    if (dear.own[at] === 1 || cheap.own[at] === 1) swaps.push({ remove: collect(forest, dear, at), add: collect(forest, cheap, at) });
    else if ((cheap.count[at] ?? 0) > 0) open.push(forest.left[at] ?? -1, forest.right[at] ?? -1);
  }
  return swaps;
}

/** Takes over the pieces that find room: most value per prefix first, of equals the largest, so that small ones fill what is left. */
function takePieces(chosen: Pair<Set<number>>, pieces: readonly Piece[], room: Room): void {
  const moreIn = ({ add, remove }: Swap): number => add.length - remove.length;
  for (const piece of [...pieces].sort((a, b) => b.price - a.price || moreIn(b) - moreIn(a))) {
    const { family, add, remove } = piece;
    const more = moreIn(piece);
    const [ipv4, ipv6] = [chosen.ipv4.size + (family === "ipv4" ? more : 0), chosen.ipv6.size + (family === "ipv6" ? more : 0)];
    if (!fits(room, ipv4, ipv6)) continue;
    for (const choice of remove) chosen[family].delete(choice);
    for (const choice of add) chosen[family].add(choice);
  }
}

/** Which choices overlap something chosen: found by marking the forest up from, and down from, every chosen one. */
export class Taken {
  readonly #above = new Map<number, number>();
  readonly #chosen: Set<number>;
  readonly #holdsChosen = new Set<number>();

  constructor({ choices }: Forest, chosen: Set<number>) {
    this.#chosen = chosen;
    for (let at = 0; at < choices.size; at += 1) {
      for (const child of [choices.left[at] ?? -1, choices.right[at] ?? -1]) if (child !== -1) this.#above.set(child, at);
    }
    for (const choice of chosen) this.#mark(choice);
  }

  #mark(choice: number): void {
    for (let at = this.#above.get(choice); at !== undefined && !this.#holdsChosen.has(at); at = this.#above.get(at)) this.#holdsChosen.add(at);
  }

  isFree(choice: number): boolean {
    if (this.#holdsChosen.has(choice)) return false;
    for (let at: number | undefined = choice; at !== undefined; at = this.#above.get(at)) if (this.#chosen.has(at)) return false;
    return true;
  }

  /** The choices whose block holds this one's. */
  around(choice: number): number[] {
    const found: number[] = [];
    for (let at = this.#above.get(choice); at !== undefined; at = this.#above.get(at)) found.push(at);
    return found;
  }

  take(choice: number): void {
    this.#chosen.add(choice);
    this.#mark(choice);
  }
}

/** Fills what is empty, best first. `affords` is asked before each, and told of each that is taken. */
export function fillUp(forests: Pair<Forest>, chosen: Pair<Set<number>>, room: Room, affords: (collateral: number) => boolean = () => true): void {
  const both = { ipv4: candidatesOf(forests.ipv4), ipv6: candidatesOf(forests.ipv6) };
  const all = [...both.ipv4.map((choice) => ["ipv4", choice] as const), ...both.ipv6.map((choice) => ["ipv6", choice] as const)];
  const worthOf = ([family, choice]: readonly ["ipv4" | "ipv6", number]): number => forests[family].value[choice] ?? 0;
  const taken = { ipv4: new Taken(forests.ipv4, chosen.ipv4), ipv6: new Taken(forests.ipv6, chosen.ipv6) };
  // Stable: within a family the order is already total.
  for (const [family, choice] of all.sort((a, b) => worthOf(b) - worthOf(a))) {
    const [ipv4, ipv6] = [chosen.ipv4.size + (family === "ipv4" ? 1 : 0), chosen.ipv6.size + (family === "ipv6" ? 1 : 0)];
    if (!fits(room, ipv4, ipv6)) {
      if (!fits(room, chosen.ipv4.size + 1, chosen.ipv6.size) && !fits(room, chosen.ipv4.size, chosen.ipv6.size + 1)) return;
      continue;
    }
    if (taken[family].isFree(choice) && affords(forests[family].choices.collateral[choice] ?? 0)) taken[family].take(choice);
  }
}

function candidatesOf(forest: Forest): number[] {
  return [...itemsOf(forest), ...forest.singles].sort(bestFirst(forest));
}

function take(forest: Forest, priced: Priced, price: number): Set<number> {
  return new Set([...collect(forest, priced, forest.root), ...forest.singles.slice(0, countWorth(forest.singles, forest.value, price))]);
}

export function solveByPrice(forests: Pair<Forest>, room: Room, effort: Effort): Chosen {
  const steps = searchSteps[effort];
  const { ipv4, ipv6 } = forests;
  const highest = Math.max(highestValue(ipv4), highestValue(ipv6));
  const countAt = (forest: Forest, price: number): number => priceForest(forest, price).total;
  const own = {
    ipv4: searchPrice(highest, steps, (price) => countAt(ipv4, price) <= room.ipv4),
    ipv6: searchPrice(highest, steps, (price) => countAt(ipv6, price) <= room.ipv6),
  };
  const shared = searchPrice(highest, steps, (price) => countAt(ipv4, Math.max(price, own.ipv4[0])) + countAt(ipv6, Math.max(price, own.ipv6[0])) <= room.both);
  const pieces: Piece[] = [];
  const takeFamily = (family: "ipv4" | "ipv6"): Set<number> => {
    const forest = forests[family];
    const [high, low] = [Math.max(own[family][0], shared[0]), Math.max(own[family][1], shared[1])];
    const dear = priceForest(forest, high);
    if (effort === "whole") for (const swap of differences(forest, dear, priceForest(forest, low))) pieces.push({ ...swap, family, price: low });
    return take(forest, dear, high);
  };
  const chosen = { ipv4: takeFamily("ipv4"), ipv6: takeFamily("ipv6") };
  if (effort === "whole") {
    takePieces(chosen, pieces, room);
    fillUp(forests, chosen, room);
  }
  return { ipv4: [...chosen.ipv4], ipv6: [...chosen.ipv6] };
}
