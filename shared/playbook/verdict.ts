// Judges a playbook by its cases: what was planned and what was expected, and which branches no case took. Pure; what runs decides by the same code.
import { durationText } from "../request/duration.ts";
import type { Expectation, PlaybookCase } from "./cases.ts";
import { type CompiledPlaybook, type Decision, decide, noHistory, type PlannedAction } from "./decide.ts";
import { actionsOf } from "./playbook.ts";

export interface CaseResult {
  readonly name: string;
  readonly line: number;
  /** What differs; empty: nothing. */
  readonly faults: readonly string[];
}

/** Something that a case should have shown. */
export interface Branch {
  readonly name: string;
  readonly covered: boolean;
}

export interface Verdict {
  readonly results: readonly CaseResult[];
  readonly branches: readonly Branch[];
}

/** One action in a few words. */
export function actionText(action: PlannedAction): string {
  if (action.action === "log") return `log ${JSON.stringify(action.message)}`;
  if (action.action === "lift") return `lift [${action.addresses.join(", ")}]`;
  const lasting = action.forMs === null ? "the default time" : durationText(action.forMs);
  return `block [${action.addresses.join(", ")}] for ${lasting}, severity ${action.severity}${action.targets === null ? "" : `, targets ${action.targets.join(", ")}`}`;
}

/** `undefined` is not compared. */
function isList(expected: readonly string[] | undefined, actual: readonly string[] | null): boolean {
  return expected === undefined || (actual !== null && expected.toSorted().join() === actual.toSorted().join());
}

function meets({ block, lift, log }: Expectation, action: PlannedAction): boolean {
  if (action.action === "log") return log !== undefined && (log.message === undefined || log.message === action.message);
  if (action.action === "lift") return lift !== undefined && isList(lift.addresses, action.addresses);
  if (block === undefined || !isList(block.addresses, action.addresses) || !isList(block.targets, action.targets)) return false;
  return (block.for === undefined || block.for === action.forMs) && (block.severity === undefined || block.severity === action.severity);
}

function expectationText({ block, lift }: Expectation): string {
  if (block === undefined) return lift === undefined ? "log" : `lift${lift.addresses === undefined ? "" : ` [${lift.addresses.join(", ")}]`}`;
  const parts = [
    block.addresses === undefined ? "" : ` [${block.addresses.join(", ")}]`,
    block.for === undefined ? "" : ` for ${durationText(block.for)}`,
    block.severity === undefined ? "" : `, severity ${block.severity}`,
    block.targets === undefined ? "" : `, targets ${block.targets.join(", ")}`,
  ];
  return `block${parts.join("")}`;
}

function faultsOf(expect: readonly Expectation[], decision: Decision): readonly string[] {
  if (expect.length === 0) return decision.matches ? [`expected nothing, but it fires: ${decision.stages.flat().map(actionText).join("; ")}`] : [];
  if (!decision.matches) return [`expected ${expect.map(expectationText).join("; ")}, but it does not fire: ${decision.why}`];
  const planned = decision.stages.flat();
  const faults = expect.flatMap((expected, at) => {
    const action = planned[at];
    if (action === undefined) return [`expected ${expectationText(expected)} as action ${at + 1}, but there is none`];
    return meets(expected, action) ? [] : [`expected ${expectationText(expected)} at ${action.path}, but it is ${actionText(action)}`];
  });
  return [...faults, ...planned.slice(expect.length).map((action) => `did not expect ${actionText(action)} at ${action.path}`)];
}

/**
 * The parts of `when`, each to be seen deciding alone: of && the only false one, of || the only true one. A part that is never seen so could be deleted, or
 * be wrong, and no case would notice.
 */
function termBranches({ condition }: CompiledPlaybook, decisions: readonly Decision[]): readonly Branch[] {
  if (condition === null) return [];
  const asked = decisions.map(({ terms }) => terms).filter((terms) => terms.length > 0);
  const { joined } = condition;
  return (asked[0] ?? []).flatMap(({ term }, at): Branch[] => {
    const seen = (value: boolean, alone: boolean) =>
      asked.some((terms) => terms[at]?.value === value && (!alone || terms.every((other, index) => index === at || other.value !== value)));
    const branch = (value: boolean, alone: boolean): Branch => ({
      name: `when: ${term} is ${alone ? "the only one " : ""}${value}`,
      covered: seen(value, alone),
    });
    return [branch(true, joined === "||"), branch(false, joined === "&&")];
  });
}

function stepBranches({ playbook }: CompiledPlaybook, decisions: readonly Decision[]): readonly Branch[] {
  const done = new Set(decisions.flatMap(({ stages }) => stages.flat().flatMap(({ path, nothing }) => (nothing === null ? [path] : []))));
  return actionsOf(playbook).map(({ path, step }) => ({ name: `${path}: ${step.action} has something to do`, covered: done.has(path) }));
}

export function judge(compiled: CompiledPlaybook, cases: readonly PlaybookCase[]): Verdict {
  const decided = cases.flatMap((one) => decide(one.event, [compiled], noHistory).map((decision) => ({ one, decision })));
  const decisions = decided.map(({ decision }) => decision);
  const whole = [
    { name: "it fires", covered: decisions.some(({ matches }) => matches) },
    { name: "it does not fire", covered: decisions.some(({ matches }) => !matches) },
  ];
  return {
    results: decided.map(({ one, decision }) => ({ name: one.name, line: one.line, faults: faultsOf(one.expect, decision) })),
    branches: [...whole, ...termBranches(compiled, decisions), ...stepBranches(compiled, decisions)],
  };
}
