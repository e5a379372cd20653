// Removal needs proof. Every entry of ours that should not stay gets the one reason why it may go, or stays.
import { CidrIndex, contains, isWholly } from "../address/index.ts";
import type { Lease } from "../lease/record.ts";
import type { Entry, Granularity } from "../provider.ts";
import type { Need } from "./need.ts";

export const proofs = ["protected", "drained", "ended", "superseded", "displaced", "over-limit", "orphan"] as const;
export type Proof = (typeof proofs)[number];

export interface Removal {
  readonly entry: Entry;
  readonly proof: Proof;
}

export interface ProofRequest {
  readonly ours: readonly Entry[];
  readonly needs: readonly Need[];
  readonly placed: readonly Need[];
  readonly shed: readonly Need[];
  readonly ended: readonly Lease[];
  readonly granularity: Granularity;
  /** Placed needs whose entry stands already or lands in this plan; for group kinds, in the same atomic step. */
  readonly landing: readonly Need[];
  readonly isProtected: (entry: Entry) => boolean;
  /** Whether the entry has been an orphan for long enough, and few enough are, or a person confirmed. */
  readonly orphanMayGo: (entry: Entry) => boolean;
  /** Whether it cannot go now, whatever is proved. */
  readonly isImmovable: (entry: Entry) => boolean;
  /** Whether a shed need may lose the entry that holds it: what spills must stand elsewhere first. */
  readonly mayLeave: (need: Need) => boolean;
}

/** The entries that stand for a placed need: the first whole one per block. Others of the same block are duplicates. */
function standingFor(ours: readonly Entry[], placed: readonly Need[]): Map<string, Entry> {
  const byBlock = new CidrIndex(ours, (entry) => entry.cidr);
  const standing = new Map<string, Entry>();
  for (const need of placed) {
    const entries = byBlock.exactly(need.cidr);
    const entry = entries.find((candidate) => candidate.partial === null) ?? entries[0];
    if (entry !== undefined) standing.set(need.key, entry);
  }
  return standing;
}

export class Proofs {
  readonly #request: ProofRequest;
  readonly #standing: Map<string, Entry>;
  readonly #standingIndex: CidrIndex<Entry>;
  /** For group kinds only. */
  readonly #landingIndex: CidrIndex<Need> | null;
  readonly #needIndex: CidrIndex<Need>;
  readonly #endedIndex: CidrIndex<Lease>;
  readonly #shed: ReadonlySet<string>;

  constructor(request: ProofRequest) {
    this.#request = request;
    this.#standing = standingFor(request.ours, request.placed);
    const whole = [...this.#standing.values()].filter((entry) => entry.partial === null);
    this.#standingIndex = new CidrIndex(whole, (entry) => entry.cidr);
    this.#landingIndex = request.granularity === "group" ? new CidrIndex(request.landing, (need) => need.cidr) : null;
    this.#needIndex = new CidrIndex(request.needs, (need) => need.cidr);
    this.#endedIndex = new CidrIndex(request.ended, (lease) => lease.cidr);
    this.#shed = new Set(request.shed.map((need) => need.key));
  }

  /** The shed needs that the entry holds whole: a part of a block is no block. */
  #held(entry: Entry): readonly Need[] {
    return this.served(entry).filter((need) => this.#isShed(need) && contains(entry.cidr, need.cidr));
  }

  /** What the shed needs weigh that the entry holds whole; -1 when it holds none. */
  weight(entry: Entry): number {
    const held = this.#held(entry);
    return held.length === 0 ? -1 : held.reduce((sum, need) => sum + need.weight, 0);
  }

  /** Whether all of it is under live leases. What is not serves somebody whose lease is over: an address more than any need. */
  #isWanted(entry: Entry): boolean {
    return isWholly(
      entry.cidr,
      this.served(entry).map((need) => need.cidr),
    );
  }

  /** The entry that stands for a placed need, if one does. */
  standing(need: Need): Entry | undefined {
    return this.#standing.get(need.key);
  }

  /** The live needs whose traffic this entry stops, wholly or in part. */
  served(entry: Entry): readonly Need[] {
    return this.#needIndex.overlapping(entry.cidr);
  }

  /** Whether the need is fully enforced by an entry that stands for a placed one, now or in the same atomic step. */
  #stands(need: Need): boolean {
    return (this.#landingIndex ?? this.#standingIndex).holding(need.cidr).length > 0;
  }

  #isShed(need: Need): boolean {
    return this.#shed.has(need.key);
  }

  /**
   * Why the entry, which stands for no placed need, may go; null: it must stay. `displaced` is what serves only what was
   * shed: it goes in exchange for something severer, or where more stands than there is room for.
   */
  proofFor(entry: Entry, mayRemove: boolean): Proof | null {
    if (this.#request.isImmovable(entry)) return null;
    if (this.#request.isProtected(entry)) return "protected";
    if (!mayRemove) return null;
    const served = this.served(entry);
    const isSafe = served.every((need) => (this.#isShed(need) && this.#request.mayLeave(need)) || this.#stands(need));
    const hasEnded = this.#endedIndex.overlapping(entry.cidr).length > 0;
    // What still stands for a live lease that was shed goes in exchange only, though another lease on it has ended; but not where it denies more.
    if (hasEnded && (this.weight(entry) < 0 || !this.#isWanted(entry))) return isSafe ? "ended" : null;
    if (served.length === 0) return this.#request.orphanMayGo(entry) ? "orphan" : null;
    if (!isSafe) return null;
    return this.#isSuperseded(entry, served) ? "superseded" : "displaced";
  }

  /** Whether all that counts of what a safe entry serves stands elsewhere: what was shed and lies only partly in it does not. */
  #isSuperseded(entry: Entry, served: readonly Need[]): boolean {
    const counted = served.filter((need) => !this.#isShed(need) || contains(entry.cidr, need.cidr));
    return counted.length > 0 && counted.every((need) => this.#stands(need));
  }

  /**
   * Why the entry may go in the same atomic step in which this block takes its place; null: it may not. All that it serves
   * must be inside the block, shed, or stand elsewhere; nothing that was shed may lose the entry that holds it whole; and without
   * an ended lease, something of it must be inside the block.
   */
  proofMakingWay(entry: Entry, need: Need): Proof | null {
    if (this.#request.isImmovable(entry)) return null;
    const served = this.served(entry);
    const inside = served.filter((other) => contains(need.cidr, other.cidr));
    const isSafe = served.every((other) => inside.includes(other) || (this.#isShed(other) && this.#request.mayLeave(other)) || this.#stands(other));
    if (!isSafe) return null;
    const isLost = (other: Need): boolean => this.#isShed(other) && contains(entry.cidr, other.cidr) && !inside.includes(other);
    if (this.#isWanted(entry) && served.some(isLost)) return null;
    if (this.#endedIndex.overlapping(entry.cidr).length > 0) return "ended";
    return inside.length > 0 ? "superseded" : null;
  }

  /** Whether nothing at all is known about the entry: no live need and no ended lease touches it. */
  isOrphan(entry: Entry): boolean {
    return this.served(entry).length === 0 && this.#endedIndex.overlapping(entry.cidr).length === 0;
  }
}
