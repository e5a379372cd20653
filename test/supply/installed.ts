// What is really installed, beside what the lockfile says of it: install scripts. The lockfile's flag is npm's note at the time of adding.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Lockfile, nameAt } from "./lockfile.ts";

const installTimes = ["preinstall", "install", "postinstall"] as const;

interface PackageFile {
  readonly version?: string;
  readonly scripts?: Readonly<Record<string, string>>;
}

function hasScript(folder: string, { scripts = {} }: PackageFile): boolean {
  // npm runs node-gyp for it although no script says so (npm docs, using-npm/scripts, 2026-11).
  return installTimes.some((time) => scripts[time] !== undefined) || existsSync(join(folder, "binding.gyp"));
}

export interface Installed {
  /** Packages of which there is an installation to look at; those for other machines are not here. */
  readonly looked: number;
  readonly withScripts: readonly string[];
  /** Installed in another version than the lockfile says. */
  readonly faults: readonly string[];
}

/** Looks into each package that the lockfile places. */
export function readInstalled(root: string, lockfile: Lockfile): Installed {
  const withScripts: string[] = [];
  const faults: string[] = [];
  let looked = 0;
  for (const [place, entry] of Object.entries(lockfile.packages)) {
    const file = join(root, place, "package.json");
    if (place === "" || !existsSync(file)) continue;
    const found = JSON.parse(readFileSync(file, "utf8")) as PackageFile;
    looked += 1;
    if (found.version !== entry.version) faults.push(`${place}: ${found.version} is installed, the lockfile has ${entry.version}; run npm ci`);
    if (hasScript(join(root, place), found)) withScripts.push(nameAt(place));
  }
  return { looked, withScripts, faults };
}
