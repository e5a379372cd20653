// What an attacker would try at more than one cloud: half answers, frozen places, waits in between. Each case once hit the product.
import { describe, expect, onTestFinished, test } from "vitest";
import { compile } from "../../providers/azure-nsg/compile.ts";
import { cloudflareList } from "../../providers/cloudflare-list/index.ts";
import { type Cidr, cidrOf, cidrText } from "../../shared/address/index.ts";
import { limits } from "../../shared/limits.ts";
import type { Transport } from "../../shared/ports.ts";
import type { CompileRequest, Observation } from "../../shared/provider.ts";
import { adds, look, plan } from "../conformance/provider/harness.ts";
import { settle } from "../coordinator/world.ts";
import { nsgName } from "../simulators/azure-fixtures.ts";
import { accountId } from "../simulators/cloudflare-fixtures.ts";
import { azureSettings, ruleNames } from "./azure-nsg-harness.ts";
import { azureWorld } from "./azure-nsg-world.ts";
import { cloudflareHarness } from "./cloudflare-list-harness.ts";
import { cloudflareWorld } from "./cloudflare-list-world.ts";

const [v4Rule, v6Rule] = ruleNames;
const four = cidrOf("203.0.113.7/32");
const six = cidrOf("2001:db8:7::/64");

describe("azure-nsg, room shared by two rules", () => {
  const observation: Observation = {
    ours: [{ id: cidrText(four), cidr: four, partial: null }],
    foreign: [],
    pools: [{ name: "source addresses", families: [4, 6], limit: 1 }],
    storeId: "store",
    enforcing: { yes: true },
    terminal: null,
    serverDate: null,
  };
  const stepsFor = (frozen: readonly string[], standing: readonly Cidr[], changes: CompileRequest["changes"]) =>
    compile({ changes, standing, frozen: new Set(frozen), observation }, azureSettings("http://simulator")).flatMap((step) => step.slots);

  test("wait: a rule does not grow into room that a frozen one has still to give", () => {
    const exchange: CompileRequest["changes"] = [...observation.ours.map((entry) => ({ verb: "remove" as const, entry })), { verb: "add", cidr: six }];
    expect(stepsFor([], [six], exchange)).toEqual([v4Rule, v6Rule]);
    expect(stepsFor([v4Rule], [six], exchange)).toEqual([]);
    expect(stepsFor([v4Rule], [four, six], [{ verb: "add", cidr: six }])).toEqual([v6Rule]);
  });
});

describe("cloudflare-list, a listing that ends too soon", () => {
  test("add: nothing is added over items that the list counts and did not show", async () => {
    const harness = await cloudflareHarness({ settings: { items: 5_000, shared: "allow" } });
    onTestFinished(() => harness.close());
    const owners = Array.from({ length: 600 }, (_, at) => ({ ip: `198.18.${Math.floor(at / 250)}.${at % 250}`, comment: "the owner's" }));
    harness.cloudflare.account(accountId).edit(harness.list(), owners);
    harness.ports.advance(60_000);
    const shown = new Set<string>();
    const cut: Transport = async (request, signal) => {
      const reply = await harness.ports.send(request, signal);
      if (!request.url.includes("/items?")) return reply;
      const page = JSON.parse(reply.body) as { result: { ip: string }[] };
      for (const { ip } of page.result) shown.add(ip);
      return { ...reply, body: JSON.stringify({ ...page, result_info: null }) };
    };
    const provider = cloudflareList.create(harness.settings, { ...harness.ports, send: cut });
    const seen = await look(provider);
    const hidden = owners.find(({ ip }) => !shown.has(ip));
    const [step] = plan(provider, seen, adds([cidrOf(`${hidden?.ip}/32`)]));
    const outcome = step === undefined ? null : await provider.apply(step);
    expect(outcome).toMatchObject({ kind: "conflict", why: expect.stringContaining("600") });
    harness.ports.advance(60_000);
    harness.cloudflare.account(accountId).settle();
    expect(harness.list().items.get(hidden?.ip ?? "")?.comment).toBe("the owner's");
  });
});

describe("a cloud at work", () => {
  test("tick: between two looks at a running operation it is no failure, and it is told as what it is", async () => {
    const world = await cloudflareWorld({ operationMs: 4 * limits.tickMs });
    await world.block("203.0.113.7", 60 * limits.tickMs);
    await world.advance(2 * limits.tickMs);
    const failed: Record<string, string>[] = [];
    for (let tick = 0; tick < 8; tick += 1) {
      world.now += 7_000;
      failed.push({ ...(await (await world.life()).coordinator.tick()).failed });
    }
    expect(failed.filter((one) => Object.keys(one).length > 0)).toEqual([]);
    expect(await world.said("203.0.113.7")).toMatch(/^pending: .*bulk operation/);
  });

  test("throttle: a wait that the cloud asked for is kept by the next life of the memory too", async () => {
    const world = await cloudflareWorld();
    world.cloudflare.faults.next.push({ route: "lists.list", mishap: { kind: "throttle", retryAfterSeconds: 300 } });
    await world.block("203.0.113.7", 60 * limits.tickMs);
    await world.advance(2_000);
    const before = world.cloudflare.calls();
    world.evict();
    await world.advance(4 * limits.tickMs);
    expect(world.cloudflare.calls()).toBe(before);
    await world.advance(3 * limits.tickMs);
    expect(world.values()).toEqual(["203.0.113.7"]);
  });

  test("removal under way: what another life finds still standing is not called enforced for a new lease", async () => {
    const world = await cloudflareWorld({ operationMs: 12_000 });
    await world.advance(50_000);
    await world.block("203.0.113.7", 5 * limits.tickMs);
    await world.advance(5 * limits.tickMs + settle);
    expect(world.cloudflare.calls("items.delete")).toBe(1);
    world.evict();
    await world.block("203.0.113.7", 60 * limits.tickMs);
    await world.advance(4_000);
    expect([world.values(), await world.said("203.0.113.7")]).toEqual([["203.0.113.7"], expect.stringMatching(/^pending: .*removal/)]);
    await world.advance(3 * limits.tickMs);
    expect([world.values(), await world.said("203.0.113.7")]).toEqual([["203.0.113.7"], "enforced: "]);
  });

  test("removal under way: one that fails whole leaves an entry that is called enforced again, soon and with no new write", async () => {
    const world = await cloudflareWorld({ operationMs: 12_000 });
    await world.advance(50_000);
    await world.block("203.0.113.7", 5 * limits.tickMs);
    await world.advance(5 * limits.tickMs + settle);
    world.cloudflare.faults.badItem = () => "not this one";
    world.evict();
    await world.block("203.0.113.7", 60 * limits.tickMs);
    await world.advance(4_000);
    expect(await world.said("203.0.113.7")).toMatch(/^pending: .*removal/);
    const writes = world.cloudflare.writes;
    await world.advance(3 * limits.tickMs);
    expect([world.values(), await world.said("203.0.113.7")]).toEqual([["203.0.113.7"], "enforced: "]);
    expect(world.cloudflare.writes).toBe(writes);
  });
});

describe("room that others use", () => {
  test("cloudflare-list: what others keep in the account opens no gate of ours, and leaves no room for more", async () => {
    const world = await cloudflareWorld();
    for (const ip of ["203.0.113.7", "203.0.113.8"]) await world.block(ip, 60 * limits.tickMs);
    await world.advance(2 * limits.tickMs);
    const others = world.account.addList({ name: "of_the_office", items: [{ ip: "192.0.2.1" }] });
    Object.defineProperty(others.items, "size", { get: () => 50_000 });
    await world.advance(10 * limits.tickMs);
    await world.block("203.0.113.9", 30 * limits.tickMs);
    await world.advance(limits.tickMs);
    expect(world.values()).toEqual(["203.0.113.7", "203.0.113.8"]);
    expect(await world.said("203.0.113.7")).toBe("enforced: ");
    expect(await world.said("203.0.113.9")).toMatch(/^shed: no room/);
  });

  test("azure-nsg: rules of the owner that count for more than Azure lets in open no gate of ours", async () => {
    const world = await azureWorld();
    await world.block("203.0.113.7", 60 * limits.tickMs);
    await world.advance(2 * limits.tickMs);
    const group = world.azure.group(nsgName);
    group.put({ name: "office", priority: 300, sourceAddressPrefixes: ["198.18.0.1"] });
    const many = Array.from({ length: 4_000 }, (_, at) => `198.18.${at >> 8}.${at & 255}`);
    Object.assign(group.state.rules.find((rule) => rule.name === "office")?.properties ?? {}, { sourceAddressPrefixes: many });
    await world.advance(10 * limits.tickMs);
    expect(world.sources()).toEqual(["203.0.113.7/32"]);
  });
});
