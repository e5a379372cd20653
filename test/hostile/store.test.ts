// A hand in the store: whoever may write to the namespace writes what no route would. And a store that is not ours at all.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import type { Json } from "../../shared/ports.ts";
import { bearer, type HostileWorld, hostileWorld, json, post, send } from "./world.ts";

const minute = 60_000;

async function standing(): Promise<HostileWorld> {
  const world = await hostileWorld();
  await world.behind.advance(10 * minute);
  await post(world, "/v1/blocks", "admin", { ip: "203.0.113.7", for: "24h" });
  await world.behind.advance(2 * minute);
  expect(world.behind.blocked("203.0.113.7")).toBe(true);
  return world;
}

const write = (world: HostileWorld, key: string, metadata: Json, value = "{}") => world.behind.kv.put(key, value, { metadata, expiresAtMs: null });

/** Every read answers in its own words, and none with a fault of ours. */
async function readsAll(world: HostileWorld): Promise<void> {
  for (const path of ["/v1/blocks", "/v1/blocks/203.0.113.7", "/v1/targets", "/v1/targets/web", "/v1/targets/web/plan", "/v1/feed.txt", "/metrics"]) {
    const { status } = await send(world, path, { headers: bearer("reader") });
    expect([path, [200, 503].includes(status)]).toEqual([path, true]);
  }
}

describe("a hand in the store", () => {
  test("refuse: a forged lease over a protected address or over everything is never enforced, and never listed in the feed", async () => {
    const world = await standing();
    const until = world.behind.now + 60 * minute;
    for (const block of [
      "4:00000000/0",
      "4:00000000/1",
      "4:0a000001/32",
      "4:c6336407/32",
      "4:7f000001/32",
      "6:00000000000000000000000000000000/0",
      "6:fe800000000000000000000000000000/64",
    ])
      await write(world, `lease:${block}:${until}:admin`, { a: world.behind.now, s: 3 });
    await world.behind.advance(12 * minute);
    expect(world.behind.ours().map(({ cidr }) => cidr)).toEqual(["203.0.113.7/32"]);
    expect(await (await send(world, "/v1/feed.txt", { headers: bearer("reader") })).text()).toBe("203.0.113.7\n");
  });

  test("keep: records of any shape at all open no gate, touch no rule of others, and no read fails over them", async () => {
    const shape = fc.oneof(
      fc.constantFrom(
        "lease:4:cb007107/32:1:admin",
        "lease:4:cb007108/32:999999999999999:admin",
        "lease:4:cb007108/32:99999999999999999999:admin",
        "lease:4:cb007109/33:1:x",
        "lease:__proto__",
        "lift:",
        "lift:4:39000000/8:1:__proto__",
        "constructor",
        "meta:other",
        "lease:4:cb007108/32:1:../x",
        "lease:\u202e",
      ),
      fc.string({ maxLength: 60 }).map((text) => `lease:${text}`),
      fc.string({ maxLength: 60 }),
    );
    const metadata = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom<Json[]>(
        { a: 1, s: "__proto__" },
        { a: 1, s: 0, t: ["__proto__", "constructor"] },
        { a: 9e15, s: 3, h: 1 },
        JSON.parse('{"__proto__":{"a":1}}'),
        { at: 1, targets: JSON.parse('{"__proto__":"drain"}'), releasedAt: 0 },
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(shape, metadata), { minLength: 1, maxLength: 6 }), async (records) => {
        const world = await standing();
        const foreign = world.behind.foreign();
        // What means "lift", "stop" or "another store" is an order that a writer of the store may give: that is the next test's.
        for (const [key, value] of records)
          if (!/^(?:stop|snapshot|meta:store)$/.test(key) && JSON.stringify(value ?? null).length < 1_000) await write(world, key, value as Json);
        await world.behind.advance(12 * minute);
        expect(world.behind.blocked("203.0.113.7")).toBe(true);
        expect(world.behind.foreign()).toBe(foreign);
        await readsAll(world);
      }),
      { numRuns: 25 },
    );
  });

  test("name: one unreadable record stops every removal and the feed, and is told by name", async () => {
    for (const key of ["lease:not-ours", "of-another-program", "snapshot:old", "stop"]) {
      const world = await standing();
      await write(world, key, { at: "never" });
      await world.behind.advance(6 * minute);
      const targets = await json(await send(world, "/v1/targets", { headers: bearer("reader") }));
      expect([key, targets.complete, targets.incompleteWhy]).toEqual([key, false, expect.stringContaining(key)]);
      expect((await send(world, "/v1/feed.txt", { headers: bearer("reader") })).status).toBe(503);
    }
  });

  test("bound: a forged snapshot is not believed by a coordinator that remembers", async () => {
    const world = await standing();
    await write(
      world,
      "snapshot",
      { at: world.behind.now + 1 },
      JSON.stringify({ version: 1, at: world.behind.now + 1, blocks: [], exemptions: [], lifts: [], targets: {}, states: [] }),
    );
    await world.behind.advance(12 * minute);
    expect(world.behind.blocked("203.0.113.7")).toBe(true);
    expect((await json(await send(world, "/v1/blocks", { headers: bearer("reader") }))).total).toBe(1);
  });
});

describe("a store that is not ours", () => {
  test.for(["empty", "wiped", "foreign"])("keep: an %s store opens no gate and gets no write done, and the API says why", async (what) => {
    const world = await standing();
    const writes = world.behind.aws.writes;
    const before = JSON.stringify(world.behind.aws.acl("acl-0123456789abcdef0").state.entries);
    if (what === "empty") await world.behind.kv.delete("meta:store");
    else world.behind.kv.wipe();
    if (what === "foreign") await world.behind.kv.put("meta:store", "ffffffffffffffff", { metadata: { id: "ffffffffffffffff" }, expiresAtMs: null });
    // Long enough for every lease of before to be forgotten as recent, and for orphans to be judged.
    await world.behind.advance(60 * minute);
    expect([world.behind.aws.writes, JSON.stringify(world.behind.aws.acl("acl-0123456789abcdef0").state.entries)]).toEqual([writes, before]);
    const said = await json(await send(world, "/v1/targets/web", { headers: bearer("reader") }));
    expect(JSON.stringify(said)).toMatch(/store|setup/);
    expect(limits.orphanMs).toBeLessThan(60 * minute);
  });
});
