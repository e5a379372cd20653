// Regressions as data: one file for each bug that a simulation found, with the shortest history that showed it. Reads them; runs nothing.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Script } from "../script.ts";
import type { Setting } from "../setting.ts";

export interface Regression {
  /** The file's. */
  readonly name: string;
  /** One line: what the bug taught. */
  readonly taught: string;
  readonly setting: Setting;
  readonly script: Script;
}

export function regressions(): readonly Regression[] {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".json"));
  return files.sort().map((file) => {
    const kept = JSON.parse(readFileSync(join(import.meta.dirname, file), "utf8")) as Omit<Regression, "name">;
    return { ...kept, name: file.slice(0, -".json".length) };
  });
}
