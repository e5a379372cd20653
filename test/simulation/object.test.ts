// The model of the object's storage keeps what Cloudflare promises of it and nothing more: what left the object is on disk, writes arrive whole
// and in order, a life that was replaced can change nothing; and an alarm rings again when its life ends on it.
import { describe, expect, test } from "vitest";
import { ObjectStorage, type OnDisk } from "./platform/object-storage.ts";
import { PlatformLife, portsOf } from "./platform/parts.ts";
import { workersPlatform } from "./platform/workers.ts";
import { configWithKey, driven, PlatformWorld, startMs } from "./platform-world.ts";
import { Scheduler } from "./scheduler.ts";

function made(seed: number, disk: OnDisk = { values: new Map(), alarmAt: null }) {
  const scheduler = new Scheduler(seed, startMs);
  const life = new PlatformLife("object", startMs, () => undefined);
  const storage = new ObjectStorage({ scheduler, life, disk, onAlarm: () => undefined });
  return { scheduler, life, disk, storage, binding: storage.binding() };
}

const seeds = Array.from({ length: 40 }, (_, index) => index);

describe("storage of the object", () => {
  test("kill: what arrived is a beginning of what was written, whole puts only, and all that anybody was told of", async () => {
    let lost = 0;
    for (const seed of seeds) {
      const { scheduler, disk, storage, binding } = made(seed);
      let told = 0;
      const writing = async () => {
        for (let number = 1; number <= 12; number += 1) {
          // Two puts with nothing between them are one.
          const both = [binding.put(`a${number}`, number), binding.put(`b${number}`, number)];
          await Promise.all(both);
          if (number % 3 !== 0) continue;
          await storage.out();
          told = number;
          await scheduler.sleep(3);
        }
      };
      void writing();
      await scheduler.runUntil(startMs + scheduler.dice.between("when it is killed", 0, 25));
      storage.end("killed");
      const kept = [...disk.values.keys()].filter((key) => key.startsWith("a")).length;
      const expected = Array.from({ length: kept }, (_, index) => [`a${index + 1}`, `b${index + 1}`]).flat();
      expect([...disk.values.keys()].sort()).toEqual(expected.sort());
      expect(kept).toBeGreaterThanOrEqual(told);
      lost += scheduler.counts.get("killed: unflushed writes were lost") ?? 0;
    }
    expect(lost).toBeGreaterThan(5);
  });

  test("out: waits for the disk, and lets through what was sent with nothing to wait for", async () => {
    const { scheduler, disk, storage, binding } = made(1);
    await storage.out();
    await binding.put("a", 1);
    expect(disk.values.size).toBe(0);
    await driven(scheduler, storage.out());
    expect(disk.values.size).toBe(1);
  });

  test("in: what arrives waits while a read is under way", async () => {
    const { scheduler, storage, binding } = made(2);
    const order: string[] = [];
    const read = binding.list().then(() => order.push("read"));
    const arrived = storage.in().then(() => order.push("arrived"));
    await driven(scheduler, Promise.all([read, arrived]));
    expect(order).toEqual(["read", "arrived"]);
  });

  test("replace: the life that does not know can write nothing and say nothing after it wrote, and ends", async () => {
    const { scheduler, life, disk, storage, binding } = made(3);
    await binding.put("a", 1);
    await driven(scheduler, storage.out());
    storage.replace();
    await storage.out();
    await binding.put("a", 2);
    let said = false;
    void storage.out().then(() => {
      said = true;
    });
    await scheduler.runUntil(startMs + 60_000);
    expect([said, life.isDead, scheduler.counts.get("zombie's write refused")]).toEqual([false, true, 1]);
    const next = made(4, disk);
    expect((await driven(next.scheduler, next.binding.list())).get("a")).toBe(1);
  });

  test("limits: refuses what the real one refuses", async () => {
    const { binding } = made(5);
    const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));
    await expect(binding.put(entries(128))).resolves.toBeUndefined();
    await expect(binding.put(entries(129))).rejects.toThrow("Maximum number of pairs is 128");
    await expect(binding.delete(Object.keys(entries(129)))).rejects.toThrow("Maximum number of keys is 128");
    await expect(binding.put("a", "x".repeat(2 * 1024 * 1024))).rejects.toThrow("Values cannot be larger");
  });

  test("fetch: a call to a cloud leaves when what was written before it is on disk", async () => {
    const { scheduler, life, disk, storage, binding } = made(6);
    let found = -1;
    const parts = { scheduler, config: configWithKey(), definitions: {}, secrets: {}, cloudFetch: async () => new Response("") };
    const ports = portsOf(parts, life, storage, async () => {
      found = disk.values.size;
      return new Response("");
    });
    await binding.put("a", 1);
    await driven(scheduler, ports.fetch("https://ec2.eu-west-1.amazonaws.com/", {}));
    expect(found).toBe(1);
  });
});

describe("the object", () => {
  test("alarm: rings again when its life ended on it, with no tick to help", async () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const world = new PlatformWorld(seed, (parts) => workersPlatform(parts, "workers"));
      try {
        world.ticks = false;
        await world.post("/v1/blocks", { ip: "203.0.113.1" });
        await world.run(20_000);
        world.platform.deed(seed % 2 === 0 ? "duplicate" : "evict");
        await world.post("/v1/blocks", { ip: "203.0.113.2" });
        await world.run(40_000);
        expect(world.standing()).toEqual(["203.0.113.1/32", "203.0.113.2/32"]);
      } finally {
        world.platform.end();
        world.release();
      }
    }
  });
});
