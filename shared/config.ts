// The configuration as the running product sees it: what `npm run gen` emits from `portcullis.yaml` after every check passed.
// Plain JSON; durations in milliseconds, addresses in canonical text, secrets only by name.
import type { Playbook } from "./playbook/playbook.ts";
import type { Json } from "./ports.ts";

export const severities = ["low", "medium", "high", "critical"] as const;
export type Severity = (typeof severities)[number];

/** What a client may do. `alert:<source>` names one detector format. */
export const plainScopes = ["block", "lift", "exempt", "read", "feed", "metrics", "admin"] as const;
/** Sources whose fields are where the configuration says. */
export const mappedSources = ["elastalert", "generic"] as const;
export type MappedSource = (typeof mappedSources)[number];
/** Sources with a format of their own, each read by an adapter in `source/`. */
export const eventSources = [
  "guardduty",
  "securityhub",
  "macie",
  "falco",
  "crowdsec",
  "alertmanager",
  "suricata",
  "wazuh",
  "aws-waf-logs",
  "cloudflare",
  "custodian",
  "cloudevents",
] as const;
export type EventSource = (typeof eventSources)[number];
export const alertSources = [...mappedSources, ...eventSources] as const;
export type AlertSource = (typeof alertSources)[number];
export type Scope = (typeof plainScopes)[number] | `alert:${AlertSource}`;

/** Leases that grow for whoever comes back: the offence number n (0: the first) gets what was asked, times `factor` to the power of n. */
export interface Escalation {
  readonly factor: number;
  /** No lease grows beyond this, nor beyond the client's longest. */
  readonly maxMs: number;
  /** Whoever stays away for longer after the end of a lease begins anew. */
  readonly memoryMs: number;
}

export interface ClientConfig {
  /** SHA-256 of the keys, as 64 lower-case hex digits. Several for rotation. */
  readonly keys: readonly string[];
  /** Names of the platform's secrets that hold `whsec_…` signing secrets. Several for rotation. */
  readonly secrets: readonly string[];
  /** SHA-256 of secrets that stand in the path of a URL, for senders that can set no header; absent: none. */
  readonly pathKeys?: readonly string[];
  /** The Amazon SNS topics that are this client; absent: none. */
  readonly sns?: { readonly topics: readonly string[]; readonly sha1: boolean };
  readonly scopes: readonly Scope[];
  /** Canonical CIDRs the client may call from; null: anywhere. */
  readonly from: readonly string[] | null;
  readonly longestMs: number;
  /** Shortest prefix length (widest block) allowed, per family. */
  readonly widest: { readonly ipv4: number; readonly ipv6: number };
  /** Target names the client may select; null: all. */
  readonly targets: readonly string[] | null;
  /** Live leases this client may hold at once. */
  readonly live: number;
  readonly newPerMinute: number;
  /** `observe`: everything is checked and answered, nothing is recorded; of an event that playbooks fire on, what they would do. */
  readonly mode: "enforce" | "observe";
  /** Its own, or that of `defaults`; absent: leases do not grow. */
  readonly escalate?: Escalation;
}

export type TargetMode = "observe" | "enforce" | "drain";

export interface TargetConfig {
  readonly kind: string;
  readonly mode: TargetMode;
  /** At most this many entries of ours; null: as many as there is room for. */
  readonly maxEntries: number | null;
  /** The kind's own settings, as its schema emits them. */
  readonly settings: Json;
  /** Credential name (as the kind declares it) to name of the platform's secret. */
  readonly credentials: Readonly<Record<string, string>>;
  /** The target's former name, after a rename. */
  readonly formerly: string | null;
  /** The target in which stands what finds no room here; absent: nowhere. */
  readonly spill?: string;
  /** How many bystanders may be blocked for the sake of a scarce rule; absent: none. */
  readonly collateral?: CollateralConfig;
  /** Share of the best value that is given up rather than redraw the target; absent: `limits.fitLossShareMax`. */
  readonly lossMax?: number;
  /** Share of its room from which it is said to be nearly full; absent: `limits.roomWarnAt`. */
  readonly warnAt?: number;
}

/** Bystanders are counted in IPv4 addresses and IPv6 /64 networks; a price is in weight, where one block of medium severity is 1. */
export interface CollateralConfig {
  readonly allow: { readonly kind: "max"; readonly units: number } | { readonly kind: "price"; readonly price: number };
  /** Shortest prefix (widest block) that may be chosen, per family. */
  readonly widest: { readonly ipv4: number; readonly ipv6: number };
}

/** Field mapping of the `generic` alert source: JSON paths in dotted form, tried in order. */
export interface AlertMapping {
  readonly ip: readonly string[];
  readonly at: readonly string[];
  readonly reason: readonly string[];
  readonly severity: readonly string[];
  readonly id: readonly string[];
}

/** How alerts of a source with a format of its own become blocks. */
export interface EventSourceConfig {
  /** For events that do not say how long; null: `defaults.forMs`. */
  readonly forMs: number | null;
  /** For events that do not say how grave they are. */
  readonly severity: Severity;
  /** Take the source's tests and samples as if they had happened. */
  readonly samples: boolean;
}

export interface Config {
  readonly version: 1;
  readonly owner: string;
  readonly store: { readonly stalenessMs: number };
  readonly defaults: {
    readonly forMs: number;
    readonly shortestMs: number;
    readonly severity: Severity;
    readonly exemptForMs: number;
    /** Prefix length that a longer prefix is widened to before it becomes a lease. */
    readonly widen: { readonly ipv4: number; readonly ipv6: number };
    /** For clients that say nothing of their own; absent: leases do not grow. */
    readonly escalate?: Escalation;
  };
  readonly protect: {
    /** Canonical CIDRs of the operator. */
    readonly ranges: readonly string[];
    /** Names of presets in `shared/protect/`. */
    readonly presets: readonly string[];
  };
  /** How blocks are weighed where rules are scarce; absent: by `limits`. */
  readonly weight?: { readonly halfLifeMs: number };
  /** More new blocks than `new` within `perMs` are held until released. */
  readonly brake: { readonly new: number; readonly perMs: number };
  readonly clients: Readonly<Record<string, ClientConfig>>;
  readonly targets: Readonly<Record<string, TargetConfig>>;
  readonly alerts: Readonly<Record<MappedSource, { readonly mapping: AlertMapping; readonly forMs: number | null; readonly severity: Severity }>> & {
    /** Absent: by default, `forMs` null, the severity of `defaults`, no samples. */
    readonly [S in EventSource]?: EventSourceConfig;
  };
  /** The client that stands for the 2017 query-token API; null: the route does not exist. */
  readonly blacklistip: { readonly client: string } | null;
  /** What is done about events; absent: each event's attackers are blocked outright. */
  readonly playbooks?: readonly Playbook[];
  /** How a person is asked; absent: no playbook asks. */
  readonly approvals?: {
    /** Name of the platform's secret that links are signed with. */
    readonly secret: string;
    /** Where this deployment is reached, to make whole links; null: links begin with their path. */
    readonly url: string | null;
  };
  /** Name of the platform's secret that holds the URL to call after each clean pass; null: none. */
  readonly heartbeat: { readonly urlSecret: string } | null;
}

/** Targets that others spill into: a lease that names no target does not select them. */
export function spillTargets({ targets }: Pick<Config, "targets">): ReadonlySet<string> {
  return new Set(Object.values(targets).flatMap(({ spill }) => (spill === undefined ? [] : [spill])));
}

/** The targets of a lease that names none: all but those that others spill into. */
export function defaultTargets(config: Pick<Config, "targets">): readonly string[] {
  const spills = spillTargets(config);
  return Object.keys(config.targets).filter((name) => !spills.has(name));
}
