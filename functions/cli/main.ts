// Entry of the CLI and of `npm run gen`: finds the command, reads its arguments, turns every ending into an exit code.
// Refuses abbreviations and unknown options; never prints a stack for an expected failure.
import { randomBytes } from "node:crypto";
import process from "node:process";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { PortcullisError } from "../../shared/errors.ts";
import { type Command, CommandError, type CommandIo, type ExitCode, exitCodes, UsageError } from "./command.ts";
import { plainLines } from "./function-client.ts";

/** In the order in which an operator meets them. Loaded when asked for: no command waits for the others' libraries. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import("./init.ts")).initCommand,
  gen: async () => (await import("./gen.ts")).genCommand,
  key: async () => (await import("./key.ts")).keyCommand,
  check: async () => (await import("./check.ts")).checkCommand,
  setup: async () => (await import("./setup.ts")).setupCommand,
  plan: async () => (await import("./plan.ts")).planCommand,
  explain: async () => (await import("./explain.ts")).explainCommand,
  fit: async () => (await import("./fit.ts")).fitCommand,
  playbook: async () => (await import("./playbook.ts")).playbookCommand,
  sign: async () => (await import("./sign.ts")).signCommand,
  stop: async () => (await import("./stop.ts")).stopCommand,
  drain: async () => (await import("./drain.ts")).drainCommand,
};

const io: CommandIo = {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  env: process.env,
  input: () => text(process.stdin),
  now: () => Date.now(),
  randomBytes: (count) => new Uint8Array(randomBytes(count)),
};

async function overview(): Promise<string> {
  const loaded = await Promise.all(Object.values(commands).map((load) => load()));
  const width = Math.max(...loaded.map(({ name }) => name.length));
  const list = loaded.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    "Usage: npm run portcullis -- <command> [options]",
    "",
    ...list,
    "",
    "`<command> --help` says more. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.",
  ].join("\n");
}

function isParseArgsError(thrown: unknown): thrown is Error {
  return thrown instanceof Error && "code" in thrown && String(thrown.code).startsWith("ERR_PARSE_ARGS");
}

function failureText(thrown: unknown): string {
  if (thrown instanceof CommandError) return thrown.message;
  if (thrown instanceof PortcullisError) return `${thrown.code}: ${thrown.message}`;
  return `unexpected: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`;
}

function endOf(thrown: unknown, command: Command): ExitCode {
  if (thrown instanceof UsageError || isParseArgsError(thrown)) {
    io.err(`${command.name}: ${thrown.message}`);
    io.err(`Usage: ${command.usage}`);
    return exitCodes.usage;
  }
  // What failed may be told in a cloud's or a proxy's words.
  io.err(plainLines(`${command.name}: ${failureText(thrown)}`));
  return exitCodes.failed;
}

async function runCommand(command: Command, args: readonly string[]): Promise<ExitCode> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...command.options, help: { type: "boolean", short: "h" } },
      allowPositionals: true,
      strict: true,
    });
    if (values.help === true) {
      io.out(`Usage: ${command.usage}\n\n${command.help}`);
      return exitCodes.ok;
    }
    if (positionals.length > command.positionalsMax) throw new UsageError(`too many arguments: ${positionals.slice(command.positionalsMax).join(" ")}`);
    return await command.run({ values, positionals, io });
  } catch (thrown) {
    return endOf(thrown, command);
  }
}

async function main(args: readonly string[]): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    io.out(await overview());
    return name === undefined ? exitCodes.usage : exitCodes.ok;
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load !== undefined) return await runCommand(await load(), rest);
  io.err(`there is no command ${JSON.stringify(name)}\n\n${await overview()}`);
  return exitCodes.usage;
}

// Whoever reads us may stop early, as `| head` does; that is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

process.exitCode = await main(process.argv.slice(2));
