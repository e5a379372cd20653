// What the coordinator knows of live leases, for deduplication and for limits: the last snapshot and what was accepted since.
// In memory only; rebuilt from the snapshot and the recent records after a restart.
import { CidrIndex, cidrFromKey } from "../../shared/address/index.ts";
import { type ClientConfig, type Config, defaultTargets, severities, spillTargets } from "../../shared/config.ts";
import { escalatedMs, offenceOf, type PastLease } from "../../shared/lease/escalate.ts";
import { cancels, isHeld, liftedBy, liftsThatMatter, selects } from "../../shared/lease/live.ts";
import type { Lease, Lift, StopState } from "../../shared/lease/record.ts";
import type { Snapshot } from "../../shared/lease/snapshot.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { isoTime } from "../../shared/time.ts";
import { liftsOfSnapshot } from "../pass/records.ts";
import type { World } from "../pass/world.ts";
import type { AcceptItem, Escalated } from "./contract.ts";
import { KnownLeases } from "./known-leases.ts";
import type { Memory } from "./memory.ts";

/** What a new lease comes to: its end, and which offence of its client at the block it is. */
export interface Grown {
  readonly until: EpochMs;
  readonly offence?: number;
  readonly escalated?: Escalated;
}

export type Judgement =
  | ({ readonly kind: "write"; readonly status: "created" | "renewed"; readonly held: boolean } & Grown)
  | { readonly kind: "unchanged"; readonly until: EpochMs }
  | { readonly kind: "exempt"; readonly until: EpochMs; readonly why: string }
  | { readonly kind: "limited"; readonly limit: "live" | "newPerMinute" | "store"; readonly why: string; readonly retryAfterSeconds: number };

/** How many of `times` (ascending) lie within `windowMs` before `now`, and the oldest of them. */
function within(times: readonly EpochMs[], now: EpochMs, windowMs: number): { readonly count: number; readonly oldest: EpochMs } {
  let at = 0;
  for (let end = times.length; at < end; ) {
    const middle = (at + end) >> 1;
    if ((times[middle] ?? 0) > now - windowMs) end = middle;
    else at = middle + 1;
  }
  return { count: times.length - at, oldest: times[at] ?? now };
}

/** Whether two leases that end at once say the same: then they are one record. */
function isSame(a: Lease, b: Pick<Lease, "at" | "severity" | "targets" | "held">): boolean {
  return a.at === b.at && a.severity === b.severity && a.held === b.held && JSON.stringify(a.targets) === JSON.stringify(b.targets);
}

/** A renewal is the same offence as what it renews. */
function renewed(item: AcceptItem, mine: readonly Lease[]): Grown {
  const offence = Math.max(0, ...mine.map((lease) => lease.offence ?? 0));
  return { until: item.until, ...(offence === 0 ? {} : { offence }) };
}

const minuteMs = 60_000;
/** What one pass can list, less a tenth for lifts and for what is written meanwhile. */
export const leasesMax = limits.listPagesMax * 900;

export class Ledger {
  readonly #config: Config;
  readonly #memory: Memory;
  readonly #repeats: World["repeats"];
  /** How long lost memory is blind to what a listing shows late; 0: there is none to lose. */
  readonly #blindMs: number;
  /** Says of a lease whether a lift may have ended it which nothing shows yet: it carries no answer. */
  #isDoubted: (lease: Lease) => boolean = () => false;
  #known = new KnownLeases();
  /** What is over, of clients whose leases grow, by block and client: as the last pass knew, and what has ended since. */
  #over = new Map<string, PastLease[]>();
  #lifts = new CidrIndex<Lift>([], (lift) => lift.cidr);
  /** Acceptances of this life, ascending; per client and of all. */
  #accepted = new Map<string, EpochMs[]>();
  /** Writes under way, per client. */
  readonly #reserved = new Map<string, number>();
  #builtFrom: unknown = undefined;

  constructor({ config, memory, continuity, repeats }: Pick<World, "config" | "memory" | "continuity" | "repeats">) {
    this.#config = config;
    this.#memory = memory;
    this.#repeats = repeats;
    this.#blindMs = continuity === "kept" ? config.store.stalenessMs : 0;
  }

  /** Rebuilds when a pass has made a new snapshot; cheap otherwise. */
  refresh(now: EpochMs): void {
    const snapshot = this.#memory.snapshot;
    if (this.#builtFrom === (snapshot ?? "none")) return;
    this.#builtFrom = snapshot ?? "none";
    const lifts = [...(snapshot === null ? [] : liftsOfSnapshot(snapshot)), ...this.#memory.recentLifts()];
    const lifted = liftedBy(lifts);
    this.#lifts = new CidrIndex(liftsThatMatter(lifts, now), (lift) => lift.cidr);
    this.#known = new KnownLeases({ snapshot, recent: this.#memory.recentLeases(), lifted, now });
    this.#isDoubted = this.#doubts(snapshot);
    this.#over = new Map();
    for (const lease of this.#known.over()) if (!isHeld(lease, this.#stop())) this.#addOver(lease.cidr.key, lease);
    for (const record of snapshot?.ended ?? []) {
      const cidr = cidrFromKey(record.key);
      if (cidr !== null && record.liftedAt === null && record.held !== true && !lifted({ ...record, cidr })) this.#addOver(record.key, record);
    }
    this.#accepted = new Map();
    for (const { client, at } of this.#memory.acceptances().sort((a, b) => a.at - b.at)) this.#note(client, at);
  }

  /** The end of a life may have cut off a lift between the store and memory, and lost memory is blind to what a listing shows late. */
  #doubts(snapshot: Snapshot | null): (lease: Lease) => boolean {
    const begun = liftedBy(this.#memory.begunLifts());
    const isBlind = this.#blindMs > 0 && snapshot !== null && snapshot.at < this.#memory.core.since + this.#blindMs;
    return (lease) => begun(lease) || (isBlind && !this.#known.isOwn(lease));
  }

  /** After a lift nothing that was read before may be trusted. */
  invalidate(): void {
    this.#builtFrom = undefined;
  }

  add(lease: Lease): void {
    this.#known.add(lease);
  }

  #addOver(key: string, past: PastLease & { readonly client: string }): void {
    const { clients } = this.#config;
    if (!Object.hasOwn(clients, past.client) || clients[past.client]?.escalate === undefined) return;
    const name = `${key} ${past.client}`;
    this.#over.set(name, [...(this.#over.get(name) ?? []), past]);
  }

  #note(client: string, at: EpochMs): void {
    for (const name of [client, "*"]) {
      const times = this.#accepted.get(name);
      if (times === undefined) this.#accepted.set(name, [at]);
      else times.push(at);
    }
  }

  /** Counts a write against all limits before it is under way, so that many at once cannot slip through together. */
  reserve(client: string, now: EpochMs): void {
    this.#note(client, now);
    this.#reserved.set(client, (this.#reserved.get(client) ?? 0) + 1);
  }

  /** The write has ended: the lease is counted by itself now, or was never made. */
  release(client: string): void {
    this.#reserved.set(client, (this.#reserved.get(client) ?? 1) - 1);
  }

  leasesAt(key: string): readonly Lease[] {
    return this.#known.at(key);
  }

  /** The latest end of what is leased at a block, anywhere. */
  untilOf(key: string, now: EpochMs): EpochMs {
    return Math.max(0, ...this.leasesAt(key).map((lease) => (lease.until > now ? lease.until : 0)));
  }

  /** Whether a lift over a part of the block came at that moment or later. */
  liftedSince(key: string, at: EpochMs): boolean {
    const cidr = cidrFromKey(key);
    return cidr !== null && this.#lifts.overlapping(cidr).some((lift) => lift.at >= at);
  }

  /** Until when every one of these targets (null: all) has it leased at least; 0: not every one has, or what is known of it may have been lifted since. */
  untilAt(key: string, targets: readonly string[] | null, now: EpochMs): EpochMs {
    if (this.#repeats === "written") return 0;
    const live = this.leasesAt(key).filter((lease) => lease.until > now && !this.#isDoubted(lease));
    const names = targets ?? defaultTargets(this.#config);
    const spills = spillTargets(this.#config);
    const ends = names.map((name) => Math.max(0, ...live.filter((lease) => selects(lease, name, spills)).map((lease) => lease.until)));
    return ends.length === 0 ? 0 : Math.min(...ends);
  }

  /**
   * `until`, or the first millisecond after it that no lease of the client at the block ends at: records are immutable, and
   * one that says something else (other targets, another severity) must not take this one's key. The same once more, which is written where a lift
   * may hide what it did the first time, takes its own.
   */
  freeEnd(key: string, wanted: Omit<Lease, "key" | "cidr" | "offence">): EpochMs {
    const { client, until } = wanted;
    const others = this.leasesAt(key).filter((lease) => lease.client === client && !isSame(lease, wanted));
    const taken = new Set(others.map((lease) => lease.until));
    let end = until;
    while (taken.has(end)) end += 1;
    return end;
  }

  /** The least that the client's own leases already give every target that this item selects. */
  #standing(client: string, item: AcceptItem): EpochMs {
    const targets = item.targets ?? defaultTargets(this.#config);
    const spills = spillTargets(this.#config);
    const severity = severities.indexOf(item.severity);
    const carries = (lease: Lease) => lease.client === client && severities.indexOf(lease.severity) >= severity && !this.#isDoubted(lease);
    const mine = this.leasesAt(item.key).filter(carries);
    const untils = targets.map((target) => Math.max(0, ...mine.filter((lease) => selects(lease, target, spills)).map((lease) => lease.until)));
    if (item.targets === null) untils.push(Math.max(0, ...mine.filter((lease) => lease.targets === null).map((lease) => lease.until)));
    return Math.min(...untils);
  }

  /** `planned`: how many new leases the same request has already been granted. */
  judge(client: string, settings: ClientConfig, item: AcceptItem, now: EpochMs, planned: number): Judgement {
    const over = this.#liftOver(client, item, now);
    if (over !== null) return over;
    const standing = this.#standing(client, item);
    const asked = item.until - item.at;
    if (this.#repeats !== "written" && standing > now && item.until - standing < asked * limits.renewalGainMin) return { kind: "unchanged", until: standing };
    const mine = this.leasesAt(item.key).filter((lease) => lease.client === client && lease.until > now);
    const isRenewal = mine.length > 0;
    const limited =
      (isRenewal ? null : this.#live(client, settings, planned)) ?? this.#store(client, planned) ?? this.#perMinute(client, settings, now, planned);
    if (limited !== null) return limited;
    return {
      kind: "write",
      ...(isRenewal ? renewed(item, mine) : this.#grown(client, settings, item, now)),
      status: isRenewal ? "renewed" : "created",
      held: isRenewal ? mine.every((lease) => isHeld(lease, this.#stop())) : this.#isBraking(now, planned),
    };
  }

  /** A new lease is longer for whoever comes back. Nothing is awaited and nothing read: the same event comes to the same lease. */
  #grown(client: string, settings: ClientConfig, item: AcceptItem, now: EpochMs): Grown {
    const rule = settings.escalate;
    if (rule === undefined) return { until: item.until };
    const remembered = this.#memory.offences.of(client, item.key);
    const ended = this.leasesAt(item.key).filter((lease) => lease.client === client && lease.until <= now && !isHeld(lease, this.#stop()));
    const past = [...ended, ...(this.#over.get(`${item.key} ${client}`) ?? []), ...(remembered === undefined ? [] : [remembered])];
    const { number, kind } = offenceOf(item.eventAt ?? item.at, past, rule.memoryMs);
    const offence = number === 0 ? {} : { offence: number };
    if (kind !== "return") return { until: item.until, ...offence };
    const askedMs = item.until - item.at;
    const forMs = escalatedMs(askedMs, number, rule, Math.min(settings.longestMs, limits.leaseLongestMs));
    return { until: item.at + forMs, ...offence, escalated: { offence: number, askedMs, forMs } };
  }

  /** A release frees what came before it, by event time: an event reported late would slip through, so a held one counts from after it. */
  heldFrom(at: EpochMs): EpochMs {
    return Math.max(at, this.#stop().releasedAt + 1);
  }

  #stop(): StopState {
    const recent = this.#memory.recentStop();
    const known = this.#memory.snapshot?.stop ?? recent;
    return known.at > recent.at ? known : recent;
  }

  /** A lift that would cancel the lease as soon as it was made: an exemption, or a lift later than the event. */
  #liftOver(client: string, item: AcceptItem, now: EpochMs): Judgement | null {
    const cidr = cidrFromKey(item.key);
    if (cidr === null) return null;
    const lease = { cidr, at: item.at, client };
    const over = this.#lifts.overlapping(cidr).filter((lift) => cancels(lift, lease));
    if (over.length === 0) return null;
    const exemptUntil = Math.max(...over.map((lift) => lift.exemptUntil ?? 0));
    if (exemptUntil > now) return { kind: "exempt", until: exemptUntil, why: `a person exempted it until ${isoTime(exemptUntil)}` };
    return {
      kind: "exempt",
      until: 0,
      why: `it was lifted at ${isoTime(Math.max(...over.map((lift) => lift.at)))}, after the event of ${isoTime(item.at)}`,
    };
  }

  #perMinute(client: string, settings: ClientConfig, now: EpochMs, planned: number): Judgement | null {
    const recent = within(this.#accepted.get(client) ?? [], now, minuteMs);
    if (recent.count + planned < settings.newPerMinute) return null;
    const retryAfterSeconds = Math.max(1, Math.ceil((recent.oldest + minuteMs - now) / 1000));
    return {
      kind: "limited",
      limit: "newPerMinute",
      retryAfterSeconds,
      why: `client ${client} made ${recent.count + planned} new blocks in the last minute of ${settings.newPerMinute} allowed`,
    };
  }

  #live(client: string, settings: ClientConfig, planned: number): Judgement | null {
    const live = this.#known.live(client) + (this.#reserved.get(client) ?? 0);
    if (live + planned < settings.live) return null;
    return { kind: "limited", limit: "live", retryAfterSeconds: 60, why: `client ${client} holds ${live + planned} live leases of ${settings.live} allowed` };
  }

  /** Ended records stay for proof and count too: beyond what one pass can list, nothing at all could be enforced or lifted. */
  #store(client: string, planned: number): Judgement | null {
    const held = Math.max(this.#known.count, this.#memory.recordsMax());
    const own = this.#memory.recordsMaxOf(client);
    const isFull = held + planned >= leasesMax;
    if (!isFull && own + planned < leasesMax * limits.storeShareMax) return null;
    const why = isFull
      ? `the store holds ${held} records of ${leasesMax} for leases that one pass can read`
      : `client ${client} holds ${own} of the ${leasesMax} records for leases that one pass can read, ended ones included; the rest is kept for the others`;
    return { kind: "limited", limit: "store", retryAfterSeconds: 300, why };
  }

  #isBraking(now: EpochMs, planned: number): boolean {
    const { brake } = this.#config;
    return within(this.#accepted.get("*") ?? [], now, brake.perMs).count + planned >= brake.new;
  }
}
