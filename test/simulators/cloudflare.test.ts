// The simulator judged by the vendor's own SDK: every route, every refusal, and every call against the API descriptions.
import Cloudflare, { APIError } from "cloudflare";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { blockOf, displayCidr, familyBits } from "../../shared/address/index.ts";
import { cloudflareLimits } from "./cloudflare/limits.ts";
import { Quota } from "./cloudflare/quota.ts";
import { canonicalValue } from "./cloudflare/values.ts";
import type { CloudflareSimulator } from "./cloudflare.ts";
import { expectDescribed } from "./cloudflare-descriptions.ts";
import { accountId, startFixture, tokens, zones } from "./cloudflare-fixtures.ts";

const account_id = accountId;
const [zone_id] = zones;
const rulesets_phase = "http_request_firewall_custom";

let cloudflare: CloudflareSimulator;
let nowMs: number;
let client: Cloudflare;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 10, 20, 12);
  cloudflare = await startFixture({ nowMs: () => nowMs });
  client = clientOf(tokens.setup);
});

afterEach(async () => {
  await cloudflare.close();
  expectDescribed(cloudflare.log);
});

function clientOf(apiToken: string): Cloudflare {
  return new Cloudflare({ apiToken, baseURL: cloudflare.url, maxRetries: 0, timeout: 10_000 });
}

/** Code and status of the SDK's error. */
async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return error instanceof APIError ? `${error.status} ${JSON.stringify(error.error)}` : String(error);
  }
  return "accepted";
}

async function makeList(name = "blocked"): Promise<string> {
  const made = await client.rules.lists.create({ account_id, name, kind: "ip", description: "a note" });
  return made.id;
}

async function add(list: string, body: { ip: string; comment?: string }[]): Promise<string> {
  const { operation_id } = await client.rules.lists.items.create(list, { account_id, body });
  return operation_id;
}

async function done(list: string, body: { ip: string; comment?: string }[]): Promise<void> {
  await add(list, body);
  nowMs += 10_000;
}

async function values(list: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const item of client.rules.lists.items.list(list, { account_id, per_page: 2 })) if ("ip" in item) found.push(item.ip);
  return found;
}

describe("lists by the vendor's SDK", () => {
  test("lists: made, listed, described, got and deleted", async () => {
    const id = await makeList();
    await client.rules.lists.update(id, { account_id, description: "another note" });
    expect(await client.rules.lists.get(id, { account_id })).toMatchObject({ id, name: "blocked", kind: "ip", description: "another note", num_items: 0 });
    const listed = [];
    for await (const list of client.rules.lists.list({ account_id })) listed.push(list.name);
    expect(listed).toEqual(["blocked"]);
    expect(await refusal(client.rules.lists.create({ account_id, name: "blocked", kind: "ip" }))).toContain("already exists");
    expect(await refusal(client.rules.lists.create({ account_id, name: "Not-A-Name", kind: "ip" }))).toContain("400");
    await client.rules.lists.delete(id, { account_id });
    expect(await refusal(client.rules.lists.get(id, { account_id }))).toContain("404");
  });

  test("items: accepted is not applied; pages come by cursor; an operation can be followed", async () => {
    const list = await makeList();
    const operation = await add(list, [{ ip: "203.0.113.7" }, { ip: "198.51.100.77/24", comment: "x" }, { ip: "2001:DB8:0:0::1/64" }]);
    expect(await client.rules.lists.bulkOperations.get(operation, { account_id })).toMatchObject({ status: "pending" });
    expect(await values(list)).toEqual([]);
    nowMs += 1_000;
    expect(await client.rules.lists.bulkOperations.get(operation, { account_id })).toMatchObject({ status: "running" });
    nowMs += 5_000;
    expect(await client.rules.lists.bulkOperations.get(operation, { account_id })).toMatchObject({ status: "completed" });
    expect(await values(list)).toEqual(["203.0.113.7", "198.51.100.0/24", "2001:db8::/64"]);
    expect((await client.rules.lists.get(list, { account_id })).num_items).toBe(3);
  });

  test("items: one pending operation per account, whatever the list and whoever began it", async () => {
    const [list, other] = [await makeList(), await makeList("other")];
    cloudflare.account(accountId).begin();
    expect(await refusal(add(list, [{ ip: "203.0.113.7" }]))).toContain("429");
    nowMs += 10_000;
    await add(list, [{ ip: "203.0.113.7" }]);
    expect(await refusal(add(other, [{ ip: "203.0.113.8" }]))).toContain("submit your request again later");
  });

  test("items: adding what exists keeps its id and takes over its comment", async () => {
    const list = await makeList();
    await done(list, [{ ip: "203.0.113.7", comment: "the owner's" }]);
    const before = cloudflare.account(accountId).list("blocked").items.get("203.0.113.7");
    await done(list, [{ ip: "203.0.113.7/32", comment: "ours" }]);
    expect(cloudflare.account(accountId).list("blocked").items.get("203.0.113.7")).toMatchObject({ id: before?.id, comment: "ours" });
    expect(await client.rules.lists.items.get(before?.id ?? "", { account_id, list_id: list })).toMatchObject({ ip: "203.0.113.7" });
  });

  test("items: deleted by id, an unknown id fails the whole operation; replaced whole", async () => {
    const list = await makeList();
    await done(list, [{ ip: "203.0.113.7" }, { ip: "203.0.113.8" }]);
    const id = cloudflare.account(accountId).list("blocked").items.get("203.0.113.7")?.id ?? "";
    const items = [{ id }, { id: "ffffffffffffffffffffffffffffffff" }];
    const failing = await client.rules.lists.items.delete(list, { account_id }, { body: { items } });
    nowMs += 10_000;
    expect(await client.rules.lists.bulkOperations.get(failing.operation_id, { account_id })).toMatchObject({ status: "failed" });
    await client.rules.lists.items.delete(list, { account_id }, { body: { items: [{ id }] } });
    nowMs += 10_000;
    expect(await values(list)).toEqual(["203.0.113.8"]);
    await client.rules.lists.items.update(list, { account_id, body: [{ ip: "203.0.113.9" }] });
    nowMs += 10_000;
    expect(await values(list)).toEqual(["203.0.113.9"]);
  });

  test("items: the quota counts all lists, and fails a whole operation", async () => {
    cloudflare.itemsMax = 3;
    const [list, other] = [await makeList(), await makeList("other")];
    await done(other, [{ ip: "203.0.113.1" }, { ip: "203.0.113.2" }]);
    const operation = await add(list, [{ ip: "203.0.113.3" }, { ip: "203.0.113.4" }]);
    nowMs += 10_000;
    const found = await client.rules.lists.bulkOperations.get(operation, { account_id });
    expect(found).toMatchObject({ status: "failed", error: "This list is at the maximum number of items" });
    expect(await values(list)).toEqual([]);
  });

  test.each([
    ["twice the same in one request", [{ ip: "203.0.113.7" }, { ip: "203.0.113.7/32" }]],
    ["an IPv4 range wider than /8", [{ ip: "16.0.0.0/7" }]],
    ["an IPv6 range wider than /12", [{ ip: "2000::/11" }]],
    ["no address", [{ ip: "example.org" }]],
    ["an octal octet", [{ ip: "010.0.0.1" }]],
    ["a comment of 501 characters", [{ ip: "203.0.113.7", comment: "x".repeat(501) }]],
  ])("items: %s is refused at the door", async (_name, body) => {
    const list = await makeList();
    expect(await refusal(add(list, body))).toContain("400");
  });

  test("items: older documentation's rule for IPv6, where it is switched on", async () => {
    cloudflare.ipv6Longest = 64;
    const list = await makeList();
    expect(await refusal(add(list, [{ ip: "2001:db8::1" }]))).toContain("400");
    await add(list, [{ ip: "2001:db8::/64" }]);
  });

  test("values: the same canonical text as the product's own, for any block", () => {
    const block = fc.constantFrom(4 as const, 6 as const).chain((family) => {
      const bits = familyBits(family);
      const hex = fc.array(fc.constantFrom(..."00000123456789abcdef"), { minLength: bits / 4, maxLength: bits / 4 }).map((digits) => digits.join(""));
      return fc.tuple(hex, fc.integer({ min: family === 4 ? 8 : 12, max: bits })).map(([digits, length]) => blockOf(family, digits, length));
    });
    fc.assert(fc.property(block, (cidr) => canonicalValue(displayCidr(cidr), { ipv6Longest: 128 }) === displayCidr(cidr)));
  });
});

describe("custom rules by the vendor's SDK", () => {
  const rule = { action: "block", expression: "(ip.src in $blocked)", ref: "ours", description: "block list" } as const;
  const phase = { zone_id };

  async function start(): Promise<string> {
    await makeList();
    const rules = [{ action: "block" as const, expression: "ip.src eq 192.0.2.1", ref: "first" }];
    const made = await client.rulesets.create({ zone_id, kind: "zone", name: "default", phase: rulesets_phase, rules });
    return (made as { readonly id: string }).id;
  }

  test("entry point: 404 until it is made, and made once", async () => {
    expect(await refusal(client.rulesets.phases.get(rulesets_phase, phase))).toContain("404");
    await start();
    expect((await client.rulesets.phases.get(rulesets_phase, phase)).rules).toHaveLength(1);
    const again = client.rulesets.create({ zone_id, kind: "zone", name: "default", phase: rulesets_phase, rules: [] });
    expect(await refusal(again)).toContain("400");
  });

  test("rules: added last or at a position, edited in place, deleted", async () => {
    const ruleset = await start();
    const refs = async () => (await client.rulesets.phases.get(rulesets_phase, phase)).rules.map((one) => one.ref);
    await client.rulesets.rules.create(ruleset, { zone_id, ...rule });
    expect(await refs()).toEqual(["first", "ours"]);
    const ours = cloudflare.zone(zone_id).ruleset?.rules[1]?.id ?? "";
    await client.rulesets.rules.edit(ours, { ruleset_id: ruleset, zone_id, ...rule, enabled: false, position: { index: 1 } });
    expect(await refs()).toEqual(["ours", "first"]);
    expect(cloudflare.zone(zone_id).ruleset?.rules[0]).toMatchObject({ id: ours, enabled: false, version: "2" });
    await client.rulesets.rules.delete(ours, { ruleset_id: ruleset, zone_id });
    expect(await refs()).toEqual(["first"]);
  });

  test("rules: a list that does not exist, a ref twice, one rule too many are refused", async () => {
    const ruleset = await start();
    const create = (changes: object) => refusal(client.rulesets.rules.create(ruleset, { zone_id, ...rule, ...changes }));
    expect(await create({ expression: "(ip.src in $unknown)" })).toContain("does not exist");
    expect(await create({ ref: "first" })).toContain("same ref");
    for (const ref of ["a", "b", "c", "d"]) expect(await create({ ref })).toBe("accepted");
    expect(await create({ ref: "e" })).toContain("exceeded");
  });
});

describe("who may call, and how often", () => {
  test("tokens: none, a wrong one, and one without the permission are refused", async () => {
    expect(await refusal(clientOf("nobody").rules.lists.list({ account_id }))).toContain("9109");
    const bare = await fetch(`${cloudflare.url}/accounts/${accountId}/rules/lists`);
    expect([bare.status, ((await bare.json()) as { errors: { code: number }[] }).errors[0]?.code]).toEqual([400, 6003]);
    const run = clientOf(tokens.run);
    expect(await refusal(run.rulesets.create({ zone_id, kind: "zone", name: "x", phase: rulesets_phase, rules: [] }))).toContain("10000");
    expect(await refusal(run.rulesets.phases.get(rulesets_phase, { zone_id }))).toContain("404");
  });

  test("calls: the 1,201st of five minutes shuts the token out for five more, and no other", async () => {
    const request = { method: "GET", target: `/client/v4/accounts/${accountId}/rules/lists`, headers: { authorization: `Bearer ${tokens.run}` }, body: "" };
    for (let call = 0; call < 1_200; call += 1) expect(cloudflare.respond(request)?.status).toBe(200);
    expect(cloudflare.respond(request)).toMatchObject({ status: 429, headers: { "retry-after": "300" } });
    nowMs += 299_000;
    expect(cloudflare.respond(request)).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
    expect(await refusal(client.rules.lists.list({ account_id }))).toBe("accepted");
    nowMs += 1_000;
    expect(cloudflare.respond(request)?.status).toBe(200);
    cloudflare.log.splice(2, 1_198);
  });

  test("changes: more than a million items in twelve hours are refused, however few requests", () => {
    const account = cloudflare.account(accountId);
    const list = account.addList({ name: "blocked" });
    const ids = new Array<string>(600_000).fill("");
    account.remove(list, ids);
    nowMs += 60_000;
    expect(() => account.remove(list, ids)).toThrow("throttling");
    nowMs += 12 * 3_600_000;
    account.remove(list, ids);
  });

  test("quota: the window moves, and a refusal takes nothing", () => {
    const quota = new Quota(cloudflareLimits.changingRequests);
    for (let request = 0; request < 30_000; request += 1) {
      expect(quota.fits(1, request)).toBe(true);
      quota.take(1, request);
    }
    expect([quota.fits(1, 30_000), quota.fits(1, 30_000), quota.fits(1, 12 * 3_600_000)]).toEqual([false, false, true]);
  });

  test("routes: what is not described does not exist, nor does an unknown query", async () => {
    const call = (path: string) => fetch(`${cloudflare.url}${path}`, { headers: { authorization: `Bearer ${tokens.setup}` } });
    expect((await call(`/accounts/${accountId}/firewall/ua_rules`)).status).toBe(404);
    const list = await makeList();
    expect((await call(`/accounts/${accountId}/rules/lists/${list}/items?page=2`)).status).toBe(400);
  });
});
