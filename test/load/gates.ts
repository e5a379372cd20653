// Looks at the clouds again and again while the load runs: when did a promised block first stand, and did any gate open before its time (P3).
// Refuses to hold against the product what the ledger allows: an end, a lift, a wider entry, a full firewall.
import { type Clouds, familyOf, type Standing, type TargetName, targets } from "./clouds.ts";
import { isCovered, Ledger } from "./ledger.ts";

export interface Early {
  readonly target: TargetName;
  readonly cidr: string;
  readonly millisecondsLeft: number;
}

export class Gates {
  readonly #ledger: Ledger;
  readonly #now: () => number;
  readonly #before = new Map<TargetName, Standing>();
  /** Target and key to when it was first seen to stand. */
  readonly firstSeen = new Map<string, number>();
  readonly early: Early[] = [];
  looks = 0;
  most: Record<TargetName, number> = { "aws-web": 0, "azure-hub": 0, edge: 0 };

  constructor(ledger: Ledger, now: () => number) {
    this.#ledger = ledger;
    this.#now = now;
  }

  #isEarly(key: string, target: TargetName, before: Standing, after: Standing): number | null {
    const block = this.#ledger.blocks.get(key);
    if (block === undefined) return null;
    const left = Ledger.until(block, target) - this.#now();
    // Shed for one that matters more, or held by a wider entry.
    if (left <= 0 || !before.hasRoom(familyOf(key)) || !after.hasRoom(familyOf(key)) || isCovered(key, after.keys)) return null;
    return left;
  }

  look(clouds: Pick<Clouds, "standing">): void {
    const standing = clouds.standing();
    this.looks += 1;
    for (const target of targets) {
      const after = standing[target];
      const before = this.#before.get(target);
      this.most[target] = Math.max(this.most[target], after.keys.size);
      for (const key of after.keys) {
        const name = `${target} ${key}`;
        if (!this.firstSeen.has(name)) this.firstSeen.set(name, this.#now());
      }
      for (const key of before?.keys ?? []) {
        if (after.keys.has(key) || before === undefined) continue;
        const left = this.#isEarly(key, target, before, after);
        if (left !== null) this.early.push({ target, cidr: this.#ledger.blocks.get(key)?.wanted.cidr ?? key, millisecondsLeft: left });
      }
      this.#before.set(target, after);
    }
  }

  /** From the promise until it was first seen to stand at a target, in milliseconds; and how many that lived so long never were. */
  delays(target: TargetName, livedMs: number): { readonly delaysMs: readonly number[]; readonly unseen: number } {
    const delaysMs: number[] = [];
    let unseen = 0;
    const everSeen = [...this.firstSeen.keys()].flatMap((name) => (name.startsWith(`${target} `) ? [name.slice(target.length + 1)] : []));
    for (const [key, block] of this.#ledger.blocks) {
      const first = block.leases[0];
      if (first === undefined) continue;
      const seen = this.firstSeen.get(`${target} ${key}`);
      const lived = Math.min(Ledger.until({ ...block, liftedAt: null }, target), block.liftedAt ?? Number.POSITIVE_INFINITY) - first.acceptedAt;
      if (seen !== undefined) delaysMs.push(Math.max(0, seen - first.acceptedAt));
      else if (lived >= livedMs && first.acceptedAt + livedMs <= this.#now() && !isCovered(key, everSeen)) unseen += 1;
    }
    return { delaysMs, unseen };
  }
}
