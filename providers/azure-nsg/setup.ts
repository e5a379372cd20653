// Claiming our rule names in an NSG for a store, and giving them up. The claim is one tag; rules are never touched here.
// Refuses what a person must decide: another store's claim always, rules that stand already unless adopted, a priority that is taken.
import { fail, ok, PortcullisError, type Result } from "../../shared/errors.ts";
import type { EpochMs, Signal } from "../../shared/ports.ts";
import type { SetupAction, SetupReport } from "../../shared/provider.ts";
import { transportError } from "../internal/transport-error.ts";
import type { Arm, ArmAnswer, TagChange } from "./api.ts";
import { type AzureNsgSettings, claimTagOf, describeRule, descriptionCharsMax, families, groupPathOf, priorityOf } from "./config.ts";
import { isOurs, observationOf } from "./convert.ts";
import { writeError } from "./failures.ts";
import { type NativeGroup, tagOf } from "./native.ts";
import type { Described } from "./provider.ts";

export interface SetupTools {
  readonly settings: AzureNsgSettings;
  readonly arm: Arm;
  readonly describe: () => Promise<Result<Described>>;
  readonly now: () => EpochMs;
  readonly retryAtMs: (answer: ArmAnswer) => EpochMs;
  readonly signal: Signal | undefined;
}

type Claim = Extract<SetupAction, { readonly action: "claim" }>;

const storeIdPattern = /^[\w.:+@-]{1,80}$/;

async function changeTags(tools: SetupTools, change: TagChange): Promise<Result<true>> {
  const { settings } = tools;
  const what = `the ${change.operation.toLowerCase()} of tag ${claimTagOf(settings)} on ${settings.nsg}`;
  const token = await tools.arm.token(tools.signal);
  if (!token.ok) return token;
  try {
    const answer = await tools.arm.changeTags(token.value, groupPathOf(settings), change, tools.signal);
    if (answer.kind === "ok") return ok(true);
    const error = writeError(what, answer, tools.retryAtMs(answer), tools.now());
    // Setup needs one permission that the run-time role does not have.
    const hint = error.code === "PROVIDER_AUTH" ? "; setup needs providers/azure-nsg/policy.setup.json" : "";
    return { ok: false, error: new PortcullisError(error.code, `${error.message}${hint}`, error.context) };
  } catch (thrown) {
    return { ok: false, error: transportError(what, thrown, "write") };
  }
}

function refusal(group: NativeGroup, settings: AzureNsgSettings, action: Claim): Result<never> | null {
  const holder = tagOf(group, claimTagOf(settings));
  if (holder !== null && holder !== action.storeId) {
    return fail(
      "OWNERSHIP_CONFLICT",
      `rule ${settings.rule} of ${group.name} is claimed by store ${holder}, not ${action.storeId}; release it there first, or delete its tag ${claimTagOf(settings)} if that store is gone`,
    );
  }
  const taken = group.rules.filter(
    (rule) => !isOurs(settings, rule) && rule.direction === "Inbound" && families.some((family) => rule.priority === priorityOf(settings, family)),
  );
  if (taken.length > 0) {
    const names = taken.map((rule) => `${rule.name} (${rule.priority})`).join(", ");
    return fail(
      "OWNERSHIP_CONFLICT",
      `inbound priorities ${settings.priority} (IPv4) and ${settings.priority + 1} (IPv6) of ${group.name} must be free, and are held by ${names}; choose another priority, or renumber`,
    );
  }
  const standing = group.rules.filter((rule) => isOurs(settings, rule));
  if (holder === null && standing.length > 0 && !action.adopt) {
    const names = standing.map((rule) => `${rule.name} (${rule.sources.length} sources)`).join(", ");
    return fail(
      "OWNERSHIP_CONFLICT",
      `${group.name} already has ${names}, which nobody has claimed; choose another rule name, or run setup with --adopt to take over`,
    );
  }
  return null;
}

/** What an operator should know about the NSG before going on. */
function remarks(group: NativeGroup, settings: AzureNsgSettings): string[] {
  const observation = observationOf(group, settings, null);
  const lines = [
    `${observation.ours.length} entries, ${observation.foreign.length} other rules; ${observation.pools.map((pool) => `${pool.name}: room for ${pool.limit}`).join(", ")}`,
  ];
  if (!observation.enforcing.yes) lines.push(`warning: not enforcing: ${observation.enforcing.why}`);
  return lines;
}

async function claim(tools: SetupTools, group: NativeGroup, action: Claim): Promise<Result<SetupReport>> {
  const { settings } = tools;
  if (!storeIdPattern.test(action.storeId) || describeRule(action.storeId).length > descriptionCharsMax)
    return fail("INVALID_INPUT", "the store id must be 1 to 80 characters of letters, digits and _.:+@-");
  const refused = refusal(group, settings, action);
  if (refused !== null) return refused;
  const known = remarks(group, settings);
  if (tagOf(group, claimTagOf(settings)) === action.storeId)
    return ok({ lines: [`rule ${settings.rule} of ${group.name} is already claimed for store ${action.storeId}`, ...known], changed: false });
  const done = await changeTags(tools, { operation: "Merge", tags: { [claimTagOf(settings)]: action.storeId } });
  return done.ok ? ok({ lines: [`claimed rule ${settings.rule} of ${group.name} for store ${action.storeId}`, ...known], changed: true }) : done;
}

async function release(tools: SetupTools, group: NativeGroup): Promise<Result<SetupReport>> {
  const { settings } = tools;
  const holder = tagOf(group, claimTagOf(settings));
  if (holder === null) return ok({ lines: [`rule ${settings.rule} of ${group.name} is not claimed`], changed: false });
  // With its value: a tag that changed since it was read is somebody else's, and stays.
  const done = await changeTags(tools, { operation: "Delete", tags: { [claimTagOf(settings)]: holder } });
  return done.ok
    ? ok({ lines: [`released rule ${settings.rule} of ${group.name}, which store ${holder} held; its addresses stand as they were`], changed: true })
    : done;
}

export async function setUp(tools: SetupTools, action: SetupAction): Promise<Result<SetupReport>> {
  const described = await tools.describe();
  if (!described.ok) return described;
  const { settings } = tools;
  if (!described.value.found)
    return fail("CONFIG_INVALID", `${settings.nsg} does not exist in resource group ${settings.resourceGroup}; correct the target's nsg or resourceGroup`);
  return action.action === "claim" ? claim(tools, described.value.group, action) : release(tools, described.value.group);
}
