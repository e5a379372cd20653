// Real lists of attackers and of addresses never to block, when they are at hand: every line parses or is refused for a stated reason.
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type Cidr, contains, parseCidr } from "../../shared/address/index.ts";
import { createProtection } from "../../shared/protect/index.ts";

const root = new URL("../../../shared/data/ip/", import.meta.url);
const present = existsSync(root);

interface Reading {
  readonly cidrs: readonly Cidr[];
  readonly refused: readonly string[];
}

function linesOf(name: string): readonly string[] {
  const bytes = readFileSync(new URL(name, root));
  const text = (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  return text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#") && !line.startsWith(";"));
}

function read(lines: readonly string[]): Reading {
  const cidrs: Cidr[] = [];
  const refused: string[] = [];
  for (const line of lines) {
    const parsed = parseCidr(line);
    if (parsed.ok) cidrs.push(parsed.value);
    else refused.push(parsed.error.message);
  }
  return { cidrs, refused };
}

/** Name, lines, and how the address is cut out of a line. */
const lists: readonly (readonly [string, number, (line: string) => string])[] = [
  ["spamhaus_2024-02-27_drop.txt", 989, (line) => line],
  ["spamhaus_2024-02-27_edrop.txt", 322, (line) => line],
  ["spamhaus_2024-02-27_drop_ipv6.txt", 51, (line) => line],
  ["firehol_2022-01-24/firehol_level1.netset", 2_511, (line) => line],
  ["firehol_2022-01-24/firehol_webserver.netset", 2_022, (line) => line],
  ["firehol_2022-01-24/tor_exits.ipset", 1_204, (line) => line],
  ["firehol_2022-01-24/bruteforceblocker.ipset", 987, (line) => line],
  ["firehol_2022-01-24/dshield.netset", 19, (line) => line],
  ["firehol_2022-01-24/blocklist_de.ipset.gz", 22_474, (line) => line],
  ["bitwire_networks_dev.txt.gz", 106_413, (line) => line],
  ["bitwire_ipv6_dev.txt", 540, (line) => line],
  ["ipsum_dev.tsv.gz", 60_404, (line) => line.split("\t")[0] ?? ""],
  ["cloud_all_ipv4_merged_expected.txt.gz", 7_728, (line) => line],
  ["cloud_amazon_ipv6_merged_expected.txt.gz", 2_107, (line) => line],
  ["neverblock_cloudflare_ipv4.txt", 15, (line) => line],
  ["neverblock_cloudflare_ipv6.txt", 7, (line) => line],
  ["neverblock_googlebot_ipv4.txt", 169, (line) => line],
  ["neverblock_googlebot_ipv6.txt", 146, (line) => line],
];

const protection = createProtection({ ranges: [], presets: ["all"] });

function unprotected(name: string): readonly Cidr[] {
  return read(linesOf(name)).cidrs.filter((cidr) => protection.find(cidr) === null);
}

describe("real lists", () => {
  it("say: whether the lists are at hand", () => {
    if (!present) console.warn("real lists: ../shared/data/ip is absent; its 18 lists were not read");
    expect(typeof present).toBe("boolean");
  });

  it.each(present ? lists : [])("read: %s parses whole, %i lines", (name, count, cut) => {
    const reading = read(linesOf(name).map(cut));
    expect(reading.refused).toEqual([]);
    expect(reading.cidrs).toHaveLength(count);
  });

  it("read: the blanks at the end of Spamhaus's lines are dropped", () => {
    if (!present) return;
    const lines = linesOf("spamhaus_2024-02-27_drop.txt");
    expect(lines.every((line) => line.endsWith(" "))).toBe(true);
    expect(read(lines).refused).toEqual([]);
  });

  it("read: the merged cloud ranges hold every unmerged one, none overlapping", () => {
    if (!present) return;
    const merged = read(linesOf("cloud_amazon_ipv6_merged_expected.txt.gz")).cidrs;
    const unmerged = read(linesOf("cloud_amazon_ipv6_unmerged.txt.gz").map((line) => line.trim()));
    expect(unmerged.refused).toEqual([]);
    expect(unmerged.cidrs.every((cidr) => merged.some((wide) => contains(wide, cidr)))).toBe(true);
  });

  it.each(present ? ["cloudflare_ipv4", "cloudflare_ipv6", "googlebot_ipv4", "googlebot_ipv6"] : [])("protect: every block of neverblock_%s", (name) => {
    expect(unprotected(`neverblock_${name}.txt`)).toEqual([]);
  });

  it("protect: the bogons of firehol_level1", () => {
    if (!present) return;
    const hits = read(linesOf("firehol_2022-01-24/firehol_level1.netset")).cidrs.map((cidr) => protection.find(cidr)?.range ?? "");
    const bogons = ["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16"];
    for (const range of [...bogons, "169.254.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"]) expect(hits, range).toContain(range);
  });

  it("protect: real attackers are left alone", () => {
    if (!present) return;
    const attackers = read(linesOf("ipsum_dev.tsv.gz").map((line) => line.split("\t")[0] ?? "")).cidrs;
    const hits = attackers.filter((cidr) => protection.find(cidr) !== null);
    expect(hits.length).toBeLessThan(attackers.length / 200);
  });
});
