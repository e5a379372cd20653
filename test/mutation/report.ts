// From Stryker's results to the words of one room: the score, who survived, and which notes about survivors are wrong.
import type { Survivor } from "./survivors.ts";

/** What we read of Stryker's JSON report. */
export interface MutationReport {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly MutantResult[] }>>;
}

interface Position {
  readonly line: number;
  readonly column: number;
}

export interface MutantResult {
  readonly location: { readonly start: Position; readonly end: Position };
  readonly replacement?: string;
  readonly status: "Killed" | "Survived" | "NoCoverage" | "CompileError" | "RuntimeError" | "Timeout" | "Ignored" | "Pending";
}

/** A mutant with the text that it changes. */
export interface Mutation {
  readonly file: string;
  readonly at: number;
  readonly line: string;
  readonly from: string;
  readonly to: string;
  readonly status: MutantResult["status"];
}

export interface RoomReport {
  readonly mutants: number;
  readonly killed: number;
  readonly equivalent: number;
  /** Percent of those that are not known to be equivalent. */
  readonly score: number;
  readonly survived: readonly Mutation[];
  /** Mutants that never ran: a broken tool, not a weak test. */
  readonly broken: readonly Mutation[];
  /** Notes about a mutant that a test kills. */
  readonly wrongNotes: readonly string[];
  /** Notes that name no mutant of these files any more. */
  readonly staleNotes: readonly string[];
}

/** `RuntimeError`: a test file does not even load, which fails a run as surely as a test does. */
const killed: readonly string[] = ["Killed", "Timeout", "RuntimeError"];
const survived: readonly string[] = ["Survived", "NoCoverage"];

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

/** `text` has the whole file of the mutant. */
export function mutationOf(result: MutantResult, file: string, text: string): Mutation {
  const { start, end } = result.location;
  const lines = text.split("\n").slice(start.line - 1, end.line);
  const line = (lines[0] ?? "").trim();
  // Columns count from 1; the last line is cut first, so that cutting the first one moves nothing when they are the same.
  lines.push((lines.pop() ?? "").slice(0, end.column - 1));
  lines.unshift((lines.shift() ?? "").slice(start.column - 1));
  const from = lines.join("\n");
  return { file, at: start.line, line, from: oneLine(from), to: oneLine(result.replacement ?? ""), status: result.status };
}

function isNoteOf(note: Survivor, mutation: Mutation): boolean {
  return note.file === mutation.file && note.line === mutation.line && note.from === mutation.from && note.to === mutation.to;
}

export function reportOf(all: readonly Mutation[], notes: readonly Survivor[]): RoomReport {
  const mutants = all.filter((mutation) => mutation.status !== "Ignored");
  const files = new Set(all.map((mutation) => mutation.file));
  const isNoted = (mutation: Mutation): boolean => notes.some((note) => isNoteOf(note, mutation));
  const left = mutants.filter((mutation) => survived.includes(mutation.status));
  const equivalent = left.filter(isNoted).length;
  const died = mutants.filter((mutation) => killed.includes(mutation.status)).length;
  const counted = mutants.length - equivalent;
  const mine = notes.filter((note) => files.has(note.file)).map((note) => ({ note, named: mutants.filter((mutation) => isNoteOf(note, mutation)) }));
  const textOf = (note: Survivor): string => `${note.file}: ${note.from} → ${note.to} in "${note.line}"`;
  return {
    mutants: mutants.length,
    killed: died,
    equivalent,
    score: counted === 0 ? 100 : (100 * died) / counted,
    survived: left.filter((mutation) => !isNoted(mutation)),
    broken: mutants.filter((mutation) => !killed.includes(mutation.status) && !survived.includes(mutation.status)),
    wrongNotes: mine
      .filter(({ named }) => named.some((mutation) => mutation.status === "Killed"))
      .map(({ note }) => `${textOf(note)} is killed by a test, so it is not equivalent; remove the note`),
    staleNotes: mine.filter(({ named }) => named.length === 0).map(({ note }) => `${textOf(note)} names no mutant any more; correct or remove the note`),
  };
}

export function mutationText(mutation: Mutation): string {
  return `${mutation.file}:${mutation.at} ${mutation.status}\n    ${mutation.line}\n    ${mutation.from}  →  ${mutation.to}`;
}
