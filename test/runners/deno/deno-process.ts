// Runs laws in a Deno process from the repository's deno.json and reads what came of each.
import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import process from "node:process";
import { promisify } from "node:util";

const root = resolve(import.meta.dirname, "../../..");

/** Nothing is fetched, nobody is asked, nothing is phoned home. */
const environment = { ...process.env, NO_COLOR: "1", DENO_NO_PROMPT: "1", DENO_NO_UPDATE_CHECK: "1" };

/** Standard output of `deno ARGUMENTS`; rejects with its standard error when it fails. */
export async function runDeno(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(join(root, "node_modules/.bin/deno"), [...args], { cwd: root, env: environment, maxBuffer: 16 * 1024 * 1024 });
  return stdout;
}

/** Each law's name and its failure; null: it holds. A law that never came to an end is missing. */
export async function runLaws(which: "stores" | "lock" | "providers" | "senders"): Promise<ReadonlyMap<string, string | null>> {
  const output = await runDeno("run", "-A", "--no-remote", "test/runners/deno/laws.ts", which);
  const lines = output.split("\n").filter((line) => line.startsWith('{"name"'));
  return new Map(lines.map((line) => JSON.parse(line) as { name: string; error: string | null }).map(({ name, error }) => [name, error]));
}
