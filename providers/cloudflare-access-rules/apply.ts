// One step, one call that changes something, one outcome. Never throws. Refuses a step that names another place, and to delete a
// rule that is not ours any more.
import * as v from "valibot";
import { displayCidr, parseCidr } from "../../shared/address/index.ts";
import { fail, ok, PortcullisError, type Result } from "../../shared/errors.ts";
import type { Signal } from "../../shared/ports.ts";
import type { Outcome, Step } from "../../shared/provider.ts";
import { outcomeOfError } from "../internal/cloudflare/failures.ts";
import { type AccessRulesApi, codes } from "./api.ts";
import type { NativeStep } from "./compile.ts";
import { type AccessRulesSettings, levelOf } from "./config.ts";
import { isOurs, placeText } from "./convert.ts";
import type { NativeRule } from "./read.ts";

const nativeSchema = v.variant("verb", [
  v.strictObject({ verb: v.literal("add"), place: v.string(), target: v.string(), value: v.string(), notes: v.string() }),
  v.strictObject({ verb: v.literal("remove"), place: v.string(), value: v.string() }),
]);

type Add = Extract<NativeStep, { readonly verb: "add" }>;
type Remove = Extract<NativeStep, { readonly verb: "remove" }>;

/** What the instance remembers for its steps. */
export interface ApplyMemory {
  /** Cloudflare's id of our rule for a value, read where it is not known; null: there is none. */
  idOf(value: string, signal?: Signal): Promise<Result<string | null>>;
  /** The account was found full. */
  full(): void;
}

export interface ApplyTools {
  readonly settings: AccessRulesSettings;
  readonly api: AccessRulesApi;
  readonly memory: ApplyMemory;
}

function nativeOf(step: Step, settings: AccessRulesSettings): Result<NativeStep> {
  const parsed = v.safeParse(nativeSchema, step.native);
  const isOurs = parsed.success && parsed.output.place === placeText(settings);
  if (isOurs) return ok(parsed.output);
  return fail("PROVIDER_REJECTED", `step ${step.id} is not a step of ${placeText(settings)}; nothing was sent`, { step: step.id });
}

function isValue(rule: NativeRule, value: string): boolean {
  const parsed = parseCidr(rule.value);
  return parsed.ok && displayCidr(parsed.value) === value;
}

/** Somebody has a rule with this value: us, as after a lost answer, or another, who keeps it. */
async function taken({ settings, api }: ApplyTools, { value }: Add, signal?: Signal): Promise<Outcome> {
  const level = levelOf(settings);
  const found = await api.rulesFor(level, value, signal);
  if (!found.ok) return outcomeOfError(found.error, api.now);
  const same = found.value.filter((rule) => isValue(rule, value));
  if (same.some((rule) => isOurs(rule, level))) return { kind: "already" };
  const [other] = same;
  const who = other === undefined ? "a rule that its search does not show" : `somebody else's ${other.mode} rule`;
  return { kind: "conflict", why: `Cloudflare refuses a second rule for ${value} at ${placeText(settings)}: ${who} holds the value, and is not touched` };
}

/** No page gives the code or the words of a full account. */
const fullWords = /exceed|maximum|too many|quota|limit/i;

async function add(tools: ApplyTools, native: Add, signal?: Signal): Promise<Outcome> {
  const { api, memory, settings } = tools;
  const made = await api.create(levelOf(settings), native, signal);
  if (made.ok) return { kind: "applied" };
  const { error } = made;
  if (error.code !== "PROVIDER_REJECTED") return outcomeOfError(error, api.now);
  if (error.context.facts?.cloudflareCode === codes.duplicate) return taken(tools, native, signal);
  if (!fullWords.test(error.message)) return { kind: "failed", error };
  memory.full();
  const how = "no more room is counted for an hour: correct rules, the target's setting";
  return { kind: "failed", error: new PortcullisError("CAPACITY_EXCEEDED", `${error.message}; ${how}`, error.context) };
}

async function remove({ settings, api, memory }: ApplyTools, { value }: Remove, signal?: Signal): Promise<Outcome> {
  const level = levelOf(settings);
  const id = await memory.idOf(value, signal);
  if (!id.ok) return outcomeOfError(id.error, api.now);
  if (id.value === null) return { kind: "already" };
  // Once more, just before: a person may have made it theirs by another note or mode.
  const rule = await api.rule(level, id.value, signal);
  if (!rule.ok) return outcomeOfError(rule.error, api.now);
  if (rule.value !== null && !isOurs({ ...rule.value, scope: null }, level)) {
    return { kind: "conflict", why: `the rule of ${value} at ${placeText(settings)} was changed by somebody and is not ours any more; it is not touched` };
  }
  const done = rule.value === null ? ok(false) : await api.delete(level, id.value, value, signal);
  if (!done.ok) return outcomeOfError(done.error, api.now);
  return { kind: done.value ? "applied" : "already" };
}

export async function applyStep(tools: ApplyTools, step: Step, signal?: Signal): Promise<Outcome> {
  const parsed = nativeOf(step, tools.settings);
  if (!parsed.ok) return { kind: "failed", error: parsed.error };
  const native = parsed.value;
  return native.verb === "add" ? add(tools, native, signal) : remove(tools, native, signal);
}
