// Room as it fills up, and in which order needs claim it.
import { compareCidrs } from "../address/index.ts";
import type { Entry, Pool } from "../provider.ts";
import type { Need } from "./need.ts";

/** Room as it fills up: every entry takes one unit of each pool that names its family. */
export class Room {
  readonly #left: { readonly families: readonly (4 | 6)[]; left: number }[];

  constructor(pools: readonly Pool[], maxEntries: number | null, standing: readonly Entry[]) {
    this.#left = pools.map((pool) => ({ families: pool.families, left: pool.limit }));
    if (maxEntries !== null) this.#left.push({ families: [4, 6], left: maxEntries });
    for (const entry of standing) this.take(entry.cidr.family);
  }

  has(family: 4 | 6): boolean {
    return this.#left.every((pool) => !pool.families.includes(family) || pool.left > 0);
  }

  take(family: 4 | 6): void {
    for (const pool of this.#left) if (pool.families.includes(family)) pool.left -= 1;
  }

  give(family: 4 | 6): void {
    for (const pool of this.#left) if (pool.families.includes(family)) pool.left += 1;
  }

  /** How many entries of the family stand beyond what the pools allow. */
  excess(family: 4 | 6): number {
    return Math.max(0, ...this.#left.filter((pool) => pool.families.includes(family)).map((pool) => -pool.left));
  }
}

export interface Placement {
  readonly placed: readonly Need[];
  readonly shed: readonly Need[];
}

interface Claim {
  readonly need: Need;
  /** 1 when an entry stands for it. Looked up once per need: a sort asks many times. */
  readonly stands: 0 | 1;
}

/** Total order of who gets room first: the heaviest, where what stands counts twice, then what stands, then the oldest. */
function compareClaims(a: Claim, b: Claim): number {
  return (
    b.need.weight * (1 + b.stands) - a.need.weight * (1 + a.stands) || b.stands - a.stands || a.need.at - b.need.at || compareCidrs(a.need.cidr, b.need.cidr)
  );
}

/** `standing` holds the keys of blocks that have an entry. */
export function byClaim(needs: readonly Need[], standing: ReadonlySet<string>): Need[] {
  const claims = needs.map((need): Claim => ({ need, stands: standing.has(need.key) ? 1 : 0 }));
  return claims.sort(compareClaims).map(({ need }) => need);
}

/** `room` is what is left beside stuck entries. */
export function placeNeeds(candidates: readonly Need[], standing: ReadonlySet<string>, room: Room): Placement {
  const placed: Need[] = [];
  const shed: Need[] = [];
  for (const need of byClaim(candidates, standing)) {
    if (room.has(need.cidr.family)) {
      room.take(need.cidr.family);
      placed.push(need);
    } else {
      shed.push(need);
    }
  }
  return { placed, shed };
}
