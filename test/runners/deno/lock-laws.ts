// What must hold when several instances are the coordinator by turns: one at a time, whatever crashes, is late, or has a wrong clock.
// Data, run in Deno by `laws.ts` over its real KV, in virtual time.
import { DenoLock, lockMs } from "../../../functions/coordinator/deno-lock.ts";
import type { DenoKv } from "../../../functions/runtime/deno-api.ts";
import { PortcullisError } from "../../../shared/errors.ts";
import { limits } from "../../../shared/limits.ts";
import type { Law } from "../../conformance/law.ts";
import { must, mustEqual } from "../../conformance/must.ts";
import { Instances } from "./instances.ts";

export interface LockHarness {
  readonly kv: DenoKv;
}

async function made({ kv }: LockHarness, changes: ConstructorParameters<typeof Instances>[1] = {}): Promise<Instances> {
  const world = new Instances(kv, changes);
  await world.setUp();
  return world;
}

function lockOf(world: Instances, owner: string, skewMs = 0): DenoLock {
  return new DenoLock({ kv: world.kv, clock: { now: () => world.time.now + skewMs }, owner });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (thrown) {
    return thrown instanceof PortcullisError ? thrown.code : String(thrown);
  }
}

const lockItself: readonly Law<LockHarness>[] = [
  {
    name: "of many that take the lock at once, one has it",
    run: async (harness) => {
      const world = await made(harness);
      const locks = Array.from({ length: 8 }, (_, index) => lockOf(world, `i${index}`));
      const taken = await Promise.all(locks.map((lock) => lock.tryAcquire()));
      mustEqual([taken.filter((one) => one !== null).length, locks.filter((lock) => lock.isHeld).length], [1, 1], "holders");
    },
  },
  {
    name: "who takes it again with nobody in between is told so, and only then",
    run: async (harness) => {
      const world = await made(harness);
      const [a, b] = [lockOf(world, "a"), lockOf(world, "b")];
      const seen: string[] = [];
      for (const lock of [a, a, b, a, b, b]) {
        seen.push((await lock.tryAcquire())?.since ?? "refused");
        await lock.release();
      }
      mustEqual(seen, ["other", "own", "other", "other", "other", "own"], "since");
    },
  },
  {
    // The coordinator's storage may be wiped at any time, and terms are counted anew then.
    name: "who takes it after it was wiped and held by another is told that, though the term is the number of its own",
    run: async (harness) => {
      const world = await made(harness);
      const [a, b] = [lockOf(world, "a"), lockOf(world, "b")];
      await a.tryAcquire();
      await a.release();
      const wiped = harness.kv.atomic();
      for await (const { key } of harness.kv.list({ prefix: ["portcullis", "lock"] }, {})) wiped.delete(key as string[]);
      await wiped.commit();
      await b.tryAcquire();
      await b.release();
      mustEqual((await a.tryAcquire())?.since, "other", "since");
    },
  },
  {
    name: "no call begins that might outlast the lock, with clocks that differ by SKEW either way",
    run: async (harness) => {
      for (const skewMs of [-limits.skewMs, 0, limits.skewMs]) {
        const world = await made(harness);
        const [a, b] = [lockOf(world, "a"), lockOf(world, "b", skewMs)];
        must((await a.tryAcquire()) !== null, "a has it");
        for (let calls = 0; calls < 8; calls += 1) {
          await a.ensure(limits.callTimeoutMs);
          const end = world.time.now + limits.callTimeoutMs;
          for (; world.time.now < end; world.time.now += 500) must((await b.tryAcquire()) === null, `b does not take it during a call, skew ${skewMs}`);
        }
        const died = world.time.now;
        while ((await b.tryAcquire()) === null) world.time.now += 500;
        must(world.time.now - died <= lockMs + 2 * limits.skewMs, `after a's death b has it within the lock's time, not after ${world.time.now - died} ms`);
        must((await codeOf(a.ensure(limits.callTimeoutMs))) === "PROVIDER_UNAVAILABLE", "a is not allowed another call");
        await b.release();
      }
    },
  },
  {
    name: "a lock whose holder's clock was a year ahead is taken over once it has not moved for its time",
    run: async (harness) => {
      const world = await made(harness);
      must((await lockOf(world, "ahead", 365 * 86_400_000).tryAcquire()) !== null, "it was taken");
      const began = world.time.now;
      const b = lockOf(world, "b");
      while ((await b.tryAcquire()) === null) world.time.now += 1_000;
      must(world.time.now - began <= lockMs + limits.skewMs + 2_000, `taken over after ${world.time.now - began} ms`);
    },
  },
];

const instances: readonly Law<LockHarness>[] = [
  {
    name: "the same block at two instances at once becomes one lease and one rule",
    run: async (harness) => {
      const world = await made(harness);
      const [a, b] = [await world.instance("a"), await world.instance("b")];
      const answers = await world.time.until(Promise.all([a, b].map(({ api }) => api.accept(world.request("203.0.113.7")))));
      mustEqual(answers.map(({ items }) => items[0]?.status).sort(), ["created", "unchanged"], "the answers");
      await world.time.advance(5_000);
      mustEqual([world.standing(), await world.leases()], [["203.0.113.7/32"], 1], "what stands, without any tick");
    },
  },
  {
    name: "a client's limit counts over instances",
    run: async (harness) => {
      const world = await made(harness);
      const detector = world.config.clients.detector;
      if (detector === undefined) throw new Error("no such client");
      const limited = new Instances(harness.kv, { clients: { detector: { ...detector, live: 5 } } });
      const three = [await limited.instance("a"), await limited.instance("b"), await limited.instance("c")];
      const asked = three.flatMap(({ api }, at) => [1, 2, 3, 4].map((host) => api.accept(limited.request(`203.0.113.${at * 10 + host}`))));
      const statuses = (await limited.time.until(Promise.all(asked))).map(({ items }) => items[0]?.status);
      mustEqual(statuses.filter((status) => status === "created").length, 5, "blocks that were taken");
    },
  },
  {
    name: "an instance that dies in the middle of a pass holds the others up for the lock's time, and what it began is finished once",
    run: async (harness) => {
      const world = await made(harness);
      const [a, b] = [await world.instance("a"), await world.instance("b")];
      a.onCall = async (action) => {
        if (action === "CreateNetworkAclEntry") a.isDead = true;
      };
      await world.time.until(a.api.accept(world.request("203.0.113.7")));
      await world.time.advance(2_000);
      must(a.isDead, "a died while it wrote");
      const began = world.time.now;
      await world.time.until(b.api.tick());
      must(world.time.now - began <= lockMs + 2 * limits.skewMs, `b's tick came through after ${world.time.now - began} ms`);
      for (let minutes = 0; minutes < 3; minutes += 1) {
        await world.time.advance(limits.tickMs);
        await world.time.until(b.api.tick());
      }
      mustEqual(world.standing(), ["203.0.113.7/32"], "what stands");
    },
  },
  {
    name: "a holder that was away for longer than its lock calls no cloud any more and changes nothing that the new holder wrote",
    run: async (harness) => {
      const world = await made(harness);
      const [a, b] = [await world.instance("a"), await world.instance("b")];
      await world.time.until(a.api.accept(world.request("203.0.113.7", "203.0.113.8", "203.0.113.9")));
      let writes = 0;
      let storedByB: unknown = null;
      a.onCall = async (action) => {
        if (action === "CreateNetworkAclEntry") writes += 1;
        if (writes !== 2 || storedByB !== null) return;
        await world.time.sleep(lockMs + 2 * limits.skewMs);
        await b.api.tick();
        storedByB = await b.api.snapshot();
      };
      await world.time.advance(2 * lockMs + 60_000);
      const tookOver = world.calls.find((call) => call.by === "b")?.began ?? Number.POSITIVE_INFINITY;
      must(Number.isFinite(tookOver) && storedByB !== null, "b took over");
      mustEqual(world.calls.filter((call) => call.by === "a" && call.began >= tookOver).length, 0, "calls of a after that");
      mustEqual(JSON.stringify(await b.api.snapshot()), JSON.stringify(storedByB), "the snapshot");
      must(
        a.logs.some(({ event }) => event === "wake.failed"),
        "a says that its pass failed",
      );
      await world.time.until(b.api.tick());
      await world.time.advance(limits.tickMs);
      await world.time.until(b.api.tick());
      await world.time.advance(2 * limits.tickMs);
      await world.time.until(b.api.tick());
      mustEqual(world.standing(), ["203.0.113.7/32", "203.0.113.8/32", "203.0.113.9/32"], "what stands in the end");
    },
  },
  {
    name: "while another instance is long at work a block is taken in time, and enforced when that one has ended, without a tick",
    run: async (harness) => {
      const world = await made(harness);
      const [a, b] = [await world.instance("a"), await world.instance("b")];
      a.cloudMs = 6_000;
      await world.time.until(a.api.accept(world.request("203.0.113.7")));
      await world.time.advance(1_500);
      const began = world.time.now;
      const answer = await world.time.until(b.api.accept(world.request("203.0.113.8")));
      mustEqual([answer.items[0]?.status, answer.items[0]?.states.web?.state], ["created", "pending"], "the answer");
      must(world.time.now - began < 4_000, `answered after ${world.time.now - began} ms`);
      const settled = await world.time.until(
        b.api.settle(
          answer.ticket,
          world.request("203.0.113.8").items.map(({ key }) => key),
          1_000,
        ),
      );
      mustEqual([settled.done, settled.items[0]?.states.web?.state], [false, "pending"], "nobody says that it stands");
      await world.time.advance(30_000);
      mustEqual(world.standing(), ["203.0.113.7/32", "203.0.113.8/32"], "what stands");
      mustEqual((await b.api.snapshot())?.blocks.map(({ key }) => key).length, 2, "blocks in the snapshot");
    },
  },
  {
    name: "a pass far longer than the lock's time keeps the lock: never do two instances call the cloud at once",
    run: async (harness) => {
      const world = await made(harness);
      const [a, b] = [await world.instance("a"), await world.instance("b", limits.skewMs)];
      a.cloudMs = 9_000;
      b.cloudMs = 100;
      await world.time.until(a.api.accept(world.request(...[1, 2, 3, 4, 5, 6].map((host) => `203.0.113.${host}`))));
      await world.time.advance(1_500);
      const ticks = (async () => {
        for (let tries = 0; tries < 4; tries += 1) await codeOf(b.api.tick());
      })();
      await world.time.until(ticks);
      await world.time.advance(limits.tickMs);
      const ended = Math.max(...world.calls.filter(({ by }) => by === "a").map((call) => call.ended));
      must(ended - (world.calls[0]?.began ?? 0) > lockMs + 2 * limits.skewMs, "the pass was long enough to show it");
      const both = world.calls.flatMap((one) =>
        world.calls.filter((other) => one.by === "a" && other.by === "b" && one.began < other.ended && other.began < one.ended),
      );
      mustEqual([both.length, world.calls.some(({ by }) => by === "b"), world.standing().length], [0, true, 6], "calls at once, b's turn, what stands");
    },
  },
  {
    name: "what an instance accepted before it died is enforced by the next tick, though that one's clock is ahead",
    run: async (harness) => {
      const world = await made(harness);
      const [a, b] = [await world.instance("a", limits.skewMs), await world.instance("b")];
      for (let minutes = 0; minutes < 3; minutes += 1) {
        await world.time.until(a.api.tick());
        await world.time.advance(minutes === 2 ? limits.fullPassMs : limits.tickMs);
      }
      mustEqual((await world.time.until(a.api.tick())).quiet, false, "a full pass just before");
      await world.time.until(b.api.accept(world.request("203.0.113.8")));
      b.isDead = true;
      await world.time.advance(limits.tickMs);
      await world.time.until(a.api.tick());
      mustEqual(world.standing(), ["203.0.113.8/32"], "what stands");
    },
  },
  {
    name: "what was recorded without the lock is enforced by the next tick, whoever makes it, though its own instance has died",
    run: async (harness) => {
      const world = await made(harness);
      const [a, b] = [await world.instance("a"), await world.instance("b")];
      for (let minutes = 0; minutes < 3; minutes += 1) {
        await world.time.until(a.api.tick());
        await world.time.advance(limits.tickMs);
      }
      await world.time.advance(limits.fullPassMs);
      a.cloudMs = 9_900;
      const full = a.api.tick();
      await world.time.advance(5_500);
      const answer = await world.time.until(b.api.accept(world.request("203.0.113.8")));
      b.isDead = true;
      mustEqual([(await world.time.until(full)).quiet, answer.items[0]?.status], [false, "created"], "a full pass that began before the block came");
      await world.time.advance(limits.tickMs);
      await world.time.until(a.api.tick());
      mustEqual(world.standing(), ["203.0.113.8/32"], "what stands");
    },
  },
  {
    name: "what must not be done without the lock waits for it, and says so when it was not to be had",
    run: async (harness) => {
      const world = await made(harness);
      const [a, b] = [await world.instance("a"), await world.instance("b")];
      a.cloudMs = 9_000;
      await world.time.until(a.api.accept(world.request("203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4")));
      await world.time.advance(1_500);
      const freeze = { action: "freeze", targets: null, at: world.time.now, once: null } as const;
      mustEqual(await world.time.until(codeOf(b.api.stop(freeze))), "NOT_READY", "a stop while a is at work for long");
      await world.time.advance(60_000);
      mustEqual(await world.time.until(codeOf(b.api.stop(freeze))), "done", "a stop when a has ended");
      await world.time.until(a.api.accept(world.request("203.0.113.9")));
      await world.time.advance(limits.tickMs);
      must(!world.standing().includes("203.0.113.9/32"), "a knows of b's freeze");
    },
  },
  {
    name: "a waiting request is answered by the pass it waited for, and a quiet tick costs the cloud nothing",
    run: async (harness) => {
      const world = await made(harness);
      const [a, b] = [await world.instance("a"), await world.instance("b")];
      const request = world.request("203.0.113.7");
      const { ticket } = await world.time.until(a.api.accept(request));
      const settled = await world.time.until(
        a.api.settle(
          ticket,
          request.items.map(({ key }) => key),
          5_000,
        ),
      );
      mustEqual([settled.done, settled.items[0]?.states.web?.state], [true, "enforced"], "the answer");
      const elsewhere = await world.time.until(
        b.api.settle(
          0,
          request.items.map(({ key }) => key),
          5_000,
        ),
      );
      mustEqual([elsewhere.done, elsewhere.items[0]?.states.web?.state], [true, "enforced"], "the answer of another instance");
      for (let minutes = 0; minutes < 2; minutes += 1) {
        await world.time.advance(limits.tickMs);
        await world.time.until(b.api.tick());
      }
      const calls = world.calls.length;
      const { quiet } = await world.time.until(a.api.tick());
      mustEqual([quiet, world.calls.length - calls], [true, 0], "a tick with nothing to do");
    },
  },
  {
    name: "a snapshot of thousands of blocks is there whole for every instance, also while it is replaced",
    run: async (harness) => {
      const world = await made(harness);
      const [a, b] = [await world.instance("a"), await world.instance("b")];
      for (let batch = 0; batch < 30; batch += 1) {
        await world.time.until(a.api.accept(world.request(...Array.from({ length: 100 }, (_, host) => `203.0.${batch}.${host}`))));
      }
      await world.time.until(a.api.reconcile(null));
      const seen: (number | null)[] = [];
      const reading = (async () => {
        for (let reads = 0; reads < 10; reads += 1) seen.push((await b.api.snapshot())?.blocks.length ?? null);
      })();
      await world.time.until(Promise.all([a.api.reconcile(null), reading]));
      mustEqual([...new Set(seen)], [3_000], "blocks that the other instance saw");
      mustEqual(world.standing().length, 18, "what stands");
    },
  },
];

export const lockLaws: readonly Law<LockHarness>[] = [...lockItself, ...instances];
