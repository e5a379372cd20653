// Entry of the CLI and of `npm run gen`: finds the command, reads its arguments, turns every ending into an exit code.
// Refuses abbreviations and unknown options; never prints a stack for an expected failure.
import { randomBytes } from "node:crypto";
import process from "node:process";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { PortcullisError } from "../../shared/errors.ts";
import { checkCommand } from "./check.ts";
import { type Command, CommandError, type CommandIo, type ExitCode, exitCodes, UsageError } from "./command.ts";
import { drainCommand } from "./drain.ts";
import { explainCommand } from "./explain.ts";
import { genCommand } from "./gen.ts";
import { initCommand } from "./init.ts";
import { keyCommand } from "./key.ts";
import { planCommand } from "./plan.ts";
import { setupCommand } from "./setup.ts";
import { signCommand } from "./sign.ts";
import { stopCommand } from "./stop.ts";

/** In the order in which an operator meets them. */
const commands: readonly Command[] = [
  initCommand,
  genCommand,
  keyCommand,
  checkCommand,
  setupCommand,
  planCommand,
  explainCommand,
  signCommand,
  stopCommand,
  drainCommand,
];

const io: CommandIo = {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  env: process.env,
  input: () => text(process.stdin),
  now: () => Date.now(),
  randomBytes: (count) => new Uint8Array(randomBytes(count)),
};

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const list = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
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

function endOf(thrown: unknown, command: Command): ExitCode {
  if (thrown instanceof UsageError || isParseArgsError(thrown)) {
    io.err(`${command.name}: ${thrown.message}`);
    io.err(`Usage: ${command.usage}`);
    return exitCodes.usage;
  }
  if (thrown instanceof CommandError) io.err(`${command.name}: ${thrown.message}`);
  else if (thrown instanceof PortcullisError) io.err(`${command.name}: ${thrown.code}: ${thrown.message}`);
  else io.err(`${command.name}: unexpected: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`);
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
    io.out(overview());
    return name === undefined ? exitCodes.usage : exitCodes.ok;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return await runCommand(command, rest);
  io.err(`there is no command ${JSON.stringify(name)}\n\n${overview()}`);
  return exitCodes.usage;
}

process.exitCode = await main(process.argv.slice(2));
