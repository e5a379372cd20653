// What the routes may ask of the coordinator. Everything crosses an RPC boundary, so it is plain cloneable data;
// addresses travel as `cidrKey` text. Expected refusals are values; throws are PortcullisError (STORE_UNAVAILABLE, INVARIANT).
import type { Severity } from "../../shared/config.ts";
import type { EventState } from "../../shared/event/record.ts";
import type { BlockState, EndedRecord, Snapshot, TargetSnapshot, TargetState } from "../../shared/lease/snapshot.ts";
import type { WeightParts } from "../../shared/lease/weight.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Trace } from "../../shared/trace.ts";
import type { EventVerbs } from "../events/contract.ts";

/** One address to block: already canonical, widened, authorised and not protected. */
export interface AcceptItem {
  readonly key: string;
  readonly asked: string;
  readonly at: EpochMs;
  readonly until: EpochMs;
  readonly severity: Severity;
  readonly targets: readonly string[] | null;
  readonly reason: string;
  readonly alerts: readonly string[];
  /** When it happened, where the lease counts from another time: what happened before the last lease ended is no return. */
  readonly eventAt?: EpochMs;
}

export interface AcceptRequest {
  readonly client: string;
  readonly items: readonly AcceptItem[];
  /** Strict routes: one refused item refuses all, and nothing is written. Alert routes: each item for itself. */
  readonly allOrNothing: boolean;
  /** Check and answer as if, but write nothing. */
  readonly dryRun: boolean;
}

export type AcceptStatus =
  /** A new lease was written. */
  | "created"
  /** An existing lease was extended by a new record. */
  | "renewed"
  /** A live lease already says this; nothing was written. */
  | "unchanged"
  /** Written, and held by the global brake until released. */
  | "held"
  /** Refused: a person exempted the address. */
  | "exempt"
  /** Refused: the client's limit; `limit` names it. */
  | "limited";

/** A lease that is longer than asked, because its client had this block before and it came back. */
export interface Escalated {
  /** How often it had been leased before; 1: the first return. */
  readonly offence: number;
  readonly askedMs: number;
  readonly forMs: number;
}

export interface AcceptedItem {
  readonly key: string;
  readonly status: AcceptStatus;
  /** The true end of the lease as it now is; for refusals, of what already exists, or 0. */
  readonly until: EpochMs;
  readonly why?: string;
  readonly limit?: "live" | "newPerMinute" | "store";
  readonly retryAfterSeconds?: number;
  readonly escalated?: Escalated;
  /** What is true per target now. */
  readonly states: Readonly<Record<string, TargetState>>;
}

export interface AcceptAnswer {
  readonly items: readonly AcceptedItem[];
  /** Hand this to `settle` to wait for the pass that takes these items in. */
  readonly ticket: number;
}

export interface SettledItem {
  readonly key: string;
  readonly until: EpochMs;
  /** A lift came over it while it was waited for: `until` is what that left. Without one, what was taken in stays true, whether this life knows of it or not. */
  readonly lifted?: true;
  /** What it is worth to spend a scarce rule on it, and what that is made of; only where an address is explained. */
  readonly weight?: WeightParts;
  readonly states: Readonly<Record<string, TargetState>>;
}

export interface LiftRequest {
  /** Addresses as keys, widened as leases are. */
  readonly keys: readonly string[];
  /** Whose leases end: one client's, or `*`. */
  readonly client: string;
  readonly at: EpochMs;
  /** Refuse new leases on these addresses until then; null: do not. */
  readonly exemptUntil: EpochMs | null;
  /** The sender's message id, when signed: the same id changes nothing a second time. */
  readonly once: string | null;
  /** Which client asks for it, to be told to people. */
  readonly by?: string;
}

export interface LiftAnswer {
  readonly items: readonly {
    readonly key: string;
    /** How many live leases this ended. */
    readonly lifted: number;
    readonly exemptUntil: EpochMs | null;
    /** Wider leases that still cover the address (keys); lift those to open it. */
    readonly stillCoveredBy: readonly string[];
  }[];
  readonly repeated: boolean;
  readonly ticket: number;
}

export interface StopRequest {
  readonly action: "freeze" | "drain" | "resume" | "release";
  /** Target names; null: all. Ignored by `release`. */
  readonly targets: readonly string[] | null;
  readonly at: EpochMs;
  readonly once: string | null;
}

export interface StopAnswer {
  readonly targets: Readonly<Record<string, "freeze" | "drain">>;
  readonly releasedAt: EpochMs;
  readonly repeated: boolean;
}

/** What a pass would do at one target, without doing it. */
export interface PlanAnswer {
  readonly target: string;
  readonly error: TargetSnapshot["error"];
  readonly steps: readonly string[];
  readonly add: readonly string[];
  readonly remove: readonly { readonly cidr: string; readonly proof: string }[];
  readonly keep: readonly string[];
  readonly shed: readonly string[];
  readonly notes: readonly string[];
}

export interface LeaseView {
  readonly client: string;
  readonly at: EpochMs;
  readonly until: EpochMs;
  readonly severity: Severity;
  readonly reason: string;
  readonly alerts: readonly string[];
  readonly asked: string;
  /** How often its client had leased it before; absent: never, or its leases do not grow. */
  readonly offence?: number;
}

/** Why an address is, or is not, stopped at one target. */
export type Cause =
  | BlockState
  /** No live lease selects this target, though there is one. */
  | "unselected"
  /** There was a lease, and it ran out or was lifted. */
  | "ended"
  | "lifted"
  /** A person's exemption refuses new leases. */
  | "exempt"
  /** An entry of ours without a record. */
  | "orphan"
  /** No lease on it is known. */
  | "never";

/** The evidence of one target: what was seen there, and what explains it. */
export interface TargetEvidence {
  readonly target: string;
  /** Whether an entry of ours that the target enforces stands over the whole block, as last seen. */
  readonly blocked: "yes" | "no" | "unknown";
  readonly cause: Cause;
  readonly why: string;
  /** The entry that stands over it: a rule number, an item id. `seenAt` null: acknowledged by the cloud, and not seen yet. */
  readonly entry: { readonly id: string; readonly cidr: string; readonly seenAt: EpochMs | null } | null;
  /** When the target was last observed with success; null: never. */
  readonly observedAt: EpochMs | null;
}

/** Everything known about one block: exact, wider and narrower leases, exemptions, what is over, and the evidence per target. */
export interface Explanation {
  readonly targets: readonly TargetEvidence[];
  /** Leases over the whole block that are over, newest first; with `endedWhole` false there may be older ones. */
  readonly ended: readonly EndedRecord[];
  readonly endedWhole: boolean;
  /** The last requests for it that were refused, as far as this life of the coordinator remembers. */
  readonly refusals: readonly { readonly at: EpochMs; readonly client: string; readonly why: string }[];
  readonly exact: SettledItem | null;
  readonly leases: readonly LeaseView[];
  readonly wider: readonly SettledItem[];
  readonly narrower: readonly SettledItem[];
  readonly exemptions: readonly { readonly key: string; readonly until: EpochMs; readonly at?: EpochMs; readonly by?: string }[];
  readonly asOf: EpochMs;
}

/** What the coordinator knows of itself, for the metrics. */
export interface Vitals {
  /** Memory is unbroken since; counters too. */
  readonly memorySince: EpochMs;
  /** Full passes in a row that were not clean, and heartbeats that failed. */
  readonly passFailures: number;
  readonly heartbeatFailures: number;
  /** At most how many records the store holds, and how many leases are taken before new ones are refused. */
  readonly records: number;
  readonly recordsMax: number;
  /** By series, as the exposition format writes them. */
  readonly counters: Readonly<Record<string, number>>;
  readonly targets: Readonly<Record<string, { readonly frozenPlaces: number; readonly throttledUntil: EpochMs }>>;
  /** Of events on record; absent: there are no playbooks. */
  readonly events?: { readonly states: Readonly<Record<EventState, number>>; readonly oldestOpenAt: EpochMs | null; readonly max: number };
}

export interface TickAnswer {
  /** Target name to what went wrong; empty when all is well. */
  readonly failed: Readonly<Record<string, string>>;
  readonly quiet: boolean;
}

/** `trace`: on whose behalf, for the log; it decides nothing. */
export interface CoordinatorApi extends EventVerbs {
  accept(request: AcceptRequest, trace?: Trace): Promise<AcceptAnswer>;
  /** Waits until a pass that includes `ticket` is over, at most `waitMs`; then tells what is true. `done` is false when time ran out first. */
  settle(ticket: number, keys: readonly string[], waitMs: number): Promise<{ readonly done: boolean; readonly items: readonly SettledItem[] }>;
  lift(request: LiftRequest, trace?: Trace): Promise<LiftAnswer>;
  stop(request: StopRequest, trace?: Trace): Promise<StopAnswer>;
  /** A full pass now. `confirm` allows the removal of the orphans that this digest names. */
  reconcile(confirm: { readonly target: string; readonly digest: string } | null, trace?: Trace): Promise<Snapshot | null>;
  plan(target: string, trace?: Trace): Promise<PlanAnswer>;
  explain(key: string): Promise<Explanation>;
  /** The newest snapshot; null before the first pass. */
  snapshot(): Promise<Snapshot | null>;
  /** The store's id; minted when there is none and `mint` is set. */
  storeId(mint: boolean): Promise<{ readonly storeId: string | null; readonly minted: boolean }>;
  tick(trace?: Trace): Promise<TickAnswer>;
  /** Null where nothing is remembered between passes. */
  vitals(): Promise<Vitals | null>;
  /** Requests that never got as far as a client, counted elsewhere. */
  note(unauthenticated: number): Promise<void>;
}
