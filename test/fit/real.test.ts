// Fits of real lists, when they are at hand: merged as an independent tool merged them, and never over what must never be blocked.
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type Cidr, CidrSet, cidrText, compareCidrs, overlaps, parseCidr } from "../../shared/address/index.ts";
import { fit as choose, type FitRequest } from "../../shared/fit/index.ts";

const root = new URL("../../../shared/data/ip/", import.meta.url);
const present = existsSync(root);
if (!present) console.warn("fit: ../shared/data/ip is absent; no real list was fitted");

function read(name: string): FitRequest["sources"] {
  const bytes = readFileSync(new URL(name, root));
  const text = (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return lines.flatMap((line) => {
    const [address = "", weight = "1"] = line.split("\t");
    const parsed = parseCidr(address);
    return parsed.ok ? [{ cidr: parsed.value, weight: Number(weight) }] : [];
  });
}

const open: Omit<FitRequest, "sources"> = {
  rooms: [],
  isProtected: () => false,
  lengths: { ipv4: { min: 0, max: 32 }, ipv6: { min: 0, max: 128 } },
  collateral: { kind: "none" },
};

const pairs = [
  ["cloud_all_ipv4_unmerged.txt.gz", "cloud_all_ipv4_merged_expected.txt.gz", 7_728],
  ["cloud_amazon_ipv6_unmerged.txt.gz", "cloud_amazon_ipv6_merged_expected.txt.gz", 2_107],
] as const;

describe("real lists", () => {
  it.each(pairs)("cover: %s merges to %s", (from, to, count) => {
    if (!present) return;
    const result = choose({ ...open, sources: read(from) });
    const expected = read(to)
      .map(({ cidr }) => cidr)
      .sort(compareCidrs);
    expect(result.prefixes).toHaveLength(count);
    expect(result.prefixes.map(({ cidr }) => cidrText(cidr))).toEqual(expected.map(cidrText));
    expect(result).toMatchObject({ method: "cover", collateral: 0, left: [] });
  });

  it("never: no prefix touches an address that must never be blocked, however cheap bystanders are", () => {
    if (!present) return;
    const names = ["googlebot_ipv4", "googlebot_ipv6", "cloudflare_ipv4", "cloudflare_ipv6"];
    const never: readonly Cidr[] = names.flatMap((name) => read(`neverblock_${name}.txt`).map(({ cidr }) => cidr));
    const set = new CidrSet(never.map((cidr) => ({ cidr, label: "never" })));
    const attackers = [...read("ipsum_dev.tsv.gz").slice(0, 6_000), ...read("bitwire_ipv6_dev.txt")];
    const sources = [...attackers, ...never.map((cidr) => ({ cidr, weight: 1_000 }))];
    const request: FitRequest = {
      ...open,
      sources,
      rooms: [{ families: [4, 6], limit: 60 }],
      lengths: { ipv4: { min: 8, max: 32 }, ipv6: { min: 19, max: 128 } },
      isProtected: (cidr) => set.overlapping(cidr) !== null,
    };
    for (const collateral of [{ kind: "none" }, { kind: "price", price: 1e-6 }, { kind: "max", units: 50_000_000 }] as const) {
      const { prefixes, left, coveredWeight } = choose({ ...request, collateral });
      for (const one of prefixes) expect(never.filter((cidr) => overlaps(cidr, one.cidr)).map(cidrText)).toEqual([]);
      const lost = new Set(left);
      for (let at = attackers.length; at < sources.length; at += 1) expect(lost.has(at)).toBe(true);
      expect(coveredWeight).toBeGreaterThan(0);
    }
    // It is the protection that keeps them out.
    const unguarded = choose({ ...request, collateral: { kind: "price", price: 1e-6 }, isProtected: () => false });
    expect(unguarded.prefixes.some((one) => never.some((cidr) => overlaps(cidr, one.cidr)))).toBe(true);
  });
});
