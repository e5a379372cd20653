// The protect list: what it refuses, in both directions, and how old its data may be.
import { readFileSync } from "node:fs";
import { assert as check, constantFrom, integer, property, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { blockOf, cidrOf, cidrText, compareCidrs, familyBits, overlaps, sameCidr, widenTo } from "../../shared/address/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";
import { createProtection, presetAges, presetNames, presets, presetsNamed } from "../../shared/protect/index.ts";
import { block, dottedText, ipv4Hex } from "../address/generators.ts";

const all = createProtection({ ranges: [], presets: ["all"] });
const withoutDocumentation = createProtection({ ranges: [], presets: presetNames.filter((name) => name !== "documentation") });

/** Address or block, and the preset that must refuse it. */
const protectedAddresses: readonly (readonly [string, string])[] = [
  ["0.0.0.0", "iana-special-purpose"],
  ["0.1.2.3", "iana-special-purpose"],
  ["10.0.0.0/8", "iana-special-purpose"],
  ["10.1.2.3", "iana-special-purpose: RFC 1918 private use"],
  ["8.0.0.0/6", "8.8.4.4/32 preset public-resolvers"],
  ["100.64.0.1", "iana-special-purpose"],
  ["127.0.0.1", "iana-special-purpose"],
  ["172.31.255.255", "iana-special-purpose"],
  ["192.0.0.170", "iana-special-purpose"],
  ["192.31.196.1", "iana-special-purpose"],
  ["192.52.193.1", "iana-special-purpose"],
  ["192.88.99.2", "iana-special-purpose"],
  ["192.168.1.1", "iana-special-purpose"],
  ["192.175.48.1", "iana-special-purpose"],
  ["198.19.255.255", "iana-special-purpose"],
  ["224.0.0.1", "iana-special-purpose"],
  ["239.255.255.255", "iana-special-purpose"],
  ["240.0.0.1", "iana-special-purpose"],
  ["255.255.255.255", "iana-special-purpose"],
  ["::", "iana-special-purpose"],
  ["::1", "iana-special-purpose"],
  ["::203.0.113.7", "iana-special-purpose"],
  ["::ffff:10.0.0.1", "iana-special-purpose: RFC 1918 private use"],
  ["::ffff:0:203.0.113.7", "iana-special-purpose"],
  ["::fffe:0:0/95", "iana-special-purpose"],
  ["::/80", "iana-special-purpose"],
  ["64:ff9b::8.9.10.11", "iana-special-purpose"],
  ["64:ff9b:1::/64", "iana-special-purpose"],
  ["64::/16", "iana-special-purpose"],
  ["100::1", "iana-special-purpose"],
  ["100:0:0:1::/64", "iana-special-purpose"],
  ["2001::1", "iana-special-purpose"],
  ["2001:1::1", "iana-special-purpose"],
  ["2001:2::/48", "iana-special-purpose"],
  ["2001:20::1", "iana-special-purpose"],
  ["2001:30::1", "iana-special-purpose"],
  ["2002:808:808::/48", "iana-special-purpose"],
  ["2620:4f:8000::1", "iana-special-purpose"],
  ["5f00::1", "iana-special-purpose"],
  ["fc00::1", "iana-special-purpose"],
  ["fe80::1", "iana-special-purpose"],
  ["fec0::1", "iana-special-purpose"],
  ["ff02::1", "iana-special-purpose"],
  ["192.0.2.1", "documentation"],
  ["198.51.100.0/25", "documentation"],
  ["203.0.113.7", "documentation"],
  ["2001:db8::/64", "documentation"],
  ["3fff::1", "documentation"],
  ["169.254.169.254", "169.254.0.0/16"],
  ["168.63.129.16", "cloud-services"],
  ["168.63.0.0/16", "cloud-services"],
  ["fd00:ec2::254", "cloud-services"],
  ["fd20:ce::254", "cloud-services"],
  ["100.100.100.200", "cloud-services"],
  ["35.191.1.2", "cloud-services"],
  ["130.211.3.255", "cloud-services"],
  ["54.228.16.1", "cloud-services"],
  ["8.8.8.8", "public-resolvers"],
  ["1.1.1.0/24", "public-resolvers"],
  ["9.9.9.9", "public-resolvers"],
  ["208.67.222.222", "public-resolvers"],
  ["2001:4860:4860::/64", "public-resolvers"],
  ["2606:4700:4700::1111", "public-resolvers"],
  ["2620:fe::/64", "public-resolvers"],
  ["104.16.0.1", "cloudflare"],
  ["2606:4700::/64", "cloudflare"],
  ["66.249.66.1", "googlebot"],
  ["2001:4860:4801:10::1", "googlebot"],
  ["157.55.39.1", "bingbot"],
  ["40.77.179.255", "bingbot"],
];

const openAddresses = ["8.8.8.9", "1.1.1.4", "9.9.9.12", "5.6.7.8", "11.0.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.255", "66.249.80.1"];
const openBlocks = ["2001:200::/64", "2600::1", "2a00:1450::/64", "2003::/64", "2620:4f:8001::/64", "3fff:1000::/64", "2400:cb01::/64"];

describe("createProtection", () => {
  it.each(protectedAddresses)("refuse: %s is in %s", (text, source) => {
    const found = all.find(cidrOf(text));
    expect(`${found?.range} ${found?.source}`).toContain(source);
  });

  it.each([...openAddresses, ...openBlocks])("allow: %s", (text) => {
    expect(all.find(cidrOf(text))).toBeNull();
  });

  it("refuse: the answer is always a range that shares an address with the block, and the narrowest one around it", () => {
    const members = presets.flatMap((preset) => preset.groups.flatMap((group) => group.cidrs.split(" ").map(cidrOf)));
    const near = tuple(constantFrom(...members), integer({ min: 0, max: 128 })).map(([cidr, length]) => widenTo(cidr, length));
    check(
      property(near, (cidr) => {
        const found = all.find(cidr);
        expect(found).not.toBeNull();
        const range = cidrOf(found?.range ?? "");
        expect(overlaps(range, cidr)).toBe(true);
        const holders = members.filter((member) => overlaps(member, cidr) && member.length <= cidr.length);
        if (holders.length > 0) expect(range.length).toBe(Math.max(...holders.map((member) => member.length)));
      }),
      { numRuns: 500 },
    );
  });

  it("refuse: exactly what a scan of the ranges refuses", () => {
    const members = presets.flatMap((preset) => preset.groups.flatMap((group) => group.cidrs.split(" ").map(cidrOf)));
    check(
      property(block, (cidr) => {
        expect(all.find(cidr) !== null).toBe(members.some((member) => overlaps(member, cidr)));
      }),
      { numRuns: 1_000 },
    );
  });

  it("refuse: any IPv4 host inside 6to4, NAT64 or IPv4-compatible IPv6, however it is widened", () => {
    check(
      property(ipv4Hex, integer({ min: 0, max: 128 }), (hex, length) => {
        const embedded = [`2002:${hex.slice(0, 4)}:${hex.slice(4)}::1`, `64:ff9b::${dottedText(hex)}`, `64:ff9b:1::${dottedText(hex)}`, `::${dottedText(hex)}`];
        for (const text of embedded) expect(all.find(widenTo(cidrOf(text), length)), text).not.toBeNull();
        // Blocks around the IPv4-mapped range that no spelling turns into IPv4.
        if (length < 96) expect(all.find(blockOf(6, `00000000000000000000ffff${hex}`, length))).not.toBeNull();
      }),
    );
  });

  it("refuse: the operator's ranges and extra ones, in both directions, under their own names", () => {
    const extra = [{ cidr: cidrOf("5.6.7.8"), source: "the caller's own address" }];
    const own = createProtection({ ranges: ["5.6.0.0/16", "2a00:1450::/32"], presets: [] }, extra);
    expect(own.find(cidrOf("5.6.7.8"))).toEqual({ range: "5.6.7.8/32", source: "the caller's own address" });
    expect(own.find(cidrOf("5.6.7.9"))).toEqual({ range: "5.6.0.0/16", source: "protect.ranges of the operator" });
    expect(own.find(cidrOf("5.0.0.0/8"))?.source).toBe("protect.ranges of the operator");
    expect(own.find(cidrOf("2a00:1450:4001::/64"))?.range).toBe("2a00:1450::/32");
    expect(own.find(cidrOf("10.0.0.1"))).toBeNull();
    expect(own.size).toBe(3);
  });

  it("refuse: the operator's own range is named before a preset's equal one", () => {
    const own = createProtection({ ranges: ["10.0.0.0/8"], presets: ["all"] });
    expect(own.find(cidrOf("10.1.1.1"))?.source).toBe("protect.ranges of the operator");
  });

  it("refuse: an unknown preset or a malformed range is an error, never silence", () => {
    expect(() => createProtection({ ranges: [], presets: ["iana"] })).toThrow(/names iana; known are all, iana-special-purpose/);
    expect(() => createProtection({ ranges: [], presets: ["__proto__"] })).toThrow(PortcullisError);
    expect(() => presetsNamed(["all", "iana"])).toThrow(expect.objectContaining({ code: "CONFIG_INVALID", context: { field: "protect.presets" } }) as Error);
    expect(() => createProtection({ ranges: ["10.0.0.1/8"], presets: [] })).toThrow(/host bits/);
  });

  it("allow: documentation addresses once their preset is left out, and nothing else", () => {
    for (const text of ["192.0.2.1", "198.51.100.7", "203.0.113.7", "2001:db8::1", "3fff::1"]) expect(withoutDocumentation.find(cidrOf(text)), text).toBeNull();
    expect(withoutDocumentation.find(cidrOf("10.0.0.1"))).not.toBeNull();
    expect(withoutDocumentation.find(cidrOf("2001:d00::/24"))).toBeNull();
  });
});

describe("presets", () => {
  it("read: every range is canonical, and stands once within its preset", () => {
    for (const preset of presets) {
      const texts = preset.groups.flatMap((group) => group.cidrs.split(" "));
      for (const text of texts) expect(cidrText(cidrOf(text)), preset.name).toBe(text);
      const sorted = texts.map(cidrOf).toSorted(compareCidrs);
      sorted.forEach((cidr, at) => {
        const next = sorted[at + 1];
        if (next !== undefined) expect(sameCidr(cidr, next), `${preset.name} ${cidrText(cidr)}`).toBe(false);
      });
    }
  });

  it("read: no preset holds a whole family or IPv4 wider than /4", () => {
    for (const preset of presets) {
      for (const cidr of preset.groups.flatMap((group) => group.cidrs.split(" ")).map(cidrOf)) expect(cidr.length, cidrText(cidr)).toBeGreaterThanOrEqual(4);
    }
  });

  it("read: each has a kebab-case name, an origin, and the date of its data", () => {
    expect(new Set(presetNames).size).toBe(presetNames.length);
    for (const preset of presets) {
      expect(preset.name).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(preset.origin.length).toBeGreaterThan(10);
      expect(preset.checked).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      expect(Number.isNaN(Date.parse(preset.checked))).toBe(false);
    }
  });

  it("read: Googlebot's joined blocks are apart and hold exactly the addresses of the published list", () => {
    const cidrs = (presetsNamed(["googlebot"])[0]?.groups ?? []).flatMap((group) => group.cidrs.split(" ")).map(cidrOf);
    const size = (of: 4 | 6) => cidrs.filter((cidr) => cidr.family === of).reduce((sum, cidr) => sum + (1n << BigInt(familyBits(of) - cidr.length)), 0n);
    expect(size(4)).toBe(5_056n);
    expect(size(6)).toBe(146n << 64n);
    for (const cidr of cidrs) expect(cidrs.filter((other) => overlaps(other, cidr))).toEqual([cidr]);
  });

  it("read: the README has every preset with its date and evidence", () => {
    const readme = readFileSync(new URL("../../shared/protect/README.md", import.meta.url), "utf8");
    for (const { name, checked, evidence } of presets) expect(readme).toContain(`| \`${name}\` | ${checked} | ${evidence} |`);
  });

  it("select: all means all, a name means one, nothing means none", () => {
    expect(presetsNamed(["all"])).toEqual(presets);
    expect(presetsNamed(["cloudflare", "all"])).toEqual(presets);
    expect(presetsNamed(["cloudflare"]).map((preset) => preset.name)).toEqual(["cloudflare"]);
    expect(presetsNamed([])).toEqual([]);
  });

  it("age: stale only after the limit, and only for the named presets", () => {
    const checkedMs = Date.parse(presetsNamed(["googlebot"])[0]?.checked ?? "");
    const ageAt = (ageMs: number) => presetAges(checkedMs + ageMs, ["googlebot"]);
    expect(ageAt(0)).toEqual([{ name: "googlebot", checked: new Date(checkedMs).toISOString().slice(0, 10), evidence: "listing", ageMs: 0, stale: false }]);
    expect([ageAt(limits.presetAgeMs), ageAt(limits.presetAgeMs + 1)].map((ages) => ages.map((age) => age.stale))).toEqual([[false], [true]]);
    expect(presetAges(checkedMs, ["all"]).map((age) => age.name)).toEqual(presetNames);
  });
});
