// An event and the playbooks: for each, what it would do, or why it does nothing. Pure; the same event gives the same answer.
// Refuses to act, to read a clock and to remember: earlier firings come as an argument.
import { type Cidr, cidrText, parseCidr, widenTo } from "../address/index.ts";
import type { Severity } from "../config.ts";
import { PortcullisError } from "../errors.ts";
import { attackedIn } from "../event/about.ts";
import type { DetectionEvent } from "../event/event.ts";
import type { EpochMs } from "../ports.ts";
import { durationText } from "../request/duration.ts";
import { type Answer, type Condition, compileCondition } from "./condition.ts";
import { type ActionStep, actionsOf, type BlockStep, type Playbook, type Retry } from "./playbook.ts";

export interface CompiledPlaybook {
  readonly playbook: Playbook;
  /** null: it always holds. */
  readonly condition: Condition | null;
}

interface Planned {
  /** Of the step, such as `do[1].together[0]`. */
  readonly path: string;
  readonly retry: Retry | null;
  readonly continueOnError: boolean;
  /** Addresses of the event that are left alone, and why. */
  readonly left: readonly string[];
  /** Why there is nothing to do; null: there is something. */
  readonly nothing: string | null;
}

export interface PlannedBlock extends Planned {
  readonly action: "block";
  /** Canonical, widened as the step says. */
  readonly addresses: readonly string[];
  /** null: the configuration's default. */
  readonly forMs: number | null;
  readonly severity: Severity;
  readonly targets: readonly string[] | null;
}

export interface PlannedLift extends Planned {
  readonly action: "lift";
  readonly addresses: readonly string[];
}

export interface PlannedLog extends Planned {
  readonly action: "log";
  readonly message: string;
}

export type PlannedAction = PlannedBlock | PlannedLift | PlannedLog;

/** `acts`; `asks`: a person first; `observes`: says it and does nothing; `throttled`; `no`: another event or another condition. */
export type Outcome = "acts" | "asks" | "observes" | "throttled" | "no";

export interface Decision {
  readonly playbook: string;
  readonly title: string;
  readonly outcome: Outcome;
  /** How long a person has to agree, in milliseconds; null: nobody is asked. */
  readonly askMs: number | null;
  /** One sentence. */
  readonly why: string;
  /** Whether `on` and `when` hold, whatever the mode and the throttle. */
  readonly matches: boolean;
  /** Under which its firings are counted. */
  readonly firingKey: string;
  /** The parts of `when` that decided, each with its answer; empty where `on` did. */
  readonly decisive: readonly Answer[];
  /** All parts of `when`; empty where it was not asked. */
  readonly terms: readonly Answer[];
  /** One list after the other; what is in one runs side by side. Empty when the playbook does not match. */
  readonly stages: readonly (readonly PlannedAction[])[];
}

/** What happened before. */
export interface History {
  readonly now: EpochMs;
  /** When a playbook fired under a key; any order. */
  firings(key: string): readonly EpochMs[];
}

/** For playbooks that `read.ts` accepted, or that it wrote as JSON. */
export function compilePlaybook(playbook: Playbook): CompiledPlaybook {
  if (playbook.when === null) return { playbook, condition: null };
  const compiled = compileCondition(playbook.when);
  if (compiled.ok) return { playbook, condition: compiled.condition };
  throw new PortcullisError("INVARIANT", `playbook ${playbook.name} was accepted with a condition that is not: ${compiled.faults[0]?.message ?? ""}`);
}

function isNamed(names: readonly string[] | null, name: string): boolean {
  if (names === null) return true;
  return names.some((one) => (one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : one === name));
}

/** Why the event is none of those that the playbook looks at; null: it is one. */
function otherEvent({ on }: Playbook, event: DetectionEvent): string | null {
  const wanted = (names: readonly string[] | null) => (names ?? []).join(", ");
  if (!isNamed(on.source, event.source)) return `on: the source is ${event.source}, not ${wanted(on.source)}`;
  if (!isNamed(on.type, event.type)) return `on: the type is ${event.type}, not ${wanted(on.type)}`;
  if (!isNamed(on.category, event.category)) return `on: the category is ${event.category}, not ${wanted(on.category)}`;
  if (on.status !== event.status) return `on: the status is ${event.status}, not ${on.status}`;
  return event.sample && !on.sample ? "on: it is a sample of the source; `sample: true` would take it" : null;
}

function answerText({ term, value, error }: Answer): string {
  return error === null ? `${term} is ${value}` : `${term} cannot be answered: ${error}`;
}

/** With && the first false part decides, with || all of them. */
function decisiveTerms(condition: Condition, value: boolean, terms: readonly Answer[]): readonly Answer[] {
  const those = terms.filter((term) => term.value === value);
  const one = (condition.joined === "&&" && !value) || (condition.joined === "||" && value);
  return one ? those.slice(0, 1) : those;
}

/** Under which key firings are counted. */
export function throttleKey({ name, throttle }: Playbook, event: DetectionEvent): string {
  if (throttle === null || throttle.per === "playbook") return name;
  if (throttle.per === "event") return `${name}:${event.id}`;
  const { actor } = event;
  const who = actor.addresses.length > 0 ? actor.addresses.toSorted().join(",") : (actor.user ?? actor.process ?? event.id);
  return `${name}:${who}`;
}

function throttledWhy(playbook: Playbook, event: DetectionEvent, history: History): string | null {
  const { throttle } = playbook;
  if (throttle === null) return null;
  const since = history.now - throttle.everyMs;
  const count = history.firings(throttleKey(playbook, event)).filter((at) => at > since).length;
  if (count < throttle.most) return null;
  return `throttle: fired ${count} times within ${durationText(throttle.everyMs)} for this ${throttle.per}, at most ${throttle.most}`;
}

interface Sorted {
  readonly cidrs: readonly Cidr[];
  readonly left: readonly string[];
}

/** The attacker's addresses, without what is ours in the same event and without what cannot be read. */
function attackers(event: DetectionEvent, prefix: BlockStep["prefix"]): Sorted {
  const attacked = attackedIn(event);
  const cidrs = new Map<string, Cidr>();
  const left: string[] = [];
  for (const text of event.actor.addresses) {
    const parsed = parseCidr(text);
    if (!parsed.ok) {
      left.push(`${text}: not an address`);
      continue;
    }
    const length = (parsed.value.family === 4 ? prefix?.ipv4 : prefix?.ipv6) ?? parsed.value.length;
    const cidr = widenTo(parsed.value, length);
    if (attacked(cidr) !== null) left.push(`${cidrText(cidr)}: holds an address of ours that the event names as attacked`);
    else cidrs.set(cidrText(cidr), cidr);
  }
  return { cidrs: [...cidrs.values()], left };
}

function plan(path: string, step: ActionStep, event: DetectionEvent): PlannedAction {
  const { retry, continueOnError } = step;
  const base = { path, retry, continueOnError };
  if (step.action === "log") return { ...base, action: "log", message: step.message, left: [], nothing: null };
  const { cidrs, left } = attackers(event, step.action === "block" ? step.prefix : null);
  const addresses = cidrs.map(cidrText);
  const nothing = addresses.length > 0 ? null : left.length > 0 ? "every address of the event is left alone" : "the event names no address of the attacker";
  if (step.action === "lift") return { ...base, action: "lift", addresses, left, nothing };
  return {
    ...base,
    action: "block",
    addresses,
    forMs: step.forMs ?? event.forMs,
    severity: step.severity ?? event.severity,
    targets: step.targets,
    left,
    nothing,
  };
}

/** What the steps come to for this event. */
function stagesOf(playbook: Playbook, event: DetectionEvent): readonly (readonly PlannedAction[])[] {
  const actions = actionsOf(playbook).map(({ path, step }) => ({ top: path.split(".")[0], planned: plan(path, step, event) }));
  return playbook.do.map((_step, at) => actions.filter(({ top }) => top === `do[${at}]`).map(({ planned }) => planned));
}

function fires(playbook: Playbook): Pick<Decision, "outcome" | "why" | "askMs"> {
  if (playbook.mode === "observe") return { outcome: "observes", askMs: null, why: "it matches; mode: observe says what it would do and does nothing" };
  if (playbook.approve === null) return { outcome: "acts", askMs: null, why: "it matches" };
  const { withinMs } = playbook.approve;
  return { outcome: "asks", askMs: withinMs, why: `it matches; a person has ${durationText(withinMs)} to agree` };
}

function decideOne({ playbook, condition }: CompiledPlaybook, event: DetectionEvent, history: History): Decision {
  const base = { playbook: playbook.name, title: playbook.title, firingKey: throttleKey(playbook, event), askMs: null };
  const other = otherEvent(playbook, event);
  if (other !== null) return { ...base, outcome: "no", why: other, matches: false, decisive: [], terms: [], stages: [] };
  const asked = condition?.ask(event) ?? { value: true, error: null, terms: [] };
  const decisive = condition === null ? [] : decisiveTerms(condition, asked.value, asked.terms);
  const { terms } = asked;
  if (!asked.value) return { ...base, outcome: "no", why: `when: ${decisive.map(answerText).join(" and ")}`, matches: false, decisive, terms, stages: [] };
  const matched = { ...base, matches: true, decisive, terms, stages: stagesOf(playbook, event) };
  const throttled = throttledWhy(playbook, event, history);
  return throttled === null ? { ...matched, ...fires(playbook) } : { ...matched, outcome: "throttled", why: throttled };
}

/** One decision for each playbook, in their order. */
export function decide(event: DetectionEvent, playbooks: readonly CompiledPlaybook[], history: History): readonly Decision[] {
  return playbooks.map((compiled) => decideOne(compiled, event, history));
}

/** Nothing happened before: for explanations and cases. */
export const noHistory: History = { now: 0, firings: () => [] };
