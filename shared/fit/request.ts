// What may be asked of a fit and what it answers. Refuses weights and bounds that mean nothing; decides nothing else.
import { type Cidr, cidrText, type Family, familyBits } from "../address/index.ts";
import { PortcullisError } from "../errors.ts";

export interface FitSource {
  readonly cidr: Cidr;
  /** What it is worth to cover it: finite, more than nothing. Sources that name the same block are added up. */
  readonly weight: number;
}

/** One place that a prefix takes up. A prefix counts against every room that names its family; a family that no room names is unbounded. */
export interface FitRoom {
  readonly families: readonly Family[];
  readonly limit: number;
}

/** Prefix lengths that the target can hold: all between two bounds, or just those listed. */
export type Lengths = readonly number[] | { readonly min: number; readonly max: number };

/**
 * What may be done to bystanders: addresses in a chosen prefix that no source names. Counted in IPv4 addresses and in IPv6 /64s;
 * a /64 counts whole as soon as one of its addresses in the prefix is unnamed.
 */
export type Collateral =
  | { readonly kind: "none" }
  /** At most so many in all. */
  | { readonly kind: "max"; readonly units: number }
  /** Each lowers the value by this much weight. */
  | { readonly kind: "price"; readonly price: number };

export interface FitRequest {
  readonly sources: readonly FitSource[];
  readonly rooms: readonly FitRoom[];
  /** Whether the block shares an address with anything protected; true for a block implies true for every block around it. */
  readonly isProtected: (cidr: Cidr) => boolean;
  /** Whether exactly this block cannot be made; one around it may be. None when left out. */
  readonly isTaken?: ((cidr: Cidr) => boolean) | undefined;
  readonly lengths: { readonly ipv4: Lengths; readonly ipv6: Lengths };
  readonly collateral: Collateral;
  /** Prefixes that stand now. */
  readonly standing?: readonly Cidr[];
  /** Share of the best value that may be given up to keep standing ones; `limits.fitLossShareMax` unless told. */
  readonly lossMax?: number;
  /** Largest number of steps of the exact method; `limits.fitStepsMax` unless told. */
  readonly stepsMax?: number;
}

export interface FitPrefix {
  readonly cidr: Cidr;
  /** Sum of the weights of the sources that it holds whole. */
  readonly weight: number;
  /** How many sources it holds whole. */
  readonly leases: number;
  readonly collateral: number;
  /** Their places in the request, in address order. */
  readonly sources: readonly number[];
}

/** `cover`: all that may be covered is, with no bystander. `exact`: the best there is. `price`: near it, by a price per rule or per bystander. */
export type FitMethod = "cover" | "exact" | "price";

export interface FitResult {
  /** Apart from each other, in address order, IPv4 first. */
  readonly prefixes: readonly FitPrefix[];
  readonly coveredWeight: number;
  readonly totalWeight: number;
  readonly collateral: number;
  /** Covered weight, less the price of the collateral where there is one. */
  readonly value: number;
  /** The value that would be reached if nothing had to be kept. */
  readonly optimum: number;
  /** How much more a standing prefix counted: its weight times 1 + bias; 0 when nothing was given up for them. */
  readonly bias: number;
  /** Places in the request of the sources that are not covered, ascending. */
  readonly left: readonly number[];
  readonly method: FitMethod;
  readonly churn: { readonly kept: number; readonly added: number; readonly removed: number };
}

function refuse(what: string): never {
  throw new PortcullisError("INVARIANT", `fit: ${what}`);
}

function isCount(value: number): boolean {
  return value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && value >= 0);
}

/** Throws INVARIANT, with the value, on numbers that mean nothing. */
export function checkRequest({ sources, rooms, collateral, lossMax }: FitRequest): void {
  for (const { cidr, weight } of sources) {
    if (!(weight > 0 && weight < Number.POSITIVE_INFINITY)) refuse(`${cidrText(cidr)} has the weight ${weight}; give a finite number above 0`);
  }
  for (const { limit } of rooms) if (!isCount(limit)) refuse(`a room has the limit ${limit}; give a whole number from 0`);
  const amount = collateral.kind === "max" ? collateral.units : collateral.kind === "price" ? collateral.price : 0;
  if (!(amount >= 0)) refuse(`the collateral's ${collateral.kind} is ${amount}; give a number from 0`);
  if (lossMax !== undefined && !(lossMax >= 0 && lossMax <= 1)) refuse(`lossMax is ${lossMax}; give a share from 0 to 1`);
}

/** For each length of the family, the longest allowed one that is not longer; -1 where there is none. */
export function allowedLengths(family: Family, lengths: Lengths): Int16Array {
  const bits = familyBits(family);
  const isAllowed = (length: number): boolean => ("min" in lengths ? lengths.min <= length && length <= lengths.max : lengths.includes(length));
  const table = new Int16Array(bits + 1);
  let last = -1;
  for (let length = 0; length <= bits; length += 1) {
    if (isAllowed(length)) last = length;
    table[length] = last;
  }
  return table;
}
