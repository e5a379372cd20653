// The rows of a snapshot, found by their block.
import { describe, expect, test } from "vitest";
import { type BlockRow, rowsOf, type Snapshot } from "../../shared/lease/snapshot.ts";

const row = (key: string): BlockRow => ({ key, at: 1, until: 2, severity: "low", records: [], states: {} });
const snapshotOf = (...blocks: readonly BlockRow[]) => ({ blocks }) as unknown as Snapshot;

describe("rows", () => {
  test("found by block, and nothing else is; each snapshot has its own, made once", () => {
    const [first, second] = [row("4:cb007101/32"), row("4:cb007102/32")];
    const snapshot = snapshotOf(first, second);
    const rows = rowsOf(snapshot);
    expect([...rows]).toEqual([
      ["4:cb007101/32", first],
      ["4:cb007102/32", second],
    ]);
    expect(rows.get("4:cb007101/32")).toBe(first);
    expect(rowsOf(snapshot)).toBe(rows);
    expect([...rowsOf(snapshotOf(second)).keys()]).toEqual(["4:cb007102/32"]);
    expect(rowsOf(snapshotOf()).size).toBe(0);
  });
});
