// Reads weighted addresses and plain lists for `fit`: every line is understood or refused by its number; nothing is skipped in silence.
import { existsSync, readFileSync } from "node:fs";
import { type Cidr, parseCidr } from "../../shared/address/index.ts";
import type { FitSource } from "../../shared/fit/index.ts";
import { CommandError, type CommandIo } from "./command.ts";

/** Refused lines that are shown; the others are counted. */
const shownMax = 5;

const example = "write an address or a range, and its weight after a tab, such as 203.0.113.7<TAB>3 (no weight: 1)";

async function textOf(path: string, io: CommandIo): Promise<string> {
  if (path === "-") return await io.input();
  if (!existsSync(path)) throw new CommandError(`there is no ${path}; give a file with one address or range per line, or - for standard input`);
  return readFileSync(path, "utf8");
}

function weightOf(text: string | undefined): number | null {
  if (text === undefined) return 1;
  const weight = /^[0-9.]+(?:e[+-]?[0-9]+)?$/i.test(text) ? Number(text) : Number.NaN;
  return weight > 0 && Number.isFinite(weight) ? weight : null;
}

/** The source on a line, or what is wrong with it. */
function readLine(line: string): FitSource | string {
  const [address = "", weightText, ...more] = line.trim().split(/[ \t]+/);
  if (more.length > 0) return `has ${more.length + 2} columns; ${example}`;
  const parsed = parseCidr(address);
  if (!parsed.ok) return parsed.error.message;
  const weight = weightOf(weightText);
  return weight === null ? `has the weight ${JSON.stringify(weightText)}; write a number above 0` : { cidr: parsed.value, weight };
}

/** Empty lines and lines that start with # or ; are comments. */
export async function readSources(path: string, io: CommandIo): Promise<readonly FitSource[]> {
  const name = path === "-" ? "standard input" : path;
  const sources: FitSource[] = [];
  const faults: string[] = [];
  (await textOf(path, io)).split("\n").forEach((line, at) => {
    if (/^\s*(?:[#;]|$)/.test(line)) return;
    const read = readLine(line);
    if (typeof read === "string") faults.push(`${name}:${at + 1}: ${read}`);
    else sources.push(read);
  });
  if (faults.length > 0) {
    const more = faults.length > shownMax ? [`… and ${faults.length - shownMax} more lines`] : [];
    throw new CommandError([...faults.slice(0, shownMax), ...more, "nothing was computed; put # before lines that are to be ignored"].join("\n"));
  }
  if (sources.length === 0) throw new CommandError(`${name} has no addresses; ${example}`);
  return sources;
}

export async function readBlocks(path: string | undefined, io: CommandIo): Promise<readonly Cidr[]> {
  return path === undefined ? [] : (await readSources(path, io)).map(({ cidr }) => cidr);
}
