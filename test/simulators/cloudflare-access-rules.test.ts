// Simulated IP Access rules and zones judged by the vendor's own SDK: every route, every refusal, and every call against the API description.
import Cloudflare, { APIError } from "cloudflare";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { blockOf, cidrKey, displayCidr, familyBits, parseCidr } from "../../shared/address/index.ts";
import { accessValue } from "./cloudflare/values.ts";
import type { CloudflareSimulator } from "./cloudflare.ts";
import { expectDescribed } from "./cloudflare-descriptions.ts";
import { accountId, startFixture, tokens, zones } from "./cloudflare-fixtures.ts";

type Target = "ip" | "ip6" | "ip_range" | "asn" | "country";
type Level = { readonly account_id: string } | { readonly zone_id: string };

const [zone_id, otherZone] = zones;
const account: Level = { account_id: accountId };
const zone: Level = { zone_id };

let cloudflare: CloudflareSimulator;
let nowMs: number;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 10, 20, 12);
  cloudflare = await startFixture({ nowMs: () => nowMs });
});

afterEach(async () => {
  await cloudflare.close();
  expectDescribed(cloudflare.log);
});

function clientOf(apiToken: string): Cloudflare {
  return new Cloudflare({ apiToken, baseURL: cloudflare.url, maxRetries: 0, timeout: 10_000 });
}

const rulesOf = (level: Level) => clientOf("zone_id" in level ? tokens.zoneAccess : tokens.access).firewall.accessRules;

function create(level: Level, target: Target, value: string, mode: "block" | "whitelist" = "block", notes = "a note") {
  return rulesOf(level).create({ ...level, mode, notes, configuration: { target, value } as { target: "ip"; value: string } });
}

async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return error instanceof APIError ? `${error.status} ${JSON.stringify(error.error)}` : String(error);
  }
  return "accepted";
}

async function values(level: Level, query: object = {}): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const rule of rulesOf(level).list({ ...level, per_page: 2, ...query })) found.push(rule.configuration.value ?? "");
  return found;
}

describe.each([
  ["an account", account],
  ["a zone", zone],
] as const)("rules of %s by the vendor's SDK", (_name, level) => {
  test("rules: made at once, got, edited, listed by page and deleted", async () => {
    const made = await create(level, "ip", "203.0.113.7");
    await create(level, "ip_range", "198.51.100.77/24");
    await create(level, "asn", "AS13335", "whitelist");
    expect(await values(level)).toEqual(["203.0.113.7", "198.51.100.0/24", "AS13335"]);
    await rulesOf(level).edit(made.id, { ...level, configuration: { target: "ip", value: "203.0.113.7" }, mode: "challenge", notes: "another" });
    expect(await rulesOf(level).get(made.id, level)).toMatchObject({ id: made.id, mode: "challenge", notes: "another" });
    expect(await rulesOf(level).delete(made.id, level)).toEqual({ id: made.id });
    expect(await values(level)).toEqual(["198.51.100.0/24", "AS13335"]);
  });

  test("rules: found by value, by a part of their notes in any case, and in order", async () => {
    await create(level, "ip", "203.0.113.9", "block", "Attack 26/02");
    await create(level, "ip", "203.0.113.7", "block", "attack 27/02");
    await create(level, "ip", "203.0.113.8", "whitelist", "partner");
    expect(await values(level, { notes: "ATTACK" })).toEqual(["203.0.113.9", "203.0.113.7"]);
    expect(await values(level, { configuration: { value: "203.0.113.8" } })).toEqual(["203.0.113.8"]);
    expect(await values(level, { mode: "block", order: "configuration.value", direction: "asc" })).toEqual(["203.0.113.7", "203.0.113.9"]);
  });

  test("rules: a value has one rule, whatever its mode and spelling", async () => {
    await create(level, "ip6", "2001:DB8::7", "whitelist");
    expect(await refusal(create(level, "ip6", "2001:db8:0:0::7"))).toContain("10009");
    expect(await values(level)).toEqual(["2001:0db8:0000:0000:0000:0000:0000:0007"]);
  });

  test("rules: gone ones are not found; deleting one again answers nothing, or that it is not found", async () => {
    const { id } = await create(level, "ip", "203.0.113.7");
    await rulesOf(level).delete(id, level);
    expect(await refusal(rulesOf(level).get(id, level))).toContain("10001");
    expect(await rulesOf(level).delete(id, level)).toBeNull();
    cloudflare.missingDelete = "notFound";
    expect(await refusal(rulesOf(level).delete(id, level))).toContain("10001");
  });

  test.each([
    ["ip_range", "203.0.112.0/20"],
    ["ip_range", "203.0.113.0/25"],
    ["ip_range", "203.0.113.7/32"],
    ["ip_range", "203.0.0.0/8"],
    ["ip_range", "2001:db8::/56"],
    ["ip_range", "2001:db8::1/128"],
    ["ip_range", "203.0.113.0"],
    ["ip", "203.0.113.0/24"],
    ["ip", "010.0.0.1"],
    ["ip", "2001:db8::1"],
    ["ip6", "203.0.113.7"],
    ["asn", "13335"],
    ["country", "Germany"],
  ] as const)("rules: %s %s is refused", async (target, value) => {
    expect(await refusal(create(level, target, value))).toContain("validation_error");
  });

  test("rules: an unknown mode, a country to block, notes too long are refused", async () => {
    expect(await refusal(create(level, "country", "DE"))).toContain("10016");
    expect(await refusal(create(level, "ip", "203.0.113.7", "deny" as "block"))).toContain("validation_error");
    expect(await refusal(create(level, "ip", "203.0.113.7", "block", "x".repeat(501)))).toContain("notes");
  });
});

describe("levels", () => {
  test("zone: shows its account's rules too, and can neither get nor delete them, nor does it share its own", async () => {
    const above = await create(account, "ip", "203.0.113.7");
    await create(zone, "ip", "203.0.113.7");
    await create({ zone_id: otherZone }, "ip", "203.0.113.8");
    expect(await values(zone)).toEqual(["203.0.113.7", "203.0.113.7"]);
    expect(await values(account)).toEqual(["203.0.113.7"]);
    expect(await refusal(rulesOf(zone).get(above.id, zone))).toContain("10001");
    expect(await rulesOf(zone).delete(above.id, zone)).toBeNull();
    expect(cloudflare.account(accountId).accessRules.rules.size).toBe(3);
  });

  test("quota: counts the account's and all its zones' rules", async () => {
    cloudflare.accessRulesMax = 2;
    await create(account, "ip", "203.0.113.7");
    await create(zone, "ip", "203.0.113.8");
    expect(await refusal(create({ zone_id: otherZone }, "ip", "203.0.113.9"))).toContain("limit_exceeded");
  });

  test("tokens: each level needs its own group; a zone is seen by who may read it", async () => {
    expect(await refusal(clientOf(tokens.access).firewall.accessRules.list(zone))).toContain("10000");
    expect(await refusal(clientOf(tokens.zoneAccess).firewall.accessRules.list(account))).toContain("10000");
    expect(await refusal(clientOf(tokens.run).firewall.accessRules.list(account))).toContain("10000");
    expect(await clientOf(tokens.zoneAccess).zones.get({ zone_id })).toMatchObject({ id: zone_id, status: "active", paused: false });
    const seen = async (token: string) => (await clientOf(token).zones.list({ account: { id: accountId } })).result.map(({ id }) => id);
    expect([await seen(tokens.zoneAccess), await seen(tokens.access)]).toEqual([[...zones], []]);
  });

  test("routes: a page is as large as asked for, up to the most, and tells of all", async () => {
    cloudflare.accessRulesPerPage = 3;
    for (let at = 1; at <= 4; at += 1) await create(account, "ip", `203.0.113.${at}`);
    const { result, result_info } = await rulesOf(account).list({ ...account, per_page: 1_000 });
    expect([result.length, result_info]).toEqual([3, { page: 1, per_page: 3, count: 3, total_count: 4, total_pages: 2 }]);
  });
});

test("values: any block of a fitting length comes back as the same block, and no other length is taken", () => {
  const block = fc.constantFrom(4 as const, 6 as const).chain((family) => {
    const bits = familyBits(family);
    const hex = fc.array(fc.constantFrom(..."00000123456789abcdef"), { minLength: bits / 4, maxLength: bits / 4 }).map((digits) => digits.join(""));
    return fc.tuple(hex, fc.integer({ min: 1, max: bits })).map(([digits, length]) => blockOf(family, digits, length));
  });
  const fitting = { 4: [16, 24, 32], 6: [32, 48, 64, 128] };
  fc.assert(
    fc.property(block, (cidr) => {
      const host = cidr.length === familyBits(cidr.family);
      const kept = accessValue(host ? (cidr.family === 4 ? "ip" : "ip6") : "ip_range", displayCidr(cidr));
      const parsed = kept === null ? null : parseCidr(kept);
      return fitting[cidr.family].includes(cidr.length) ? parsed?.ok === true && cidrKey(parsed.value) === cidrKey(cidr) : kept === null;
    }),
  );
});
