// A lift that a fast clock has stamped with a time to come: it must not cancel what is leased after it. Found by simulation.
import { expect, test } from "vitest";
import { cidrKey, cidrOf } from "../../shared/address/index.ts";
import { newWorld, settle } from "./world.ts";

const minute = 60_000;

test("lift: one from a clock nine minutes ahead ends what was leased before it, and nothing that comes after", async () => {
  const world = await newWorld();
  await world.advance(settle + minute);
  await world.block("203.0.113.1", 20 * minute);
  await world.advance(minute);
  await world.survive((coordinator) =>
    coordinator.lift({ keys: [cidrKey(cidrOf("203.0.113.1"))], client: "*", at: world.now + 9 * minute, exemptUntil: null, once: null }),
  );
  await world.advance(2 * minute);
  expect(world.blocked("203.0.113.1")).toBe(false);
  await world.block("203.0.113.1", 20 * minute);
  await world.advance(minute);
  expect(world.blocked("203.0.113.1")).toBe(true);
});
