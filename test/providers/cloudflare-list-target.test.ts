// cloudflare-list's settings, setup and search: what a person writes and runs.
import * as v from "valibot";
import { afterEach, describe, expect, test } from "vitest";
import { claimOf, withClaim, withoutClaim } from "../../providers/cloudflare-list/config.ts";
import { cloudflareList } from "../../providers/cloudflare-list/index.ts";
import type { SetupAction } from "../../shared/provider.ts";
import { look } from "../conformance/provider/harness.ts";
import { accountId, zones } from "../simulators/cloudflare-fixtures.ts";
import { type CloudflareHarness, type CloudflareHarnessOptions, cloudflareHarness, listName, storeId } from "./cloudflare-list-harness.ts";

const [zone] = zones;
let harness: CloudflareHarness;

afterEach(() => harness?.close());

async function setUp(action: SetupAction = { action: "claim", storeId, adopt: false }): Promise<string> {
  const report = await harness.operator().setup(action);
  return report.ok ? report.value.lines.join("\n") : `${report.error.code}: ${report.error.message}`;
}

async function start(options: CloudflareHarnessOptions = {}): Promise<void> {
  harness = await cloudflareHarness({ unclaimed: true, ...options });
}

function account() {
  return harness.cloudflare.account(accountId);
}

function written(): readonly string[] {
  return harness.cloudflare.log.filter((call) => call.method !== "GET").map((call) => call.route ?? "no route");
}

function refs(id: string = zone): readonly string[] {
  return (harness.cloudflare.zone(id).ruleset?.rules ?? []).map((rule) => rule.ref);
}

describe("settings", () => {
  const good = { account: accountId, list: "portcullis", zones: [zone] };

  test("parse: defaults are filled in, and the output parses to itself", () => {
    const parsed = v.parse(cloudflareList.settings, good);
    expect(parsed).toEqual({ ...good, shared: "refuse", items: 10_000, ipv6: 64 });
    expect(v.parse(cloudflareList.settings, parsed)).toEqual(parsed);
  });

  test.each([
    [{ account: "acme" }, "account must be 32 lower-case hex digits"],
    [{ list: "My-List" }, "list must be 1 to 50 characters of a-z, 0-9 and _"],
    [{ zones: ["example.org"] }, "each of zones must be 32 lower-case hex digits"],
    [{ zones: [zone, zone] }, "different zone ids"],
    [{ zones: undefined }, "zones"],
    [{ shared: true }, "shared must be refuse"],
    [{ items: 0 }, "items (the account's quota"],
    [{ ipv6: 129 }, "ipv6 (longest IPv6 prefix to send)"],
    [{ endpoint: "https://user@example.org/" }, "endpoint must be a plain http(s) URL"],
    [{ token: "x" }, "unknown key"],
  ])("parse: %j is refused with what to write", (changes, message) => {
    const parsed = v.safeParse(cloudflareList.settings, { ...good, ...changes });
    expect(parsed.issues?.map((issue) => issue.message).join("; ")).toContain(message);
  });

  test("claim: stands beside what else the description says, and goes without a trace", () => {
    for (const text of ["", "Blocked partners", "see portcullis:storeroom"]) {
      const claimed = withClaim(text, "store-1");
      expect([claimOf(claimed), withoutClaim(claimed), claimOf(withClaim(claimed, "store-2"))]).toEqual(["store-1", text, "store-2"]);
    }
    expect(claimOf("see portcullis:storeroom")).toBeNull();
  });
});

describe("setup", () => {
  test("claim: makes the list and one rule per zone, then changes nothing more", async () => {
    await start();
    expect(await setUp()).toContain(`made list ${listName}`);
    expect(written()).toEqual(["lists.create", "rulesets.create", "rulesets.create"]);
    expect(zones.map((id) => refs(id))).toEqual([["portcullis_portcullis"], ["portcullis_portcullis"]]);
    expect(account().list(listName)).toMatchObject({ kind: "ip", description: `Kept by Portcullis. portcullis:store=${storeId}` });
    await setUp();
    expect(written()).toHaveLength(3);
    expect((await look(harness.provider())).enforcing).toEqual({ yes: true });
  });

  test("claim: in a zone with rules of its own ours comes first, and no other is touched", async () => {
    await start();
    const theirs = ["skip", "managed_challenge"].map((action, at) => ({ action, expression: `ip.src eq 192.0.2.${at}`, ref: `theirs_${at}` }));
    harness.cloudflare.zone(zone).create({ name: "default", kind: "zone", phase: "http_request_firewall_custom", rules: theirs });
    const before = harness.cloudflare.zone(zone).ruleset?.rules;
    await setUp();
    expect(refs()).toEqual(["portcullis_portcullis", "theirs_0", "theirs_1"]);
    expect(harness.cloudflare.zone(zone).ruleset?.rules.slice(1)).toEqual(before);
  });

  test("claim: a shared list keeps its description and its items", async () => {
    await start({ settings: { shared: "allow" } });
    account().addList({ name: listName, description: "Blocked partners", items: [{ ip: "192.0.2.1", comment: "mine" }] });
    expect(await setUp()).toContain("claimed list");
    expect(account().list(listName).description).toBe(`Blocked partners portcullis:store=${storeId}`);
    expect([...account().list(listName).items.values()]).toMatchObject([{ ip: "192.0.2.1", comment: "mine" }]);
    expect(await setUp({ action: "release" })).toContain("released");
    expect(account().list(listName).description).toBe("Blocked partners");
  });

  test.each([
    ["others' items in a list of our own", { items: [{ ip: "192.0.2.1" }] }, "OWNERSHIP_CONFLICT", "shared: allow"],
    ["another kind of list", { kind: "asn" }, "CONFIG_INVALID", "kind asn"],
    ["a description with no room", { description: "x".repeat(490) }, "CONFIG_INVALID", "leaves no room"],
  ])("claim: %s is refused, and no rule is made", async (_name, seed, code, words) => {
    await start();
    account().addList({ name: listName, ...seed });
    const said = await setUp({ action: "claim", storeId, adopt: true });
    expect(said).toContain(code);
    expect(said).toContain(words);
    expect(written()).toEqual([]);
  });

  test("claim: an answer that is lost is told, and the next run goes on", async () => {
    await start();
    harness.cloudflare.faults.next.push({ route: "rulesets.create", mishap: { kind: "drop", committed: true } });
    expect(await setUp()).toMatch(/^OUTCOME_UNKNOWN: .*run the command again/);
    expect(await setUp()).toContain(`zone ${zone} blocks list ${listName} already`);
    expect(zones.flatMap((id) => refs(id))).toHaveLength(2);
  });

  test("claim: a zone with no rule to spare is told in the cloud's words", async () => {
    await start();
    const rules = Array.from({ length: 5 }, (_, at) => ({ action: "log", expression: "true", ref: `theirs_${at}` }));
    harness.cloudflare.zone(zone).create({ name: "default", kind: "zone", phase: "http_request_firewall_custom", rules });
    expect(await setUp()).toMatch(/^PROVIDER_REJECTED: writing rule portcullis_portcullis.*maximum number of rules/);
  });

  test("release: the rule stays, so that nothing opens, and the report says how to delete it", async () => {
    await start();
    await setUp();
    expect(await setUp({ action: "release" })).toContain("delete it by hand");
    expect(refs()).toEqual(["portcullis_portcullis"]);
    expect((await look(harness.provider())).storeId).toBeNull();
  });
});

describe("init", () => {
  async function found(): Promise<readonly string[]> {
    const discovered = await cloudflareList.discover?.({ account: accountId, endpoint: harness.cloudflare.url }, harness.ports);
    if (discovered?.ok !== true) throw new Error(discovered?.error.message ?? "nothing to discover with");
    for (const { settings } of discovered.value) expect(v.safeParse(cloudflareList.settings, settings).success).toBe(true);
    return discovered.value.map((one) => `${one.title}: ${one.warnings.join("; ")}`);
  }

  test("discover: a new list first, then those there are, with warnings; lists of other kinds are not offered", async () => {
    await start();
    account().addList({ name: "partners", items: [{ ip: "192.0.2.1" }] });
    account().addList({ name: "networks", kind: "asn" });
    const offers = await found();
    expect(offers).toEqual([expect.stringMatching(/^list portcullis \(new.*no zone is named/), expect.stringMatching(/^list partners .*1 item of others/)]);
    await setUp();
    expect(await found()).toEqual([expect.stringContaining("list partners"), expect.stringContaining(`already claimed by store ${storeId}`)]);
  });

  test("discover: without an account it says what is missing", async () => {
    await start();
    const discovered = await cloudflareList.discover?.({}, harness.ports);
    expect(discovered).toMatchObject({ ok: false, error: { code: "CONFIG_INVALID", message: expect.stringContaining("account") } });
  });
});
