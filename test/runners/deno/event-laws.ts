// What must hold for events when several instances are the coordinator by turns. Data, run in Deno by `laws.ts` over its real KV, in virtual time.

import type { Law } from "../../conformance/law.ts";
import { must, mustEqual } from "../../conformance/must.ts";
import { callHome } from "../../events/support.ts";
import { Instances } from "./instances.ts";
import type { LockHarness } from "./lock-laws.ts";

async function made({ kv }: LockHarness): Promise<Instances> {
  const world = new Instances(kv, { playbooks: [callHome()] });
  await world.setUp();
  return world;
}

async function records(world: Instances): Promise<number> {
  return (await world.store.list(null, "event:")).keys.length;
}

export const eventLaws: readonly Law<LockHarness>[] = [
  {
    name: "the same event at two instances at once, five times each, is one record, one lease and one rule, without any tick",
    run: async (harness) => {
      const world = await made(harness);
      const [a, b] = [await world.instance("a"), await world.instance("b")];
      const request = world.event("one", "203.0.113.7");
      const sent = [a, b].flatMap(({ api }) => Array.from({ length: 5 }, () => api.take(request)));
      const answers = await world.time.until(Promise.all(sent));
      mustEqual(answers.filter(({ events }) => events[0]?.status === "accepted").length, 1, "deliveries that were the first");
      await world.time.advance(10_000);
      mustEqual([world.standing(), await world.leases(), await records(world)], [["203.0.113.7/32"], 1, 1], "what stands");
      mustEqual((await world.time.until(b.api.event(answers[0]?.events[0]?.id ?? "")))?.state, "done", "the event, asked elsewhere");
    },
  },
  {
    name: "while another instance is long at work an event is recorded without the lock, in time, and done when that one has ended",
    run: async (harness) => {
      const world = await made(harness);
      const [a, b] = [await world.instance("a"), await world.instance("b")];
      a.cloudMs = 6_000;
      await world.time.until(a.api.accept(world.request("203.0.113.8")));
      await world.time.advance(1_500);
      const began = world.time.now;
      const answer = await world.time.until(b.api.take(world.event("two", "203.0.113.7")));
      mustEqual(answer.events[0]?.status, "accepted", "the answer");
      must(world.time.now - began < 4_000, `answered after ${world.time.now - began} ms`);
      await world.time.advance(60_000);
      await world.time.until(b.api.tick());
      await world.time.advance(10_000);
      mustEqual([world.standing(), await records(world)], [["203.0.113.7/32", "203.0.113.8/32"], 1], "what stands");
    },
  },
  {
    name: "what an instance took before it died is done by the next tick, whoever makes it, once",
    run: async (harness) => {
      const world = await made(harness);
      const [a, b] = [await world.instance("a"), await world.instance("b")];
      await world.time.until(a.api.take(world.event("three", "203.0.113.7")));
      a.isDead = true;
      await world.time.advance(60_000);
      await world.time.until(b.api.tick());
      await world.time.advance(5_000);
      mustEqual([world.standing(), await world.leases(), await records(world)], [["203.0.113.7/32"], 1, 1], "what stands");
    },
  },
];
