// Finds web ACLs of a region that already block by an IP set, for `init`. Reads only; suggests, never decides.
import * as v from "valibot";
import { fail, ok, type Result } from "../../shared/errors.ts";
import type { Json } from "../../shared/ports.ts";
import type { Discovery, ProviderPorts } from "../../shared/provider.ts";
import { Credentials } from "../internal/aws/credentials.ts";
import { Client } from "./client.ts";
import { arnOf, type Family, type SetName, searchSchema } from "./config.ts";
import { kind } from "./credentials.ts";
import { markOf } from "./mark.ts";
import { type NativeSet, readSet } from "./sets.ts";
import { readWebAcl, setArnsOf, type WebAcl } from "./web-acl.ts";

/** Reads of web ACLs and of sets that fit in one second each (5 a second of any one action), since nothing here may wait. */
const looksMax = 4;

const listSchema = v.looseObject({
  WebACLs: v.array(v.looseObject({ ARN: v.string(), Name: v.string() })),
  NextMarker: v.nullish(v.string()),
});

/** Lists web ACLs, and nothing else that would change anything (a session's policy; the role must allow it too). */
function searchPolicy(): string {
  const actions = ["wafv2:ListWebACLs", "wafv2:GetWebACL", "wafv2:GetIPSet"];
  return JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }] });
}

async function list(client: Client, scope: string): Promise<Result<v.InferOutput<typeof listSchema>>> {
  const what = `ListWebACLs, scope ${scope}`;
  const call = { action: "ListWebACLs", body: { Scope: scope, Limit: 100 }, what, purpose: "run", effect: "read" } as const;
  const sent = await client.send(call);
  if (!sent.ok) return sent;
  const { answer, circumstances } = sent.value;
  if (answer.kind !== "ok") return client.failure(call, answer, circumstances);
  const read = v.safeParse(listSchema, answer.content);
  return read.success ? ok(read.output) : fail("PROVIDER_UNAVAILABLE", `${what} answered with something unreadable; nothing is concluded from it`);
}

/** The sets that a web ACL blocks by, as far as they may be read now. */
async function setsIn(client: Client, webAcl: WebAcl, looks: { left: number }): Promise<Result<readonly NativeSet[]>> {
  const found: NativeSet[] = [];
  for (const arn of setArnsOf(webAcl)) {
    if (looks.left === 0) break;
    looks.left -= 1;
    const name: SetName = { ...arnOf(arn), family: 4, partner: null };
    const read = await readSet(client, name, "run");
    if (!read.ok) return read;
    if (read.value.found) found.push(read.value.set);
  }
  return ok(found);
}

function warningsFor(set: NativeSet): string[] {
  const mark = markOf(set.description);
  if (mark !== null) return [`IP set ${set.name.name} is already claimed by store ${mark.store}`];
  const count = set.addresses.length;
  return count === 0 ? [] : [`IP set ${set.name.name} holds ${count} addresses: claiming it takes them over, so a set of its own is safer`];
}

function discoveryOf(webAcl: WebAcl, sets: readonly NativeSet[], rest: { readonly [name: string]: Json }, isWhole: string[]): Discovery | null {
  const of = (family: Family) => sets.find((set) => set.version === `IPV${family}`);
  const [v4, v6] = [of(4), of(6)];
  if (v4 === undefined && v6 === undefined) return null;
  const chosen = [v4, v6].filter((set) => set !== undefined);
  const named = { ...(v4 === undefined ? {} : { ipv4: v4.name.arn }), ...(v6 === undefined ? {} : { ipv6: v6.name.arn }) };
  const { name } = arnOf(webAcl.ARN);
  return {
    title: `web ACL ${name}, which blocks by ${chosen.map((set) => set.name.name).join(" and ")}`,
    settings: { ...named, webAcl: webAcl.ARN, ...rest },
    warnings: [...chosen.flatMap(warningsFor), ...isWhole],
  };
}

export async function discover(settings: Json, ports: ProviderPorts): Promise<Result<readonly Discovery[]>> {
  const parsed = v.safeParse(searchSchema, settings);
  if (!parsed.success) return fail("CONFIG_INVALID", `cannot look for web ACLs: ${parsed.issues.map((issue) => issue.message).join("; ")}`);
  const { scope, ...account } = parsed.output;
  const client = new Client(account, new Credentials(account, { kind, sessionPolicy: searchPolicy }, ports), ports);
  const listed = await list(client, scope);
  if (!listed.ok) return listed;
  const { region: _region, ...rest } = account;
  const looks = { left: looksMax };
  const left = listed.value.WebACLs.length - looksMax;
  const more = left > 0 || (listed.value.NextMarker ?? "") !== "" ? ["the region has more web ACLs than were looked at; name others by hand"] : [];
  const found: Discovery[] = [];
  for (const { ARN } of listed.value.WebACLs.slice(0, looksMax)) {
    const webAcl = await readWebAcl(client, ARN, "run");
    if (!webAcl.ok) return webAcl;
    if (webAcl.value === null) continue;
    const sets = await setsIn(client, webAcl.value, looks);
    if (!sets.ok) return sets;
    const one = discoveryOf(webAcl.value, sets.value, rest, more);
    if (one !== null) found.push(one);
  }
  return ok(found);
}
