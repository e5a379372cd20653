// The store's keys and metadata, written and read in one place. Schema with examples: `functions/stores/README.md`.
// A key or metadata that cannot be read is reported, never skipped: without it no listing counts as complete.
import { type Cidr, cidrFromKey, cidrKey } from "./address/index.ts";
import { severities } from "./config.ts";
import { type EventSummary, readEventSummary } from "./event/record.ts";
import type { Lease, Lift, StopState } from "./lease/record.ts";
import { limits } from "./limits.ts";
import type { EpochMs, Json, StoreKey } from "./ports.ts";
import { isTime } from "./time.ts";

/** Every key starts with, or is, one of these. */
export const keyPrefixes = { lease: "lease:", lift: "lift:", store: "meta:store", snapshot: "snapshot", stop: "stop", event: "event:" } as const;

const namePattern = "[a-z][a-z0-9-]{0,31}";
const leasePattern = new RegExp(`^lease:([46]:[0-9a-f]{8,32}/[0-9]{1,3}):([0-9]{1,15}):(${namePattern})$`);
const liftPattern = new RegExp(`^lift:([46]:[0-9a-f]{8,32}/[0-9]{1,3}):([0-9]{1,15}):(${namePattern}|\\*)$`);

export function leaseKey(cidr: Cidr, until: EpochMs, client: string): string {
  return `${keyPrefixes.lease}${cidrKey(cidr)}:${until}:${client}`;
}

export function eventKey(id: string): string {
  return `${keyPrefixes.event}${id}`;
}

export function liftKey(cidr: Cidr, at: EpochMs, client: string): string {
  return `${keyPrefixes.lift}${cidrKey(cidr)}:${at}:${client}`;
}

/** Short names: 16 targets of 32 characters stay below 700 bytes, far from Workers KV's 1,024 (Cloudflare docs, kv/platform/limits, 2026). */
export function leaseMetadata(lease: Omit<Lease, "key">): Json {
  return {
    a: lease.at,
    s: severities.indexOf(lease.severity),
    ...(lease.targets === null ? {} : { t: [...lease.targets] }),
    ...(lease.held ? { h: 1 } : {}),
    ...(lease.offence === undefined || lease.offence < 1 ? {} : { o: Math.min(lease.offence, limits.offenceMax) }),
  };
}

export function liftMetadata(lift: Pick<Lift, "exemptUntil" | "by">): Json {
  return { ...(lift.exemptUntil === null ? {} : { x: lift.exemptUntil }), ...(lift.by === undefined ? {} : { b: lift.by }) };
}

export function stopMetadata(stop: StopState): Json {
  return { at: stop.at, targets: { ...stop.targets }, releasedAt: stop.releasedAt };
}

export type StoredRecord =
  | { readonly kind: "lease"; readonly lease: Lease }
  | { readonly kind: "lift"; readonly lift: Lift }
  | { readonly kind: "store"; readonly id: string }
  | { readonly kind: "stop"; readonly stop: StopState }
  | { readonly kind: "snapshot" }
  | { readonly kind: "event"; readonly event: EventSummary }
  | { readonly kind: "corrupt"; readonly why: string };

function corrupt(key: StoreKey, why: string): StoredRecord {
  return { kind: "corrupt", why: `${JSON.stringify(key.name.slice(0, 120))} ${why}` };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

/** Decides about the length of later leases and nothing else: one that cannot be read spoils no listing. */
function offenceIn(value: unknown): Pick<Lease, "offence"> {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1 ? { offence: Math.min(value, limits.offenceMax) } : {};
}

function readLease(key: StoreKey): StoredRecord {
  const match = leasePattern.exec(key.name);
  const cidr = cidrFromKey(match?.[1] ?? "");
  if (match === null || cidr === null) return corrupt(key, "is not a lease key");
  const metadata = key.metadata;
  if (!isObject(metadata) || !isTime(metadata.a)) return corrupt(key, "has no readable metadata");
  const severity = severities[Number(metadata.s)];
  const targets = metadata.t ?? null;
  if (severity === undefined || !(targets === null || isNames(targets))) return corrupt(key, "has metadata that is not a lease's");
  const lease = { key: key.name, cidr, at: metadata.a, until: Number(match[2]), client: match[3] ?? "", severity, targets, held: metadata.h === 1 };
  return { kind: "lease", lease: { ...lease, ...offenceIn(metadata.o) } };
}

function readLift(key: StoreKey): StoredRecord {
  const match = liftPattern.exec(key.name);
  const cidr = cidrFromKey(match?.[1] ?? "");
  if (match === null || cidr === null) return corrupt(key, "is not a lift key");
  const exemptUntil = isObject(key.metadata) ? (key.metadata.x ?? null) : null;
  if (!isObject(key.metadata) || !(exemptUntil === null || isTime(exemptUntil))) return corrupt(key, "has no readable metadata");
  // Told to people and nothing else: one that cannot be read spoils no listing.
  const by = typeof key.metadata.b === "string" ? { by: key.metadata.b.slice(0, 32) } : {};
  return { kind: "lift", lift: { key: key.name, cidr, at: Number(match[2]), client: match[3] ?? "", exemptUntil, ...by } };
}

/** Reads a stop state from metadata; null when it is not one. */
export function readStop(metadata: unknown): StopState | null {
  if (!isObject(metadata) || !isTime(metadata.at) || !isTime(metadata.releasedAt) || !isObject(metadata.targets)) return null;
  const targets: Record<string, "freeze" | "drain"> = {};
  for (const [name, mode] of Object.entries(metadata.targets)) {
    if (mode !== "freeze" && mode !== "drain") return null;
    targets[name] = mode;
  }
  return { at: metadata.at, targets, releasedAt: metadata.releasedAt };
}

function readEvent(key: StoreKey): StoredRecord {
  const id = key.name.slice(keyPrefixes.event.length);
  const event = /^[0-9a-f]{32}$/.test(id) ? readEventSummary(id, key.metadata) : null;
  return event === null ? corrupt(key, "is no event's record") : { kind: "event", event };
}

/** What one listed key says. Unknown prefixes are corrupt: a namespace that holds other things is not ours to reason about. */
export function readRecord(key: StoreKey): StoredRecord {
  if (key.name.startsWith(keyPrefixes.lease)) return readLease(key);
  if (key.name.startsWith(keyPrefixes.lift)) return readLift(key);
  if (key.name.startsWith(keyPrefixes.event)) return readEvent(key);
  if (key.name === keyPrefixes.snapshot) return { kind: "snapshot" };
  if (key.name === keyPrefixes.stop) {
    const stop = readStop(key.metadata);
    return stop === null ? corrupt(key, "is not a stop record") : { kind: "stop", stop };
  }
  if (key.name === keyPrefixes.store) {
    const id = isObject(key.metadata) ? key.metadata.id : undefined;
    return typeof id === "string" && /^[a-z0-9]{8,64}$/.test(id) ? { kind: "store", id } : corrupt(key, "holds no store id");
  }
  return corrupt(key, "is none of our keys; give Portcullis a namespace of its own");
}
