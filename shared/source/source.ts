// The contract between one detector's format and the rest: what an adapter is given, what it may answer. Data only.
// An adapter refuses to decide what is done about an event; it only says what was sent.
import type { AlertMapping, AlertSource, Severity } from "../config.ts";
import type { DetectionEvent, EventCategory, EventResource } from "../event/event.ts";

/** How one source is read, from `alerts.<source>` in the configuration. */
export interface SourceRules {
  /** For events that name none. */
  readonly severity: Severity;
  /** Take tests and samples as if they had happened. */
  readonly samples: boolean;
  /** Where fields are, for formats that have no names of their own. */
  readonly mapping: AlertMapping;
}

/** Why an item that could be read is no event. */
export type IgnoredBecause =
  /** A test or a sample of the source. */
  | "sample"
  /** Put away or suppressed by a person at the source. */
  | "archived"
  /** The source only tries a rule out. */
  | "simulated"
  /** The source tells of something that was no attack, or not by whom. */
  | "not-an-attack"
  /** Talk of the channel itself, such as a subscription to confirm. */
  | "delivery"
  /** The source itself left items out. */
  | "truncated";

/** What one item of a message says. `item` is its position, wrappers of the channel taken off. */
export type SourceEntry =
  | { readonly kind: "event"; readonly item: number; readonly event: DetectionEvent }
  | { readonly kind: "ignored"; readonly item: number; readonly because: IgnoredBecause; readonly reason: string }
  | { readonly kind: "invalid"; readonly item: number; readonly field: string; readonly reason: string };

/** One detector's format. Pure: the same message gives the same entries; it never throws, whatever it is sent. */
export interface SourceAdapter {
  readonly name: AlertSource;
  readonly title: string;
  read(payload: unknown, rules: SourceRules): readonly SourceEntry[];
}

export type Direction = DetectionEvent["direction"];

/** An event as an adapter finds it: foreign values, neither checked nor bounded. `createAdapter` makes an event of it. */
export interface Draft {
  /** The source's own identifiers of this event, the same in every delivery; empty: its contents are its name. */
  readonly key: readonly unknown[];
  readonly type: string;
  readonly category?: EventCategory;
  readonly title: string;
  readonly severity: Severity | null;
  readonly at: unknown;
  readonly status?: DetectionEvent["status"];
  readonly sample?: boolean;
  readonly direction?: Direction;
  readonly attackers: readonly unknown[];
  readonly victims?: readonly unknown[];
  readonly user?: unknown;
  readonly process?: unknown;
  readonly resources?: readonly EventResource[];
  readonly forMs?: number | null;
  readonly evidence?: Readonly<Record<string, unknown>>;
}

export type Reading =
  | { readonly kind: "event"; readonly draft: Draft }
  | { readonly kind: "ignored"; readonly because: IgnoredBecause; readonly reason: string }
  | { readonly kind: "invalid"; readonly field: string; readonly reason: string };

export function eventOf(draft: Draft): Reading {
  return { kind: "event", draft };
}

export function ignored(because: IgnoredBecause, reason: string): Reading {
  return { kind: "ignored", because, reason };
}

export function invalid(field: string, reason: string): Reading {
  return { kind: "invalid", field, reason };
}
