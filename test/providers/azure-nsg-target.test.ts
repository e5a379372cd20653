// What only azure-nsg does: reading an NSG, the whole rule compared, room, payloads, claims. The laws of every kind are in azure-nsg.test.ts.

import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, onTestFinished, test } from "vitest";
import { widest } from "../../providers/azure-nsg/compile.ts";
import { azureNsg } from "../../providers/azure-nsg/index.ts";
import { blockOf, type Cidr, cidrKey, cidrOf, cidrText, contains } from "../../shared/address/index.ts";
import type { Observation } from "../../shared/provider.ts";
import { adds, bring, carryOut, look, lookLater, plan, removes } from "../conformance/provider/harness.ts";
import type { RuleInput } from "../simulators/azure.ts";
import { nsgName, resourceGroup, subscription, tenant } from "../simulators/azure-fixtures.ts";
import { type AzureHarness, type AzureHarnessOptions, azureHarness, azureSettings, claimTag, ruleNames, storeId } from "./azure-nsg-harness.ts";

async function harnessFor(options: AzureHarnessOptions = {}): Promise<AzureHarness> {
  const harness = await azureHarness(options);
  onTestFinished(() => harness.close());
  return harness;
}

const a = cidrOf("203.0.113.7/32");
const b = cidrOf("203.0.113.8/32");
const six = cidrOf("2001:db8:7::/64");
const [v4Rule, v6Rule] = ruleNames;

function hosts(count: number): Cidr[] {
  return Array.from({ length: count }, (_, at) => cidrOf(`198.18.${at >> 8}.${at & 255}/32`));
}

describe("settings", () => {
  const whole = { subscription, tenant, resourceGroup, nsg: nsgName, priority: 100 };

  test("take: the least there is, and what was emitted again unchanged", () => {
    const emitted = v.parse(azureNsg.settings, whole);
    expect(emitted).toEqual({ ...whole, rule: "portcullis-deny" });
    expect(v.parse(azureNsg.settings, JSON.parse(JSON.stringify(emitted)))).toEqual(emitted);
  });

  test.each([
    ["subscription", "acme"],
    ["tenant", "acme.onmicrosoft.com"],
    ["resourceGroup", "edge/x"],
    ["resourceGroup", "edge."],
    ["nsg", "../other"],
    ["priority", 99],
    ["priority", 4_096],
    ["priority", 100.5],
    ["rule", "a".repeat(76)],
    ["rule", "deny-IPv6"],
    ["rule", "-deny"],
    ["endpoint", "https://management.azure.com/base"],
    ["loginEndpoint", "file:///etc"],
    ["family", "both"],
  ])("refuse: %s %s, in words that name the key", (key, value) => {
    const parsed = v.safeParse(azureNsg.settings, { ...whole, [key]: value });
    expect(parsed.success).toBe(false);
    expect(parsed.issues?.map((issue) => issue.message).join(" ")).toContain(key);
  });

  test("place: the rule name in its NSG, whatever the spelling of case; a new priority is no new place", () => {
    const place = (changes: object) => azureNsg.place(v.parse(azureNsg.settings, { ...whole, ...changes }));
    expect(place({ nsg: "HUB", priority: 200 })).toEqual(place({}));
    expect(place({ rule: "other" })).not.toEqual(place({}));
    expect(azureNsg.serialKey(v.parse(azureNsg.settings, { ...whole, rule: "other" }))).toBe(azureNsg.serialKey(v.parse(azureNsg.settings, whole)));
  });
});

describe("observe", () => {
  test("classify: rules with our names are ours, whatever the case; everything else is foreign and named", async () => {
    const { azure, provider } = await harnessFor();
    const group = azure.group(nsgName);
    group.put({
      name: "Portcullis-Deny",
      priority: 100,
      access: "Deny",
      sourceAddressPrefixes: ["203.0.113.7", "203.0.113.0/29"].slice(0, 1),
      description: `Portcullis, store ${storeId}: managed, changes by hand are undone`,
    });
    group.put({ name: "portcullis-deny-2", priority: 200, access: "Deny", sourceAddressPrefix: "203.0.113.9" });
    group.put({ name: "web", priority: 300, protocol: "Tcp", destinationPortRanges: ["80", "443"], sourceAddressPrefix: "Internet" });
    const seen = await look(provider());
    expect(seen.ours).toEqual([{ id: "203.0.113.7/32", cidr: a, partial: null }]);
    expect(seen.foreign).toEqual([
      { id: "portcullis-deny-2", summary: "inbound 200: deny * ports * from 203.0.113.9 to *" },
      { id: "web", summary: "inbound 300: allow Tcp ports 80, 443 from Internet to *" },
    ]);
  });

  test("count: 4,000 addresses less the owner's over all rules and both directions, singular and tags counted, * not", async () => {
    const { azure, provider } = await harnessFor();
    const group = azure.group(nsgName);
    group.put({ name: "many", priority: 200, sourceAddressPrefixes: hosts(100).map(cidrText) });
    group.put({ name: "out", priority: 200, direction: "Outbound", sourceAddressPrefixes: ["10.0.0.0/8", "172.16.0.0/12"] });
    group.put({ name: "one", priority: 201, sourceAddressPrefix: "10.0.0.0/8" });
    group.put({ name: "tag", priority: 202, sourceAddressPrefix: "Internet" });
    group.put({ name: "any", priority: 203 });
    expect((await look(provider())).pools).toEqual([{ name: "source addresses of hub", families: [4, 6], limit: 4_000 - 104 }]);
  });

  test("count: an NSG full of rules has no place for a rule of ours that does not stand; the last place is the IPv4 rule's", async () => {
    const harness = await harnessFor();
    const group = harness.azure.group(nsgName);
    for (let at = 0; at < 999; at += 1) group.put({ name: `r${at}`, priority: 200 + at });
    const seen = await look(harness.provider());
    expect(seen.pools.slice(1)).toEqual([{ name: "IPv6 rule (hub holds all 1000 rules it can)", families: [6], limit: 0 }]);
    await carryOut(harness.provider(), plan(harness.provider(), seen, adds([a])));
    expect((await look(harness.provider())).pools.slice(1).map((pool) => pool.families)).toEqual([[6]]);
    group.delete(v4Rule);
    group.put({ name: "r999", priority: 2_000 });
    expect((await look(harness.provider())).pools.slice(1).map((pool) => pool.families)).toEqual([[4], [6]]);
  });

  test("count: a priority that another rule has leaves no room for that family, and says whose it is", async () => {
    const { azure, provider } = await harnessFor();
    azure.group(nsgName).put({ name: "theirs", priority: 101 });
    const { pools } = await look(provider());
    expect(pools.slice(1)).toEqual([{ name: expect.stringContaining("priority 101 inbound is taken by rule theirs"), families: [6], limit: 0 }]);
    azure.group(nsgName).edit("theirs", { direction: "Outbound" });
    expect((await look(provider())).pools).toHaveLength(1);
  });

  test("enforce: yes on a subnet or an interface; no without either, and no behind an earlier inbound allow, by name", async () => {
    const harness = await harnessFor();
    const { azure, settings, ports } = harness;
    const provider = azureNsg.create({ ...settings, priority: 200 }, ports);
    const why = async () => (await look(provider)).enforcing;
    expect(await why()).toEqual({ yes: true });
    azure.group(nsgName).put({ name: "ssh", priority: 150, sourceAddressPrefix: "192.0.2.0/24" });
    expect(await why()).toMatchObject({ yes: false, why: expect.stringContaining("ssh (150)") });
    azure.group(nsgName).edit("ssh", { access: "Deny" });
    expect(await why()).toEqual({ yes: true });
    azure.group(nsgName).associate([]);
    expect(await why()).toMatchObject({ yes: false, why: expect.stringContaining("no subnet") });
    azure.group(nsgName).associate([], ["nic-1"]);
    expect(await why()).toEqual({ yes: true });
  });

  const edits: readonly (readonly [string, Partial<RuleInput>])[] = [
    ["access is Allow", { access: "Allow" }],
    ["direction is Outbound", { direction: "Outbound" }],
    ["priority is 900", { priority: 900 }],
    ["protocol is Tcp", { protocol: "Tcp" }],
    ["source ports are 53", { sourcePortRange: "53" }],
    ["destination ports are 80, 443", { destinationPortRanges: ["80", "443"] }],
    ["destination is 10.0.0.4", { destinationAddressPrefix: "10.0.0.4" }],
    ["description is not ours", { description: "mine" }],
  ];

  test.each(edits)("compare: %s is told, counts as partial and not enforcing, and is written again when the core asks", async (words, changes) => {
    const harness = await harnessFor();
    const provider = harness.provider();
    await bring(harness, provider, () => adds([a, b]));
    const whole = harness.azure.group(nsgName).rule(v4Rule);
    harness.azure.group(nsgName).edit(v4Rule, changes);
    const seen = await look(provider);
    expect(seen.ours.map((entry) => entry.partial)).toEqual([expect.stringContaining(words), expect.stringContaining(words)]);
    expect(seen.enforcing).toMatchObject({ yes: false, why: expect.stringContaining(words) });
    await carryOut(provider, plan(provider, seen, adds([a])));
    expect(harness.azure.group(nsgName).rule(v4Rule)).toEqual(whole);
    expect((await lookLater(harness, provider)).enforcing).toEqual({ yes: true });
  });

  test("compare: a source that is no address of ours is told, and gone after the repair", async () => {
    const harness = await harnessFor();
    const provider = harness.provider();
    await bring(harness, provider, () => adds([six]));
    harness.azure.group(nsgName).edit(v6Rule, { sourceAddressPrefix: "Internet" });
    const seen = await look(provider);
    expect(seen.ours).toEqual([]);
    expect(seen.enforcing).toMatchObject({ yes: false, why: expect.stringMatching(/portcullis-deny-ipv6 holds no IPv6 address \(Internet\)/) });
    await carryOut(provider, plan(provider, seen, adds([six])));
    expect(harness.azure.group(nsgName).rule(v6Rule)?.properties.sourceAddressPrefixes).toEqual(["2001:db8:7::/64"]);
  });

  test("wait: while an operation runs nothing is concluded, whoever started it; a failed one is told and written again", async () => {
    const harness = await harnessFor();
    const provider = harness.provider();
    harness.azure.faults.provisioningMs = 6_000;
    const steps = plan(provider, await look(provider), adds([a]));
    for (const step of steps) expect(await provider.apply(step)).toMatchObject({ kind: "pending" });
    expect(await provider.observe()).toMatchObject({ ok: false, error: { code: "PROVIDER_PENDING", context: { retryAfterSeconds: 5 } } });
    for (const step of steps) expect(await provider.apply(step)).toMatchObject({ kind: "pending", operation: expect.stringContaining("earlier change") });
    expect(harness.azure.calls("writeRule")).toBe(1);
    harness.azure.faults.operationsFail = true;
    harness.ports.advance(6_000);
    const done = await look(provider);
    await carryOut(provider, plan(provider, done, adds([b])));
    harness.ports.advance(6_000);
    harness.azure.faults.operationsFail = false;
    const failed = await look(provider);
    expect(failed.enforcing).toMatchObject({ yes: false, why: expect.stringContaining("Failed") });
    expect(failed.ours.every((entry) => entry.partial !== null)).toBe(true);
    const whole = await bring(harness, provider, () => adds([a, b]));
    expect([whole.enforcing, whole.ours.map((entry) => entry.partial)]).toEqual([{ yes: true }, [null, null]]);
  });

  test("stop: an NSG that is gone is terminal, and nothing is concluded about entries", async () => {
    const { azure, settings, ports, provider } = await harnessFor();
    azure.deleteGroup(nsgName);
    const gone = { terminal: expect.stringContaining("hub does not exist"), ours: [], pools: [], storeId: null };
    expect(await provider().observe()).toMatchObject({ ok: true, value: gone });
    const elsewhere = azureNsg.create({ ...settings, nsg: "spoke" }, ports);
    expect(await elsewhere.observe()).toMatchObject({ ok: false, error: { code: "PROVIDER_AUTH" } });
  });
});

describe("compile and apply", () => {
  test("send: one PUT per family with the whole payload; the owner's rules stay byte for byte; an empty payload deletes", async () => {
    const harness = await harnessFor();
    harness.world.addForeign();
    const others = harness.world.foreign();
    const provider = harness.provider();
    await bring(harness, provider, () => adds([b, six, a]));
    expect(harness.azure.log.filter((entry) => entry.call === "writeRule").map((entry) => JSON.parse(entry.request))).toEqual(
      [
        { priority: 100, sourceAddressPrefixes: ["203.0.113.7/32", "203.0.113.8/32"] },
        { priority: 101, sourceAddressPrefixes: ["2001:db8:7::/64"] },
      ].map((own) => ({
        properties: {
          description: "Portcullis, store store-acme-prod: managed, changes by hand are undone",
          protocol: "*",
          sourcePortRange: "*",
          destinationPortRange: "*",
          destinationAddressPrefix: "*",
          access: "Deny",
          direction: "Inbound",
          ...own,
        },
      })),
    );
    const kept = await bring(harness, provider, (seen) => removes(seen.ours.filter((entry) => entry.id === "203.0.113.7/32")));
    expect(kept.ours.map((entry) => entry.id)).toEqual(["203.0.113.8/32", "2001:db8:7::/64"]);
    await bring(harness, provider, (seen) => removes(seen.ours));
    expect(harness.azure.calls("deleteRule")).toBe(2);
    expect(ruleNames.map((name) => harness.azure.group(nsgName).rule(name))).toEqual([null, null]);
    expect(harness.world.foreign()).toBe(others);
  });

  test("order: the rule whose address has the first claim goes first, so that a family that changes all the time holds up no other", async () => {
    const { provider } = await harnessFor();
    const seen = await look(provider());
    const ruled = (cidrs: readonly Cidr[]) => plan(provider(), seen, adds(cidrs)).map((step) => step.slots[0]);
    expect(ruled([a, six])).toEqual([v4Rule, v6Rule]);
    expect(ruled([six, a, b])).toEqual([v6Rule, v4Rule]);
  });

  test("order: what shrinks goes first, so that the room of both families is never passed", async () => {
    const harness = await harnessFor();
    const provider = harness.provider();
    harness.azure.group(nsgName).put({
      name: "owner",
      priority: 300,
      sourceAddressPrefixes: hosts(3_998).map((cidr) => cidrText(cidr).replace("198.18", "10.9").replace("198.19", "10.10")),
    });
    const full = await bring(harness, provider, () => adds([six, cidrOf("2001:db8:8::/64")]));
    const steps = plan(provider, full, [...removes(full.ours), ...adds([a, b])]);
    expect(steps.map((step) => step.slots)).toEqual([[v6Rule], [v4Rule]]);
    await carryOut(provider, steps);
    expect((await lookLater(harness, provider)).ours.map((entry) => entry.id)).toEqual(["203.0.113.7/32", "203.0.113.8/32"]);
  });

  test("merge: a block inside another is not sent, takes no step while the wider one stands, and comes with its removal", async () => {
    const harness = await harnessFor();
    const provider = harness.provider();
    const wide = cidrOf("203.0.113.0/24");
    const seen = await bring(harness, provider, () => adds([wide]));
    expect(plan(provider, seen, adds([a]))).toEqual([]);
    const request = { changes: [...removes(seen.ours), ...adds([a])], standing: [a], frozen: new Set<string>(), observation: seen };
    await carryOut(provider, provider.compile(request));
    expect((await lookLater(harness, provider)).ours.map((entry) => entry.id)).toEqual(["203.0.113.7/32"]);
  });

  test("merge: the widest of any blocks hold the same addresses, and none lies in another", () => {
    const block = fc.record({ hex: fc.stringMatching(/^cb0071[0-9a-f]{2}$/), length: fc.integer({ min: 22, max: 32 }) });
    fc.assert(
      fc.property(fc.array(block, { maxLength: 20 }), (given) => {
        const blocks = given.map(({ hex, length }) => blockOf(4, hex, length));
        const kept = widest(blocks);
        for (const one of blocks) expect(kept.filter((other) => contains(other, one))).toHaveLength(1);
        for (const one of kept) expect(blocks.map(cidrKey)).toContain(cidrKey(one));
      }),
    );
  });

  test("meet: an address that a person added since the decision is a conflict, and stays", async () => {
    const harness = await harnessFor();
    const provider = harness.provider();
    const seen = await bring(harness, provider, () => adds([a]));
    const [step] = plan(provider, seen, adds([b]));
    if (step === undefined) throw new Error("nothing was compiled");
    harness.azure.group(nsgName).edit(v4Rule, { sourceAddressPrefixes: ["203.0.113.7/32", "192.0.2.9/32"] });
    expect(await provider.apply(step)).toMatchObject({ kind: "conflict", why: expect.stringContaining("changed since") });
    expect(harness.azure.group(nsgName).rule(v4Rule)?.properties.sourceAddressPrefixes).toEqual(["203.0.113.7/32", "192.0.2.9/32"]);
    harness.azure.group(nsgName).delete(v4Rule);
    expect(await provider.apply(step)).toMatchObject({ kind: "conflict", why: expect.stringContaining("deleted since") });
  });

  test("lift: under a delete lock the last address stays, and the lock is named", async () => {
    const harness = await harnessFor();
    const provider = harness.provider();
    const seen = await bring(harness, provider, () => adds([a]));
    harness.azure.locks.push({ name: "keep", scope: `/subscriptions/${subscription}/resourceGroups/${resourceGroup}`, level: "CanNotDelete" });
    const [step] = plan(provider, seen, removes(seen.ours));
    if (step === undefined) throw new Error("nothing was compiled");
    expect(await provider.apply(step)).toMatchObject({
      kind: "failed",
      error: { code: "PROVIDER_REJECTED", message: expect.stringMatching(/ScopeLocked.*resourceGroups\/edge.*management lock/) },
    });
  });

  test("refuse: a step of another NSG, of another rule, or of no shape of ours, is not sent", async () => {
    const harness = await harnessFor();
    const [step] = plan(harness.provider(), await look(harness.provider()), adds([a]));
    if (step === undefined) throw new Error("nothing was compiled");
    for (const changes of [{ nsg: "spoke" }, { rule: "web" }, { priority: 50 }, { sources: "*" }, { extra: 1 }]) {
      const native = { ...(step.native as object), ...changes } as never;
      expect(await harness.provider().apply({ ...step, native })).toMatchObject({ kind: "failed", error: { code: "PROVIDER_REJECTED" } });
    }
    expect(harness.azure.log.filter((entry) => entry.call !== "token" && entry.call !== "readGroup")).toEqual([]);
  });
});

describe("setup", () => {
  const claim = { action: "claim", storeId, adopt: false } as const;

  async function seenBy(harness: AzureHarness): Promise<Observation> {
    return look(harness.provider());
  }

  test("claim, release: one tag is merged and taken away; the owner's tags are never read back and written", async () => {
    const harness = await harnessFor({ unclaimed: true });
    const { azure, operator } = harness;
    azure.group(nsgName).tag({ Owner: "net" });
    const report = await operator().setup(claim);
    expect(report).toMatchObject({
      ok: true,
      value: { changed: true, lines: [expect.stringContaining("claimed rule portcullis-deny of hub"), expect.stringContaining("room for 4000")] },
    });
    expect(azure.group(nsgName).state.tags).toEqual({ Owner: "net", [claimTag]: storeId });
    expect((await seenBy(harness)).storeId).toBe(storeId);
    await operator().setup({ action: "release" });
    expect(azure.group(nsgName).state.tags).toEqual({ Owner: "net" });
    expect(azure.log.filter((entry) => entry.method === "PATCH").map((entry) => JSON.parse(entry.request))).toEqual([
      { operation: "Merge", properties: { tags: { [claimTag]: storeId } } },
      { operation: "Delete", properties: { tags: { [claimTag]: storeId } } },
    ]);
  });

  test("read: the tag by any spelling of case, as Azure does", async () => {
    const harness = await harnessFor({ unclaimed: true });
    harness.azure.group(nsgName).tag({ [claimTag.toUpperCase()]: storeId });
    expect((await seenBy(harness)).storeId).toBe(storeId);
  });

  test("share: two deployments on one NSG, each with a rule of its own, do not see each other's as theirs", async () => {
    const harness = await harnessFor();
    const other = azureSettings(harness.azure.url, { rule: "second", priority: 110 });
    const second = azureNsg.create(other, harness.ports);
    await bring(harness, harness.provider(), () => adds([a]));
    const seen = await look(second);
    expect([seen.storeId, seen.ours, seen.foreign.map((entry) => entry.id), seen.pools[0]?.limit]).toEqual([null, [], [v4Rule], 3_999]);
  });

  test("refuse: priorities that are taken, by name; a store id that fits neither tag nor description", async () => {
    const { azure, operator } = await harnessFor({ unclaimed: true });
    azure.group(nsgName).put({ name: "theirs", priority: 101 });
    expect(await operator().setup({ ...claim, adopt: true })).toMatchObject({
      ok: false,
      error: { code: "OWNERSHIP_CONFLICT", message: expect.stringContaining("theirs (101)") },
    });
    expect(await operator().setup({ ...claim, storeId: "x".repeat(81) })).toMatchObject({ ok: false, error: { code: "INVALID_INPUT" } });
  });

  test("adopt: addresses of a former store are ours at once, and get our description with the next change", async () => {
    const harness = await harnessFor();
    const provider = harness.provider();
    await bring(harness, provider, () => adds([a]));
    await harness.operator().setup({ action: "release" });
    await harness.operator().setup({ action: "claim", storeId: "store-new", adopt: true });
    const seen = await seenBy(harness);
    expect(seen.ours.map((entry) => entry.partial)).toEqual([expect.stringContaining("description")]);
    await carryOut(provider, plan(provider, seen, adds([a])));
    expect(harness.azure.group(nsgName).rule(v4Rule)?.properties.description).toContain("store-new");
  });

  test("fail: an NSG that is not there, a lost answer, the function's own credentials", async () => {
    const harness = await harnessFor({ unclaimed: true });
    expect(await harness.provider().setup(claim)).toMatchObject({
      ok: false,
      error: { code: "PROVIDER_AUTH", message: expect.stringContaining("policy.setup.json") },
    });
    harness.azure.faults.next.push({ call: "writeTags", mishap: { kind: "serverError", status: 500, committed: true } });
    expect(await harness.operator().setup(claim)).toMatchObject({ ok: false, error: { code: "OUTCOME_UNKNOWN" } });
    expect(await harness.operator().setup(claim)).toMatchObject({ ok: true, value: { changed: false } });
    harness.azure.deleteGroup(nsgName);
    expect(await harness.operator().setup(claim)).toMatchObject({ ok: false, error: { code: "CONFIG_INVALID" } });
  });
});
