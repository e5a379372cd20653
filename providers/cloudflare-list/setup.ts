// Claiming a list for a store and making it count in its zones; giving it up. Items are never touched here.
// Refuses what a person must decide: another store's claim always, items of ours without a claim unless adopted.
import { fail, ok, PortcullisError, type Result } from "../../shared/errors.ts";
import type { Signal } from "../../shared/ports.ts";
import type { SetupAction, SetupReport } from "../../shared/provider.ts";
import type { Call } from "../internal/cloudflare/client.ts";
import { storeIdPattern, storeIdWords } from "../internal/cloudflare/marks.ts";
import { type CloudflareListSettings, claimOf, phase, ruleOf, withClaim, withoutClaim } from "./config.ts";
import { namesOf, split } from "./convert.ts";
import { cloudflareLimits } from "./limits.ts";
import type { NativeList, NativeRule } from "./read.ts";
import type { Wire } from "./wire.ts";
import { findRule, isAsWritten, passedBefore } from "./zones.ts";

interface Tools {
  readonly settings: CloudflareListSettings;
  readonly wire: Wire;
}

type Claim = Extract<SetupAction, { readonly action: "claim" }>;

/** What one part of the work came to. */
interface Part {
  readonly line: string;
  readonly changed: boolean;
}

async function write(tools: Tools, call: Call, signal?: Signal): Promise<Result<true>> {
  const answer = await tools.wire.send(call, "write", signal);
  if (answer.ok) return ok(true);
  const { error } = answer;
  const hint =
    error.code === "PROVIDER_AUTH"
      ? "; setup needs providers/cloudflare-list/policy.setup.json"
      : error.code === "OUTCOME_UNKNOWN"
        ? "; run the command again to see"
        : "";
  return { ok: false, error: new PortcullisError(error.code, `${error.message}${hint}`, error.context) };
}

async function refusal(tools: Tools, list: NativeList, action: Claim, signal?: Signal): Promise<Result<null>> {
  const { settings, wire } = tools;
  const holder = claimOf(list.description);
  if (holder !== null && holder !== action.storeId) {
    const how = `release it there first, or take portcullis:store=${holder} out of its description if that store is gone`;
    return fail("OWNERSHIP_CONFLICT", `list ${list.name} is claimed by store ${holder}, not ${action.storeId}; ${how}`);
  }
  if (list.kind !== "ip") return fail("CONFIG_INVALID", `list ${list.name} holds items of kind ${list.kind}, not addresses; name another list`);
  const items = await wire.items(list, settings.items, signal);
  if (!items.ok) return items;
  const found = split(items.value, list.name);
  if (!found.ok) return found;
  const { ours, foreign } = found.value;
  if (foreign.length > 0 && settings.shared === "refuse") {
    const how = "name a list of its own, or write shared: allow (see providers/cloudflare-list/README.md for what that risks)";
    return fail("OWNERSHIP_CONFLICT", `list ${list.name} holds ${foreign.length} items that are not ours; ${how}`);
  }
  if (holder === null && ours.length > 0 && !action.adopt) {
    const what = `list ${list.name} is not claimed and holds ${ours.length} items with our mark: ${namesOf(ours)}`;
    return fail("OWNERSHIP_CONFLICT", `${what}; remove them, or run setup with --adopt to take them over`);
  }
  return ok(null);
}

async function claimList(tools: Tools, action: Claim, signal?: Signal): Promise<Result<Part>> {
  const { settings, wire } = tools;
  const lists = await wire.lists(signal);
  if (!lists.ok) return lists;
  const list = lists.value.value.find((candidate) => candidate.name === settings.list);
  if (list === undefined) {
    const body = { name: settings.list, kind: "ip", description: withClaim("Kept by Portcullis.", action.storeId) };
    const made = await write(tools, { method: "POST", path: wire.listsPath(), body, what: `making list ${settings.list}` }, signal);
    return made.ok ? ok({ line: `made list ${settings.list} and claimed it for store ${action.storeId}`, changed: true }) : made;
  }
  const refused = await refusal(tools, list, action, signal);
  if (!refused.ok) return refused;
  if (claimOf(list.description) === action.storeId) return ok({ line: `list ${list.name} is already claimed for store ${action.storeId}`, changed: false });
  const description = withClaim(list.description, action.storeId);
  if (description.length > cloudflareLimits.descriptionChars) {
    return fail(
      "CONFIG_INVALID",
      `the description of list ${list.name} leaves no room for the claim (${cloudflareLimits.descriptionChars} characters); shorten it`,
    );
  }
  const done = await write(tools, describe(tools, list, description), signal);
  return done.ok ? ok({ line: `claimed list ${list.name} for store ${action.storeId}`, changed: true }) : done;
}

function describe(tools: Tools, list: NativeList, description: string): Call {
  return { method: "PUT", path: `${tools.wire.listsPath()}/${list.id}`, body: { description }, what: `describing list ${list.name}` };
}

/** Puts our one rule first in the zone. Never writes the entry point: that would replace every rule of the zone. */
async function claimZone(tools: Tools, zone: string, signal?: Signal): Promise<Result<Part>> {
  const { wire } = tools;
  const { list } = tools.settings;
  const rule = ruleOf(list);
  const found = await wire.customRules(zone, signal);
  if (!found.ok) return found;
  const ruleset = found.value;
  const standing = findRule(ruleset, list);
  if (standing !== null && isAsWritten(standing, list) && passedBefore(ruleset, standing).length === 0) {
    return ok({ line: `zone ${zone} blocks list ${list} already`, changed: false });
  }
  const done = await write(tools, ruleCall(zone, ruleset?.id ?? null, standing, rule), signal);
  const did = standing === null ? "added" : "put right";
  return done.ok ? ok({ line: `${did} rule ${rule.ref}, first of the custom rules of zone ${zone}`, changed: true }) : done;
}

function ruleCall(zone: string, rulesetId: string | null, standing: NativeRule | null, rule: ReturnType<typeof ruleOf>): Call {
  const what = `writing rule ${rule.ref} of zone ${zone}`;
  const path = `/zones/${zone}/rulesets`;
  if (rulesetId === null) return { method: "POST", path, body: { name: "default", kind: "zone", phase, rules: [{ ...rule }] }, what };
  const body = { ...rule, position: { index: 1 } };
  if (standing === null) return { method: "POST", path: `${path}/${rulesetId}/rules`, body, what };
  return { method: "PATCH", path: `${path}/${rulesetId}/rules/${standing.id}`, body, what };
}

async function claim(tools: Tools, action: Claim, signal?: Signal): Promise<Result<SetupReport>> {
  if (!storeIdPattern.test(action.storeId)) return fail("INVALID_INPUT", storeIdWords);
  const parts: Part[] = [];
  const list = await claimList(tools, action, signal);
  if (!list.ok) return list;
  parts.push(list.value);
  for (const zone of tools.settings.zones) {
    const done = await claimZone(tools, zone, signal);
    if (!done.ok) return done;
    parts.push(done.value);
  }
  if (tools.settings.zones.length === 0) parts.push({ line: "warning: no zones are named, and a list alone blocks nothing", changed: false });
  return ok({ lines: parts.map((part) => part.line), changed: parts.some((part) => part.changed) });
}

async function release(tools: Tools, signal?: Signal): Promise<Result<SetupReport>> {
  const { settings, wire } = tools;
  const lists = await wire.lists(signal);
  if (!lists.ok) return lists;
  const list = lists.value.value.find((candidate) => candidate.name === settings.list);
  const holder = list === undefined ? null : claimOf(list.description);
  if (list === undefined || holder === null) return ok({ lines: [`list ${settings.list} is not claimed`], changed: false });
  const done = await write(tools, describe(tools, list, withoutClaim(list.description)), signal);
  if (!done.ok) return done;
  const rule = `rule ${ruleOf(settings.list).ref} stays in its zones and goes on blocking what the list holds; delete it by hand to open them`;
  return ok({ lines: [`released list ${list.name}, which store ${holder} held; its items stand as they were`, rule], changed: true });
}

export function setUp(tools: Tools, action: SetupAction, signal?: Signal): Promise<Result<SetupReport>> {
  return action.action === "claim" ? claim(tools, action, signal) : release(tools, signal);
}
