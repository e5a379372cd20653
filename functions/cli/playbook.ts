// `playbook`: tests playbooks by the cases beside them, and explains what they would do about an event. Computes only: no function is asked, nothing is done.
import { existsSync, readFileSync } from "node:fs";
import { eventSources } from "../../shared/config.ts";
import { mappingDefaults } from "../../shared/config-file/defaults.ts";
import { problemText } from "../../shared/config-file/index.ts";
import { pathText } from "../../shared/config-file/problem.ts";
import { validate } from "../../shared/config-file/validate.ts";
import type { DetectionEvent } from "../../shared/event/event.ts";
import { type Decision, decide, noHistory } from "../../shared/playbook/decide.ts";
import { eventOf, wholeEventSchema } from "../../shared/playbook/event-schema.ts";
import { actionText, judge } from "../../shared/playbook/verdict.ts";
import { adapters } from "../../shared/source/index.ts";
import { bodyPayload } from "../routes/payload.ts";
import { type Command, CommandError, type CommandIo, type ExitCode, exitCodes, type Invocation, isSet, UsageError } from "./command.ts";
import { plain, plainJson } from "./function-client.ts";
import { type FoundPlaybook, findPlaybooks } from "./playbook-files.ts";

interface Tally {
  readonly cases: number;
  readonly branches: number;
  readonly faults: readonly string[];
}

/** One playbook by its cases: what is wrong, as lines that name file and line. */
function tallyOf({ file, casesFile, compiled, cases }: FoundPlaybook): Tally {
  if (cases === null) return { cases: 0, branches: 0, faults: [`${file}: no cases; write ${casesFile}, with \`cases:\` and one case after each dash`] };
  const { results, branches } = judge(compiled, cases);
  const differing = results.flatMap(({ name, line, faults }) => faults.map((fault) => `${casesFile}:${line} ${name}: ${fault}`));
  const open = branches.filter(({ covered }) => !covered).map(({ name }) => `${casesFile}: no case shows this branch: ${name}; add one`);
  return { cases: results.length, branches: branches.length, faults: [...differing, ...open] };
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : word.endsWith("h") ? "es" : "s"}`;
}

function test(place: string | undefined, io: CommandIo): ExitCode {
  const { playbooks, problems } = findPlaybooks(place);
  for (const problem of problems) io.err(plain(problemText(problem)));
  const tallies = playbooks.map((found) => ({ found, ...tallyOf(found) }));
  for (const { found, cases, branches, faults } of tallies) {
    for (const fault of faults) io.err(plain(fault));
    if (faults.length === 0) io.out(plain(`${found.file}: ${counted(cases, "case")} as expected, all ${counted(branches, "branch")} shown`));
  }
  const wrong = problems.length + tallies.reduce((sum, { faults }) => sum + faults.length, 0);
  if (wrong === 0) return exitCodes.ok;
  io.err(`${counted(wrong, "problem")}; correct the playbook or its cases and run it again`);
  return exitCodes.failed;
}

async function readText(path: string, io: CommandIo): Promise<string> {
  if (path !== "-" && !existsSync(path)) throw new CommandError(`there is no ${path}; give a file with one event as JSON, or - for standard input`);
  return path === "-" ? await io.input() : readFileSync(path, "utf8");
}

function nameOf(path: string): string {
  return path === "-" ? "standard input" : path;
}

function eventIn(text: string, path: string): DetectionEvent {
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch (error) {
    throw new CommandError(`${nameOf(path)} is not JSON: ${error instanceof Error ? error.message : ""}; write one event as a JSON object`);
  }
  const { value, findings } = validate(wholeEventSchema, input, []);
  const lines = findings.map((one) => `${nameOf(path)} ${pathText(one.path)}: ${one.message}; ${one.remedy}`);
  if (value === null || lines.length > 0) {
    const other = `what a detector sends is read with --from SOURCE (${eventSources.join(", ")})`;
    throw new CommandError([`this is no event; shared/playbook/README.md has its fields, and ${other}`, ...lines].join("\n"));
  }
  return eventOf(value);
}

/** The events in what a detector sent, as its route would read it; what is none is told. */
async function eventsFrom(text: string, path: string, source: string, io: CommandIo): Promise<readonly DetectionEvent[]> {
  const known = eventSources.find((name) => name === source);
  if (known === undefined) throw new UsageError(`--from takes one of ${eventSources.join(", ")}, not ${JSON.stringify(source)}`);
  const payload = await bodyPayload(new Headers(), new TextEncoder().encode(text), known);
  if (!payload.ok) throw new CommandError(`${nameOf(path)}: ${payload.reason}`);
  const events: DetectionEvent[] = [];
  for (const entry of adapters[known].read(payload.value, { severity: "medium", samples: true, mapping: mappingDefaults.generic })) {
    if (entry.kind === "event") events.push(entry.event);
    else io.err(plain(`${nameOf(path)} item ${entry.item} is ${entry.kind}: ${entry.reason}`));
  }
  if (events.length === 0) throw new CommandError(`${nameOf(path)} holds no event of ${known}`);
  return events;
}

/** Decisions as lines: the verdict, the reason, then what would be done, stage by stage. */
function explanation({ playbook, title, outcome, why, stages }: Decision): readonly string[] {
  const verdict = { acts: "FIRES", asks: "ASKS", observes: "WOULD FIRE", throttled: "THROTTLED", no: "no" }[outcome];
  const actions = stages.flatMap((stage, at) =>
    stage.map((action) => {
      const nothing = action.nothing === null ? "" : `: nothing to do, ${action.nothing}`;
      const left = action.left.length === 0 ? "" : ` (left alone: ${action.left.join("; ")})`;
      return `    ${at + 1}. ${actionText(action)}${nothing}${left}`;
    }),
  );
  return [`${verdict.padEnd(10)} ${playbook} (${title})`, `    ${why}`, ...actions];
}

interface Told {
  readonly event: string;
  readonly decisions: readonly Decision[];
}

/** What fires first. Of several events each has its name above. */
function explained({ event, decisions }: Told, isOneOfSeveral: boolean): readonly string[] {
  const lines = decisions.toSorted((a, b) => Number(b.matches) - Number(a.matches)).flatMap(explanation);
  return isOneOfSeveral ? [event, ...lines] : lines;
}

async function explain(path: string, place: string | undefined, { values, io }: Invocation): Promise<ExitCode> {
  const { playbooks, problems } = findPlaybooks(place);
  if (problems.length > 0) {
    for (const problem of problems) io.err(plain(problemText(problem)));
    throw new CommandError("with these problems nobody can say what would fire");
  }
  const text = await readText(path, io);
  const { from } = values;
  const events = typeof from === "string" ? await eventsFrom(text, path, from, io) : [eventIn(text, path)];
  const books = playbooks.map(({ compiled }) => compiled);
  const told = events.map((event) => {
    const decisions = decide(event, books, noHistory);
    return { event: event.id, fires: decisions.filter(({ matches }) => matches).map(({ playbook }) => playbook), decisions };
  });
  if (isSet(values, "json")) io.out(plainJson(typeof from === "string" ? told : told[0]));
  else for (const line of told.flatMap((one) => explained(one, told.length > 1))) io.out(plain(line));
  return exitCodes.ok;
}

async function run(invocation: Invocation): Promise<ExitCode> {
  const [verb, ...rest] = invocation.positionals;
  if (verb === "test") {
    if (rest.length > 1) throw new UsageError("test takes one file or folder");
    return test(rest[0], invocation.io);
  }
  if (verb === "explain") {
    const [path, place] = rest;
    if (path === undefined) throw new UsageError("explain takes an EVENT.json");
    return await explain(path, place, invocation);
  }
  throw new UsageError(verb === undefined ? "say what to do: test or explain" : `there is no ${JSON.stringify(verb)}; write test or explain`);
}

export const playbookCommand: Command = {
  name: "playbook",
  summary: "test playbooks by their cases; explain what they would do about an event",
  usage: "portcullis playbook test [FILE|DIR] | playbook explain EVENT.json [FILE|DIR] [--from SOURCE] [--json]",
  help: [
    "  test [FILE|DIR]                checks each playbook and runs the cases beside it (NAME.cases.yaml beside NAME.yaml).",
    "                                 Fails on a mistake, on a case that comes out otherwise, and on a branch that no case shows:",
    "                                 that it fires and that it does not, each part of `when` true and false, each step with something to do",
    "  explain EVENT.json [FILE|DIR]  says which playbooks would fire with which actions, and why the others would not; - reads standard input",
    "      --from SOURCE              it is no event but what this detector sends, such as falco: read as POST /v1/alerts/SOURCE reads it",
    "      --json                     the same as JSON",
    "Without FILE or DIR: the starter set, functions/playbooks. Computes only; asks no function and changes nothing.",
  ].join("\n"),
  options: { json: { type: "boolean" }, from: { type: "string" } },
  positionalsMax: 3,
  run,
};
