// The algebra of blocks: laws, and Node's BlockList as a second opinion.
import { BlockList } from "node:net";
import { array, assert as check, constantFrom, integer, property, string, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import {
  blockOf,
  type Cidr,
  cidrFromKey,
  cidrKey,
  compareCidrs,
  contains,
  type Family,
  familyBits,
  isHost,
  overlaps,
  sameCidr,
  widenTo,
} from "../../shared/address/index.ts";
import { block, crowdedBlock, family, hexFor, isMappedBlock, mappedPrefix, plainText } from "./generators.ts";

const crowded = family.chain(crowdedBlock);
const pair = tuple(crowded, crowded);

function number(hex: string): bigint {
  return BigInt(`0x${hex}`);
}

/** The address `delta` away; null past either end of the family. */
function neighbour(of: Family, hex: string, delta: bigint): string | null {
  const value = number(hex) + delta;
  const width = familyBits(of) / 4;
  return value < 0n || value >> BigInt(familyBits(of)) !== 0n ? null : value.toString(16).padStart(width, "0");
}

function host(of: Family, hex: string): Cidr {
  return blockOf(of, hex, familyBits(of));
}

describe("blockOf", () => {
  it("blockOf: first and last are the ends of the block, by arithmetic", () => {
    const asked = family.chain((of) => tuple(constantFrom(of), hexFor(of), integer({ min: 0, max: familyBits(of) })));
    check(
      property(asked, ([of, hex, length]) => {
        const cidr = blockOf(of, hex, length);
        const size = 1n << BigInt(familyBits(of) - length);
        expect(number(cidr.first)).toBe((number(hex) / size) * size);
        expect(number(cidr.last)).toBe(number(cidr.first) + size - 1n);
        expect(cidr.first).toHaveLength(familyBits(of) / 4);
        expect(cidr.last).toHaveLength(familyBits(of) / 4);
        expect(isHost(cidr)).toBe(size === 1n);
        expect(sameCidr(blockOf(of, cidr.last, length), cidr)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe("cidrKey", () => {
  it("cidrKey: comes back, and differs for different blocks", () => {
    check(
      property(tuple(block, block), ([a, b]) => {
        expect(cidrFromKey(cidrKey(a))).toEqual(a);
        expect(cidrKey(a) === cidrKey(b)).toBe(sameCidr(a, b));
      }),
    );
  });

  it("cidrKey: sorts as addresses do within a family", () => {
    check(
      property(
        family.chain((of) => tuple(crowdedBlock(of), crowdedBlock(of))),
        ([a, b]) => {
          if (a.first === b.first) return;
          expect(cidrKey(a) < cidrKey(b)).toBe(compareCidrs(a, b) < 0);
        },
      ),
    );
  });

  it("cidrFromKey: anything else is null", () => {
    const bad = [
      "",
      "4:cb007107",
      "4:cb007107/33",
      "4:cb007107/36",
      "4:cb007107/128",
      "4:cb007107/24",
      "4:CB007107/32",
      "4:cb00710/32",
      "4:cb0071070/32",
      "4:cb007107/032",
      "4:cb007107/32 ",
      "4:cb007107/32\n",
      " 4:cb007107/32",
      "6:cb007107/32",
      "5:cb007107/32",
      `4:${"0".repeat(32)}/0`,
      `6:${"0".repeat(32)}/129`,
      `6:${"0".repeat(32)}/132`,
      `6:${"0".repeat(31)}1/127`,
    ];
    for (const key of bad) expect(cidrFromKey(key), key).toBeNull();
    check(
      property(string({ unit: constantFrom("4", "6", ":", "/", "0", "f", "3", "2"), maxLength: 40 }), (key) => {
        const cidr = cidrFromKey(key);
        if (cidr !== null) expect(cidrKey(cidr)).toBe(key);
      }),
    );
  });
});

describe("compareCidrs", () => {
  it("compare: is a total order that agrees with sameCidr", () => {
    check(
      property(tuple(crowded, crowded, crowded), ([a, b, c]) => {
        expect(Math.sign(compareCidrs(a, b)) + Math.sign(compareCidrs(b, a))).toBe(0);
        expect(compareCidrs(a, b) === 0).toBe(sameCidr(a, b));
        if (compareCidrs(a, b) <= 0 && compareCidrs(b, c) <= 0) expect(compareCidrs(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it("compare: sorting puts IPv4 first, each block before what is inside it, whatever the order was", () => {
    check(
      property(array(crowded, { maxLength: 30 }), (blocks) => {
        const sorted = blocks.toSorted(compareCidrs);
        expect(blocks.toReversed().toSorted(compareCidrs).map(cidrKey)).toEqual(sorted.map(cidrKey));
        sorted.forEach((outer, at) => {
          for (const later of sorted.slice(at + 1)) {
            expect(outer.family).toBeLessThanOrEqual(later.family);
            expect(contains(later, outer) && !sameCidr(later, outer)).toBe(false);
          }
        });
      }),
    );
  });
});

describe("contains and overlaps", () => {
  it("overlap: blocks are nested or apart, never partly", () => {
    check(
      property(pair, ([a, b]) => {
        expect(overlaps(a, b)).toBe(contains(a, b) || contains(b, a));
        expect(overlaps(a, b)).toBe(overlaps(b, a));
        expect(contains(a, b) && contains(b, a)).toBe(sameCidr(a, b));
      }),
      { numRuns: 500 },
    );
  });

  it("contain: is reflexive and transitive, and never crosses families", () => {
    check(
      property(tuple(crowded, crowded, crowded), ([a, b, c]) => {
        expect(contains(a, a)).toBe(true);
        if (contains(a, b) && contains(b, c)) expect(contains(a, c)).toBe(true);
        if (a.family !== b.family) expect(overlaps(a, b)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it("contain: agrees with Node's BlockList at the edges of random blocks", () => {
    const asked = block.chain((cidr) => tuple(constantFrom(cidr), hexFor(cidr.family)));
    check(
      property(asked, ([cidr, random]) => {
        // BlockList looks inside IPv4-mapped addresses, which are never IPv6 blocks here.
        const list = new BlockList();
        const name = cidr.family === 4 ? "ipv4" : "ipv6";
        list.addSubnet(plainText(cidr.family, cidr.first), cidr.length, name);
        const hexes = [random, cidr.first, cidr.last, neighbour(cidr.family, cidr.first, -1n), neighbour(cidr.family, cidr.last, 1n)];
        for (const hex of hexes) {
          if (hex === null || hex.startsWith(mappedPrefix)) continue;
          const one = host(cidr.family, hex);
          expect(contains(cidr, one), plainText(cidr.family, hex)).toBe(list.check(plainText(cidr.family, hex), name));
          expect(overlaps(cidr, one)).toBe(contains(cidr, one));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("overlap: agrees with BlockList on pairs of blocks", () => {
    check(
      property(
        family.chain((of) => tuple(crowdedBlock(of), crowdedBlock(of))),
        ([a, b]) => {
          const name = a.family === 4 ? "ipv4" : "ipv6";
          const holds = (outer: Cidr, hex: string) => {
            const list = new BlockList();
            list.addSubnet(plainText(outer.family, outer.first), outer.length, name);
            return list.check(plainText(outer.family, hex), name);
          };
          expect(overlaps(a, b)).toBe(holds(a, b.first) || holds(b, a.first));
        },
      ),
    );
  });
});

describe("widenTo", () => {
  it("widen: holds the block, has the length asked for or its own, and is idempotent and monotone", () => {
    const asked = tuple(block, integer({ min: 0, max: 128 }), integer({ min: 0, max: 128 }));
    check(
      property(asked, ([cidr, one, two]) => {
        const [shorter, longer] = one < two ? [one, two] : [two, one];
        const wide = widenTo(cidr, longer);
        expect(contains(wide, cidr)).toBe(true);
        expect(wide.length).toBe(Math.min(cidr.length, longer));
        expect(sameCidr(widenTo(wide, longer), wide)).toBe(true);
        expect(contains(widenTo(cidr, shorter), wide)).toBe(true);
        expect(sameCidr(widenTo(wide, shorter), widenTo(cidr, shorter))).toBe(true);
        if (longer >= cidr.length) expect(wide).toBe(cidr);
      }),
    );
  });

  it("widen: hosts of one block meet in it", () => {
    check(
      property(block, (cidr) => {
        if (isMappedBlock(cidr)) return;
        expect(sameCidr(widenTo(host(cidr.family, cidr.first), cidr.length), cidr)).toBe(true);
        expect(sameCidr(widenTo(host(cidr.family, cidr.last), cidr.length), cidr)).toBe(true);
      }),
    );
  });
});
