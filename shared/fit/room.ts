// How many prefixes of each family fit, and both together.
import type { FitRoom } from "./request.ts";

export interface Room {
  readonly ipv4: number;
  readonly ipv6: number;
  /** Of both families together. */
  readonly both: number;
}

function least(rooms: readonly FitRoom[]): number {
  return Math.min(Number.POSITIVE_INFINITY, ...rooms.map(({ limit }) => limit));
}

export function roomOf(rooms: readonly FitRoom[]): Room {
  const four = rooms.filter(({ families }) => families.includes(4));
  return {
    ipv4: least(four),
    ipv6: least(rooms.filter(({ families }) => families.includes(6))),
    both: least(four.filter(({ families }) => families.includes(6))),
  };
}

/** Whether so many prefixes fit. */
export function fits(room: Room, ipv4: number, ipv6: number): boolean {
  return ipv4 <= room.ipv4 && ipv6 <= room.ipv6 && ipv4 + ipv6 <= room.both;
}
