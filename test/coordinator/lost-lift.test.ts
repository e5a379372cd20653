// A lift that reached the store with the last breath of a life: nothing in memory says so, and a listing shows it up to STALE late.
import { expect, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import { newWorld } from "./world.ts";

const minute = 60_000;
const ip = "203.0.113.3";

test.each([1, 2, 3])("lift: what it may have ended carries no later promise, when it died after %i calls", async (calls) => {
  const world = await newWorld({ lag: () => limits.workersKvStalenessMs });
  await world.block(ip, 10 * minute);
  await world.advance(5 * minute);
  expect(world.blocked(ip)).toBe(true);
  await world.killAfter(calls);
  expect(await world.lift(ip)).toBeNull();
  world.now += 1;
  // Shorter than what the lift ended, or did not.
  const answer = await world.block(ip, 4 * minute);
  expect(answer?.until).toBeGreaterThanOrEqual(world.now + 4 * minute);
  for (const end = world.now + 4 * minute; world.now < end - 10_000; ) {
    await world.advance(10_000);
    expect(world.blocked(ip), `${(end - world.now) / 1000} s before its end`).toBe(true);
  }
});

test("lift: nor when all memory is lost with it", async () => {
  const world = await newWorld({ lag: () => limits.workersKvStalenessMs });
  await world.block(ip, 10 * minute);
  await world.advance(5 * minute);
  // Intent, record, and no answer.
  await world.killAfter(2);
  expect(await world.lift(ip)).toBeNull();
  world.wipe();
  world.alarmAt = world.now;
  await world.advance(1_000);
  const answer = await world.block(ip, 4 * minute);
  expect(answer?.status).toBe("renewed");
  for (const end = world.now + 4 * minute; world.now < end - 10_000; ) {
    await world.advance(10_000);
    expect(world.blocked(ip), `${(end - world.now) / 1000} s before its end`).toBe(true);
  }
});

test.each([1, 2, 3])("lift: one that died after %i calls is written by the next life, and holds in every pass from then on", async (calls) => {
  // Each listing is as late as it may be, or not at all, in turn.
  let listings = 0;
  const world = await newWorld({ lag: () => (listings++ % 2 === 0 ? limits.workersKvStalenessMs : 0) });
  await world.block(ip, 10 * minute);
  await world.advance(2 * minute);
  await world.killAfter(calls);
  expect(await world.lift(ip)).toBeNull();
  const changes: boolean[] = [world.blocked(ip)];
  for (let step = 0; step < 60; step += 1) {
    await world.survive((coordinator) => coordinator.reconcile(null));
    await world.advance(3_000);
    if (world.blocked(ip) !== changes.at(-1)) changes.push(world.blocked(ip));
  }
  expect(changes).toEqual([true, false]);
});

test("lift: one that was answered as failed is not written later", async () => {
  const world = await newWorld();
  await world.block(ip, 10 * minute);
  await world.advance(2 * minute);
  world.kv.down = true;
  expect(await world.lift(ip)).toBeNull();
  world.kv.down = false;
  world.evict();
  await world.advance(3 * minute);
  expect(world.blocked(ip)).toBe(true);
});
