// One step, one call, one outcome. Never throws. Refuses a step that names another ACL.
import * as v from "valibot";
import { fail, PortcullisError, type Result } from "../../shared/errors.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { Outcome, Step } from "../../shared/provider.ts";
import type { AwsError } from "../internal/aws/answer.ts";
import { authError, wordsOf } from "../internal/aws/failures.ts";
import type { AwsAnswer, AwsCall } from "../internal/aws/query.ts";
import { transportError } from "../internal/transport-error.ts";
import { meaningOf } from "./codes.ts";
import type { NativeStep, NativeVerb } from "./compile.ts";
import { ruleNumberLast } from "./config.ts";
import { kind } from "./credentials.ts";

const nativeSchema = v.strictObject({
  verb: v.picklist(["create", "replace", "delete"]),
  acl: v.string(),
  direction: v.picklist(["in", "out"]),
  number: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(ruleNumberLast)),
  family: v.picklist([4, 6]),
  cidr: v.string(),
});

const actions = {
  create: "CreateNetworkAclEntry",
  replace: "ReplaceNetworkAclEntry",
  delete: "DeleteNetworkAclEntry",
} as const satisfies Record<NativeVerb, string>;

export function nativeOf(step: Step, acl: string): Result<NativeStep> {
  const parsed = v.safeParse(nativeSchema, step.native);
  if (parsed.success && parsed.output.acl === acl) return { ok: true, value: parsed.output };
  return fail("PROVIDER_REJECTED", `step ${step.id} is not a step of ${acl}; nothing was sent`, { step: step.id });
}

export function callOf(native: NativeStep): AwsCall {
  const place = { NetworkAclId: native.acl, RuleNumber: String(native.number), Egress: String(native.direction === "out") };
  if (native.verb === "delete") return { service: "ec2", action: actions.delete, parameters: place };
  // Protocol -1 is every protocol and port; no PortRange belongs to it.
  const rule = { Protocol: "-1", RuleAction: "deny", [native.family === 4 ? "CidrBlock" : "Ipv6CidrBlock"]: native.cidr };
  return { service: "ec2", action: actions[native.verb], parameters: { ...place, ...rule } };
}

function errorOutcome(native: NativeStep, what: string, error: AwsError, retryAtMs: EpochMs): Outcome {
  const why = wordsOf(what, error);
  switch (meaningOf(error)) {
    case "auth":
      return { kind: "failed", error: authError(what, error, kind) };
    case "throttle":
      return { kind: "throttled", retryAtMs, why };
    case "server":
      return { kind: "unknown", why };
    case "capacity":
      return {
        kind: "failed",
        error: new PortcullisError("CAPACITY_EXCEEDED", `${why}; lower rules.limit to the account's quota, or free rules in ${native.acl}`),
      };
    case "exists":
      return { kind: "conflict", why: `${why}; someone took ingress or egress rule ${native.number} since it was last read` };
    case "entryMissing":
      if (native.verb === "delete") return { kind: "already" };
      return { kind: "conflict", why: `${why}; rule ${native.number} was deleted since it was last read` };
    case "aclMissing":
    case "rejected":
      return { kind: "failed", error: new PortcullisError("PROVIDER_REJECTED", why, { facts: { awsCode: error.code } }) };
  }
}

export function outcomeOf(native: NativeStep, what: string, answer: AwsAnswer, retryAtMs: EpochMs): Outcome {
  if (answer.kind === "ok") return { kind: "applied" };
  if (answer.kind === "unreadable") return { kind: "unknown", why: wordsOf(what, answer) };
  return errorOutcome(native, what, answer, retryAtMs);
}

/** What an error before or during the write comes to. */
export function outcomeOfError(error: PortcullisError, nowMs: EpochMs): Outcome {
  if (error.code === "OUTCOME_UNKNOWN") return { kind: "unknown", why: error.message };
  if (error.code === "PROVIDER_THROTTLED") {
    return { kind: "throttled", retryAtMs: nowMs + (error.context.retryAfterSeconds ?? 1) * 1_000, why: error.message };
  }
  return { kind: "failed", error };
}

export function outcomeOfThrown(what: string, thrown: unknown, nowMs: EpochMs): Outcome {
  return outcomeOfError(transportError(what, thrown, "write"), nowMs);
}
