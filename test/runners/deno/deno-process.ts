// Runs a file in Deno as a process of its own, from the repository's deno.json.
import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import process from "node:process";
import { promisify } from "node:util";

const root = resolve(import.meta.dirname, "../../..");
export const denoBin = join(root, "node_modules/.bin/deno");

/** What any Deno of ours runs with: nothing is fetched, nobody is asked, nothing is phoned home. */
export const denoEnvironment: Readonly<Record<string, string | undefined>> = { ...process.env, NO_COLOR: "1", DENO_NO_PROMPT: "1", DENO_NO_UPDATE_CHECK: "1" };

/** Standard output of `deno ARGUMENTS`; rejects with its standard error when it fails. */
export async function runDeno(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(denoBin, [...args], { cwd: root, env: denoEnvironment, maxBuffer: 16 * 1024 * 1024 });
  return stdout;
}
