// `npm start`: the whole product on this machine, without an account. Starts it, says how to use it, and tells what happens
// until Ctrl-C or the time is over. Refuses to listen anywhere but on loopback.
import { copyFile, mkdir, rm, rmdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Demo, demoAcl, startDemo } from "./demo.ts";
import { narrate, tellLogged } from "./narrator.ts";
import { azureNames, otherClouds } from "./other-clouds.ts";
import { createJournal, type Journal } from "./page/journal.ts";
import { type Page, startPage } from "./page/server.ts";
import { readmeBlocks } from "./readme.ts";

const root = resolve(import.meta.dirname, "../..");
const usualPort = 8787;
const usualPagePort = 8788;
const tickEveryMs = 5_000;
const usualSeconds = 3_600;

const usage = `Usage: npm start -- [--port N] [--page-port N] [--seconds N] [--verbose] [--folder DIR]
  --port N     listen there; else ${usualPort}, or any free port when that is taken
  --page-port N  show the page there; else ${usualPagePort}, or any free port when that is taken
  --seconds N  end after this many seconds; else ${usualSeconds}
  --verbose    show what the Worker logs
  --folder DIR where to put the environment for a second shell; else .sandbox`;

interface Choices {
  readonly port: number;
  readonly pagePort: number;
  readonly seconds: number;
  readonly verbose: boolean;
  readonly folder: string;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function numberOf(text: string, name: string, most: number): number {
  if (/^[0-9]{1,6}$/.test(text) && Number(text) >= 1 && Number(text) <= most) return Number(text);
  throw new Error(`--${name} takes a whole number from 1 to ${most}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const server = createServer();
    server.once("error", () => answer(false));
    server.listen(port, "127.0.0.1", () => server.close(() => answer(true)));
  });
}

/** The port asked for, which must be free; else the usual one, or 0 for any when that is taken. */
async function portOf(text: string | undefined, name: string, usual: number): Promise<number> {
  if (text === undefined) return (await isFree(usual)) ? usual : 0;
  const asked = numberOf(text, name, 65_535);
  if (await isFree(asked)) return asked;
  throw new Error(`port ${asked} is taken; leave --${name} out for a free one`);
}

/** null: help was asked for. */
async function readChoices(args: readonly string[]): Promise<Choices | null> {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = { port: text, "page-port": text, seconds: text, folder: text, verbose: flag, help: flag };
  const { values } = parseArgs({ args: [...args], options, strict: true });
  if (values.help === true) return null;
  const port = await portOf(values.port, "port", usualPort);
  const pagePort = await portOf(values["page-port"], "page-port", usualPagePort);
  const seconds = values.seconds === undefined ? usualSeconds : numberOf(values.seconds, "seconds", 86_400);
  return { port, pagePort, seconds, verbose: values.verbose === true, folder: resolve(values.folder ?? join(root, ".sandbox")) };
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** For a second shell: the variables of the README's lines, and the configuration for the CLI. */
async function writeFolder(demo: Demo, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await copyFile(demo.stack.configFile, join(folder, "portcullis.yaml"));
  const lines = Object.entries(demo.environment).map(([name, value]) => `export ${name}=${quoted(value)}\n`);
  await writeFile(join(folder, "env"), lines.join(""), { mode: 0o600 });
}

function environmentLine(folder: string): string {
  return `. ${quoted(join(folder, "env"))}`;
}

async function explain({ keys, stack }: Demo, page: Page, { seconds, folder }: Choices): Promise<void> {
  say(`
Watch the firewalls at   ${page.url}

Portcullis runs at       ${stack.url}
admin key                ${keys.admin}
detector key             ${keys.detector}
signing secret           ${keys.signing}

Three simulated firewalls, each with rules of a person's that stay as they are:
  aws-web    network ACL ${demoAcl}; rules 1 to 40 are for Portcullis
  azure-hub  network security group ${azureNames.nsg}; priorities 100 and 101 are for Portcullis
  edge       Cloudflare list portcullis, and the custom rule of its zone that makes it count
Ticks come every ${tickEveryMs / 1_000} s (deployed: 60 s), and the store is never behind (deployed: taken as
up to 115 s), so that a rule is seen to come and go within a minute. Never blocked here: 198.51.100.0/24, and the presets.

In a second shell, first:

  ${environmentLine(folder)}

then any of these (they are the README's):`);
  for (const { intro, script } of (await readmeBlocks()).filter((block) => block.script.includes("curl "))) {
    say(`\n# ${intro}`);
    say(script);
  }
  say(`\nCtrl-C ends it; else it ends by itself after ${seconds} s. What happens:\n`);
}

interface Ending {
  readonly reached: Promise<string>;
  /** Whether it has come already. */
  readonly isOver: () => boolean;
  /** To be called again after anything that listens to signals itself. */
  readonly listen: () => void;
}

/** Ends at a signal or when the time is over, whichever is first. */
function endingAfter(seconds: number): Ending {
  let over = false;
  let resolveEnd: (why: string) => void = () => undefined;
  const reached = new Promise<string>((resolvePromise) => {
    resolveEnd = resolvePromise;
  });
  const end = (why: string): void => {
    over = true;
    resolveEnd(why);
  };
  setTimeout(() => end(`${seconds} s are over`), seconds * 1_000);
  const stop = (): void => end("stopped");
  // Ours alone: miniflare leaves the process at a signal before anything could be tidied up (5.20261023.2-beta, read 2026-11).
  const listen = (): void => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.removeAllListeners(signal).on(signal, stop);
  };
  listen();
  return { reached, isOver: () => over, listen };
}

async function serve(demo: Demo, journal: Journal, choices: Choices, ending: Ending): Promise<void> {
  await writeFolder(demo, choices.folder);
  const page = await startPage({
    firewalls: demo.firewalls,
    journal,
    worker: { url: () => demo.stack.url, key: demo.keys.watcher },
    port: choices.pagePort,
    environmentLine: environmentLine(choices.folder),
  });
  await explain(demo, page, choices);
  const silence = narrate(demo, journal, say);
  // A tick that failed has been told by the log; the next one comes anyway.
  const ticks = setInterval(() => demo.stack.worker.tick().catch(() => undefined), tickEveryMs);
  const why = await ending.reached;
  clearInterval(ticks);
  silence();
  await page.close();
  await demo.stack.close();
  for (const name of ["env", "portcullis.yaml"]) await rm(join(choices.folder, name), { force: true });
  // Kept when somebody put something else there.
  await rmdir(choices.folder).catch(() => undefined);
  say(`\nThe sandbox is closed (${why}); nothing is left behind.`);
}

async function run(choices: Choices): Promise<void> {
  say("Building the Worker and starting it with simulated AWS, Azure and Cloudflare on loopback; a few seconds …");
  const ending = endingAfter(choices.seconds);
  const journal = createJournal();
  let ready = false;
  const onLog = (line: string): void => {
    if (ready) tellLogged(line, journal);
    if (choices.verbose) say(line);
  };
  try {
    const demo = await startDemo({ clouds: otherClouds, port: choices.port, onLog });
    ready = true;
    ending.listen();
    await serve(demo, journal, choices, ending);
  } catch (thrown) {
    // Ctrl-C reaches the build's processes too, and what they then say is no failure.
    if (!ending.isOver()) throw thrown;
    say("Stopped before it had started.");
  }
}

try {
  const choices = await readChoices(process.argv.slice(2));
  if (choices === null) say(usage);
  else await run(choices);
  process.exit(0);
} catch (thrown) {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n${usage}\n`);
  process.exit(1);
}
