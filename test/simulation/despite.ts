// What must hold although something happened that excuses much else: P4 although there was a deployment, P1 of what was asked for after
// somebody was killed, an empty target although it is drained; and what `covered` and an exchange promise. Judges; changes nothing.
import { type Cidr, cidrText, contains, overlaps } from "../../shared/address/index.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Asked, Ledger } from "./ledger.ts";
import { deploymentMs } from "./platform/workers.ts";
import type { PromiseName } from "./promises.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Watch } from "./watch.ts";

export interface Wrong {
  readonly promise: PromiseName;
  readonly what: string;
}

export interface DespiteParts {
  readonly scheduler: Scheduler;
  readonly ledger: Ledger;
  readonly strictness: "strict" | "by-staleness";
  readonly settleMs: number;
  /** A pass with slow answers. */
  readonly passMs: number;
  /** When a life was last killed; 0: none was. */
  readonly killedAt: () => EpochMs;
  /** Whether the platform keeps a wish for a pass, whoever dies. */
  readonly keepsWishes: boolean;
  /** What the newest deployment protects, and since when. */
  readonly protection: () => { readonly at: EpochMs; readonly ranges: readonly Cidr[] } | undefined;
}

/** On Deno a dead holder's lock, and the difference of two clocks, are waited out. */
const lockMs = 45_000;
/** With fewer places than that left, what rests for an unknown outcome may take the last. */
const spare = 4;

export class Despite {
  readonly #parts: DespiteParts;
  /** When a family last had hardly any room at a target, by both. */
  readonly #narrowAt = new Map<string, EpochMs>();

  /** What was placed when a target was last looked at, and when its list was last ours alone. */
  readonly #placed = new Map<string, readonly Cidr[]>();
  readonly #ownAt = new Map<string, EpochMs>();

  constructor(parts: DespiteParts) {
    this.#parts = parts;
  }

  /** A pass that began before a resume may end after it; without a coordinator, the store may show the drain for longer. */
  get drainedMs(): number {
    const { strictness, passMs, settleMs } = this.#parts;
    return strictness === "strict" ? passMs : settleMs + passMs;
  }

  /** What is wrong at one target now, whatever else is excused; null: nothing. */
  check(watch: Watch): Wrong | null {
    const { now } = this.#parts.scheduler;
    watch.noteCalls(this.#parts.killedAt(), now);
    this.#noteRoom(watch);
    const shared = this.#sharedWith(watch);
    if (shared !== null || watch.estrangedSince !== null) return shared;
    if (watch.wish.mode === "drain") return this.#drained(watch);
    if (watch.wish.mode !== "enforce") return null;
    return this.#protected(watch) ?? this.#afterKill(watch) ?? this.#withoutTicks(watch);
  }

  /**
   * P5: where the API cannot close a race, the target refuses that mode: nothing of ours is added to a list in which somebody else's items have stood
   * for longer than an operation takes.
   */
  #sharedWith(watch: Watch): Wrong | null {
    const { now } = this.#parts.scheduler;
    const before = this.#placed.get(watch.name) ?? [];
    this.#placed.set(watch.name, watch.placed);
    if (watch.cloud.isShared?.() !== true) this.#ownAt.set(watch.name, now);
    const sharedMs = now - (this.#ownAt.get(watch.name) ?? now);
    if (sharedMs <= limits.tickMs + watch.operationMs || before === watch.placed) return null;
    const added = watch.placed.filter((entry) => !watch.covers(entry, before) && !watch.strange.has(cidrText(entry)));
    if (added.length === 0) return null;
    return { promise: "P5", what: `${watch.name}: ${added.map(cidrText).join(" ")} was added to a list that others have shared for ${sharedMs} ms` };
  }

  #noteRoom(watch: Watch): void {
    for (const family of [4, 6] as const) {
      const cap = watch.capOf(family, this.#parts.scheduler.now);
      const left = cap.most - watch.placed.filter((entry) => cap.families.includes(entry.family)).length;
      if (left < spare) this.#narrowAt.set(`${watch.name} ${family}`, this.#parts.scheduler.now);
    }
  }

  #narrowSince(watch: Watch, family: 4 | 6): EpochMs {
    return this.#narrowAt.get(`${watch.name} ${family}`) ?? 0;
  }

  /** Design 5: drain removes all of ours. */
  #drained(watch: Watch): Wrong | null {
    const { now } = this.#parts.scheduler;
    const graceMs = this.#parts.settleMs + 2 * limits.tickMs + this.#parts.passMs + watch.operationMs;
    const isLong = watch.recentWishes(now, graceMs).every(({ mode }) => mode === "drain");
    const left = watch.placed.filter((entry) => !watch.strange.has(cidrText(entry)));
    if (!isLong || now <= watch.disturbedUntil || left.length === 0) return null;
    return { promise: "P2", what: `${watch.name}: ${left.map(cidrText).join(" ")} still stands, though it has been drained for long` };
  }

  /**
   * P4: one tick after the deployment. Whoever was in the middle of a call when the new code came left a place that rests (design 4 step 7); where
   * nothing was written lately there is none.
   */
  #protected(watch: Watch): Wrong | null {
    const { now } = this.#parts.scheduler;
    const newest = this.#parts.protection();
    if (newest === undefined || now <= watch.disturbedBesides("deployment", "record", "adding")) return null;
    const restMs = watch.cloud.definition.observeLagMs + limits.freezeMs;
    const restsMs = watch.wroteAt > newest.at - restMs ? restMs + limits.tickMs : 0;
    if (now <= newest.at + deploymentMs + limits.tickMs + this.#parts.passMs + watch.operationMs + restsMs) return null;
    const wrong = watch.placed.find((entry) => newest.ranges.some((range) => overlaps(range, entry)));
    if (wrong === undefined) return null;
    return { promise: "P4", what: `${watch.name}: ${cidrText(wrong)} stands ${now - newest.at} ms after the deployment that protects it` };
  }

  /**
   * Memory outlives a life, and the next tick goes on (P1: within one pass). Only what the dead one may have had under way rests: nothing of a
   * block that was first asked for after the cloud was last called.
   */
  #afterKill(watch: Watch): Wrong | null {
    const { scheduler, ledger, strictness, passMs, killedAt } = this.#parts;
    const { now } = scheduler;
    const isOnlyKilled = now <= watch.disturbedUntil && now > watch.disturbedBesides("kill");
    if (!isOnlyKilled || strictness !== "strict" || watch.cloud.definition.granularity === "group") return null;
    const mostMs = limits.tickMs + passMs + lockMs + watch.operationMs;
    const one = ledger.due(watch.name, now).find((due) => !this.#mayRest(watch, due) && this.#waitsMs(watch, due, killedAt()) > mostMs);
    return one === undefined
      ? null
      : { promise: "P1", what: `${watch.name}: ${cidrText(one.cidr)} was promised, and whoever was killed before keeps it waiting` };
  }

  /** Accepting wakes a pass (design 1), also where no tick comes. */
  #withoutTicks(watch: Watch): Wrong | null {
    const { scheduler, ledger, passMs, keepsWishes } = this.#parts;
    const { now } = scheduler;
    if (!keepsWishes || now > watch.disturbedUntil || now <= watch.disturbedBesides("ticks")) return null;
    const one = ledger.due(watch.name, now).find((due) => this.#waitsMs(watch, due, 0) > limits.tickMs + passMs + watch.operationMs);
    return one === undefined ? null : { promise: "P1", what: `${watch.name}: ${cidrText(one.cidr)} was promised, and waits for a tick` };
  }

  /** For how long it certainly could have stood and does not, since that moment. */
  #waitsMs(watch: Watch, one: Asked, since: EpochMs): number {
    const { now } = this.#parts.scheduler;
    const newest = this.#parts.protection();
    const isExcused = watch.covers(one.cidr) || one.aside || one.recordLostAt !== null || newest?.ranges.some((range) => overlaps(range, one.cidr)) === true;
    return isExcused ? 0 : now - Math.max(one.endedAt ?? now, since, newest?.at ?? 0, this.#narrowSince(watch, one.cidr.family));
  }

  #mayRest(watch: Watch, one: Asked): boolean {
    const { all } = this.#parts.ledger;
    return all.some((other) => other.outcome !== "refused" && overlaps(other.cidr, one.cidr) && other.sentAt <= watch.calledBeforeKill);
  }

  /** Whether something of it was leased before and may be over. */
  hadFormerLease(watch: Watch, one: Asked): boolean {
    const { ledger, scheduler } = this.#parts;
    return ledger.all.some(
      (other) =>
        other !== one &&
        other.outcome !== "refused" &&
        ledger.chain.reaches(other, watch.name) &&
        overlaps(other.cidr, one.cidr) &&
        (other.until <= scheduler.now || other.liftSentAt !== null),
    );
  }

  /**
   * Whether it was promised while a lease of the same block was known and certain: a lease stays live for SETTLE after its end, so that no stale
   * listing hides a renewal (design 4 step 4), with and without a coordinator.
   */
  isRenewedInTime(watch: Watch, one: Asked): boolean {
    const { ledger, scheduler, settleMs, passMs } = this.#parts;
    const promisedAt = one.endedAt ?? scheduler.now;
    return ledger.all.some(
      (other) =>
        other !== one &&
        other.outcome === "promised" &&
        other.liftSentAt === null &&
        other.recordLostAt === null &&
        ledger.chain.selects(other, watch.name) &&
        cidrText(other.cidr) === cidrText(one.cidr) &&
        other.until >= promisedAt + limits.skewMs &&
        (other.endedAt ?? promisedAt) < promisedAt - settleMs - limits.tickMs - passMs,
    );
  }

  /**
   * Whether what is heavier has not come in exchange: where one call can swap two (design 4 step 6), no place is left empty for what is to come. The
   * other family is never swapped, and what was wider goes for all that it held.
   */
  isGivenAway(watch: Watch, cidr: Cidr, before: readonly Cidr[]): boolean {
    const { granularity, capabilities } = watch.cloud.definition;
    if (granularity !== "entry" || capabilities.swap.support !== "yes") return false;
    const due = this.#parts.ledger.due(watch.name, this.#parts.scheduler.now);
    const hasOther = due.some((one) => one.cidr.family !== cidr.family && !watch.covers(one.cidr));
    const wasWider = before.some((entry) => contains(entry, cidr) && cidrText(entry) !== cidrText(cidr));
    return !hasOther && !wasWider && watch.placed.length < before.length;
  }

  /** P9: `covered` is by a wider entry that ends no earlier, unless rules were short and it was widened for that; null: it is so. */
  covered(watch: Watch, cidr: Cidr, by: Cidr): string | null {
    const { ledger, scheduler } = this.#parts;
    const { now } = scheduler;
    const isExcused = now <= watch.disturbedUntil || now - this.#narrowSince(watch, cidr.family) < limits.readyMs;
    const oldMs = limits.fullPassMs + 2 * limits.tickMs + this.#parts.passMs;
    const inner = ledger.due(watch.name, now).filter((one) => cidrText(one.cidr) === cidrText(cidr) && (one.endedAt ?? now) < now - oldMs);
    const outer = ledger.all.filter((one) => one.outcome !== "refused" && ledger.chain.reaches(one, watch.name) && contains(one.cidr, by));
    if (isExcused || inner.length === 0 || outer.length === 0) return null;
    const lastsMs = Math.max(...outer.map(({ until }) => until)) + limits.skewMs - Math.max(...inner.map(({ until }) => until));
    return lastsMs >= 0 ? null : `${watch.name}: ${cidrText(cidr)} is called covered by ${cidrText(by)}, which ends ${-lastsMs} ms before it`;
  }
}
