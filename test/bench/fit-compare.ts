// `node test/bench/fit-compare.ts [--write]`: what a fit covers against simpler ways to spend the same rules, at equal collateral.
// With --write, the table goes into shared/fit/README.md and the plot beside it.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { linePlot } from "../../functions/cli/line-plot.ts";
import { blockOf, parseCidr } from "../../shared/address/index.ts";
import { type Collateral, fit as choose, type FitRequest } from "../../shared/fit/index.ts";
import { createTrie, type Trie } from "../../shared/fit/trie.ts";
import { weightedLines } from "./fit-data.ts";

const ruleCounts = [10, 20, 50, 100, 200, 500, 1_000, 2_000, 4_000] as const;
const folder = new URL("../../shared/fit/", import.meta.url);
const minPrefix = 16;
const ways = ["newest", "topHosts", "exact", "top24", "merging", "fit"] as const;
const titles = {
  newest: "newest K",
  topHosts: "heaviest K addresses",
  exact: "fit, no bystander",
  top24: "heaviest K /24s",
  merging: "greedy merging",
  fit: "fit, same bystanders",
} as const;

type Sources = FitRequest["sources"];
interface Row {
  readonly rules: number;
  readonly bystanders: number;
  readonly covered: Readonly<Record<(typeof ways)[number], number>>;
  readonly method: string;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function heaviest(weights: readonly number[], count: number): number {
  return sumOf(weights.toSorted((a, b) => b - a).slice(0, count));
}

/** The list has no times: an order that has nothing to do with weights stands in for age. */
function byAge(sources: Sources): readonly number[] {
  const rank = (hex: string): number => Math.imul(Number.parseInt(hex, 16) ^ 0x5bd1e995, 0x85ebca6b) >>> 0;
  return sources.toSorted((a, b) => rank(a.cidr.first) - rank(b.cidr.first)).map(({ weight }) => weight);
}

interface Chosen {
  readonly weight: number;
  readonly bystanders: number;
}

function top24s(sources: Sources, count: number): Chosen {
  const networks = new Map<string, { weight: number; hosts: number }>();
  for (const { cidr, weight } of sources) {
    const key = blockOf(4, cidr.first, 24).first;
    const network = networks.get(key) ?? { weight: 0, hosts: 0 };
    network.weight += weight;
    network.hosts += 1;
    networks.set(key, network);
  }
  const best = [...networks.values()].sort((a, b) => b.weight - a.weight || b.hosts - a.hosts).slice(0, count);
  return { weight: sumOf(best.map(({ weight }) => weight)), bystanders: sumOf(best.map(({ hosts }) => 256 - hosts)) };
}

/** Joins neighbours whose common block adds the fewest bystanders, as long as the step is no dearer than `costMax`; then the heaviest K. */
function mergeUpTo(trie: Trie, costMax: number, count: number): Chosen {
  const whole = new Uint8Array(trie.size);
  const inside = new Uint8Array(trie.size);
  for (let node = 0; node < trie.size; node += 1) {
    const children = [trie.left[node] ?? -1, trie.right[node] ?? -1].filter((child) => child !== -1);
    const below = sumOf(children.map((child) => trie.bystanders[child] ?? 0));
    const cost = (trie.bystanders[node] ?? 0) - below;
    if (children.every((child) => whole[child] === 1) && cost <= costMax && (trie.length[node] ?? 0) >= minPrefix) whole[node] = 1;
  }
  for (let node = trie.size - 1; node >= 0; node -= 1) {
    const mark = inside[node] === 1 || whole[node] === 1 ? 1 : 0;
    for (const child of [trie.left[node] ?? -1, trie.right[node] ?? -1]) if (child !== -1) inside[child] = mark;
  }
  const blocks = Array.from({ length: trie.size }, (_, node) => node).filter((node) => whole[node] === 1 && inside[node] === 0);
  const best = blocks.sort((a, b) => (trie.weight[b] ?? 0) - (trie.weight[a] ?? 0)).slice(0, count);
  return { weight: sumOf(best.map((node) => trie.weight[node] ?? 0)), bystanders: sumOf(best.map((node) => trie.bystanders[node] ?? 0)) };
}

/** The dearest step for which the heaviest K keep to the bound. */
function greedyMerging(trie: Trie, count: number, bystandersMax: number): number {
  let best = 0;
  for (let costMax = 0; costMax < 2 ** 16; costMax = Math.max(costMax + 1, Math.floor(costMax * 1.05))) {
    const { weight, bystanders } = mergeUpTo(trie, costMax, count);
    if (bystanders <= bystandersMax) best = Math.max(best, weight);
  }
  return best;
}

function rowOf(sources: Sources, trie: Trie, rules: number): Row {
  const weights = sources.map(({ weight }) => weight);
  const networks = top24s(sources, rules);
  const fitted = (collateral: Collateral): ReturnType<typeof choose> =>
    choose({
      sources,
      collateral,
      rooms: [{ families: [4, 6], limit: rules }],
      isProtected: () => false,
      lengths: { ipv4: { min: minPrefix, max: 32 }, ipv6: { min: 32, max: 128 } },
    });
  const bounded = fitted({ kind: "max", units: networks.bystanders });
  const covered = {
    newest: sumOf(byAge(sources).slice(0, rules)),
    topHosts: heaviest(weights, rules),
    exact: fitted({ kind: "none" }).coveredWeight,
    top24: networks.weight,
    merging: greedyMerging(trie, rules, networks.bystanders),
    fit: bounded.coveredWeight,
  };
  return { rules, bystanders: networks.bystanders, covered, method: bounded.method };
}

function tableOf(rows: readonly Row[], total: number): string {
  const head = ["K", ...ways.slice(0, 3).map((way) => titles[way]), "bystanders", ...ways.slice(3).map((way) => titles[way]), "method"];
  const share = (weight: number): string => `${((100 * weight) / total).toFixed(2)} %`;
  const cells = rows.map(({ rules, bystanders, covered, method }) => [
    rules.toLocaleString("en"),
    ...ways.slice(0, 3).map((way) => share(covered[way])),
    bystanders.toLocaleString("en"),
    ...ways.slice(3).map((way) => share(covered[way])),
    method,
  ]);
  return [head, head.map(() => "---"), ...cells].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

const { values } = parseArgs({ options: { write: { type: "boolean" } } });
const { lines, origin } = weightedLines();
const sources = lines.flatMap((line) => {
  const [address = "", weight = "1"] = line.split("\t");
  const parsed = parseCidr(address);
  return parsed.ok ? [{ cidr: parsed.value, weight: Number(weight) }] : [];
});
const total = sumOf(sources.map(({ weight }) => weight));
const trie = createTrie(sources, 4);
const rows = ruleCounts.map((rules) => rowOf(sources, trie, rules));
const about = `On ${origin}, ${new Date().toISOString().slice(0, 10)}, by \`node test/bench/fit-compare.ts --write\`. Total weight ${total.toLocaleString("en")}.`;
console.log(`${tableOf(rows, total)}\n\n${about}`);
if (values.write === true) {
  const readme = new URL("README.md", folder);
  const [start, end] = ["<!-- compare:start -->", "<!-- compare:end -->"];
  const text = readFileSync(readme, "utf8");
  if (!text.includes(start) || !text.includes(end)) throw new Error(`shared/fit/README.md has no ${start} … ${end}; nothing was written`);
  writeFileSync(readme, `${text.slice(0, text.indexOf(start) + start.length)}\n${tableOf(rows, total)}\n\n${about}\n${text.slice(text.indexOf(end))}`);
  const series = ways.toReversed().map((way) => ({ name: titles[way], points: rows.map((row) => [row.rules, (100 * row.covered[way]) / total] as const) }));
  writeFileSync(
    new URL("compare.svg", folder),
    linePlot({ title: "Covered share of the weight, at the bystanders of the heaviest K /24s", across: "rules (K)", up: "covered weight, %", series }),
  );
}
