// Reads the time of an event as detectors spell it. Pure; refuses to guess: what is not a time is null.
import type { EpochMs } from "../ports.ts";

const isoPattern = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))?\s?(Z|[+-]\d{2}:?\d{2})?$/i;

/** Smallest number that is milliseconds rather than seconds, then microseconds, then nanoseconds: each would be a year no event is from. */
const milliFrom = 1e11;
const microFrom = 1e14;
const nanoFrom = 1e17;

function fromNumber(value: number): EpochMs | null {
  if (!Number.isFinite(value) || value <= 0) return null;
  if (value >= nanoFrom) return Math.floor(value / 1e6);
  if (value >= microFrom) return Math.floor(value / 1e3);
  return Math.floor(value >= milliFrom ? value : value * 1e3);
}

function fromIso(text: string): EpochMs | null {
  const match = isoPattern.exec(text);
  if (match === null) return null;
  const [, day, time, fraction = "", zone = "Z"] = match;
  // No zone means UTC: ElastAlert posts `2026-01-01T00:00:00` for UTC times (captured from 0.2.4).
  const spelled = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
  const at = Date.parse(`${day}T${time}.${fraction.padEnd(3, "0").slice(0, 3)}${spelled}`);
  return Number.isNaN(at) ? null : at;
}

/** ISO 8601 (no zone: UTC), or a number of seconds, milli-, micro- or nanoseconds since 1970. */
export function readEventTime(value: unknown): EpochMs | null {
  if (typeof value === "number") return fromNumber(value);
  if (typeof value !== "string" || value.length > 40) return null;
  const text = value.trim();
  return /^\d{9,19}(?:\.\d{1,9})?$/.test(text) ? fromNumber(Number(text)) : fromIso(text);
}
