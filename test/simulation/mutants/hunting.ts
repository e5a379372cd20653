// Hunts one mutant: history after history until a named promise breaks in one that the unmutated product goes through unharmed.
// Owns the child processes and what is known of the product itself; prints nothing.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { type Copy, copyWith } from "./copy.ts";
import type { Hunt, Mutant } from "./mutant.ts";
import type { Found, Probe } from "./probe.ts";

export type Verdict =
  | { readonly kind: "killed"; readonly promise: string; readonly seed: number; readonly tried: number; readonly what: string }
  | { readonly kind: "survived"; readonly tried: number; readonly crashes: readonly Found[]; readonly unfit: readonly number[] };

/** One history must end within this; one that goes round in circles is stopped by the scheduler long before. */
const historyMsMax = 10 * 60_000;

function probe(folder: string, asked: Probe): Promise<readonly Found[]> {
  return new Promise((resolve, reject) => {
    const script = join(folder, "test/simulation/mutants/probe.ts");
    const child = spawn(process.execPath, [script, JSON.stringify(asked)], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let complaints = "";
    let patience = setTimeout(() => child.kill("SIGKILL"), historyMsMax);
    child.stdout.on("data", (piece: Buffer) => {
      out += piece.toString();
      clearTimeout(patience);
      patience = setTimeout(() => child.kill("SIGKILL"), historyMsMax);
    });
    child.stderr.on("data", (piece: Buffer) => {
      complaints = `${complaints}${piece.toString()}`.slice(-2_000);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(patience);
      const lines = out.split("\n").filter((line) => line !== "");
      const found = lines.map((line) => JSON.parse(line) as Found);
      const next = asked.seeds[found.length];
      if (code === 0) resolve(found);
      else if (next === undefined) reject(new Error(`the histories in ${folder} ended with ${code}: ${complaints}`));
      // The process itself came to harm: that is a crash of the history it was in.
      else resolve([...found, { seed: next, promise: "crash", what: complaints, tookMs: 0 }]);
    });
  });
}

/** The product as it is, and in which histories it was seen to hold. */
export class Baseline {
  readonly #copy: Copy = copyWith([]);
  readonly #known = new Map<string, Promise<Found>>();

  /** What breaks there in the product itself; `promise` null: nothing. */
  at(hunt: Hunt, seed: number): Promise<Found> {
    const name = `${seed} ${JSON.stringify(hunt)}`;
    const known = this.#known.get(name) ?? probe(this.#copy.folder, { hunt, seeds: [seed], until: "end" }).then(([found]) => found ?? lostFor(seed));
    this.#known.set(name, known);
    return known;
  }

  get folder(): string {
    return this.#copy.folder;
  }

  remove(): void {
    this.#copy.remove();
  }
}

function lostFor(seed: number): Found {
  return { seed, promise: "crash", what: "no answer", tookMs: 0 };
}

export async function hunted(mutant: Mutant, seeds: readonly number[], baseline: Baseline): Promise<Verdict> {
  const copy = copyWith(mutant.edits, baseline.folder);
  const hunt = mutant.hunt ?? {};
  const crashes: Found[] = [];
  const unfit: number[] = [];
  try {
    for (let at = 0; at < seeds.length; ) {
      const found = await probe(copy.folder, { hunt, seeds: seeds.slice(at), until: "broken" });
      at += Math.max(1, found.length);
      crashes.push(...found.filter(({ promise }) => promise === "crash"));
      const last = found.at(-1);
      if (last === undefined || last.promise === null || last.promise === "crash") continue;
      const { promise, seed, what } = last;
      if ((await baseline.at(hunt, seed)).promise === null) return { kind: "killed", promise, seed, tried: at, what };
      unfit.push(seed);
    }
    return { kind: "survived", tried: seeds.length, crashes, unfit };
  } finally {
    copy.remove();
  }
}
