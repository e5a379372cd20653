// Reading the operator's two files, with the message that helps when one is not there.
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { type Lock, type PlaybookText, readLock, starterPrefix } from "../../shared/config-file/index.ts";
import { CommandError } from "./command.ts";
import { repositoryRoot } from "./definitions.ts";

/** `portcullis.yaml` has `portcullis.lock.json` beside it. */
export function lockPathOf(configPath: string): string {
  return `${configPath.replace(/\.ya?ml$/, "")}.lock.json`;
}

export function readLockFile(path: string): Lock | null {
  if (!existsSync(path)) return null;
  const lock = readLock(readFileSync(path, "utf8"));
  if (lock !== null) return lock;
  throw new CommandError(`${path} cannot be read; restore it from version control (it says which targets may hold entries)`);
}

/** Finds the playbooks that a configuration names: from its own folder, or from the starter set. */
export function playbookTextFor(configPath: string): PlaybookText {
  return (place) => {
    const name = place.startsWith(starterPrefix) ? place.slice(starterPrefix.length) : null;
    if (name !== null && !/^[a-z0-9-]+$/.test(name)) return null;
    const path = name === null ? resolve(dirname(configPath), place) : join(repositoryRoot, "functions/playbooks", `${name}.yaml`);
    if (!existsSync(path) || !statSync(path).isFile()) return null;
    return { text: readFileSync(path, "utf8"), file: relative(process.cwd(), path) };
  };
}

export function readConfigText(path: string): string {
  if (existsSync(path)) return readFileSync(path, "utf8");
  throw new CommandError(`there is no ${relative(process.cwd(), path)}; copy the example and change it: cp portcullis.example.yaml portcullis.yaml`);
}
