// Claiming an account's or a zone's IP Access rules for a store by one rule that blocks nobody; giving them up. Our other rules are
// never touched here. Refuses what a person must decide: another store's claim always, rules of ours without a claim unless adopted.
import { displayCidr } from "../../shared/address/index.ts";
import { fail, ok, PortcullisError, type Result } from "../../shared/errors.ts";
import type { Signal } from "../../shared/ports.ts";
import type { SetupAction, SetupReport } from "../../shared/provider.ts";
import { storeIdPattern, storeIdWords } from "../internal/cloudflare/marks.ts";
import type { AccessRulesApi } from "./api.ts";
import { type AccessRulesSettings, claimNotes, claimValue, levelOf } from "./config.ts";
import { namesOf, placeText, type Split, split } from "./convert.ts";

interface Tools {
  readonly settings: AccessRulesSettings;
  readonly api: AccessRulesApi;
}

type Claim = Extract<SetupAction, { readonly action: "claim" }>;

function withHint<T>(result: Result<T>): Result<T> {
  if (result.ok || result.error.code !== "OUTCOME_UNKNOWN") return result;
  const { code, message, context } = result.error;
  return { ok: false, error: new PortcullisError(code, `${message}; run the command again to see`, context) };
}

async function read({ settings, api }: Tools, signal?: Signal): Promise<Result<Split>> {
  const all = await api.rules(levelOf(settings), signal);
  return all.ok ? split(all.value.rules, levelOf(settings)) : all;
}

function refusal(place: string, found: Split, action: Claim): Result<null> {
  const { claim, ours, taken } = found;
  if (claim !== null && claim.storeId !== action.storeId) {
    const how = `release it there first, or delete the rule for ${claimValue} if that store is gone`;
    return fail("OWNERSHIP_CONFLICT", `${place} is claimed by store ${claim.storeId}, not ${action.storeId}; ${how}`);
  }
  if (claim === null && taken.some(({ cidr }) => displayCidr(cidr) === claimValue)) {
    return fail("OWNERSHIP_CONFLICT", `${place} has a rule of somebody else for ${claimValue}, where the claim has to stand; delete that rule`);
  }
  if (claim === null && ours.length > 0 && !action.adopt) {
    const what = `${place} is not claimed and has ${ours.length} rules with our mark: ${namesOf(ours)}`;
    return fail("OWNERSHIP_CONFLICT", `${what}; delete them, or run setup with --adopt to take them over`);
  }
  return ok(null);
}

/** What a person ought to know of this place, and need not act on for the claim's sake. */
function warnings(found: Split): readonly string[] {
  const allowed = found.foreign.filter(({ id }) => /^\w+\/whitelist\//.test(id)).length;
  return allowed === 0 ? [] : [`note: ${allowed} rules of others allow something; what they allow is not blocked, whatever we add`];
}

async function claim(tools: Tools, action: Claim, signal?: Signal): Promise<Result<SetupReport>> {
  if (!storeIdPattern.test(action.storeId)) return fail("INVALID_INPUT", storeIdWords);
  const place = placeText(tools.settings);
  const found = await read(tools, signal);
  if (!found.ok) return found;
  const refused = refusal(place, found.value, action);
  if (!refused.ok) return refused;
  const notes = warnings(found.value);
  if (found.value.claim !== null) return ok({ lines: [`${place} is already claimed for store ${action.storeId}`, ...notes], changed: false });
  const made = await tools.api.create(levelOf(tools.settings), { target: "ip", value: claimValue, notes: claimNotes(action.storeId) }, signal);
  if (!made.ok) return withHint(made);
  const adopted = found.value.ours.length === 0 ? [] : [`took over ${found.value.ours.length} rules: ${namesOf(found.value.ours)}`];
  const line = `claimed ${place} for store ${action.storeId} by a rule that blocks ${claimValue}, a documentation address`;
  return ok({ lines: [line, ...adopted, ...notes], changed: true });
}

async function release(tools: Tools, signal?: Signal): Promise<Result<SetupReport>> {
  const place = placeText(tools.settings);
  const found = await read(tools, signal);
  if (!found.ok) return found;
  const held = found.value.claim;
  if (held === null) return ok({ lines: [`${place} is not claimed`], changed: false });
  const done = await tools.api.delete(levelOf(tools.settings), held.ruleId, claimValue, signal);
  if (!done.ok) return withHint(done);
  const left = `its ${found.value.ours.length} rules stand as they were and go on blocking; delete them by hand to open them`;
  return ok({ lines: [`released ${place}, which store ${held.storeId} held`, left], changed: true });
}

export function setUp(tools: Tools, action: SetupAction, signal?: Signal): Promise<Result<SetupReport>> {
  return action.action === "claim" ? claim(tools, action, signal) : release(tools, signal);
}
