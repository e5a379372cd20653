// `npm run sim`: runs seeds in the simulated world and says what broke, what happened and how often. Exit 1 when a promise broke, or when a
// long run never met a kind of trouble that it should have.
// The seeds are shared out over threads; each history runs in one, so the order of seeds and threads changes nothing.
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { missing } from "./classes.ts";
import { addCounts, countsText, failureText } from "./report.ts";
import { type Outcome, run } from "./run.ts";
import { scriptOf } from "./script.ts";
import { crowdOf, type PlatformName, platforms, settingOf } from "./setting.ts";
import { shrink } from "./shrink.ts";

interface Share {
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly platform: PlatformName | null;
  readonly shrinks: "shortest" | "as-found";
}

interface Found {
  readonly counts: readonly (readonly [string, number])[];
  readonly events: number;
  readonly failure: string | null;
}

async function runSeed(seed: number, { steps, platform, shrinks }: Share): Promise<Found> {
  const chosen = settingOf(seed);
  const outcome: Outcome = await run(scriptOf(seed, steps, crowdOf(chosen)), platform === null ? chosen : { ...chosen, platform });
  const failure = outcome.broken === null ? null : failureText(shrinks === "shortest" ? await shrink(outcome) : outcome, steps);
  return { counts: [...outcome.counts], events: outcome.events, failure };
}

async function work(): Promise<void> {
  const share = workerData as Share;
  for (const seed of share.seeds) parentPort?.postMessage(await runSeed(seed, share));
}

function startThread(share: Share, onFound: (found: Found) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: share });
    thread.on("message", onFound);
    thread.on("error", reject);
    thread.on("exit", () => resolve());
  });
}

function wholeNumber(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} takes a whole number, not ${text}`);
  return value;
}

function seedsFrom(first: number, count: number, isMeant: (seed: number) => boolean): readonly number[] {
  const seeds: number[] = [];
  for (let seed = first; seeds.length < count; seed += 1) if (isMeant(seed)) seeds.push(seed);
  return seeds;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      seeds: { type: "string", default: "100" },
      from: { type: "string", default: "1" },
      steps: { type: "string", default: "40" },
      threads: { type: "string", default: "2" },
      platform: { type: "string" },
      /** Only seeds of worlds in which targets spill. */
      spilling: { type: "boolean", default: false },
      counts: { type: "boolean", default: true },
      /** Failing scripts as they are: quicker where many are expected. */
      long: { type: "boolean", default: false },
    },
  });
  const platform = platforms.find((name) => name === values.platform) ?? null;
  if (values.platform !== undefined && platform === null) throw new Error(`--platform is one of ${platforms.join(", ")}`);
  const first = wholeNumber(values.seed ?? values.from, "seed");
  const count = values.seed === undefined ? wholeNumber(values.seeds, "seeds") : 1;
  const threads = Math.min(count, wholeNumber(values.threads, "threads"));
  const steps = wholeNumber(values.steps, "steps");
  const seeds = seedsFrom(first, count, values.spilling ? (seed) => settingOf(seed).spill !== undefined : () => true);
  const totals = new Map<string, number>();
  let events = 0;
  const failures: string[] = [];
  const onFound = (found: Found): void => {
    addCounts(totals, found.counts);
    events += found.events;
    if (found.failure === null) return;
    failures.push(found.failure);
    console.error(`${found.failure}\n`);
  };
  const shares = Array.from({ length: threads }, (_, thread) => seeds.filter((_seed, index) => index % threads === thread));
  await Promise.all(shares.map((share) => startThread({ seeds: share, steps, platform, shrinks: values.long ? "as-found" : "shortest" }, onFound)));
  if (values.counts) console.log(`what happened, and how often:\n${countsText(totals)}`);
  console.log(
    `${count} histories of ${steps} actions, ${events} events: ${failures.length === 0 ? "every promise held" : `${failures.length} broke a promise`}`,
  );
  const never = platform === null ? missing(totals, count) : [];
  if (never.length > 0) console.error(`a run of ${count} histories proves little where this never happened: ${never.join("; ")}`);
  process.exitCode = failures.length === 0 && never.length === 0 ? 0 : 1;
}

await (isMainThread ? main() : work());
