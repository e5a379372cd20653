// The judge: P1 to P9 as anybody outside can check them, after every event. Knows requests, answers, what really stands at the clouds,
// and what was done to the world; asks the product nothing and believes only what was promised.
import { type Cidr, cidrOf, cidrText, contains, isWholly, overlaps } from "../../shared/address/index.ts";
import { limits, settleMs } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { CloudChange } from "./contract.ts";
import { Despite } from "./despite.ts";
import { Lasting } from "./lasting.ts";
import type { Asked, Ledger } from "./ledger.ts";
import type { PromiseName } from "./promises.ts";
import type { Scheduler } from "./scheduler.ts";
import { Spilling } from "./spilling.ts";
import { Steadiness } from "./steadiness.ts";
import type { Excuse, Moment, Watch } from "./watch.ts";

export class Violation extends Error {
  override readonly name = "Violation";
  readonly promise: PromiseName;
  constructor(promise: PromiseName, what: string) {
    super(`${promise}: ${what}`);
    this.promise = promise;
  }
}

/** A pass with slow answers, from its wake to its last step. */
const passMs = 60_000;
/** From a call's way out to its effect. */
const inFlightMs = 5_000;
/** Between the look and the write that follows it: the window of the APIs that have no conditional write. */
const raceMs = 20_000;
/** A life of the version before may act on what it knows for so long. */
const lateMs = passMs + 60_000;

export interface OracleParts {
  readonly scheduler: Scheduler;
  readonly ledger: Ledger;
  readonly watches: readonly Watch[];
  readonly stalenessMs: number;
  /** Whether a coordinator keeps P3 strict; without one it is weaker by the store's staleness. */
  readonly strictness: "strict" | "by-staleness";
  /** When a life was last killed; 0: none was. */
  readonly killedAt: () => EpochMs;
  /** Whether the platform keeps a wish for a pass, whoever dies. */
  readonly keepsWishes: boolean;
}

export class Oracle {
  readonly #parts: OracleParts;
  /** Protected ranges by deployment, newest last. */
  readonly #protected: { readonly at: EpochMs; readonly ranges: readonly Cidr[] }[] = [];
  /** The store is further behind than the deployment was told, or was lately: P3 may break, and must mend itself. */
  beyondStalenessUntil: EpochMs = 0;
  readonly #despite: Despite;
  readonly steadiness: Steadiness;
  readonly spilling: Spilling;
  readonly #lasting = new Lasting();
  violation: Violation | null = null;

  constructor(parts: OracleParts) {
    this.#parts = parts;
    this.#despite = new Despite({ ...parts, settleMs: settleMs(parts.stalenessMs), passMs, protection: () => this.#protected.at(-1) });
    this.steadiness = new Steadiness({ ...parts, settleMs: settleMs(parts.stalenessMs) });
    const judging = {
      patienceMs: (watch: Watch, one: Asked) => this.#patienceMs(watch, one),
      isExcused: (...about: Parameters<Oracle["mayOpenAnyway"]>) => this.mayOpenAnyway(...about),
      isOutweighed: (watch: Watch, one: Asked, before: readonly Cidr[]) => this.#isOutweighed(watch, one, before) || this.#isLeftAlone(watch, one, before),
      isFull: (watch: Watch, family: 4 | 6) => watch.isFull(family, this.#now, this.#hidden(watch)),
      checkShed: (watch: Watch, one: Asked) => this.#checkShed(watch, one),
      isProtected: (cidr: Cidr) => this.isProtected(cidr, lateMs),
    };
    this.spilling = new Spilling({ ...parts, settleMs: settleMs(parts.stalenessMs), passMs, lateMs, lasting: this.#lasting, judging });
    for (const watch of parts.watches) watch.cloud.onChange((change) => this.#guard(() => this.#changed(watch, change)));
  }

  get #now(): EpochMs {
    return this.#parts.scheduler.now;
  }

  get #settleMs(): number {
    return settleMs(this.#parts.stalenessMs);
  }

  #guard(check: () => void): void {
    if (this.violation !== null) return;
    try {
      check();
    } catch (thrown) {
      if (!(thrown instanceof Violation)) throw thrown;
      this.violation = thrown;
      this.#parts.scheduler.tell(`VIOLATION ${thrown.message}`);
    }
  }

  /** What somebody found out by other means. */
  found(promise: PromiseName, what: string): void {
    this.#guard(() => {
      throw new Violation(promise, what);
    });
  }

  disturbAll(ms: number, excuse: Excuse | "other" = "other"): void {
    for (const watch of this.#parts.watches) watch.disturb(this.#now + ms, excuse);
  }

  deployed(ranges: readonly string[]): void {
    this.#protected.push({ at: this.#now, ranges: ranges.map(cidrOf) });
  }

  #protectedBy(withinMs: number): readonly Cidr[] {
    const first = this.#protected.findLastIndex(({ at }) => at <= this.#now - withinMs);
    return this.#protected.slice(Math.max(0, first)).flatMap(({ ranges }) => ranges);
  }

  isProtected(cidr: Cidr, withinMs = 0): boolean {
    return this.#protectedBy(withinMs).some((range) => overlaps(range, cidr));
  }

  // --- when something changed at a cloud ---

  #changed(watch: Watch, change: CloudChange): void {
    const before = watch.note(change);
    if (change.by === "person") this.#changedByPerson(watch, before.placed);
    else this.#changedByUs(watch, change, before);
  }

  #changedByUs(watch: Watch, change: CloudChange, before: Moment): void {
    this.#parts.scheduler.note(`${watch.name}: changed by us`);
    const overran = change.overran.filter(({ ageMs }) => ageMs > raceMs);
    if (overran.length > 0) throw new Violation("P5", `${watch.name}: what is not ours was changed: ${overran.map(({ what }) => what).join("; ")}`);
    if (change.overran.length > 0) this.#parts.scheduler.note(`${watch.name}: ran over what a person did in the moment before`);
    for (const entry of watch.placed) if (!watch.covers(entry, before.placed)) this.#added(watch, entry);
    this.#checkMost(watch, before.placed);
    this.#opened(watch, before.placed);
    const neither = this.spilling.opened(watch, before.placed);
    if (neither !== null) throw new Violation("P3", neither);
    const swung = this.steadiness.changed(watch, before);
    if (swung !== null) throw new Violation("P7", swung);
  }

  #changedByPerson(watch: Watch, before: readonly Cidr[]): void {
    for (const entry of watch.placed) if (!before.some((other) => cidrText(other) === cidrText(entry))) watch.strange.set(cidrText(entry), this.#now);
    // Drift is noticed by the next full pass, and what a person put in the way may have to be waited out.
    watch.disturb(this.#now + limits.fullPassMs + limits.freezeMs + 2 * limits.tickMs + passMs + watch.operationMs);
  }

  /** Never the wrong one. */
  #added(watch: Watch, entry: Cidr): void {
    const now = this.#now;
    const { ledger } = this.#parts;
    // Where rules are short, neighbours that leave no gap share one: each address in it was asked for, and of late.
    const since = now - this.#settleMs - limits.tickMs - passMs - watch.operationMs - this.#parts.ledger.clocksOffMs;
    const asked = ledger.all.filter(
      (one) => one.outcome !== "refused" && ledger.chain.reaches(one, watch.name) && (one.until > since || contains(one.cidr, entry)),
    );
    if (
      !isWholly(
        entry,
        asked.map(({ cidr }) => cidr),
      )
    )
      throw new Violation("P4", `${watch.name}: ${cidrText(entry)} was blocked, and nobody ever asked for it`);
    if (ledger.explainedUntil(entry, watch.name, now) + this.#settleMs + lateMs + watch.operationMs < now && now > watch.disturbedUntil + this.#settleMs)
      throw new Violation("P2", `${watch.name}: ${cidrText(entry)} was put back long after its last lease`);
    const protectedLong = this.#protected.at(-1);
    if (protectedLong !== undefined && protectedLong.at + lateMs < now && protectedLong.ranges.some((range) => overlaps(range, entry)))
      throw new Violation("P4", `${watch.name}: ${cidrText(entry)} was blocked, though it has been protected for ${now - protectedLong.at} ms`);
  }

  /** Never more than there is room for. Where an entry is two halves, a swap puts one half after the other: whole ones count, and those of before it. */
  #checkMost(watch: Watch, before: readonly Cidr[]): void {
    const maxEntries = Math.max(...watch.recentWishes(this.#now, lateMs).map((wish) => wish.maxEntries ?? Number.POSITIVE_INFINITY));
    const whole = watch.cloud.standing().length;
    // The half of an entry has its place already: to complete it takes none.
    if (whole > maxEntries && whole > watch.mostSince(this.#now - passMs) && watch.placed.length > before.length)
      throw new Violation("P6", `${watch.name}: ${whole} entries of ours stand, maxEntries is ${maxEntries}`);
  }

  /** No gate opens before its lease ends, unless somebody wanted it or something heavier needed the place. */
  #opened(watch: Watch, before: readonly Cidr[]): void {
    const now = this.#now;
    for (const one of this.#parts.ledger.due(watch.name, now)) {
      if (!watch.covers(one.cidr, before) || watch.covers(one.cidr)) continue;
      if (this.#mayOpen(watch, one, before)) continue;
      throw new Violation(
        "P3",
        `${watch.name}: the gate on ${cidrText(one.cidr)} opened ${one.until - now} ms before the lease of ${one.client} ends (severity ${one.severity}, until ${new Date(one.until).toISOString()}; stood: ${before.map(cidrText).join(" ")}; stands: ${watch.placed.map(cidrText).join(" ")}; due: ${this.#parts.ledger
          .due(watch.name, now)
          .map((due) => `${cidrText(due.cidr)}@${due.severity}`)
          .join(" ")})`,
      );
    }
  }

  #mayOpen(watch: Watch, one: Asked, before: readonly Cidr[]): boolean {
    return this.mayOpenAnyway(watch, one, before) || this.#isOutweighed(watch, one, before) || this.#isLeftAlone(watch, one, before);
  }

  /** For other reasons than that something else needed the place. */
  mayOpenAnyway(watch: Watch, one: Asked, before: readonly Cidr[]): boolean {
    const now = this.#now;
    if (now < this.beyondStalenessUntil) return true;
    if (watch.recentWishes(now, this.#despite.drainedMs).some(({ mode, stopped }) => mode === "drain" || stopped === "drain")) return true;
    // A clock that is further off than SKEW and less than what forbids removals (design 4: 60 s) ends a lease by itself.
    const offMs = Math.min(this.#parts.ledger.clocksOffMs, limits.serverClockSkewMs);
    if (one.until + this.#settleMs - now < offMs) return true;
    if (this.isProtected(one.cidr, lateMs)) return true;
    if (this.#parts.ledger.orphanMayGo(one, now)) return true;
    // Where the cloud itself took room away, or a person filled a list that is ours alone, an exchange may have begun in vain.
    if (now < watch.narrowedUntil) return true;
    // What stood over a protected address goes first of all, and what it kept closed besides is put back after it.
    if (before.filter((entry) => contains(entry, one.cidr)).every((entry) => this.isProtected(entry, lateMs + limits.fullPassMs))) return true;
    // What only stood below an entry that was on its way out when it was asked for: its own place comes after that.
    const ageMs = now - (one.endedAt ?? now);
    // What took its former lease away had been sent when it was promised: P1 closes the gate again within one pass.
    if (ageMs < inFlightMs && this.#despite.hadFormerLease(watch, one)) return true;
    const isNew = ageMs < passMs + limits.tickMs + watch.operationMs;
    const isSlow = watch.cloud.definition.granularity !== "entry";
    const wasGoing = isSlow && this.#despite.hadFormerLease(watch, one);
    if (isNew && (wasGoing || !before.some((entry) => cidrText(entry) === cidrText(one.cidr)))) return true;
    if (this.#despite.isRenewedInTime(watch, one)) return false;
    const isWeak = one.aside || this.#parts.strictness === "by-staleness";
    return isWeak && now - (one.endedAt ?? now) < this.#settleMs + passMs;
  }

  /**
   * What held it was wider, and a part of that is over: in a full room it goes before all that it held has a rule of its own (design 4: ended, "every
   * live need it serves is shed or stands"). P1 closes the gate again.
   */
  #isLeftAlone(watch: Watch, one: Asked, before: readonly Cidr[]): boolean {
    const now = this.#now;
    const cap = watch.capOf(one.cidr.family, now);
    if (before.filter((entry) => cap.families.includes(entry.family)).length < cap.most) return false;
    const isOver = (other: Asked): boolean => other.outcome !== "refused" && (other.until <= now || other.liftSentAt !== null);
    const due = this.#parts.ledger.due(watch.name, now);
    return before.some(
      (entry) =>
        contains(entry, one.cidr) &&
        cidrText(entry) !== cidrText(one.cidr) &&
        !watch.covers(entry) &&
        !due.some((other) => contains(other.cidr, entry)) &&
        this.#parts.ledger.all.some((other) => isOver(other) && this.#parts.ledger.chain.reaches(other, watch.name) && overlaps(other.cidr, entry)),
    );
  }

  /** What left its place to others: there was no room to spare, something heavier asked for it, and nothing lighter was kept instead. */
  #isOutweighed(watch: Watch, one: Asked, before: readonly Cidr[]): boolean {
    const now = this.#now;
    const { ledger } = this.#parts;
    const cap = watch.capOf(one.cidr.family, now);
    const rivals = (entries: readonly Cidr[]) => entries.filter((entry) => cap.families.includes(entry.family));
    const had = new Set(before.map(cidrText));
    const heavier = new Set<string>();
    const claim = ledger.leastWeight(one, watch.name, now);
    for (const other of ledger.all) {
      const isLive = other.outcome !== "refused" && ledger.chain.reaches(other, watch.name) && other.until > now - this.#settleMs;
      const asks = isLive && ledger.mostWeightAround(other.cidr, watch.name, now - this.#settleMs) > claim;
      if (asks && ledger.isHeavier(other, one, watch.name, now - this.#settleMs) && cap.families.includes(other.cidr.family) && !had.has(cidrText(other.cidr)))
        heavier.add(cidrText(other.cidr));
    }
    const isOver = rivals(before).length > cap.most;
    if (!isOver && rivals(before).length + heavier.size <= cap.most) return false;
    // What ended within SETTLE is live to a pass, and keeps the weight that it had.
    const endedMs = now - this.#settleMs - passMs;
    // Families that are written one after the other are compared once all is still (P6: shed for less).
    const together = rivals(watch.placed).filter(({ family }) => family === one.cidr.family || watch.cloud.definition.granularity !== "group");
    const stays = together.filter((entry) => !watch.strange.has(cidrText(entry)) && !watch.isWithinAnother(entry));
    const keptLighter = stays.some((entry) => 2 * ledger.mostWeight(entry, watch.name, endedMs) < claim);
    // Where more stand than may, they go one step after the other; what is kept is judged when all is still.
    return isOver || (!keptLighter && !this.#despite.isGivenAway(watch, one.cidr, before));
  }

  // --- at any time ---

  check(): void {
    this.#guard(() => {
      for (const watch of this.#parts.watches) {
        this.#checkWrites(watch);
        watch.noteRoom(this.#now, this.#hidden(watch));
        const wrong = this.#despite.check(watch);
        if (wrong !== null) throw new Violation(wrong.promise, wrong.what);
        if (watch.wish.mode !== "enforce" || watch.estrangedSince !== null || this.#now <= watch.disturbedUntil) continue;
        this.#checkStanding(watch);
        for (const one of this.#parts.ledger.due(watch.name, this.#now)) this.#checkDue(watch, one);
      }
      const wrong = this.spilling.check();
      this.#lasting.endLook();
      if (wrong !== null) throw new Violation(wrong.promise, wrong.what);
    });
  }

  /** Where nothing may be written, nothing is. */
  #checkWrites(watch: Watch): void {
    const writes = watch.cloud.writes();
    if (writes === watch.writesSeen) return;
    watch.writesSeen = writes;
    const graceMs = lateMs + this.#settleMs;
    const quiet = watch.recentWishes(this.#now, graceMs).every(({ mode }) => mode === "observe" || mode === "freeze");
    if (quiet && this.#now > watch.disturbedUntil) throw new Violation("P9", `${watch.name}: written to, though it is to be left alone (${watch.wish.mode})`);
    if (watch.estrangedSince !== null && this.#now > watch.estrangedSince + graceMs)
      throw new Violation("P5", `${watch.name}: written to, though it is another store's`);
  }

  #checkDue(watch: Watch, one: Asked): void {
    const now = this.#now;
    if (watch.covers(one.cidr) || this.isProtected(one.cidr, lateMs) || one.recordLostAt !== null) return;
    if (watch.isFull(one.cidr.family, now, this.#hidden(watch))) {
      this.#checkShed(watch, one);
      return;
    }
    const sinceMs = now - Math.max(one.endedAt ?? now, watch.fullAt(one.cidr.family));
    if (sinceMs > this.#patienceMs(watch, one))
      throw new Violation("P1", `${watch.name}: ${cidrText(one.cidr)} was promised, does not stand, and there has been room for ${sinceMs} ms`);
  }

  /** How long what was promised may take to stand where there is room. */
  #patienceMs(watch: Watch, one: Asked): number {
    const asideMs = one.aside ? limits.fullPassMs + limits.tickMs : 0;
    const weakMs = this.#parts.strictness === "by-staleness" ? this.#settleMs + limits.tickMs : 0;
    return limits.tickMs + passMs + asideMs + weakMs + watch.operationMs;
  }

  /** Blocks that have a place and no entry: where prefixes may not overlap, they stand behind a wider one that ends before them. */
  #hidden(watch: Watch): readonly Cidr[] {
    if (watch.cloud.definition.granularity !== "group") return [];
    const { all, chain } = this.#parts.ledger;
    const asked = all.filter((one) => one.outcome !== "refused" && chain.reaches(one, watch.name) && one.until + this.#settleMs > this.#now);
    const due = new Map(asked.map(({ cidr }) => [cidrText(cidr), cidr]));
    return [...due.values()].filter((cidr) => watch.covers(cidr) && !watch.placed.some((entry) => cidrText(entry) === cidrText(cidr)));
  }

  /** Full is an answer only when what stands weighs as much; what does not gives its place within a few passes. */
  #checkShed(watch: Watch, one: Asked): void {
    const claim = this.#parts.ledger.leastWeight(one, watch.name, this.#now);
    const light = watch.placed.find((entry) => {
      if (entry.family !== one.cidr.family || watch.strange.has(cidrText(entry))) return false;
      const weight = this.#parts.ledger.mostWeight(entry, watch.name, this.#now - this.#settleMs - passMs);
      // What stands counts up to twice: it is not redrawn for less.
      return weight >= 0 && 2 * weight < claim;
    });
    if (light === undefined) return;
    const ms = this.#lasting.ms(`${watch.name} ${one.client} ${cidrText(one.cidr)} is shed for less`, this.#now);
    if (ms > this.#patienceMs(watch, one) + limits.fullPassMs)
      throw new Violation("P6", `${watch.name}: ${cidrText(one.cidr)} (weight ${claim}) has had no place for ${ms} ms, and the lighter ${cidrText(light)} has`);
  }

  #checkStanding(watch: Watch): void {
    const now = this.#now;
    // A cloud that works on one step before it takes the next: one for each family, and without a coordinator a tick for each.
    const slowSteps = this.#parts.strictness === "by-staleness" ? 4 : 2;
    const stepsMs = watch.cloud.definition.granularity === "entry" ? 0 : slowSteps * limits.tickMs;
    const graceMs = this.#settleMs + limits.tickMs + passMs + watch.operationMs + stepsMs;
    for (const entry of watch.placed) {
      if (watch.strange.has(cidrText(entry))) continue;
      const until = this.#parts.ledger.explainedUntil(entry, watch.name, now);
      if (now > until + graceMs) throw new Violation("P2", `${watch.name}: ${cidrText(entry)} still stands ${now - until} ms after the last lease on it ended`);
    }
  }

  // --- what answers claim ---

  /** One word about one address at one target, in an answer that was asked for at `sentAt`. */
  claimed(target: string, cidr: Cidr, claim: { readonly state: string; readonly by?: string }, sentAt: EpochMs): void {
    const watch = this.#parts.watches.find(({ name }) => name === target);
    this.#guard(() => {
      if (watch === undefined) throw new Violation("P9", `an answer speaks of a target ${target} that there is not`);
      const seenSince = Math.min(sentAt, watch.lastSeen(this.#now)) - limits.fullPassMs - 2 * limits.tickMs - passMs;
      const { state } = claim;
      this.#parts.scheduler.note(`answered: ${state}`);
      if (state === "enforced" && !watch.seemsStoppedSince(cidr, seenSince, passMs))
        throw new Violation("P9", `${target}: ${cidrText(cidr)} is called enforced, and has not stood since ${new Date(seenSince).toISOString()}`);
      if (state === "covered" && (claim.by === undefined || !watch.stoppedSince(cidr, seenSince) || !contains(cidrOf(claim.by), cidr)))
        throw new Violation("P9", `${target}: ${cidrText(cidr)} is called covered by ${claim.by}, which is not so`);
      const early = state === "covered" && claim.by !== undefined ? this.#despite.covered(watch, cidr, cidrOf(claim.by)) : null;
      if (early !== null) throw new Violation("P9", early);
      if (state === "observed" && !watch.recentWishes(this.#now, lateMs + limits.fullPassMs).some(({ mode }) => mode === "observe"))
        throw new Violation("P9", `${target}: called observed, and was not in observe mode`);
    });
  }

  /** The feed holds every block that was promised well before it was asked for, or it should have been refused. */
  fed(text: string, sentAt: EpochMs): void {
    this.#guard(() => {
      if (this.#parts.watches.some((watch) => this.#now <= watch.disturbedBesides("record"))) return;
      const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      const fed = lines.map(cidrOf);
      for (const one of this.#parts.ledger.all) {
        const isOld = one.endedAt !== null && one.endedAt < sentAt - limits.fullPassMs - passMs - this.#settleMs;
        const isSure =
          one.outcome === "promised" &&
          one.recordLostAt === null &&
          one.liftSentAt === null &&
          one.until > this.#now + 60_000 &&
          !this.isProtected(one.cidr, lateMs);
        if (isOld && isSure && !fed.some((entry) => contains(entry, one.cidr))) throw new Violation("P9", `the feed leaves out ${cidrText(one.cidr)}`);
      }
    });
  }
}
