// CidrSet and CidrIndex against the plain scan that they replace.
import { array, assert as check, constantFrom, oneof, property, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { type Cidr, CidrIndex, CidrSet, cidrKey, compareCidrs, contains, overlaps, sameCidr } from "../../shared/address/index.ts";
import { block, blockFor, crowdedBlock, family } from "./generators.ts";

const anyBlock = oneof(family.chain(crowdedBlock), block);
const nested = tuple(array(oneof(crowdedBlock(4), crowdedBlock(6), block), { maxLength: 40 }), anyBlock);

interface Item {
  readonly cidr: Cidr;
  readonly label: string;
}

function labelled(blocks: readonly Cidr[]): readonly Item[] {
  return blocks.map((cidr, at) => ({ cidr, label: `${at}` }));
}

function labels(items: readonly Item[]): readonly string[] {
  return items.map((item) => item.label).toSorted();
}

describe("CidrSet", () => {
  it("overlapping: finds one exactly when a scan does", () => {
    check(
      property(nested, ([blocks, asked]) => {
        const items = labelled(blocks);
        const set = new CidrSet(items);
        const found = set.overlapping(asked);
        expect(set.size).toBe(items.length);
        expect(found !== null).toBe(items.some((item) => overlaps(item.cidr, asked)));
        if (found !== null) expect(overlaps(found.cidr, asked)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it("overlapping: finds every member by its own ends", () => {
    check(
      property(array(anyBlock, { minLength: 1, maxLength: 40 }), (blocks) => {
        const set = new CidrSet(labelled(blocks));
        for (const cidr of blocks) expect(set.overlapping(cidr)).not.toBeNull();
      }),
    );
  });
});

describe("CidrIndex", () => {
  it("exactly, holding, inside, overlapping: what a scan finds, in the promised order", () => {
    check(
      property(nested, ([blocks, asked]) => {
        const items = labelled([...blocks, ...blocks.slice(0, 3)]);
        const index = new CidrIndex(items, (item) => item.cidr);
        const scan = (keep: (cidr: Cidr) => boolean) => labels(items.filter((item) => keep(item.cidr)));
        expect(labels(index.exactly(asked))).toEqual(scan((cidr) => sameCidr(cidr, asked)));
        expect(labels(index.holding(asked))).toEqual(scan((cidr) => contains(cidr, asked)));
        expect(labels(index.inside(asked))).toEqual(scan((cidr) => contains(asked, cidr) && !sameCidr(cidr, asked)));
        expect(labels(index.overlapping(asked))).toEqual(scan((cidr) => overlaps(cidr, asked)));
        const lengths = index.holding(asked).map((item) => item.cidr.length);
        expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
        const inner = index.inside(asked).map((item) => item.cidr);
        expect(inner.map(cidrKey)).toEqual(inner.toSorted(compareCidrs).map(cidrKey));
      }),
      { numRuns: 1_000 },
    );
  });

  it("exactly: values of one block keep their order", () => {
    check(
      property(family.chain(blockFor), constantFrom(2, 3, 5), (cidr, count) => {
        const items = labelled(Array.from({ length: count }, () => cidr));
        expect(new CidrIndex(items, (item) => item.cidr).exactly(cidr)).toEqual(items);
      }),
    );
  });

  it("overlapping: an empty index finds nothing", () => {
    const index = new CidrIndex<Item>([], (item) => item.cidr);
    check(
      property(anyBlock, (cidr) => {
        expect(index.overlapping(cidr)).toEqual([]);
      }),
    );
  });
});
