// Runs the CLI as a process of its own, as an operator does, in a folder of its own.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";

const entry = resolve(import.meta.dirname, "../../functions/cli/main.ts");

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Nothing of the machine's own environment reaches the process, credentials least of all. */
export function portcullis(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return new Promise((done, fail) => {
    const env = { PATH: process.env.PATH ?? "", NODE_OPTIONS: "--no-warnings", ...options.env };
    const child = execFile(process.execPath, [entry, ...args], { cwd: options.cwd ?? process.cwd(), env, timeout: 50_000 }, (error, out, err) => {
      if (error !== null && typeof error.code !== "number") fail(error);
      else done({ code: typeof error?.code === "number" ? error.code : 0, out, err });
    });
    child.stdin?.end(options.input ?? "");
  });
}

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
