// Wishes for a pass on an instance whose timers and clock do not agree, and what a preview may say to the outside.
import { describe, expect, test } from "vitest";
import type { Coordinator } from "../../functions/coordinator/coordinator.ts";
import { LockSessions, type SessionParts } from "../../functions/coordinator/lock-sessions.ts";
import { configOnDeno } from "../../functions/runtime/deno-config.ts";
import { testConfig } from "./world.ts";

interface Timer {
  readonly at: number;
  readonly work: () => Promise<void>;
}

function sessionsAt(clock: { now: number }): { sessions: LockSessions; timers: Timer[]; passes: () => number } {
  const timers: Timer[] = [];
  let passes = 0;
  let isHeld = false;
  const lock: SessionParts["lock"] = {
    get isHeld() {
      return isHeld;
    },
    tryAcquire: async () => {
      isHeld = true;
      return { since: "own", added: null };
    },
    release: async () => {
      isHeld = false;
    },
    clearAdded: async () => undefined,
  };
  const coordinator: Pick<Coordinator, "wake"> = {
    wake: async () => {
      passes += 1;
    },
  };
  const sessions = new LockSessions({
    lock,
    clock: { now: () => clock.now },
    log: () => undefined,
    openLocked: async () => coordinator as Coordinator,
    sleep: async () => undefined,
    later: (at, work) => void timers.push({ at, work }),
    jitter: () => 0,
  });
  return { sessions, timers, passes: () => passes };
}

describe("wishes for a pass", () => {
  test("wake: a timer that fires before its moment by the clock runs its pass, and stops none that is wished for later", async () => {
    const clock = { now: 1_000_000 };
    const { sessions, timers, passes } = sessionsAt(clock);
    await sessions.schedule(clock.now + 1_000);
    // The clock was set back meanwhile.
    clock.now += 990;
    await timers[0]?.work();
    clock.now += 5_000;
    await sessions.schedule(clock.now + 1_000);
    clock.now += 1_000;
    for (const timer of timers.slice(1)) await timer.work();
    expect([timers.length, passes()]).toEqual([2, 2]);
  });

  test("wake: an earlier wish wins, and the later one's timer runs nothing of its own", async () => {
    const clock = { now: 1_000_000 };
    const { sessions, timers, passes } = sessionsAt(clock);
    await sessions.schedule(clock.now + 2_000);
    await sessions.schedule(clock.now + 1_000);
    await sessions.schedule(clock.now + 3_000);
    clock.now += 1_000;
    await timers[1]?.work();
    clock.now += 1_000;
    await timers[0]?.work();
    expect([timers.length, passes()]).toEqual([2, 1]);
  });
});

test.each(["git-branch/main", "preview/abc", undefined])("heartbeat: the timeline %j does not tell the operator that production is alive", (timeline) => {
  const config = testConfig({ heartbeat: { urlSecret: "BEAT" } });
  expect(configOnDeno(config, timeline).heartbeat).toBeNull();
  expect(configOnDeno(config, "production").heartbeat).toEqual({ urlSecret: "BEAT" });
});
