// A block of addresses as two fixed-width hex strings, and the algebra on them.
// Owns: what a CIDR is inside the product. Refuses: to read any spelling (that is `parse.ts`).
import { Address6 } from "ip-address";

declare const made: unique symbol;

export type Family = 4 | 6;

/** Canonical: host bits are zero. Made only by this room; compare by `cidrKey`. */
export interface Cidr {
  /** What `cidrKey` says: made once, since every list of a pass goes by it and keeps it. */
  readonly key: string;
  readonly family: Family;
  /** First and last address, lower-case hex, 8 digits (IPv4) or 32 (IPv6): they compare as strings. */
  readonly first: string;
  readonly last: string;
  /** Prefix length, 0–32 or 0–128. */
  readonly length: number;
  readonly [made]: true;
}

const digits = { 4: 8, 6: 32 } as const;

/** Number of bits of an address of the family. */
export function familyBits(family: Family): number {
  return digits[family] * 4;
}

/** The block of `length` that holds the address `hex`; host bits are cleared. `hex` must have the family's width. */
export function blockOf(family: Family, hex: string, length: number): Cidr {
  const whole = length >> 2;
  const rest = length & 3;
  const width = digits[family];
  let first = hex.slice(0, whole);
  let last = first;
  if (rest !== 0) {
    const nibble = Number.parseInt(hex.charAt(whole), 16);
    const mask = 0xf >> rest;
    first += (nibble & ~mask & 0xf).toString(16);
    last += (nibble | mask).toString(16);
  }
  first = first.padEnd(width, "0");
  return { key: `${family}:${first}/${length}`, family, first, last: last.padEnd(width, "f"), length } as Cidr;
}

/** `4:cb007107/32`: unique, sortable by address within a family, and a part of store keys. */
export function cidrKey(cidr: Cidr): string {
  return cidr.key;
}

/** Reads what `cidrKey` wrote; null for anything else, host bits included. */
export function cidrFromKey(key: string): Cidr | null {
  const match = /^(?:4:([0-9a-f]{8})|6:([0-9a-f]{32}))\/(0|[1-9][0-9]{0,2})$/.exec(key);
  if (match === null) return null;
  const family: Family = match[1] === undefined ? 6 : 4;
  const hex = match[1] ?? match[2] ?? "";
  const length = Number(match[3]);
  if (length > familyBits(family)) return null;
  const cidr = blockOf(family, hex, length);
  return cidr.first === hex ? cidr : null;
}

export function isHost(cidr: Cidr): boolean {
  return cidr.length === familyBits(cidr.family);
}

/** Whether every address of `inner` is in `outer`. */
export function contains(outer: Cidr, inner: Cidr): boolean {
  return outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;
}

/** Whether they share an address. Blocks are nested or apart, never partly overlapping. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

export function sameCidr(a: Cidr, b: Cidr): boolean {
  return a.family === b.family && a.first === b.first && a.length === b.length;
}

/** Total order: IPv4 first, then by address, a wider block before what is inside it. */
export function compareCidrs(a: Cidr, b: Cidr): number {
  if (a.family !== b.family) return a.family - b.family;
  if (a.first !== b.first) return a.first < b.first ? -1 : 1;
  return a.length - b.length;
}

/** The block of `length` around `cidr`; `cidr` itself when it is already as wide. */
export function widenTo(cidr: Cidr, length: number): Cidr {
  return cidr.length <= length ? cidr : blockOf(cidr.family, cidr.first, length);
}

function addressText(family: Family, hex: string): string {
  if (family === 4) {
    const octet = (at: number) => Number.parseInt(hex.slice(at, at + 2), 16);
    return `${octet(0)}.${octet(2)}.${octet(4)}.${octet(6)}`;
  }
  return new Address6((hex.match(/.{4}/g) ?? []).join(":")).correctForm();
}

/** Always with a length: `203.0.113.7/32`, `2001:db8::/64` (RFC 5952 text). */
export function cidrText(cidr: Cidr): string {
  return `${addressText(cidr.family, cidr.first)}/${cidr.length}`;
}

/** As people write it: a single address without its length. */
export function displayCidr(cidr: Cidr): string {
  return isHost(cidr) ? addressText(cidr.family, cidr.first) : cidrText(cidr);
}
