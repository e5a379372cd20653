// cloudflare-access-rules' settings, setup and search: what a person writes and runs.
import * as v from "valibot";
import { afterEach, describe, expect, test } from "vitest";
import { claimNotes, claimOf, claimValue } from "../../providers/cloudflare-access-rules/config.ts";
import { cloudflareAccessRules } from "../../providers/cloudflare-access-rules/index.ts";
import { isOurMark } from "../../providers/internal/cloudflare/marks.ts";
import { cidrOf } from "../../shared/address/index.ts";
import { Secret } from "../../shared/ports.ts";
import type { SetupAction } from "../../shared/provider.ts";
import { adds, bring, look, lookLater, plan } from "../conformance/provider/harness.ts";
import { accountId, tokens, zones } from "../simulators/cloudflare-fixtures.ts";
import { type AccessHarness, type AccessHarnessOptions, accessHarness, blocksOf, storeId, zoneId } from "./cloudflare-access-rules-harness.ts";

const a = cidrOf("203.0.113.7/32");
let harness: AccessHarness;

afterEach(() => harness?.close());

async function start(options: AccessHarnessOptions = {}): Promise<void> {
  harness = await accessHarness({ unclaimed: true, ...options });
}

async function setUp(action: SetupAction = { action: "claim", storeId, adopt: false }): Promise<string> {
  const report = await harness.operator().setup(action);
  return report.ok ? report.value.lines.join("\n") : `${report.error.code}: ${report.error.message}`;
}

describe("settings", () => {
  const parse = (value: unknown) => v.safeParse(cloudflareAccessRules.settings, value);

  test.each([{ account: accountId }, { zone: zoneId }])("parse: %j gets the default quota, and the output parses to itself", (good) => {
    const parsed = v.parse(cloudflareAccessRules.settings, good);
    expect(parsed).toEqual({ ...good, rules: 50_000 });
    expect(v.parse(cloudflareAccessRules.settings, parsed)).toEqual(parsed);
  });

  test.each([
    [{}, "write either account (for all its zones) or zone"],
    [{ account: accountId, zone: zoneId }, "not both and not neither"],
    [{ account: "acme" }, "account must be 32 lower-case hex digits"],
    [{ zone: "example.org" }, "zone must be 32 lower-case hex digits"],
    [{ account: accountId, rules: 0 }, "rules (the account's quota"],
    [{ account: accountId, endpoint: "https://user@example.org/" }, "endpoint must be a plain http(s) URL"],
    [{ account: accountId, zones: [zoneId] }, "unknown key"],
  ])("parse: %j is refused with what to write", (value, message) => {
    expect(
      parse(value)
        .issues?.map((issue) => issue.message)
        .join("; "),
    ).toContain(message);
  });

  test("places: an account and a zone are two, and two zones are two", () => {
    const places = [{ account: accountId }, { zone: zoneId }, { zone: zones[1] }].map((value) => {
      const settings = v.parse(cloudflareAccessRules.settings, value);
      return [cloudflareAccessRules.place(settings).name, cloudflareAccessRules.serialKey(settings)];
    });
    expect(new Set(places.flat()).size).toBe(6);
  });

  test("claim: its notes say whose it is and are no mark; other notes claim nothing", () => {
    expect([claimOf(claimNotes("a/b.c:1")), isOurMark(claimNotes("x"))]).toEqual(["a/b.c:1", false]);
    for (const notes of ["", "portcullis", "portcullis:claim", "a portcullis claim store=x", "portcullis claim store="]) expect(claimOf(notes)).toBeNull();
  });
});

describe("setup", () => {
  test.each(["account", "zone"] as const)("claim: of %s is one rule that blocks nobody's address", async (level) => {
    await start({ level });
    expect(await setUp()).toContain(`for store ${storeId} by a rule that blocks 192.0.2.255`);
    expect(harness.rules()).toMatchObject([{ mode: "block", target: "ip", value: claimValue, notes: claimNotes(storeId) }]);
    const seen = await look(harness.provider());
    expect([seen.storeId, seen.ours, seen.foreign.map((entry) => entry.summary), seen.pools[0]?.limit]).toEqual([
      storeId,
      [],
      [`192.0.2.255: the claim of store ${storeId}, which blocks nobody's address`],
      29,
    ]);
  });

  test("observe: before setup nobody holds it, and it is no terminal state", async () => {
    await start();
    expect(await look(harness.provider())).toMatchObject({ storeId: null, terminal: null, ours: [] });
  });

  test("claim: its words in the notes of another address claim nothing", async () => {
    await start();
    harness.put("203.0.113.7", { notes: claimNotes("store-other") });
    expect((await look(harness.provider())).storeId).toBeNull();
    expect(await setUp()).toContain(`for store ${storeId}`);
  });

  test.each([
    ["deleted", () => harness.held.remove(accountId, claimValue)],
    ["made an allow rule", () => Object.assign(harness.rules()[0] ?? {}, { mode: "whitelist" })],
    ["reworded", () => Object.assign(harness.rules()[0] ?? {}, { notes: "what is this?" })],
  ])("claim: %s by a person, it holds no more, and our rules stand", async (name, act) => {
    await start({ unclaimed: false });
    await bring(harness, harness.provider(), () => adds([a]));
    act();
    const seen = await lookLater(harness, harness.provider());
    expect([seen.storeId, seen.ours.length, blocksOf(harness.rules())]).toEqual([null, 1, ["203.0.113.7"]]);
    const adopt = { action: "claim", storeId, adopt: true } as const;
    if (name === "deleted") {
      expect(await setUp()).toContain("OWNERSHIP_CONFLICT: ");
      expect(await setUp(adopt)).toContain("took over 1 rules: 203.0.113.7");
    } else {
      expect(await setUp(adopt)).toContain("where the claim has to stand; delete that rule");
    }
  });

  test("claim: counts the allow rules of others, which come before ours", async () => {
    await start();
    harness.put("198.51.100.1", { mode: "whitelist" });
    expect(await setUp()).toContain("1 rules of others allow something");
  });

  test("claim: a lost answer is told with what to do, and the command run again finds it done", async () => {
    await start();
    harness.cloudflare.faults.next.push({ route: "access.create", mishap: { kind: "drop", committed: true } });
    expect(await setUp()).toMatch(/^OUTCOME_UNKNOWN: .*run the command again to see$/);
    expect(await setUp()).toContain("already claimed");
    expect(harness.rules()).toHaveLength(1);
  });

  test("claim: a store id that could not be read again is refused", async () => {
    await start();
    expect(await setUp({ action: "claim", storeId: "two words", adopt: false })).toContain("INVALID_INPUT");
    expect(harness.world.writes()).toBe(0);
  });

  test("release: takes the claim's rule only, and says what is left", async () => {
    await start({ unclaimed: false });
    await bring(harness, harness.provider(), () => adds([a]));
    expect(await setUp({ action: "release" })).toContain("its 1 rules stand as they were and go on blocking");
    expect(harness.rules().map((rule) => rule.value)).toEqual(["203.0.113.7"]);
  });

  test("adopt: another store's rules are ours with the place, and go by our hand", async () => {
    await start();
    harness.put("203.0.113.7", { notes: "portcullis:store-gone" });
    await setUp({ action: "claim", storeId, adopt: true });
    const provider = harness.provider();
    const seen = await look(provider);
    const [step] = plan(
      provider,
      seen,
      seen.ours.map((entry) => ({ verb: "remove", entry })),
    );
    expect((step === undefined ? null : await provider.apply(step))?.kind).toBe("applied");
  });
});

describe("discover", () => {
  async function search(settings: Record<string, string> = {}, token: string = tokens.zoneAccess): Promise<readonly string[]> {
    const ports = { ...harness.ports, secrets: { token: new Secret(token) } };
    const found = await cloudflareAccessRules.discover?.({ endpoint: harness.cloudflare.url, ...settings }, ports);
    if (found === undefined || !found.ok) return [`${found?.error.code}: ${found?.error.message}`];
    for (const { settings: offered } of found.value) v.parse(cloudflareAccessRules.settings, offered);
    return found.value.map(({ title, warnings }) => [title, ...warnings].join("; "));
  }

  test("offers: the account and each zone that the token sees, with who holds it and what is idle", async () => {
    await start({ level: "zone", unclaimed: false });
    harness.cloudflare.zone(zones[1]).paused = true;
    expect(await search()).toEqual([
      expect.stringMatching(`^account ${accountId}: all its zones; its rules cannot be read: .*Authentication error`),
      `zone zone-9f18.example alone; already claimed by store ${storeId}`,
      "zone zone-0da4.example alone; it is paused, so nothing is enforced",
    ]);
    expect(harness.world.writes()).toBe(0);
  });

  test("offers: an account that is named, though its zones are not seen", async () => {
    await start();
    expect(await search({ account: accountId }, tokens.access)).toEqual([`account ${accountId}: all its zones`]);
    expect(await search({}, tokens.access)).toEqual([]);
  });

  test("refuses: settings that are none, and a token that is refused", async () => {
    await start();
    expect(await search({ account: "acme" })).toEqual([expect.stringContaining("CONFIG_INVALID: cannot look for IP Access rules")]);
    expect(await search({}, "nobody-token")).toEqual([expect.stringContaining("PROVIDER_AUTH")]);
  });
});
