// What any JavaScript platform gives in the same way: time, randomness, timers, the network, a line of log. The only place that
// takes them; the entries hand them on, so that a simulation can stand in for all of it.
import type { Clock, Log, Random } from "../../shared/ports.ts";
import { logLine } from "../log/line.ts";
import type { Fetch } from "./transport.ts";

export interface Platform {
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch: Fetch;
  readonly log: Log;
  sleep(ms: number): Promise<void>;
  /** Runs `work` after so many milliseconds if the process still lives then. */
  later(ms: number, work: () => Promise<void>): void;
}

export const platform: Platform = {
  clock: { now: () => Date.now() },
  random: { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) },
  // Wrapped: workerd refuses a fetch that was taken off its global.
  fetch: (url, init) => fetch(url, init),
  /** One line of JSON, which Workers Logs indexes (Cloudflare docs, workers/observability/logs, 2026) and Deno's logs keep as it is. */
  log: (record) => {
    const line = logLine(record);
    if (record.level === "error") console.error(line);
    else if (record.level === "warn") console.warn(line);
    else console.log(line);
  },
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms))),
  later: (ms, work) => void setTimeout(work, Math.max(0, ms)),
};
