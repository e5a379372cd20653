// `fit` as a process: what it prints, as words and as JSON, what it refuses, and the plot.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { linePlot } from "../../functions/cli/line-plot.ts";
import { portcullis, temporaryFolder } from "./run.ts";

/** Three in one /29, a pair, one far away, and one IPv6 host. */
const list = ["# attackers", "198.51.100.1\t5", "198.51.100.2\t4", "198.51.100.6\t3", "203.0.113.8", "203.0.113.9\t1", "", "192.0.2.77\t8", "2001:db8::1\t2"];

interface Answer {
  readonly prefixes: readonly { readonly cidr: string; readonly weight: number; readonly leases: number; readonly collateral: number }[];
  readonly [name: string]: unknown;
}

function folderWith(files: Readonly<Record<string, readonly string[]>>): string {
  const folder = temporaryFolder();
  for (const [name, lines] of Object.entries(files)) writeFileSync(join(folder, name), `${lines.join("\n")}\n`);
  return folder;
}

async function answerOf(cwd: string, ...options: readonly string[]): Promise<Answer> {
  const ran = await portcullis(["fit", "--input", "list.tsv", "--json", ...options], { cwd });
  expect(ran).toMatchObject({ code: 0, err: "" });
  return JSON.parse(ran.out) as Answer;
}

describe("fit", () => {
  it("fit: without collateral takes the heaviest after merging, and names what is left out", async () => {
    const folder = folderWith({ "list.tsv": list });
    const answer = await answerOf(folder, "--rules", "3");
    expect(answer.prefixes).toEqual([
      { cidr: "192.0.2.77/32", weight: 8, leases: 1, collateral: 0 },
      { cidr: "198.51.100.1/32", weight: 5, leases: 1, collateral: 0 },
      { cidr: "198.51.100.2/32", weight: 4, leases: 1, collateral: 0 },
    ]);
    expect(answer).toMatchObject({ coveredWeight: 17, totalWeight: 24, collateral: 0, value: 17, method: "exact" });
    expect(answer.left).toEqual([
      { cidr: "198.51.100.6/32", weight: 3, why: "no room" },
      { cidr: "2001:db8::1/128", weight: 2, why: "no room" },
      { cidr: "203.0.113.8/32", weight: 1, why: "no room" },
      { cidr: "203.0.113.9/32", weight: 1, why: "no room" },
    ]);
    expect(answer.milliseconds).toEqual(expect.any(Number));
    const whole = await answerOf(folder, "--rules", "9");
    expect(whole).toMatchObject({ method: "cover", coveredWeight: 24, left: [] });
    expect(whole.prefixes.map(({ cidr }) => cidr)).toContain("203.0.113.8/31");
  });

  it("fit: bystanders by budget and by price, and IPv6 with rules of its own", async () => {
    const folder = folderWith({ "list.tsv": list });
    const wide = { cidr: "198.51.100.0/29", weight: 12, leases: 3, collateral: 5 };
    expect((await answerOf(folder, "--rules", "2", "--collateral-max", "5")).prefixes).toContainEqual(wide);
    expect((await answerOf(folder, "--rules", "2", "--collateral-max", "4")).prefixes).not.toContainEqual(wide);
    expect(await answerOf(folder, "--rules", "2", "--price", "0.1")).toMatchObject({ coveredWeight: 20, collateral: 5, value: 19.5 });
    const own = await answerOf(folder, "--rules", "1", "--rules-ipv6", "1");
    expect(own.prefixes.map(({ cidr }) => cidr)).toEqual(["192.0.2.77/32", "2001:db8::1/128"]);
  });

  it("fit: touches nothing protected, is no wider than asked, and says so", async () => {
    const folder = folderWith({ "list.tsv": [...list, "10.0.0.0/12\t50"], never: ["198.51.100.4/31"] });
    const answer = await answerOf(folder, "--rules", "9", "--protect", "never", "--price", "0");
    expect(answer.prefixes.some(({ cidr }) => cidr.startsWith("198.51.100.0/2"))).toBe(false);
    expect(answer.left).toEqual([{ cidr: "10.0.0.0/12", weight: 50, why: "wider than the shortest prefix" }]);
    const guarded = await answerOf(folder, "--rules", "9", "--protect", "list.tsv", "--min-prefix", "8");
    expect(guarded).toMatchObject({ prefixes: [], coveredWeight: 0 });
    expect(guarded.left).toContainEqual({ cidr: "10.0.0.0/12", weight: 50, why: "protected" });
  });

  it("fit: keeps what stands where that loses little", async () => {
    const folder = folderWith({
      "list.tsv": ["192.0.2.1\t100", "192.0.2.9\t100", "192.0.2.33\t3", "192.0.2.65\t4"],
      standing: ["192.0.2.1", "192.0.2.9", "192.0.2.33"],
    });
    const kept = await answerOf(folder, "--rules", "3", "--standing", "standing");
    expect(kept).toMatchObject({ coveredWeight: 203, optimum: 204, churn: { kept: 3, added: 0, removed: 0 } });
    const strict = await answerOf(folder, "--rules", "3", "--standing", "standing", "--loss-max", "0");
    expect(strict).toMatchObject({ coveredWeight: 204, churn: { kept: 2, added: 1, removed: 1 } });
  });

  it("fit: in words, from standard input", async () => {
    const ran = await portcullis(["fit", "--input", "-", "--rules", "1"], { input: "203.0.113.7\t3\n203.0.113.9\n" });
    expect(ran).toMatchObject({ code: 0, err: "" });
    const said = ran.out.trimEnd().split("\n");
    expect(said.slice(0, -1)).toEqual([
      "prefix          weight  leases  collateral",
      "203.0.113.7/32       3       1           0",
      "covered: 3 of 4 (75.0 %) by 1 of 1 rules",
      "collateral: 0 addresses (IPv6: /64s) that no line names",
      "left out: 1 of weight 1 (1 no room); the heaviest:",
      "  203.0.113.9/32  weight 1, no room",
    ]);
    expect(said.at(-1)).toMatch(/^method: exact, [\d.]+ ms$/);
  });

  it("fit: a bad line is named with its number and what to write; nothing is computed", async () => {
    const folder = folderWith({
      "list.tsv": ["203.0.113.7\t3", "203.0.113.7/24", "nonsense\t1", "203.0.113.9\t-2", "203.0.113.9\t1\tssh"],
      empty: ["# nothing"],
    });
    const ran = await portcullis(["fit", "--input", "list.tsv", "--rules", "2"], { cwd: folder });
    expect(ran).toMatchObject({ code: 1, out: "" });
    expect(ran.err).toContain("list.tsv:2: ");
    expect(ran.err).toContain("write 203.0.113.0/24 for the range");
    expect(ran.err).toContain('list.tsv:3: "nonsense" is not an IPv4 or IPv6 address');
    expect(ran.err).toContain('list.tsv:4: has the weight "-2"; write a number above 0');
    expect(ran.err).toContain("list.tsv:5: has 3 columns; write an address");
    expect(ran.err).not.toContain("list.tsv:1:");
    expect((await portcullis(["fit", "--input", "empty", "--rules", "2"], { cwd: folder })).err).toContain("empty has no addresses");
    expect((await portcullis(["fit", "--input", "none", "--rules", "2"], { cwd: folder })).err).toContain("there is no none; give a file");
  });

  it.each([
    [["--rules", "2"], "--input is missing"],
    [["--input", "x"], "--rules is missing"],
    [["--input", "x", "--rules", "many"], '--rules is "many"; give a whole number from 0'],
    [["--input", "x", "--rules", "1.5"], "give a whole number"],
    [["--input", "x", "--rules", "1", "--min-prefix", "33"], "give a whole number from 0 to 32"],
    [["--input", "x", "--rules", "1", "--price", "1", "--collateral-max", "1"], "exclude each other"],
    [["--input", "x", "--rules", "1", "--loss-max", "2"], "give a number from 0 to 1"],
  ])("fit: %j is wrong usage", async (args, said) => {
    const ran = await portcullis(["fit", ...args], { cwd: temporaryFolder() });
    expect(ran).toMatchObject({ code: 2, out: "" });
    expect(ran.err).toContain(said);
    expect(ran.err).toContain("Usage: portcullis fit");
  });

  it("fit: draws what more rules would buy", async () => {
    const folder = folderWith({ "list.tsv": list });
    const ran = await portcullis(["fit", "--input", "list.tsv", "--rules", "2", "--price", "0.1", "--plot", "plot.svg"], { cwd: folder });
    expect(ran).toMatchObject({ code: 0, err: "wrote plot.svg\n" });
    const svg = readFileSync(join(folder, "plot.svg"), "utf8");
    expect(svg.match(/<polyline /g)).toHaveLength(2);
    expect(svg).toContain(">2 rules<");
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("plot: more is higher, further is to the right, and text is text", () => {
    const points = [
      [1, 5],
      [10, 50],
      [100, 60],
    ] as const;
    const svg = linePlot({ title: "a < b", across: "x", up: "y", series: [{ name: "s&t", points }] });
    const drawn = (/points="([^"]+)"/.exec(svg)?.[1] ?? "").split(" ").map((pair) => pair.split(",").map(Number));
    expect(drawn).toHaveLength(3);
    for (let at = 1; at < drawn.length; at += 1) {
      expect(drawn[at]?.[0]).toBeGreaterThan(drawn[at - 1]?.[0] ?? 0);
      expect(drawn[at]?.[1]).toBeLessThan(drawn[at - 1]?.[1] ?? 0);
    }
    expect(svg).toContain("a &lt; b");
    expect(svg).toContain("s&amp;t");
  });
});
