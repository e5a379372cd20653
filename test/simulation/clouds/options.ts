// What every simulated cloud is given, and how a person's choices are made: by the world's dice, from a pool of addresses.
import type { EpochMs } from "../../../shared/ports.ts";

export type Roll = (what: string) => number;

export interface CloudOptions {
  /** Its name as a target. */
  readonly name: string;
  /** The store that `setup` claimed it for. */
  readonly storeId: string;
  readonly nowMs: () => EpochMs;
  /** Chance of the cloud's own: how far behind a read is, what became of an operation that failed. */
  readonly roll: Roll;
  /** Tells the world when something takes effect without a call; without it, `poll` alone finds out. */
  readonly at?: (moment: EpochMs, what: string, run: () => void) => void;
  /** Where persons take addresses from, canonical CIDR text; callers' own among them make for collisions. */
  readonly addresses?: readonly string[];
}

/** Documentation and benchmarking ranges (RFC 5737, 3849, 2544), of both families and several lengths. */
export const ordinaryAddresses: readonly string[] = [
  "192.0.2.0/24",
  "192.0.2.77/32",
  "198.18.7.0/24",
  "198.18.9.4/32",
  "203.0.113.128/25",
  "203.0.113.200/32",
  "2001:db8:99::/48",
  "2001:db8:77:1::/64",
  "2001:db8:4:4:8000::1/128",
];

export function pick<T>(roll: Roll, what: string, options: readonly T[]): T | null {
  return options[Math.floor(roll(what) * options.length)] ?? null;
}

/** Whether the cloud let it happen; any other error than its refusal is a bug of ours. */
export function isAllowed(refusal: abstract new (...args: never[]) => Error, run: () => void): boolean {
  try {
    run();
    return true;
  } catch (thrown) {
    if (thrown instanceof refusal) return false;
    throw thrown;
  }
}
