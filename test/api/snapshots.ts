// A small, consistent snapshot for the API tests: blocks in every kind of state at two targets.
import type { BlockRow, Snapshot, TargetSnapshot } from "../../shared/lease/snapshot.ts";
import { hourMs, keyOf, nowMs } from "./world.ts";

/** Indices into the states below. */
export const stateAt = { enforced: 0, pending: 1, shed: 2, held: 3, refused: 4 } as const;

export function row(
  ip: string,
  options: { readonly until?: number; readonly web?: number; readonly edge?: number; readonly client?: string; readonly held?: boolean } = {},
): BlockRow {
  const { until = nowMs + hourMs, web = stateAt.enforced, edge = stateAt.enforced, client = "writer", held = false } = options;
  return {
    key: keyOf(ip),
    at: nowMs - 60_000,
    until,
    severity: "high",
    records: [{ client, at: nowMs - 60_000, until, severity: "high", targets: null, held }],
    states: { web, edge },
  };
}

export function targetSnapshot(overrides: Partial<TargetSnapshot> = {}): TargetSnapshot {
  return {
    kind: "fake",
    mode: "enforce",
    stopped: null,
    observedAt: nowMs - 30_000,
    enforcing: { yes: true },
    error: null,
    pools: [{ name: "ipv4", limit: 18, used: 3 }],
    ours: 3,
    foreign: 2,
    shed: [],
    pending: 0,
    orphans: null,
    drift: [],
    changed: [],
    callsMade: 1,
    ...overrides,
  };
}

export function snapshotOf(blocks: readonly BlockRow[], overrides: Partial<Snapshot> = {}): Snapshot {
  return {
    version: 1,
    at: nowMs - 10_000,
    fullAt: nowMs - 20_000,
    storeId: "store-1",
    complete: true,
    incompleteWhy: null,
    stop: { at: 0, targets: {}, releasedAt: 0 },
    states: [
      { state: "enforced" },
      { state: "pending", why: "next pass" },
      { state: "shed", why: "no room" },
      { state: "held", why: "brake" },
      { state: "refused", why: "protected" },
    ],
    blocks,
    exemptions: [],
    lifts: [],
    held: 0,
    targets: { web: targetSnapshot(), edge: targetSnapshot() },
    ...overrides,
  };
}
