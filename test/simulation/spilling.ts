// What is promised of targets that spill: what one has no room for stands at the next, it never stands in neither, and what moved up again
// is gone below. Looks at what really stands; `oracle.ts` judges each target by itself.
import { type Cidr, cidrOf, cidrText, overlaps } from "../../shared/address/index.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Lasting } from "./lasting.ts";
import type { Asked, Ledger } from "./ledger.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Watch } from "./watch.ts";

/** What the oracle knows of one target by itself. */
export interface Judging {
  /** How long a target may take to hold what it should. */
  patienceMs(watch: Watch, one: Asked): number;
  /** Whether a gate may open for other reasons than that something heavier needed its place. */
  isExcused(watch: Watch, one: Asked, before: readonly Cidr[]): boolean;
  isOutweighed(watch: Watch, one: Asked, before: readonly Cidr[]): boolean;
  isFull(watch: Watch, family: 4 | 6): boolean;
  /** Full is an answer only when what stands weighs as much. */
  checkShed(watch: Watch, one: Asked): void;
  isProtected(cidr: Cidr): boolean;
}

export interface SpillingParts {
  readonly scheduler: Scheduler;
  readonly ledger: Ledger;
  readonly watches: readonly Watch[];
  readonly strictness: "strict" | "by-staleness";
  readonly settleMs: number;
  /** A pass with slow answers, and how long a life of the version before may go on. */
  readonly passMs: number;
  readonly lateMs: number;
  readonly lasting: Lasting;
  readonly judging: Judging;
}

export class Spilling {
  readonly #parts: SpillingParts;
  readonly #watches: ReadonlyMap<string, Watch>;
  /** Targets that spill. */
  readonly #heads: readonly Watch[];
  /** What stands below now: target and block. */
  #spilled = new Set<string>();
  /** When a target below could not hold all that was on the move, by its name and family. */
  readonly #crowdedAt = new Map<string, EpochMs>();
  /** What has no place anywhere, full or not. */
  #nowhere = new Set<string>();

  constructor(parts: SpillingParts) {
    this.#parts = parts;
    this.#watches = new Map(parts.watches.map((watch) => [watch.name, watch]));
    this.#heads = parts.watches.filter(({ name }) => parts.ledger.chain.next(name) !== null);
  }

  get isSpilling(): boolean {
    return this.#spilled.size > 0;
  }

  get #now(): EpochMs {
    return this.#parts.scheduler.now;
  }

  #links(head: Watch): readonly Watch[] {
    return this.#parts.ledger.chain.from(head.name).flatMap((name) => this.#watches.get(name) ?? []);
  }

  #isInForce(watch: Watch): boolean {
    return watch.wish.mode === "enforce" && watch.estrangedSince === null && this.#now > watch.disturbedUntil;
  }

  /** There is no moment in which it stands in neither. Gives what opened, if something did. */
  opened(watch: Watch, before: readonly Cidr[]): string | null {
    const { ledger, strictness } = this.#parts;
    // Without a coordinator a pass cannot know what stood at the spill before (functions/README.md).
    if (strictness === "by-staleness") return null;
    for (const head of this.#heads) {
      const links = this.#links(head);
      if (!links.includes(watch)) continue;
      for (const one of ledger.due(head.name, this.#now)) {
        if (!watch.covers(one.cidr, before) || links.some((link) => link.covers(one.cidr))) continue;
        // What selects the lower target by itself is judged there.
        if (watch !== head && ledger.chain.selects(one, watch.name)) continue;
        if (!this.#mayStandNowhere(links, watch, one, before)) return this.#told(links, watch, one, before);
      }
    }
    return null;
  }

  #told(links: readonly Watch[], watch: Watch, one: Asked, before: readonly Cidr[]): string {
    const stands = links.map((link) => `${link.name}: ${link.placed.map(cidrText).join(" ")}`).join("; ");
    return `${watch.name}: ${cidrText(one.cidr)} (severity ${one.severity}) left it and stands nowhere that it spills to (stood: ${before.map(cidrText).join(" ")}; stand at ${stands})`;
  }

  #mayStandNowhere(links: readonly Watch[], watch: Watch, one: Asked, before: readonly Cidr[]): boolean {
    const { judging } = this.#parts;
    if (judging.isExcused(watch, one, before)) return true;
    const [head] = links;
    // A target that only watches holds nothing, and what it would have room for is nobody else's business.
    const isWatching = (link: Watch): boolean => link.recentWishes(this.#now, this.#parts.lateMs).some(({ mode }) => mode !== "enforce");
    if (links.slice(0, links.indexOf(watch)).some(isWatching)) return true;
    // Which of them a full one keeps is judged when all is still.
    if (watch !== head && !this.#isCrowded(watch, one.cidr.family) && !judging.isOutweighed(watch, one, before)) return false;
    return links.slice(links.indexOf(watch) + 1).every((below) => this.#isNoHelp(below, one));
  }

  /** Full, or about to be, for as long as a pass may go by it. */
  #isCrowded(watch: Watch, family: 4 | 6): boolean {
    const at = Math.max(watch.fullAt(family), this.#crowdedAt.get(`${watch.name} ${family}`) ?? 0);
    return this.#now - at < this.#parts.lateMs + watch.operationMs;
  }

  /** Full, not written to, or unseen: for as long as the pass may go by an older look. */
  #isNoHelp(below: Watch, one: Asked): boolean {
    const now = this.#now;
    const { lateMs } = this.#parts;
    if (below.recentWishes(now, lateMs).some(({ mode }) => mode !== "enforce") || below.estrangedSince !== null) return true;
    if (this.#isCrowded(below, one.cidr.family)) return true;
    // What has not been seen for ten minutes holds nothing up (functions/README.md).
    if (below.disturbedMs(now) > 2 * limits.fullPassMs - 2 * limits.tickMs) return true;
    // Somebody took it away below after the last look: nobody could know.
    return below.placedSince(one.cidr, now - limits.fullPassMs);
  }

  /** What a target must hold: what selects it, and what those above do not hold. */
  #isWanted(watch: Watch, one: Asked): boolean {
    const { chain } = this.#parts.ledger;
    if (chain.selects(one, watch.name)) return true;
    return this.#heads.some((above) => chain.next(above.name) === watch.name && this.#isWanted(above, one) && !above.covers(one.cidr));
  }

  /** Gives what is wrong, if something is. */
  check(): { readonly promise: "P1" | "P2"; readonly what: string } | null {
    this.#noteMoves();
    this.#noteCrowds();
    for (const head of this.#heads) {
      if (!this.#isInForce(head)) continue;
      for (const one of this.#parts.ledger.due(head.name, this.#now)) {
        if (head.covers(one.cidr) || one.recordLostAt !== null || this.#parts.judging.isProtected(one.cidr)) continue;
        const what = this.#checkBelow(head, one);
        if (what !== null) return { promise: "P1", what };
      }
      const what = this.#checkLeft(head);
      if (what !== null) return { promise: "P2", what };
    }
    return null;
  }

  /** What stands below, and what was there before. */
  #noteMoves(): void {
    const { scheduler, ledger } = this.#parts;
    const spilled = new Set<string>();
    const nowhere = new Set<string>();
    for (const head of this.#heads) {
      const [, ...below] = this.#links(head);
      for (const { cidr } of ledger.due(head.name, this.#now))
        if (!head.covers(cidr)) (below.some((link) => link.covers(cidr)) ? spilled : nowhere).add(`${head.name} ${cidrText(cidr)}`);
    }
    for (const name of spilled) if (!this.#spilled.has(name)) scheduler.note("spill: stands below");
    for (const name of this.#spilled) {
      const [head = "", text = ""] = name.split(" ");
      if (!spilled.has(name) && this.#watches.get(head)?.placed.some((entry) => cidrText(entry) === text)) scheduler.note("spill: moved up again");
    }
    for (const name of nowhere) {
      const [head = "", text = ""] = name.split(" ");
      const below = ledger.chain.from(head).flatMap((link) => this.#watches.get(link) ?? []);
      const { family } = cidrOf(text);
      if (!this.#nowhere.has(name) && below.every((link) => this.#parts.judging.isFull(link, family))) scheduler.note("spill: full below too");
    }
    this.#nowhere = nowhere;
    this.#spilled = spilled;
  }

  /**
   * What waits above stands below meanwhile, and so does what must make way for it: for a while, each takes two places there. Where those are not
   * to be had, the one below has no room.
   */
  #noteCrowds(): void {
    for (const head of this.#heads) {
      for (const below of this.#links(head).slice(1)) {
        const waiting = this.#parts.ledger.all.filter(
          (one) => one.outcome !== "refused" && one.until > this.#now && this.#isWanted(below, one) && !head.covers(one.cidr),
        );
        for (const family of [4, 6] as const) {
          const { most, families } = below.capOf(family, this.#now);
          const places = new Map(waiting.filter(({ cidr }) => families.includes(cidr.family)).map(({ cidr }) => [cidrText(cidr), below.covers(cidr) ? 1 : 2]));
          const standing = below.placed.filter((entry) => families.includes(entry.family)).length;
          const peak = [...places.values()].reduce((sum, count) => sum + count, standing);
          if (peak > most) this.#crowdedAt.set(`${below.name} ${family}`, this.#now);
        }
      }
    }
  }

  /** What its own target has no room for stands at the next that has some. */
  #checkBelow(head: Watch, one: Asked): string | null {
    const { judging, lasting, passMs } = this.#parts;
    const [, ...below] = this.#links(head);
    for (const link of below) {
      if (link.covers(one.cidr)) return null;
      if (!this.#isInForce(link)) return null;
      if (!judging.isFull(link, one.cidr.family)) {
        const ms = lasting.ms(`${head.name} ${link.name} ${one.client} ${cidrText(one.cidr)} is not spilled`, this.#now);
        const isLate = ms > judging.patienceMs(head, one) + judging.patienceMs(link, one) + passMs;
        return isLate ? `${link.name}: ${cidrText(one.cidr)} has no place at ${head.name}, does not stand here, and there has been room for ${ms} ms` : null;
      }
      judging.checkShed(link, one);
    }
    return null;
  }

  /** What moved up again is gone below. */
  #checkLeft(head: Watch): string | null {
    const { ledger, lasting, settleMs, passMs } = this.#parts;
    const link = this.#watches.get(ledger.chain.next(head.name) ?? "");
    if (link === undefined || !this.#isInForce(link) || this.#heads.some((other) => this.#links(other).includes(link) && !this.#isInForce(other))) return null;
    for (const entry of link.placed) {
      if (link.strange.has(cidrText(entry))) continue;
      const live = ledger.all.filter((one) => one.outcome !== "refused" && one.until + settleMs > this.#now && overlaps(one.cidr, entry));
      if (live.length === 0 || live.some((one) => this.#isWanted(link, one))) continue;
      const ms = lasting.ms(`${link.name} ${cidrText(entry)} is not needed`, this.#now);
      if (ms > 2 * settleMs + limits.fullPassMs + limits.tickMs + passMs + 2 * (link.operationMs + head.operationMs))
        return `${link.name}: ${cidrText(entry)} still stands ${ms} ms after all that it holds stands at ${head.name} again`;
    }
    return null;
  }
}
