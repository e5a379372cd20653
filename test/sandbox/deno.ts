// Runs the product in Deno on loopback, a process of its own: real HTTP, real Deno KV in a file, ticks on demand.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdir, mkdtemp } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { RunningWorker, WorkerOptions } from "./worker.ts";

const root = resolve(import.meta.dirname, "../..");

export interface DenoOptions extends Omit<WorkerOptions, "script"> {
  /** Made by `buildDeno`. */
  readonly importMap: string;
  /** For the database when it need not outlive the process. */
  readonly folder: string;
  /** As the platform would set it; `production` unless the test is about previews. */
  readonly timeline?: string;
}

export interface RunningDeno extends RunningWorker {
  /** As a crash would end it: nothing is released, nothing written down. */
  kill(): Promise<void>;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

/** Resolves with the two ports that the entry says first; rejects with what it said when it ends instead. */
function portsOf(child: Child, onLog: (line: string) => void): Promise<{ door: number; side: number }> {
  return new Promise((resolvePorts, reject) => {
    const said: string[] = [];
    const hear = (line: string): void => {
      said.push(line);
      if (line.startsWith('{"door"')) resolvePorts(JSON.parse(line) as { door: number; side: number });
      else onLog(line);
    };
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", hear);
    child.once("exit", (code) => reject(new Error(`Deno ended with ${code}:\n${said.join("\n")}`)));
  });
}

async function stop(child: Child, signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((end) => child.once("exit", end));
  child.kill(signal);
  await ended;
}

export async function startDeno(options: DenoOptions): Promise<RunningDeno> {
  const { bindings, importMap, folder, persistTo, port = 0, played = {}, timeline = "production", onLog = () => undefined } = options;
  if (options.coordinator === "none") throw new Error("on Deno there is always a coordinator: its lock is in the store");
  if (persistTo !== undefined) await mkdir(persistTo, { recursive: true });
  const database = join(persistTo ?? (await mkdtemp(join(folder, "kv-"))), "kv.sqlite");
  const arguments_ = ["run", "-A", "--no-remote", `--import-map=${importMap}`, join(root, "test/sandbox/deno-entry.ts")];
  const { PATH, HOME } = process.env;
  const environment = { PATH, HOME, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...bindings, DENO_TIMELINE: timeline, PORTCULLIS_KV_PATH: database };
  const child = spawn(join(root, "node_modules/.bin/deno"), arguments_, {
    cwd: root,
    env: { ...environment, SANDBOX_PORT: String(port), SANDBOX_PLAYED: JSON.stringify(played) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { door, side } = await portsOf(child, onLog);
  const ask = async (path: string, method: "GET" | "POST"): Promise<unknown> => (await fetch(`http://127.0.0.1:${side}${path}`, { method })).json();
  return {
    url: `http://127.0.0.1:${door}`,
    tick: async () => (await ask("/tick", "POST")) as "ok" | "failed",
    keys: async () => (await ask("/keys", "GET")) as { name: string; metadata: unknown }[],
    close: () => stop(child),
    kill: () => stop(child, "SIGKILL"),
  };
}
