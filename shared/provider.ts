// The provider contract: what one kind of firewall must declare (a definition, plain data) and do (five verbs).
// The core owns loops, retries, budgets, ordering and sleeping; a provider owns its cloud's wire format and quirks.
import type { GenericSchema } from "valibot";
import type { Cidr } from "./address/index.ts";
import type { PortcullisError, Result } from "./errors.ts";
import type { Clock, EpochMs, Json, Log, Random, Secret, Signal, Transport } from "./ports.ts";

/** How the cloud takes changes: entry by entry, one object holding many addresses, or set operations on many. */
export type Granularity = "entry" | "group" | "set";

/** `untried` is allowed only while listed in the provider's README. */
export interface Capability {
  readonly support: "yes" | "no" | "untried";
  readonly note?: string;
}

export const capabilityNames = ["ipv4Host", "ipv4Range", "ipv6Host", "ipv6Range", "swap", "egress"] as const;
export type CapabilityName = (typeof capabilityNames)[number];

/** A limit of the cloud, with where the number comes from and when that was looked at (ISO date). */
export interface DatedLimit {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly source: string;
  readonly checked: string;
}

/** A credential that the config names and the platform holds. */
export interface CredentialSpec {
  readonly name: string;
  readonly required: boolean;
  readonly note: string;
}

export interface ProviderPorts {
  /** Already bound to the allowed hosts, counted against the pass's budget, and timed. */
  readonly send: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Credential values by the names the definition declares. */
  readonly secrets: Readonly<Record<string, Secret>>;
  /**
   * A token by which the platform vouches for this deployment towards `audience`, fresh each time. Absent where the platform
   * issues none (Cloudflare Workers, a laptop). Throws PortcullisError PROVIDER_AUTH when there is none for that audience.
   */
  readonly identity?: (audience: string) => Promise<Secret>;
}

/** One place that an entry takes up. An entry counts against every pool that names its family. */
export interface Pool {
  readonly name: string;
  readonly families: readonly (4 | 6)[];
  /** How many entries of OURS this pool can hold: the limit less what foreign and default entries use; never negative. */
  readonly limit: number;
}

/** An entry of ours that stands at the target. */
export interface Entry {
  /** Stable while the entry stands, unique in the observation: a rule number, an item id. */
  readonly id: string;
  readonly cidr: Cidr;
  /** Why this entry does not yet enforce fully (for example: its egress half is missing); null when whole. */
  readonly partial: string | null;
}

/** Someone else's entry: counted, named, never touched. */
export interface ForeignEntry {
  readonly id: string;
  readonly summary: string;
}

/** An address whose only place somebody else's entry holds. */
export interface Taken {
  readonly cidr: Cidr;
  /** Whose it is, what that entry does, and what a person may do about it. */
  readonly why: string;
}

/** What a target held at one moment. */
export interface Observation {
  readonly ours: readonly Entry[];
  readonly foreign: readonly ForeignEntry[];
  /**
   * Where no entry of ours can be made because somebody else's holds the only place. The core asks for none there, says why, and lets the block spill.
   * Absent: none, or a kind in which entries for the same address stand side by side.
   */
  readonly taken?: readonly Taken[];
  readonly pools: readonly Pool[];
  /** The store id that `setup` wrote on the target; null when it was never set up. */
  readonly storeId: string | null;
  readonly enforcing: { readonly yes: true } | { readonly yes: false; readonly why: string };
  /** Set when no write can succeed until a person acts (the ACL is gone, the range is misdeclared). */
  readonly terminal: string | null;
  /** The server's own clock when it answered; null when it did not say. */
  readonly serverDate: EpochMs | null;
}

/** What the core wants changed, in the order in which it must happen. */
export type Change =
  | { readonly verb: "add"; readonly cidr: Cidr }
  | { readonly verb: "remove"; readonly entry: Entry }
  /** `entry` makes way for `cidr` in one atomic call; only for kinds whose `swap` capability is `yes`. */
  | { readonly verb: "swap"; readonly entry: Entry; readonly cidr: Cidr };

export interface CompileRequest {
  readonly changes: readonly Change[];
  /** What must stand afterwards (keep + place). Group and set kinds send this whole, never less. */
  readonly standing: readonly Cidr[];
  /** Slot names that must not be touched because an earlier outcome is unknown. */
  readonly frozen: ReadonlySet<string>;
  /** Its pools hold the operator's `maxEntries` as well, where there is one. */
  readonly observation: Observation;
}

/** One remote call, decided in full: `native` is all that `apply` may use. */
export interface Step {
  /** Derived from target, verb and addresses: the same decision has the same id. */
  readonly id: string;
  readonly summary: string;
  /** Names of the places this step touches; frozen when its outcome is unknown. */
  readonly slots: readonly string[];
  /** Entries that stand afterwards because of this step. */
  readonly adds: readonly Entry[];
  /** Ids of entries that are gone afterwards because of this step. */
  readonly removes: readonly string[];
  readonly native: Json;
}

/** What one `apply` call came to. Failed carries PROVIDER_AUTH, PROVIDER_REJECTED, PROVIDER_UNAVAILABLE or CAPACITY_EXCEEDED. */
export type Outcome =
  | { readonly kind: "applied" }
  | { readonly kind: "already" }
  | { readonly kind: "pending"; readonly operation: string }
  | { readonly kind: "throttled"; readonly retryAtMs: EpochMs; readonly why: string }
  | { readonly kind: "conflict"; readonly why: string }
  | { readonly kind: "unknown"; readonly why: string }
  | { readonly kind: "failed"; readonly error: PortcullisError };

/** Whether a target can hold this address, and as what. Asked at the API, not at apply time. */
export type Admission =
  | { readonly kind: "accept" }
  | { readonly kind: "adjust"; readonly cidr: Cidr; readonly why: string }
  | { readonly kind: "unsupported"; readonly why: string };

/** What `setup` is asked to do on the target itself; every action is idempotent. */
export type SetupAction =
  /** Claim the configured range, list or name for this store. Refused when another store holds it, or when it is not empty, unless `adopt`. */
  | { readonly action: "claim"; readonly storeId: string; readonly adopt: boolean }
  /** Give it up: the mark is removed, entries are left as they are. */
  | { readonly action: "release" };

export interface SetupReport {
  /** What was found and done, one line each. */
  readonly lines: readonly string[];
  readonly changed: boolean;
}

/** The verbs. An instance is bound to one target's settings and ports. */
export interface Provider {
  /** Pure. */
  admit(cidr: Cidr): Admission;
  /** Reads everything, classifies ownership. Errors: PROVIDER_AUTH, PROVIDER_THROTTLED, PROVIDER_UNAVAILABLE, PROVIDER_REJECTED, PROVIDER_PENDING. */
  observe(signal?: Signal): Promise<Result<Observation>>;
  /** Pure. Keeps the order of `changes`; leaves out what frozen slots or missing places forbid. */
  compile(request: CompileRequest): readonly Step[];
  /** ONE remote call that may change the target (fetching a token before it is allowed). Never throws. */
  apply(step: Step, signal?: Signal): Promise<Outcome>;
  /**
   * Run by a person from the CLI, with credentials that may do more than the function's. What takes several calls may end in
   * PROVIDER_THROTTLED part-way: the caller comes again after `retryAfterSeconds`, and what is done already is not done twice.
   */
  setup(action: SetupAction, signal?: Signal): Promise<Result<SetupReport>>;
}

/** Something `init` can offer: a firewall found in the account, as the settings that would name it. */
export interface Discovery {
  readonly title: string;
  readonly settings: Json;
  readonly warnings: readonly string[];
}

/** What a target claims at its cloud, so that two targets never claim the same and a moved claim is noticed. */
export interface Place {
  /** The ACL, the rule of an NSG, the list: one target each. */
  readonly name: string;
  /** First and last number of the claimed range, where there is one. */
  readonly span: readonly [number, number] | null;
  /** What else belongs to the claim: the second list of a target that has one per family. Each is one target's alone, too. */
  readonly also?: readonly string[];
}

/** Plain data about one kind, and the factory for its instances. */
export interface ProviderDefinition<Settings = unknown> {
  readonly kind: string;
  readonly title: string;
  readonly granularity: Granularity;
  readonly capabilities: Readonly<Record<CapabilityName, Capability>>;
  readonly limits: readonly DatedLimit[];
  /** Permissions the function needs at run time, in the vendor's notation; `policy.json` is their pasteable form. */
  readonly permissions: readonly string[];
  readonly credentials: readonly CredentialSpec[];
  /** How long an observation may miss our own last write (eventual consistency of the cloud's reads). */
  readonly observeLagMs: number;
  readonly caveats: readonly string[];
  /** The kind's part of a target in `portcullis.yaml`: unknown keys refused, messages that say what to write. */
  readonly settings: GenericSchema<unknown, Settings>;
  /** Targets with the same key are never written in parallel. */
  serialKey(settings: Settings): string;
  /** Whether these settings sign in by the platform's identity, so that no credential is required. Absent: never. */
  usesIdentity?(settings: Settings): boolean;
  /** What a target of these settings claims. */
  place(settings: Settings): Place;
  /** Host suffixes this kind may call, such as `.amazonaws.com`. `init` asks with what `discover` takes, before there are settings and unparsed. */
  hostSuffixes(settings: Settings): readonly string[];
  create(settings: Settings, ports: ProviderPorts): Provider;
  /** Read-only search for firewalls, for `init`. */
  discover?(settings: Json, ports: ProviderPorts): Promise<Result<readonly Discovery[]>>;
}
