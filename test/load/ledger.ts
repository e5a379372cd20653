// What was promised: every block of an answer with 2xx, by client, with its end; and what was lifted. Written from the answers alone.
// Refuses to guess: a request that was never answered is known as asked, and nothing is held against it.
import { cidrFromKey, cidrKey, contains, parseCidr } from "../../shared/address/index.ts";
import type { Chance } from "./random.ts";
import type { Known, Sent, Wanted } from "./shapes.ts";

interface Lease {
  readonly client: string;
  readonly until: number;
  readonly targets: readonly string[] | null;
  readonly acceptedAt: number;
}

export interface Block {
  readonly wanted: Wanted;
  readonly leases: Lease[];
  /** When the first lift of it, or of what holds it, was sent. */
  liftedAt: number | null;
}

/** One line of an answer about one block. */
export interface Line {
  readonly ip?: string;
  readonly status: string;
  readonly until?: string | null;
  readonly limit?: string;
  readonly targets?: Readonly<Record<string, { readonly state: string }>>;
}

/** Statuses that promise a block. */
const promising = new Set(["created", "renewed", "unchanged", "held"]);

export function keyOfText(text: string): string {
  const parsed = parseCidr(text);
  if (!parsed.ok) throw new Error(`an answer names ${text}, which is no address`);
  return cidrKey(parsed.value);
}

export class Ledger implements Known {
  readonly blocks = new Map<string, Block>();
  /** Everything that was ever asked for, answered or not. */
  readonly asked = new Set<string>();
  /** Records that the answers say were written. */
  written = 0;
  lifts = 0;
  /** Status of a block in an answer to how many. */
  readonly items: Record<string, number> = {};
  readonly #underWay = new Map<string, number>();
  readonly #retired = new Set<string>();
  /** Blocks in the order of their first promise, for choosing. */
  readonly #order: Block[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A request goes out. */
  sent({ wanted, shape }: Sent): void {
    for (const { key } of wanted) {
      this.#underWay.set(key, (this.#underWay.get(key) ?? 0) + 1);
      if (shape !== "lift") this.asked.add(key);
      const block = this.blocks.get(key);
      if (shape === "lift" && block !== undefined) block.liftedAt ??= this.#now();
    }
  }

  #ended({ wanted }: Sent): void {
    for (const { key } of wanted) this.#underWay.set(key, (this.#underWay.get(key) ?? 1) - 1);
  }

  #promise(sent: Sent, wanted: Wanted, until: number): void {
    const block = this.blocks.get(wanted.key) ?? { wanted, leases: [], liftedAt: null };
    if (block.leases.length === 0) {
      this.blocks.set(wanted.key, block);
      this.#order.push(block);
    }
    block.leases.push({ client: sent.client, until, targets: sent.targets, acceptedAt: this.#now() });
  }

  /** An answer with 2xx to a post of blocks or alerts. Returns what is wrong with it. */
  answered(sent: Sent, lines: readonly Line[]): readonly string[] {
    this.#ended(sent);
    const faults: string[] = [];
    const byKey = new Map(sent.wanted.map((wanted) => [wanted.key, wanted]));
    for (const { ip, status, until } of lines) {
      this.items[status] = (this.items[status] ?? 0) + 1;
      if (!promising.has(status)) continue;
      const key = ip === undefined ? "" : keyOfText(ip);
      const wanted = byKey.get(key);
      const end = Date.parse(until ?? "");
      if (wanted === undefined || Number.isNaN(end)) faults.push(`${sent.shape}: promised ${ip} until ${until}, which was not asked for like that`);
      else this.#promise(sent, wanted, end);
      if (status === "created" || status === "renewed" || status === "held") this.written += 1;
    }
    const named = new Set(lines.flatMap(({ ip }) => (ip === undefined ? [] : [keyOfText(ip)])));
    for (const { key, cidr } of sent.wanted) if (!named.has(key)) faults.push(`${sent.shape}: the answer does not name ${cidr}`);
    return faults;
  }

  liftAnswered(sent: Sent): void {
    this.#ended(sent);
    this.lifts += sent.wanted.length;
  }

  /** Any other answer: nothing was promised. */
  refused(sent: Sent): void {
    this.#ended(sent);
  }

  /** What somebody else than the generator lifts: all of it, by the keys. */
  liftedOutright(keys: readonly string[]): void {
    for (const key of keys) {
      const block = this.blocks.get(key);
      if (block !== undefined) block.liftedAt ??= this.#now();
    }
    this.lifts += keys.length;
  }

  /** Until when a target must hold this block; 0 when nothing demands it (any more). */
  static until({ leases, liftedAt }: Block, target: string): number {
    if (liftedAt !== null) return 0;
    return Math.max(0, ...leases.filter(({ targets }) => targets === null || targets.includes(target)).map(({ until }) => until));
  }

  again(chance: Chance): { readonly wanted: Wanted; readonly client: string } | null {
    const recent = this.#order.slice(-400).filter(({ wanted }) => !this.#retired.has(wanted.key));
    if (recent.length === 0) return null;
    const { wanted, leases } = chance.pick(recent);
    return { wanted, client: leases[0]?.client ?? "" };
  }

  retire(chance: Chance): Wanted | null {
    const quietFor = this.#now() - 3_000;
    const free = this.#order
      .slice(-600)
      .filter(
        ({ wanted, leases }) => (this.#underWay.get(wanted.key) ?? 0) === 0 && (leases.at(-1)?.acceptedAt ?? 0) < quietFor && !this.#retired.has(wanted.key),
      );
    // Only single blocks: a lift of a prefix would end what is inside it too.
    const single = free.filter(({ wanted }) => wanted.cidr.endsWith("/32") || wanted.cidr.endsWith("/64"));
    if (single.length === 0) return null;
    const { wanted } = chance.pick(single);
    this.#retired.add(wanted.key);
    return wanted;
  }
}

/** Whether some entry that stands holds this block. */
export function isCovered(key: string, standing: Iterable<string>): boolean {
  const cidr = cidrFromKey(key);
  if (cidr === null) return false;
  for (const other of standing) {
    const wider = cidrFromKey(other);
    if (other !== key && wider !== null && contains(wider, cidr)) return true;
  }
  return false;
}
