// When to try again: what the server said, or else a growing, jittered delay. Refuses to wait: sleeping belongs to the core.
import type { EpochMs, Random } from "../../shared/ports.ts";

const firstDelayMs = 2_000;
const longestDelayMs = 60_000;
/** A Retry-After beyond this is a misconfigured proxy, not a cloud; the next full pass asks again anyway. */
const longestRetryAfterMs = 15 * 60_000;

/** Reads `Retry-After` (RFC 9110 10.2.3: seconds or an HTTP date); null when absent or unreadable. */
export function retryAtOf(header: string | undefined, nowMs: EpochMs): EpochMs | null {
  if (header === undefined) return null;
  const text = header.trim();
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  if (Number.isNaN(waitMs)) return null;
  return nowMs + Math.min(Math.max(waitMs, 0), longestRetryAfterMs);
}

/** The moment of the next try after `attempts` refusals in a row (1 for the first), between half and all of the doubled delay. */
export function backoffUntil(attempts: number, nowMs: EpochMs, random: Random): EpochMs {
  const fullMs = Math.min(firstDelayMs * 2 ** (attempts - 1), longestDelayMs);
  const share = (random.bytes(1)[0] ?? 0) / 255;
  return nowMs + Math.round(fullMs * (0.5 + share / 2));
}

/** Reads an HTTP `Date` header; null when absent or unreadable. */
export function serverDateOf(header: string | undefined): EpochMs | null {
  const at = header === undefined ? Number.NaN : Date.parse(header);
  return Number.isNaN(at) ? null : at;
}
