// The model of Deno KV passes, in Node, the very laws that the real one passes in Deno: of every store, of its driver, and of the lock.
// So it cannot come to be stronger or weaker than what the product will run on without a law saying so.
import { describe, expect, test } from "vitest";
import { denoKvStore } from "../../functions/stores/deno-kv.ts";
import { storeLaws } from "../conformance/store-laws.ts";
import { denoKvLaws } from "../runners/deno/deno-kv-laws.ts";
import { lockLaws } from "../runners/deno/lock-laws.ts";
import { SimulatedDenoKv } from "./platform/deno-kv.ts";
import { openGates, PlatformLife } from "./platform/parts.ts";
import { driven, startMs } from "./platform-world.ts";
import { Scheduler } from "./scheduler.ts";

function made(seed: number) {
  const scheduler = new Scheduler(seed, startMs);
  const kv = new SimulatedDenoKv(scheduler);
  const nowMs = () => scheduler.now;
  let ids = 0;
  const randomId = () => {
    ids += 1;
    return `id-${ids}`;
  };
  const life = new PlatformLife("law", startMs, () => undefined);
  return { scheduler, kv, nowMs, randomId, life };
}

describe("deno kv as a life reaches it", () => {
  for (const law of storeLaws) {
    test(`store: ${law.name}`, async () => {
      const { scheduler, kv, nowMs, randomId, life } = made(1);
      const store = denoKvStore({ kv: kv.binding(life, openGates, () => false), clock: { now: nowMs }, randomId });
      await driven(scheduler, law.run({ store, nowMs }));
    });
  }
});

describe("deno kv itself", () => {
  for (const law of denoKvLaws) {
    test(`store: ${law.name}`, async () => {
      const { kv, nowMs, randomId } = made(2);
      const direct = kv.direct();
      await law.run({ kv: direct, nowMs, store: denoKvStore({ kv: direct, clock: { now: nowMs }, randomId }) });
    });
  }

  for (const law of lockLaws) {
    test(`lock: ${law.name}`, async () => {
      await law.run({ kv: made(3).kv.direct() });
    });
  }

  test("list: keys come in Deno's order, strings by their bytes and before numbers", async () => {
    const { kv } = made(4);
    const keys = [["a", 10], ["a", -1], ["a", 2], ["a", "z"], ["a", "ä"], ["a", "Z", 1], ["a"], ["b"]];
    for (const key of keys) await kv.direct().atomic().set(key, 1).commit();
    const under = kv.range({ prefix: ["a"] }).map(({ key }) => key.slice(1).join());
    expect(under).toEqual(["Z,1", "z", "ä", "-1", "2", "10"]);
    expect(kv.range({ start: ["a"], end: ["b"] })).toHaveLength(7);
  });

  test("commit: refuses what the real one refuses", async () => {
    const direct = made(5).kv.direct();
    await expect(direct.atomic().set(["a"], "x".repeat(65_530)).commit()).resolves.toMatchObject({ ok: true });
    await expect(direct.atomic().set(["a"], "x".repeat(65_536)).commit()).rejects.toThrow("Value too large");
    await expect(
      direct
        .atomic()
        .set(["x".repeat(2_048)], 1)
        .commit(),
    ).rejects.toThrow("Key too large");
    await expect(direct.getMany(Array.from({ length: 11 }, (_, index) => [index]))).rejects.toThrow("Too many ranges");
  });

  test("commit: with its answer lost it has happened or not, and the caller hears of a failure", async () => {
    const { scheduler, kv, life } = made(6);
    const bound = kv.binding(life, openGates, () => true);
    const direct = kv.direct();
    let happened = 0;
    for (let index = 0; index < 40; index += 1) {
      await expect(driven(scheduler, bound.atomic().set(["k", index], 1).commit())).rejects.toThrow("error sending request");
      if ((await direct.get(["k", index])).versionstamp !== null) happened += 1;
    }
    expect(happened).toBeGreaterThan(3);
    expect(happened).toBeLessThan(30);
  });

  test("expiry: a key stays until its time, and often for long after it", async () => {
    const { scheduler, kv } = made(7);
    const keys = Array.from({ length: 30 }, (_, index) => ["k", index]);
    for (const key of keys) await kv.direct().atomic().set(key, 1, { expireIn: 60_000 }).commit();
    await scheduler.runUntil(startMs + 60_000);
    expect(kv.range({ prefix: ["k"] })).toHaveLength(30);
    await scheduler.runUntil(startMs + 180_000);
    const left = kv.range({ prefix: ["k"] }).length;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(30);
    await scheduler.runUntil(startMs + 60_000 + 3_600_001);
    expect(kv.range({ prefix: ["k"] })).toEqual([]);
  });
});
