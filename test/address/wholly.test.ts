// Whether blocks leave no gap in a wider one, against counting every address of a small corner.
import { array, assert, constantFrom, integer, property, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { blockOf, type Cidr, cidrText, type Family, familyBits, isWholly, parseCidr } from "../../shared/address/index.ts";

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed.ok) throw new Error(`${text} is no block`);
  return parsed.value;
}

const corner = { 4: "203.0.113.0/28", 6: "2001:db8::/124" } as const;

/** A block of the corner's sixteen addresses, or one that holds the corner, or lies beside it. */
function blockIn(family: Family, extra: number, index: number): Cidr {
  const top = cidr(corner[family]);
  const length = familyBits(family) - 4 + extra;
  const step = 2n ** BigInt(familyBits(family) - length);
  const first = BigInt(`0x${top.first}`) + BigInt(index) * step;
  return blockOf(family, first.toString(16).padStart(top.first.length, "0"), length);
}

const numbers = ({ first, last }: Cidr) => [BigInt(`0x${first}`), BigInt(`0x${last}`)] as const;

describe("isWholly", () => {
  it("law: true when each address of the whole is in a part, and else false", () => {
    const block = (family: Family) => tuple(integer({ min: -1, max: 4 }), integer({ min: 0, max: 17 })).map(([extra, index]) => blockIn(family, extra, index));
    const input = constantFrom<Family>(4, 6).chain((family) =>
      tuple(
        integer({ min: 0, max: 3 }).map((extra) => blockIn(family, extra, 0)),
        array(block(family), { maxLength: 12 }),
        array(block(family === 4 ? 6 : 4), { maxLength: 2 }),
      ),
    );
    let covered = 0;
    assert(
      property(input, ([whole, parts, others]) => {
        const [first, last] = numbers(whole);
        let isHeld = true;
        for (let at = first; at <= last; at += 1n) isHeld &&= parts.map(numbers).some(([from, to]) => from <= at && at <= to);
        if (isHeld) covered += 1;
        expect(isWholly(whole, [...others, ...parts]), `${cidrText(whole)} in ${parts.map(cidrText).join(" ")}`).toBe(isHeld);
      }),
      { numRuns: 600 },
    );
    expect(covered).toBeGreaterThan(20);
  });

  it.each([
    ["203.0.113.0/24", ["203.0.113.0/25", "203.0.113.128/25"], true],
    ["203.0.113.0/24", ["203.0.113.128/25", "203.0.113.0/25"], true],
    ["203.0.113.0/24", ["203.0.113.0/25", "203.0.113.128/26"], false],
    ["203.0.113.0/24", ["203.0.113.128/25"], false],
    ["203.0.113.0/24", ["203.0.113.0/25", "203.0.113.0/26", "203.0.113.128/25"], true],
    ["203.0.113.7/32", ["203.0.113.7/32"], true],
    ["203.0.113.7/32", ["203.0.0.0/16"], true],
    ["255.255.255.254/31", ["255.255.255.254/32", "255.255.255.255/32"], true],
    ["0.0.0.0/0", ["0.0.0.0/1", "128.0.0.0/1"], true],
    ["203.0.113.7/32", ["2001:db8::/32"], false],
    ["203.0.113.7/32", ["::/64"], false],
    ["::cb00:7107/128", ["203.0.113.7/32"], false],
    ["203.0.113.7/32", [], false],
  ])("isWholly: %s in %j: %s", (whole, parts, is) => {
    expect(isWholly(cidr(whole), parts.map(cidr))).toBe(is);
  });

  it("isWholly: leaves the list as it was", () => {
    const parts = ["203.0.113.128/25", "203.0.113.0/25"].map(cidr);
    isWholly(cidr("203.0.113.0/24"), parts);
    expect(parts.map(cidrText)).toEqual(["203.0.113.128/25", "203.0.113.0/25"]);
  });
});
