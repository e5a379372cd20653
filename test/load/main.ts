// `npm run soak [-- --minutes 5 | --seconds 30] [--rate N] [--seed N] [--json FILE] [--readme]`: what it does and judges is in README.md
// beside this file. Exits with 1 and says why, and with which seed, when a promise was broken.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { jsonOf, plainTable } from "../bench/figures.ts";
import { machineFacts, machineLine, writeTable } from "../bench/readme.ts";
import { faultsOf, figuresOf, linesOf } from "./report.ts";
import { soak } from "./soak.ts";

const bounds = { seconds: 3_600, perSecond: 200 } as const;
const root = resolve(import.meta.dirname, "../..");

function numberOf(text: string, name: string, most: number): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0 && value <= most) return value;
  throw new Error(`--${name} takes a number above 0, at most ${most}`);
}

const option = { type: "string" } as const;
const { values } = parseArgs({
  options: { minutes: option, seconds: option, rate: option, seed: option, json: option, readme: { type: "boolean", default: false } },
});
const seconds =
  values.seconds === undefined ? numberOf(values.minutes ?? "5", "minutes", bounds.seconds / 60) * 60 : numberOf(values.seconds, "seconds", bounds.seconds);
const perSecond = numberOf(values.rate ?? "25", "rate", bounds.perSecond);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Math.floor(numberOf(values.seed, "seed", 2 ** 32));
const again = `npm run soak -- --seconds ${seconds} --rate ${perSecond} --seed ${seed}`;

const facts = machineFacts();
console.log(`${machineLine(facts)}\n${again}`);
const abort = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => abort.abort());
// Whatever hangs, this process does not.
const lastResort = setTimeout(
  () => {
    console.error(`the soak did not end by itself; seed ${seed}`);
    process.exit(1);
  },
  (seconds + 900) * 1_000,
);
lastResort.unref();

try {
  const began = performance.now();
  const found = await soak({
    seed,
    seconds,
    perSecond,
    signal: abort.signal,
    say: (line) => console.log(`${((performance.now() - began) / 1_000).toFixed(0)} s: ${line}`),
  });
  const figures = figuresOf(found);
  const faults = faultsOf(found);
  const file = resolve(values.json ?? `${root}/dist/soak.json`);
  await mkdir(dirname(file), { recursive: true });
  const { delays: _delays, standing, over, log, ...rest } = found;
  await writeFile(file, jsonOf(figures, { machine: facts, ...rest, states: { standing: standing.states, over: over.states }, broken: faults }));
  console.log(`\n${linesOf(found).join("\n")}\n\n${plainTable(figures)}\n\nalso in ${file}`);
  const where = `${seconds} s of load, measured on ${machineLine(facts)}. What it does and how it judges: [test/load](test/load/README.md).`;
  if (values.readme && faults.length === 0) await writeTable("soak", figures, where);
  for (const fault of faults) console.error(fault);
  const logFile = file.replace(/(\.json)?$/, ".log");
  if (faults.length > 0) await writeFile(logFile, `${log.join("\n")}\n`);
  if (faults.length > 0) throw new Error(`${faults.length} faults; the Worker's log is in ${logFile}; again with: ${again}`);
} catch (thrown) {
  console.error(thrown instanceof Error && thrown.message.includes("again with") ? thrown.message : thrown);
  console.error(`seed ${seed}`);
  process.exitCode = 1;
}
process.exit();
