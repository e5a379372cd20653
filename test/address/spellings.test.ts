// What a spelling means: a table for people, and laws for the rest.
import { isIP } from "node:net";
import { assert as check, constantFrom, integer, property, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { blockOf, cidrKey, cidrOf, cidrText, displayCidr, familyBits, parseCidr } from "../../shared/address/index.ts";
import { block, blockFor, dottedText, family, hexFor, ipv4Hex, ipv6Hex, mappedPrefix, plainText, spellingOf } from "./generators.ts";

/** Canonical text, or a part of the reason for the refusal. */
const meanings: readonly (readonly [string, { readonly is: string } | { readonly refused: string }])[] = [
  ["203.0.113.7", { is: "203.0.113.7/32" }],
  ["203.0.113.7/32", { is: "203.0.113.7/32" }],
  [" 203.0.113.7 ", { is: "203.0.113.7/32" }],
  ["203.0.113.0/24 \r\n", { is: "203.0.113.0/24" }],
  ["\t203.0.113.7", { is: "203.0.113.7/32" }],
  ["0.0.0.0", { is: "0.0.0.0/32" }],
  ["0.0.0.0/0", { is: "0.0.0.0/0" }],
  ["255.255.255.255", { is: "255.255.255.255/32" }],
  ["128.0.0.0/1", { is: "128.0.0.0/1" }],
  ["::", { is: "::/128" }],
  ["::/0", { is: "::/0" }],
  ["::1", { is: "::1/128" }],
  ["2001:DB8::1", { is: "2001:db8::1/128" }],
  ["2001:0db8:0000:0000:0000:0000:0000:0001", { is: "2001:db8::1/128" }],
  ["2001:db8:0:0:1:0:0:1", { is: "2001:db8::1:0:0:1/128" }],
  ["2001:db8:0:1:1:1:1:1", { is: "2001:db8:0:1:1:1:1:1/128" }],
  ["2001:db8::1:1:1:1:1", { is: "2001:db8:0:1:1:1:1:1/128" }],
  ["2001:db8::/32", { is: "2001:db8::/32" }],
  ["2001:db8::1/128", { is: "2001:db8::1/128" }],
  ["::ffff:203.0.113.7", { is: "203.0.113.7/32" }],
  ["::FFFF:cb00:7107", { is: "203.0.113.7/32" }],
  ["0:0:0:0:0:ffff:203.0.113.7/128", { is: "203.0.113.7/32" }],
  ["::ffff:203.0.113.0/120", { is: "203.0.113.0/24" }],
  ["::ffff:0:0/96", { is: "0.0.0.0/0" }],
  ["::203.0.113.7", { is: "::cb00:7107/128" }],
  ["64:ff9b::203.0.113.7", { is: "64:ff9b::cb00:7107/128" }],
  ["2002:cb00:7107::/48", { is: "2002:cb00:7107::/48" }],
  ["fe80::1", { is: "fe80::1/128" }],
  ["", { refused: "is empty" }],
  [" ", { refused: "is empty" }],
  ["/24", { refused: "is empty" }],
  ["203.0.113.7/24", { refused: "write 203.0.113.0/24 for the range or 203.0.113.7/32 for the one address" }],
  ["2001:db8::1/64", { refused: "write 2001:db8::/64 for the range or 2001:db8::1/128" }],
  ["203.0.113.7/", { refused: "prefix length" }],
  ["203.0.113.7/33", { refused: "from 0 to 32" }],
  ["2001:db8::/129", { refused: "from 0 to 128" }],
  ["203.0.113.0/024", { refused: "prefix length" }],
  ["203.0.113.0/-1", { refused: "prefix length" }],
  ["203.0.113.0/+24", { refused: "prefix length" }],
  ["203.0.113.0/ 24", { refused: "prefix length" }],
  ["203.0.113.0 /24", { refused: "is not an IPv4" }],
  ["203.0.113.0/24/24", { refused: "prefix length" }],
  ["203.0.113.0/1e1", { refused: "prefix length" }],
  ["203.0.113.0/0x18", { refused: "prefix length" }],
  ["203.0.113.0/\u0662\u0664", { refused: "prefix length" }],
  ["203.0.113.0/255.255.255.0", { refused: "prefix length" }],
  ["203.0.113.7:443", { refused: "has a port" }],
  ["[2001:db8::1]:443", { refused: "has brackets" }],
  ["[2001:db8::1]", { refused: "has brackets" }],
  ["fe80::1%eth0", { refused: "has a zone id" }],
  ["fe80::1%25eth0", { refused: "has a zone id" }],
  ["0203.0.113.7", { refused: "leading zeros" }],
  ["203.0.113.07", { refused: "leading zeros" }],
  ["203.0.113.007", { refused: "leading zeros" }],
  ["0xcb.0.113.7", { refused: "hexadecimal" }],
  ["0xcb007107", { refused: "hexadecimal" }],
  ["3405803783", { refused: "short forms" }],
  ["203.0.113", { refused: "short forms" }],
  ["203.113.7", { refused: "short forms" }],
  ["203.0.113.256", { refused: "from 0 to 255" }],
  ["203.0.113.7.", { refused: "from 0 to 255" }],
  [".203.0.113.7", { refused: "from 0 to 255" }],
  ["203..113.7", { refused: "from 0 to 255" }],
  ["203.0.113.7.1", { refused: "from 0 to 255" }],
  ["203\u30020\u3002113\u30027", { refused: "\\u3002" }],
  ["203.0.113.\u0667", { refused: "\\u0667" }],
  ["203.0.113.7\u0000", { refused: "\\u0000" }],
  ["\u00a0203.0.113.7", { refused: "\\u00a0" }],
  ["\u202e7.311.0.302", { refused: "\\u202e" }],
  ["::ffff:203.0.113.07", { refused: "is not an IPv4 or IPv6" }],
  ["::ffff:203.0.113", { refused: "is not an IPv4 or IPv6" }],
  ["::203.0.113.7:1", { refused: "is not an IPv4 or IPv6" }],
  ["1:2:3:4:5:6:7", { refused: "is not an IPv4 or IPv6" }],
  ["1:2:3:4:5:6:7:8:9", { refused: "is not an IPv4 or IPv6" }],
  ["1:2:3:4:5:6:7::8:9", { refused: "is not an IPv4 or IPv6" }],
  ["1::2::3", { refused: "is not an IPv4 or IPv6" }],
  [":::1", { refused: "is not an IPv4 or IPv6" }],
  [":1", { refused: "is not an IPv4 or IPv6" }],
  ["1:", { refused: "is not an IPv4 or IPv6" }],
  [":", { refused: "is not an IPv4 or IPv6" }],
  ["::10000", { refused: "is not an IPv4 or IPv6" }],
  ["::00001", { refused: "is not an IPv4 or IPv6" }],
  ["::g", { refused: "is not an IPv4 or IPv6" }],
  ["example.org", { refused: "is not an IPv4 or IPv6" }],
  ["localhost", { refused: "is not an IPv4 or IPv6" }],
  ["203.0.113.1-203.0.113.9", { refused: "is not an IPv4 or IPv6" }],
  ["203.0.113.*", { refused: "is not an IPv4 or IPv6" }],
  ["203.0.113.7, 203.0.113.8", { refused: "is not an IPv4 or IPv6" }],
];

describe("parseCidr", () => {
  it.each(meanings)("parse: %j", (text, expected) => {
    const parsed = parseCidr(text);
    if ("is" in expected) {
      expect(parsed.ok ? cidrText(parsed.value) : parsed.error.message).toBe(expected.is);
    } else {
      expect(parsed.ok ? cidrText(parsed.value) : parsed.error.message).toContain(expected.refused);
      expect(parsed.ok ? null : parsed.error.code).toBe("INVALID_INPUT");
    }
  });

  it("parse: canonical text comes back as it was", () => {
    check(
      property(block, (cidr) => {
        expect(cidrKey(cidrOf(cidrText(cidr)))).toBe(cidrKey(cidr));
        expect(cidrKey(cidrOf(displayCidr(cidr)))).toBe(cidrKey(cidr));
        expect(cidrText(cidrOf(cidrText(cidr)))).toBe(cidrText(cidr));
      }),
    );
  });

  it("parse: every spelling of an IPv6 address is the same address", () => {
    const spelled = ipv6Hex.chain((hex) => tuple(constantFrom(hex), spellingOf(hex)));
    check(
      property(spelled, ([hex, text]) => {
        const parsed = parseCidr(text);
        expect(parsed.ok && cidrKey(parsed.value), text).toBe(`6:${hex}/128`);
      }),
      { numRuns: 500 },
    );
  });

  it("parse: every spelling of an IPv4-mapped address is the IPv4 address", () => {
    const spelled = ipv4Hex.chain((hex) => tuple(constantFrom(hex), spellingOf(mappedPrefix + hex), integer({ min: 0, max: 32 })));
    check(
      property(spelled, ([hex, text, length]) => {
        expect(cidrText(cidrOf(text))).toBe(`${dottedText(hex)}/32`);
        const range = blockOf(4, hex, length);
        expect(cidrKey(cidrOf(`::ffff:${dottedText(range.first)}/${96 + length}`))).toBe(cidrKey(range));
      }),
    );
  });

  it("parse: a block with host bits is refused, and both readings it offers are accepted", () => {
    const dirty = family.chain((of) => tuple(constantFrom(of), hexFor(of), integer({ min: 0, max: familyBits(of) - 1 })));
    check(
      property(dirty, ([of, hex, length]) => {
        const parsed = parseCidr(`${plainText(of, hex)}/${length}`);
        expect(parsed.ok).toBe(blockOf(of, hex, length).first === hex);
        if (parsed.ok) return;
        const offered = /write (\S+) for the range or (\S+) for the one address/.exec(parsed.error.message);
        expect(cidrKey(cidrOf(offered?.[1] ?? ""))).toBe(cidrKey(blockOf(of, hex, length)));
        expect(cidrKey(cidrOf(offered?.[2] ?? ""))).toBe(cidrKey(blockOf(of, hex, familyBits(of))));
      }),
    );
  });

  it("parse: IPv6 text is what the URL standard prints (RFC 5952)", () => {
    check(
      property(ipv6Hex, (hex) => {
        const shown = displayCidr(blockOf(6, hex, 128));
        expect(`[${shown}]`).toBe(new URL(`http://[${plainText(6, hex)}]/`).hostname);
      }),
    );
  });

  it("parse: agrees with Node's isIP on near misses, except where it is stricter by name", () => {
    const edited = family.chain((of) =>
      tuple(
        hexFor(of).chain((hex) => (of === 4 ? constantFrom(dottedText(hex)) : spellingOf(hex))),
        integer({ min: 0, max: 60 }),
        constantFrom("", "0", "1", "f", ":", "::", ".", "%1", "g", " ", "-", "ff", "256"),
        integer({ min: 0, max: 2 }),
      ),
    );
    check(
      property(edited, ([text, at, insert, cut]) => {
        const mutant = text.slice(0, at) + insert + text.slice(at + cut);
        const accepted = parseCidr(mutant).ok;
        const stricter = mutant.includes("%");
        const trimmed = mutant.trim();
        if (accepted) expect(isIP(trimmed), mutant).not.toBe(0);
        else expect(isIP(trimmed) === 0 || stricter, mutant).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("print: a single address has no length in display, a range has", () => {
    check(
      property(family.chain(blockFor), (cidr) => {
        expect(displayCidr(cidr).includes("/")).toBe(cidr.length !== familyBits(cidr.family));
        expect(cidrText(cidr)).toMatch(/\/\d+$/);
      }),
    );
  });
});
