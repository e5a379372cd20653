// How long a fit takes, over parsing and sorting the same lines: in turns, by CPU time of this thread.
import { type Cidr, compareCidrs, parseCidr } from "../../shared/address/index.ts";
import { fit as choose, type FitRequest, type FitResult } from "../../shared/fit/index.ts";
import { type Figure, type Report, rounded, shownSpread, summarise } from "./figures.ts";
import { manyLines } from "./fit-data.ts";

const rounds = 5;
/** What a bystander costs, in weight. */
const price = 0.02;

interface Size {
  readonly sources: number;
  readonly rules: number;
  readonly name: string;
  /** What was asked for, on two cores of a quiet machine. */
  readonly aimMs: number;
}

const sizes: readonly Size[] = [
  { sources: 10_000, rules: 4_000, name: "10kx4000", aimMs: 100 },
  { sources: 100_000, rules: 20, name: "100kx20", aimMs: 100 },
  { sources: 100_000, rules: 10_000, name: "100kx10000", aimMs: 2_000 },
];

function cpuMs<T>(work: () => T): readonly [number, T] {
  const before = process.threadCpuUsage();
  const result = work();
  const { user, system } = process.threadCpuUsage(before);
  return [(user + system) / 1_000, result];
}

function sourceOf(line: string): FitRequest["sources"] {
  const [address = "", weight = "1"] = line.split("\t");
  const parsed = parseCidr(address);
  return parsed.ok ? [{ cidr: parsed.value, weight: Number(weight) }] : [];
}

function parseAndSort(lines: readonly string[]): readonly Cidr[] {
  return lines
    .flatMap(sourceOf)
    .map(({ cidr }) => cidr)
    .sort(compareCidrs);
}

function requestOf(lines: readonly string[], rules: number): FitRequest {
  return {
    sources: lines.flatMap(sourceOf),
    rooms: [{ families: [4, 6], limit: rules }],
    isProtected: () => false,
    lengths: { ipv4: { min: 16, max: 32 }, ipv6: { min: 32, max: 128 } },
    collateral: { kind: "price", price },
  };
}

function measure({ sources, rules, name, aimMs }: Size, all: readonly string[]): { readonly figure: Figure; readonly note: string } {
  const lines = all.slice(0, sources);
  const request = requestOf(lines, rules);
  const [base, own]: [number[], number[]] = [[], []];
  let result: FitResult | undefined;
  for (let round = 0; round < rounds; round += 1) {
    base.push(cpuMs(() => parseAndSort(lines))[0]);
    const [ms, found] = cpuMs(() => choose(request));
    own.push(ms);
    result = found;
  }
  const [baseline, took] = [summarise(base), summarise(own)];
  const figure: Figure = {
    name: `fit.${name}`,
    value: took.median / baseline.median,
    unit: "× parse and sort",
    baseline: `${rounded(baseline.median)} ms to parse and sort the same lines; ${rounded(took.median)} ms to fit`,
    aim: `under ${aimMs} ms`,
    met: took.median < aimMs,
  };
  const share = result === undefined ? "" : `; ${result.method}, covers ${rounded((100 * result.coveredWeight) / result.totalWeight)} %`;
  return { figure, note: `${name}: ${shownSpread(took, " ms")}${share}` };
}

export async function measureFit(): Promise<Report> {
  const { lines, origin } = manyLines();
  const measured = sizes.map((size) => measure(size, lines));
  return {
    figures: measured.map(({ figure }) => figure),
    notes: [`on ${origin}; a bystander costs ${price}, prefixes from /16; CPU time of the thread`, ...measured.map(({ note }) => note)],
  };
}
