// What a detector saw, in one model for all detectors. Names follow OCSF 1.x and ECS where they have one for the same thing. Data only; adapters
// in `shared/source/` make it, playbooks ask it.
import type { Severity } from "../config.ts";
import type { EpochMs } from "../ports.ts";

/** What kind of thing happened, as far as the source says so; `other` where it does not. */
export const eventCategories = [
  "brute-force",
  "port-probe",
  "web-attack",
  "malware",
  "command-and-control",
  "crypto-mining",
  "shell",
  "credential-access",
  "data-exposure",
  "denial-of-service",
  "other",
] as const;
export type EventCategory = (typeof eventCategories)[number];

/** Something of ours that the event is about. */
export interface EventResource {
  /** `instance`, `pod`, `container`, `bucket`, `access-key`, `user`, `host`, `zone`, or the source's own word in lower case. */
  readonly kind: string;
  readonly id: string;
  readonly account?: string;
  readonly region?: string;
  readonly namespace?: string;
}

/** Who acted. */
export interface EventActor {
  /** The attacker's addresses and ranges in canonical text (`203.0.113.7/32`), never ours; every one that the source names as such. */
  readonly addresses: readonly string[];
  readonly user?: string;
  readonly process?: string;
}

/** Immutable. Texts are stripped of control characters and cut; nothing here is ever copied into a cloud. */
export interface DetectionEvent {
  /** The same for every delivery of the same event: made of the source's own identifiers, or of what it says. */
  readonly id: string;
  /** The adapter's name, such as `guardduty`. */
  readonly source: string;
  /** The source's own name for what it found: a rule, a finding type, a scenario. */
  readonly type: string;
  readonly category: EventCategory;
  readonly title: string;
  readonly severity: Severity;
  /** When it happened; null where the source does not say. */
  readonly at: EpochMs | null;
  /** `resolved`: the source takes an earlier event of the same id back. */
  readonly status: "firing" | "resolved";
  /** A test or sample of the source, not something that happened. */
  readonly sample: boolean;
  /** Of the connection, seen from us; null where there is none or it is not known. */
  readonly direction: "inbound" | "outbound" | null;
  readonly actor: EventActor;
  /** The addresses of ours that were attacked or misused; never to be blocked. */
  readonly victim: { readonly addresses: readonly string[] };
  readonly resources: readonly EventResource[];
  /** How long the source itself asks for; null: it does not say. */
  readonly forMs: number | null;
  /** Few facts worth keeping, by dotted name: numbers, flags and short texts. */
  readonly evidence: Readonly<Record<string, string | number | boolean>>;
}
