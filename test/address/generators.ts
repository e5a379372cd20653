// Random addresses, blocks and spellings, made without the product's own parser and printer so that they can judge it.
import { type Arbitrary, constantFrom, integer, oneof, record, tuple, uint8Array } from "fast-check";
import { blockOf, type Cidr, type Family, familyBits } from "../../shared/address/index.ts";

export const mappedPrefix = "00000000000000000000ffff";

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const ipv4Hex: Arbitrary<string> = oneof(
  uint8Array({ minLength: 4, maxLength: 4 }).map(hexOf),
  constantFrom("00000000", "ffffffff", "7fffffff", "80000000", "0a000000", "cb007107"),
);

const group = oneof({ weight: 3, arbitrary: constantFrom(0) }, { weight: 1, arbitrary: integer({ min: 1, max: 15 }) }, integer({ min: 0, max: 0xffff }));

/** Many zero groups, because compression is where spellings differ; never IPv4-mapped, which is another address. */
export const ipv6Hex: Arbitrary<string> = oneof(
  tuple(group, group, group, group, group, group, group, group).map((groups) => groups.map((value) => value.toString(16).padStart(4, "0")).join("")),
  uint8Array({ minLength: 16, maxLength: 16 }).map(hexOf),
).filter((hex) => !hex.startsWith(mappedPrefix));

export const family: Arbitrary<Family> = constantFrom(4, 6);

export function hexFor(of: Family): Arbitrary<string> {
  return of === 4 ? ipv4Hex : ipv6Hex;
}

export function blockFor(of: Family): Arbitrary<Cidr> {
  const bits = familyBits(of);
  return record({ hex: hexFor(of), length: integer({ min: 0, max: bits }) })
    .map(({ hex, length }) => blockOf(of, hex, length))
    .filter((cidr) => !isMappedBlock(cidr));
}

/** A block that the text form cannot carry as IPv6: its spelling means IPv4. */
export function isMappedBlock(cidr: Cidr): boolean {
  return cidr.family === 6 && cidr.length >= 96 && cidr.first.startsWith(mappedPrefix);
}

export const block: Arbitrary<Cidr> = family.chain(blockFor);

/** Blocks of one small corner, so that they nest and repeat. */
export function crowdedBlock(of: Family): Arbitrary<Cidr> {
  const width = familyBits(of) / 4;
  return record({ tail: integer({ min: 0, max: 0xff }), length: integer({ min: familyBits(of) - 8, max: familyBits(of) }) }).map(({ tail, length }) =>
    blockOf(
      of,
      tail
        .toString(16)
        .padStart(2, "0")
        .padStart(width, of === 4 ? "cb0071" : "20010db8"),
      length,
    ),
  );
}

export function dottedText(hex: string): string {
  return [0, 2, 4, 6].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(".");
}

export function groupsOf(hex: string): readonly string[] {
  return hex.match(/.{4}/g) ?? [];
}

/** Every run of zero groups that `::` may stand for, as [start, end). */
function zeroRuns(groups: readonly string[]): readonly (readonly [number, number])[] {
  const runs: [number, number][] = [];
  for (let start = 0; start < groups.length; start += 1) {
    for (let end = start + 1; end <= groups.length && groups[end - 1] === "0000"; end += 1) runs.push([start, end]);
  }
  return runs;
}

function joined(groups: readonly string[], run: readonly [number, number] | undefined): string {
  if (run === undefined) return groups.join(":");
  return `${groups.slice(0, run[0]).join(":")}::${groups.slice(run[1]).join(":")}`;
}

interface SpellingChoice {
  readonly run: number;
  readonly trim: readonly number[];
  readonly upper: number;
  readonly dotted: boolean;
}

const choice: Arbitrary<SpellingChoice> = record({
  run: integer({ min: -1, max: 100 }),
  trim: tuple(...Array.from({ length: 8 }, () => integer({ min: 0, max: 3 }))),
  upper: integer({ min: 0, max: 0xffffffff }),
  dotted: constantFrom(true, false),
});

function spell(hex: string, chosen: SpellingChoice): string {
  const groups = groupsOf(hex);
  const runs = zeroRuns(chosen.dotted ? groups.slice(0, 6) : groups);
  const run = chosen.run < 0 || runs.length === 0 ? undefined : runs[chosen.run % runs.length];
  const shown = groups.map((text, index) => text.replace(new RegExp(`^0{0,${chosen.trim[index] ?? 0}}(?=.)`), ""));
  const parts = chosen.dotted ? [...shown.slice(0, 6), dottedText(hex.slice(24))] : shown;
  const text = joined(parts, run);
  return [...text].map((character, index) => (chosen.upper & (1 << (index % 32)) ? character.toUpperCase() : character)).join("");
}

/** Some way to write the IPv6 address `hex`: any zero run compressed or none, any leading zeros, any case, a dotted tail or not. */
export function spellingOf(hex: string): Arbitrary<string> {
  return choice.map((chosen) => spell(hex, chosen));
}

export function plainText(of: Family, hex: string): string {
  return of === 4 ? dottedText(hex) : groupsOf(hex).join(":");
}
