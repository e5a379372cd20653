// GET /v1/blocks: what is leased now and what is true about it per target, from the snapshot, page by page.
import { cidrFromKey } from "../../shared/address/index.ts";
import { fail, ok, PortcullisError, type Result } from "../../shared/errors.ts";
import { type BlockRow, type BlockState, blockStates, type Snapshot, statesOf } from "../../shared/lease/snapshot.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { quoted } from "../../shared/request/text.ts";
import { jsonResponse, keyText, timeText } from "./answer.ts";
import type { Call, GuardedRoute } from "./call.ts";
import { readQuery } from "./path.ts";
import { problemResponse } from "./problem.ts";

/** Rows of one page: unless asked for, and at most. */
const pageRows = { usual: 100, max: 1_000 } as const;

interface Filter {
  readonly target: string | null;
  readonly state: BlockState | null;
  readonly rows: number;
  /** Key of the last row of the page before; empty for the first page. */
  readonly after: string;
}

function readFilter(call: Call): Result<Filter> {
  const query = readQuery(call.url, ["target", "state", "limit", "cursor"]);
  if (!query.ok) return query;
  const target = query.value.get("target") ?? null;
  if (target !== null && !Object.hasOwn(call.deps.config.targets, target))
    return fail("INVALID_INPUT", `${quoted(target)} names no target.`, { field: "target" });
  const stateText = query.value.get("state");
  const state = blockStates.find((name) => name === stateText) ?? null;
  if (stateText !== undefined && state === null)
    return fail("INVALID_INPUT", `${quoted(stateText)} is no state; write one of ${blockStates.join(", ")}.`, { field: "state" });
  const limitText = query.value.get("limit") ?? String(pageRows.usual);
  const rows = /^[0-9]{1,4}$/.test(limitText) ? Number(limitText) : 0;
  if (rows < 1 || rows > pageRows.max)
    return fail("INVALID_INPUT", `limit must be a whole number from 1 to ${pageRows.max}; it is ${quoted(limitText)}.`, { field: "limit" });
  const after = query.value.get("cursor") ?? "";
  if (after !== "" && cidrFromKey(after) === null) return fail("INVALID_INPUT", "cursor must be the `next` of the page before.", { field: "cursor" });
  return ok({ target, state, rows, after });
}

function matches(row: BlockRow, filter: Filter, snapshot: Snapshot): boolean {
  if (filter.target === null && filter.state === null) return true;
  const states = Object.entries(statesOf(snapshot, row));
  return states.some(([target, { state }]) => (filter.target === null || target === filter.target) && (filter.state === null || state === filter.state));
}

/** Leases that ended by the clock since the snapshot are not shown as live. */
export function liveRows(snapshot: Snapshot, now: EpochMs): readonly BlockRow[] {
  return snapshot.blocks.filter((row) => row.until > now).sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

function shownRow(row: BlockRow, snapshot: Snapshot, now: EpochMs): Record<string, unknown> {
  const records = row.records.filter((record) => record.until > now);
  return {
    ip: keyText(row.key),
    at: timeText(row.at),
    until: timeText(row.until),
    severity: row.severity,
    leases: records.map(({ client, at, until, offence }) => ({
      client,
      at: timeText(at),
      until: timeText(until),
      ...(offence === undefined ? {} : { offence }),
    })),
    targets: statesOf(snapshot, row),
  };
}

export const listBlocks: GuardedRoute = {
  method: "GET",
  path: "/v1/blocks",
  access: "read",
  operation: null,
  async handle(call) {
    const filter = readFilter(call);
    if (!filter.ok) return problemResponse(filter.error);
    const snapshot = await call.coordinator.snapshot();
    if (snapshot === null) return problemResponse(new PortcullisError("NOT_READY", "No pass has reported yet, so what is blocked is not known here."));
    const found = liveRows(snapshot, call.now).filter((row) => matches(row, filter.value, snapshot));
    const rest = found.filter((row) => row.key > filter.value.after);
    const page = rest.slice(0, filter.value.rows);
    return jsonResponse(200, {
      asOf: timeText(snapshot.at),
      complete: snapshot.complete,
      ...(snapshot.incompleteWhy === null ? {} : { incompleteWhy: snapshot.incompleteWhy }),
      total: found.length,
      next: rest.length > page.length ? (page.at(-1)?.key ?? null) : null,
      blocks: page.map((row) => shownRow(row, snapshot, call.now)),
    });
  },
};
