// Claiming a target's IP sets for a store, and giving them up. The claim is the mark in each description; addresses are sent as they stand.
// Refuses what a person must decide: another store's claim always, a set that is not empty unless adopted.
import { fail, ok, PortcullisError, type Result } from "../../shared/errors.ts";
import type { Signal } from "../../shared/ports.ts";
import type { SetupAction, SetupReport } from "../../shared/provider.ts";
import { writeError } from "../internal/aws/failures.ts";
import type { Client } from "./client.ts";
import { meaningOf } from "./codes.ts";
import { type AwsWafSettings, wafLimits } from "./config.ts";
import { goneText, observationOf, type Seen, versionProblem } from "./convert.ts";
import { isOf, markOf, withMark, withoutMark } from "./mark.ts";
import { type NativeSet, writeSet } from "./sets.ts";

export interface SetupTools {
  readonly settings: AwsWafSettings;
  readonly client: Client;
  readonly seen: Seen;
  readonly signal: Signal | undefined;
}

type Claim = Extract<SetupAction, { readonly action: "claim" }>;

/** Characters that a description takes, less what would end the mark (botocore wafv2/2019-07-29 EntityDescription, checked 2026-11-25). */
const storeIdPattern = /^[\w.:/=+@-]{1,150}$/;

async function describe(tools: SetupTools, set: NativeSet, description: string): Promise<Result<true>> {
  const { client, signal } = tools;
  if (description.length > wafLimits.descriptionChars)
    return fail(
      "CONFIG_INVALID",
      `the description of IP set ${set.name.name} leaves no room for the claim (${wafLimits.descriptionChars} characters); shorten it`,
    );
  const { paceUntilMs, now } = client;
  if (paceUntilMs !== null) {
    const retryAfterSeconds = Math.max(1, Math.ceil((paceUntilMs - now) / 1_000));
    return fail("PROVIDER_THROTTLED", `AWS WAF takes one UpdateIPSet a second; IP set ${set.name.name} is next`, { retryAfterSeconds });
  }
  const sent = await writeSet(client, { name: set.name, description, addresses: set.addresses, lockToken: set.lockToken }, "setup", signal);
  if (!sent.ok) return sent;
  const { answer, circumstances, what } = sent.value;
  if (answer.kind === "ok") return ok(true);
  const error = writeError(what, answer, circumstances);
  const hint = answer.kind === "error" && meaningOf(answer) === "lock" ? "; somebody changed the set just now, so run setup again" : "";
  return { ok: false, error: new PortcullisError(error.code, `${error.message}${hint}`, error.context) };
}

function refusal(set: NativeSet, action: Claim): Result<null> {
  const { name } = set.name;
  const mark = markOf(set.description);
  if (mark !== null && mark.store !== action.storeId) {
    const how = `release it there first, or take portcullis:store=${mark.store} out of its description if that store is gone`;
    return fail("OWNERSHIP_CONFLICT", `IP set ${name} is claimed by store ${mark.store}, not ${action.storeId}; ${how}`);
  }
  const isClaimed = mark !== null && isOf(mark, set.name);
  if (isClaimed || set.addresses.length === 0 || action.adopt) return ok(null);
  const shown = `${set.addresses.slice(0, 5).join(", ")}${set.addresses.length > 5 ? ", …" : ""}`;
  const state = mark === null ? "is not claimed" : "was claimed with another set";
  return fail(
    "OWNERSHIP_CONFLICT",
    `IP set ${name} ${state} and holds ${set.addresses.length} addresses: ${shown}; name an empty set, or run setup with --adopt to take them over`,
  );
}

/** The sets, when all of them are there and of the right family. */
function wholeSets(seen: Seen): Result<readonly NativeSet[]> {
  const sets: NativeSet[] = [];
  for (const read of seen.sets) {
    if (!read.found) return fail("CONFIG_INVALID", goneText(read.name));
    const problem = versionProblem(read.set);
    if (problem !== null) return fail("CONFIG_INVALID", problem);
    sets.push(read.set);
  }
  return ok(sets);
}

/** What an operator should know before going on. */
function remarks({ seen, settings }: SetupTools): readonly string[] {
  const { enforcing, ours, foreign } = observationOf(seen, settings);
  const lines = [`${ours.length} addresses in the target's sets, ${foreign.length} others; room for ${wafLimits.addressesPerSet} in each`];
  return enforcing.yes ? lines : [...lines, `warning: not enforcing: ${enforcing.why}`];
}

async function claim(tools: SetupTools, sets: readonly NativeSet[], action: Claim): Promise<Result<SetupReport>> {
  if (!storeIdPattern.test(action.storeId)) return fail("INVALID_INPUT", "the store id must be 1 to 150 characters of letters, digits and _.:/=+@-");
  for (const set of sets) {
    const refused = refusal(set, action);
    if (!refused.ok) return refused;
  }
  const lines: string[] = [];
  let changed = false;
  for (const set of sets) {
    const mark = markOf(set.description);
    if (mark !== null && isOf(mark, set.name)) {
      lines.push(`IP set ${set.name.name} is already claimed for store ${action.storeId}`);
      continue;
    }
    const done = await describe(tools, set, withMark(set.description, action.storeId, set.name));
    if (!done.ok) return done;
    lines.push(`claimed IP set ${set.name.name} for store ${action.storeId}`);
    changed = true;
  }
  return ok({ lines: [...lines, ...remarks(tools)], changed });
}

async function release(tools: SetupTools, sets: readonly NativeSet[]): Promise<Result<SetupReport>> {
  const lines: string[] = [];
  let changed = false;
  for (const set of sets) {
    const mark = markOf(set.description);
    if (mark === null) {
      lines.push(`IP set ${set.name.name} is not claimed`);
      continue;
    }
    const done = await describe(tools, set, withoutMark(set.description));
    if (!done.ok) return done;
    lines.push(`released IP set ${set.name.name}, which store ${mark.store} held; its addresses stand, and go on being blocked`);
    changed = true;
  }
  return ok({ lines, changed });
}

export async function setUp(tools: SetupTools, action: SetupAction): Promise<Result<SetupReport>> {
  const sets = wholeSets(tools.seen);
  if (!sets.ok) return sets;
  return action.action === "claim" ? claim(tools, sets.value, action) : release(tools, sets.value);
}
