// Chooses the prefixes to spend scarce rules on: most weight covered, fewest bystanders, and what stands stays where that costs little.
// Pure and deterministic; README.md beside this file has the contract, the methods and the figures.
import { type Cidr, cidrKey } from "../address/index.ts";
import { limits } from "../limits.ts";
import { forestsOf, type Solution, solveFreely, solveWithin } from "./budget.ts";
import { type Choices, createChoices } from "./choices.ts";
import type { Chosen, Pair } from "./exact.ts";
import { checkRequest, type FitMethod, type FitPrefix, type FitRequest, type FitResult } from "./request.ts";
import { fits, type Room, roomOf } from "./room.ts";
import { keepStanding } from "./sticky.ts";
import { blockAround, createTrie } from "./trie.ts";

export type { Collateral, FitMethod, FitPrefix, FitRequest, FitResult, FitRoom, FitSource, Lengths } from "./request.ts";

const families = ["ipv4", "ipv6"] as const;

/** The price at which no weight outweighs a single bystander. */
const noBystander = Number.MAX_VALUE;

type Solver = (bias: number | null) => Solution;

/** How to solve for a given bias. An exact cover touches no bystander, so where one fits, nothing else is asked for, what stands included. */
function solverOf(choices: Pair<Choices>, reach: Pair<Reach>, { collateral, rooms, stepsMax = limits.fitStepsMax }: FitRequest): Solver {
  const room = roomOf(rooms);
  const atPrice = (price: number) => (bias: number | null) => solveFreely(forestsOf(choices, room, { bias, price, bounded: "free" }), room, stepsMax);
  const harmless = atPrice(noBystander);
  if (collateral.kind === "none" || hasExactCover(reach, room)) return harmless;
  if (collateral.kind === "price") return atPrice(collateral.price);
  return (bias) => solveWithin({ choices, room, units: collateral.units, bias, stepsMax });
}

function leasesIn({ trie, node }: Choices, choice: number): number {
  const at = node[choice] ?? 0;
  return (trie.last[at] ?? 0) - (trie.first[at] ?? 0) + 1;
}

function leasesOf(choices: Pair<Choices>, chosen: Chosen): number {
  return families.reduce((sum, family) => sum + chosen[family].reduce((own, choice) => own + leasesIn(choices[family], choice), 0), 0);
}

interface Reach {
  /** Sources that some legal prefix holds. */
  readonly coverable: number;
  /** Those that are held by legal prefixes without bystanders, and the fewest such prefixes that hold them all. */
  readonly exactly: number;
  readonly prefixes: number;
}

function reachOf(choices: Choices): Reach {
  const { size, left, right, legal, collateral } = choices;
  // By choice: 1 below a legal one, 2 below one without bystanders.
  const under = new Uint8Array(size);
  let [coverable, exactly, prefixes] = [0, 0, 0];
  for (let at = size - 1; at >= 0; at -= 1) {
    let mark = under[at] ?? 0;
    if (legal[at] === 1 && mark === 0) {
      coverable += leasesIn(choices, at);
      mark = 1;
    }
    if (legal[at] === 1 && mark === 1 && collateral[at] === 0) {
      exactly += leasesIn(choices, at);
      prefixes += 1;
      mark = 2;
    }
    const l = left[at] ?? -1;
    const r = right[at] ?? -1;
    if (l !== -1) under[l] = mark;
    if (r !== -1) under[r] = mark;
  }
  return { coverable, exactly, prefixes };
}

/** Whether prefixes without bystanders hold everything that can be held, and find room. */
function hasExactCover({ ipv4, ipv6 }: Pair<Reach>, room: Room): boolean {
  return ipv4.exactly + ipv6.exactly === ipv4.coverable + ipv6.coverable && fits(room, ipv4.prefixes, ipv6.prefixes);
}

function prefixesOf(choices: Choices, chosen: readonly number[], request: FitRequest): FitPrefix[] {
  const { trie, node, length, weight, collateral } = choices;
  const inOrder = [...chosen].sort((a, b) => (trie.first[node[a] ?? 0] ?? 0) - (trie.first[node[b] ?? 0] ?? 0));
  return inOrder.map((choice) => {
    const at = node[choice] ?? 0;
    const sources = [...trie.order.subarray(trie.first[at] ?? 0, (trie.last[at] ?? 0) + 1)];
    return {
      cidr: blockAround(trie, request.sources, at, length[choice] ?? 0),
      weight: weight[choice] ?? 0,
      leases: sources.length,
      collateral: collateral[choice] ?? 0,
      sources,
    };
  });
}

function leftOver(count: number, prefixes: readonly FitPrefix[]): number[] {
  const covered = new Uint8Array(count);
  for (const { sources } of prefixes) for (const source of sources) covered[source] = 1;
  const left: number[] = [];
  for (let at = 0; at < count; at += 1) if (covered[at] === 0) left.push(at);
  return left;
}

function churnOf(prefixes: readonly FitPrefix[], standing: readonly Cidr[]): FitResult["churn"] {
  const before = new Set(standing.map(cidrKey));
  const kept = prefixes.filter(({ cidr }) => before.has(cidrKey(cidr))).length;
  return { kept, added: prefixes.length - kept, removed: before.size - kept };
}

function totalOf(choices: Pair<Choices>): number {
  return families.reduce((sum, family) => {
    const { trie } = choices[family];
    return sum + (trie.size === 0 ? 0 : (trie.weight[trie.size - 1] ?? 0));
  }, 0);
}

/** The worth of what is chosen, the same however it was found. */
function worthOf(choices: Pair<Choices>, chosen: Chosen, price: number): number {
  let value = 0;
  for (const family of families) {
    const { weight, collateral } = choices[family];
    for (const choice of [...chosen[family]].sort((a, b) => a - b)) value += (weight[choice] ?? 0) - (price === 0 ? 0 : price * (collateral[choice] ?? 0));
  }
  return value;
}

function methodOf(choices: Pair<Choices>, reach: Pair<Reach>, { chosen, method }: Solution): FitMethod {
  const bystanders = families.some((family) => chosen[family].some((choice) => (choices[family].collateral[choice] ?? 0) > 0));
  return !bystanders && leasesOf(choices, chosen) === reach.ipv4.coverable + reach.ipv6.coverable ? "cover" : method;
}

export function fit(request: FitRequest): FitResult {
  checkRequest(request);
  const choices = {
    ipv4: createChoices(createTrie(request.sources, 4), request),
    ipv6: createChoices(createTrie(request.sources, 6), request),
  };
  const price = request.collateral.kind === "price" ? request.collateral.price : 0;
  const worth = (chosen: Chosen): number => worthOf(choices, chosen, price);
  const reach = { ipv4: reachOf(choices.ipv4), ipv6: reachOf(choices.ipv6) };
  const solve = solverOf(choices, reach, request);
  const unbiased = solve(null);
  // Where everything finds room, no source is left out for the sake of what stands.
  const lossMax = hasExactCover(reach, roomOf(request.rooms)) ? 0 : (request.lossMax ?? limits.fitLossShareMax);
  const stands = families.some((family) => choices[family].standing.includes(1));
  const { solution, bias, optimum } = stands ? keepStanding(unbiased, solve, worth, lossMax) : { solution: unbiased, bias: 0, optimum: worth(unbiased.chosen) };
  const prefixes = families.flatMap((family) => prefixesOf(choices[family], solution.chosen[family], request));
  return {
    prefixes,
    coveredWeight: prefixes.reduce((sum, { weight }) => sum + weight, 0),
    totalWeight: totalOf(choices),
    collateral: prefixes.reduce((sum, prefix) => sum + prefix.collateral, 0),
    value: worth(solution.chosen),
    optimum,
    bias,
    left: leftOver(request.sources.length, prefixes),
    method: methodOf(choices, reach, solution),
    churn: churnOf(prefixes, request.standing ?? []),
  };
}
