// Reading the operator's two files, with the message that helps when one is not there.
import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import process from "node:process";
import { type Lock, readLock } from "../../shared/config-file/index.ts";
import { CommandError } from "./command.ts";

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

export function readConfigText(path: string): string {
  if (existsSync(path)) return readFileSync(path, "utf8");
  throw new CommandError(`there is no ${relative(process.cwd(), path)}; copy the example and change it: cp portcullis.example.yaml portcullis.yaml`);
}
