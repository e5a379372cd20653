// Which numbers are moments, and how one is written.
import { describe, expect, test } from "vitest";
import { epochMsMax, isoTime, isTime } from "../../shared/time.ts";

describe("moments", () => {
  test("is: whole milliseconds from 1970 on, and nothing that only looks like it", () => {
    for (const value of [0, 1, Date.UTC(2026, 10, 26), Number.MAX_SAFE_INTEGER]) expect(isTime(value)).toBe(true);
    for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "1", 1n, null, undefined, new Date(0), [1]]) expect(isTime(value)).toBe(false);
  });

  test("text: ISO 8601 in UTC as far as a Date goes, the number itself beyond", () => {
    expect(isoTime(Date.UTC(2026, 10, 26, 12, 0, 0, 5))).toBe("2026-11-26T12:00:00.005Z");
    expect([isoTime(epochMsMax), isoTime(-epochMsMax)]).toEqual(["+275760-09-13T00:00:00.000Z", "-271821-04-20T00:00:00.000Z"]);
    expect([isoTime(epochMsMax + 1), isoTime(-epochMsMax - 1), isoTime(Number.POSITIVE_INFINITY)]).toEqual([
      "8640000000000001",
      "-8640000000000001",
      "Infinity",
    ]);
  });
});
