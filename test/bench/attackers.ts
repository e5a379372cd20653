// Real attackers as moments at which they knock, from a list of a honeypot's visitors with the first and the last day of each. The list is no part
// of this repository. Owns the model, in full: which days are days of attack, and when on a day. Deterministic.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { cidrKey, parseCidr } from "../../shared/address/index.ts";
import type { EpochMs } from "../../shared/ports.ts";

const listFile = resolve(import.meta.dirname, "../../../shared/data/ip/honeypot_threats_dev.csv.gz");
const dayMs = 86_400_000;

export interface Attacker {
  readonly key: string;
  /** The first event of each day of attack, ascending. */
  readonly moments: readonly EpochMs[];
}

/** On which days between its first and its last an attacker is taken to attack: the list says only these two. */
export const presences = ["every day", "every other day", "first and last"] as const;
export type Presence = (typeof presences)[number];

/** From 0 up to 1, by the text alone: FNV-1a, mixed, because neighbours must not come out side by side. */
function unit(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  for (const factor of [0x2c1b3c6d, 0x297a2d39]) hash = Math.imul(hash ^ (hash >>> 15), factor) >>> 0;
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
}

function attacks(presence: Presence, key: string, day: number, isEnd: boolean): boolean {
  if (isEnd || presence === "every day") return true;
  return presence === "every other day" && unit(`present ${key} ${day}`) < 0.5;
}

function momentsOf(key: string, first: number, last: number, presence: Presence): EpochMs[] {
  const days = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const present = days.filter((day) => attacks(presence, key, day, day === first || day === last));
  return present.map((day) => day * dayMs + Math.floor(unit(`moment ${key} ${day}`) * dayMs));
}

export interface Attackers {
  readonly all: readonly Attacker[];
  /** Rows that say nothing usable: a last day before the first, or no address. */
  readonly leftOut: number;
}

/** `part`: this share of them, picked by a hash of the address. Null when the list is not here. */
export async function readAttackers(presence: Presence, part = 1): Promise<Attackers | null> {
  const packed = await readFile(listFile).catch(() => null);
  if (packed === null) return null;
  const rows = gunzipSync(packed)
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#") && !line.startsWith("ip,"));
  let leftOut = 0;
  const all = rows.flatMap((row): Attacker[] => {
    const fields = row.split(",");
    const address = parseCidr(fields[0] ?? "");
    const [first, last] = fields.slice(-2).map((day) => Date.parse(day) / dayMs);
    if (!address.ok || first === undefined || last === undefined || !(last >= first)) {
      leftOut += 1;
      return [];
    }
    const key = cidrKey(address.value);
    return unit(`part ${key}`) < part ? [{ key, moments: momentsOf(key, first, last, presence) }] : [];
  });
  return { all, leftOut };
}
