// What the product asks of the world: clock, randomness, log, transport, store. Plain structural types,
// so that `shared/` compiles without any platform's types and a simulation can stand in for all of it.
import type { ErrorCode } from "./errors.ts";
import type { EventField, EventName, Level } from "./events.ts";
import type { Trace } from "./trace.ts";

/** Milliseconds since 1970-01-01T00:00:00Z. The only unit of time inside the product; wire formats convert at the edge. */
export type EpochMs = number;

export interface Clock {
  now(): EpochMs;
}

export interface Random {
  /** Cryptographically strong bytes. */
  bytes(count: number): Uint8Array;
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** One structured log line of the table in `events.ts`. Its fields never hold secrets, bodies, or URLs with queries. */
export type LogRecord = {
  readonly [E in EventName]: { readonly level: Level; readonly event: E; readonly code?: ErrorCode } & { readonly [F in EventField<E>]?: Json | undefined };
}[EventName];

export type Log = (record: LogRecord) => void;

/**
 * What travels with a piece of work down to its remote calls: whether to go on, whose work it is and what for.
 * A platform's AbortSignal fits. Whoever calls out for it hands it on.
 */
export interface Signal {
  readonly aborted: boolean;
  readonly trace?: Trace;
  /** `write`: the call is to change something, so it is logged though it succeeds. */
  readonly purpose?: "read" | "write";
}

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What the vendor calls it, where method and path do not tell; for the log. */
  readonly operation?: string;
}

export interface HttpResponse {
  readonly status: number;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Sends one request and reads the whole answer (at most `limits.responseBytesMax`).
 * Throws PortcullisError: PROVIDER_UNAVAILABLE when nothing was sent or the answer is unusable and the request
 * was safe, OUTCOME_UNKNOWN when it may have taken effect (time-out, connection lost after sending),
 * FORBIDDEN for a host outside the allowed ones. Redirects are errors.
 */
export type Transport = (request: HttpRequest, signal?: Signal) => Promise<HttpResponse>;

/** What a store driver is able to do. Conformance laws hold each driver to what it declares. */
export interface StoreCapabilities {
  /** How far behind reads and listings may be. */
  readonly stalenessMs: number;
  /** Whether compare-and-set exists. */
  readonly atomic: boolean;
  /** Shortest time to live the driver accepts, in seconds; shorter is an error, never a silent change. */
  readonly ttlMinSeconds: number;
  /** Largest metadata a listing gives back, in bytes of JSON. */
  readonly metadataBytesMax: number;
}

export interface StoreKey {
  readonly name: string;
  /** Whatever was put as metadata; never trusted to have a shape. */
  readonly metadata: unknown;
}

export interface StorePage {
  readonly keys: readonly StoreKey[];
  /** null: this was the last page. A page may be empty and not be the last. */
  readonly cursor: string | null;
}

export interface StorePut {
  readonly metadata: Json;
  /** When the store may forget the record (the broom, not the clock); null keeps it for ever. */
  readonly expiresAtMs: EpochMs | null;
}

/** Key-value store. Every verb throws PortcullisError STORE_UNAVAILABLE when the store cannot be reached. */
export interface Store {
  readonly capabilities: StoreCapabilities;
  put(key: string, value: string, options: StorePut): Promise<void>;
  get(key: string): Promise<{ readonly value: string; readonly metadata: unknown } | null>;
  /** One page of at most 1,000 keys in ascending byte order. */
  list(cursor: string | null, prefix?: string): Promise<StorePage>;
  delete(key: string): Promise<void>;
}

/** A secret value that does not print itself. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return "[redacted]";
  }
  toJSON(): string {
    return "[redacted]";
  }
}
