// Puts together what the page shows: each firewall's console view with the leases that its entries stand for, how the Worker
// sees the target, and what happened. Everything in it may be seen by anyone at the page: no key is ever put here.
import type { ConsoleColumn, ConsoleRow, ConsoleView, WatchedFirewall } from "./console-view.ts";
import type { Journal, JournalEntry } from "./journal.ts";
import { leaseOf, type Reading, type ReadTarget, type ShownLease } from "./worker-reader.ts";

/** More rows of a table, or addresses of a row, than these are counted and not listed. */
const shownMax = { rows: 200, addresses: 100, shed: 50 } as const;

/** `live`: the Worker lists it. `lifted`: it does not any more. `unseen`: it has not yet. */
export type LeaseState = "live" | "lifted" | "unseen";

export interface PageAddress {
  readonly cidr: string;
  readonly lease: LeaseState;
  readonly atMs: number | null;
  readonly untilMs: number | null;
}

export interface PageRow {
  readonly id: string;
  readonly cells: readonly string[];
  readonly ours: boolean;
  readonly note: string | null;
  readonly addresses: readonly PageAddress[];
  readonly addressesMore: number;
}

export interface PageTable {
  readonly caption: string;
  readonly columns: readonly ConsoleColumn[];
  readonly rows: readonly PageRow[];
  readonly rowsMore: number;
}

export interface PagePanel extends Omit<ConsoleView, "tables"> {
  readonly target: string;
  readonly tables: readonly PageTable[];
  /** Null until the Worker has been read. */
  readonly seen: (Omit<ReadTarget, "name" | "shed"> & { readonly shed: readonly string[]; readonly shedMore: number }) | null;
}

export interface PageState {
  readonly nowMs: number;
  /** Why the Worker could not be read; null when it was. */
  readonly trouble: string | null;
  readonly panels: readonly PagePanel[];
  readonly log: readonly JournalEntry[];
}

/** Remembers leases that ended, for as long as their entries stand. */
export type LeaseMemory = Map<string, ShownLease>;

function addressOf(target: string, cidr: string, reading: Reading | null, memory: LeaseMemory): PageAddress {
  const name = `${target} ${cidr}`;
  const found = reading === null ? null : leaseOf(reading, target, cidr);
  if (found !== null) {
    memory.set(name, found);
    return { cidr, lease: "live", ...found };
  }
  const before = memory.get(name);
  return before === undefined ? { cidr, lease: "unseen", atMs: null, untilMs: null } : { cidr, lease: "lifted", ...before };
}

function forgetGone(views: readonly { readonly target: string; readonly view: ConsoleView }[], memory: LeaseMemory): void {
  const standing = new Set(
    views.flatMap(({ target, view }) => view.tables.flatMap(({ rows }) => rows.flatMap((row) => row.cidrs.map((cidr) => `${target} ${cidr}`)))),
  );
  for (const name of memory.keys()) if (!standing.has(name)) memory.delete(name);
}

function rowOf(row: ConsoleRow, target: string, reading: Reading | null, memory: LeaseMemory): PageRow {
  const { id, cells, ours, note, cidrs } = row;
  const addresses = cidrs.slice(0, shownMax.addresses).map((cidr) => addressOf(target, cidr, reading, memory));
  return { id, cells, ours, note, addresses, addressesMore: cidrs.length - addresses.length };
}

function seenOf(target: ReadTarget | undefined): PagePanel["seen"] {
  if (target === undefined) return null;
  const { name: _name, shed, ...rest } = target;
  return { ...rest, shed: shed.slice(0, shownMax.shed), shedMore: Math.max(0, shed.length - shownMax.shed) };
}

function panelOf(target: string, view: ConsoleView, reading: Reading | null, memory: LeaseMemory): PagePanel {
  const tables = view.tables.map(({ rows, ...table }) => ({
    ...table,
    rows: rows.slice(0, shownMax.rows).map((row) => rowOf(row, target, reading, memory)),
    rowsMore: Math.max(0, rows.length - shownMax.rows),
  }));
  return { ...view, target, tables, seen: seenOf(reading?.targets.find(({ name }) => name === target)) };
}

export interface StateSources {
  readonly firewalls: readonly WatchedFirewall[];
  readonly journal: Journal;
  readonly memory: LeaseMemory;
}

export function pageState({ firewalls, journal, memory }: StateSources, reading: Reading | null, trouble: string | null, nowMs: number): PageState {
  const views = firewalls.map((firewall) => ({ target: firewall.target, view: firewall.view() }));
  forgetGone(views, memory);
  return { nowMs, trouble, panels: views.map(({ target, view }) => panelOf(target, view, reading, memory)), log: journal.entries };
}
