// Finds network ACLs of a region that a target could use, for `init`. Reads only; suggests, never decides.
import * as v from "valibot";
import { fail, ok, type Result } from "../../shared/errors.ts";
import type { Json } from "../../shared/ports.ts";
import type { Discovery, ProviderPorts } from "../../shared/provider.ts";
import type { AwsAccount } from "../internal/aws/account.ts";
import type { Credentials } from "../internal/aws/credentials.ts";
import { readError } from "../internal/aws/failures.ts";
import { sendCall } from "../internal/aws/query.ts";
import { backoffUntil } from "../internal/backoff.ts";
import { transportError } from "../internal/transport-error.ts";
import { accountSchema, ruleNumberLast, rulesPerAcl, tagKeys } from "./config.ts";
import { type NativeAcl, readAcls } from "./convert.ts";
import { credentialsFor, kind } from "./credentials.ts";

/** DescribeNetworkAcls gives at most 1,000 ACLs a page (botocore ec2/2016-11-15, checked 2026-11-20); no account has more than this. */
const pagesMax = 20;
/** Numbers suggested for a range: the adjustable quota's most, so that raising the quota needs no new claim. */
const rangeLength = rulesPerAcl.most;

/** The longest run of numbers below the first ingress allow that nobody uses, at most `rangeLength` long; null when there is none. */
export function freeRange(acl: NativeAcl): { readonly first: number; readonly last: number } | null {
  const used = new Set(acl.entries.map((entry) => entry.number));
  const allows = acl.entries.filter((entry) => entry.direction === "in" && entry.action === "allow").map((entry) => entry.number);
  const end = Math.min(ruleNumberLast + 1, ...allows);
  let best: { first: number; last: number } | null = null;
  let first = 1;
  for (let number = 1; number <= end; number += 1) {
    if (number < end && !used.has(number)) continue;
    const last = Math.min(number - 1, first + rangeLength - 1);
    if (last >= first && (best === null || last - first > best.last - best.first)) best = { first, last };
    first = number + 1;
  }
  return best;
}

function warningsFor(acl: NativeAcl): string[] {
  const warnings: string[] = [];
  if (acl.subnets.length === 0) warnings.push(`${acl.id} is associated with no subnet: entries in it stop nobody`);
  const holder = acl.tags.get(tagKeys.store);
  if (holder !== undefined) warnings.push(`${acl.id} is already claimed by store ${holder}, rules ${acl.tags.get(tagKeys.range) ?? "unknown"}`);
  for (const family of [4, 6] as const) {
    const used = acl.entries.filter((entry) => entry.direction === "in" && entry.family === family).length;
    const left = Math.max(0, rulesPerAcl.byDefault - used);
    if (left < 10)
      warnings.push(`${acl.id} has ${used} ingress rules for IPv${family}: room for ${left} blocks under the default quota of ${rulesPerAcl.byDefault}`);
  }
  return warnings;
}

function discoveryOf(acl: NativeAcl, account: AwsAccount): Discovery {
  const name = acl.tags.get("Name");
  const range = freeRange(acl);
  const warnings = warningsFor(acl);
  if (range === null) warnings.unshift(`${acl.id} has no free rule number below its first allow: renumber its rules before using it`);
  const traits = [acl.vpc, acl.isDefault ? "default ACL" : "", `${acl.subnets.length} ${acl.subnets.length === 1 ? "subnet" : "subnets"}`].filter(
    (trait) => trait !== "",
  );
  return {
    title: `${acl.id}${name === undefined ? "" : ` "${name}"`} (${traits.join(", ")})`,
    settings: { ...account, acl: acl.id, rules: { ...(range ?? { first: 1, last: 1 }), limit: rulesPerAcl.byDefault } },
    warnings,
  };
}

export async function discover(settings: Json, ports: ProviderPorts): Promise<Result<readonly Discovery[]>> {
  const parsed = v.safeParse(accountSchema, settings);
  if (!parsed.success) return fail("CONFIG_INVALID", `cannot look for network ACLs: ${parsed.issues.map((issue) => issue.message).join("; ")}`);
  const credentials = credentialsFor(parsed.output, null, ports);
  const found: NativeAcl[] = [];
  let token: string | null = null;
  for (let page = 0; page < pagesMax; page += 1) {
    const next: Result<{ readonly acls: readonly NativeAcl[]; readonly nextToken: string | null }> = await readPage(parsed.output, credentials, ports, token);
    if (!next.ok) return next;
    found.push(...next.value.acls);
    token = next.value.nextToken;
    if (token === null) return ok(found.map((acl) => discoveryOf(acl, parsed.output)));
  }
  return fail("PROVIDER_REJECTED", `${parsed.output.region} lists more than ${pagesMax} pages of network ACLs; name the ACL in the configuration by hand`);
}

async function readPage(account: AwsAccount, credentials: Credentials, ports: ProviderPorts, token: string | null) {
  const what = `DescribeNetworkAcls in ${account.region}`;
  const keys = await credentials.keysFor("run");
  if (!keys.ok) return keys;
  try {
    const parameters = { MaxResults: "1000", ...(token === null ? {} : { NextToken: token }) };
    const answer = await sendCall(ports, account, keys.value, { service: "ec2", action: "DescribeNetworkAcls", parameters });
    const now = ports.clock.now();
    if (answer.kind !== "ok") {
      const retryAtMs = (answer.kind === "error" ? answer.retryAtMs : null) ?? backoffUntil(1, now, ports.random);
      return { ok: false as const, error: readError(what, answer, { kind, retryAtMs, nowMs: now }) };
    }
    const acls = readAcls(answer.root);
    return acls === null ? fail("PROVIDER_UNAVAILABLE", `${what} answered with something unreadable; nothing is concluded from it`) : ok(acls);
  } catch (thrown) {
    return { ok: false as const, error: transportError(what, thrown, "read") };
  }
}
