// `fit`: which prefixes to spend scarce rules on, what they would block beside, and what one more rule would buy. Computes; changes nothing.
import { writeFileSync } from "node:fs";
import { CidrSet, familyBits } from "../../shared/address/index.ts";
import { type Collateral, fit as choose, type FitRequest } from "../../shared/fit/index.ts";
import { type Command, exitCodes, type Invocation, isSet, type OptionValues, textOption, UsageError } from "./command.ts";
import { readBlocks, readSources } from "./fit-input.ts";
import { type Asked, jsonOf, linesOf } from "./fit-report.ts";
import { linePlot } from "./line-plot.ts";

/** IPv6 sites get a /48 at most as a rule (RFC 6177), providers a /32: nothing wider is chosen unless asked for. */
const minPrefixDefault = { ipv4: 16, ipv6: 32 } as const;
const plotPoints = 24;
/** A plot solves many times; its points may be near the best instead. */
const plotStepsMax = 10_000_000;

interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly whole: "whole" | "any";
}

function numberOption(values: OptionValues, name: string, { least, most, whole }: Bounds): number | undefined {
  const text = textOption(values, name);
  if (text === undefined) return undefined;
  const value = /^[0-9.]+(?:e[+-]?[0-9]+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most && (whole === "any" || Number.isInteger(value))) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  throw new UsageError(`--${name} is ${JSON.stringify(text)}; give a ${whole === "whole" ? "whole " : ""}number ${range}`);
}

const count: Bounds = { least: 0, most: Number.MAX_SAFE_INTEGER, whole: "whole" };

function collateralOf(values: OptionValues): Collateral {
  const units = numberOption(values, "collateral-max", count);
  const price = numberOption(values, "price", { ...count, whole: "any" });
  if (units !== undefined && price !== undefined) throw new UsageError("--collateral-max and --price exclude each other; give one");
  if (units !== undefined) return { kind: "max", units };
  return price === undefined ? { kind: "none" } : { kind: "price", price };
}

function roomsOf(rules: number, rulesIpv6: number | undefined): FitRequest["rooms"] {
  if (rulesIpv6 === undefined) return [{ families: [4, 6], limit: rules }];
  return [
    { families: [4], limit: rules },
    { families: [6], limit: rulesIpv6 },
  ];
}

async function readRequest({ values, io }: Invocation): Promise<Asked> {
  const input = textOption(values, "input");
  if (input === undefined) throw new UsageError("--input is missing; name a file with lines of an address or range, and a weight after a tab");
  const rules = numberOption(values, "rules", count);
  if (rules === undefined) throw new UsageError("--rules is missing; give the number of rules that there is room for");
  const collateral = collateralOf(values);
  const minIpv4 = numberOption(values, "min-prefix", { least: 0, most: 32, whole: "whole" }) ?? minPrefixDefault.ipv4;
  const minIpv6 = numberOption(values, "min-prefix-ipv6", { least: 0, most: 128, whole: "whole" }) ?? minPrefixDefault.ipv6;
  const lossMax = numberOption(values, "loss-max", { least: 0, most: 1, whole: "any" });
  const rooms = roomsOf(rules, numberOption(values, "rules-ipv6", count));
  const sources = await readSources(input, io);
  const guarded = await readBlocks(textOption(values, "protect"), io);
  const protection = new CidrSet(guarded.map((cidr) => ({ cidr, label: "" })));
  return {
    rules,
    request: {
      sources,
      rooms,
      collateral,
      isProtected: (cidr) => protection.overlapping(cidr) !== null,
      lengths: { ipv4: { min: minIpv4, max: 32 }, ipv6: { min: minIpv6, max: 128 } },
      standing: await readBlocks(textOption(values, "standing"), io),
      ...(lossMax === undefined ? {} : { lossMax }),
    },
  };
}

/** Numbers of rules to try: up to four times those that there are, closer together where they are few. */
function plotCounts(rules: number, sources: number): readonly number[] {
  const most = Math.max(2, Math.min(sources, 4 * Math.max(1, rules)));
  const all = Array.from({ length: plotPoints }, (_, at) => Math.round(most ** (at / (plotPoints - 1))));
  return [...new Set([...all, Math.max(1, Math.min(most, rules))])].sort((a, b) => a - b);
}

/** What more rules would buy: the asked policy, and beside it what the same rules cover without bystanders. */
function plotOf({ request, rules }: Asked): string {
  const counts = plotCounts(rules, request.sources.length);
  const { standing: _, ...bare } = request;
  const curve = (collateral: Collateral): readonly (readonly [number, number])[] =>
    counts.map((limit) => {
      const rooms = request.rooms.map((room) => ({ ...room, limit }));
      return [limit, choose({ ...bare, collateral, rooms, stepsMax: plotStepsMax }).coveredWeight];
    });
  const { collateral } = request;
  const name = collateral.kind === "price" ? `at ${collateral.price} per bystander` : collateral.kind === "max" ? `${collateral.units} bystanders` : "";
  const exact = { name: "no bystander", points: curve({ kind: "none" }) };
  const series = collateral.kind === "none" ? [exact] : [{ name, points: curve(collateral) }, exact];
  const mark = { at: Math.max(1, rules), name: `${rules} rules` };
  return linePlot({ title: "Covered weight by number of rules", across: "rules (of each room)", up: "covered weight", series, mark });
}

async function run(invocation: Invocation): Promise<0> {
  const { values, io } = invocation;
  const asked = await readRequest(invocation);
  const start = performance.now();
  const result = choose(asked.request);
  const milliseconds = performance.now() - start;
  if (isSet(values, "json")) io.out(jsonOf(asked.request, result, milliseconds));
  else for (const line of linesOf(asked, result, milliseconds)) io.out(line);
  const plot = textOption(values, "plot");
  if (plot !== undefined) {
    writeFileSync(plot, plotOf(asked));
    io.err(`wrote ${plot}`);
  }
  return exitCodes.ok;
}

export const fitCommand: Command = {
  name: "fit",
  summary: "choose the prefixes that cover most with few rules",
  usage: "portcullis fit --input FILE --rules K [--collateral-max N | --price P] [--protect FILE] [--json]",
  help: [
    "Reads weighted addresses and says which prefixes cover most of the weight, what else they would block, and what is left out.",
    "  --input FILE           lines of an address or range, and its weight after a tab (none: 1); - is standard input",
    "  --rules K              how many rules there are, for both families together",
    "  --rules-ipv6 K         how many of their own IPv6 has; --rules is then for IPv4 alone",
    "  --collateral-max N     allow N bystanders: addresses (IPv6: /64s) inside a prefix that no line names. Without it, none",
    "  --price P              or: each bystander costs this much weight",
    "  --protect FILE         addresses and ranges that no prefix may touch. The presets of a configuration are not read here",
    `  --min-prefix N         no IPv4 prefix shorter than this (${minPrefixDefault.ipv4})`,
    `  --min-prefix-ipv6 N    no IPv6 prefix shorter than this (${minPrefixDefault.ipv6}, of ${familyBits(6)})`,
    "  --standing FILE        prefixes that stand now: they are kept where that loses little",
    "  --loss-max SHARE       how much of the best value may be lost for that (0.01)",
    "  --plot FILE.svg        draw the covered weight against the number of rules",
    "  --json                 print one JSON object",
    "Asks nobody and changes nothing.",
  ].join("\n"),
  options: {
    input: { type: "string" },
    rules: { type: "string" },
    "rules-ipv6": { type: "string" },
    "collateral-max": { type: "string" },
    price: { type: "string" },
    protect: { type: "string" },
    "min-prefix": { type: "string" },
    "min-prefix-ipv6": { type: "string" },
    standing: { type: "string" },
    "loss-max": { type: "string" },
    plot: { type: "string" },
    json: { type: "boolean" },
  },
  positionalsMax: 0,
  run,
};
