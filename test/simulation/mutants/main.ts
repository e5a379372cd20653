// `npm run sim:mutants`: takes one defence after the other out of a copy of the product and lets the simulation look for what breaks.
// Exit 1 when a mutant survives that nobody has called equivalent. `--ci`: each at the history that is known to catch it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Baseline, hunted, type Verdict } from "./hunting.ts";
import { mutants } from "./index.ts";
import type { Mutant } from "./mutant.ts";

const killedFile = join(import.meta.dirname, "killed.json");
type Known = Record<string, { readonly promise: string; readonly seed: number }>;
const readKnown = () => JSON.parse(readFileSync(killedFile, "utf8")) as Known;
const known = readKnown();

/** In the order of the mutants, whoever else records beside us. */
function record(name: string, caught: Known[string]): void {
  const all: Known = { ...readKnown(), [name]: caught };
  const inOrder = mutants.flatMap((mutant) => (Object.hasOwn(all, mutant.name) ? [[mutant.name, all[mutant.name]] as const] : []));
  writeFileSync(killedFile, `${JSON.stringify(Object.fromEntries(inOrder), null, 2)}\n`);
}

function wholeNumber(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} takes a whole number, not ${text}`);
  return value;
}

/** A mutant is tried first where it was caught before. */
function seedsFor({ name }: Mutant, first: number, count: number, ci: boolean): readonly number[] {
  const before = Object.hasOwn(known, name) ? known[name]?.seed : undefined;
  const all = Array.from({ length: count }, (_, index) => first + index);
  if (before === undefined) return all;
  return ci ? [before] : [before, ...all.filter((seed) => seed !== before)];
}

function textOf(mutant: Mutant, verdict: Verdict): string {
  if (verdict.kind === "killed") {
    const other = mutant.expect.some((promise) => promise === verdict.promise) ? "" : ` (expected: ${mutant.expect.join(", ")})`;
    return `killed by ${verdict.promise}${other} at seed ${verdict.seed}, the ${verdict.tried}. tried: ${verdict.what.slice(0, 220)}`;
  }
  const crashes = verdict.crashes.length === 0 ? "" : `; ${verdict.crashes.length} crashed, the first: ${verdict.crashes[0]?.what.slice(0, 300)}`;
  const unfit = verdict.unfit.length === 0 ? "" : `; the product itself breaks a promise at ${verdict.unfit.join(", ")}`;
  return `SURVIVED ${verdict.tried} histories${crashes}${unfit}`;
}

function rowOf({ name, from, equivalent }: Mutant, verdict: Verdict | null): string {
  const caught = verdict?.kind === "killed" ? `${verdict.promise}, seed ${verdict.seed}` : equivalent === undefined ? "SURVIVED" : `equivalent: ${equivalent}`;
  return `| ${name} | ${from} | ${caught} |`;
}

function chosen(only: readonly string[]): readonly Mutant[] {
  const unknown = only.filter((name) => !mutants.some((mutant) => mutant.name === name));
  if (unknown.length > 0) throw new Error(`there is no mutant ${unknown.join(", ")}`);
  return only.length === 0 ? mutants : mutants.filter(({ name }) => only.includes(name));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true, default: [] },
      seeds: { type: "string", default: "60" },
      from: { type: "string", default: "1" },
      children: { type: "string", default: "2" },
      ci: { type: "boolean", default: false },
      /** Keeps which seed caught which. */
      record: { type: "boolean", default: false },
      /** Those that are called equivalent too. */
      all: { type: "boolean", default: false },
    },
  });
  const wanted = chosen(values.only).filter(({ equivalent }) => equivalent === undefined || values.all);
  // In CI, those that are known to be caught: whether they still are. The others are listed as what they are, survivors.
  const hunting = wanted.filter(({ name }) => !values.ci || Object.hasOwn(known, name));
  const [first, count] = [wholeNumber(values.from, "from"), wholeNumber(values.seeds, "seeds")];
  const baseline = new Baseline();
  const verdicts = new Map<Mutant, Verdict>();
  const queue = [...hunting];
  const worker = async (): Promise<void> => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const verdict = await hunted(mutant, seedsFor(mutant, first, count, values.ci), baseline);
      verdicts.set(mutant, verdict);
      console.log(`${mutant.name}: ${textOf(mutant, verdict)}`);
      if (verdict.kind !== "killed" || !values.record) continue;
      record(mutant.name, { promise: verdict.promise, seed: verdict.seed });
    }
  };
  try {
    await Promise.all(Array.from({ length: wholeNumber(values.children, "children") }, worker));
  } finally {
    baseline.remove();
  }
  const shown = chosen(values.only).map((mutant) => rowOf(mutant, verdicts.get(mutant) ?? null));
  console.log(["", "| Mutant | Rule or defect | Caught by |", "|---|---|---|", ...shown].join("\n"));
  const survivors = hunting.filter((mutant) => verdicts.get(mutant)?.kind !== "killed" && mutant.equivalent === undefined);
  console.log(
    `\n${hunting.length} mutants: ${hunting.length - survivors.length} killed, ${survivors.length} survived; ${wanted.length - hunting.length} not tried`,
  );
  process.exitCode = survivors.length === 0 ? 0 : 1;
}

await main();
