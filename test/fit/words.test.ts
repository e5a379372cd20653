// Blocks as words: sorted as the addresses compare, over the whole of both address spaces, and their common bits counted.
import { array, assert as check, constantFrom, property } from "fast-check";
import { expect, it } from "vitest";
import { type Cidr, compareCidrs, type Family, familyBits } from "../../shared/address/index.ts";
import { commonBits, sortBlocks } from "../../shared/fit/words.ts";
import { anywhere } from "./support.ts";

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
