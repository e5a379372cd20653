// One simulated history from its beginning to its end: the world settles, the script happens, trouble stops, all must come right, then be
// silent, then be gone. Gives back what broke, or null, and how often everything really happened.
import { cidrText } from "../../shared/address/index.ts";
import { keyPrefixes } from "../../shared/keys.ts";
import { limits, settleMs } from "../../shared/limits.ts";
import { holdCryptography } from "./cryptography.ts";
import { Deeds } from "./deeds.ts";
import type { PromiseName } from "./promises.ts";
import type { Action, Script } from "./script.ts";
import { type Setting, worldOf } from "./setting.ts";
import type { World } from "./world.ts";

export interface Outcome {
  readonly script: Script;
  readonly setting: Setting;
  /** Which promise broke, and how; null: none did. */
  readonly broken: { readonly promise: PromiseName | "crash"; readonly what: string } | null;
  readonly counts: ReadonlyMap<string, number>;
  /** What happened last, newest at the end. */
  readonly trace: readonly string[];
  /** Events that were scheduled and happened. */
  readonly events: number;
}

/** When trouble has stopped, within so many ticks all is right. */
export const ticksToConverge = 20;
const silentTicks = 6;

function isBroken(world: World): boolean {
  return world.oracle.violation !== null;
}

/** Every caller has an answer, or gives up; then everything that was left undone is done. */
async function comeRight(world: World): Promise<void> {
  world.calm();
  await world.advance(ticksToConverge * limits.tickMs);
  // What was to be undone later (a stop, a protected range) may have been undone in between, and takes its own time.
  for (let waits = 0; world.isUnsettled() && waits < 3 * ticksToConverge && !isBroken(world); waits += 1) await world.advance(limits.tickMs);
  if (world.isUnsettled()) world.oracle.found("P1", `the world did not settle: ${world.unsettled().join("; ")}`);
  world.scheduler.note("came right");
}

/** What is asked for when all is right stands soon, and stays: something to be silent about. */
const last: Extract<Action, { readonly do: "block" }> = {
  afterMs: 0,
  do: "block",
  by: "sensor",
  ips: ["203.0.113.21", "2001:db8:21::1"],
  forMs: 16 * limits.tickMs,
  severity: "high",
  at: null,
  wait: 0,
};

/** Whether a lease may have ended so lately, or may end so soon, that what it left is taken away in this time. */
function mayEnd(world: World, fromMs: number, toMs: number): boolean {
  const slowMs = Math.max(...world.watches.map(({ operationMs }) => operationMs));
  const graceMs = settleMs(world.platform.stalenessMs) + limits.fullPassMs + 2 * limits.tickMs + slowMs;
  return world.ledger.all.some((one) => one.until > fromMs - graceMs && Math.min(one.askedUntil, one.until) < toMs + limits.tickMs);
}

/** Nothing changes any more: no write, whether ticks come or the same is asked for again. */
async function beSilent(world: World): Promise<void> {
  const writes = () => world.clouds.map((cloud) => cloud.writes());
  world.start(world.callers.block(last));
  await world.advance(settleMs(world.platform.stalenessMs) + 3 * limits.tickMs);
  const isStrange = () => world.watches.some((watch) => watch.placed.some((entry) => watch.strange.has(cidrText(entry))));
  const before = writes();
  // What a person put into our place goes by itself in the end, and that is a write.
  const orphans = isStrange();
  const began = world.scheduler.now;
  await world.advance(silentTicks * limits.tickMs);
  const ends = mayEnd(world, began, world.scheduler.now);
  if (!ends && !orphans && String(writes()) !== String(before))
    world.oracle.found("P7", `${silentTicks} ticks in which nothing happened wrote: ${before} before, ${writes()} after`);
  if (!ends) world.scheduler.note("was silent");
  // The hourly snapshot may be written at any time: leases and lifts count.
  const records = () => new Set([...world.platform.records().keys()].filter((key) => key.startsWith(keyPrefixes.lease) || key.startsWith(keyPrefixes.lift)));
  const had = records();
  let asked = 0;
  world.start(
    world.callers.askAgain().then((count) => {
      asked = count;
    }),
  );
  await world.advance(50_000);
  const written = [...records()].filter((key) => !had.has(key));
  if (asked > 0 && written.length > 0) world.oracle.found("P7", `${asked} repeated requests wrote ${written.join(" ")}`);
}

async function end(world: World): Promise<void> {
  const gone = world.ledger.lastEnd(world.scheduler.now) + settleMs(world.platform.stalenessMs) + limits.fullPassMs + 3 * limits.tickMs;
  await world.scheduler.runUntil(gone);
  for (const watch of world.watches) {
    const left = watch.placed.map(cidrText).filter((text) => !watch.strange.has(text));
    if (left.length > 0) world.oracle.found("P2", `${watch.name}: when all is over, ${left.join(", ")} still stands`);
  }
  world.scheduler.note("was gone");
}

async function live(world: World, script: Script): Promise<void> {
  world.startTicks();
  await world.advance(settleMs(world.platform.stalenessMs) + 3 * limits.tickMs);
  const deeds = new Deeds(world);
  for (const action of script.actions) {
    await deeds.perform(action);
    if (isBroken(world)) return;
  }
  for (const phase of [comeRight, beSilent, end]) {
    await phase(world);
    if (isBroken(world)) return;
  }
}

/** Runs one script in its setting. Two runs of the same are the same. */
export async function run(script: Script, setting: Setting): Promise<Outcome> {
  const release = holdCryptography();
  const world = worldOf(setting, script.seed);
  let crash: string | null = null;
  try {
    await live(world, script);
  } catch (thrown) {
    crash = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  } finally {
    world.platform.end();
    release();
  }
  const { violation } = world.oracle;
  const broken =
    violation !== null ? { promise: violation.promise, what: violation.message } : crash !== null ? { promise: "crash" as const, what: crash } : null;
  const { counts, trace, events } = world.scheduler;
  return { script, setting, broken, counts, trace: [...trace], events };
}
