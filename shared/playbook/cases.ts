// Cases beside a playbook: an event in, actions expected. YAML text to cases, or every problem at once.
// Refuses to judge: `verdict.ts` does. Files that a case names are read by the caller.
import * as v from "valibot";
import { severities } from "../config.ts";
import { placed, readYaml, type YamlFile } from "../config-file/document.ts";
import { byPlace, type Finding, finding, isTable, type Path, type Problem, shown, type Table, unknownKey } from "../config-file/problem.ts";
import { sectionObject } from "../config-file/schema.ts";
import { validate } from "../config-file/validate.ts";
import { cidrSchema, durationSchema, listOf, nameSchema, oneOf, says } from "../config-file/words.ts";
import type { DetectionEvent } from "../event/event.ts";
import { limits } from "../limits.ts";
import { eventOf, eventSchema } from "./event-schema.ts";

const lease = { leastMs: limits.leaseShortestMs, mostMs: limits.leaseLongestMs };
const addresses = v.optional(listOf(cidrSchema, limits.eventListMax));

/** What is left out is not compared. */
const expectationSchema = v.pipe(
  sectionObject({
    block: v.optional(
      sectionObject({
        addresses,
        for: v.optional(durationSchema(lease)),
        severity: v.optional(oneOf(severities)),
        targets: v.optional(listOf(nameSchema, limits.targetsMax)),
      }),
    ),
    lift: v.optional(sectionObject({ addresses })),
    log: v.optional(sectionObject({ message: v.optional(v.string(says("not a text", "write the message in quotes, or log: {}"))) })),
  }),
  v.check(
    (actions) => Object.values(actions).filter((action) => action !== undefined).length === 1,
    says("not one action", "write one after each dash: block: {…}, lift: {…} or log: {}"),
  ),
);

export type Expectation = v.InferOutput<typeof expectationSchema>;

const caseSchema = sectionObject({
  case: v.pipe(v.string(says("not a text", "say in a few words what the case shows")), v.minLength(1, says("an empty text", "say what the case shows"))),
  event: v.optional(
    v.union([v.string(), v.record(v.string(), v.unknown())], says("neither an event nor a file", "write { field: value }, or the path of an EVENT.json")),
    {},
  ),
  expect: listOf(expectationSchema, limits.stepsMax),
});

export interface PlaybookCase {
  readonly name: string;
  readonly line: number;
  readonly event: DetectionEvent;
  /** In the order of the steps; empty: the playbook does not fire. */
  readonly expect: readonly Expectation[];
}

export type ReadCases = { readonly ok: true; readonly cases: readonly PlaybookCase[] } | { readonly ok: false; readonly problems: readonly Problem[] };

/** Text of a file that a case names, by its path from the cases' own folder; null: there is none. */
export type ReadFile = (path: string) => string | null;

const hints = { empty: "write `cases:` and one case after each dash", noMap: "start with `cases:` at the left margin" };

/** Fields of `over` win; the fields of actor, victim and evidence are laid over one by one. */
function laidOver(base: Table, over: Table): Table {
  const inner = (key: string, value: unknown) => (isTable(value) && isTable(base[key]) ? { ...base[key], ...value } : value);
  return { ...base, ...Object.fromEntries(Object.entries(over).map(([key, value]) => [key, inner(key, value)])) };
}

/** What a case's `event` names or holds. */
function written(event: string | Table, readFile: ReadFile, path: Path): { readonly value: Table | null; readonly findings: readonly Finding[] } {
  const refuse = (message: string, remedy: string) => ({ value: null, findings: [finding(path, message, remedy)] });
  if (typeof event !== "string") return { value: event, findings: [] };
  const text = readFile(event);
  if (text === null) return refuse(`there is no ${shown(event)}`, "write the path from the folder of this file");
  try {
    const value: unknown = JSON.parse(text);
    return isTable(value) ? { value, findings: [] } : refuse(`${shown(event)} holds no event`, "write one JSON object in it");
  } catch {
    return refuse(`${shown(event)} is not JSON`, "write one JSON object in it");
  }
}

interface OneCase {
  readonly one: PlaybookCase | null;
  readonly findings: readonly Finding[];
}

function readCase(input: unknown, path: Path, base: Table, file: YamlFile, readFile: ReadFile): OneCase {
  const { value, findings } = validate(caseSchema, input, path);
  if (value === null) return { one: null, findings };
  const event = written(value.event, readFile, [...path, "event"]);
  if (event.value === null) return { one: null, findings: [...findings, ...event.findings] };
  const checked = validate(eventSchema, laidOver(base, event.value), [...path, "event"]);
  const one = checked.value === null ? null : { name: value.case, line: file.locate(path, "value").line, event: eventOf(checked.value), expect: value.expect };
  return { one, findings: [...findings, ...checked.findings] };
}

/** `file` is the name to show. */
export function readCases(text: string, file: string, readFile: ReadFile): ReadCases {
  const yaml = readYaml(text, file, hints);
  if (yaml.file === null) return { ok: false, problems: yaml.problems };
  const input = yaml.file.value as Table;
  const known = ["event", "cases"];
  const findings = Object.keys(input)
    .filter((key) => !known.includes(key))
    .map((key) => unknownKey([key], known));
  const base = input.event ?? {};
  const list = input.cases;
  if (!isTable(base)) findings.push(finding(["event"], "not a map of fields", "write what the events of all cases share, such as { source: falco }"));
  if (!Array.isArray(list) || list.length === 0 || list.length > limits.casesMax)
    findings.push(finding(["cases"], `not a list of 1 to ${limits.casesMax} cases`, "write `cases:` and one case after each dash"));
  const { file: place } = yaml;
  const items: readonly unknown[] = Array.isArray(list) ? list.slice(0, limits.casesMax) : [];
  const read = items.map((item, at) => readCase(item, ["cases", at], isTable(base) ? base : {}, place, readFile));
  const problems = [...yaml.problems, ...placed([...findings, ...read.flatMap((one) => one.findings)], place)].sort(byPlace);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, cases: read.flatMap(({ one }) => (one === null ? [] : [one])) };
}
