// Claiming an ACL's range for a store, and giving it up. The claim is two tags; entries are never touched here.
// Refuses what a person must decide: another store's claim always, entries already in the range unless adopted.
import { fail, ok, PortcullisError, type Result } from "../../shared/errors.ts";
import type { EpochMs } from "../../shared/ports.ts";
import type { SetupAction, SetupReport } from "../../shared/provider.ts";
import { writeError } from "../internal/aws/failures.ts";
import type { AwsAnswer } from "../internal/aws/query.ts";
import { type AwsNaclSettings, rangeTag, tagKeys } from "./config.ts";
import { type Described, inRange, type NativeAcl, namesOf, observationOf, ourShape, split } from "./convert.ts";
import { kind } from "./credentials.ts";
import { directionsOf } from "./slots.ts";

export interface SetupTools {
  readonly settings: AwsNaclSettings;
  readonly describe: () => Promise<Result<Described>>;
  readonly call: (action: "CreateTags" | "DeleteTags", parameters: Readonly<Record<string, string>>) => Promise<Result<AwsAnswer>>;
  readonly now: () => EpochMs;
  readonly retryAtMs: (answer: AwsAnswer) => EpochMs;
}

/** EC2 tag values: at most 256 characters (botocore ec2/2016-11-15 Tag, checked 2026-11-20). */
const storeIdPattern = /^[\w.:/=+@-]{1,256}$/;

async function write(tools: SetupTools, action: "CreateTags" | "DeleteTags", parameters: Readonly<Record<string, string>>): Promise<Result<true>> {
  const answer = await tools.call(action, parameters);
  if (!answer.ok) return answer;
  if (answer.value.kind === "ok") return ok(true);
  const error = writeError(`${action} of ${tools.settings.acl}`, answer.value, { kind, retryAtMs: tools.retryAtMs(answer.value), nowMs: tools.now() });
  // Setup needs two permissions that the run-time policy does not have.
  const hint = error.code === "PROVIDER_AUTH" ? "; setup needs providers/aws-nacl/policy.setup.json" : "";
  return { ok: false, error: new PortcullisError(error.code, `${error.message}${hint}`, error.context) };
}

function tagParameters(acl: string, tags: readonly (readonly [string, string])[]): Record<string, string> {
  const parameters: Record<string, string> = { "ResourceId.1": acl };
  for (const [index, [key, value]] of tags.entries()) {
    parameters[`Tag.${index + 1}.Key`] = key;
    parameters[`Tag.${index + 1}.Value`] = value;
  }
  return parameters;
}

function readRange(tag: string | undefined): { readonly first: number; readonly last: number } | null {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(tag ?? "");
  return match === null ? null : { first: Number(match[1]), last: Number(match[2]) };
}

/** Entries of our shape that this claim would newly take over, and those that it would leave behind as nobody's. */
function moved(acl: NativeAcl, settings: AwsNaclSettings): { readonly taken: readonly string[]; readonly left: readonly string[] } {
  const claimed = acl.tags.has(tagKeys.store) ? readRange(acl.tags.get(tagKeys.range)) : null;
  const { ours } = split(acl, settings);
  const taken = ours.filter((half) => claimed === null || !inRange(claimed, half.number));
  const left = claimed === null ? [] : acl.entries.filter((entry) => inRange(claimed, entry.number) && !inRange(settings.rules, entry.number));
  const shaped = left.flatMap((entry) => {
    const cidr = ourShape(entry);
    return cidr !== null && directionsOf(settings.direction).includes(entry.direction) ? [{ direction: entry.direction, number: entry.number, cidr }] : [];
  });
  return { taken: namesOf(taken), left: namesOf(shaped) };
}

/** What an operator should know about the ACL before going on. */
function remarks(acl: NativeAcl, settings: AwsNaclSettings): string[] {
  const observation = observationOf(acl, settings, null);
  const lines = [
    `${observation.ours.length} entries in the range, ${observation.foreign.length} other rules; ${observation.pools.map((pool) => `${pool.name}: room for ${pool.limit}`).join(", ")}`,
  ];
  if (!observation.enforcing.yes) lines.push(`warning: not enforcing: ${observation.enforcing.why}`);
  const egress = acl.entries.filter((entry) => entry.direction === "out" && inRange(settings.rules, entry.number) && ourShape(entry) !== null);
  if (settings.direction === "ingress" && egress.length > 0) {
    lines.push(
      `warning: ${egress.length} egress deny rules stand in the range (${egress.map((entry) => entry.number).join(", ")}); with direction ingress nobody removes them`,
    );
  }
  return lines;
}

function refusal(acl: NativeAcl, settings: AwsNaclSettings, action: Extract<SetupAction, { action: "claim" }>): Result<never> | null {
  const holder = acl.tags.get(tagKeys.store);
  if (holder !== undefined && holder !== action.storeId) {
    return fail(
      "OWNERSHIP_CONFLICT",
      `${acl.id} is claimed by store ${holder}, not ${action.storeId}; release it there first, or delete its tags ${tagKeys.store} and ${tagKeys.range} if that store is gone`,
    );
  }
  const { taken, left } = moved(acl, settings);
  if (left.length > 0) {
    return fail(
      "OWNERSHIP_CONFLICT",
      `${acl.id} still has ${left.length} entries in the claimed range ${acl.tags.get(tagKeys.range)} that ${rangeTag(settings.rules)} would leave behind: ${left.join(", ")}; drain the target before the range is moved`,
    );
  }
  if (taken.length > 0 && !action.adopt) {
    return fail(
      "OWNERSHIP_CONFLICT",
      `${acl.id} already has ${taken.length} deny-all entries in ${rangeTag(settings.rules)}: ${taken.join(", ")}; choose a free range, or run setup with --adopt to take them over`,
    );
  }
  return null;
}

async function claim(tools: SetupTools, acl: NativeAcl, action: Extract<SetupAction, { action: "claim" }>): Promise<Result<SetupReport>> {
  const { settings } = tools;
  if (!storeIdPattern.test(action.storeId)) return fail("INVALID_INPUT", "the store id must be 1 to 256 characters of letters, digits and _.:/=+@-");
  const refused = refusal(acl, settings, action);
  if (refused !== null) return refused;
  const range = rangeTag(settings.rules);
  const known = remarks(acl, settings);
  if (acl.tags.get(tagKeys.store) === action.storeId && acl.tags.get(tagKeys.range) === range) {
    return ok({ lines: [`${acl.id} is already claimed for store ${action.storeId}, rules ${range}`, ...known], changed: false });
  }
  const tags = [[tagKeys.store, action.storeId] as const, [tagKeys.range, range] as const];
  const done = await write(tools, "CreateTags", tagParameters(acl.id, tags));
  return done.ok ? ok({ lines: [`claimed rules ${range} of ${acl.id} for store ${action.storeId}`, ...known], changed: true }) : done;
}

async function release(tools: SetupTools, acl: NativeAcl): Promise<Result<SetupReport>> {
  // With their values: tags that changed since they were read are somebody else's, and stay.
  const tags = Object.values(tagKeys).flatMap((key) => (acl.tags.has(key) ? [[key, acl.tags.get(key) ?? ""] as const] : []));
  if (tags.length === 0) return ok({ lines: [`${acl.id} is not claimed`], changed: false });
  const done = await write(tools, "DeleteTags", tagParameters(acl.id, tags));
  const held = acl.tags.get(tagKeys.store) ?? "nobody";
  return done.ok ? ok({ lines: [`released ${acl.id}, which store ${held} held; its entries stand as they were`], changed: true }) : done;
}

export async function setUp(tools: SetupTools, action: SetupAction): Promise<Result<SetupReport>> {
  const described = await tools.describe();
  if (!described.ok) return described;
  if (!described.value.found)
    return fail("CONFIG_INVALID", `${tools.settings.acl} does not exist in ${tools.settings.region}; correct the target's acl or region`);
  return action.action === "claim" ? claim(tools, described.value.acl, action) : release(tools, described.value.acl);
}
