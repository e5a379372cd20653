// From lists and items to the core's observation: whose an item is, what room is left. Pure.
import { cidrText, displayCidr, parseCidr } from "../../shared/address/index.ts";
import { fail, ok, type Result } from "../../shared/errors.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Entry, ForeignEntry, Observation, Taken } from "../../shared/provider.ts";
import { type CloudflareListSettings, claimOf, isOurComment } from "./config.ts";
import type { NativeItem, NativeList } from "./read.ts";

const foreignItem = "item:";

/** Values of the list that are somebody else's. */
export function foreignValues(observation: Observation): ReadonlySet<string> {
  return new Set(observation.foreign.flatMap(({ id }) => (id.startsWith(foreignItem) ? [id.slice(foreignItem.length)] : [])));
}

export interface Split {
  readonly ours: readonly Entry[];
  readonly foreign: readonly ForeignEntry[];
  /** Addresses that stand as somebody else's items: an upsert would take those from their owner. */
  readonly taken: readonly Taken[];
}

/** Sorts items by their mark. An item of ours that is no address makes the whole unreadable. */
export function split(items: readonly NativeItem[], list: string): Result<Split> {
  const ours: Entry[] = [];
  const foreign: ForeignEntry[] = [];
  const taken: Taken[] = [];
  const why = `it stands in list ${list} as somebody else's item, which blocks it and is not touched; delete that one if ours is to stand`;
  for (const item of items) {
    const parsed = parseCidr(item.ip);
    if (isOurComment(item.comment)) {
      if (!parsed.ok)
        return fail("PROVIDER_UNAVAILABLE", `list ${list} holds an item of ours that is no address: ${item.ip.slice(0, 64)}; nothing is concluded`);
      ours.push({ id: item.id, cidr: parsed.value, partial: null });
    } else {
      const value = parsed.ok ? displayCidr(parsed.value) : item.ip.slice(0, 64);
      foreign.push({ id: `${foreignItem}${value}`, summary: `${value} in list ${list}, not marked as ours` });
      if (parsed.ok) taken.push({ cidr: parsed.value, why });
    }
  }
  return ok({ ours, foreign, taken });
}

/** Other lists use the account's quota too. */
function otherLists(lists: readonly NativeList[], own: string): readonly ForeignEntry[] {
  const others = lists.filter((list) => list.name !== own && list.itemCount > 0);
  return others.map((list) => ({ id: `list:${list.id}`, summary: `list ${list.name}: ${list.itemCount} items of the account's quota` }));
}

export interface Seen {
  readonly settings: CloudflareListSettings;
  readonly lists: readonly NativeList[];
  readonly list: NativeList;
  readonly split: Split;
  readonly notEnforcing: string | null;
  /** How many items the account was found to hold at most, whatever the configured quota says, by how many it holds now; null: not known. */
  quotaWhere(held: number): number | null;
  readonly serverDate: EpochMs | null;
}

export function observationOf(seen: Seen): Observation {
  const { settings, lists, list } = seen;
  const { ours, foreign } = seen.split;
  const elsewhere = lists.filter((other) => other.id !== list.id).reduce((sum, other) => sum + other.itemCount, 0);
  const quota = Math.min(settings.items, seen.quotaWhere(elsewhere + foreign.length + ours.length) ?? settings.items);
  const room = Math.max(0, quota - elsewhere - foreign.length);
  const wrongKind = list.kind === "ip" ? null : `list ${list.name} holds items of kind ${list.kind}, not addresses; name another list`;
  return {
    ours,
    foreign: [...foreign, ...otherLists(lists, settings.list)],
    taken: seen.split.taken,
    // What Cloudflare took in has its place: others' items leave less room for more, and never take ours away.
    pools: [{ name: "list items of the account", families: [4, 6], limit: Math.max(room, ours.length) }],
    storeId: claimOf(list.description),
    enforcing: seen.notEnforcing === null ? { yes: true } : { yes: false, why: seen.notEnforcing },
    terminal: wrongKind,
    serverDate: seen.serverDate,
  };
}

/** Before `setup`, or after somebody deleted the list: nothing is ours, and nobody has claimed it. */
export function missingObservation(settings: CloudflareListSettings, lists: readonly NativeList[], serverDate: EpochMs | null): Observation {
  const why = `account ${settings.account} has no list ${settings.list}; run setup to make it`;
  return {
    ours: [],
    foreign: otherLists(lists, settings.list),
    pools: [{ name: "list items of the account", families: [4, 6], limit: 0 }],
    storeId: null,
    enforcing: { yes: false, why },
    terminal: null,
    serverDate,
  };
}

/** Entries as an operator reads them, at most a few. */
export function namesOf(entries: readonly Entry[]): string {
  const shown = entries.slice(0, 5).map((entry) => cidrText(entry.cidr));
  return entries.length > shown.length ? `${shown.join(", ")} and ${entries.length - shown.length} more` : shown.join(", ");
}
