// A snapshot in pieces comes back as it was, whatever its size, and never as a mixture of two.
import { describe, expect, test } from "vitest";
import { SnapshotStorage } from "../../functions/coordinator/snapshot-storage.ts";
import { noStop } from "../../shared/lease/record.ts";
import type { BlockRow, Snapshot } from "../../shared/lease/snapshot.ts";
import type { Json } from "../../shared/ports.ts";

function snapshotOf(rows: number, why: string): Snapshot {
  const blocks = Array.from({ length: rows }, (_, index): BlockRow => {
    const record = { client: `detector-${index % 8}`, at: index, until: index + 1, severity: "low", targets: null, held: false } as const;
    return { key: `4:${(0x2d000000 + index).toString(16)}/32`, at: index, until: index + 1, severity: "low", records: [record], states: { web: 0 } };
  });
  return {
    version: 1,
    at: rows,
    fullAt: null,
    storeId: null,
    complete: false,
    incompleteWhy: why,
    stop: noStop,
    states: [{ state: "enforced" }],
    blocks,
    exemptions: [],
    lifts: [],
    ended: [],
    endedWhole: true,
    held: 0,
    targets: {},
  };
}

class Disk {
  readonly values = new Map<string, Json>();
  /** Writes that are still taken. */
  left = Number.POSITIVE_INFINITY;

  readonly storage = {
    load: async () => this.values,
    put: async (key: string, value: Json) => {
      this.left -= 1;
      if (this.left < 0) throw new Error("died here");
      this.values.set(key, value);
    },
    delete: async (keys: readonly string[]) => {
      for (const key of keys) this.values.delete(key);
    },
  };
}

describe("snapshot in storage", () => {
  test.each([
    ["none", 0, ""],
    ["few", 3, "a"],
    ["many", 12_000, '\u00e9\ud83d\ude00"\\'],
    ["long words", 2, "x".repeat(1_200_000)],
  ])("back: %s blocks, each piece well below the most that a value holds", async (_name, rows, why) => {
    const disk = new Disk();
    const snapshot = snapshotOf(rows, why);
    await new SnapshotStorage(disk.storage).save(snapshot);
    expect(new SnapshotStorage(disk.storage).restore(disk.values)).toEqual(snapshot);
    for (const value of disk.values.values()) expect(String(value).length).toBeLessThanOrEqual(500_000);
    if (rows > 10_000) expect(disk.values.size).toBeGreaterThan(4);
  });

  test("smaller: what the larger one left behind is gone", async () => {
    const disk = new Disk();
    const storage = new SnapshotStorage(disk.storage);
    await storage.save(snapshotOf(12_000, "large"));
    await storage.save(snapshotOf(1, "small"));
    expect([...disk.values.keys()].sort()).toEqual(["snapshot:0", "snapshot:count"]);
    expect(new SnapshotStorage(disk.storage).restore(disk.values)?.incompleteWhy).toBe("small");
  });

  test("killed: at any write of the next one there is either of the two, whole, or none", async () => {
    const outcomes = new Set<string>();
    for (let writes = 0; writes < 9; writes += 1) {
      const disk = new Disk();
      const storage = new SnapshotStorage(disk.storage);
      await storage.save(snapshotOf(6_000, "before"));
      disk.left = writes;
      await storage.save(snapshotOf(7_000, "after")).catch(() => undefined);
      const found = new SnapshotStorage(disk.storage).restore(disk.values);
      if (found !== null) expect([writes, found]).toEqual([writes, found.at === 6_000 ? snapshotOf(6_000, "before") : snapshotOf(7_000, "after")]);
      outcomes.add(found?.incompleteWhy ?? "none");
    }
    expect([...outcomes].sort()).toEqual(["after", "before", "none"]);
  });
});
