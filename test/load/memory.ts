// How much memory workerd holds while the load runs, from Linux's own books, and whether that grows. Says so where it cannot look.
import { readdirSync, readFileSync } from "node:fs";

export interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** Process ids below `ancestor` whose program is `name`; null where there is no /proc. */
export function descendantsNamed(name: string, ancestor = process.pid): readonly number[] | null {
  if (textOf("/proc/self/stat") === null) return null;
  const parents = new Map<number, number>();
  const named: number[] = [];
  for (const entry of readdirSync("/proc")) {
    const status = /^\d+$/.test(entry) ? textOf(`/proc/${entry}/status`) : null;
    if (status === null) continue;
    parents.set(Number(entry), Number(/^PPid:\s*(\d+)/m.exec(status)?.[1] ?? 0));
    if (/^Name:\s*(.*)$/m.exec(status)?.[1] === name) named.push(Number(entry));
  }
  const isBelow = (pid: number): boolean => {
    for (let at = pid, steps = 0; at > 1 && steps < 64; at = parents.get(at) ?? 0, steps += 1) if (at === ancestor) return true;
    return false;
  };
  return named.filter(isBelow);
}

/** Resident bytes of a process; null when it is gone. */
export function residentBytes(pid: number): number | null {
  const kilobytes = /^VmRSS:\s*(\d+) kB/m.exec(textOf(`/proc/${pid}/status`) ?? "")?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1_024;
}

export interface Growth {
  readonly samples: number;
  readonly firstBytes: number;
  readonly lastBytes: number;
  /** Least-squares slope. */
  readonly bytesPerMinute: number;
  /** Mean of the last quarter over that of the second. */
  readonly ratio: number;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** Null with too few samples to say anything. */
export function growthOf(samples: readonly Sample[]): Growth | null {
  if (samples.length < 8) return null;
  const quarter = Math.floor(samples.length / 4);
  const bytes = samples.map((sample) => sample.bytes);
  const [meanAt, meanBytes] = [mean(samples.map(({ atMs }) => atMs)), mean(bytes)];
  const covariance = samples.reduce((sum, sample) => sum + (sample.atMs - meanAt) * (sample.bytes - meanBytes), 0);
  const variance = samples.reduce((sum, sample) => sum + (sample.atMs - meanAt) ** 2, 0);
  return {
    samples: samples.length,
    firstBytes: bytes[0] ?? 0,
    lastBytes: bytes.at(-1) ?? 0,
    bytesPerMinute: variance === 0 ? 0 : (covariance / variance) * 60_000,
    ratio: mean(bytes.slice(-quarter)) / mean(bytes.slice(quarter, 2 * quarter)),
  };
}
