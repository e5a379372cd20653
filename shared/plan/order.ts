// From decisions to an order of changes that never opens a gate early and never exceeds the room:
// removals left over from an earlier pass, then adds (as swaps where full), then the other removals.
import type { Change, Entry, Granularity } from "../provider.ts";
import type { Need } from "./need.ts";
import type { Room } from "./place.ts";
import type { Proof, Proofs, Removal } from "./proof.ts";

export interface OrderRequest {
  /** Placed needs that have no whole entry yet, in order of claim. */
  readonly adds: readonly Need[];
  readonly removals: readonly Removal[];
  /** Entries that must stay for now and stand for no placed need; one of them may still make way in a swap. */
  readonly kept: readonly Entry[];
  readonly proofs: Proofs;
  /** Room left beside everything that stands now. Used up as changes are ordered. */
  readonly room: Room;
  readonly canSwap: boolean;
  readonly granularity: Granularity;
  /** Ids of entries whose removal an earlier pass planned and did not reach. */
  readonly leftovers: ReadonlySet<string>;
  readonly mayRemove: boolean;
  /** How many may give their place to heavier ones in this pass. */
  readonly displacedMax: number;
}

export interface Ordered {
  readonly changes: readonly Change[];
  /** Adds that must wait until something else is gone. */
  readonly waiting: readonly Need[];
  /** Removals that `changes` carries out, swaps included. */
  readonly removals: readonly Removal[];
}

/** Displaced entries go in exchange for what displaces them; alone only while more stands than there is room for. */
function goesAlone(proof: Proof): boolean {
  return proof !== "displaced";
}

class Ordering {
  readonly changes: Change[] = [];
  readonly waiting: Need[] = [];
  readonly done: Removal[] = [];
  readonly #request: OrderRequest;
  readonly #weights: ReadonlyMap<Entry, number>;
  /** What may go and has not yet, the lightest first. */
  #open: Removal[];
  #displaced = 0;

  constructor(request: OrderRequest) {
    this.#request = request;
    const weights = new Map(request.removals.map(({ entry }) => [entry, request.proofs.weight(entry)]));
    const weightOf = ({ entry }: Removal) => weights.get(entry) ?? -1;
    this.#weights = weights;
    this.#open = [...request.removals].sort((a, b) => weightOf(a) - weightOf(b));
  }

  removeWhere(wanted: (removal: Removal) => boolean): void {
    const chosen = this.#open.filter((removal) => goesAlone(removal.proof) && wanted(removal));
    for (const removal of chosen) this.#remove(removal);
  }

  /** Once all that goes alone is gone: lets the lightest of the displaced go, as long as their family stands beyond its room. */
  trim(): void {
    const { room } = this.#request;
    for (const { entry } of [...this.#open]) {
      if (room.excess(entry.cidr.family) > 0) this.#remove({ entry, proof: "over-limit" });
    }
  }

  add(need: Need): void {
    const { room, proofs } = this.#request;
    if (proofs.standing(need) !== undefined) {
      this.changes.push({ verb: "add", cidr: need.cidr }); // completes a partial entry: it has its place already
      return;
    }
    if (room.has(need.cidr.family)) {
      room.take(need.cidr.family);
      this.changes.push({ verb: "add", cidr: need.cidr });
      return;
    }
    const exchange = this.#sameFamily(need) ?? this.#makingWay(need);
    if (exchange !== null && this.#request.canSwap) {
      this.#take(exchange);
      this.changes.push({ verb: "swap", entry: exchange.entry, cidr: need.cidr });
      return;
    }
    const removal = exchange ?? this.#otherFamily(need);
    if (removal === null || !this.#makesRoom(removal, need)) {
      this.waiting.push(need);
      return;
    }
    this.#remove(removal);
    this.add(need);
  }

  /** What may leave for `need`: first what goes anyway, then the lightest that it displaces. */
  #leaving(need: Need, isMeant: (removal: Removal) => boolean): Removal | null {
    const alone = this.#open.find((removal) => goesAlone(removal.proof) && isMeant(removal));
    if (alone !== undefined || this.#displaced >= this.#request.displacedMax) return alone ?? null;
    const lightest = this.#open.find(isMeant);
    return lightest !== undefined && (this.#weights.get(lightest.entry) ?? -1) < need.weight ? lightest : null;
  }

  #sameFamily(need: Need): Removal | null {
    return this.#leaving(need, (removal) => removal.entry.cidr.family === need.cidr.family);
  }

  /** Of the other family, where both compete for the same room: never a swap, quotas count them apart. */
  #otherFamily(need: Need): Removal | null {
    return this.#leaving(need, (removal) => removal.entry.cidr.family !== need.cidr.family);
  }

  /** An entry that only waits for this need to stand in its place: ended, or inside it. */
  #makingWay(need: Need): Removal | null {
    if (!this.#request.mayRemove || !this.#request.canSwap) return null;
    for (const entry of this.#request.kept) {
      const proof = this.#request.proofs.proofMakingWay(entry, need);
      if (proof !== null) return { entry, proof };
    }
    return null;
  }

  #makesRoom(removal: Removal, need: Need): boolean {
    const { room } = this.#request;
    room.give(removal.entry.cidr.family);
    const has = room.has(need.cidr.family);
    room.take(removal.entry.cidr.family);
    return has;
  }

  #take(removal: Removal): void {
    this.#open = this.#open.filter((other) => other.entry !== removal.entry);
    if (removal.proof === "displaced") this.#displaced += 1;
    this.done.push(removal);
  }

  #remove(removal: Removal): void {
    this.#take(removal);
    this.#request.room.give(removal.entry.cidr.family);
    this.changes.push({ verb: "remove", entry: removal.entry });
  }
}

export function orderChanges(request: OrderRequest): Ordered {
  const ordering = new Ordering(request);
  ordering.removeWhere((removal) => removal.proof === "protected");
  if (request.granularity === "group") {
    // A group is written whole: its removals and adds land together, so what goes makes room first.
    ordering.removeWhere(() => true);
    ordering.trim();
  }
  ordering.removeWhere((removal) => request.leftovers.has(removal.entry.id));
  for (const need of request.adds) ordering.add(need);
  ordering.removeWhere(() => true);
  ordering.trim();
  return { changes: ordering.changes, waiting: ordering.waiting, removals: ordering.done };
}
