// One step, one UpdateIPSet, one outcome. Never throws. The lock token is the one that came with the very list the step was decided on,
// so a change by anybody in between is refused by WAF itself and nothing of theirs is lost.
import * as v from "valibot";
import { PortcullisError } from "../../shared/errors.ts";
import type { EpochMs, Signal } from "../../shared/ports.ts";
import type { Outcome, Step } from "../../shared/provider.ts";
import type { AwsError } from "../internal/aws/answer.ts";
import { authError, type Circumstances, wordsOf } from "../internal/aws/failures.ts";
import type { Client } from "./client.ts";
import { meaningOf } from "./codes.ts";
import type { NativeStep } from "./compile.ts";
import { families, type SetName, wafLimits } from "./config.ts";
import { contentOf, contentOfSet, goneText, split } from "./convert.ts";
import { kind } from "./credentials.ts";
import { isOf, markOf } from "./mark.ts";
import { type NativeSet, readSet, writeSet } from "./sets.ts";

const nativeSchema = v.strictObject({
  arn: v.string(),
  family: v.picklist(families),
  addresses: v.pipe(v.array(v.string()), v.maxLength(wafLimits.addressesPerSet)),
  before: v.string(),
  storeId: v.nullable(v.string()),
});

export interface ApplyTools {
  readonly client: Client;
  readonly sets: readonly SetName[];
  /** The sets as they were last read, by ARN; each is used for one write. */
  readonly known: Map<string, NativeSet>;
}

/** Why nothing need or may be sent; null: send it. */
function withoutSending(native: NativeStep, set: NativeSet): Outcome | null {
  const mark = markOf(set.description);
  if ((mark?.store ?? null) !== native.storeId || (mark !== null && !isOf(mark, set.name)))
    return { kind: "conflict", why: `IP set ${set.name.name} was claimed or released since it was last read` };
  const content = contentOfSet(set);
  if (content === contentOf(split(native.addresses, native.family))) return { kind: "already" };
  return content === native.before ? null : { kind: "conflict", why: `IP set ${set.name.name} was changed since it was last read` };
}

function errorOutcome(what: string, error: AwsError, { retryAtMs }: Circumstances): Outcome {
  const why = wordsOf(what, error);
  switch (meaningOf(error)) {
    case "auth":
      return { kind: "failed", error: authError(what, error, kind) };
    case "throttle":
      return { kind: "throttled", retryAtMs, why };
    case "server":
      return { kind: "unknown", why };
    case "lock":
    case "missing":
      return { kind: "conflict", why };
    case "capacity":
      return { kind: "failed", error: new PortcullisError("CAPACITY_EXCEEDED", `${why}; a set holds ${wafLimits.addressesPerSet} addresses`) };
    case "rejected":
      return { kind: "failed", error: new PortcullisError("PROVIDER_REJECTED", why, { facts: { awsCode: error.code } }) };
  }
}

/** What an error before or during the write comes to. */
function outcomeOfError(error: PortcullisError, nowMs: EpochMs): Outcome {
  if (error.code === "OUTCOME_UNKNOWN") return { kind: "unknown", why: error.message };
  if (error.code === "PROVIDER_THROTTLED") return { kind: "throttled", retryAtMs: nowMs + (error.context.retryAfterSeconds ?? 1) * 1_000, why: error.message };
  return { kind: "failed", error };
}

const updatedSchema = v.looseObject({ NextLockToken: v.string() });

async function write({ client }: ApplyTools, native: NativeStep, set: NativeSet, signal?: Signal): Promise<Outcome> {
  const { paceUntilMs } = client;
  if (paceUntilMs !== null)
    return { kind: "throttled", retryAtMs: paceUntilMs, why: "AWS WAF takes one UpdateIPSet a second, and the other set was just written" };
  const { name, description, lockToken } = set;
  const sent = await writeSet(client, { name, description, lockToken, addresses: native.addresses }, "run", signal);
  if (!sent.ok) return outcomeOfError(sent.error, client.now);
  const { answer, circumstances, what } = sent.value;
  if (answer.kind === "error") return errorOutcome(what, answer, circumstances);
  if (answer.kind === "ok" && v.is(updatedSchema, answer.content)) return { kind: "applied" };
  return { kind: "unknown", why: wordsOf(what, { kind: "unreadable", status: answer.kind === "ok" ? 200 : answer.status }) };
}

async function lookAndWrite(tools: ApplyTools, native: NativeStep, name: SetName, signal?: Signal): Promise<Outcome> {
  const read = await readSet(tools.client, name, "run", signal);
  if (!read.ok) return outcomeOfError(read.error, tools.client.now);
  if (!read.value.found) return { kind: "conflict", why: goneText(name) };
  return withoutSending(native, read.value.set) ?? (await write(tools, native, read.value.set, signal));
}

export async function applyStep(tools: ApplyTools, step: Step, signal?: Signal): Promise<Outcome> {
  const parsed = v.safeParse(nativeSchema, step.native);
  const name = parsed.success ? tools.sets.find((set) => set.arn === parsed.output.arn && set.family === parsed.output.family) : undefined;
  if (!parsed.success || name === undefined)
    return {
      kind: "failed",
      error: new PortcullisError("PROVIDER_REJECTED", `step ${step.id} is not a step of this target; nothing was sent`, { step: step.id }),
    };
  const native = parsed.output;
  const known = tools.known.get(name.arn);
  if (known === undefined || withoutSending(native, known) !== null) return lookAndWrite(tools, native, name, signal);
  const outcome = await write(tools, native, known, signal);
  if (outcome.kind !== "throttled") tools.known.delete(name.arn);
  // Somebody was faster: what they did may be what we wanted. This look writes nothing, since their list is not the one we decided on.
  if (outcome.kind !== "conflict") return outcome;
  const read = await readSet(tools.client, name, "run", signal);
  const verdict = read.ok && read.value.found ? withoutSending(native, read.value.set) : null;
  return verdict?.kind === "already" ? verdict : outcome;
}
