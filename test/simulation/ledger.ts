// What the callers know: what they asked for, what they were promised, what they took back, and what may or may not have become of
// requests that nobody answered. Built from requests and answers alone; the product is not asked.
import { type Cidr, cidrText, contains, overlaps, widenTo } from "../../shared/address/index.ts";
import { type Severity, severities } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Chain } from "./chain.ts";

export function rankOf(severity: Severity): number {
  return severities.indexOf(severity);
}

/** One block that was asked for. Definite once an answer promised it; until then, and for ever without an answer, it may be. */
export interface Asked {
  readonly client: string;
  readonly cidr: Cidr;
  /** Selected targets; null: all. */
  readonly targets: readonly string[] | null;
  readonly severity: number;
  readonly sentAt: EpochMs;
  /** Until when it was asked for: what is promised beyond that rests on other leases of the block. */
  readonly askedUntil: EpochMs;
  /** When the answer came, or when it was clear that none would; null: under way. */
  endedAt: EpochMs | null;
  /** `unknown`: no answer, or one that promises nothing and excludes nothing. */
  outcome: "unknown" | "promised" | "refused";
  /** The promised end; for what may be, the latest that it could be. */
  until: EpochMs;
  /** Recorded without the coordinator: the promises are weaker by the store's staleness. */
  aside: boolean;
  /** Its record was lost from the store then: what stands for it stands as an orphan. */
  recordLostAt: EpochMs | null;
  /** When a lift of it was sent; and when that was answered (null: it may have happened). */
  liftSentAt: EpochMs | null;
  liftedAt: EpochMs | null;
}

export interface LiftAsked {
  readonly cidr: Cidr;
  readonly sentAt: EpochMs;
  readonly exemptMs: number | null;
  /** How far off the clock may have been that it was stamped by: that stays in its record when the clock is right again. */
  offMs: number;
  answeredAt: EpochMs | null;
}

/** What a coordinator or a snapshot may go by though the store has lost it. */
const knownForMs = limits.snapshotEveryMs;
/** More than any number of entries here that counts as few: max(3, 20 % of at most 20). */
const manyOrphans = 4;

/** What severities weigh, from `low` on (shared/lease/README.md). */
function severityWeight(severity: number): number {
  return [1 / 200, 1, 200, 40_000][severity] ?? 0;
}

/** Histories take hours; half a weight takes a week. */
const leastRecency = 0.9;

/** A lift that nobody answered has met the store by then, or never will: each of its ways may be slow, a lock or a suspended life waited for. */
const liftMsMax = 120_000;
/** Less than another severity, another client or a neighbour adds, more than the age of the oldest lease of a history takes. */
const moreThanEqual = 1.05;

export class Ledger {
  readonly all: Asked[] = [];
  readonly chain: Chain;
  /** Grows with all that becomes known. */
  version = 0;
  readonly lifts: LiftAsked[] = [];
  readonly #losses: { readonly at: EpochMs; readonly blocks: readonly Cidr[] }[] = [];
  /** How far clocks of the function may be off now: what nobody answered may have been recorded by one of those. */
  clocksOffMs = 0;
  /** Until then, the coordinator may be out of reach, or have lost its memory while the store is behind: whoever answers may not know of an exemption. */
  forgetfulUntil: EpochMs = 0;

  constructor(chain: Chain) {
    this.chain = chain;
  }

  ask(
    client: string,
    cidrs: readonly Cidr[],
    details: { readonly targets: readonly string[] | null; readonly severity: number; readonly forMs: number },
    now: EpochMs,
  ): Asked[] {
    const asked = cidrs.map(
      (cidr): Asked => ({
        client,
        cidr,
        targets: details.targets,
        severity: details.severity,
        sentAt: now,
        askedUntil: now + details.forMs,
        endedAt: null,
        outcome: "unknown",
        until: now + details.forMs,
        aside: false,
        recordLostAt: null,
        liftSentAt: null,
        liftedAt: null,
      }),
    );
    this.all.push(...asked);
    this.version += 1;
    return asked;
  }

  /** Nobody will ever say what became of it. What was sent may still arrive for a while, and its time counts from then. */
  lost(asked: readonly Asked[], now: EpochMs): void {
    this.version += 1;
    for (const one of asked) {
      one.endedAt = now;
      one.until += now - one.sentAt + 60_000 + this.clocksOffMs;
    }
  }

  promised(one: Asked, until: EpochMs, aside: boolean, now: EpochMs): void {
    this.version += 1;
    one.outcome = "promised";
    one.until = until;
    one.aside = aside;
    one.endedAt = now;
    this.#noteLoss(one);
    // A lift that was sent while this was under way may have met it, or not.
    for (const lift of this.lifts) {
      const overlapsInTime = (lift.answeredAt ?? lift.sentAt + liftMsMax + this.clocksOffMs) >= one.sentAt;
      if (overlapsInTime && overlaps(lift.cidr, one.cidr)) one.liftSentAt = Math.min(one.liftSentAt ?? Number.POSITIVE_INFINITY, lift.sentAt);
    }
  }

  refused(one: Asked, now: EpochMs): void {
    this.version += 1;
    one.outcome = "refused";
    one.endedAt = now;
  }

  /** A lift goes out: from now on nothing that it holds is certain. */
  lift(cidr: Cidr, exemptMs: number | null, now: EpochMs): LiftAsked {
    const lift: LiftAsked = { cidr, sentAt: now, exemptMs, offMs: this.clocksOffMs, answeredAt: null };
    this.lifts.push(lift);
    this.version += 1;
    for (const one of this.all) if (contains(cidr, one.cidr) && one.outcome !== "refused") one.liftSentAt ??= now;
    return lift;
  }

  /** It is done: what was promised before it was sent is over. */
  lifted(lift: LiftAsked, now: EpochMs): void {
    lift.answeredAt = now;
    lift.offMs = Math.max(lift.offMs, this.clocksOffMs);
    this.version += 1;
    for (const one of this.all) {
      if (contains(lift.cidr, one.cidr) && one.endedAt !== null && one.endedAt < lift.sentAt) one.liftedAt ??= now;
    }
  }

  /** Records of these blocks are gone from the store, all at once. */
  loseRecords(blocks: readonly Cidr[], now: EpochMs): void {
    this.#losses.push({ at: now, blocks });
    this.version += 1;
    for (const one of this.all) this.#noteLoss(one);
  }

  /** What is promised while a coordinator still goes by a lost record rests on that record too. */
  #noteLoss(one: Asked): void {
    const loss = this.#losses.findLast(({ blocks }) => blocks.some((block) => cidrText(block) === cidrText(one.cidr)));
    if (loss !== undefined && one.sentAt < loss.at + knownForMs) one.recordLostAt = loss.at;
  }

  /** Whether what stands for a lost record may go unasked: after the orphan rule's time, unless more than a few are orphans with it. */
  orphanMayGo(one: Asked, now: EpochMs): boolean {
    if (one.recordLostAt === null) return false;
    // Another lease on it that is over proves its end, and no record says any more that it was not the last (design 4 step 5: ended).
    if (this.all.some((other) => other !== one && other.outcome !== "refused" && other.until <= now && overlaps(other.cidr, one.cidr))) return true;
    // What another lease lies in is no orphan: once that one stands by itself, nothing known needs it (design 4: superseded).
    if (this.all.some((other) => other.outcome !== "refused" && overlaps(other.cidr, one.cidr) && cidrText(other.cidr) !== cidrText(one.cidr))) return true;
    if (now < one.recordLostAt + limits.orphanMs) return false;
    const loss = this.#losses.find(({ at }) => at === one.recordLostAt);
    const isMany = loss !== undefined && loss.blocks.length > manyOrphans;
    const isTouched = (block: Cidr): boolean =>
      this.all.some((other) => other.sentAt >= (loss?.at ?? 0) && overlaps(other.cidr, block)) || this.lifts.some((lift) => overlaps(lift.cidr, block));
    return !isMany || loss.blocks.some(isTouched);
  }

  forget(until: EpochMs): void {
    this.forgetfulUntil = Math.max(this.forgetfulUntil, until);
  }

  /** Whether a person may have exempted a part of it, so that a lease made now would never count. */
  mayBeExempt(cidr: Cidr, now: EpochMs): boolean {
    return this.lifts.some(
      ({ cidr: lifted, sentAt, exemptMs, offMs }) =>
        exemptMs !== null && overlaps(lifted, cidr) && now < sentAt + exemptMs + 60_000 + Math.max(offMs, this.clocksOffMs),
    );
  }

  /** Whether a person exempted a part of it for longer than until now, and was told so before it was asked for. */
  isExempt(one: Asked, now: EpochMs): boolean {
    const untilMs = now + limits.tickMs + this.clocksOffMs;
    return this.lifts.some(
      ({ cidr, sentAt, exemptMs, answeredAt }) =>
        exemptMs !== null && answeredAt !== null && answeredAt < one.sentAt && sentAt + exemptMs > untilMs && overlaps(cidr, one.cidr),
    );
  }

  /** Whether a person's lift may be why it was refused: an exemption, or a lift that came no earlier than it. */
  liftExplains(one: Asked, now: EpochMs): boolean {
    const isLater = ({ sentAt, answeredAt, offMs }: LiftAsked) => (answeredAt ?? sentAt) + 60_000 + Math.max(offMs, this.clocksOffMs) >= one.sentAt;
    return this.mayBeExempt(one.cidr, now) || this.lifts.some((lift) => overlaps(lift.cidr, one.cidr) && isLater(lift));
  }

  /**
   * How heavy its claim is: once its own time is over, that of other leases that its block certainly has, and the least where there are none.
   */
  claimOf(one: Asked, target: string, now: EpochMs): number {
    if (now < one.askedUntil) return one.severity;
    const others = this.due(target, now).filter((other) => now < other.askedUntil && cidrText(other.cidr) === cidrText(one.cidr));
    return Math.max(0, ...others.map(({ severity }) => severity));
  }

  /** Certainly a live lease of this target now. */
  isDue(one: Asked, target: string, now: EpochMs): boolean {
    return one.outcome === "promised" && this.chain.selects(one, target) && one.until > now && one.liftSentAt === null;
  }

  due(target: string, now: EpochMs): readonly Asked[] {
    return this.all.filter((one) => this.isDue(one, target, now));
  }

  /** Until when an entry over `cidr` may be explained by anything that was ever asked for; -Infinity: by nothing. */
  explainedUntil(cidr: Cidr, target: string, now: EpochMs): EpochMs {
    let latest = Number.NEGATIVE_INFINITY;
    for (const one of this.all) {
      if (one.outcome === "refused" || !this.chain.reaches(one, target) || !overlaps(cidr, one.cidr)) continue;
      const end = one.endedAt === null ? now + (one.until - one.sentAt) : one.until;
      latest = Math.max(latest, one.liftedAt === null ? end : Math.min(end, one.liftedAt));
    }
    return latest;
  }

  /** The most that may weigh what is live below an entry (shared/lease/README.md); -1: nothing is. What is asked for by several weighs more, and so do neighbours. */
  mostWeight(cidr: Cidr, target: string, now: EpochMs): number {
    const blocks = new Map<string, { severity: number; clients: Set<string> }>();
    for (const one of this.all) {
      const isOver = one.until < now && one.endedAt !== null;
      if (one.outcome === "refused" || isOver || !this.chain.reaches(one, target) || !overlaps(cidr, one.cidr)) continue;
      const block = blocks.get(cidrText(one.cidr)) ?? { severity: 0, clients: new Set<string>() };
      block.severity = Math.max(block.severity, one.severity);
      block.clients.add(one.client);
      blocks.set(cidrText(one.cidr), block);
    }
    if (blocks.size === 0) return -1;
    return [...blocks.values()].reduce((sum, { severity, clients }) => sum + severityWeight(severity) * (2 - 2 ** (1 - clients.size)), 0);
  }

  /** The same for all that could share a rule with it. */
  mostWeightAround(cidr: Cidr, target: string, now: EpochMs): number {
    return this.mostWeight(widenTo(cidr, cidr.family === 4 ? 28 : 60), target, now);
  }

  /** The least that a claim weighs: of its severity, by one client, grown a little old. */
  leastWeight(one: Asked, target: string, now: EpochMs): number {
    return severityWeight(this.claimOf(one, target, now)) * leastRecency;
  }

  /** Whether it, with all that could share its rule, weighs more than age alone explains: equals never displace each other (design 4). */
  isHeavier(other: Asked, one: Asked, target: string, now: EpochMs): boolean {
    return this.mostWeightAround(other.cidr, target, now) > severityWeight(this.claimOf(one, target, now)) * moreThanEqual;
  }

  /** The last end of anything that may still be live. */
  lastEnd(now: EpochMs): EpochMs {
    return this.all.reduce((last, one) => (one.outcome === "refused" ? last : Math.max(last, one.until)), now);
  }
}
