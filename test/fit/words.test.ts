// Blocks as words: sorted as the addresses compare, over the whole of both address spaces, and their common bits counted.
import { type Arbitrary, array, assert as check, constantFrom, integer, oneof, property, tuple } from "fast-check";
import { expect, it } from "vitest";
import { blockOf, type Cidr, compareCidrs, type Family, familyBits } from "../../shared/address/index.ts";
import { commonBits, sortBlocks } from "../../shared/fit/words.ts";

/** Mostly bytes at the ends, so that blocks meet and differ late. */
const byte = oneof({ weight: 3, arbitrary: constantFrom(0, 1, 254, 255) }, { weight: 1, arbitrary: integer({ min: 0, max: 255 }) });

function anywhere(family: Family): Arbitrary<Cidr> {
  const bits = familyBits(family);
  const bytes = array(byte, { minLength: bits / 8, maxLength: bits / 8 });
  const length = oneof(constantFrom(0, bits), integer({ min: 0, max: bits }));
  return tuple(bytes, length).map(([all, long]) => blockOf(family, all.map((one) => one.toString(16).padStart(2, "0")).join(""), long));
}

const family = constantFrom<Family>(4, 6);
const blocks = array(family.chain(anywhere), { maxLength: 40 });

function bitsOf({ first }: Cidr): string {
  return [...first].map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, "0")).join("");
}

it("order: that of the addresses, a wider block before what is inside it, equal ones as they came", () => {
  check(
    property(blocks, family, (cidrs, own) => {
      const places = cidrs.flatMap((cidr, place) => (cidr.family === own ? [place] : []));
      const inOrder = places.toSorted((a, b) => compareCidrs(cidrs[a] as Cidr, cidrs[b] as Cidr));
      const items = cidrs.map((cidr) => ({ cidr }));
      expect([...sortBlocks(items, own).order]).toEqual(inOrder);
    }),
  );
});

it("common bits: as many as the first addresses share, and never more than an address has", () => {
  check(
    property(blocks, family, (cidrs, own) => {
      const sorted = sortBlocks(
        cidrs.map((cidr) => ({ cidr })),
        own,
      );
      const bits = familyBits(own);
      for (const a of sorted.order) {
        for (const b of sorted.order) {
          const [one, other] = [bitsOf(cidrs[a] as Cidr), bitsOf(cidrs[b] as Cidr)];
          const different = [...one].findIndex((bit, at) => bit !== other[at]);
          expect(commonBits(sorted, a, b)).toBe(different === -1 ? bits : different);
        }
      }
    }),
  );
});
