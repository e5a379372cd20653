// cloudflare-access-rules' own cases: reading whole, whose a rule is, allow rules in the way, one rule per address, saying whose it is.
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { claimValue } from "../../providers/cloudflare-access-rules/config.ts";
import { split } from "../../providers/cloudflare-access-rules/convert.ts";
import { cidrOf, cidrText, displayCidr } from "../../shared/address/index.ts";
import type { Observation, Outcome } from "../../shared/provider.ts";
import { addresses, adds, bring, look, lookLater, plan, removes, shown } from "../conformance/provider/harness.ts";
import { accountId, tokens } from "../simulators/cloudflare-fixtures.ts";
import { type AccessHarness, type AccessHarnessOptions, accessHarness, blocksOf, storeId, zoneId } from "./cloudflare-access-rules-harness.ts";

const a = cidrOf("203.0.113.7/32");
const b = cidrOf("203.0.113.8/32");
const net = cidrOf("203.0.113.0/24");

let harness: AccessHarness;

afterEach(() => harness?.close());

async function start(options: AccessHarnessOptions = {}): Promise<void> {
  harness = await accessHarness(options);
}

async function observe(): Promise<string> {
  const seen = await harness.provider().observe();
  return seen.ok ? `${seen.value.ours.length} ours` : `${seen.error.code}: ${seen.error.message}`;
}

/** Adds under the last observation's eyes; what a person did since is not known to it. */
async function addAfter(act: () => void, cidr = a): Promise<Outcome> {
  const provider = harness.provider();
  const [step] = plan(provider, await look(provider), adds([cidr]));
  act();
  return step === undefined ? { kind: "unknown", why: "nothing was compiled" } : provider.apply(step);
}

async function removeAfter(act: () => void, provider = harness.provider()): Promise<Outcome> {
  const seen = await bring(harness, provider, () => adds([a]));
  const [step] = plan(provider, seen, removes(seen.ours));
  act();
  return step === undefined ? { kind: "unknown", why: "nothing was compiled" } : provider.apply(step);
}

function ruleOf(value: string) {
  const rule = harness.rules().find((one) => one.value === value);
  if (rule === undefined) throw new Error(`no rule of ${value}`);
  return rule;
}

function summaries(seen: Observation): string {
  return seen.foreign.map((entry) => entry.summary).join("\n");
}

describe("addresses", () => {
  test("admit: the sizes that Cloudflare has are accepted, and no other is widened or split", async () => {
    await start();
    const provider = harness.provider();
    const lengths = (base: string, bits: number) =>
      Array.from({ length: bits }, (_, at) => at + 1).filter((length) => provider.admit(cidrOf(`${base}/${length}`)).kind === "accept");
    expect([lengths("0.0.0.0", 32), lengths("::", 128)]).toEqual([
      [16, 24, 32],
      [32, 48, 64, 128],
    ]);
    const admission = provider.admit(cidrOf("203.0.113.0/25"));
    expect(admission).toEqual({
      kind: "unsupported",
      why: "an IP Access rule takes single addresses and /16, /24, not 203.0.113.0/25; ask for one of these, as many as it takes",
    });
  });

  test("mixed families: each stands with its target, and is read back from Cloudflare's own spelling", async () => {
    await start();
    const wanted = ["203.0.113.7/32", "198.51.100.0/24", "198.18.0.0/16", "2001:db8::1/128", "2001:db8:1:2::/64", "2001:db8:3::/48", "2001:db9::/32"].map(
      cidrOf,
    );
    const provider = harness.provider();
    const full = await bring(harness, provider, () => adds(wanted));
    expect(addresses(full)).toEqual(wanted.map(cidrText).sort());
    const targets = harness.rules().map((rule) => rule.target);
    expect(targets).toEqual(["ip", "ip", "ip_range", "ip_range", "ip6", "ip_range", "ip_range", "ip_range"]);
    expect(addresses(await bring(harness, harness.provider(), (seen) => removes(seen.ours)))).toEqual([]);
    expect(harness.rules().map((rule) => rule.value)).toEqual([claimValue]);
  });
});

describe("reading", () => {
  test("pages: every rule is seen, once, whatever the size of a page", async () => {
    await start();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 15 }), async (perPage, count) => {
        harness.cloudflare.accessRulesPerPage = perPage;
        for (const rule of harness.rules()) if (rule.value !== claimValue) harness.held.rules.delete(rule.id);
        for (let at = 0; at < count; at += 1) harness.put(`203.0.113.${at + 1}`, { notes: at % 2 === 0 ? `portcullis:${storeId}` : "theirs" });
        harness.ports.advance(60_000);
        const before = harness.cloudflare.calls("access.list");
        const seen = await look(harness.provider());
        expect([seen.ours.length, seen.foreign.length]).toEqual([Math.ceil(count / 2), Math.floor(count / 2) + 1]);
        // One more where the last page is full: only the next one can tell that it was.
        expect(harness.cloudflare.calls("access.list") - before).toBe(Math.floor((count + 1) / perPage) + 1);
      }),
      { numRuns: 40 },
    );
  });

  test("many foreign rules: counted up to the bound, and beyond it an error after one call, never a part", async () => {
    await start({ settings: { rules: 50_000 } });
    harness.cloudflare.accessRulesPerPage = 10;
    for (let at = 0; at < 398; at += 1) harness.put(`198.18.${at >> 8}.${at & 255}`);
    harness.ports.advance(5_000);
    expect((await look(harness.provider())).pools[0]?.limit).toBe(50_000 - 399);
    for (let at = 398; at < 420; at += 1) harness.put(`198.18.${at >> 8}.${at & 255}`);
    const before = harness.cloudflare.calls();
    expect(await observe()).toContain("PROVIDER_REJECTED: reading the IP Access rules");
    expect(await observe()).toContain("there are 421, more than the 40 pages of 10 that are read at a time");
    expect(harness.cloudflare.calls() - before).toBe(2);
  });

  /** Ours at .1 to .6 in pages of three, and what a person does between the first page and the second. */
  async function readWhile(act: () => void): Promise<string> {
    await start();
    harness.cloudflare.accessRulesPerPage = 3;
    for (let at = 1; at <= 6; at += 1) harness.put(`203.0.113.${at}`, { notes: `portcullis:${storeId}` });
    harness.ports.advance(5_000);
    let listed = 0;
    harness.cloudflare.faults.decide = () => {
      listed += 1;
      if (listed === 2) act();
      return null;
    };
    const said = await observe();
    harness.cloudflare.faults.decide = () => null;
    harness.ports.advance(5_000);
    return said;
  }

  test("deleted while it is read: what stood all the time may be hidden, so nothing is concluded", async () => {
    expect(await readWhile(() => harness.held.remove(accountId, "203.0.113.1"))).toContain("PROVIDER_UNAVAILABLE");
    expect(await observe()).toBe("5 ours");
  });

  test("made and, before it was shown, deleted: nothing of the first is missing", async () => {
    const act = () => {
      harness.put("99.0.0.1");
      harness.held.remove(accountId, "99.0.0.1");
    };
    expect(await readWhile(act)).toBe("6 ours");
  });

  test("deleted and made while it is read: the counts agree, and it is noticed all the same", async () => {
    const act = () => {
      harness.held.remove(accountId, "203.0.113.1");
      harness.put("99.0.0.1");
    };
    expect(await readWhile(act)).toContain("some were deleted meanwhile (7 counted, 7 shown)");
    expect(await observe()).toBe("5 ours");
  });

  test("edited while it is read: what stood all the time is shown, or nothing is concluded", async () => {
    await start();
    harness.cloudflare.accessRulesPerPage = 3;
    const value = fc.integer({ min: 1, max: 12 }).map((last) => `203.0.113.${last}`);
    const deed = fc.record({ page: fc.integer({ min: 2, max: 5 }), does: fc.constantFrom("delete" as const, "make" as const), value });
    const outcomes = new Set<boolean>();
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(value, { minLength: 3 }), fc.array(deed, { maxLength: 6 }), async (values, deeds) => {
        for (const rule of harness.rules()) if (rule.value !== claimValue) harness.held.rules.delete(rule.id);
        for (const one of values) harness.put(one, { notes: `portcullis:${storeId}` });
        const stood = new Map(harness.rules().map((rule) => [rule.id, rule.value]));
        harness.ports.advance(60_000);
        let page = 0;
        harness.cloudflare.faults.decide = () => {
          page += 1;
          for (const { does, value: one } of deeds.filter((next) => next.page === page)) {
            const exists = harness.rules().some((rule) => rule.value === one);
            if (does === "delete") harness.held.remove(accountId, one);
            else if (!exists) harness.put(one, { notes: "theirs" });
          }
          return null;
        };
        const seen = await harness.provider().observe();
        harness.cloudflare.faults.decide = () => null;
        outcomes.add(seen.ok);
        const always = harness.rules().flatMap((rule) => (stood.has(rule.id) && rule.value !== claimValue ? [rule.value] : []));
        if (seen.ok) expect(seen.value.ours.map((entry) => entry.id)).toEqual(expect.arrayContaining(always));
        else expect(seen.error.code).toBe("PROVIDER_UNAVAILABLE");
        if (seen.ok) expect(seen.value.storeId).toBe(storeId);
      }),
      { numRuns: 150 },
    );
    expect(outcomes).toEqual(new Set([true, false]));
  });

  test.each(["1.0.0.1", "99.0.0.1"])("made while it is read: %s hides nothing", async (value) => {
    expect(await readWhile(() => harness.put(value))).toBe("6 ours");
  });
});

describe("whose it is", () => {
  test.each([
    ["another note", { notes: "attack" }],
    ["a note that only speaks of us", { notes: "see portcullis:store-acme-prod" }],
    ["a note that begins like ours", { notes: "portcullistic" }],
    ["another mode", { notes: `portcullis:${storeId}`, mode: "managed_challenge" }],
  ])("foreign: %s", async (_name, changes) => {
    await start();
    harness.put("203.0.113.7", changes);
    const seen = await look(harness.provider());
    expect([seen.ours, seen.foreign.length, seen.pools[0]?.limit]).toEqual([[], 2, 28]);
    expect(summaries(seen)).toContain("203.0.113.7: ");
  });

  test("foreign: networks and countries are counted, named and left alone, even with our mark", async () => {
    await start();
    harness.put("AS64500", { target: "asn", notes: `portcullis:${storeId}` });
    harness.put("T1", { target: "country", mode: "challenge" });
    const seen = await look(harness.provider());
    expect([seen.ours, seen.foreign.map((entry) => entry.id)]).toEqual([[], ["here/block/192.0.2.255", "here/block/AS64500", "here/challenge/T1"]]);
  });

  test("levels: what a listing says to be of another level is foreign, and what does not say is of this one", () => {
    const rule = { id: "1", mode: "block", target: "ip", value: "203.0.113.7", notes: `portcullis:${storeId}`, createdMs: null };
    const ours = (name: "account" | "zone", scope: string | null) => {
      const found = split([{ ...rule, scope }], { name, id: accountId });
      return found.ok && found.value.ours.length === 1;
    };
    const scopes = [null, "user", "organization", "zone"];
    expect([scopes.map((scope) => ours("account", scope)), scopes.map((scope) => ours("zone", scope))]).toEqual([
      [true, true, true, false],
      [true, false, false, true],
    ]);
  });

  test("levels: a zone sees its account's rules, marked or not, as foreign and counted, and never touches them", async () => {
    await start({ level: "zone" });
    harness.held.put(accountId, { mode: "block", target: "ip", value: "203.0.113.7", notes: `portcullis:${storeId}` });
    harness.held.put(accountId, { mode: "block", target: "ip", value: claimValue, notes: "portcullis claim store=other" });
    const seen = await look(harness.provider());
    expect([seen.ours, seen.storeId, seen.pools[0]?.limit]).toEqual([[], storeId, 27]);
    const full = await bring(harness, harness.provider(), () => adds([a]));
    expect(addresses(full)).toEqual([cidrText(a)]);
    await bring(harness, harness.provider(), (left) => removes(left.ours));
    expect(harness.held.at(accountId)).toHaveLength(2);
  });

  test("remove: a rule that a person made theirs meanwhile is a conflict and stays; made anew by another hand it stays too", async () => {
    await start();
    expect(shown(await removeAfter(() => Object.assign(ruleOf("203.0.113.7"), { notes: "keep this one" })))).toContain("is not ours any more");
    harness.held.remove(accountId, "203.0.113.7");
    const replaced = await removeAfter(() => {
      harness.held.remove(accountId, "203.0.113.7");
      harness.put("203.0.113.7");
    });
    expect([replaced.kind, ruleOf("203.0.113.7").notes]).toEqual(["already", "a person's"]);
  });

  test("remove: an instance that never looked finds the rule by itself", async () => {
    await start();
    const seen = await bring(harness, harness.provider(), () => adds([a]));
    const [step] = plan(harness.provider(), seen, removes(seen.ours));
    expect((step === undefined ? null : await harness.provider().apply(step))?.kind).toBe("applied");
    expect(blocksOf(harness.rules())).toEqual([]);
  });

  test("remove: gone between the look and the call is already, by either answer", async () => {
    for (const missing of ["null", "notFound"] as const) {
      await start();
      harness.cloudflare.missingDelete = missing;
      harness.cloudflare.faults.decide = (route) => {
        if (route === "access.delete") harness.held.remove(accountId, "203.0.113.7");
        return null;
      };
      expect((await removeAfter(() => undefined)).kind).toBe("already");
      await harness.close();
    }
  });

  test("steps: one of another place, and one that is none, are refused unsent", async () => {
    await start();
    const [step] = plan(harness.provider(), await look(harness.provider()), adds([a]));
    if (step === undefined) throw new Error("nothing was compiled");
    const native = { ...(step.native as object), place: `zone ${zoneId}` };
    for (const wrong of [native, { verb: "add" }]) {
      expect(shown(await harness.provider().apply({ ...step, native: wrong }))).toContain("nothing was sent");
    }
    expect(harness.world.writes()).toBe(0);
  });
});

describe("one rule per address", () => {
  test.each([
    ["block", "blocks it already"],
    ["whitelist", "allows it, so that it is not blocked"],
    ["js_challenge", "challenges it instead"],
  ])("compile: where somebody else's %s rule stands, nothing is sent and the observation says what that one does", async (mode, words) => {
    await start();
    harness.put("203.0.113.7", { mode });
    const provider = harness.provider();
    const seen = await look(provider);
    const said = seen.taken?.filter(({ cidr }) => displayCidr(cidr) === "203.0.113.7").map(({ why }) => why);
    expect(said).toEqual([expect.stringMatching(new RegExp(`^somebody else's rule for it .* ${words}, and is not touched`))]);
    const steps = plan(provider, seen, adds([a, b]));
    expect(steps.map((step) => step.id.split("/").slice(2).join("/"))).toEqual(["add/203.0.113.8"]);
    const before = harness.world.foreign();
    const outcomes = [];
    for (const step of steps) outcomes.push(shown(await provider.apply(step)));
    expect(outcomes).toEqual(["applied"]);
    expect([harness.world.foreign(), harness.world.writes()]).toEqual([before, 1]);
  });

  test.each(["block", "whitelist", "challenge"])("apply: a %s rule made since is a conflict that names it", async (mode) => {
    await start();
    const outcome = await addAfter(() => harness.put("203.0.113.7", { mode }));
    expect(shown(outcome)).toContain(`somebody else's ${mode} rule holds the value`);
  });

  test("apply: what the search shows beside the value is not taken for it", async () => {
    await start();
    await bring(harness, harness.provider(), () => adds([cidrOf("203.0.113.70/32")]));
    expect((await addAfter(() => harness.put("203.0.113.7"))).kind).toBe("conflict");
  });

  test("apply: IPv6 values, which the search may not find, are a conflict all the same", async () => {
    await start();
    const outcome = await addAfter(() => harness.put("2001:db8:5::/64"), cidrOf("2001:db8:5::/64"));
    expect([outcome.kind, shown(outcome)]).toEqual(["conflict", expect.stringContaining("a rule that its search does not show")]);
    expect(summaries(await look(harness.provider()))).toContain("2001:db8:5::/64: block rule, not ours");
  });

  test("apply: one made by our lost call is ours already, and a rule above is no hindrance", async () => {
    await start({ level: "zone" });
    const outcome = await addAfter(() => {
      harness.held.put(accountId, { mode: "whitelist", target: "ip", value: "203.0.113.7" });
      harness.put("203.0.113.7", { notes: `portcullis:${storeId}` });
    });
    expect(outcome.kind).toBe("already");
  });

  test("claim: its address is taken, and a lease for it is not made", async () => {
    await start();
    const provider = harness.provider();
    const seen = await look(provider);
    expect(seen.taken?.map(({ cidr }) => displayCidr(cidr))).toEqual([claimValue]);
    expect(plan(provider, seen, adds([cidrOf(claimValue)]))).toEqual([]);
  });
});

describe("allow rules of others", () => {
  test.each([
    ["a range around it", "203.0.113.0/24", a, "203.0.113.0/24"],
    ["an address inside it", "203.0.113.9", net, "203.0.113.9"],
    ["an address that is challenged", "203.0.113.9", net, null, "challenge"],
    ["a range beside it", "198.51.100.0/24", a, null],
  ])("partial: %s", async (_name, allowed, cidr, named, mode = "whitelist") => {
    await start();
    const provider = harness.provider();
    await bring(harness, provider, () => adds([cidr]));
    harness.put(allowed, { mode });
    const [entry] = (await lookLater(harness, provider)).ours;
    expect(entry?.partial ?? null).toEqual(named === null ? null : expect.stringContaining(`allows ${named}, and Allow comes before Block`));
  });

  test("partial: foretold by the step, so that it is never called whole meanwhile, and it takes no further step", async () => {
    await start();
    harness.put("203.0.113.0/24", { mode: "whitelist" });
    const provider = harness.provider();
    const [step] = plan(provider, await look(provider), adds([a]));
    const seen = await bring(harness, provider, () => adds([a]));
    expect([step?.adds, seen.ours[0]?.partial]).toEqual([seen.ours, expect.stringContaining("203.0.113.0/24")]);
    expect(plan(provider, seen, adds([a]))).toEqual([]);
    harness.held.remove(accountId, "203.0.113.0/24");
    expect((await lookLater(harness, provider)).ours[0]?.partial).toBeNull();
  });

  test("partial: for a zone, by a rule of its account too", async () => {
    await start({ level: "zone" });
    await bring(harness, harness.provider(), () => adds([a]));
    harness.held.put(accountId, { mode: "whitelist", target: "ip_range", value: "203.0.0.0/16" });
    expect((await look(harness.provider())).ours[0]?.partial).toContain("203.0.0.0/16");
  });
});

describe("enforcing", () => {
  test.each([
    [{ paused: true }, "is paused"],
    [{ status: "pending" }, "is pending, not active"],
    [{ status: "moved" }, "is moved, not active"],
  ])("a zone that is %j does not", async (changes, words) => {
    await start({ level: "zone" });
    expect((await look(harness.provider())).enforcing).toEqual({ yes: true });
    Object.assign(harness.cloudflare.zone(zoneId), changes);
    expect((await look(harness.provider())).enforcing).toEqual({ yes: false, why: expect.stringContaining(words) });
  });
});

describe("limits and trouble", () => {
  test("full before the quota: CAPACITY_EXCEEDED, no more room for an hour, then tried again", async () => {
    await start();
    const provider = harness.provider();
    await bring(harness, provider, () => adds([a]));
    harness.cloudflare.accessRulesMax = 2;
    const [step] = plan(provider, await lookLater(harness, provider), adds([b]));
    expect(step === undefined ? "" : shown(await provider.apply(step))).toContain("failed CAPACITY_EXCEEDED: blocking 203.0.113.8");
    const full = await lookLater(harness, provider);
    expect([full.pools[0]?.limit, plan(provider, full, adds([b]))]).toEqual([1, []]);
    harness.ports.advance(60 * 60_000);
    expect((await look(provider)).pools[0]?.limit).toBe(29);
  });

  test("compile: at a full target a removal makes room for the add after it, and not before", async () => {
    await start({ settings: { rules: 2 } });
    const provider = harness.provider();
    const seen = await bring(harness, provider, () => adds([a]));
    const verbs = (changes: Parameters<typeof plan>[2]) => plan(provider, seen, changes).map((step) => step.id.split("/")[2]);
    expect([verbs([...removes(seen.ours), ...adds([b])]), verbs([...adds([b]), ...removes(seen.ours)])]).toEqual([["remove", "add"], ["remove"]]);
  });

  test("quota: what others use beyond it takes nothing of ours away", async () => {
    await start({ settings: { rules: 3 } });
    await bring(harness, harness.provider(), () => adds([a, b]));
    harness.put("198.51.100.1");
    harness.put("198.51.100.2");
    expect((await lookLater(harness, harness.provider())).pools[0]?.limit).toBe(2);
  });

  test("429: the moment that Cloudflare names, for reads and removals too", async () => {
    await start();
    const throttle = { kind: "throttle", retryAfterSeconds: 30 } as const;
    harness.cloudflare.faults.next.push({ route: "access.list", mishap: throttle });
    expect(await observe()).toContain("PROVIDER_THROTTLED");
    const outcome = await removeAfter(() => harness.cloudflare.faults.next.push({ route: "access.delete", mishap: throttle }));
    expect(outcome).toMatchObject({ kind: "throttled", retryAtMs: harness.nowMs() + 30_000 });
  });

  test("removal: a lost answer is unknown; looked at again it is gone, and sent again it is already", async () => {
    await start();
    const lost = { route: "access.delete", mishap: { kind: "drop", committed: true } } as const;
    const provider = harness.provider();
    expect((await removeAfter(() => harness.cloudflare.faults.next.push(lost), provider)).kind).toBe("unknown");
    expect(addresses(await lookLater(harness, provider))).toEqual([]);
  });

  test("creation: an answer that is no rule leaves it open", async () => {
    await start();
    const garbage = { route: "access.create", mishap: { kind: "garbage", committed: true } } as const;
    expect((await addAfter(() => harness.cloudflare.faults.next.push(garbage))).kind).toBe("unknown");
    expect(addresses(await lookLater(harness, harness.provider()))).toEqual([cidrText(a)]);
  });

  test.each(["account", "zone"] as const)("token: of %s, with each permission of its policy and no other", async (level) => {
    await start({ level });
    const value = level === "account" ? tokens.access : tokens.zoneAccess;
    const resource = level === "account" ? `com.cloudflare.api.account.${accountId}` : `com.cloudflare.api.account.zone.${zoneId}`;
    const groups = level === "account" ? ["Account Firewall Access Rules Write"] : ["Firewall Services Write", "Zone Read"];
    for (const left of groups) {
      const permission_groups = groups.filter((name) => name !== left).map((name) => ({ name }));
      harness.cloudflare.addToken({ value, policies: [{ effect: "allow", resources: { [resource]: "*" }, permission_groups }] });
      expect(await observe()).toContain(`PROVIDER_AUTH`);
      expect(await observe()).toContain("policy.zone.json");
    }
  });
});
