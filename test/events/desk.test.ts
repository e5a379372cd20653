// What becomes of events at the coordinator, case by case: taken or not, throttled, refused, failed and tried again, dead and sent again.
import { describe, expect, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import { newWorld } from "../coordinator/world.ts";
import { callHome, calling } from "./support.ts";
import { EventWorld } from "./world.ts";

const minute = 60_000;
const hour = 60 * minute;

describe("taken", () => {
  test("accept: recorded before the answer, done after it; the answer says what fires", async () => {
    const events = await EventWorld.start([callHome()]);
    const taken = await events.send();
    expect(taken).toMatchObject({
      status: "accepted",
      state: "open",
      playbooks: [{ playbook: "calls-home", actions: [expect.stringMatching(/^block/), expect.stringMatching(/^log/)] }],
    });
    expect([(await events.world.kv.list(null, "event:")).keys.length, await events.leases()]).toEqual([1, []]);
    await events.world.advance(2_000);
    expect([events.world.blocked("203.0.113.66"), (await events.event(taken.id)).state]).toEqual([true, "done"]);
    expect(events.logged("playbook.logged")).toEqual([expect.objectContaining({ message: "it calls home", id: taken.id, client: "detector" })]);
    expect(events.logged("event.done")).toHaveLength(1);
  });

  test("cost: three writes for an event that blocks (it, its lease, its end), none for a redelivery or one that nothing fires on", async () => {
    const events = await EventWorld.start([callHome()]);
    await events.world.advance(10 * minute);
    const before = events.world.kv.counts.puts;
    await events.send({ id: "one" });
    await events.world.advance(2_000);
    expect(events.world.kv.counts.puts - before).toBe(3);
    const { puts, gets } = events.world.kv.counts;
    events.world.now -= 2_000;
    expect([(await events.send({ id: "one" })).status, (await events.send({ category: "port-probe" })).status]).toEqual(["unchanged", "ignored"]);
    await events.world.advance(2_000);
    expect([events.world.kv.counts.puts, events.world.kv.counts.gets]).toEqual([puts, gets]);
  });

  test("ignore: with why, the nearest miss first; nothing is recorded", async () => {
    const events = await EventWorld.start([
      callHome(),
      callHome('when: event.direction == "inbound"\n', undefined, "inbound-only"),
      callHome("", undefined, "other"),
    ]);
    const probe = await events.send({ category: "port-probe" });
    expect(probe).toMatchObject({ status: "ignored", id: null, why: expect.stringMatching(/^no playbook fires; calls-home: on: the category is port-probe/) });
    const only = await EventWorld.start([callHome("", undefined, "zz"), callHome('when: event.direction == "inbound"\n', undefined, "aa")]);
    expect((await only.send({ source: "falco", status: "resolved" })).status).toBe("ignored");
    expect((await only.world.kv.list(null, "event:")).keys).toEqual([]);
  });

  test("observe: of the playbook and of the client; recorded, told, and nothing is blocked", async () => {
    const playbook = await EventWorld.start([{ ...callHome(), mode: "observe" }]);
    const client = await EventWorld.start([callHome()], { mode: "observe" });
    for (const events of [playbook, client]) {
      const taken = await events.send();
      await events.world.advance(10 * minute);
      expect([taken.status, (await events.event(taken.id)).state, await events.leases(), events.logged("playbook.logged")]).toEqual([
        "observed",
        "observed",
        [],
        [],
      ]);
      expect(taken.playbooks).toEqual([
        expect.objectContaining({ outcome: "observes", actions: [expect.stringMatching(/^block/), expect.stringMatching(/^log/)] }),
      ]);
    }
  });

  test("side by side and at once: two playbooks fire on one event, and both are done", async () => {
    const events = await EventWorld.start([callHome(), callHome("", "  - log: { message: second }\n", "second")]);
    const { id, playbooks } = await events.send();
    await events.world.advance(2_000);
    expect([playbooks.map(({ playbook }) => playbook), await events.steps(id)]).toEqual([
      ["calls-home", "second"],
      ["done", "done", "done"],
    ]);
  });

  test("another client: the same event is another one, so that nobody takes it away", async () => {
    const events = await EventWorld.start([callHome()]);
    const [mine, other] = [await events.send({ id: "same" }, "other"), await events.send({ id: "same" })];
    expect([mine.status, other.status, mine.id === other.id]).toEqual(["accepted", "accepted", false]);
  });

  test("down: a store that does not answer is an error, and nothing was promised", async () => {
    const events = await EventWorld.start([callHome()]);
    events.world.kv.down = true;
    await expect(events.send()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    events.world.kv.down = false;
    expect((await events.send()).status).toBe("accepted");
  });
});

describe("throttled", () => {
  const throttled = callHome("throttle: { per: actor, most: 2, every: 10m }\n");

  test("throttle: counts firings of one actor, also those of one request, and lets go after its time", async () => {
    const events = await EventWorld.start([throttled]);
    const taken = await events.sendAll(["a", "b", "c"].map((id) => ({ id })));
    expect(taken.map(({ status }) => status)).toEqual(["accepted", "accepted", "ignored"]);
    expect(taken[2]?.why).toContain("throttle: fired 2 times within 10m for this actor, at most 2");
    expect((await events.send({ id: "d", actor: { addresses: ["203.0.113.9/32"] } })).status).toBe("accepted");
    await events.world.advance(10 * minute);
    expect((await events.send({ id: "e" })).status).toBe("accepted");
  });

  test("throttle: remembered by the next life, and read again from the store when memory is lost", async () => {
    const events = await EventWorld.start([throttled]);
    await events.sendAll([{ id: "a" }, { id: "b" }]);
    events.world.evict();
    expect((await events.send({ id: "c" })).status).toBe("ignored");
    await events.world.advance(2 * minute);
    events.world.wipe();
    await events.world.advance(2 * minute);
    expect((await events.send({ id: "d" })).status).toBe("ignored");
  });
});

describe("refused", () => {
  test.each([
    ["protected", "198.51.100.9/32", "protected"],
    ["the caller's own address", "192.0.2.10/32", "caller's own address"],
  ])("refuse: %s; it is said, and the next step is done", async (_name, address, why) => {
    const events = await EventWorld.start([callHome()]);
    const { id } = await events.send({ actor: { addresses: [address] }, victim: { addresses: [] } });
    await events.world.advance(2_000);
    expect([await events.steps(id), await events.leases()]).toEqual([["refused", "done"], []]);
    expect((await events.event(id)).runs[0]?.steps[0]?.said).toEqual([expect.stringContaining(why)]);
  });

  test("refuse: an exempt address; one of two is blocked all the same", async () => {
    const events = await EventWorld.start([callHome()]);
    await events.world.lift("203.0.113.66", hour);
    const alone = await events.send({ id: "alone" });
    const both = await events.send({ id: "both", actor: { addresses: ["203.0.113.66/32", "203.0.113.67/32"] } });
    await events.world.advance(2_000);
    expect([await events.steps(alone.id), await events.steps(both.id)]).toEqual([
      ["refused", "done"],
      ["done", "done"],
    ]);
    expect([events.world.blocked("203.0.113.66"), events.world.blocked("203.0.113.67")]).toEqual([false, true]);
  });

  test("spare: the block of an IPv6 attacker would hold the attacked beside it; elsewhere it is blocked all the same", async () => {
    const events = await EventWorld.start([callHome()]);
    const actor = { addresses: ["2001:db8:1::66/128", "2001:db8:2::66/128"] };
    const taken = await events.send({ actor, victim: { addresses: ["2001:db8:1::4/128"] } });
    await events.world.advance(2_000);
    const said = (await events.event(taken.id)).runs[0]?.steps[0]?.said;
    expect(said).toEqual(expect.arrayContaining([expect.stringContaining("2001:db8:1::/64 refused: it would hold 2001:db8:1::4")]));
    expect((await events.leases()).map((name) => name.split(":").slice(0, 3).join(":"))).toEqual(["lease:6:20010db8000200000000000000000000/64"]);
  });

  test("bound: a way in that allows less than its client is configured for; wider is refused", async () => {
    const events = await EventWorld.start([callHome("", "  - block: { prefix: { ipv4: 24 } }\n    for: 7d\n")]);
    const { coordinator } = await events.world.life();
    const event = { ...calling, at: events.world.now };
    const request = { client: "detector", own: null, receipt: events.world.now, events: [event] };
    const { events: taken } = await coordinator.take({ ...request, bounds: { longestMs: hour, widest: { ipv4: 32, ipv6: 64 } } });
    await events.world.advance(2_000);
    const [step] = (await events.event(taken[0]?.id ?? null)).runs[0]?.steps ?? [];
    expect([step?.state, step?.act]).toEqual(["refused", expect.objectContaining({ until: event.at + hour })]);
    expect(step?.said.at(-1)).toContain("too wide");
  });
});

describe("failed", () => {
  const once = callHome("", "  - block: {}\n    retry: { times: 1, wait: 10s }\n  - log: { message: after }\n");

  async function full(): Promise<EventWorld> {
    const events = await EventWorld.start([once], { live: 1 });
    await events.world.block("203.0.113.1", 2 * hour);
    return events;
  }

  test("retry: after its wait, not before; when its tries are over it is a dead letter that is told", async () => {
    const events = await full();
    const { id } = await events.send();
    await events.world.advance(1_000);
    expect((await events.event(id)).runs[0]?.steps[0]).toMatchObject({ state: "waiting", tries: 1, error: { code: "FORBIDDEN" } });
    await events.world.advance(3 * minute);
    expect([(await events.event(id)).state, await events.steps(id)]).toEqual(["dead", ["failed", "skipped"]]);
    expect(events.logged("event.step.failed")).toHaveLength(2);
    expect(events.logged("event.dead")).toEqual([
      expect.objectContaining({ level: "error", id, failures: [expect.stringContaining("calls-home do[0]: FORBIDDEN")] }),
    ]);
    const vitals = await (await events.world.life()).coordinator.vitals();
    expect([vitals.events?.states.dead, vitals.events?.oldestOpenAt]).toEqual([1, null]);
  });

  test("replay: twice at once, it is put back to work once; done by then, its steps are done", async () => {
    const events = await full();
    const { id } = await events.send();
    await events.world.advance(3 * minute);
    await events.world.lift("203.0.113.1");
    await events.world.advance(2 * minute);
    const { coordinator } = await events.world.life();
    const answers = await Promise.all([
      coordinator.replay({ id: id ?? "", by: "ops", once: null }),
      coordinator.replay({ id: id ?? "", by: "ops", once: null }),
    ]);
    expect(answers.map((answer) => answer?.replayed)).toEqual([true, false]);
    await events.world.advance(2_000);
    expect([
      (await events.event(id)).state,
      events.world.blocked("203.0.113.66"),
      (await coordinator.replay({ id: id ?? "", by: "ops", once: null }))?.replayed,
    ]).toEqual(["done", true, false]);
    expect(await coordinator.replay({ id: "0".repeat(32), by: "ops", once: null })).toBeNull();
  });

  test("replay: a dead letter whose memory is lost is replayed from the store", async () => {
    const events = await full();
    const { id } = await events.send();
    await events.world.advance(3 * minute);
    events.world.wipe();
    await events.world.lift("203.0.113.1");
    await events.world.advance(2 * minute);
    const { coordinator } = await events.world.life();
    expect((await coordinator.replay({ id: id ?? "", by: "ops", once: null }))?.replayed).toBe(true);
    events.world.wipe();
    await events.world.advance(5 * minute);
    expect([(await events.event(id)).state, events.world.blocked("203.0.113.66")]).toEqual(["done", true]);
  });

  test("save: an end that the store does not take is written again, and is no new try", async () => {
    const events = await EventWorld.start([callHome("", "  - log: { message: only }\n")]);
    const { id } = await events.send();
    events.world.kv.down = true;
    await events.world.advance(30_000);
    events.world.kv.down = false;
    expect(events.logged("event.save.failed").length).toBeGreaterThan(1);
    await events.world.advance(30_000);
    expect([events.logged("playbook.logged").length, (await events.event(id)).state]).toEqual([1, "done"]);
    events.world.wipe();
    expect((await events.event(id)).state).toBe("done");
  });

  test("deaths: a step in which every life ends is given up, not begun for ever", async () => {
    const events = await EventWorld.start([once]);
    const { id } = await events.send();
    for (let lives = 0; lives < limits.stepDeathsMax; lives += 1) {
      // It dies after the beginning was noted, at the write of the lease; the platform tries the alarm again.
      await events.world.killAfter(2);
      await events.world.advance((events.world.alarmAt ?? events.world.now) - events.world.now);
    }
    await events.world.killAfter(Number.POSITIVE_INFINITY);
    await events.world.advance(minute);
    expect(await events.event(id)).toMatchObject({ state: "dead", runs: [{ steps: [{ error: { code: "INVARIANT" } }, { state: "skipped" }] }] });
  });

  test("client: one that is not configured any more blocks nothing, and its event is a dead letter", async () => {
    const events = await EventWorld.start([once]);
    const { id } = await events.send();
    const { other } = events.world.config.clients;
    events.world.config = { ...events.world.config, clients: other === undefined ? {} : { other } };
    events.world.evict();
    await events.world.advance(2 * minute);
    expect([(await events.event(id)).state, await events.leases()]).toEqual(["dead", []]);
  });

  test("clock: set back by an hour while a step waits; it is tried again all the same, within that hour", async () => {
    const events = await full();
    const { id } = await events.send();
    await events.world.advance(1_000);
    await events.world.lift("203.0.113.1");
    events.world.now -= hour;
    await events.world.advance(hour + 5 * minute);
    expect((await events.event(id)).state).toBe("done");
  });
});

describe("lifted", () => {
  test("lift: what its own client had leased before the event, and nobody else's", async () => {
    const lifting = callHome("", "  - lift: {}\n").on;
    const playbook = { ...callHome("", "  - lift: {}\n", "over"), on: { ...lifting, status: "resolved" as const } };
    const events = await EventWorld.start([playbook], { scopes: ["alert:falco", "lift"] });
    await events.world.block("203.0.113.66", 2 * hour);
    await events.world.block("203.0.113.66", hour, {}, "other");
    await events.world.advance(2 * minute);
    const { id } = await events.send({ status: "resolved" });
    await events.world.advance(2_000);
    expect([(await events.event(id)).state, events.world.blocked("203.0.113.66")]).toEqual(["done", true]);
    expect((await events.world.kv.list(null, "lift:")).keys.map(({ name }) => name)).toEqual([expect.stringMatching(/:detector$/)]);
  });
});

test("lift: nothing, by a client that has not the scope; it is said", async () => {
  const playbook = { ...callHome("", "  - lift: {}\n", "over"), on: { ...callHome().on, status: "resolved" as const } };
  const events = await EventWorld.start([playbook], { scopes: ["alert:falco"] });
  const { id } = await events.send({ status: "resolved" });
  await events.world.advance(2_000);
  expect([await events.steps(id), (await events.world.kv.list(null, "lift:")).keys]).toEqual([["refused"], []]);
  expect((await events.event(id)).runs[0]?.steps[0]?.said).toEqual([expect.stringContaining("scope lift")]);
});

describe("bounds", () => {
  test("limit: more new events in a minute than the client may send", async () => {
    const events = await EventWorld.start([callHome()], { newPerMinute: 2 });
    const taken = await events.sendAll(["a", "b", "c"].map((id) => ({ id })));
    expect(taken.map(({ status, limit }) => [status, limit])).toEqual([
      ["accepted", undefined],
      ["accepted", undefined],
      ["limited", "newPerMinute"],
    ]);
    await events.world.advance(61_000);
    expect((await events.send({ id: "c" })).status).toBe("accepted");
  });

  test("room: a full book lets the oldest go that is over, and never more than its most", { timeout: 120_000 }, async () => {
    const events = await EventWorld.start([callHome("", "  - log: { message: one of many }\n")]);
    for (let from = 0; from < limits.eventRecordsMax + 100; from += 100) {
      await events.sendAll(Array.from({ length: 100 }, (_, at) => ({ id: `${from + at}` })));
      await events.world.advance(2_000);
    }
    events.world.kv.lag = () => 0;
    let count = 0;
    for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
      const page: Awaited<ReturnType<typeof events.world.kv.list>> = await events.world.kv.list(cursor, "event:");
      count += page.keys.length;
      cursor = page.cursor;
    }
    expect(count).toBeLessThanOrEqual(limits.eventRecordsMax);
    const { coordinator } = await events.world.life();
    expect((await coordinator.events({ state: null, rows: 5, after: null })).total).toBe(count);
  });

  test("room: one record too long, and more that is not over than memory has room for", { timeout: 120_000 }, async () => {
    const step = "  - block: {}\n    retry: { times: 5, wait: 10m }\n";
    const many = await EventWorld.start([callHome("", step.repeat(32), "one"), callHome("", step.repeat(32), "two"), callHome("", step.repeat(32), "three")]);
    const addresses = Array.from({ length: 200 }, (_, at) => `203.0.113.${at}/32`);
    expect(await many.send({ actor: { addresses } })).toMatchObject({ status: "limited", limit: "store", why: expect.stringContaining("too many addresses") });
    const events = await EventWorld.start([callHome("", step.repeat(32))], { live: 1 });
    const most = Math.ceil(limits.eventsOpenCharsMax / 100_000);
    let refused = 0;
    for (let at = 0; at < most && refused === 0; at += 1) refused += Number((await events.send({ id: `${at}`, actor: { addresses } })).limit === "store");
    expect([refused, (await events.world.kv.list(null, "event:")).keys.length > 20]).toEqual([1, true]);
  });

  test("room: when none is over, new ones are refused and said so", { timeout: 120_000 }, async () => {
    const events = await EventWorld.start([callHome("", "  - block: {}\n    retry: { times: 5, wait: 10m }\n")], { live: 1 });
    await events.world.block("203.0.113.1", 24 * hour);
    const most = limits.eventRecordsMax * limits.eventShareMax;
    for (let from = 0; from < most; from += 100) await events.sendAll(Array.from({ length: 100 }, (_, at) => ({ id: `${from + at}` })));
    const refused = await events.send({ id: "one too many" });
    expect(refused).toMatchObject({ status: "limited", limit: "store", why: expect.stringContaining("the rest is kept for the others") });
    expect((await events.send({ id: "another's" }, "other")).status).toBe("accepted");
  });
});

describe("told", () => {
  test("list: the newest first, by state, page by page; an empty book is an empty list", async () => {
    const events = await EventWorld.start([
      callHome(),
      { ...callHome("", undefined, "watching"), on: { ...callHome().on, category: ["malware"] }, mode: "observe" },
    ]);
    const { coordinator } = await events.world.life();
    expect(await coordinator.events({ state: null, rows: 10, after: null })).toMatchObject({ total: 0, next: null, events: [] });
    for (const id of ["a", "b", "c"]) {
      await events.send({ id });
      await events.world.advance(1_000);
    }
    await events.send({ id: "d", category: "malware" });
    const first = await coordinator.events({ state: null, rows: 3, after: null });
    const second = await coordinator.events({ state: null, rows: 3, after: first.next });
    expect([first.events.map(({ state }) => state), first.total, second.events.length, second.next]).toEqual([["observed", "done", "done"], 4, 1, null]);
    expect((await coordinator.events({ state: "observed", rows: 3, after: null })).events.map(({ playbooks }) => playbooks)).toEqual([["watching"]]);
  });

  test("absent: without playbooks every verb says that there are none", async () => {
    const world = await newWorld();
    const { coordinator } = await world.life();
    await expect(coordinator.events({ state: null, rows: 1, after: null })).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await coordinator.vitals()).not.toHaveProperty("events");
  });
});
