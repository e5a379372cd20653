// Builds and runs the baseline Worker exactly as the product is: the same wrangler settings, the same workerd.
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const environment = { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "true", NO_COLOR: "1" };

/** The deployment's own settings with another entry, less what only the product has: its build step and its object. */
export async function buildBare(folder: string): Promise<{ readonly script: string }> {
  const settings = (await readFile(join(root, "wrangler.toml"), "utf8"))
    .replace(/^\[build\][\s\S]*?(?=^\[)/m, "")
    .replace(/^\[\[durable_objects\.bindings\]\][\s\S]*?(?=^\[triggers\])/m, "")
    .replace(/^main = .*$/m, `main = ${JSON.stringify(join(import.meta.dirname, "bare-worker.ts"))}`);
  const config = join(folder, "bare.toml");
  await writeFile(config, settings);
  const outdir = join(folder, "bare");
  await run(join(root, "node_modules/.bin/wrangler"), ["deploy", "--dry-run", "--config", config, "--outdir", outdir], { cwd: root, env: environment });
  return { script: join(outdir, "bare-worker.js") };
}
