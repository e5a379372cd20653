// cloudflare-list's own cases: reading, guarding, counting, telling.
import { afterEach, describe, expect, test } from "vitest";
import { isBusy } from "../../providers/cloudflare-list/wire.ts";
import { answerOf, type CloudflareCall } from "../../providers/internal/cloudflare/api.ts";
import { CallBudget } from "../../providers/internal/cloudflare/call-budget.ts";
import { cidrOf, cidrText } from "../../shared/address/index.ts";
import { Secret } from "../../shared/ports.ts";
import type { Observation, Outcome, Provider, Step } from "../../shared/provider.ts";
import { addresses, adds, bring, look, lookLater, plan, removes, shown } from "../conformance/provider/harness.ts";
import { accountId, tokens, zones } from "../simulators/cloudflare-fixtures.ts";
import { type CloudflareHarness, type CloudflareHarnessOptions, cloudflareHarness } from "./cloudflare-list-harness.ts";

const a = cidrOf("203.0.113.7/32");
const b = cidrOf("203.0.113.8/32");
const [zone] = zones;

let harness: CloudflareHarness;

async function start(options: CloudflareHarnessOptions = {}): Promise<Provider> {
  harness = await cloudflareHarness(options);
  return harness.provider();
}

afterEach(() => harness?.close());

function edit(add: readonly { ip: string; comment?: string }[], remove: readonly string[] = []): void {
  harness.cloudflare.account(accountId).edit(harness.list(), add, remove);
}

async function firstStep(provider: Provider, changes: Parameters<typeof plan>[2]): Promise<Step> {
  const [step] = plan(provider, await look(provider), changes);
  if (step === undefined) throw new Error("nothing was compiled");
  return step;
}

function room(seen: Observation): number {
  return Math.min(...seen.pools.map((pool) => pool.limit));
}

function rules() {
  return harness.cloudflare.zone(zone).ruleset?.rules ?? [];
}

describe("admit", () => {
  test.each([
    ["0.0.0.0/0", "unsupported"],
    ["16.0.0.0/7", "unsupported"],
    ["16.0.0.0/8", "accept"],
    ["203.0.113.7/32", "accept"],
    ["2000::/11", "unsupported"],
    ["2000::/12", "accept"],
    ["2001:db8::/64", "accept"],
  ])("admit: %s is %s", async (text, kind) => {
    const provider = await start();
    expect(provider.admit(cidrOf(text)).kind).toBe(kind);
  });

  test("admit: an IPv6 address is widened to its /64 and says so, unless ipv6 allows more", async () => {
    const address = cidrOf("2001:db8::5:1/128");
    const admission = (await start()).admit(address);
    expect(admission).toMatchObject({ kind: "adjust", why: expect.stringContaining("2001:db8::/64") });
    expect(admission.kind === "adjust" && cidrText(admission.cidr)).toBe("2001:db8::/64");
    await harness.close();
    expect((await start({ settings: { ipv6: 128 } })).admit(address).kind).toBe("accept");
  });

  test("admit: what is accepted is never refused by a cloud that keeps to the older documentation", async () => {
    const provider = await start({ server: { ipv6Longest: 64 } });
    const seen = await bring(harness, provider, () => adds([cidrOf("2001:db8::/64"), cidrOf("16.0.0.0/8")]));
    expect(seen.ours).toHaveLength(2);
  });
});

describe("reading", () => {
  test("observe: all pages of 1,200 items, and room over all lists of the account", async () => {
    const provider = await start({ settings: { items: 5_000 } });
    edit(Array.from({ length: 1_200 }, (_, at) => ({ ip: `198.18.${Math.floor(at / 250)}.${at % 250}`, comment: "portcullis:store-acme-prod" })));
    harness.cloudflare.account(accountId).addList({ name: "other", items: [{ ip: "192.0.2.1" }, { ip: "192.0.2.2" }] });
    const seen = await look(provider);
    expect([seen.ours.length, room(seen)]).toEqual([1_200, 4_998]);
    expect(seen.foreign.map((entry) => entry.summary)).toEqual(["list other: 2 items of the account's quota"]);
    expect(harness.cloudflare.calls("items.list")).toBe(3);
  });

  test("observe: items are not read again while the list stands still, and at once when it does not", async () => {
    const provider = await start({ settings: { shared: "allow" } });
    await bring(harness, provider, () => adds([a]));
    const calls = () => harness.cloudflare.calls("items.list");
    const before = calls();
    for (let at = 0; at < 5; at += 1) await look(provider);
    expect(calls()).toBe(before);
    edit([{ ip: "192.0.2.1" }]);
    expect((await look(provider)).foreign).toHaveLength(1);
    harness.ports.advance(10_000);
    edit([{ ip: "203.0.113.7", comment: "taken over by a person" }]);
    expect((await look(provider)).ours).toEqual([]);
    const known = calls();
    harness.ports.advance(5 * 60_000);
    await look(provider);
    expect(calls()).toBe(known + 1);
  });

  test("observe: a change in the very second of the one before is seen, though the list's counters say nothing of it", async () => {
    const provider = await start();
    await bring(harness, provider, () => adds([a, b]));
    harness.ports.advance(30_000);
    edit([{ ip: "203.0.113.9", comment: "portcullis:store-acme-prod" }]);
    harness.ports.advance(300);
    expect((await look(provider)).ours).toHaveLength(3);
    harness.ports.advance(300);
    edit([{ ip: "203.0.113.10", comment: "portcullis:store-acme-prod" }], ["203.0.113.7"]);
    harness.ports.advance(60_000);
    expect(addresses(await look(provider))).toEqual(["203.0.113.10/32", "203.0.113.8/32", "203.0.113.9/32"]);
  });

  test("observe: items are read again after any write of ours, whatever came of it", async () => {
    const provider = await start();
    const step = await firstStep(provider, adds([a]));
    harness.cloudflare.faults.next.push({ route: "items.create", mishap: { kind: "drop", committed: false } });
    const before = harness.cloudflare.calls("items.list");
    expect((await provider.apply(step)).kind).toBe("unknown");
    await look(provider);
    expect(harness.cloudflare.calls("items.list")).toBe(before + 1);
  });

  test("observe: no list yet is nobody's, says what to do, and is no error", async () => {
    const seen = await look(await start({ unclaimed: true }));
    expect([seen.storeId, room(seen)]).toEqual([null, 0]);
    expect(seen.enforcing).toMatchObject({ yes: false, why: expect.stringContaining("run setup") });
  });

  test("observe: a list of another kind is terminal", async () => {
    const provider = await start({ unclaimed: true });
    harness.cloudflare.account(accountId).addList({ name: "portcullis", kind: "asn" });
    const seen = await provider.observe();
    expect(seen.ok && seen.value.terminal).toContain("kind asn");
  });

  test("observe: more items than the quota, a cursor that does not move, half an envelope are errors, never a shorter list", async () => {
    const provider = await start({ settings: { items: 2 } });
    edit(Array.from({ length: 600 }, (_, at) => ({ ip: `198.18.${Math.floor(at / 250)}.${at % 250}` })));
    expect(await provider.observe()).toMatchObject({ ok: false, error: { code: "PROVIDER_REJECTED" } });
    harness.cloudflare.faults.next.push({ route: "items.list", mishap: { kind: "garbage", committed: false } });
    expect(await provider.observe()).toMatchObject({ ok: false, error: { code: "PROVIDER_UNAVAILABLE" } });
  });

  test("observe: while our operation runs it is pending and says when to look again; failed whole, it is told and forgotten", async () => {
    const provider = await start({ server: { operationMs: 20_000 } });
    harness.cloudflare.faults.badItem = () => "not this one";
    expect((await provider.apply(await firstStep(provider, adds([a])))).kind).toBe("pending");
    const seen = await provider.observe();
    expect(seen).toMatchObject({ ok: false, error: { code: "PROVIDER_PENDING", context: { retryAfterSeconds: 5 } } });
    harness.ports.advance(20_000);
    await look(provider);
    expect(harness.logs.filter((line) => line.event === "cloudflare.operation.failed")).toHaveLength(1);
    const [step] = plan(provider, await look(provider), adds([a]));
    const outcome = step === undefined ? null : await provider.apply(step);
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "PROVIDER_REJECTED", message: expect.stringContaining("not this one") } });
  });
});

describe("guarding", () => {
  const spoiled: readonly (readonly [string, () => unknown])[] = [
    ["the owner added the same address", () => edit([{ ip: "203.0.113.7", comment: "the owner's" }])],
    ["somebody removed an item and added another", () => edit([{ ip: "192.0.2.50" }], ["203.0.113.8"])],
    ["another store claimed it", () => Object.assign(harness.list(), { description: "portcullis:store=another" })],
    ["it is gone", () => harness.cloudflare.account(accountId).lists.clear()],
  ];
  test.each(spoiled)("apply: nothing is sent when, since the look, %s", async (_name, spoil) => {
    const provider = await start({ settings: { shared: "allow" } });
    await bring(harness, provider, () => adds([b]));
    const step = await firstStep(provider, adds([a]));
    harness.ports.advance(1_000);
    spoil();
    const writes = harness.cloudflare.writes;
    expect((await provider.apply(step)).kind).toBe("conflict");
    expect(harness.cloudflare.writes).toBe(writes);
  });

  test("apply: a step of another list, or none at all, sends nothing", async () => {
    const provider = await start();
    const step = await firstStep(provider, adds([a]));
    const calls = harness.cloudflare.calls();
    for (const native of [{ ...(step.native as object), list: "other" }, { verb: "empty" }, null]) {
      const outcome = await provider.apply({ ...step, native });
      expect(outcome).toMatchObject({ kind: "failed", error: { code: "PROVIDER_REJECTED" } });
    }
    expect(harness.cloudflare.calls()).toBe(calls);
  });

  test("apply: never a PUT, of items or of an entry point", async () => {
    const provider = await start();
    const full = await bring(harness, provider, () => adds([a, b]));
    await bring(harness, provider, () => removes(full.ours));
    const puts = harness.cloudflare.log.filter((call) => call.method === "PUT").map((call) => call.route);
    expect(puts.filter((route) => route !== "lists.update")).toEqual([]);
  });

  test("remove: by id; an address that its owner put there since is not hit", async () => {
    const provider = await start({ settings: { shared: "allow" } });
    const seen = await bring(harness, provider, () => adds([a]));
    edit([], ["203.0.113.7"]);
    edit([{ ip: "203.0.113.7", comment: "the owner's" }]);
    const [step] = plan(harness.provider(), seen, removes(seen.ours));
    const outcome: Outcome = step === undefined ? { kind: "applied" } : await harness.provider().apply(step);
    expect(["conflict", "already", "pending"]).toContain(outcome.kind);
    await lookLater(harness, harness.provider());
    expect(harness.list().items.get("203.0.113.7")?.comment).toBe("the owner's");
  });
});

describe("enforcing", () => {
  type Change = (change: (id: string, ruleset: string) => void) => void;
  const onRule: Change = (change) => {
    const { ruleset } = harness.cloudflare.zone(zone);
    const ours = ruleset?.rules.find((rule) => rule.ref === "portcullis_portcullis");
    change(ours?.id ?? "", ruleset?.id ?? "");
  };
  const patch = (body: object) => onRule((id, ruleset) => harness.cloudflare.zone(zone).editRule(ruleset, id, body));
  const before = (body: object) => onRule((_id, ruleset) => harness.cloudflare.zone(zone).addRule(ruleset, { ...body, position: { index: 1 } }));
  const faults: readonly (readonly [string, () => void, string])[] = [
    ["gone", () => onRule((id, ruleset) => harness.cloudflare.zone(zone).deleteRule(ruleset, id)), "has no rule"],
    ["disabled", () => patch({ enabled: false }), "is disabled"],
    ["another action", () => patch({ action: "log" }), "does log"],
    ["another expression", () => patch({ expression: "(ip.src in $portcullis and false)" }), "matches"],
    ["behind a skip", () => before({ action: "skip", expression: "true", description: "office" }), "not first: before it come skip office"],
  ];
  test.each(faults)("observe: the rule is %s, and setup puts it right", async (_name, spoil, why) => {
    const provider = await start();
    spoil();
    harness.ports.advance(60_000);
    expect((await look(provider)).enforcing).toMatchObject({ yes: false, why: expect.stringContaining(why) });
    const others = rules().filter((rule) => rule.ref !== "portcullis_portcullis");
    const mended = await harness.operator().setup({ action: "claim", storeId: harness.storeId, adopt: false });
    expect(mended).toMatchObject({ ok: true, value: { changed: true } });
    expect((await look(harness.provider())).enforcing).toEqual({ yes: true });
    expect(rules().filter((rule) => rule.ref !== "portcullis_portcullis")).toEqual(others);
  });

  test("observe: a rule before ours that blocks, or is off, lets nobody by", async () => {
    const provider = await start();
    before({ action: "block", expression: "ip.src eq 192.0.2.1" });
    before({ action: "skip", expression: "true", enabled: false });
    harness.ports.advance(60_000);
    expect((await look(provider)).enforcing).toEqual({ yes: true });
  });

  test("observe: without zones nothing is enforced", async () => {
    expect((await look(await start({ settings: { zones: [] } }))).enforcing).toMatchObject({ yes: false, why: expect.stringContaining("a list alone") });
  });
});

describe("limits", () => {
  const call: CloudflareCall = { method: "POST", path: `/accounts/${accountId}/rules/lists/abc/items` };
  const meaning = (of: CloudflareCall, message: string, code = 1000) => {
    const body = JSON.stringify({ success: false, errors: [{ code, message }], messages: [], result: null });
    const answer = answerOf(of, { status: 429, headers: {}, body }, 0, isBusy);
    return answer.kind === "error" ? answer.meaning : answer.kind;
  };

  test("429: the pending operation and the call limit are told apart, whatever the first is called", () => {
    expect(meaning(call, "there is an outstanding bulk operation")).toBe("busy");
    expect(meaning(call, "submit your request again later")).toBe("busy");
    expect(meaning(call, "Please wait and consider throttling your request speed", 971)).toBe("throttle");
    expect(meaning(call, "Rate limit exceeded, try later", 10429)).toBe("throttle");
    expect(meaning(call, "")).toBe("throttle");
    expect(meaning({ ...call, method: "GET" }, "an operation is pending")).toBe("throttle");
  });

  test("429: one pending operation waits seconds; the call limit waits what the cloud says, or five minutes", async () => {
    const provider = await start();
    const step = await firstStep(provider, adds([a]));
    const delayUnder = async (mishap: Parameters<typeof harness.cloudflare.faults.next.push>[0]["mishap"]) => {
      harness.cloudflare.faults.next.push({ route: "items.create", mishap });
      const outcome = await provider.apply(step);
      if (outcome.kind !== "throttled") throw new Error(shown(outcome));
      return outcome.retryAtMs - harness.nowMs();
    };
    expect(await delayUnder({ kind: "busy" })).toBeLessThanOrEqual(10_000);
    expect(await delayUnder({ kind: "throttle", retryAfterSeconds: 120 })).toBe(120_000);
    expect(await delayUnder({ kind: "throttle", retryAfterSeconds: null })).toBe(300_000);
  });

  test("calls: we stop ourselves before the cloud shuts the token out, and go on when the window has moved", () => {
    const budget = new CallBudget();
    for (let at = 0; at < 1_000; at += 1) expect(budget.take(at * 100)).toBeNull();
    expect(budget.take(100_000)).toBe(300_000);
    expect(budget.take(300_000)).toBeNull();
    expect(budget.take(300_000)).toBe(300_100);
  });

  test("token: each permission of the run-time policy is needed, and it writes no rule", async () => {
    await start();
    expect((await harness.provider().setup({ action: "release" })).ok).toBe(true);
    const claimed = await harness.provider().setup({ action: "claim", storeId: harness.storeId, adopt: false });
    expect(claimed.ok).toBe(true);
    harness.cloudflare.zone(zone).ruleset?.rules.splice(0);
    const refused = await harness.provider().setup({ action: "claim", storeId: harness.storeId, adopt: false });
    expect(refused).toMatchObject({ ok: false, error: { code: "PROVIDER_AUTH", message: expect.stringContaining("policy.setup.json") } });
    const resources = { [`com.cloudflare.api.account.${accountId}`]: "*" };
    const zoneResources = Object.fromEntries(zones.map((id) => [`com.cloudflare.api.account.zone.${id}`, "*"]));
    const group = (name: string) => [{ name }];
    const lists = { effect: "allow", resources, permission_groups: group("Account Filter Lists Write") };
    const reading = { effect: "allow", resources, permission_groups: group("Account Filter Lists Read") };
    const waf = { effect: "allow", resources: zoneResources, permission_groups: group("Zone WAF Read") };
    const outcomes: string[] = [];
    for (const policies of [[waf], [lists], [reading, waf]]) {
      const value = `less-${outcomes.length}`;
      harness.cloudflare.addToken({ value, policies });
      const provider = harness.definition.create(harness.settings, { ...harness.ports, secrets: { token: new Secret(value) } });
      const seen = await provider.observe();
      const [step] = seen.ok ? plan(provider, seen.value, adds([a])) : [];
      const outcome = step === undefined ? null : await provider.apply(step);
      outcomes.push(seen.ok ? `apply ${outcome?.kind}` : `observe ${seen.error.code}`);
    }
    expect(outcomes).toEqual(["observe PROVIDER_AUTH", "observe PROVIDER_AUTH", "apply failed"]);
    expect(tokens.run).not.toBe(tokens.setup);
  });
});
