// Who can spend what others need: the store's listings and writes, the cloud's calls, the room at a small firewall, the coordinator's time.
import { describe, expect, test } from "vitest";
import type { CoordinatorApi } from "../../functions/coordinator/contract.ts";
import { liftOne, liveRecords } from "../../functions/coordinator/lifting.ts";
import { Memory } from "../../functions/coordinator/memory.ts";
import { routes } from "../../functions/routes/index.ts";
import { type Cidr, cidrKey, cidrOf } from "../../shared/address/index.ts";
import { limits } from "../../shared/limits.ts";
import { snapshotOf } from "../api/snapshots.ts";
import { createWorld, send as sendTo } from "../api/world.ts";
import { bearer, type HostileWorld, hostileWorld, json, post, send } from "./world.ts";

const minute = 60_000;

const looks = ({ behind }: HostileWorld) => behind.aws.calls("DescribeNetworkAcls");

async function settled(): Promise<HostileWorld> {
  const world = await hostileWorld();
  await world.behind.advance(10 * minute);
  return world;
}

describe("readers", () => {
  test("bound: a stolen read key that asks for plans lists and observes once in a while, however often and however many ask", async () => {
    const world = await settled();
    const before = { lists: world.behind.kv.counts.lists, looks: looks(world) };
    const ask = () => send(world, "/v1/targets/web/plan", { headers: bearer("reader") });
    const answers = await Promise.all(Array.from({ length: 200 }, ask));
    for (let count = 0; count < 200; count += 1) answers.push(await ask());
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect([world.behind.kv.counts.lists - before.lists, looks(world) - before.looks]).toEqual([1, 1]);
    world.behind.now += limits.planEveryMs;
    await ask();
    expect(world.behind.kv.counts.lists - before.lists).toBe(2);
  });

  test("tell: a plan is never older than the last thing that was asked for", async () => {
    const world = await settled();
    const plan = async () => json(await send(world, "/v1/targets/web/plan", { headers: bearer("reader") }));
    expect((await plan()).add).toEqual([]);
    expect((await post(world, "/v1/blocks", "writer", { ip: "203.0.113.7" })).status).toBe(202);
    expect((await plan()).add).toEqual(["203.0.113.7/32"]);
    await world.behind.advance(2_000);
    expect(await plan()).toMatchObject({ add: [], keep: ["203.0.113.7/32"] });
  });

  test("bound: no read lists the store or asks a cloud", async () => {
    const world = await settled();
    const before = { lists: world.behind.kv.counts.lists, looks: looks(world) };
    for (const path of [
      "/v1/blocks",
      "/v1/blocks/203.0.113.7",
      "/v1/targets",
      "/v1/targets/web",
      "/v1/feed.txt",
      "/metrics",
      "/openapi.json",
      "/healthz",
      "/readyz",
    ])
      for (let count = 0; count < 20; count += 1) expect((await send(world, path, { headers: bearer("reader") })).status).toBe(200);
    expect([world.behind.kv.counts.lists, looks(world)]).toEqual([before.lists, before.looks]);
  });
});

describe("strangers", () => {
  test("bound: readiness, which anyone may ask, asks the coordinator once in a while and then tells the truth again", async () => {
    const world = createWorld();
    world.coordinator.snapshotNow = snapshotOf([]);
    const ready = () => sendTo(world, "/readyz").then(({ status }) => status);
    const asked = () => world.coordinator.asked.filter(({ verb }) => verb === "snapshot").length;
    for (let count = 0; count < 100; count += 1) expect(await ready()).toBe(200);
    expect(asked()).toBe(1);
    world.coordinator.failure = new Error("gone");
    world.clock.at += limits.readinessEveryMs;
    // One of these asks; the others are told what was known. After that everyone is told.
    await Promise.all(Array.from({ length: 100 }, ready));
    expect([await ready(), asked()]).toEqual([503, 2]);
  });

  test("bound: without a credential nothing else reaches the coordinator, the store or a cloud", async () => {
    const world = await settled();
    const before = [world.behind.kv.counts.lists, world.behind.kv.counts.puts, looks(world)];
    let asked = 0;
    const { app } = createWorld(undefined, {
      coordinatorFor: () => {
        const verbs = ["accept", "settle", "lift", "stop", "reconcile", "plan", "explain", "snapshot", "storeId", "tick"];
        const count = () => {
          asked += 1;
          return Promise.reject(new Error("asked"));
        };
        return Object.fromEntries(verbs.map((verb) => [verb, count])) as unknown as CoordinatorApi;
      },
    });
    for (const route of routes.filter(({ path }) => path !== "/readyz"))
      for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]) {
        const init = method === "POST" || method === "PUT" ? { method, body: "{}" } : { method };
        await app.request(`http://portcullis.test${route.path.replace(/:\w+(\{[^}]+\})?/, "203.0.113.7")}`, init);
      }
    expect([asked, world.behind.kv.counts.lists, world.behind.kv.counts.puts, looks(world)]).toEqual([0, ...before]);
  });
});

describe("lifts", () => {
  test("bound: a lift of a hundred blocks looks at what they touch and at nothing else, however much is blocked", async () => {
    const world = await settled();
    const admin = world.behind.config.clients.admin;
    expect(admin?.live).toBeGreaterThan(60);
    for (let at = 0; at < 60; at += 1) await world.behind.block(`203.0.113.${at}`, 60 * minute, {}, "admin");
    const memory = await Memory.open(world.behind.storage, world.behind.now);
    const live = liveRecords(memory, world.behind.now);
    const looked: number[] = [];
    const counted = {
      overlapping(cidr: Cidr) {
        const found = live.overlapping(cidr);
        looked.push(found.length);
        return found;
      },
    };
    const request = { client: "*", at: world.behind.now, exemptUntil: null, once: null };
    const keys = Array.from({ length: 100 }, (_, at) => cidrKey(cidrOf(`203.0.113.${at}`)));
    const answers = keys.map((key) => liftOne(key, { ...request, keys }, counted).answer);
    expect(answers.filter(({ lifted }) => lifted === 1)).toHaveLength(60);
    expect([looked.length, looked.reduce((sum, count) => sum + count, 0)]).toEqual([100, 60]);
  });
});
