// What the last pass saw and did, as data: serves every read, the feed and the metrics. No read lists the store.
import type { Severity, TargetMode } from "../config.ts";
import type { ErrorCode } from "../errors.ts";
import type { EpochMs } from "../ports.ts";

/** The truth about one block at one target (promise P9). Never "blocked" for what was not. */
export const blockStates = ["enforced", "covered", "observed", "pending", "shed", "held", "refused", "failed"] as const;
export type BlockState = (typeof blockStates)[number];

export interface TargetState {
  readonly state: BlockState;
  /** Why, in words an operator can act on; absent for plain `enforced`. */
  readonly why?: string;
  /** The wider entry that covers it (CIDR text). */
  readonly by?: string;
}

/** One live record of a block. Enough to rebuild the lease from, so that a restart needs no listing. */
export interface BlockRecord {
  readonly client: string;
  readonly at: EpochMs;
  readonly until: EpochMs;
  readonly severity: Severity;
  readonly targets: readonly string[] | null;
  readonly held: boolean;
  /** As in the lease; absent: the first. */
  readonly offence?: number;
}

/** One leased block, all its clients' records together. */
export interface BlockRow {
  /** `cidrKey` of the block. */
  readonly key: string;
  readonly at: EpochMs;
  readonly until: EpochMs;
  readonly severity: Severity;
  /** Its live records, as the store has them. */
  readonly records: readonly BlockRecord[];
  /** Per selected target, an index into `Snapshot.states`. */
  readonly states: Readonly<Record<string, number>>;
}

/** A lease that is over. */
export interface EndedRecord {
  /** `cidrKey` of its block. */
  readonly key: string;
  readonly client: string;
  readonly at: EpochMs;
  readonly until: EpochMs;
  /** When a lift ended it, and who asked for that; null: it ran out. */
  readonly liftedAt: EpochMs | null;
  readonly liftedBy?: string;
  /** As in the lease; absent: the first. */
  readonly offence?: number;
  /** The brake held it, and nobody has released it. */
  readonly held?: true;
}

export interface PoolUse {
  readonly name: string;
  readonly limit: number;
  readonly used: number;
}

/** How a target's rules are used, and what more of them would buy. Weights are those of `shared/lease/weight.ts`: one fresh block of medium severity weighs 1. */
export interface RoomView {
  readonly used: number;
  readonly foreign: number;
  /** Entries that still fit, where least do. */
  readonly free: number;
  /** Of the fullest pool, 0 to 1. */
  readonly usedShare: number;
  /** Set when nearly full, or when something found no room. */
  readonly warning: string | null;
  readonly placed: { readonly blocks: number; readonly weight: number };
  readonly shed: { readonly blocks: number; readonly weight: number };
  /** What would give its place first. */
  readonly lightest: { readonly cidr: string; readonly weight: number } | null;
  /** The prefixes on which more rules would be spent, the heaviest first. */
  readonly next: readonly { readonly cidr: string; readonly weight: number; readonly blocks: number }[];
  /** Entries that no lease asked for as they are: merged, or with bystanders. The widest first. */
  readonly widened: readonly { readonly cidr: string; readonly blocks: number; readonly collateral: number }[];
}

/** One target after its last visit. */
export interface TargetSnapshot {
  readonly kind: string;
  readonly mode: TargetMode;
  /** Set by POST /v1/stop; null when nothing is stopped. */
  readonly stopped: "freeze" | "drain" | null;
  /** When it was last observed with success; null: never. */
  readonly observedAt: EpochMs | null;
  readonly enforcing: { readonly yes: true } | { readonly yes: false; readonly why: string };
  /** Why the last visit did not complete; null when it did. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
  readonly pools: readonly PoolUse[];
  readonly ours: number;
  readonly foreign: number;
  /** Blocks with no room, by name (CIDR text), the heaviest first; `room.shed` counts all. Each block's own state says so too. */
  readonly shed: readonly string[];
  /** Absent in a snapshot of an earlier version, and where the target could not be seen. */
  readonly room?: RoomView;
  /** Steps planned and not yet carried out. */
  readonly pending: number;
  /** Entries of ours with no record; `digest` confirms their removal when there are too many to remove unasked. */
  readonly orphans: { readonly cidrs: readonly string[]; readonly digest: string; readonly unsafe: boolean } | null;
  /** Differences that were not of our doing, seen in the last visit. */
  readonly drift: readonly string[];
  /** What the last visit changed, one line per step. */
  readonly changed: readonly string[];
  readonly callsMade: number;
  /** Since when an entry of ours stands that serves no live lease any more, the longest; null: there is none. Absent in a snapshot of an earlier version. */
  readonly overdueSince?: EpochMs | null;
}

export interface Snapshot {
  readonly version: 1;
  readonly at: EpochMs;
  /** When the last full pass that read all records ended; null: never. */
  readonly fullAt: EpochMs | null;
  readonly storeId: string | null;
  /** All records were read and understood. When false the feed is refused rather than shortened. */
  readonly complete: boolean;
  /** Why not, when not. */
  readonly incompleteWhy: string | null;
  readonly stop: { readonly at: EpochMs; readonly targets: Readonly<Record<string, "freeze" | "drain">>; readonly releasedAt: EpochMs };
  readonly states: readonly TargetState[];
  readonly blocks: readonly BlockRow[];
  readonly exemptions: readonly { readonly key: string; readonly at: EpochMs; readonly until: EpochMs }[];
  /** Lifts that a new lease may still meet, exemptions included. */
  readonly lifts: readonly {
    readonly key: string;
    readonly at: EpochMs;
    readonly client: string;
    readonly exemptUntil: EpochMs | null;
    readonly by?: string;
  }[];
  /** The newest leases that are over, and whether there are no others; absent in a snapshot of an earlier version. */
  readonly ended?: readonly EndedRecord[];
  readonly endedWhole?: boolean;
  readonly held: number;
  readonly targets: Readonly<Record<string, TargetSnapshot>>;
}

/** The states of one block by target name. */
export function statesOf(snapshot: Snapshot, row: BlockRow): Record<string, TargetState> {
  const states: Record<string, TargetState> = {};
  for (const [target, index] of Object.entries(row.states)) {
    const state = snapshot.states[index];
    if (state !== undefined) states[target] = state;
  }
  return states;
}

const rowIndexes = new WeakMap<Snapshot, ReadonlyMap<string, BlockRow>>();

/** Rows by block (`cidrKey`); made once per snapshot. */
export function rowsOf(snapshot: Snapshot): ReadonlyMap<string, BlockRow> {
  const known = rowIndexes.get(snapshot) ?? new Map(snapshot.blocks.map((row) => [row.key, row]));
  rowIndexes.set(snapshot, known);
  return known;
}
