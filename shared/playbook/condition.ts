// Conditions in CEL: checked against the fields of an event when they are loaded, bounded when they are asked.
// Refuses to throw when asked: what cannot be answered is false, with the reason.
//
// The library: @marcbachmann/cel-js 8.0.0 (MIT, no dependencies, 24 KiB after gzip, no code made from text). The other candidate, @bufbuild/cel 0.6.1,
// brings a linear-time matcher and Protocol Buffers: 70 KiB after gzip and three more packages (both bundled and measured 2026-11-25).
import { type ASTNode, Environment } from "@marcbachmann/cel-js";
import { serialize } from "@marcbachmann/cel-js/serialize";
import type { DetectionEvent } from "../event/event.ts";
import { limits } from "../limits.ts";
import { fieldTables, viewOf } from "./fields.ts";
import { shown } from "./shown.ts";
import { type ConditionFault, vetCondition } from "./vet.ts";

export type { ConditionFault } from "./vet.ts";

/** A part of a condition that `&&` or `||` at the top joins with its like. */
export interface Answer {
  readonly term: string;
  readonly value: boolean;
  /** Why it could not be answered; null: it could. */
  readonly error: string | null;
}

export interface Condition {
  readonly text: string;
  /** What joins the terms; `only`: there is one. */
  readonly joined: "&&" | "||" | "only";
  ask(event: DetectionEvent): { readonly value: boolean; readonly error: string | null; readonly terms: readonly Answer[] };
}

export type CompiledCondition = { readonly ok: true; readonly condition: Condition } | { readonly ok: false; readonly faults: readonly ConditionFault[] };

/** Ours stands in for the library's `matches`, which takes a text of any length. As long as that name, so that places stay the same. */
const matcher = "matched";

function environment(): Environment {
  const env = new Environment({
    unlistedVariablesAreDyn: false,
    limits: {
      maxAstNodes: limits.conditionNodesMax,
      maxDepth: limits.conditionDepthMax,
      maxListElements: limits.conditionListMax,
      maxMapEntries: 0,
      maxCallArguments: 4,
    },
  });
  // What names another table comes after it.
  for (const [name, table] of Object.entries(fieldTables).toReversed()) {
    env.registerType({ name, schema: Object.fromEntries(Object.entries(table).map(([field, { type }]) => [field, type])) });
  }
  env.registerVariable("event", "Event");
  env.registerFunction(`string.${matcher}(string): bool`, (text: string, pattern: string): boolean => {
    if (text.length > limits.matchedCharsMax)
      throw new RangeError(`a text of ${text.length} characters is too long for matches(), which reads ${limits.matchedCharsMax}`);
    return new RegExp(pattern).test(text);
  });
  return env;
}

const cel = environment();

interface Thrown {
  readonly code: string;
  readonly summary: string;
  readonly offset: number;
}

/** The library throws its own classes; what a condition may show of them is their summary. */
function thrownBy(error: unknown): Thrown {
  if (!(error instanceof Error)) return { code: "", summary: String(error), offset: 0 };
  const field = (name: string): unknown => (name in error ? Reflect.get(error, name) : undefined);
  const range = field("range");
  const start = range !== null && typeof range === "object" && "start" in range ? Number(range.start) : 0;
  const summary = field("summary");
  return { code: String(field("code") ?? ""), summary: typeof summary === "string" ? summary : error.message, offset: start };
}

const syntaxHints: readonly { readonly pattern: RegExp; readonly remedy: string }[] = [
  { pattern: /^[“”‘’]/, remedy: "write straight quotes: \"…\" or '…'" },
  { pattern: /^=/, remedy: "write == to compare" },
  { pattern: /^and\b/i, remedy: "write && for and" },
  { pattern: /^or\b/i, remedy: "write || for or" },
  { pattern: /^(?:>|<>)/, remedy: "write != for is not" },
  { pattern: /^#/, remedy: "CEL has no comments with #; put the comment on a line of its own in the YAML" },
  { pattern: /^['"]/, remedy: "close the quote" },
];

function syntaxFault(text: string, thrown: Thrown): ConditionFault {
  const rest = text.slice(thrown.offset);
  const wordNot = /\bnot\s*$/i.test(text.slice(0, thrown.offset));
  const remedy = wordNot ? "write ! for not" : syntaxHints.find(({ pattern }) => pattern.test(rest))?.remedy;
  const open =
    rest.trim() === ""
      ? "the condition ends too early: complete it, or remove the last operator or bracket"
      : 'write it as in: event.severity == "high" && !event.sample';
  const list = /got COMMA/.test(thrown.summary) ? listRemedy : undefined;
  const walk = /iteration variable/.test(thrown.summary) ? "write a plain name first: LIST.exists(x, x == …)" : undefined;
  const limited = /exceed/i.test(thrown.summary) ? "write a shorter condition, or two playbooks" : null;
  return { offset: thrown.offset, message: `not CEL: ${thrown.summary}`, remedy: limited ?? list ?? walk ?? remedy ?? open };
}

const listRemedy = 'write a list in square brackets: in ["a", "b"]';
const comparedRemedy = "compare values of one type: texts in quotes, numbers without; the severity as a number is event.level";

/** "no such overload: dyn<string> > int", in words; null: another fault. */
function comparedText(summary: string): { readonly message: string; readonly op: string } | null {
  const plain = summary.replaceAll(/dyn<([^<>]+)>/g, "$1");
  const compared = /no such overload: (.+) (==|!=|<|>|<=|>=|in|[-+*/%]) (.+)/.exec(plain);
  if (compared === null) return null;
  const [, left = "", op = "", right = ""] = compared;
  return { message: `${op} cannot be asked of ${left} and ${right}`, op };
}

const withoutArgument: readonly string[] = ["lowerAscii", "size"];

function callOf(name: string): string {
  return withoutArgument.includes(name) ? `write TEXT.${name}()` : `write TEXT.${name}("…"), with a text in quotes`;
}

function typeFault({ summary, offset }: Thrown): ConditionFault {
  const compared = comparedText(summary);
  const called = /found no matching overload for '(?:(.+)\.)?(\w+)\((.*)\)'/.exec(summary);
  if (called !== null) {
    const [, of, name = "", given = ""] = called;
    const message = `${name} cannot be asked ${of === undefined ? "" : `of ${of} `}with ${given === "" ? "nothing" : given}`;
    return { offset, message, remedy: of === undefined ? `write ${name}(…) of a text, a number or a list` : callOf(name) };
  }
  const joined = /Logical operator requires bool operands, got '(.+)'/.exec(summary)?.[1];
  if (joined !== undefined) return { offset, message: `a value of type ${joined} is joined by && or ||`, remedy: "join conditions that are true or false" };
  if (compared === null) return { offset, message: summary, remedy: "see the table of functions and fields in shared/playbook/README.md" };
  return { offset, message: compared.message, remedy: compared.op === "in" ? listRemedy : comparedRemedy };
}

/** From and to in the condition's text. */
type Span = readonly [number, number];

function isSource(text: string, [from, to]: Span, node: ASTNode): boolean {
  try {
    return serialize(cel.parse(text.slice(from, to)).ast) === serialize(node);
  } catch {
    return false;
  }
}

/**
 * The parts that the operator at the top joins, as they are written. The library could write a part again from its tree, but not as it was: of version 8.0.0
 * a law found small numbers as 0 and characters beyond U+FFFF as what it does not read. So that is used to compare only.
 */
function spansOf(text: string, node: ASTNode, op: string, [from, to]: Span): readonly Span[] {
  if (node.op !== op || (node.op !== "&&" && node.op !== "||")) return [[from, to]];
  const [left, right] = node.args;
  const at = text.indexOf(op, left.end);
  const [before, after]: readonly [Span, Span] = [
    [from, at],
    [at + op.length, to],
  ];
  if (at < 0 || !isSource(text, before, left) || !isSource(text, after, right)) return [[from, to]];
  return [...spansOf(text, left, op, before), ...spansOf(text, right, op, after)];
}

/** The text with our matcher, whose patterns stand at these places. */
function withMatcher(text: string, patterns: readonly number[]): string {
  return patterns.reduce((so, at) => {
    const name = so.lastIndexOf("matches", at);
    return name < 0 ? so : so.slice(0, name) + matcher + so.slice(name + matcher.length);
  }, text);
}

function askOne(run: ReturnType<Environment["parse"]>, view: Readonly<Record<string, unknown>>): { readonly value: boolean; readonly error: string | null } {
  try {
    const value: unknown = run({ event: view });
    return typeof value === "boolean" ? { value, error: null } : { value: false, error: `its value is ${shown(value)}, not true or false` };
  } catch (error) {
    const { code, summary } = thrownBy(error);
    const key = /^No such key: (.+)$/.exec(summary)?.[1];
    return {
      value: false,
      error: code === "no_such_key" && key !== undefined ? `the event has no evidence ${shown(key)}` : (comparedText(summary)?.message ?? summary),
    };
  }
}

function tooLarge(event: DetectionEvent): string | null {
  const longest = Math.max(event.actor.addresses.length, event.victim.addresses.length, event.resources.length, Object.keys(event.evidence).length);
  return longest <= limits.eventListMax ? null : `the event has a list of ${longest}, and conditions read ${limits.eventListMax}`;
}

/** As CEL joins them: one false part decides &&, one true part decides ||, whatever the others could not answer. */
function joinedOf(joined: Condition["joined"], terms: readonly Answer[]): { readonly value: boolean; readonly error: string | null } {
  const value = joined === "||" ? terms.some((term) => term.value) : terms.every((term) => term.value);
  const isDecided = value || (joined !== "||" && terms.some((term) => !term.value && term.error === null));
  return { value, error: isDecided ? null : (terms.find(({ error }) => error !== null)?.error ?? null) };
}

function conditionOf(text: string, ast: ASTNode, patterns: readonly number[]): Condition {
  const spans = spansOf(text, ast, ast.op, [0, text.length]);
  const joined = spans.length > 1 && (ast.op === "&&" || ast.op === "||") ? ast.op : "only";
  const run = withMatcher(text, patterns);
  const parts = spans.map(([from, to]) => ({ term: text.slice(from, to).trim().replaceAll(/\s+/g, " "), run: cel.parse(run.slice(from, to)) }));
  return {
    text,
    joined,
    ask(event) {
      const large = tooLarge(event);
      const view = large === null ? viewOf(event) : null;
      const answers = parts.map((part) => ({ term: part.term, ...(view === null ? { value: false, error: large } : askOne(part.run, view)) }));
      return { ...joinedOf(joined, answers), terms: answers };
    },
  };
}

/** Everything wrong with a condition, or the condition. */
export function compileCondition(text: string): CompiledCondition {
  const refuse = (...faults: readonly ConditionFault[]): CompiledCondition => ({ ok: false, faults });
  if (text.length > limits.conditionCharsMax)
    return refuse({ offset: 0, message: `a condition of ${text.length} characters`, remedy: `write at most ${limits.conditionCharsMax}, or two playbooks` });
  try {
    const parsed = cel.parse(text);
    const { faults, patterns } = vetCondition(parsed.ast);
    if (faults.length > 0) return refuse(...faults);
    const checked = cel.parse(text).check();
    if (!checked.valid) return refuse(typeFault(thrownBy(checked.error)));
    if (checked.type !== "bool")
      return refuse({
        offset: 0,
        message: `the condition is of type ${checked.type ?? "unknown"}, not true or false`,
        remedy: "compare it: … == …, or size(…) > 0",
      });
    return { ok: true, condition: conditionOf(text, parsed.ast, patterns) };
  } catch (error) {
    return refuse(syntaxFault(text, thrownBy(error)));
  }
}
