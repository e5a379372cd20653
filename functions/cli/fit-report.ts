// What `fit` says of its choice: each prefix with what it covers and costs, what is left out and why. Computes no choice.
import { type Cidr, cidrText } from "../../shared/address/index.ts";
import type { FitRequest, FitResult, FitSource } from "../../shared/fit/index.ts";

const leftShown = 10;

export interface Asked {
  readonly request: FitRequest;
  /** Of the family that has the room, or of both where they share it. */
  readonly rules: number;
}

type Why = "protected" | "wider than the shortest prefix" | "no room";

function whyLeft({ isProtected, lengths }: FitRequest, cidr: Cidr): Why {
  if (isProtected(cidr)) return "protected";
  const bounds = cidr.family === 4 ? lengths.ipv4 : lengths.ipv6;
  return "min" in bounds && cidr.length < bounds.min ? "wider than the shortest prefix" : "no room";
}

interface Left extends FitSource {
  readonly why: Why;
}

/** Heaviest first. */
function leftOf(request: FitRequest, result: FitResult): readonly Left[] {
  const left = result.left.flatMap((at) => request.sources[at] ?? []).map((source) => ({ ...source, why: whyLeft(request, source.cidr) }));
  return left.sort((a, b) => b.weight - a.weight);
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`;
}

function shown(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 3 });
}

function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  "));
}

function leftLines(left: readonly Left[]): readonly string[] {
  if (left.length === 0) return ["left out: nothing"];
  const reasons = new Map<Why, number>();
  for (const { why } of left) reasons.set(why, (reasons.get(why) ?? 0) + 1);
  const weight = left.reduce((sum, one) => sum + one.weight, 0);
  const words = [...reasons].map(([why, times]) => `${shown(times)} ${why}`).join(", ");
  const first = left.slice(0, leftShown).map(({ cidr, weight: own, why }) => `  ${cidrText(cidr)}  weight ${shown(own)}, ${why}`);
  const more = left.length > leftShown ? [`  … and ${shown(left.length - leftShown)} more; --json has all`] : [];
  return [`left out: ${shown(left.length)} of weight ${shown(weight)} (${words}); the heaviest:`, ...first, ...more];
}

export function linesOf({ request }: Asked, result: FitResult, milliseconds: number): readonly string[] {
  const { prefixes, coveredWeight, totalWeight, collateral, churn, optimum } = result;
  const rows = prefixes.map((one) => [cidrText(one.cidr), shown(one.weight), shown(one.leases), shown(one.collateral)]);
  const head = ["prefix", "weight", "leases", "collateral"];
  const unit = "addresses (IPv6: /64s) that no line names";
  const room = request.rooms.reduce((sum, { limit }) => sum + limit, 0);
  const stands = (request.standing ?? []).length > 0;
  return [
    ...(rows.length === 0 ? [] : columns([head, ...rows])),
    `covered: ${shown(coveredWeight)} of ${shown(totalWeight)} (${percent(coveredWeight, totalWeight)}) by ${shown(prefixes.length)} of ${shown(room)} rules`,
    `collateral: ${shown(collateral)} ${unit}`,
    ...(request.collateral.kind === "price" ? [`value: ${shown(result.value)}, after the price of the collateral`] : []),
    ...(stands
      ? [`standing: ${churn.kept} kept, ${churn.added} added, ${churn.removed} removed; ${percent(result.value, optimum || 1)} of the best value`]
      : []),
    ...leftLines(leftOf(request, result)),
    `method: ${result.method}, ${milliseconds.toFixed(1)} ms`,
  ];
}

export function jsonOf(request: FitRequest, result: FitResult, milliseconds: number): string {
  const { prefixes, coveredWeight, totalWeight, collateral, value, optimum, method, churn } = result;
  const plain = prefixes.map((one) => ({ cidr: cidrText(one.cidr), weight: one.weight, leases: one.leases, collateral: one.collateral }));
  const left = leftOf(request, result).map(({ cidr, weight, why }) => ({ cidr: cidrText(cidr), weight, why }));
  const share = coveredWeight / totalWeight;
  return JSON.stringify({ prefixes: plain, coveredWeight, totalWeight, coveredShare: share, collateral, value, optimum, churn, left, method, milliseconds });
}
