// From when and for how long an event's lease counts.
import { describe, expect, test } from "vitest";
import { limits } from "../../shared/limits.ts";
import { leaseLength, leaseStart } from "../../shared/request/lease-time.ts";

const now = Date.UTC(2026, 10, 20, 12, 0, 0);
const hour = 3_600_000;
const receipt = now - 2_000;

describe("the start", () => {
  test("event: its own time, and nothing is said", () => {
    expect(leaseStart(now - 60_000, hour, receipt, now)).toEqual({ at: now - 60_000, notes: [] });
    expect(leaseStart(now - limits.lateEventMs, hour, receipt, now)).toEqual({ at: now - limits.lateEventMs, notes: [] });
  });

  test("receipt: where the event says no time, and it is no news", () => {
    expect(leaseStart(null, hour, receipt, now)).toEqual({ at: receipt, notes: [] });
  });

  test("now: never ahead of it, though a sender's clock may be a little", () => {
    expect(leaseStart(now + limits.skewMs, hour, receipt, now)).toEqual({ at: now, notes: [] });
    const ahead = leaseStart(now + limits.skewMs + 1, hour, receipt, now);
    expect(ahead).toEqual({ at: now, notes: ["the event's time 2026-11-20T12:00:05.001Z is ahead of ours, so the lease counts from its receipt"] });
  });

  test("now: for a time that cannot be read, is too late, or whose lease would be over; when it happened is kept where it is known", () => {
    expect(leaseStart("unreadable", hour, receipt, now)).toEqual({ at: now, notes: ["the event's time cannot be read, so the lease counts from its receipt"] });
    const late = now - limits.lateEventMs - 1;
    expect(leaseStart(late, hour, receipt, now)).toEqual({
      at: now,
      notes: ["the event's time 2026-11-20T11:44:59.999Z is more than 15m ago, so the lease counts from its receipt"],
      eventAt: late,
    });
    expect(leaseStart(now - 60_000, 60_000, receipt, now)).toEqual({
      at: now,
      notes: ["a lease of 1m from 2026-11-20T11:59:00.000Z would be over already, so the lease counts from its receipt"],
      eventAt: now - 60_000,
    });
    expect(leaseStart(now - 59_999, 60_000, receipt, now)).toEqual({ at: now - 59_999, notes: [] });
  });

  test("no time: beyond what a Date holds it is said as a number", () => {
    expect(leaseStart(8.64e15, hour, receipt, now).notes[0]).toContain("+275760-09-13T00:00:00.000Z is ahead");
    expect(leaseStart(8.64e15 + 2, hour, receipt, now).notes[0]).toContain("8640000000000002 is ahead");
    expect(leaseStart(-8.64e15 - 2, hour, receipt, now).notes[0]).toContain("-8640000000000002 is more");
  });
});

describe("the length", () => {
  const defaults = { shortestMs: 60_000 };

  test("asked: as it is within the bounds, the bounds included", () => {
    for (const forMs of [60_000, hour, 2 * hour]) expect(leaseLength(forMs, defaults, 2 * hour, "falco")).toEqual({ forMs, said: [] });
  });

  test("bounded: no longer than the client may, no shorter than the shortest, and said so", () => {
    expect(leaseLength(3 * hour, defaults, 2 * hour, "falco")).toEqual({ forMs: 2 * hour, said: ["for 2h, the longest for client falco, instead of 3h"] });
    expect(leaseLength(1_000, defaults, 2 * hour, "falco")).toEqual({ forMs: 60_000, said: ["for 1m, the shortest lease, instead of 1s"] });
  });

  test("bounded: a client that may less than the shortest gets what it may", () => {
    expect(leaseLength(1_000, defaults, 30_000, "falco").forMs).toBe(30_000);
  });
});
