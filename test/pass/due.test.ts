// The moment at which the next lease is over for good: what a pass that lists nothing knows of it may bring it forward, and never puts it off.
import { expect, test } from "vitest";
import { cidrOf } from "../../shared/address/index.ts";
import { limits } from "../../shared/limits.ts";
import { SpillWorld, startMs } from "./spill-world.ts";

const minute = 60_000;
const settleMs = limits.skewMs;

test("due: a pass for what was accepted, between a lease's end and its removal, does not forget the removal", async () => {
  const world = await SpillWorld.of({ web: { rules: 5 } });
  await world.lease(cidrOf("203.0.113.7"), { minutes: 2 });
  await world.pass();
  world.nowMs = startMs + 2 * minute + 1_000;
  await world.pass("due");
  const { core } = world.world.memory;
  // Over, and not yet for good: no snapshot names it, only a listing does.
  expect(core.nextDueAt).toBe(startMs + 2 * minute + settleMs);
  await world.pass("accepted");
  expect(core.nextDueAt).toBe(startMs + 2 * minute + settleMs);
  // What is overdue stays so until a pass has listed the store.
  world.nowMs = startMs + 2 * minute + settleMs;
  await world.pass("accepted");
  expect(core.nextDueAt).toBe(startMs + 2 * minute + settleMs);
  await world.pass("due");
  expect([core.nextDueAt, world.standing("web")]).toEqual([null, []]);
});

test("due: what was accepted and ends sooner brings it forward", async () => {
  const world = await SpillWorld.of({ web: { rules: 5 } });
  await world.lease(cidrOf("203.0.113.7"), { minutes: 9 });
  await world.pass();
  const { core } = world.world.memory;
  core.nextDueAt = startMs + 20 * minute;
  await world.pass("accepted");
  expect(core.nextDueAt).toBe(startMs + 9 * minute + settleMs);
  core.nextDueAt = null;
  await world.pass("accepted");
  expect(core.nextDueAt).toBe(startMs + 9 * minute + settleMs);
});
