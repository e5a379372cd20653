// Those who only read, beside the load: the feed, the metrics, the list, and "why is this blocked" of something that was just promised.
// Holds their answers against the ledger where that says something for certain.
import type { Outgoing } from "./cannon.ts";
import type { Block, Ledger } from "./ledger.ts";
import type { Chance } from "./random.ts";

export interface Reading extends Outgoing {
  readonly kind: "feed" | "metrics" | "list" | "explain";
  /** What is asked about, and when; for `explain`. */
  readonly block: Block | null;
}

/** A lease that ends or is lifted while the question is under way may be told either way. */
const marginMs = 2_000;

export class Readers {
  readonly #chance: Chance;
  readonly #ledger: Ledger;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(chance: Chance, ledger: Ledger, key: string) {
    this.#chance = chance;
    this.#ledger = ledger;
    this.#headers = { authorization: `Bearer ${key}` };
  }

  next(): Reading {
    const rest = { method: "GET", headers: this.#headers, block: null } as const;
    const at = this.#chance.below(10);
    if (at < 2) return { ...rest, kind: "feed", path: "/v1/feed.txt" };
    if (at < 4) return { ...rest, kind: "metrics", path: "/metrics" };
    const blocks = [...this.#ledger.blocks.values()].slice(-200);
    if (at < 5 || blocks.length === 0) return { ...rest, kind: "list", path: "/v1/blocks?limit=100" };
    const block = this.#chance.pick(blocks);
    return { ...rest, kind: "explain", path: `/v1/blocks/${block.wanted.cidr}`, block };
  }

  /** What is wrong with an answer. */
  answered({ kind, block }: Reading, status: number, body: string, now: number): readonly string[] {
    if (kind !== "explain" || block === null || status !== 200) return [];
    const lives = block.liftedAt === null && Math.max(...block.leases.map(({ until }) => until)) > now + marginMs;
    const told = (JSON.parse(body) as { readonly block: unknown }).block;
    return lives && told === null ? [`explain: ${block.wanted.cidr} was promised and is not known`] : [];
  }
}
