// What a lease, a lift and a stop are as records, and what is told about them. Data only.
import type { Cidr } from "../address/index.ts";
import type { Severity } from "../config.ts";
import type { EpochMs } from "../ports.ts";

/** A lease as a pass needs it: everything here fits in the store's key and metadata. Immutable once written. */
export interface Lease {
  readonly key: string;
  readonly cidr: Cidr;
  /** Event time; receipt time for late senders. */
  readonly at: EpochMs;
  readonly until: EpochMs;
  readonly client: string;
  readonly severity: Severity;
  /** Selected target names; null: every target. */
  readonly targets: readonly string[] | null;
  /** Accepted while the brake was on: not enforced until released. */
  readonly held: boolean;
  /** How often its client had leased it before it came back, for leases that grow; absent: it is the first time. */
  readonly offence?: number;
}

/** The store's value of a lease: for people, never for clouds. */
export interface LeaseDetail {
  /** At most 200 characters, control and bidirectional characters stripped. */
  readonly reason: string;
  readonly alerts: readonly string[];
  /** The address as the sender spelled it, after canonicalisation and before widening. */
  readonly asked: string;
}

/** Cancels leases inside `cidr` with `at` up to its own; `exemptUntil` refuses new ones until then. */
export interface Lift {
  readonly key: string;
  readonly cidr: Cidr;
  readonly at: EpochMs;
  /** Whose leases: one client, or `*`. */
  readonly client: string;
  readonly exemptUntil: EpochMs | null;
  /** Which client asked for it; absent in records of an earlier version. */
  readonly by?: string;
}

/** The operator's hand on the brake. One record, last one wins by `at`. */
export interface StopState {
  readonly at: EpochMs;
  /** `freeze`: write nothing; `drain`: remove everything of ours. By target name, or `*` for all. */
  readonly targets: Readonly<Record<string, "freeze" | "drain">>;
  /** Held leases with `at` up to this are released. */
  readonly releasedAt: EpochMs;
}

export const noStop: StopState = { at: 0, targets: {}, releasedAt: 0 };
