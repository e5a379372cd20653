// Builds the product for a runtime as its deployment would, with another configuration: the YAML goes through the same `gen`.
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Config } from "../../shared/config.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const bin = (name: string) => join(root, "node_modules/.bin", name);
/** wrangler must neither phone home nor ask. */
const environment = { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "true", NO_COLOR: "1" };

export interface BuildOptions {
  /** Where everything of this build goes; made when absent. */
  readonly folder: string;
  readonly yaml: string;
  /** What a sandbox may have and a deployment may not, such as a store that is never stale. */
  readonly adjust?: (config: Config) => Config;
}

export interface Build {
  readonly config: Config;
  /** The bundle that workerd runs. */
  readonly script: string;
  /** The bundler's own account of what is in it. */
  readonly metafile: string;
}

async function runOrExplain(file: string, args: readonly string[]): Promise<void> {
  try {
    await run(file, [...args], { cwd: root, env: environment, maxBuffer: 16 * 1024 * 1024 });
  } catch (thrown) {
    const { stdout = "", stderr = "" } = thrown as { stdout?: string; stderr?: string };
    throw new Error(`${file} ${args.join(" ")} failed:\n${stdout}\n${stderr}`, { cause: thrown });
  }
}

interface Generated {
  readonly config: Config;
  /** What stands in for the generated files of package.json's `imports`. */
  readonly aliases: Readonly<Record<string, string>>;
}

async function generate({ folder, yaml, adjust = (config) => config }: BuildOptions): Promise<Generated> {
  await mkdir(folder, { recursive: true });
  const source = join(folder, "portcullis.yaml");
  await writeFile(source, yaml);
  await runOrExplain(bin("node"), ["functions/cli/main.ts", "gen", "--config", source, "--out", folder]);
  const configFile = join(folder, "config.json");
  const config = adjust(JSON.parse(await readFile(configFile, "utf8")) as Config);
  await writeFile(configFile, JSON.stringify(config, null, 2));
  return { config, aliases: { "#config": configFile, "#providers": join(folder, "providers.ts"), "#playbooks": join(folder, "playbooks.ts") } };
}

/** What Deno takes in place of the imports in deno.json. */
export async function buildDeno(options: BuildOptions): Promise<{ config: Config; importMap: string }> {
  const { config, aliases } = await generate(options);
  const importMap = join(options.folder, "import-map.json");
  const imports = Object.fromEntries(Object.entries(aliases).map(([name, file]) => [name, pathToFileURL(file).href]));
  await writeFile(importMap, JSON.stringify({ imports }));
  return { config, importMap };
}

export async function buildWorker(options: BuildOptions): Promise<Build> {
  const { folder } = options;
  const { config, aliases } = await generate(options);
  const lines = Object.entries(aliases).map(([name, file]) => `"${name}" = ${JSON.stringify(file)}`);
  // The deployment's own settings, less the build step: the configuration above stands in for it.
  const settings = (await readFile(join(root, "wrangler.toml"), "utf8"))
    .replace(/^\[build\][\s\S]*?(?=^\[)/m, "")
    .replace(/^main = .*$/m, `main = ${JSON.stringify(join(root, "functions/worker.ts"))}`)
    .replaceAll('= "./', `= "${root}/`)
    .replace(/^\[alias\]$/m, `[alias]\n${lines.join("\n")}`);
  await writeFile(join(folder, "wrangler.toml"), settings);
  const metafile = join(folder, "metafile.json");
  const places = ["--config", join(folder, "wrangler.toml"), "--outdir", join(folder, "bundle"), "--metafile", metafile];
  await runOrExplain(bin("wrangler"), ["deploy", "--dry-run", ...places]);
  return { config, script: join(folder, "bundle/worker.js"), metafile };
}
