// Names of places in an ACL (`in:3`, `out:3`) and of our entries (`in:3+out:3=203.0.113.7/32`).
// The id carries the address: another address under the same number is another entry, so nothing is ever deleted by number alone.
import { type Cidr, cidrText } from "../../shared/address/index.ts";
import type { AwsNaclSettings } from "./config.ts";

export type Direction = "in" | "out";

export const directionWords = { in: "ingress", out: "egress" } as const satisfies Record<Direction, string>;

/** The rule numbers of one entry: both with direction `both`, one of them while it is partial. */
export type Numbers = Readonly<Record<Direction, number | null>>;

export function directionsOf(direction: AwsNaclSettings["direction"]): readonly Direction[] {
  return direction === "both" ? ["in", "out"] : ["in"];
}

export function slotOf(direction: Direction, number: number): string {
  return `${direction}:${number}`;
}

export function slotsOf(numbers: Numbers): readonly string[] {
  const slots = [];
  if (numbers.in !== null) slots.push(slotOf("in", numbers.in));
  if (numbers.out !== null) slots.push(slotOf("out", numbers.out));
  return slots;
}

export function entryIdOf(numbers: Numbers, cidr: Cidr): string {
  return `${slotsOf(numbers).join("+")}=${cidrText(cidr)}`;
}

/** The rule numbers in an id of ours; null for an id this kind never made. */
export function numbersOf(id: string): Numbers | null {
  const match = /^(?:in:(\d{1,5}))?\+?(?:out:(\d{1,5}))?=/.exec(id);
  if (match === null || (match[1] === undefined && match[2] === undefined)) return null;
  return { in: match[1] === undefined ? null : Number(match[1]), out: match[2] === undefined ? null : Number(match[2]) };
}

/** The place of a foreign entry by its id. */
export function placeOf(id: string): { readonly direction: Direction; readonly number: number } | null {
  const match = /^(in|out):(\d{1,5})$/.exec(id);
  if (match === null) return null;
  return { direction: match[1] === "out" ? "out" : "in", number: Number(match[2]) };
}

/** Why an entry with these numbers does not yet enforce fully; null when it is whole. */
export function partialOf(numbers: Numbers, direction: AwsNaclSettings["direction"]): string | null {
  const absent = directionsOf(direction).find((wanted) => numbers[wanted] === null);
  return absent === undefined ? null : `the ${directionWords[absent]} half is missing`;
}
