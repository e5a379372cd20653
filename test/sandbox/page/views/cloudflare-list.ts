// A simulated list and the custom rules of its zone as the Cloudflare dashboard shows them.

import type { Rule } from "../../../simulators/cloudflare/zone.ts";
import type { CloudflareSimulator, Item } from "../../../simulators/cloudflare.ts";
import { type ConsoleRow, type ConsoleTable, type ConsoleView, main, minor, type WatchedFirewall } from "../console-view.ts";
import { watchByLooking } from "../differences.ts";

export interface WatchedList {
  readonly target: string;
  readonly account: string;
  readonly list: string;
  readonly zone: string;
  /** Ref of the zone's rule that makes the list count. */
  readonly ruleRef: string;
  /** Begins the comment of each item of ours. */
  readonly commentMark: string;
}

/** The simulator tells nobody of its changes. */
const lookEveryMs = 200;

function itemRow(item: Item, { commentMark }: WatchedList): ConsoleRow {
  const ours = item.comment === commentMark || item.comment?.startsWith(`${commentMark}:`) === true;
  const added = new Date(item.createdMs).toISOString().slice(0, 19).replace("T", " ");
  return {
    id: item.ip,
    name: `item ${item.ip}`,
    cells: [item.ip, item.comment ?? "", added],
    ours,
    cidrs: ours ? [item.ip] : [],
    note: ours ? null : "a person's",
  };
}

function itemTable(cloudflare: CloudflareSimulator, watched: WatchedList): ConsoleTable {
  const account = cloudflare.account(watched.account);
  account.settle();
  const list = [...account.lists.values()].find(({ name }) => name === watched.list);
  const items = [...(list?.items.values() ?? [])].toSorted((a, b) => b.createdMs - a.createdMs);
  return {
    caption: `List ${watched.list}: items`,
    display: "open",
    columns: [main("Item", 22), minor("Comment", 34), minor("Added (UTC)", 20)],
    rows: items.map((item) => itemRow(item, watched)),
  };
}

function ruleRow(rule: Rule, at: number, { ruleRef }: WatchedList): ConsoleRow {
  const { id, description, expression, action, enabled, ref } = rule;
  const ours = ref === ruleRef;
  const cells = [String(at + 1), description, expression, action.replaceAll("_", " "), enabled ? "Enabled" : "Disabled"];
  return { id, name: `rule "${description}"`, cells, ours, cidrs: [], note: ours ? "makes the list count" : "a person's" };
}

function ruleTable(cloudflare: CloudflareSimulator, watched: WatchedList): ConsoleTable {
  const rules = cloudflare.zone(watched.zone).ruleset?.rules ?? [];
  return {
    caption: "Zone example.com: custom rules",
    display: "open",
    columns: [main("Order", 6), main("Name", 24), minor("Expression", 30), main("Action", 11), minor("Status", 9)],
    rows: rules.map((rule, at) => ruleRow(rule, at, watched)),
  };
}

export function listView(cloudflare: CloudflareSimulator, watched: WatchedList): ConsoleView {
  return {
    kind: "cloudflare-list",
    place: ["Cloudflare", "Manage account", "Lists"],
    title: watched.list,
    tables: [itemTable(cloudflare, watched), ruleTable(cloudflare, watched)],
  };
}

export function watchList(cloudflare: CloudflareSimulator, watched: WatchedList): WatchedFirewall {
  const view = () => listView(cloudflare, watched);
  return {
    target: watched.target,
    view,
    onHappening: (listener) => watchByLooking(view, listener, lookEveryMs).stop,
  };
}
