// Runs histories in the copy of the sources that it lies in, one after the other, and says in one line each what broke.
// A process of its own: what a mutant does to its memory or its event loop ends with it.
import { runHistory } from "./histories.ts";
import type { Hunt } from "./mutant.ts";

export interface Probe {
  readonly hunt: Hunt;
  readonly seeds: readonly number[];
  /** Whether to stop at the first history in which a promise breaks. */
  readonly until: "broken" | "end";
}

export interface Found {
  readonly seed: number;
  /** A promise, `crash`, or null when all held. */
  readonly promise: string | null;
  readonly what: string;
  readonly tookMs: number;
}

async function main(): Promise<void> {
  const { hunt, seeds, until } = JSON.parse(process.argv[2] ?? "") as Probe;
  for (const seed of seeds) {
    const began = Date.now();
    const { broken } = await runHistory(seed, hunt);
    const found: Found = { seed, promise: broken?.promise ?? null, what: broken?.what ?? "", tookMs: Date.now() - began };
    console.log(JSON.stringify(found));
    // A crash is nobody's catch: another history may show a promise.
    if (until === "broken" && found.promise !== null && found.promise !== "crash") break;
  }
  // Lives that were killed still wait for answers that never come.
  process.exit(0);
}

await main();
