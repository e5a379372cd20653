// Reads the steps of a playbook, one by one, so that a mistake in one hides none in the others.
import { type Finding, finding, isTable, nearest, type Path, shown, type Table } from "../config-file/problem.ts";
import { validate } from "../config-file/validate.ts";
import { limits } from "../limits.ts";
import { type ActionName, type ActionStep, actionNames, type Step } from "./playbook.ts";
import { stepSchemas } from "./schema.ts";

interface ReadSteps<T> {
  readonly steps: readonly T[];
  readonly findings: readonly Finding[];
}

interface ReadStep<T> {
  readonly step: T | null;
  readonly findings: readonly Finding[];
}

/** Keys that a step may have beside its action, whatever the action. */
const besideAction = ["for", "retry", "continueOnError"];
const example = "such as `- block: {}` with `for: 4h` beneath it";

function wrong<T>(path: Path, message: string, remedy: string, at: Finding["at"] = "value"): ReadStep<T> {
  return { step: null, findings: [finding(path, message, remedy, at)] };
}

/** What to say of a step that names no action we know. */
function noAction(input: Table, path: Path): ReadStep<ActionStep> {
  const known = [...actionNames, "together"];
  const key = Object.keys(input).find((name) => !besideAction.includes(name));
  if (key === undefined) return wrong(path, "a step without an action", `write one of ${known.join(", ")}, ${example}`);
  const near = nearest(key, known);
  const remedy = near === null ? `write one of: ${known.join(", ")}` : `did you mean ${JSON.stringify(near)}? The actions are ${known.join(", ")}`;
  return wrong([...path, key], `there is no action ${shown(key)}`, remedy, "key");
}

/** `for` inside of an action, or with one that does not last: what fingers do most. */
function misplaced(input: Table, action: ActionName, path: Path): readonly Finding[] {
  const inner = input[action];
  const beside = isTable(inner) ? besideAction.filter((key) => Object.hasOwn(inner, key)) : [];
  const moved = beside.map((key) => finding([...path, action, key], `${key} inside of ${action}`, `write it beside \`${action}:\`, one level up`, "key"));
  if (action === "block" || !Object.hasOwn(input, "for")) return moved;
  return [...moved, finding([...path, "for"], `${action} does not last`, "remove `for`; it belongs to block", "key")];
}

function withoutKeys(input: Table, keys: readonly string[]): Table {
  return Object.fromEntries(Object.entries(input).filter(([key]) => !keys.includes(key)));
}

function common(read: { readonly retry?: { readonly times: number; readonly wait: number } | undefined; readonly continueOnError: boolean }) {
  return { retry: read.retry === undefined ? null : { times: read.retry.times, waitMs: read.retry.wait }, continueOnError: read.continueOnError };
}

function judged(input: Table, action: ActionName, path: Path): ReadStep<ActionStep> {
  if (action === "lift") {
    const { value, findings } = validate(stepSchemas.lift, input, path);
    return { step: value === null ? null : { action, ...common(value) }, findings };
  }
  if (action === "log") {
    const { value, findings } = validate(stepSchemas.log, input, path);
    return { step: value === null ? null : { action, message: value.log.message, ...common(value) }, findings };
  }
  const { value, findings } = validate(stepSchemas.block, input, path);
  if (value === null) return { step: null, findings };
  const { severity = null, targets = null, prefix } = value.block;
  const widened = prefix === undefined ? null : { ipv4: prefix.ipv4 ?? null, ipv6: prefix.ipv6 ?? null };
  return { step: { action, forMs: value.for ?? null, severity, targets, prefix: widened, ...common(value) }, findings };
}

function readAction(input: unknown, path: Path): ReadStep<ActionStep> {
  if (typeof input === "string" && actionNames.some((name) => name === input))
    return wrong(path, `${shown(input)} without a colon`, `write \`- ${input}: ${input === "log" ? '{ message: "…" }' : "{}"}\``);
  if (!isTable(input)) return wrong(path, `${shown(input)} is not a step`, `write an action, ${example}`);
  const named = actionNames.filter((name) => Object.hasOwn(input, name));
  const [action] = named;
  if (action === undefined) return noAction(input, path);
  if (named.length > 1) return wrong(path, `${named.join(" and ")} in one step`, "give each a dash of its own, or put them under `together:`");
  const early = misplaced(input, action, path);
  const inner = input[action];
  // `block:` with nothing after it is what it looks like: the action with nothing said of it.
  const spoken = isTable(inner) ? withoutKeys(inner, besideAction) : (inner ?? (action === "log" ? inner : {}));
  const rest = { ...(action === "block" ? input : withoutKeys(input, ["for"])), [action]: spoken };
  const { step, findings } = judged(rest, action, path);
  return { step, findings: [...early, ...findings] };
}

function readTogether(input: Table, path: Path): ReadStep<Step> {
  const findings = Object.keys(input)
    .filter((key) => key !== "together")
    .map((key) => finding([...path, key], `${shown(key)} beside together`, "write it at the steps inside", "key"));
  const inner = input.together;
  if (!Array.isArray(inner) || inner.length < 2)
    return {
      step: null,
      findings: [...findings, finding([...path, "together"], "not two or more steps side by side", "write a list of at least two, each after a dash")],
    };
  if (inner.length > limits.stepsMax)
    return { step: null, findings: [...findings, finding([...path, "together"], `${inner.length} steps side by side`, `write at most ${limits.stepsMax}`)] };
  const read = inner.map((item: unknown, index) => {
    const here = [...path, "together", index];
    return isTable(item) && Object.hasOwn(item, "together")
      ? wrong<ActionStep>([...here, "together"], "together inside of together", "write one list; all of it runs side by side", "key")
      : readAction(item, here);
  });
  const steps = read.flatMap(({ step }) => (step === null ? [] : [step]));
  return { step: { action: "together", steps }, findings: [...findings, ...read.flatMap((one) => one.findings)] };
}

export function readSteps(input: unknown, path: Path): ReadSteps<Step> {
  if (!Array.isArray(input))
    return { steps: [], findings: [finding(path, `${shown(input)} is not a list of steps`, `write one step after each dash, ${example}`)] };
  if (input.length === 0) return { steps: [], findings: [finding(path, "no steps", `write at least one, ${example}`)] };
  if (input.length > limits.stepsMax)
    return { steps: [], findings: [finding(path, `${input.length} steps`, `write at most ${limits.stepsMax}, or two playbooks`)] };
  const read = input.map((item: unknown, index) => {
    const here = [...path, index];
    return isTable(item) && Object.hasOwn(item, "together") ? readTogether(item, here) : readAction(item, here);
  });
  return { steps: read.flatMap(({ step }) => (step === null ? [] : [step])), findings: read.flatMap(({ findings }) => findings) };
}
