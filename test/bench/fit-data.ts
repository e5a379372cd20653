// The weighted lists that benches of the fit run on: real ones when they are at hand, else generated ones that are as clustered.
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const root = new URL("../../../shared/data/ip/", import.meta.url);
const standInLines = 100_000;
/** Of generated addresses so many lie in one of a few networks: attackers cluster. */
const clusteredShare = 0.5;
const networks = 400;

export interface Lines {
  readonly lines: readonly string[];
  readonly origin: string;
}

/** The same every time. */
function mixed(seed: number): number {
  let value = Math.imul(seed + 0x9e3779b9, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return ((value ^ (value >>> 16)) >>> 0) / 2 ** 32;
}

function generated(): readonly string[] {
  const lines = new Map<string, number>();
  for (let at = 0; lines.size < standInLines; at += 1) {
    const network =
      mixed(at * 4) < clusteredShare
        ? Math.floor(mixed(Math.floor(mixed(at * 4 + 1) ** 2 * networks) + 7e6) * 2 ** 24)
        : Math.floor(mixed(at * 4 + 2) * 2 ** 24);
    const weight = 1 + Math.floor(9 * mixed(at * 4 + 3) ** 4);
    lines.set(`${network >>> 16}.${(network >>> 8) & 255}.${network & 255}.${Math.floor(mixed(at * 4 + 5) * 256)}`, weight);
  }
  return [...lines].map(([address, weight]) => `${address}\t${weight}`);
}

function read(name: string): readonly string[] {
  const text = gunzipSync(readFileSync(new URL(name, root))).toString("utf8");
  return text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

/** Addresses with a tab and how many blocklists name them. */
export function weightedLines(): Lines {
  if (!existsSync(root)) return { lines: generated(), origin: "generated addresses: ../shared/data/ip is absent" };
  return { lines: read("ipsum_dev.tsv.gz"), origin: "ipsum_dev (60,404 addresses; the weight is how many blocklists name one)" };
}

/** At least 100,000 lines. */
export function manyLines(): Lines {
  const { lines, origin } = weightedLines();
  if (!existsSync(root)) return { lines, origin };
  return { lines: [...lines, ...read("bitwire_networks_dev.txt.gz")].slice(0, standInLines), origin: "ipsum_dev and, of weight 1, bitwire_networks_dev" };
}
