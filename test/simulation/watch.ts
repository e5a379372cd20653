// One firewall as the outside sees it over time: what stands, what stood when, who changed it, what it was configured to be, and since
// when it could be expected to be right. Decides nothing; `oracle.ts` judges.
import { type Cidr, cidrOf, contains } from "../../shared/address/index.ts";
import type { TargetMode } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { CloudChange, CloudUnderTest } from "./contract.ts";

export interface Moment {
  readonly at: EpochMs;
  /** Entries of ours that are there. */
  readonly placed: readonly Cidr[];
  /** Those among them that really deny. */
  readonly standing: readonly Cidr[];
}

/** What the operator wants of the target from a moment on. */
export interface Wish {
  readonly at: EpochMs;
  readonly mode: TargetMode | "freeze";
  /** What a stop says, whatever the deployment does: a life of the version before may still act on it. */
  readonly stopped?: "freeze" | "drain" | null;
  readonly maxEntries: number | null;
}

/**
 * What excuses only some promises: a deployment, a record that cannot be read and trouble of a call that only adds nothing of P4 (which has a bound
 * of its own, needs no proof, and goes first); a record nothing of the feed, which is whole or refused; a kill nothing that was asked for after it;
 * ticks that do not come nothing that wakes a pass by itself.
 */
export type Excuse = "deployment" | "record" | "adding" | "kill" | "ticks";

const historyMs = 30 * 60_000;

export class Watch {
  readonly cloud: CloudUnderTest;
  /** Newest last; never empty. */
  readonly history: Moment[];
  readonly wishes: Wish[];
  /** What people put into our place, by text, and when. */
  readonly strange = new Map<string, EpochMs>();
  /** What the deployment says; what a stop says, which is nothing where the deployment only observes. */
  #configured: TargetMode = "enforce";
  #stopped: "freeze" | "drain" | null = null;
  /** Until then, what was done to it may excuse that it is not right. */
  disturbedUntil: EpochMs = 0;
  /** The same by what did it. */
  #disturbed: Readonly<Record<Excuse | "other", EpochMs>> = { deployment: 0, record: 0, adding: 0, kill: 0, ticks: 0, other: 0 };
  /** Until then, a quota that was changed or a place that was filled by others may have an exchange end half-way. */
  narrowedUntil: EpochMs = 0;
  /** Since when another store's mark is on it; null: ours is. */
  estrangedSince: EpochMs | null = null;
  readonly #troubleMs = new Map<Excuse | "other", number>();
  /** Since when there has been something in the way without a break. */
  #disturbedSince: EpochMs | null = null;
  /** What the target's own settings leave, where those say how much it may hold. */
  readonly #configuredRoom: number;
  readonly #fullAt: Record<4 | 6, EpochMs> = { 4: 0, 6: 0 };
  writesSeen = 0;
  /** When it was last asked to change something, with success or not. */
  wroteAt: EpochMs = 0;
  /** When the last call had come before somebody was last killed; 0: none had. */
  calledBeforeKill: EpochMs = 0;
  #seen = { calls: 0, writes: 0, calledAt: 0, killedAt: 0 };
  /** How long a change that was accepted is worked on. */
  operationMs = 0;

  constructor(cloud: CloudUnderTest, wish: Wish, now: EpochMs) {
    this.cloud = cloud;
    this.wishes = [wish];
    this.#configuredRoom = cloud.definition.granularity === "entry" ? Number.POSITIVE_INFINITY : cloud.room().total;
    this.history = [{ at: now, placed: cloud.placed().map(cidrOf), standing: cloud.standing().map(cidrOf) }];
  }

  get name(): string {
    return this.cloud.name;
  }

  get placed(): readonly Cidr[] {
    return this.history.at(-1)?.placed ?? [];
  }

  get wish(): Wish {
    const wish = this.wishes.at(-1);
    if (wish === undefined) throw new Error("a target always has a wish");
    return wish;
  }

  /** The operator wants something else from now on. */
  wishFor(
    changes: { readonly configured?: TargetMode; readonly stopped?: "freeze" | "drain" | null; readonly maxEntries?: number | null },
    now: EpochMs,
  ): void {
    const { maxEntries } = this.wish;
    this.#configured = changes.configured ?? this.#configured;
    this.#stopped = changes.stopped === undefined ? this.#stopped : changes.stopped;
    const mode = this.#configured === "observe" ? "observe" : (this.#stopped ?? this.#configured);
    this.wishes.push({ at: now, mode, stopped: this.#stopped, maxEntries: changes.maxEntries === undefined ? maxEntries : changes.maxEntries });
  }

  /** Every wish that some life may still act on. */
  recentWishes(now: EpochMs, withinMs: number): readonly Wish[] {
    const current = this.wishes.findLastIndex((wish) => wish.at <= now - withinMs);
    return this.wishes.slice(Math.max(0, current));
  }

  covers(cidr: Cidr, entries: readonly Cidr[] = this.placed): boolean {
    return entries.some((entry) => contains(entry, cidr));
  }

  /** Whether it was really stopped at some moment since then. */
  stoppedSince(cidr: Cidr, since: EpochMs): boolean {
    const first = this.history.findLastIndex((moment) => moment.at <= since);
    return this.history.slice(Math.max(0, first)).some((moment) => this.covers(cidr, moment.standing));
  }

  /** Whether it was there at some moment since then. */
  placedSince(cidr: Cidr, since: EpochMs): boolean {
    const first = this.history.findLastIndex((moment) => moment.at <= since);
    return this.history.slice(Math.max(0, first)).some((moment) => this.covers(cidr, moment.placed));
  }

  /**
   * Whether whoever looked since then may call it stopped: it was, or all that was there denied when he looked, at most `lookMs` before it came in,
   * whatever a person did in between.
   */
  seemsStoppedSince(cidr: Cidr, since: EpochMs, lookMs: number): boolean {
    if (this.stoppedSince(cidr, since)) return true;
    const isThere = (moment: Moment | undefined) => moment !== undefined && this.covers(cidr, moment.placed);
    // What had come in before then has stood, or what hides it has been there to be seen.
    const came = this.history.find((moment, at) => moment.at > since && isThere(moment) && !isThere(this.history[at - 1]));
    if (came === undefined) return false;
    const looked = this.history.findLastIndex((moment) => moment.at <= came.at - lookMs);
    return this.history.slice(Math.max(0, looked)).some((moment) => moment.at <= came.at && moment.standing.length === moment.placed.length);
  }

  /** Whether it lies in a wider one that is there: it goes next. */
  isWithinAnother(entry: Cidr): boolean {
    return this.placed.some((wider) => wider.length < entry.length && contains(wider, entry));
  }

  /** The most that really denied at once since then, the last change left out. */
  mostSince(since: EpochMs): number {
    const earlier = this.history.slice(0, -1);
    const first = earlier.findLastIndex((moment) => moment.at <= since);
    return Math.max(0, ...earlier.slice(Math.max(0, first)).map(({ standing }) => standing.length));
  }

  disturb(until: EpochMs, excuse: Excuse | "other" = "other"): void {
    this.disturbedUntil = Math.max(this.disturbedUntil, until);
    this.#disturbed = { ...this.#disturbed, [excuse]: Math.max(this.#disturbed[excuse], until) };
  }

  /** Until when it is excused by anything but these. */
  disturbedBesides(...excuses: readonly Excuse[]): EpochMs {
    return Math.max(...Object.entries(this.#disturbed).map(([by, until]) => (excuses.some((excuse) => excuse === by) ? 0 : until)));
  }

  /** Looks whether it was called, and whether somebody was killed. */
  noteCalls(killedAt: EpochMs, now: EpochMs): void {
    const [calls, writes] = [this.cloud.calls(), this.cloud.writes()];
    if (writes !== this.#seen.writes) this.wroteAt = now;
    const calledAt = calls === this.#seen.calls ? this.#seen.calledAt : now;
    if (killedAt !== this.#seen.killedAt) this.calledBeforeKill = calledAt;
    this.#seen = { calls, writes, calledAt, killedAt };
  }

  /** What was seen before trouble began may be repeated until it is over. */
  lastSeen(now: EpochMs): EpochMs {
    return this.disturbedUntil > now - limits.fullPassMs ? now - limits.readyMs : now;
  }

  /** For how long something may have been in the way. */
  disturbedMs(now: EpochMs): number {
    return this.#disturbedSince === null ? 0 : now - this.#disturbedSince;
  }

  /** Trouble waits at the cloud, and disturbs for so long from when it happens. */
  trouble(ms: number, excuse: Excuse | "other" = "other"): void {
    this.#troubleMs.set(excuse, Math.max(this.#troubleMs.get(excuse) ?? 0, ms));
  }

  /** Looks whether trouble waits, or has just happened. */
  poll(now: EpochMs): void {
    this.#disturbedSince = this.disturbedUntil < now ? null : (this.#disturbedSince ?? now);
    if (this.#troubleMs.size === 0) return;
    for (const [excuse, ms] of this.#troubleMs) this.disturb(now + ms, excuse);
    if (!this.cloud.hasTrouble()) this.#troubleMs.clear();
  }

  /** Everything that was in the way is gone; until then it may still show. */
  calm(until: EpochMs): void {
    this.#troubleMs.clear();
    this.disturbedUntil = until;
    this.#disturbed = { deployment: 0, record: 0, adding: 0, kill: 0, ticks: 0, other: until };
  }

  /** Takes in a change; gives what stood before it. */
  note(change: CloudChange): Moment {
    const before = this.history.at(-1) ?? { at: 0, placed: [], standing: [] };
    this.history.push({ at: change.at, placed: change.placed.map(cidrOf), standing: change.standing.map(cidrOf) });
    while ((this.history[1]?.at ?? Number.POSITIVE_INFINITY) < change.at - historyMs) this.history.shift();
    return before;
  }

  /** How many of ours may stand beside each other in what one family competes for, by the cloud's own word and the operator's. */
  capOf(family: 4 | 6, now: EpochMs): { readonly most: number; readonly families: readonly (4 | 6)[] } {
    const room = this.cloud.room();
    const own = family === 4 ? room.ipv4 : room.ipv6;
    const maxEntries = Math.min(...this.recentWishes(now, 0).map((wish) => wish.maxEntries ?? Number.POSITIVE_INFINITY));
    const shared = Math.min(room.total, this.#configuredRoom, maxEntries, room.shared ? own : Number.POSITIVE_INFINITY);
    const others = this.placed.filter((entry) => entry.family !== family).length;
    return shared - others <= own ? { most: shared, families: [4, 6] } : { most: own, families: [family] };
  }

  /** Remembers when there was no room. */
  noteRoom(now: EpochMs, hidden: readonly Cidr[]): void {
    for (const family of [4, 6] as const) if (this.isFull(family, now, hidden)) this.#fullAt[family] = now;
  }

  /** When it was last full for that family; 0: never. */
  fullAt(family: 4 | 6): EpochMs {
    return this.#fullAt[family];
  }

  /** `hidden`: what has a place and no entry of its own. */
  isFull(family: 4 | 6, now: EpochMs, hidden: readonly Cidr[] = []): boolean {
    const cap = this.capOf(family, now);
    return [...this.placed, ...hidden].filter((entry) => cap.families.includes(entry.family)).length >= cap.most;
  }
}
