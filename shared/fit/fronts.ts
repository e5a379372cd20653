// Exact under a hard collateral budget, while that is small: for each part of the address space all triples (prefixes, collateral,
// value) that no other beats in all three. Gives up, and says so, when there are too many.
import type { Chosen, Pair } from "./exact.ts";
import type { Forest } from "./forest.ts";
import type { Room } from "./room.ts";

interface Point {
  readonly count: number;
  readonly collateral: number;
  readonly value: number;
  /** How it came about: a choice, or two points joined. */
  readonly from: number | readonly [Point, Point] | null;
}

const nothing: Point = { count: 0, collateral: 0, value: 0, from: null };

/** Keeps those that no other point beats: fewer or as many prefixes, no more collateral, no less value. */
function frontOf(points: Point[]): Point[] {
  points.sort((a, b) => a.count - b.count || a.collateral - b.collateral || b.value - a.value);
  const front: Point[] = [];
  // Collateral and value of the best so far, both ascending.
  const stairs: Point[] = [];
  for (const point of points) {
    let low = 0;
    let high = stairs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((stairs[middle]?.collateral ?? 0) <= point.collateral) low = middle + 1;
      else high = middle;
    }
    if (low > 0 && (stairs[low - 1]?.value ?? 0) >= point.value) continue;
    let end = low;
    while (end < stairs.length && (stairs[end]?.value ?? 0) <= point.value) end += 1;
    stairs.splice(low, end - low, point);
    front.push(point);
  }
  return front;
}

/** Steps left; thrown away whole when they run out. */
class Effort {
  left: number;

  constructor(steps: number) {
    this.left = steps;
  }

  join(a: readonly Point[], b: readonly Point[], countMax: number, collateralMax: number): Point[] | null {
    this.left -= a.length * b.length;
    if (this.left < 0) return null;
    const points: Point[] = [];
    for (const x of a) {
      for (const y of b) {
        const [count, collateral] = [x.count + y.count, x.collateral + y.collateral];
        if (count <= countMax && collateral <= collateralMax) points.push({ count, collateral, value: x.value + y.value, from: [x, y] });
      }
    }
    return frontOf(points);
  }
}

function pointsOf(forest: Forest, countMax: number, collateralMax: number, effort: Effort): readonly Point[] | null {
  const fronts: (readonly Point[])[] = [];
  for (let at = 0; at < forest.size; at += 1) {
    const [l, r, choice] = [forest.left[at] ?? -1, forest.right[at] ?? -1, forest.item[at] ?? -1];
    const [left, right] = [fronts[l] ?? [nothing], fronts[r] ?? [nothing]];
    const below = l === -1 || r === -1 ? [...(l === -1 ? right : left)] : effort.join(left, right, countMax, collateralMax);
    if (below === null) return null;
    const own = { count: 1, collateral: forest.choices.collateral[choice] ?? 0, value: forest.value[choice] ?? 0, from: choice };
    fronts.push(choice === -1 || countMax < 1 || own.collateral > collateralMax ? below : frontOf([...below, own]));
  }
  return fronts[forest.root] ?? [nothing];
}

function choicesOf(point: Point): number[] {
  const found: number[] = [];
  const open = [point];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next.from === "number") found.push(next.from);
    else if (next.from !== null) open.push(...next.from);
  }
  return found;
}

/** The best of what is left to the singles, which cost no collateral: both families' sorted lists, merged as far as there is room. */
class Singles {
  readonly #sums: Pair<Float64Array>;

  constructor(forests: Pair<Forest>) {
    const sumsOf = ({ singles, value }: Forest): Float64Array => {
      const sums = new Float64Array(singles.length + 1);
      singles.forEach((choice, at) => {
        sums[at + 1] = (sums[at] ?? 0) + (value[choice] ?? 0);
      });
      return sums;
    };
    this.#sums = { ipv4: sumsOf(forests.ipv4), ipv6: sumsOf(forests.ipv6) };
  }

  best(ipv4Max: number, ipv6Max: number, both: number): { readonly value: number; readonly ipv4: number; readonly ipv6: number } {
    const [a, b] = [this.#sums.ipv4, this.#sums.ipv6];
    const [most4, most6] = [Math.min(ipv4Max, a.length - 1), Math.min(ipv6Max, b.length - 1)];
    // Both gains fall, so the best split is where the next of one is worth no more than the last of the other.
    let [low, high] = [Math.max(0, Math.min(most4, both - most6)), Math.min(most4, both)];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = Math.min(most6, both - middle);
      const gain = (a[middle + 1] ?? 0) - (a[middle] ?? 0);
      const loss = other === both - middle ? (b[other] ?? 0) - (b[other - 1] ?? 0) : 0;
      if (gain >= loss) low = middle + 1;
      else high = middle;
    }
    const ipv6 = Math.min(most6, both - low);
    return { value: (a[low] ?? 0) + (b[ipv6] ?? 0), ipv4: low, ipv6 };
  }
}

/** Null when it would take more than `stepsMax` steps. */
export function solveByFronts(forests: Pair<Forest>, room: Room, collateralMax: number, stepsMax: number): Chosen | null {
  const effort = new Effort(stepsMax);
  const four = pointsOf(forests.ipv4, Math.min(room.ipv4, room.both), collateralMax, effort);
  const six = four === null ? null : pointsOf(forests.ipv6, Math.min(room.ipv6, room.both), collateralMax, effort);
  if (four === null || six === null || four.length * six.length > effort.left) return null;
  const singles = new Singles(forests);
  let best: { value: number; used: number; points: Pair<Point>; singles: Pair<number> } | null = null;
  for (const a of four) {
    for (const b of six) {
      if (a.count + b.count > room.both || a.collateral + b.collateral > collateralMax) continue;
      const rest = singles.best(room.ipv4 - a.count, room.ipv6 - b.count, room.both - a.count - b.count);
      const value = a.value + b.value + rest.value;
      const used = a.count + b.count + rest.ipv4 + rest.ipv6;
      if (best === null || value > best.value || (value === best.value && used < best.used))
        best = { value, used, points: { ipv4: a, ipv6: b }, singles: rest };
    }
  }
  if (best === null) return { ipv4: [], ipv6: [] };
  return {
    ipv4: [...choicesOf(best.points.ipv4), ...forests.ipv4.singles.slice(0, best.singles.ipv4)],
    ipv6: [...choicesOf(best.points.ipv6), ...forests.ipv6.singles.slice(0, best.singles.ipv6)],
  };
}
