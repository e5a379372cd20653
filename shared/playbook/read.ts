// YAML text to a playbook, or every problem at once, each with line and column and what to write instead.
// Refuses to be bundled: it brings a YAML reader, and what runs takes the playbook as JSON.

import * as v from "valibot";
import { placed, readYaml, type YamlFile } from "../config-file/document.ts";
import { byPlace, type Finding, finding, type Problem, shown, suggestion } from "../config-file/problem.ts";
import { validate } from "../config-file/validate.ts";
import { compileCondition } from "./condition.ts";
import { placeInText } from "./place-in-text.ts";
import type { Playbook } from "./playbook.ts";
import { type onSchema, playbookEntries } from "./schema.ts";
import { readSteps } from "./steps.ts";

export type ReadPlaybook = { readonly ok: true; readonly playbook: Playbook } | { readonly ok: false; readonly problems: readonly Problem[] };

const hints = { empty: "start with `name:`, `title:`, `on:` and `do:`", noMap: "start with `name: …` at the left margin; one file holds one playbook" };
const known = [...Object.keys(playbookEntries), "do"];

/** What people write who come from other systems. */
const insteadOf: ReadonlyMap<string, string> = new Map([
  ["if", "write `when`"],
  ["condition", "write `when`"],
  ["trigger", "write `on`"],
  ["steps", "write `do`"],
  ["actions", "write `do`"],
  ["description", "write `title`, one line"],
]);

/** YAML 1.1 readers take the key `on` for true; ours does not, and a quoted one is the same. */
function keyFindings(input: Readonly<Record<string, unknown>>): readonly Finding[] {
  const unknown = Object.keys(input)
    .filter((key) => !known.includes(key))
    .map((key) => finding([key], `unknown key ${shown(key)}`, insteadOf.get(key) ?? suggestion(key, known), "key"));
  const instead = new Set(Object.keys(input).flatMap((key) => /`(\w+)`/.exec(insteadOf.get(key) ?? "")?.[1] ?? []));
  const missing = ["name", "title", "on", "do"]
    .filter((key) => !Object.hasOwn(input, key) && !instead.has(key))
    .map((key) => finding([key], `${JSON.stringify(key)} is missing`, `add \`${key}: …\``, "key"));
  return [...unknown, ...missing];
}

/** A single text stands for a list of one: its problem is at the text, not at an item. */
function unlisted({ path, ...rest }: Finding, input: Readonly<Record<string, unknown>>): Finding {
  const isSingle = path[0] === "on" && path.length === 3 && typeof Reflect.get(Object(input.on), String(path[1])) === "string";
  return { ...rest, path: isSingle ? path.slice(0, 2) : path };
}

function conditionProblems(when: unknown, file: YamlFile, source: string): readonly Problem[] {
  if (typeof when !== "string" || when.trim() === "") return [];
  const compiled = compileCondition(when);
  if (compiled.ok) return [];
  const start = file.locate(["when"], "value");
  return compiled.faults.map(({ offset, message, remedy }) => ({
    file: file.file,
    ...placeInText(source, start, when, offset),
    path: "when",
    message,
    remedy,
  }));
}

const headSchema = v.object(playbookEntries);
type Head = v.InferOutput<typeof headSchema>;

function onOf(on: v.InferOutput<typeof onSchema>): Playbook["on"] {
  const { source = null, type = null, category = null, status, sample } = on;
  return { source, type, category, status, sample };
}

function playbookOf(head: Head, steps: Playbook["do"]): Playbook {
  const { name, title, mode, on, when = null, throttle, approve } = head;
  return {
    name,
    title,
    mode,
    on: onOf(on),
    when,
    throttle: throttle === undefined ? null : { per: throttle.per, most: throttle.most, everyMs: throttle.every },
    approve: approve === undefined ? null : { withinMs: approve.within },
    do: steps,
  };
}

/** `file` is the name to show. */
export function readPlaybook(text: string, file: string): ReadPlaybook {
  const yaml = readYaml(text, file, hints);
  if (yaml.file === null) return { ok: false, problems: yaml.problems };
  const input = yaml.file.value as Readonly<Record<string, unknown>>;
  const findings: Finding[] = [...keyFindings(input)];
  const heads = Object.entries(playbookEntries).filter(([key]) => Object.hasOwn(input, key));
  for (const [key, schema] of heads) findings.push(...validate<unknown>(schema as v.GenericSchema, input[key], [key]).findings);
  const steps = Object.hasOwn(input, "do") ? readSteps(input.do, ["do"]) : { steps: [], findings: [] };
  findings.push(...steps.findings);
  const problems = [
    ...yaml.problems,
    ...placed(
      findings.map((one) => unlisted(one, input)),
      yaml.file,
    ),
    ...conditionProblems(input.when, yaml.file, text),
  ].sort(byPlace);
  if (problems.length > 0) return { ok: false, problems };
  const head = v.safeParse(headSchema, input);
  if (!head.success) throw new Error(`a playbook without problems does not fit: ${head.issues[0].message}`);
  return { ok: true, playbook: playbookOf(head.output, steps.steps) };
}
