// What a soak came to: what is wrong with it, in sentences, and its figures, for people and for the table. Pure.
import { type Figure, rounded, summarise } from "../bench/figures.ts";
import { targets } from "./clouds.ts";
import type { Soak } from "./soak.ts";

/** How much more memory the last quarter may hold than the second: its reasons are in README.md beside this file. */
export const memoryRatioMost = 1.5;
/** Shorter runs are all warm-up. */
const memorySecondsLeast = 240;
const shownMost = 12;

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function shown(texts: readonly string[]): readonly string[] {
  return texts.length <= shownMost ? texts : [...texts.slice(0, shownMost), `… and ${texts.length - shownMost} more`];
}

function isMemoryJudged({ seconds, growth }: Soak): boolean {
  return growth !== null && seconds >= memorySecondsLeast;
}

function recordFaults({ records, posts, rows }: Soak): readonly string[] {
  const faults: string[] = [];
  // Each answered block wrote one record; what was never answered may have written one or not.
  const unanswered = posts.sent - posts.answered;
  if (records.found < records.written) faults.push(`${records.written} records were said to be written, and ${records.found} are in the store`);
  if (unanswered === 0 && records.found > records.written)
    faults.push(`${records.found} records are in the store, and only ${records.written} were said to be written`);
  if (unanswered === 0 && records.liftsFound !== records.lifts) faults.push(`${records.lifts} lifts were sent, and ${records.liftsFound} are in the store`);
  for (const word of ["recent", "seen"]) {
    if ((rows[word] ?? 0) > 0) faults.push(`${rows[word]} rows of "${word}" are left in the coordinator's storage, long after they were needed`);
  }
  return faults;
}

/** Everything that a run must not show. */
export function faultsOf(soak: Soak): readonly string[] {
  const { posts, reads, standing, over, early, refusals, growth, ticks } = soak;
  const unanswered = posts.sent - posts.answered + reads.sent - reads.answered;
  const faults = [
    ...shown(standing.lost),
    ...shown(over.lost),
    ...shown(standing.waiting.map((what) => `after the load, and all patience: ${what}`)),
    ...shown(over.waiting.map((what) => `after the last lease, and all patience: ${what}`)),
    ...shown(early.map(({ target, cidr, millisecondsLeft }) => `${cidr} was opened at ${target} ${millisecondsLeft} ms before its lease ends`)),
    ...shown(soak.faults),
    ...recordFaults(soak),
  ];
  if (unanswered > 0) faults.push(`${unanswered} requests were never answered`);
  if (soak.promised === 0 || sum(standing.states.edge) === (standing.states.edge.over ?? 0))
    faults.push("nothing stood when the load stopped, so nothing was tried");
  if (ticks.ok === 0) faults.push("no tick succeeded");
  for (const target of targets) {
    const { overLimit, calls } = refusals[target];
    if (overLimit > 0) faults.push(`${overLimit} calls to ${target} went over a limit of the cloud`);
    if (calls === 0) faults.push(`${target} was never called`);
  }
  if (isMemoryJudged(soak) && growth !== null && growth.ratio > memoryRatioMost) {
    faults.push(`memory grew: the last quarter held ${rounded(growth.ratio)} times the second, at most ${memoryRatioMost}`);
  }
  return faults;
}

function lostOf({ standing, over }: Soak): number {
  return standing.lost.length + standing.waiting.length + over.lost.length + over.waiting.length;
}

/** Figures for the table: counts and ratios, which mean something on another machine too. */
export function figuresOf(soak: Soak): readonly Figure[] {
  const { posts, reads, promised, early, refusals, growth, records } = soak;
  const calls = targets.reduce((total, target) => total + refusals[target].calls, 0);
  const refused = targets.reduce((total, target) => total + sum(refusals[target].codes), 0);
  const overLimit = targets.reduce((total, target) => total + refusals[target].overLimit, 0);
  const figure = (name: string, value: number, unit: string, baseline: string) => ({ name, value, unit, baseline, aim: "", met: null });
  const zero = (name: string, value: number, baseline: string) => ({ name, value, unit: "", baseline, aim: "= 0", met: value === 0 });
  const memory =
    growth === null
      ? []
      : [
          {
            ...figure("soak.memoryRatio", growth.ratio, "×", "resident memory of workerd, last quarter over the second"),
            ...(isMemoryJudged(soak) ? { aim: `≤ ${memoryRatioMost}`, met: growth.ratio <= memoryRatioMost } : {}),
          },
        ];
  return [
    zero("soak.lost", lostOf(soak), `${promised.toLocaleString("en")} blocks promised in ${soak.seconds} s, three clouds throttling and failing`),
    zero("soak.early", early.length, `gates opened before their time, in ${soak.looks.toLocaleString("en")} looks at the clouds`),
    zero("soak.overLimit", overLimit, `calls over a cloud's limit, of ${calls.toLocaleString("en")}; ${refused} were throttled or failed`),
    zero("soak.unexpected", soak.faults.length, `answers or states that are none of the right ones; ${posts.answered + reads.answered} answers`),
    figure("soak.recordsPerBlock", records.found / Math.max(1, promised), "", "records in the store per block; a renewal and a second client are records too"),
    figure("soak.callsPerBlock", calls / Math.max(1, promised), "", "calls to three clouds per block, its end included"),
    figure(
      "soak.p99OverP50",
      posts.p99Ms / Math.max(1, posts.p50Ms),
      "×",
      `time of a post; ${rounded(posts.perSecond)} posts a second were asked for and kept up`,
    ),
    ...memory,
  ];
}

function shownDelays({ delays }: Soak): readonly string[] {
  return targets.map((target) => {
    const { delaysMs, unseen } = delays[target];
    if (delaysMs.length === 0) return `${target}: nothing was seen to stand`;
    const { median, most } = summarise(delaysMs);
    return `${target}: ${delaysMs.length} blocks seen to stand, after a median of ${rounded(median / 1_000)} s, at most ${rounded(most / 1_000)} s; ${unseen} never were, though they lived 20 s`;
  });
}

function shownCounts(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? "none" : entries.map(([name, count]) => `${name} ${count}`).join(", ");
}

/** All of it, for a person. */
export function linesOf(soak: Soak): readonly string[] {
  const { posts, reads, growth, refusals, standing, records } = soak;
  const fired = ({ sent, answered, perSecond, p50Ms, p99Ms, mostMs }: Soak["posts"]) =>
    `${answered} of ${sent} answered, ${rounded(perSecond)}/s, p50 ${p50Ms} ms, p99 ${p99Ms} ms, at most ${mostMs} ms`;
  const megabytes = (bytes: number) => `${rounded(bytes / 2 ** 20)} MiB`;
  return [
    `seed ${soak.seed}, ${soak.seconds} s of load`,
    `posts: ${fired(posts)}`,
    `reads: ${fired(reads)}`,
    `answers by shape: ${shownCounts(soak.statuses)}`,
    `blocks in answers: ${shownCounts(soak.items)}; ${soak.promised} promised, lost ${lostOf(soak)}`,
    ...targets.map((target) => `when the load had stopped, ${target}: ${shownCounts(standing.states[target])}; at most ${soak.most[target]} stood at once`),
    ...shownDelays(soak),
    `gates looked at ${soak.looks} times, opened early: ${soak.early.length}`,
    ...targets.map((target) => `calls to ${target}: ${refusals[target].calls}, refused or failed: ${shownCounts(refusals[target].codes)}`),
    `passes: ${soak.passes}, ticks: ${shownCounts(soak.ticks)}`,
    `store: ${records.found} lease records of ${records.written} written, ${records.liftsFound} lifts of ${records.lifts}; left in the coordinator's storage: ${shownCounts(soak.rows)}`,
    growth === null
      ? "memory: not measured"
      : `memory of workerd: ${megabytes(growth.firstBytes)} after warm-up, ${megabytes(growth.lastBytes)} at the end, slope ${megabytes(growth.bytesPerMinute)} a minute, last quarter over second ${rounded(growth.ratio)}`,
  ];
}
