// Reads what a detector sends, as it sends it: one JSON object or a list of them, fields wherever the mapping says.
// Lax by design: an item that makes no sense is named as invalid and never spoils its neighbours. Pure.
import { type Cidr, parseCidr } from "../address/index.ts";
import { type AlertMapping, type Severity, severities } from "../config.ts";
import { limits } from "../limits.ts";
import type { EpochMs } from "../ports.ts";
import { readEventTime } from "./event-time.ts";
import { firstValues } from "./paths.ts";
import { cleanText, oneLine, quoted } from "./text.ts";

/** What one item says: an address to block, or why there is none. `item` is its position. */
export type AlertEntry =
  | { readonly kind: "address"; readonly item: number; readonly asked: Cidr; readonly event: AlertEvent }
  | { readonly kind: "invalid"; readonly item: number; readonly field: string; readonly reason: string };

export interface AlertEvent {
  /** null: the item has none; `unreadable` when it has one that is no time. */
  readonly at: EpochMs | null | "unreadable";
  readonly reason: string;
  readonly severity: Severity;
  readonly ids: readonly string[];
}

export interface AlertRules {
  readonly mapping: AlertMapping;
  readonly severity: Severity;
}

function firstText(item: unknown, paths: readonly string[]): string | null {
  const value = firstValues(item, paths, 1)?.values[0];
  return typeof value === "string" || typeof value === "number" ? String(value) : null;
}

function readSeverity(item: unknown, rules: AlertRules): Severity {
  const text = firstText(item, rules.mapping.severity)?.toLowerCase();
  return severities.find((severity) => severity === text) ?? rules.severity;
}

function readAt(item: unknown, paths: readonly string[]): AlertEvent["at"] {
  const found = firstValues(item, paths, 1);
  return found === null ? null : (readEventTime(found.values[0]) ?? "unreadable");
}

/** The alert's own ids: what the mapping names, and Elasticsearch's `_index` and `_id`, which together name one document. */
function readIds(item: unknown, paths: readonly string[]): readonly string[] {
  // `_id` alone names nothing, so a mapping that lists it gets the pair below instead.
  const mapped = paths.filter((path) => path !== "_id").flatMap((path) => firstValues(item, [path], limits.alertIdsMax)?.values ?? []);
  const document = firstText(item, ["_id"]);
  const index = firstText(item, ["_index"]);
  const all = document === null ? mapped : [...mapped, index === null ? document : `${index}/${document}`];
  const texts = all.flatMap((id) => (typeof id === "string" || typeof id === "number" ? [oneLine(String(id), limits.alertIdCharsMax)] : []));
  return [...new Set(texts.filter((id) => id !== ""))].slice(0, limits.alertIdsMax);
}

function readEvent(item: unknown, rules: AlertRules): AlertEvent {
  return {
    at: readAt(item, rules.mapping.at),
    reason: oneLine(firstText(item, rules.mapping.reason) ?? "", limits.reasonCharsMax),
    severity: readSeverity(item, rules),
    ids: readIds(item, rules.mapping.id),
  };
}

function invalid(item: number, field: string, reason: string): AlertEntry {
  return { kind: "invalid", item, field, reason };
}

function readItem(value: unknown, item: number, rules: AlertRules): readonly AlertEntry[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [invalid(item, "", `is ${quoted(value)}; an alert is a JSON object`)];
  // One more than may be taken: what is too much must be seen to be too much.
  const found = firstValues(value, rules.mapping.ip, limits.alertItemsMax + 1);
  if (found === null) return [invalid(item, rules.mapping.ip[0] ?? "ip", `no address: none of ${rules.mapping.ip.join(", ")} is there and not null`)];
  const event = readEvent(value, rules);
  return found.values.map((address): AlertEntry => {
    if (typeof address !== "string") return invalid(item, found.path, `is ${quoted(address)}; an address is a text`);
    const parsed = parseCidr(address);
    return parsed.ok ? { kind: "address", item, asked: parsed.value, event } : invalid(item, found.path, cleanText(parsed.error.message));
  });
}

const onePlace = `one request may hold ${limits.alertItemsMax} addresses; send fewer at a time`;

function countText(count: number): string {
  return count > limits.alertItemsMax ? `more than ${limits.alertItemsMax}` : `${count}`;
}

/** The longest lists go first: one alert stuffed with addresses must not push its neighbours out. */
function fitted(reads: readonly (readonly AlertEntry[])[]): readonly (readonly AlertEntry[])[] {
  const kept = [...reads];
  let total = reads.reduce((sum, read) => sum + read.length, 0);
  const longestFirst = [...reads.entries()].sort(([, a], [, b]) => b.length - a.length);
  for (const [item, read] of longestFirst) {
    if (total <= limits.alertItemsMax) break;
    kept[item] = [invalid(item, "", `none of its addresses were taken, ${countText(read.length)} beside the others: ${onePlace}`)];
    total -= read.length - 1;
  }
  return kept;
}

/** Every address and every invalid item of a body, in order. What exceeds the limit is named, not dropped silently. */
export function readAlerts(body: unknown, rules: AlertRules): readonly AlertEntry[] {
  const values: readonly unknown[] = Array.isArray(body) ? body : [body];
  const reads = values.slice(0, limits.alertItemsMax).map((value, item) => readItem(value, item, rules));
  const entries = fitted(reads).flat();
  const beyond = values.length - reads.length;
  return beyond === 0 ? entries : [...entries, invalid(reads.length, "", `this item and the ${beyond - 1} after it were not read: ${onePlace}`)];
}
