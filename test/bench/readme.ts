// Writes a table of figures between its marks in the main README, with the machine it was measured on. Nobody types one.
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism, cpus, loadavg } from "node:os";
import { basename, resolve } from "node:path";
import { type Figure, markdownTable } from "./figures.ts";

const readme = resolve(import.meta.dirname, "../../README.md");

export type Facts = Readonly<Record<string, string | number>>;

export function machineFacts(): Facts {
  const versionOf = (name: string): string => (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
    node: process.version,
    workerd: versionOf("workerd"),
    miniflare: versionOf("miniflare"),
    date: new Date().toISOString().slice(0, 10),
  };
}

export function machineLine(facts: Facts): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

/** `name`: of the marks `<!-- name:start -->` and `<!-- name:end -->`. */
export async function writeBetween(file: string, name: string, body: string): Promise<void> {
  const marks = { start: `<!-- ${name}:start -->`, end: `<!-- ${name}:end -->` };
  const text = await readFile(file, "utf8").catch(() => "");
  const [start, end] = [text.indexOf(marks.start), text.indexOf(marks.end)];
  if (start < 0 || end < start) throw new Error(`${basename(file)} has no ${marks.start} … ${marks.end}; nothing was written`);
  await writeFile(file, `${text.slice(0, start + marks.start.length)}\n${body}\n${text.slice(end)}`);
}

export async function writeTable(name: string, figures: readonly Figure[], about: string): Promise<void> {
  await writeBetween(readme, name, `${markdownTable(figures)}\n\n${about}`);
}
