// Moments as numbers and as text: which numbers are one, and how one is written. Pure.
import type { EpochMs } from "./ports.ts";

/** The largest time that a Date can hold (ECMA-262, 21.4.1.1). */
export const epochMsMax = 8.64e15;

/** Whether it can be a moment of ours, in whole milliseconds from 1970 on: what records are checked by when they are read. */
export function isTime(value: unknown): value is EpochMs {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** ISO 8601 in UTC; the number itself where no Date can hold it, so that telling of a moment never fails. */
export function isoTime(at: EpochMs): string {
  return Math.abs(at) <= epochMsMax ? new Date(at).toISOString() : String(at);
}
