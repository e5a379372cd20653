// Reads `Prefer: wait=N` (RFC 7240). Unknown and malformed preferences are ignored, as the RFC asks.
import { limits } from "../../shared/limits.ts";

const waitPattern = /^wait\s*=\s*"?([0-9]{1,9})"?$/i;

/** Seconds to wait, capped at the product's own limit and said so by Preference-Applied; null when nothing was asked for. */
export function waitPreference(headers: Headers): number | null {
  for (const part of (headers.get("prefer") ?? "").split(",")) {
    const seconds = waitPattern.exec(part.split(";", 1)[0]?.trim() ?? "")?.[1];
    if (seconds !== undefined) return Math.min(Number(seconds), limits.waitMaxSeconds);
  }
  return null;
}
