// Grouped writes keep what single writes promise: everything is handed on once, in order, and failures reach who wrote.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { storageOf } from "../../functions/coordinator/durable-object.ts";
import { GroupedWrites } from "../../functions/coordinator/grouped-writes.ts";
import { Memory } from "../../functions/coordinator/memory.ts";
import type { Json } from "../../shared/ports.ts";

/** A storage whose flushes end when the test says so. */
class Disk {
  readonly calls: (readonly (readonly [string, Json])[])[] = [];
  readonly values = new Map<string, Json>();
  failNext = false;
  #waiting: (() => void)[] = [];

  async put(entries: ReadonlyMap<string, Json>): Promise<void> {
    if (this.failNext) {
      this.failNext = false;
      throw new Error("the disk is full");
    }
    this.calls.push([...entries]);
    for (const [key, value] of entries) this.values.set(key, value);
  }

  flushed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async flush(): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve();
    for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
  }
}

describe("GroupedWrites", () => {
  test("put: a single write is handed on at once", async () => {
    const disk = new Disk();
    await new GroupedWrites(disk).put("a", 1);
    expect(disk.calls).toEqual([[["a", 1]]]);
  });

  test("put: what comes while a write is on its way goes together, after it", async () => {
    const disk = new Disk();
    const writes = new GroupedWrites(disk);
    await writes.put("a", 1);
    const rest = Promise.all([writes.put("b", 2), writes.put("c", 3), writes.put("b", 4)]);
    expect(disk.calls).toHaveLength(1);
    await disk.flush();
    await rest;
    expect(disk.calls[1]).toEqual([
      ["b", 4],
      ["c", 3],
    ]);
  });

  test("put: a failure reaches everyone of its group, and the next group goes on", async () => {
    const disk = new Disk();
    const writes = new GroupedWrites(disk);
    await writes.put("a", 1);
    const group = Promise.allSettled([writes.put("b", 2), writes.put("c", 3)]);
    disk.failNext = true;
    await disk.flush();
    expect((await group).map((result) => result.status)).toEqual(["rejected", "rejected"]);
    const later = writes.put("d", 4);
    await disk.flush();
    await later;
    expect([...disk.values.keys()]).toEqual(["a", "d"]);
  });

  test("put: whatever the turns, the last value of each key stays and no write is forgotten", async () => {
    const script = fc.array(fc.oneof(fc.constant("flush" as const), fc.constantFrom("a", "b", "c")), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(script, async (actions) => {
        const disk = new Disk();
        const writes = new GroupedWrites(disk);
        const last = new Map<string, number>();
        const done: Promise<void>[] = [];
        for (const [at, action] of actions.entries()) {
          if (action === "flush") await disk.flush();
          else {
            last.set(action, at);
            done.push(writes.put(action, at));
          }
        }
        const idle = writes.idle();
        for (let turn = 0; turn < 4; turn += 1) await disk.flush();
        await Promise.all([...done, idle]);
        expect(Object.fromEntries(disk.values)).toEqual(Object.fromEntries(last));
      }),
    );
  });
});

describe("the object's storage", () => {
  /** How often the storage is called for what memory writes side by side. */
  async function callsOf(write: (memory: Memory, name: string) => Promise<void>, names: readonly string[]): Promise<number> {
    const disk = new Disk();
    const memory = await Memory.open(
      storageOf({
        put: async (keyOrEntries: unknown, value?: unknown) => {
          await disk.put(new Map(typeof keyOrEntries === "string" ? [[keyOrEntries, value as Json]] : Object.entries(keyOrEntries as Record<string, Json>)));
        },
        list: async () => new Map(),
        delete: async () => 0,
        sync: () => disk.flushed(),
      } as never),
      0,
    );
    const before = disk.calls.length;
    const all = Promise.all(names.map((name) => write(memory, name)));
    for (let turn = 0; turn < 4; turn += 1) await disk.flush();
    await all;
    expect(names.filter((name) => ![...disk.values.keys()].some((key) => key.endsWith(name)))).toEqual([]);
    return disk.calls.length - before;
  }

  const lifts = Array.from({ length: 50 }, (_, host) => `lift:4:cb0071${(host + 16).toString(16)}/32:1000:*`);

  test("put: lifts that begin side by side go together, as what is remembered of them does", async () => {
    expect(await callsOf((memory, name) => memory.remember(name, {}, 1_000), lifts)).toBe(2);
    expect(await callsOf((memory, name) => memory.begin(name, {}), lifts)).toBe(2);
  });
});
