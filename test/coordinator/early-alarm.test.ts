// An alarm that comes before its moment, because two clocks do not agree: it must not become a pass, and another, and another.
// Found by simulation.
import { expect, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import { newWorld, settle } from "./world.ts";

const minute = 60_000;

test("wake: a hundred alarms before their moment call no cloud; a new lease is enforced all the same", async () => {
  const world = await newWorld();
  await world.advance(settle + minute);
  // An outcome that nobody knows: its place rests, and an alarm is wished for after that.
  world.aws.faults.next.push({ action: "CreateNetworkAclEntry", mishap: { kind: "drop", committed: false } });
  await world.block("203.0.113.1", 60 * minute);
  await world.advance(5_000);
  const before = world.aws.calls();
  const { coordinator } = await world.life();
  for (let alarm = 0; alarm < 100; alarm += 1) await coordinator.wake();
  expect(world.aws.calls()).toBe(before);
  await world.advance(300_000 + 2 * limits.tickMs);
  await world.block("203.0.113.2", 60 * minute);
  await coordinator.wake();
  expect([world.blocked("203.0.113.1"), world.blocked("203.0.113.2")]).toEqual([true, true]);
});
