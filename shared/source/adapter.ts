// Makes an adapter of the few lines that know one format: takes wrappers off, bounds, cleans, names, and keeps every law that
// all adapters share. What an adapter draws up is foreign; what leaves here is an event.
import { type Cidr, CidrSet, cidrText, parseCidr } from "../address/index.ts";
import type { AlertSource } from "../config.ts";
import type { DetectionEvent, EventResource } from "../event/event.ts";
import { limits } from "../limits.ts";
import { readEventTime } from "../request/event-time.ts";
import { cleanText, oneLine, quoted } from "../request/text.ts";
import { categoryOf } from "./category.ts";
import { delivered, everyWrapper, talkOf } from "./delivery.ts";
import { sha256Hex } from "./digest.ts";
import { canonical, isObject, textOf } from "./json.ts";
import type { Draft, Reading, SourceAdapter, SourceEntry, SourceRules } from "./source.ts";

export interface Definition {
  readonly name: AlertSource;
  readonly title: string;
  /** Whose wrappers are taken off first; absent: every one that is known. */
  readonly wrappers?: typeof everyWrapper;
  /** The items of one message; absent: it is one item itself. */
  spread?(message: unknown): readonly unknown[];
  read(item: object, rules: SourceRules): Reading;
}

function line(value: unknown, charsMax: number): string {
  return oneLine(textOf(value), charsMax);
}

interface Addresses {
  readonly cidrs: readonly Cidr[];
  /** Why the first that is no address is none; null when all are. */
  readonly problem: string | null;
}

/** Places that a source fills with a dash or a word where it knows no address. */
const blanks = new Set(["", "-", "unknown", "none", "null", "n/a", "<na>"]);

function readAddresses(values: readonly unknown[]): Addresses {
  const cidrs = new Map<string, Cidr>();
  let problem: string | null = null;
  // A finding names one address many times.
  for (const value of new Set(values)) {
    if (value === undefined || value === null || (typeof value === "string" && blanks.has(value.trim().toLowerCase()))) continue;
    const read = typeof value === "string" ? parseCidr(value) : null;
    if (read?.ok === true) cidrs.set(cidrText(read.value), read.value);
    else problem ??= read === null ? `is ${quoted(value)}; an address is a text` : cleanText(read.error.message);
  }
  return { cidrs: [...cidrs.values()], problem };
}

/** One of several identifiers, so that no two lists of them read the same: an attacker may choose a part of one, such as a file's name. */
function partOf(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("/", "%2F");
}

/** The source's own identifiers, or a digest where there are none, or where they would not stay whole. */
function idOf(name: string, key: readonly unknown[], item: object): string {
  const parts = key.map(textOf).filter((part) => part !== "");
  if (parts.length === 0) return `${name}/sha256-${sha256Hex(canonical(item)).slice(0, 40)}`;
  // Not put together first: each may be as long as the message.
  const isShort = parts.reduce((sum, part) => sum + part.length, 0) <= limits.alertIdCharsMax;
  const id = isShort ? `${name}/${key.length === 1 ? parts[0] : parts.map(partOf).join("/")}` : "";
  return isShort && line(id, limits.alertIdCharsMax) === id ? id : `${name}/sha256-${sha256Hex(canonical(parts)).slice(0, 40)}`;
}

function resourcesOf(resources: readonly EventResource[]): readonly EventResource[] {
  const named = resources.filter(({ id }) => line(id, 1) !== "").slice(0, limits.eventResourcesMax);
  return named.map(({ kind, id, ...where }) => ({
    kind: line(kind, limits.eventTextCharsMax).toLowerCase(),
    id: line(id, limits.eventTextCharsMax),
    ...Object.fromEntries(Object.entries(where).flatMap(([name, value]) => (line(value, 1) === "" ? [] : [[name, line(value, limits.eventTextCharsMax)]]))),
  }));
}

function evidenceOf(evidence: Readonly<Record<string, unknown>>): DetectionEvent["evidence"] {
  const facts = Object.entries(evidence).flatMap(([name, value]): readonly (readonly [string, string | number | boolean])[] => {
    if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) return [[name, value]];
    const text = line(value, limits.eventTextCharsMax);
    return text === "" ? [] : [[name, text]];
  });
  return Object.fromEntries(facts.slice(0, limits.eventFactsMax));
}

function actorOf(draft: Draft, cidrs: readonly Cidr[]): DetectionEvent["actor"] {
  const user = line(draft.user, limits.eventTextCharsMax);
  const program = line(draft.process, limits.eventTextCharsMax);
  return { addresses: cidrs.map(cidrText), ...(user === "" ? {} : { user }), ...(program === "" ? {} : { process: program }) };
}

/** An event of a draft. What the source also names as attacked or as ours is never an attacker. */
function finished(draft: Draft, attackers: readonly Cidr[], item: object, definition: Definition, rules: SourceRules): DetectionEvent {
  const victims = readAddresses((draft.victims ?? []).slice(0, limits.alertItemsMax)).cidrs;
  const spared = new CidrSet(victims.map((cidr) => ({ cidr, label: "" })));
  const hostile = attackers.filter((cidr) => spared.overlapping(cidr) === null);
  const type = line(draft.type, limits.eventTextCharsMax) || "unnamed";
  const { forMs = null } = draft;
  return {
    id: idOf(definition.name, draft.key, item),
    source: definition.name,
    type,
    category: draft.category ?? categoryOf(type),
    title: line(draft.title, limits.reasonCharsMax) || type,
    severity: draft.severity ?? rules.severity,
    at: readEventTime(draft.at),
    status: draft.status ?? "firing",
    sample: draft.sample ?? false,
    direction: draft.direction ?? null,
    actor: actorOf(draft, hostile),
    victim: { addresses: victims.map(cidrText) },
    resources: resourcesOf(draft.resources ?? []),
    forMs: forMs !== null && Number.isFinite(forMs) && forMs > 0 ? Math.floor(forMs) : null,
    evidence: evidenceOf(draft.evidence ?? {}),
  };
}

function entriesOf(value: unknown, item: number, definition: Definition, rules: SourceRules): readonly SourceEntry[] {
  if (!isObject(value)) return [{ kind: "invalid", item, field: "", reason: `is ${quoted(value)}; an event is a JSON object` }];
  const reading = talkOf(value) ?? definition.read(value, rules);
  if (reading.kind !== "event") return [{ ...reading, item, reason: oneLine(reading.reason, limits.entryReasonCharsMax) }];
  const { draft } = reading;
  if (draft.sample === true && !rules.samples) {
    return [{ kind: "ignored", item, because: "sample", reason: `is a test or sample of ${definition.title}; alerts.${definition.name}.samples takes them` }];
  }
  const attackers = readAddresses(draft.attackers.slice(0, limits.alertItemsMax + 1));
  const event: SourceEntry = { kind: "event", item, event: finished(draft, attackers.cidrs, value, definition, rules) };
  return attackers.problem === null ? [event] : [event, { kind: "invalid", item, field: "address", reason: attackers.problem }];
}

function sizeOf(entries: readonly SourceEntry[]): number {
  return entries.reduce((sum, entry) => sum + (entry.kind === "event" ? Math.max(1, entry.event.actor.addresses.length) : 1), 0);
}

const onePlace = `one request may hold ${limits.alertItemsMax} addresses; send fewer at a time`;

/** The longest go first: one event stuffed with addresses must not push its neighbours out. */
function fitted(reads: readonly (readonly SourceEntry[])[]): readonly SourceEntry[] {
  const kept = [...reads];
  let total = reads.reduce((sum, read) => sum + sizeOf(read), 0);
  const longestFirst = [...reads.entries()].sort(([, a], [, b]) => sizeOf(b) - sizeOf(a));
  for (const [item, read] of longestFirst) {
    if (total <= limits.alertItemsMax) break;
    kept[item] = [{ kind: "invalid", item, field: "", reason: `none of its addresses were taken: ${onePlace}` }];
    total -= sizeOf(read) - 1;
  }
  return kept.flat();
}

export function createAdapter(definition: Definition): SourceAdapter {
  const { name, title, wrappers = everyWrapper } = definition;
  return {
    name,
    title,
    read(payload, rules) {
      const messages = delivered(payload, wrappers, limits.alertItemsMax + 1);
      const { spread } = definition;
      const items = spread === undefined ? messages : messages.flatMap((message) => spread(message).slice(0, limits.alertItemsMax + 1));
      const reads = items.slice(0, limits.alertItemsMax).map((value, item) => entriesOf(value, item, definition, rules));
      const entries = fitted(reads);
      if (items.length === reads.length) return entries;
      return [...entries, { kind: "invalid", item: reads.length, field: "", reason: `this item and those after it were not read: ${onePlace}` }];
    },
  };
}
