// A block that was recorded and remembered with the last breath of a life, before it could wish for a pass: whoever asks again is told that it
// is leased already, so the next tick must not be quiet about it.
import { expect, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import { newWorld } from "./world.ts";

const minute = 60_000;
const ip = "203.0.113.3";

test("accept: what is promised after a life died of it stands within two ticks, however lately all was looked at", async () => {
  const world = await newWorld();
  // Whenever the last full pass was: these are all the ticks between two.
  for (let ticks = 0; ticks * limits.tickMs < limits.fullPassMs; ticks += 1) {
    await world.advance(10 * minute + ticks * limits.tickMs);
    expect((await world.block(ip, 5 * minute))?.status).toBe("created");
    world.evict();
    world.alarmAt = null;
    expect((await world.block(ip, 5 * minute))?.status).toBe("unchanged");
    await world.advance(2 * limits.tickMs);
    expect(world.blocked(ip), `after ${ticks} ticks`).toBe(true);
  }
});
