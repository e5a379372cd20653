// The model of an instance on Deno Deploy: one that stands still hears nothing and sends nothing until it goes on, even with a call on its lips;
// what it knew before may not be true any more by then. Its cron runs never overlap, and its fetch sends once more what was not answered.
import { afterEach, describe, expect, test } from "vitest";
import { denoPlatform } from "./platform/deno.ts";
import { type CloudFetch, PlatformLife, portsOf } from "./platform/parts.ts";
import { Suspension } from "./platform/suspension.ts";
import { configWithKey, driven, PlatformWorld, startMs } from "./platform-world.ts";
import { Scheduler } from "./scheduler.ts";

let world: PlatformWorld | null = null;

function begin(seed: number, before: (fetch: CloudFetch) => CloudFetch = (fetch) => fetch): PlatformWorld {
  world = new PlatformWorld(seed, (parts) => denoPlatform({ ...parts, cloudFetch: before(parts.cloudFetch) }));
  return world;
}

afterEach(() => {
  world?.platform.end();
  world?.release();
  world = null;
});

describe("suspension", () => {
  test("begin: what arrives is heard afterwards, in the order in which it arrived", async () => {
    const scheduler = new Scheduler(1, startMs);
    const suspension = new Suspension(scheduler);
    const heard: string[] = [];
    const hear = (what: string) => suspension.in().then(() => void heard.push(`${what} ${scheduler.now - startMs}`));
    void hear("before");
    suspension.begin(30_000, () => undefined);
    scheduler.after(10, "one", () => void hear("one"));
    scheduler.after(20, "two", () => void hear("two"));
    await scheduler.runUntil(startMs + 60_000);
    expect(heard).toEqual(["before 0", "one 30000", "two 30000"]);
  });

  test("beginAtNextSend: the next that would leave leaves when it goes on", async () => {
    const scheduler = new Scheduler(2, startMs);
    const suspension = new Suspension(scheduler);
    suspension.beginAtNextSend(20_000, () => undefined);
    let left = -1;
    scheduler.after(5, "a call", () => void suspension.out().then(() => (left = scheduler.now - startMs)));
    await scheduler.runUntil(startMs + 60_000);
    expect(left).toBe(20_005);
  });
});

describe("a call to a cloud", () => {
  function calling(seed: number, answersAfterMs: number) {
    const scheduler = new Scheduler(seed, startMs);
    const life = new PlatformLife("caller", startMs, () => undefined);
    const suspension = new Suspension(scheduler);
    const parts = { scheduler, config: configWithKey(), definitions: {}, secrets: {}, cloudFetch: async () => new Response("") };
    const ports = portsOf(parts, life, suspension, () => scheduler.sleep(answersAfterMs, life).then(() => new Response("")));
    const ended = ports.fetch("https://ec2.eu-west-1.amazonaws.com/", {}).then(
      () => `answered ${scheduler.now - startMs}`,
      (thrown: unknown) => `${thrown instanceof Error ? thrown.name : "?"} ${scheduler.now - startMs}`,
    );
    return { scheduler, suspension, ended };
  }

  test("fetch: is given up when its time is up, and not before", async () => {
    const late = calling(1, 10_001);
    expect(await driven(late.scheduler, late.ended)).toBe("TimeoutError 10000");
    const inTime = calling(1, 9_999);
    expect(await driven(inTime.scheduler, inTime.ended)).toBe("answered 9999");
  });

  test("fetch: one who stood still finds the answer and the end of its time together, and takes either", async () => {
    const ends = new Set<string>();
    for (let seed = 1; seed <= 20; seed += 1) {
      const { scheduler, suspension, ended } = calling(seed, 200);
      suspension.begin(30_000, () => undefined);
      ends.add(await driven(scheduler, ended));
    }
    expect([...ends].sort()).toEqual(["TimeoutError 30000", "answered 30000"]);
  });
});

describe("deno", () => {
  test("duplicate: a holder that stands still past its lock loses it to one that lives, and writes nothing with it", async () => {
    let past = 0;
    let taken = 0;
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const { platform, scheduler, post, run, release } = bound(begin(seed));
      for (let round = 0; round < 8; round += 1) {
        platform.deed("duplicate");
        await post("/v1/blocks", { ip: `203.0.113.${round}` });
        await run(45_000);
      }
      past += scheduler.counts.get("instance suspended past its lock") ?? 0;
      taken += scheduler.counts.get("lock taken over from one that lives") ?? 0;
      platform.end();
      release();
    }
    expect(past).toBeGreaterThan(0);
    expect(taken).toBeGreaterThan(0);
  });

  test("fetch: a request whose connection ends without an answer is sent once more, by the platform itself", async () => {
    let lost = 0;
    const fetching = begin(3, (fetch) => async (life, url, init) => {
      if (lost === 0 && String(init.body).includes("CreateNetworkAclEntry")) {
        lost += 1;
        await fetch(life, url, init);
        throw new TypeError("connection closed before message completed");
      }
      return fetch(life, url, init);
    });
    await fetching.post("/v1/blocks", { ip: "203.0.113.7" });
    await fetching.run(3 * 60_000);
    expect(fetching.scheduler.counts.get("deno sent a request once more")).toBe(1);
    expect(fetching.standing()).toEqual(["203.0.113.7/32"]);
  });

  test("tick: a cron run beside another is skipped", async () => {
    const ticking = begin(4);
    await ticking.post("/v1/blocks", { ip: "203.0.113.7" });
    for (let round = 0; round < 5; round += 1) {
      ticking.platform.tick();
      ticking.platform.tick();
      await ticking.run(30_000);
    }
    expect(ticking.scheduler.counts.get("tick skipped beside another tick")).toBeGreaterThan(0);
  });

  test("end: nothing of a dead instance goes on, not its timers either", async () => {
    const ending = begin(5);
    await ending.post("/v1/blocks", { ip: "203.0.113.7" });
    ending.platform.end();
    await ending.run(10 * 60_000);
    expect(ending.standing()).toEqual([]);
    expect(ending.platform.isBusy()).toBe(false);
  });
});

function bound(of: PlatformWorld) {
  return { platform: of.platform, scheduler: of.scheduler, release: of.release, post: of.post.bind(of), run: of.run.bind(of) };
}
