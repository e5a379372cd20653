// The simulated clouds against what they promise to the world around them: their judges agree with the production providers in calm
// weather, and are not fooled where those would be.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { awsCloud, azureCloud, type CloudOptions, cloudflareCloud } from "./clouds/index.ts";
import { bring, enforced, seen, smallWorld } from "./clouds-kit.ts";
import type { CloudUnderTest } from "./contract.ts";

type Make = (options: CloudOptions) => CloudUnderTest;

const kinds = {
  "aws-nacl": (options) => awsCloud({ ...options, foreign: 8 }),
  "aws-nacl, both ways": (options) => awsCloud({ ...options, direction: "both", foreign: 8 }),
  "azure-nsg": (options) => azureCloud(options),
  "azure-nsg, little room": (options) => azureCloud({ ...options, room: 12 }),
  "cloudflare-list": (options) => cloudflareCloud(options),
  "cloudflare-list, two zones": (options) => cloudflareCloud({ ...options, zones: 2, room: 12 }),
} as const satisfies Record<string, Make>;

/** Of both families, none inside another, and none that a person of ours uses. */
const blocks = ["203.0.113.7/32", "198.51.100.0/25", "198.51.100.200/32", "100.64.9.0/24", "2001:db8:1::/64", "2001:db8:2::/48", "2001:db8:3:4::/64"];

describe.each(Object.entries<Make>(kinds))("%s, in calm weather", (_, make) => {
  test("standing: is what the provider observes, whatever it writes, and nothing else changes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.subarray(blocks), { minLength: 1, maxLength: 4 }), async (wishes) => {
        const world = smallWorld(make);
        const provider = world.provider();
        const foreign = world.cloud.foreign();
        for (const wish of wishes) {
          const observation = await bring(world, provider, wish);
          expect(world.cloud.standing()).toEqual([...wish].sort());
          expect(world.cloud.placed()).toEqual(world.cloud.standing());
          expect(enforced(observation)).toEqual(world.cloud.standing());
        }
        expect(world.cloud.foreign()).toBe(foreign);
        expect(world.changes.filter(({ by, overran }) => by !== "function" || overran.length > 0)).toEqual([]);
        expect(world.changes.at(-1)?.standing ?? []).toEqual(world.cloud.standing());
      }),
      { numRuns: 12 },
    );
  });

  test("room: is what the provider finds", async () => {
    const world = smallWorld(make);
    const observation = await seen(world, world.provider());
    const { ipv4, ipv6, total } = world.cloud.room();
    const least = (family: 4 | 6) => Math.min(...observation.pools.filter((pool) => pool.families.includes(family)).map((pool) => pool.limit));
    expect([least(4), least(6)]).toEqual([Math.min(ipv4, total), Math.min(ipv6, total)]);
  });
});

/** What a person can do to ours without taking it away, and whether it still denies all of an attacker's traffic. */
describe("the judge", () => {
  const attacker = "203.0.113.7/32";

  test.each<[string, boolean, (cloud: ReturnType<typeof awsCloud>) => void]>([
    ["an allow of everybody behind it", true, ({ acl }) => acl.create({ number: 41, cidr: "0.0.0.0/0", action: "allow" })],
    [
      "an allow of one port before it",
      false,
      ({ acl }) => acl.create({ number: 1, cidr: "203.0.113.0/24", protocol: "6", ports: { from: 22, to: 22 }, action: "allow" }),
    ],
    ["an allow of others before it", true, ({ acl }) => acl.create({ number: 1, cidr: "203.0.114.0/24", action: "allow" })],
    ["an allow of the other family before it", true, ({ acl }) => acl.create({ number: 1, cidr: "::/0", action: "allow" })],
    ["an allow before it, outward", true, ({ acl }) => acl.create({ number: 1, egress: true, cidr: "0.0.0.0/0", action: "allow" })],
    ["made an allow", false, ({ acl }) => acl.replace({ number: 2, cidr: attacker, action: "allow" })],
    ["made a deny of one port", false, ({ acl }) => acl.replace({ number: 2, cidr: attacker, protocol: "6", ports: { from: 22, to: 22 } })],
    ["the ACL off its subnets", false, ({ acl }) => acl.associate([])],
  ])("aws-nacl: %s: stands %s", (_, stands, act) => {
    const { cloud } = smallWorld((options) => awsCloud(options));
    cloud.acl.create({ number: 2, cidr: attacker });
    expect(cloud.standing()).toEqual([attacker]);
    act(cloud);
    expect(cloud.standing()).toEqual(stands ? [attacker] : []);
  });

  test("aws-nacl, both ways: half of it denies nothing for sure", () => {
    const { cloud } = smallWorld((options) => awsCloud({ ...options, direction: "both" }));
    cloud.acl.create({ number: 2, cidr: attacker });
    expect([cloud.standing(), cloud.placed()]).toEqual([[], [attacker]]);
    cloud.acl.create({ number: 3, egress: true, cidr: attacker });
    expect(cloud.standing()).toEqual([attacker]);
  });

  const rule = "portcullis-deny";
  test.each<[string, boolean, (cloud: ReturnType<typeof azureCloud>) => void]>([
    ["made an allow", false, ({ nsg }) => nsg.edit(rule, { access: "Allow" })],
    ["made a rule for one port", false, ({ nsg }) => nsg.edit(rule, { destinationPortRange: "22" })],
    ["made a rule for TCP", false, ({ nsg }) => nsg.edit(rule, { protocol: "Tcp" })],
    ["made outbound", false, ({ nsg }) => nsg.edit(rule, { direction: "Outbound", priority: 120 })],
    ["moved behind what allows one port from everywhere", false, ({ nsg }) => nsg.edit(rule, { priority: 4_000 })],
    ["moved, with nothing in between", true, ({ nsg }) => nsg.edit(rule, { priority: 120 })],
    ["another description", true, ({ nsg }) => nsg.edit(rule, { description: "mine" })],
    ["an allow of everybody before it", false, ({ nsg }) => nsg.put({ name: "first", priority: 100 })],
    ["an allow of others before it", true, ({ nsg }) => nsg.put({ name: "first", priority: 100, sourceAddressPrefix: "203.0.114.0/24" })],
    ["a deny before it", true, ({ nsg }) => nsg.put({ name: "first", priority: 100, access: "Deny" })],
    ["off its subnets", false, ({ nsg }) => nsg.associate([])],
    ["off its subnets, on an interface", true, ({ nsg }) => nsg.associate([], ["nic"])],
  ])("azure-nsg: %s: stands %s", (_, stands, act) => {
    const { cloud } = smallWorld((options) => azureCloud(options));
    cloud.nsg.put({ name: rule, priority: 110, access: "Deny", sourceAddressPrefixes: [attacker] });
    cloud.looked();
    expect(cloud.standing()).toEqual([attacker]);
    act(cloud);
    cloud.looked();
    expect(cloud.standing()).toEqual(stands ? [attacker] : []);
  });

  type Cloudflare = ReturnType<typeof cloudflareCloud>;
  const addRule = ({ zones: [, zone] }: Cloudflare, body: unknown) => zone?.addRule(zone.ruleset?.id ?? "", body);
  const editOurRule = ({ zones: [, zone] }: Cloudflare, body: unknown) => {
    const ours = zone?.ruleset?.rules.find(({ ref }) => ref === "portcullis_portcullis");
    zone?.editRule(zone.ruleset?.id ?? "", ours?.id ?? "", body);
  };
  test.each<[string, boolean, (cloud: Cloudflare) => void]>([
    ["the rule disabled", false, (cloud) => editOurRule(cloud, { enabled: false })],
    ["the rule only logs", false, (cloud) => editOurRule(cloud, { action: "log" })],
    ["the rule for one path", false, (cloud) => editOurRule(cloud, { expression: '(ip.src in $portcullis) and http.request.uri.path eq "/"' })],
    ["the rule behind one that logs", true, (cloud) => editOurRule(cloud, { position: { index: 2 } })],
    ["the rule under another description", true, (cloud) => editOurRule(cloud, { description: "mine" })],
    ["a rule that skips before it", false, (cloud) => addRule(cloud, { action: "skip", expression: "true", position: { index: 1 } })],
    ["a rule that blocks before it", true, (cloud) => addRule(cloud, { action: "block", expression: "false", position: { index: 1 } })],
    ["the item without our mark", false, (cloud) => cloud.account.edit(cloud.account.list("portcullis"), [{ ip: "203.0.113.7" }])],
  ])("cloudflare-list: %s: stands %s", (_, stands, act) => {
    const { cloud } = smallWorld((options) => cloudflareCloud({ ...options, zones: 2 }));
    cloud.account.edit(cloud.account.list("portcullis"), [{ ip: "203.0.113.7", comment: "portcullis:store" }]);
    cloud.looked();
    expect(cloud.standing()).toEqual([attacker]);
    act(cloud);
    cloud.looked();
    expect(cloud.standing()).toEqual(stands ? [attacker] : []);
  });
});
