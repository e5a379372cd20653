// One step: a look at the rule, then at most one PUT or DELETE, and one outcome. Never throws, never waits for an operation to end.
// Refuses to write over a running operation, and over a rule that changed since the decision was made: Azure offers no conditional write.
import type { SecurityRule } from "@azure/arm-network";
import * as v from "valibot";
import { fail, type PortcullisError, type Result } from "../../shared/errors.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Outcome, Step } from "../../shared/provider.ts";
import { transportError } from "../internal/transport-error.ts";
import type { ArmAnswer, ArmError } from "./api.ts";
import { fingerprintOf, type NativeStep } from "./compile.ts";
import { type AzureNsgSettings, descriptionCharsMax, families, groupLimits, priorities, ruleNameOf } from "./config.ts";
import { driftOf } from "./convert.ts";
import { errorOf, wordsOf } from "./failures.ts";
import { blocksOf, hasFailed, isRunning, type NativeRule, readRule } from "./native.ts";

const nativeSchema = v.strictObject({
  nsg: v.string(),
  rule: v.string(),
  family: v.picklist(families),
  priority: v.pipe(v.number(), v.integer(), v.minValue(priorities.first), v.maxValue(priorities.last)),
  description: v.nullable(v.pipe(v.string(), v.maxLength(descriptionCharsMax))),
  sources: v.pipe(v.array(v.string()), v.maxLength(groupLimits.sourceAddresses)),
  before: v.string(),
});

export function nativeOf(step: Step, settings: AzureNsgSettings): Result<NativeStep> {
  const parsed = v.safeParse(nativeSchema, step.native);
  if (parsed.success && parsed.output.nsg === settings.nsg && parsed.output.rule === ruleNameOf(settings, parsed.output.family))
    return { ok: true, value: parsed.output };
  return fail("PROVIDER_REJECTED", `step ${step.id} is not a step of ${settings.nsg}; nothing was sent`, { step: step.id });
}

export function ruleBody(native: NativeStep): SecurityRule {
  return {
    ...(native.description === null ? {} : { description: native.description }),
    protocol: "*",
    sourcePortRange: "*",
    destinationPortRange: "*",
    sourceAddressPrefixes: [...native.sources],
    destinationAddressPrefix: "*",
    access: "Deny",
    priority: native.priority,
    direction: "Inbound",
  };
}

export type Current = { readonly found: true; readonly rule: NativeRule } | { readonly found: false };

/** The rule as it stands; null when the answer does not say. */
export function currentOf(answer: ArmAnswer): Current | null {
  if (answer.kind === "error" && answer.meaning === "missing") return { found: false };
  const rule = answer.kind === "ok" ? readRule(answer.body) : null;
  return rule === null ? null : { found: true, rule };
}

/** Why nothing need or may be sent; null: send it. */
export function withoutSending(native: NativeStep, current: Current): Outcome | null {
  if (!current.found) {
    if (native.sources.length === 0) return { kind: "already" };
    return native.before === fingerprintOf([]) ? null : { kind: "conflict", why: `rule ${native.rule} was deleted since it was last read` };
  }
  const { rule } = current;
  if (isRunning(rule.state)) return { kind: "pending", operation: `an earlier change of rule ${rule.name} (${rule.state})` };
  const { blocks } = blocksOf(rule, native.family);
  const drift = driftOf(rule, native);
  const same = fingerprintOf(blocks) === fingerprintOf(blocksOf({ ...rule, sources: native.sources }, native.family).blocks);
  if (same && drift.length === 0 && native.sources.length > 0) return { kind: "already" };
  return fingerprintOf(blocks) === native.before
    ? null
    : { kind: "conflict", why: `the addresses of rule ${rule.name} were changed since they were last read` };
}

function errorOutcome(what: string, error: ArmError, retryAtMs: EpochMs, nowMs: EpochMs): Outcome {
  const why = wordsOf(what, error);
  switch (error.meaning) {
    case "throttle":
    case "busy":
      return { kind: "throttled", retryAtMs, why };
    case "server":
      return { kind: "unknown", why };
    case "priority":
      return { kind: "conflict", why };
    case "auth":
    case "capacity":
    case "locked":
    case "policy":
    case "missing":
    case "rejected":
      return { kind: "failed", error: errorOf(what, error, retryAtMs, nowMs) };
  }
}

function acceptedOutcome(what: string, status: number, rule: NativeRule | null): Outcome {
  if (rule === null) return { kind: "unknown", why: wordsOf(what, { kind: "unreadable", status }) };
  // Accepted is not enforced (P9): the next look says when it is.
  if (status === 202 || isRunning(rule.state)) return { kind: "pending", operation: what };
  return hasFailed(rule.state) ? { kind: "unknown", why: `${what} ended as ${rule.state}` } : { kind: "applied" };
}

/** What the answer to the PUT or DELETE comes to. */
export function outcomeOf(native: NativeStep, what: string, answer: ArmAnswer, retryAtMs: EpochMs, nowMs: EpochMs): Outcome {
  if (answer.kind === "unreadable") return { kind: "unknown", why: wordsOf(what, answer) };
  if (answer.kind === "error") {
    if (answer.meaning === "missing" && native.sources.length === 0) return { kind: "already" };
    return errorOutcome(what, answer, retryAtMs, nowMs);
  }
  if (native.sources.length > 0) return acceptedOutcome(what, answer.status, readRule(answer.body));
  if (answer.status === 204) return { kind: "already" };
  return answer.status === 202 ? { kind: "pending", operation: what } : { kind: "applied" };
}

/** What an error before or during the write comes to. */
export function outcomeOfError(error: PortcullisError, nowMs: EpochMs): Outcome {
  if (error.code === "OUTCOME_UNKNOWN") return { kind: "unknown", why: error.message };
  if (error.code === "PROVIDER_THROTTLED") {
    return { kind: "throttled", retryAtMs: nowMs + (error.context.retryAfterSeconds ?? 1) * 1_000, why: error.message };
  }
  return { kind: "failed", error };
}

export function outcomeOfThrown(what: string, thrown: unknown, nowMs: EpochMs, effect: "read" | "write"): Outcome {
  return outcomeOfError(transportError(what, thrown, effect), nowMs);
}
