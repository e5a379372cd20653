// Small random instances of a fit, and the answer by trying every set of prefixes. Shares no code with `shared/fit`, but for addresses.
import { type Arbitrary, array, constantFrom, integer, oneof, record, tuple } from "fast-check";
import { blockOf, type Cidr, cidrKey, contains, type Family, familyBits, overlaps } from "../../shared/address/index.ts";
import type { Collateral, FitRequest, FitResult, FitRoom, Lengths } from "../../shared/fit/index.ts";

/** A piece of the address space small enough to try everything: blocks from `top` to `atom` bits long. */
export const corner = {
  4: { hex: "cb007100", top: 28, atom: 32, unit: 32 },
  6: { hex: "20010db8000000000000000000000000", top: 62, atom: 66, unit: 64 },
} as const;

/** The block number `index` of the length in the family's corner. */
export function cornerBlock(family: Family, length: number, index: number): Cidr {
  const { hex, top } = corner[family];
  const bits = family === 4 ? 32 : 128;
  const base = BigInt(`0x${hex}`) + (BigInt(index) << BigInt(bits - length));
  return blockOf(family, base.toString(16).padStart(bits / 4, "0"), Math.max(top, length));
}

export function cornerBlocks(family: Family, length: number): Cidr[] {
  return Array.from({ length: 2 ** (length - corner[family].top) }, (_, index) => cornerBlock(family, length, index));
}

/** Mostly bytes at the ends, so that blocks meet and differ late. */
const byte = oneof({ weight: 3, arbitrary: constantFrom(0, 1, 254, 255) }, { weight: 1, arbitrary: integer({ min: 0, max: 255 }) });

/** A block of any length anywhere in the address space. */
export function anywhere(family: Family): Arbitrary<Cidr> {
  const bits = familyBits(family);
  const bytes = array(byte, { minLength: bits / 8, maxLength: bits / 8 });
  const length = oneof(constantFrom(0, bits), integer({ min: 0, max: bits }));
  return tuple(bytes, length).map(([all, long]) => blockOf(family, all.map((one) => one.toString(16).padStart(2, "0")).join(""), long));
}

export function block(family: Family): Arbitrary<Cidr> {
  const { top, atom } = corner[family];
  const long = integer({ min: 0, max: 2 ** (atom - top) - 1 }).map((index) => cornerBlock(family, atom, index));
  const any = integer({ min: top, max: atom }).chain((length) =>
    integer({ min: 0, max: 2 ** (length - top) - 1 }).map((index) => cornerBlock(family, length, index)),
  );
  return oneof({ weight: 3, arbitrary: long }, { weight: 1, arbitrary: any });
}

function lengths(family: Family): Arbitrary<Lengths> {
  const { top, atom } = corner[family];
  const all: Lengths = { min: 0, max: family === 4 ? 32 : 128 };
  const sparse: Lengths[] = [[atom], [top, atom], [atom - 2, atom], [top + 1, top + 3], [top + 2, atom]];
  return constantFrom<Lengths>(all, { min: top, max: atom }, { min: top + 1, max: atom }, { min: top + 1, max: atom - 1 }, ...sparse);
}

const limit = integer({ min: 0, max: 3 });
export const rooms: Arbitrary<readonly FitRoom[]> = oneof(
  limit.map((shared) => [{ families: [4, 6] as const, limit: shared }]),
  tuple(limit, limit).map(([four, six]) => [
    { families: [4] as const, limit: four },
    { families: [6] as const, limit: six },
  ]),
  tuple(limit, limit, limit).map(([four, six, both]) => [
    { families: [4] as const, limit: four },
    { families: [6] as const, limit: six },
    { families: [4, 6] as const, limit: both },
  ]),
);

export const collateral: Arbitrary<Collateral> = oneof(
  constantFrom<Collateral>({ kind: "none" }),
  constantFrom(0, 0.25, 0.5, 1, 2.75).map((price) => ({ kind: "price" as const, price })),
  integer({ min: 0, max: 9 }).map((units) => ({ kind: "max" as const, units })),
);

/** Mostly one family, so that there is something to choose. */
const anyBlock = oneof({ weight: 2, arbitrary: block(4) }, { weight: 2, arbitrary: block(6) });
const blocks = oneof(
  array(block(4), { minLength: 1, maxLength: 8 }),
  array(block(6), { minLength: 1, maxLength: 8 }),
  array(anyBlock, { minLength: 1, maxLength: 9 }),
);

export interface Instance extends FitRequest {
  readonly walls: readonly Cidr[];
  readonly taken: readonly Cidr[];
}

export const instance: Arbitrary<Instance> = record({
  cidrs: blocks,
  weights: array(integer({ min: 1, max: 9 }), { minLength: 9, maxLength: 9 }),
  rooms,
  ipv4: lengths(4),
  ipv6: lengths(6),
  collateral,
  walls: array(anyBlock, { maxLength: 1 }),
  // Inside the corner: what is around it is not among those that are tried.
  taken: array(
    anyBlock.filter(({ family, length }) => length > corner[family].top),
    { maxLength: 2 },
  ),
}).map(({ cidrs, weights, ipv4, ipv6, walls, taken, ...rest }) => ({
  ...rest,
  sources: cidrs.map((cidr, at) => ({ cidr, weight: weights[at] ?? 1 })),
  lengths: { ipv4, ipv6 },
  walls,
  isProtected: (cidr) => walls.some((wall) => overlaps(wall, cidr)),
  taken,
  isTaken: (cidr) => taken.some((one) => cidrKey(one) === cidrKey(cidr)),
}));

export interface Candidate {
  readonly cidr: Cidr;
  readonly weight: number;
  readonly collateral: number;
}

/** The most bystanders that the policy lets anyone hit. */
export function boundOf(policy: Collateral): number {
  return policy.kind === "none" ? 0 : policy.kind === "max" ? policy.units : Number.POSITIVE_INFINITY;
}

export function isAllowedLength(lengthsOf: Lengths, length: number): boolean {
  return "min" in lengthsOf ? length >= lengthsOf.min && length <= lengthsOf.max : lengthsOf.includes(length);
}

/** Bystanders counted one by one. */
export function bystandersIn(cidr: Cidr, sources: FitRequest["sources"]): number {
  const { atom, unit } = corner[cidr.family];
  const inside = cornerBlocks(cidr.family, Math.max(atom, cidr.length)).filter((one) => contains(cidr, one));
  const unnamed = inside.filter((one) => !sources.some((source) => contains(source.cidr, one)));
  return new Set(unnamed.map((one) => cidrKey(blockOf(one.family, one.first, unit)))).size;
}

/** Of a block around the corner as well: what is outside of it nobody names. */
export function bystandersAnywhere(cidr: Cidr, sources: FitRequest["sources"]): number {
  const { top, unit } = corner[cidr.family];
  if (cidr.length >= top) return bystandersIn(cidr, sources);
  return bystandersIn(cornerBlock(cidr.family, top, 0), sources) + 2 ** (unit - cidr.length) - 2 ** (unit - top);
}

/** Every block of the corner that may be chosen. */
export function candidatesOf(request: FitRequest): Candidate[] {
  const found: Candidate[] = [];
  for (const family of [4, 6] as const) {
    for (let length: number = corner[family].top; length <= corner[family].atom; length += 1) {
      if (!isAllowedLength(family === 4 ? request.lengths.ipv4 : request.lengths.ipv6, length)) continue;
      for (const cidr of cornerBlocks(family, length)) {
        const weight = request.sources.filter((source) => contains(cidr, source.cidr)).reduce((sum, source) => sum + source.weight, 0);
        if (weight === 0 || request.isProtected(cidr) || request.isTaken?.(cidr) === true) continue;
        found.push({ cidr, weight, collateral: bystandersIn(cidr, request.sources) });
      }
    }
  }
  return found;
}

export function fitsRooms(chosen: readonly Pick<Candidate, "cidr">[], all: readonly FitRoom[]): boolean {
  return all.every((room) => chosen.filter(({ cidr }) => room.families.includes(cidr.family)).length <= room.limit);
}

export interface Best {
  readonly value: number;
  /** Fewest prefixes that reach it. */
  readonly count: number;
}

/** The best value over all sets of prefixes that are apart, fit, and keep to the policy. */
export function bestByTrying(request: FitRequest): Best {
  const { collateral: policy } = request;
  const bound = boundOf(policy);
  const candidates = candidatesOf(request).filter((one) => one.collateral <= bound);
  const price = policy.kind === "price" ? policy.price : 0;
  let best: Best = { value: 0, count: 0 };
  const extend = (from: number, chosen: readonly Candidate[], value: number, cost: number): void => {
    if (value > best.value || (value === best.value && chosen.length < best.count)) best = { value, count: chosen.length };
    for (let at = from; at < candidates.length; at += 1) {
      const next = candidates[at];
      if (next === undefined || cost + next.collateral > bound || chosen.some(({ cidr }) => overlaps(cidr, next.cidr))) continue;
      const more = [...chosen, next];
      if (fitsRooms(more, request.rooms)) extend(at + 1, more, value + next.weight - price * next.collateral, cost + next.collateral);
    }
  };
  extend(0, [], 0, 0);
  return best;
}

/** What is wrong with an answer, whatever its value; empty when nothing is. */
export function faultsOf(request: FitRequest, result: FitResult): readonly string[] {
  const faults: string[] = [];
  const { prefixes } = result;
  const candidates = new Map(candidatesOf(request).map((one) => [cidrKey(one.cidr), one]));
  prefixes.forEach((prefix, at) => {
    const key = cidrKey(prefix.cidr);
    const candidate = candidates.get(key);
    if (candidate === undefined) faults.push(`${key} may not be chosen`);
    else if (candidate.weight !== prefix.weight || candidate.collateral !== prefix.collateral) faults.push(`${key} is counted wrongly`);
    const held = request.sources.flatMap(({ cidr }, place) => (contains(prefix.cidr, cidr) ? [place] : []));
    if (held.join() !== [...prefix.sources].sort((a, b) => a - b).join() || prefix.leases !== held.length) faults.push(`${key} names the wrong sources`);
    for (const other of prefixes.slice(at + 1)) if (overlaps(prefix.cidr, other.cidr)) faults.push(`${key} overlaps ${cidrKey(other.cidr)}`);
  });
  if (!fitsRooms(prefixes, request.rooms)) faults.push("more prefixes than there is room for");
  const collateralSum = prefixes.reduce((sum, prefix) => sum + prefix.collateral, 0);
  const bound = boundOf(request.collateral);
  if (collateralSum > bound || collateralSum !== result.collateral) faults.push(`${result.collateral} bystanders, ${collateralSum} counted, ${bound} allowed`);
  const uncovered = request.sources.flatMap(({ cidr }, place) => (prefixes.some((prefix) => contains(prefix.cidr, cidr)) ? [] : [place]));
  if (uncovered.join() !== result.left.join()) faults.push("names the wrong sources as left out");
  return faults;
}
