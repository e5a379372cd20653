// `npm run bench [-- --json FILE] [-- --readme] [-- --only NAME,…]`: measures, prints a table, and never asserts a time.
// What each figure means: README.md beside this file.
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { measureBundle } from "./bundle.ts";
import { measureBurst } from "./burst.ts";
import { measureBurst3 } from "./burst3.ts";
import { measureCalls } from "./calls.ts";
import { countBlockWrites, countIdleDay } from "./counts.ts";
import { measureEscalation } from "./escalation.ts";
import { jsonOf, plainTable, type Report } from "./figures.ts";
import { measureFit } from "./fit.ts";
import { measureIngest } from "./ingest.ts";
import { measurePass } from "./pass.ts";
import { machineFacts, machineLine, writeTable } from "./readme.ts";

/** Quiet ones first: what starts workerd comes last. */
const benches: Readonly<Record<string, () => Promise<Report>>> = {
  block: countBlockWrites,
  idleTick: countIdleDay,
  pass: () => measurePass(),
  // After the one that measures CPU time: what it leaves in memory must not be in that.
  calls: measureCalls,
  fit: measureFit,
  escalation: measureEscalation,
  bundle: () => measureBundle(),
  burst: () => measureBurst(),
  burst3: () => measureBurst3(),
  ingest: () => measureIngest({ pairsMax: 15, requestsPerRound: 200, secondsMax: 45 }),
};
/** The order of the table. */
const order = ["ingest", "block", "idleTick", "burst", "burst3", "pass", "calls", "fit", "escalation", "bundle"] as const;

function namesOf(only: string | undefined): readonly string[] {
  const names = only?.split(",") ?? Object.keys(benches);
  const unknown = names.filter((name) => !Object.hasOwn(benches, name));
  if (unknown.length > 0) throw new Error(`there is no bench ${unknown.join(", ")}; there are ${Object.keys(benches).join(", ")}`);
  return names;
}

const { values } = parseArgs({ options: { json: { type: "string" }, readme: { type: "boolean" }, only: { type: "string" } } });
const names = namesOf(values.only);
if (values.readme === true && values.only !== undefined) throw new Error("--readme needs all figures; leave out --only");
const facts = machineFacts();
console.log(machineLine(facts));
const reports = new Map<string, Report>();
for (const name of Object.keys(benches).filter((candidate) => names.includes(candidate))) {
  const start = performance.now();
  const report = await benches[name]?.();
  if (report !== undefined) reports.set(name, report);
  console.error(`${name} took ${((performance.now() - start) / 1_000).toFixed(0)} s`);
}
const found = order.flatMap((name) => reports.get(name) ?? []);
const figures = found.flatMap((report) => report.figures);
console.log(`\n${plainTable(figures)}\n`);
for (const [name, { notes }] of reports) for (const note of notes) console.log(`${name}: ${note}`);
const about = { machine: facts, notes: Object.fromEntries([...reports].map(([name, { notes }]) => [name, notes])), figures };
if (values.json !== undefined) await writeFile(resolve(values.json), jsonOf(figures, about));
const where = `Measured on ${machineLine(facts)}. What each figure means and how it is measured: [test/bench](test/bench/README.md).`;
if (values.readme === true) await writeTable("bench", figures, where);
