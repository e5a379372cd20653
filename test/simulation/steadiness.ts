// Nothing swings to and fro: what stands at a target changes because something happened, and then is still. Knows what happened from the
// ledger, from the deeds, and from what the clouds went through; asks the product nothing.
import { cidrText } from "../../shared/address/index.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Ledger } from "./ledger.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Moment, Watch } from "./watch.ts";

/** What a pass that had begun before something happened may still write afterwards. */
const aftermathMs = limits.tickMs;
/** Added and removed, and that twice. */
const swingsMax = 4;

interface Changes {
  /** Since the last cause, whatever was still on its way. */
  sinceCause: number;
  /** Of these, those in a quiet stretch. */
  inQuiet: number;
  causes: number;
}

export interface SteadinessParts {
  readonly scheduler: Scheduler;
  readonly ledger: Ledger;
  readonly watches: readonly Watch[];
  /** How long after it was written something may yet become known. */
  readonly settleMs: number;
  /** Whether what one pass knew the next one knows too. */
  readonly strictness: "strict" | "by-staleness";
}

export class Steadiness {
  readonly #parts: SteadinessParts;
  readonly #changes = new Map<string, Changes>();
  #causes = 0;
  #causedAt: EpochMs = 0;

  constructor(parts: SteadinessParts) {
    this.#parts = parts;
  }

  /** Something happened that may change what has to stand somewhere. */
  cause(): void {
    this.#causes += 1;
    this.#causedAt = this.#parts.scheduler.now;
  }

  /** Moments at which something was asked for, or what was ends to count by itself. */
  #moments(): readonly EpochMs[] {
    const { ledger, settleMs } = this.#parts;
    const asked = ledger.all.filter(({ outcome }) => outcome !== "refused");
    const told = [...asked, ...ledger.lifts].map(({ sentAt }) => sentAt);
    const answered = [...asked.map(({ endedAt }) => endedAt), ...ledger.lifts.map(({ answeredAt }) => answeredAt)].flatMap((at) => at ?? []);
    const ends = asked.flatMap(({ askedUntil, until }) => [askedUntil, until]).flatMap((end) => [end, end + settleMs]);
    const exemptions = ledger.lifts.flatMap(({ sentAt, answeredAt, exemptMs }) =>
      exemptMs === null ? [] : [sentAt + exemptMs, (answeredAt ?? sentAt) + exemptMs],
    );
    return [...told, ...answered, ...ends, ...exemptions];
  }

  /** Whether the request is under way, or what nobody answered may end about now. */
  #isUncertain(now: EpochMs): boolean {
    const { ledger, settleMs } = this.#parts;
    const isOpen = (one: Ledger["all"][number]): boolean =>
      one.endedAt === null || (one.outcome === "unknown" && now >= one.askedUntil && now <= one.until + settleMs + aftermathMs);
    return ledger.all.some(isOpen) || ledger.lifts.some(({ answeredAt, sentAt }) => answeredAt === null && now < sentAt + settleMs + aftermathMs);
  }

  /** Nothing has happened for longer than anything that did could take to show. */
  #isQuiet(now: EpochMs, moments: readonly EpochMs[]): boolean {
    const { watches, settleMs, strictness } = this.#parts;
    const slowMs = Math.max(...watches.map(({ operationMs }) => operationMs));
    const graceMs = aftermathMs + 2 * slowMs + (strictness === "strict" ? 0 : settleMs);
    const last = Math.max(this.#causedAt, ...watches.map(({ disturbedUntil }) => disturbedUntil), ...moments.filter((at) => at <= now));
    return now > last + graceMs && !this.#isUncertain(now);
  }

  /** Gives what swung, if something did. */
  changed(watch: Watch, { placed }: Moment): string | null {
    const { scheduler } = this.#parts;
    const moments = this.#moments();
    const causes = this.#causes + this.#parts.ledger.version + moments.filter((at) => at <= scheduler.now).length;
    const isQuiet = this.#isQuiet(scheduler.now, moments);
    const [had, has] = [new Set(placed.map(cidrText)), new Set(watch.placed.map(cidrText))];
    const isNew = (text: string, other: ReadonlySet<string>): boolean => !other.has(text);
    for (const text of [...[...had].filter((one) => isNew(one, has)), ...[...has].filter((one) => isNew(one, had))]) {
      const name = `${watch.name} ${text}`;
      const known = this.#changes.get(name);
      const before = known !== undefined && known.causes === causes ? known : { sinceCause: 0, inQuiet: 0, causes };
      const changes = { causes, sinceCause: before.sinceCause + 1, inQuiet: before.inQuiet + (isQuiet ? 1 : 0) };
      this.#changes.set(name, changes);
      if (isQuiet) scheduler.note("changed in a quiet stretch");
      if (changes.inQuiet > 1 || changes.sinceCause >= swingsMax)
        return `${watch.name}: ${text} was ${has.has(text) ? "added" : "removed"}, its change ${changes.sinceCause} since anything happened, ${changes.inQuiet} of them long after`;
    }
    return null;
  }
}
