// What a Cloudflare list really denies, by the vendor's semantics and nothing of the product's: a list alone blocks nothing, a custom rule
// of the zone must block what is in it, and the rules run in order (Cloudflare docs, WAF custom lists and custom rules, checked 2026-11-20).

import type { Zone } from "../../simulators/cloudflare/zone.ts";
import type { Account, Item } from "../../simulators/cloudflare.ts";
import type { Sight } from "./watch.ts";

export interface CloudflareClaim {
  /** Name of our list. */
  readonly list: string;
}

/** By our claim, an item is ours when its comment begins with our mark. */
export function isOurs(item: Item): boolean {
  return /^portcullis(?::|$)/.test(item.comment ?? "");
}

/** Actions after which a request may never come to the rules behind: `log` goes on, and what blocks lets nobody by. */
const lettingBy: ReadonlySet<string> = new Set(["skip", "challenge", "js_challenge", "managed_challenge"]);

export function isBlocking(zone: Zone, list: string): boolean {
  for (const rule of zone.ruleset?.rules ?? []) {
    if (!rule.enabled) continue;
    if (lettingBy.has(rule.action)) return false;
    if (rule.action === "block" && rule.expression.replace(/[\s()]+/g, " ").trim() === `ip.src in $${list}`) return true;
  }
  return false;
}

/** Cloudflare leaves out the length of a single address. */
function cidrOfValue(value: string): string {
  if (value.includes("/")) return value;
  return `${value}/${value.includes(":") ? 128 : 32}`;
}

export function cloudflareSight(account: Account, zones: readonly Zone[], claim: CloudflareClaim): Sight {
  const placed: string[] = [];
  const foreign = new Map<string, string>();
  for (const list of account.lists.values()) {
    const isOwn = list.name === claim.list;
    const { id, name, kind, description, createdMs } = list;
    // Our own list's time of change is ours to move.
    foreign.set(`list ${name}`, JSON.stringify([id, kind, description, createdMs, isOwn ? null : list.modifiedMs]));
    for (const item of list.items.values()) {
      if (isOwn && isOurs(item)) placed.push(cidrOfValue(item.ip));
      else foreign.set(`list ${name} item ${item.ip}`, JSON.stringify(item));
    }
  }
  for (const zone of zones) {
    foreign.set(`zone ${zone.id}`, JSON.stringify(zone.ruleset === null ? null : [zone.ruleset.id, zone.ruleset.name, zone.ruleset.version]));
    for (const [at, rule] of (zone.ruleset?.rules ?? []).entries()) foreign.set(`zone ${zone.id} rule ${at + 1}`, JSON.stringify(rule));
  }
  placed.sort();
  const isEnforced = zones.length > 0 && zones.every((zone) => isBlocking(zone, claim.list));
  return { standing: isEnforced ? placed : [], placed, foreign };
}
