// Events without a coordinator, and while it does not answer: recorded by the request, worked off by whoever comes next.
import { describe, expect, test } from "vitest";
import type { CoordinatorApi } from "../../functions/coordinator/contract.ts";
import { CoordinatorUnreachable, remoteCoordinator, withFallback } from "../../functions/coordinator/rpc.ts";
import { newProcessData, type ProcessData, tickOnlyCoordinator } from "../../functions/coordinator/tick-only.ts";
import { playbookEngine } from "../../functions/events/engine.ts";
import { limits } from "../../shared/limits.ts";
import { createProtection } from "../../shared/protect/index.ts";
import { type CoordinatedWorld, newWorld } from "../coordinator/world.ts";
import { callHome, calling } from "./support.ts";

const minute = 60_000;
const bounds = { longestMs: limits.leaseLongestMs, widest: { ipv4: 24, ipv6: 48 } };

/** One process: what it took lately is its own. */
function processOf(world: CoordinatedWorld, shared: ProcessData = newProcessData()): CoordinatorApi {
  const { config, clock, kv: store } = world;
  const engine = playbookEngine(config.playbooks ?? []);
  const log = (record: (typeof world.logs)[number]) => void world.logs.push(record);
  return tickOnlyCoordinator({
    world: async () => ({
      config,
      deployment: "laws",
      clock,
      store,
      protection: createProtection(config.protect),
      log,
      targets: world.targets(world.send),
      engine,
    }),
    host: { randomBytes: (count) => new Uint8Array(count), heartbeat: async () => undefined },
    shared,
  });
}

function send(api: CoordinatorApi, world: CoordinatedWorld, id = calling.id) {
  return api.take({ client: "detector", own: null, bounds, receipt: world.now, events: [{ ...calling, id, at: world.now }] });
}

async function tickFor(world: CoordinatedWorld, minutes: number): Promise<void> {
  for (let count = 0; count < minutes; count += 1) {
    world.now += minute;
    await processOf(world).tick();
  }
}

describe("events, KV and cron alone", () => {
  test("life: taken by one process, done by the tick of another, known to a third", async () => {
    const world = await newWorld({ config: { playbooks: [callHome()] } });
    const { events } = await send(processOf(world), world);
    const id = events[0]?.id ?? "";
    const open = await processOf(world).events({ state: null, rows: 10, after: null });
    expect([events[0]?.status, open.events.map(({ state }) => state)]).toEqual(["accepted", ["open"]]);
    await tickFor(world, 1);
    expect([world.blocked("203.0.113.66"), (await processOf(world).event(id))?.state]).toEqual([true, "done"]);
    expect((await processOf(world).events({ state: "done", rows: 10, after: null })).total).toBe(1);
    world.now -= minute;
    expect((await send(processOf(world), world)).events[0]?.status).toBe("unchanged");
    await tickFor(world, 5);
    expect((await world.kv.list(null, "lease:")).keys).toHaveLength(1);
  });

  test("retry: what was tried is kept in the store between ticks, and ends as a dead letter that can be replayed", async () => {
    const playbook = callHome("", "  - block: {}\n    retry: { times: 2, wait: 10s }\n");
    const world = await newWorld({ config: { playbooks: [playbook] } });
    const { detector } = world.config.clients;
    world.config = { ...world.config, clients: detector === undefined ? {} : { detector: { ...detector, live: 1 } } };
    const item = world.item("203.0.113.1", 60 * minute);
    await processOf(world).accept({ client: "detector", items: [item], allOrNothing: true, dryRun: false });
    await tickFor(world, 1);
    const id = (await send(processOf(world), world)).events[0]?.id ?? "";
    await tickFor(world, 1);
    expect((await processOf(world).event(id))?.runs[0]?.steps[0]?.tries).toBe(1);
    await tickFor(world, 4);
    expect((await processOf(world).event(id))?.state).toBe("dead");
    await processOf(world).lift({ keys: [item.key], client: "*", at: world.now, exemptUntil: null, once: null });
    await tickFor(world, 1);
    expect((await processOf(world).replay({ id, by: "ops", once: null }))?.replayed).toBe(true);
    await tickFor(world, 2);
    expect([(await processOf(world).event(id))?.state, world.blocked("203.0.113.66")]).toEqual(["done", true]);
  });

  test("memory: what a process took is let go in time, so that it never takes itself for full", async () => {
    const world = await newWorld({ config: { playbooks: [callHome()] } });
    const shared = newProcessData();
    await send(processOf(world, shared), world, "early");
    world.now += limits.snapshotEveryMs + 1;
    await send(processOf(world, shared), world, "late");
    expect([...(await shared.recent.load()).keys()].filter((key) => key.startsWith("event:"))).toHaveLength(1);
  });
});

test("aside: while the coordinator does not answer events are recorded, and it finds them in its next full listing", async () => {
  const world = await newWorld({ config: { playbooks: [callHome()] } });
  await world.advance(5 * minute);
  const unreachable = remoteCoordinator(async () => {
    throw new CoordinatorUnreachable("gone");
  });
  const aside = withFallback(unreachable, processOf(world));
  const { events } = await send(aside, world);
  expect(events[0]?.status).toBe("accepted");
  await expect(aside.events({ state: null, rows: 1, after: null })).rejects.toMatchObject({ code: "NOT_READY" });
  await world.advance(limits.fullPassMs + 2 * minute);
  const { coordinator } = await world.life();
  expect([(await coordinator.event(events[0]?.id ?? ""))?.state, world.blocked("203.0.113.66")]).toEqual(["done", true]);
});
