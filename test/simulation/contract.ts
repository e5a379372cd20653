// What the parts of the simulated world are to each other: clouds seen from outside, and a platform that runs the product.
// Types only. The oracle and the actors know nothing but this.
import type { Config, TargetConfig } from "../../shared/config.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";

/** A request on the wire, names of headers in lower case. */
export interface WireRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Which life of ours sends it; nothing that the cloud could know. Left out: nobody's that is followed. */
  readonly caller?: string;
}

export interface WireReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What changed at a cloud in one moment, in our place or elsewhere. */
export interface CloudChange {
  readonly at: EpochMs;
  /** `function`: through the API with the function's own credentials; `person`: by anybody else. */
  readonly by: "function" | "person";
  /** What really stands of ours after it (see `standing`). */
  readonly standing: readonly string[];
  /** What is there of ours after it, whether it denies or not (see `placed`). */
  readonly placed: readonly string[];
  /**
   * What is not ours and was taken away, altered or brought by it, of the function's changes only. `ageMs`: how long it had stood so;
   * within the time between a look and the write that follows it, this is the window that a kind's caveats name (design 2, P5).
   */
  readonly overran: readonly { readonly what: string; readonly ageMs: number }[];
}

/** Kinds of trouble that a cloud can be told to make, each for one call unless it says otherwise. */
export type CloudTrouble =
  | { readonly kind: "throttle"; readonly retryAfterSeconds: number | null }
  | { readonly kind: "error" | "drop" | "garbage" | "hang"; readonly committed: boolean }
  /** Another tool's bulk operation, or somebody's change under way: for so long. Nothing at clouds that know no such thing. */
  | { readonly kind: "busy"; readonly ms: number }
  /** The operation that the next accepted change starts ends as failed, whole. Nothing at clouds that work at once. */
  | { readonly kind: "failing" }
  /** A value that the cloud takes at its door and fails on later, with all that came along; null: no value any more. Cloudflare only. */
  | { readonly kind: "poison"; readonly cidr: string | null };

/** What a person does at a cloud's console. Each picks what it needs by `roll` (0 up to 1), and returns a line on what it did, or null: there was nothing to do it to. */
export type HumanDeed =
  | "add-foreign"
  | "edit-foreign"
  | "remove-foreign"
  | "add-in-our-place"
  | "edit-ours"
  | "remove-ours"
  /** Touches nothing of ours, and yet it denies nothing any more: an allow before it, the association or the zone's rule gone. */
  | "disarm"
  /** Puts right all that keeps ours from denying, or from being written, and that only a person may put right. */
  | "rearm";

/** One simulated firewall: the strict simulator of its cloud, and what an auditor with all rights sees of it. */
export interface CloudUnderTest {
  /** Its name as a target. */
  readonly name: string;
  readonly definition: ProviderDefinition;
  /** What stands under `targets:` for it; `mode` and `maxEntries` are the world's to change. */
  readonly target: TargetConfig;
  /** Values of the secrets that `target.credentials` names. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Whether calls to this host are its own. */
  isHost(host: string): boolean;
  /** Null: the connection closes without an answer. `hang`: it stays open, and the answer never comes. `host` must be among the headers. */
  respond(request: WireRequest): WireReply | null | "hang";
  /** What a write ran over that its sender had been shown (design 6); null or left out: nothing yet. */
  readonly overlooked?: string | null;
  /** Lets everything take effect whose time has come, and tells of it. The world calls it after each step. */
  poll(): void;
  /** The calls' names that `spoil` takes, for seeded trouble: null matches any. */
  readonly callNames: readonly string[];
  /** The one among them that adds and does nothing else, one entry at a time: trouble of it is none of a removal's. Left out: there is none. */
  readonly addingCall?: string;
  /** The next call of that name meets this trouble. `hang`: as `drop`, and the answer never comes. */
  spoil(call: string | null, trouble: CloudTrouble): void;
  /** Whether trouble still waits for its call. */
  hasTrouble(): boolean;
  /**
   * Takes back all trouble that was asked for: what still waits, refused credentials, lag, slow operations, a poisoned value, the lowered
   * quota, the other store's mark; and puts right what keeps ours from denying (`rearm`). What people added or removed stays so.
   */
  calm(): void;
  /** The credentials are refused until restored. */
  revoke(): void;
  restore(): void;
  /** How far behind its reads are, where that is possible at all. */
  setReadLag(ms: number): void;
  /** How long an accepted change is worked on, where that is possible at all. */
  setOperationMs(ms: number): void;
  /** Entries of ours that really deny traffic now (canonical CIDR text, sorted), by what `setup` claimed; the cloud's own truth, no lag. */
  standing(): readonly string[];
  /** Entries of ours that are there, whether they deny or not: shadowed, half, or at a target that enforces nothing. Holds all of `standing`. */
  placed(): readonly string[];
  /** Everything that is not ours, as comparable text: entries, tags, order. */
  foreign(): string;
  /** How many entries of ours the cloud itself would let stand now, per family that has a room of its own; `total`: of both together. */
  room(): { readonly ipv4: number; readonly ipv6: number; readonly shared: boolean; readonly total: number };
  /** Whether somebody else's stand in the list that setup made for ours alone. Left out: there is no such list. */
  isShared?(): boolean;
  /** The cloud's own quota, lowered or raised by the vendor or the operator; as far as it has one. Foreign and ours that stand, stand. */
  setQuota(entries: number): void;
  deed(deed: HumanDeed, roll: (what: string) => number): string | null;
  /** Tells of every change, at the moment it takes effect. */
  onChange(listener: (change: CloudChange) => void): void;
  /** Calls that reached the cloud, and those among them that asked for a change, accepted or not. */
  calls(): number;
  writes(): number;
  /** The mark of the store that `setup` left, as if another store had claimed it (null: as it was). */
  claimFor(storeId: string | null): void;
}

/** How one request by a caller ended. */
export type Answered = { readonly kind: "answer"; readonly response: Response } | { readonly kind: "lost" };

/** What can be done to the platform. Each returns what it really did, or null: there was nothing to do it to. */
export type PlatformDeed =
  /** Some life that works on something ends now, in the middle of it. */
  | "kill"
  /** The coordinator ends, in peace or not; its storage stays. */
  | "evict"
  /** A second coordinator runs for a while beside the first. Nothing where the platform excludes it by itself. */
  | "duplicate"
  /** The coordinator's storage is lost. */
  | "wipe"
  /** The coordinator cannot be reached for a while. */
  | "unreachable";

/** A platform that runs the product: Workers with or without the coordinator object, or Deno. */
export interface PlatformUnderTest {
  readonly kind: "workers" | "workers-tick-only" | "deno";
  /** How far behind the store may be, as the deployment declares it. */
  readonly stalenessMs: number;
  /** A caller's request, from that address; resolves when the caller has an answer, or knows that there will be none. */
  request(request: Request, from: string): Promise<Answered>;
  /** The cron job runs now, beside whatever runs. */
  tick(): void;
  /** What is deployed from now on; lives of the version before may go on for a while. */
  deploy(config: Config): void;
  deed(deed: PlatformDeed): string | null;
  /** When a life was last killed by such a deed; 0: none was. */
  readonly killedAt: EpochMs;
  /** The store fails every call until then. */
  breakStore(ms: number): void;
  /** Reads may be behind by up to this from now on. More than `stalenessMs` breaks what the deployment was told. */
  setStaleness(ms: number): void;
  /** Clocks of new lives may be off by up to this, either way; those of living ones that are further off jump, and some others too. */
  setSkew(ms: number): void;
  /** Names, values and metadata of all records, as they truly are. */
  records(): ReadonlyMap<string, { readonly value: string; readonly metadata: unknown }>;
  /** Writes that the store took. */
  storeWrites(): number;
  /** Writes straight into the store, as setup did long ago. */
  seed(key: string, value: string, metadata: unknown): void;
  /** Takes a record out of the store as if it had never been. */
  unseed(key: string): void;
  /** Whether a pass or a request is at work somewhere. */
  isBusy(): boolean;
  /** All lives end now. */
  end(): void;
}
