// What every command of the CLI is: a name, its help, its options, and a run that answers with an exit code.
// Refuses to print: commands write through `CommandIo`, so that tests and other commands can listen.
import type { ParseArgsOptionsConfig } from "node:util";

/** Documented in `functions/cli/README.md`. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface CommandIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Everything on standard input. */
  readonly input: () => Promise<string>;
  readonly now: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
}

export type OptionValues = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

export interface Invocation {
  readonly values: OptionValues;
  readonly positionals: readonly string[];
  readonly io: CommandIo;
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly usage: string;
  readonly help: string;
  readonly options: ParseArgsOptionsConfig;
  readonly positionalsMax: number;
  run(invocation: Invocation): Promise<ExitCode>;
}

/** A mistake in how a command was called: printed with the usage line, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Something went wrong that the operator must know: printed as it is, exit code 1. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

export function textOption(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

export function textOptions(values: OptionValues, name: string): readonly string[] {
  const value = values[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

export function isSet(values: OptionValues, name: string): boolean {
  return values[name] === true;
}
