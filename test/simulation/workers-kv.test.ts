// The model of Workers KV is judged by the laws of every store where it is not behind, and by its own two where it is: whatever it answers was
// true within the bound, and within the bound it really is as bad as the platform's documentation allows.
import { describe, expect, test } from "vitest";
import { workersKvStore } from "../../functions/stores/workers-kv.ts";
import type { Store } from "../../shared/ports.ts";
import { storeLaws } from "../conformance/store-laws.ts";
import { openGates } from "./platform/parts.ts";
import { type Location, locations, SimulatedWorkersKv } from "./platform/workers-kv.ts";
import { driven, startMs } from "./platform-world.ts";
import { Life, Scheduler } from "./scheduler.ts";

function kvAt(seed: number, stalenessMs: number) {
  const scheduler = new Scheduler(seed, startMs);
  const kv = new SimulatedWorkersKv(scheduler, stalenessMs);
  const clock = { now: () => scheduler.now };
  const storeAt = (location: Location): Store => workersKvStore(kv.namespace(location, new Life("law"), openGates), clock, stalenessMs);
  const put = (store: Store, name: string, value: string) => driven(scheduler, store.put(name, value, { metadata: { value }, expiresAtMs: null }));
  return { scheduler, kv, storeAt, put };
}

describe("workers kv that is not behind", () => {
  for (const law of storeLaws) {
    test(`store: ${law.name}`, async () => {
      const { scheduler, storeAt } = kvAt(1, 0);
      await driven(scheduler, law.run({ store: storeAt("AMS"), nowMs: () => scheduler.now }));
    });
  }
});

describe("workers kv that is behind", () => {
  const boundMs = 115_000;

  /** Writes one key anew every 20 s at one place and reads it everywhere; how old each answer was, by how it was read. */
  async function ages(seed: number) {
    const { scheduler, kv, storeAt, put } = kvAt(seed, boundMs);
    const written: { readonly value: string; readonly at: number; over: number }[] = [];
    const found: { readonly by: "get" | "list"; readonly ageMs: number }[] = [];
    const ageOf = (value: unknown): number => {
      const version = written.find((one) => one.value === value);
      const over = version === undefined ? (written[0]?.at ?? Number.POSITIVE_INFINITY) : version.over;
      return Math.max(0, scheduler.now - over);
    };
    for (let round = 0; round < 30; round += 1) {
      const writer = storeAt(locations[round % 2] ?? "AMS");
      await put(writer, "stop", `${round}`);
      const last = written.at(-1);
      if (last !== undefined) last.over = scheduler.now;
      written.push({ value: `${round}`, at: scheduler.now, over: Number.POSITIVE_INFINITY });
      for (const location of locations) {
        const got = await driven(scheduler, storeAt(location).get("stop"));
        found.push({ by: "get", ageMs: ageOf(got?.value) });
        const page = await driven(scheduler, storeAt(location).list(null, "stop"));
        if (page.cursor === null) found.push({ by: "list", ageMs: ageOf((page.keys[0]?.metadata as { value: string } | undefined)?.value) });
      }
      await scheduler.runUntil(scheduler.now + 20_000);
    }
    return { found, counts: scheduler.counts, kv };
  }

  test("read: what is answered was true within the bound, and is often not true any more", async () => {
    for (const seed of [1, 2, 3]) {
      const { found } = await ages(seed);
      for (const by of ["get", "list"] as const) {
        const seen = found.filter((one) => one.by === by).map(({ ageMs }) => ageMs);
        // An answer is on its way for some seconds at most.
        expect(Math.max(...seen)).toBeLessThan(boundMs + 10_000);
        expect(Math.max(...seen)).toBeGreaterThan(40_000);
        expect(seen.filter((ageMs) => ageMs === 0).length).toBeGreaterThan(10);
      }
    }
  });

  test("get: a miss is kept as long as a value, at the place that missed", async () => {
    const { scheduler, storeAt, put } = kvAt(4, boundMs);
    expect(await driven(scheduler, storeAt("SIN").get("stop"))).toBeNull();
    await put(storeAt("AMS"), "stop", "now");
    expect(await driven(scheduler, storeAt("SIN").get("stop"))).toBeNull();
    expect(scheduler.counts.get("kv miss was cached")).toBe(1);
    await scheduler.runUntil(scheduler.now + boundMs);
    expect((await driven(scheduler, storeAt("SIN").get("stop")))?.value).toBe("now");
  });

  test("list: may show the later of two records and miss the earlier", async () => {
    const { scheduler, storeAt, put } = kvAt(5, boundMs);
    let isSeen = false;
    for (let round = 0; round < 40 && !isSeen; round += 1) {
      await put(storeAt("AMS"), `a${round}`, "earlier");
      await put(storeAt("AMS"), `b${round}`, "later");
      const { keys } = await driven(scheduler, storeAt("IAD").list(null));
      const names = keys.map(({ name }) => name);
      isSeen = names.includes(`b${round}`) && !names.includes(`a${round}`);
    }
    expect(isSeen).toBe(true);
  });

  test("expiry: an expired key reads as missing, though it was cached and though lists still show it", async () => {
    const { scheduler, storeAt } = kvAt(6, boundMs);
    const store = storeAt("AMS");
    for (let index = 0; index < 20; index += 1) {
      await driven(scheduler, store.put(`k${index}`, "x", { metadata: {}, expiresAtMs: startMs + 300_000 }));
    }
    await scheduler.runUntil(startMs + 299_000);
    await driven(scheduler, store.get("k0"));
    await scheduler.runUntil(startMs + 300_001);
    expect(await driven(scheduler, store.get("k0"))).toBeNull();
    await driven(scheduler, store.list(null));
    expect(scheduler.counts.get("kv list showed a record that is gone")).toBeGreaterThan(0);
    await scheduler.runUntil(startMs + 300_000 + boundMs);
    expect((await driven(scheduler, storeAt("SIN").list(null))).keys).toEqual([]);
  });
});

describe("workers kv that refuses", () => {
  test("put: the second write of one key within a second, and not that of another", async () => {
    const { scheduler, kv, storeAt } = kvAt(7, 0);
    const twice = ["stop", "stop", "snapshot"].map((name) =>
      storeAt("AMS")
        .put(name, "x", { metadata: {}, expiresAtMs: null })
        .then(() => "taken", String),
    );
    const ends = await driven(scheduler, Promise.all(twice));
    expect(ends.filter((end) => end === "taken")).toHaveLength(2);
    expect(kv.writes).toBe(2);
    expect(scheduler.counts.get("kv write refused for its rate")).toBe(1);
  });

  test("put: an expiry less than a minute ahead, whatever the driver thinks of it", async () => {
    const { scheduler, kv } = kvAt(9, 0);
    const namespace = kv.namespace("AMS", new Life("law"), openGates);
    const seconds = Math.ceil(startMs / 1_000);
    await expect(driven(scheduler, namespace.put("stop", "x", { expiration: seconds + 59 }))).rejects.toThrow("at least 60 seconds");
    await expect(driven(scheduler, namespace.put("stop", "x", { expirationTtl: 59 }))).rejects.toThrow("at least 60 seconds");
    await expect(driven(scheduler, namespace.put("stop", "x", { expirationTtl: 60 }))).resolves.toBeUndefined();
  });

  test("break: every call fails, and some of the writes were taken all the same", async () => {
    const { scheduler, kv, storeAt } = kvAt(8, 0);
    kv.break(60_000);
    for (let index = 0; index < 20; index += 1) {
      await expect(driven(scheduler, storeAt("AMS").put(`k${index}`, "x", { metadata: {}, expiresAtMs: null }))).rejects.toThrow("Workers KV failed to put");
    }
    expect(kv.writes).toBeGreaterThan(0);
    expect(kv.writes).toBeLessThan(20);
    await scheduler.runUntil(scheduler.now + 60_000);
    expect((await driven(scheduler, storeAt("AMS").list(null))).keys).toHaveLength(kv.writes);
  });
});
