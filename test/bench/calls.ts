// Remote calls that a pass with work to do makes, over the least possible: the production pass and provider of each kind around its
// strict simulator, on a simulated clock. Counts, the same on every machine. Refuses to count what happens after the last write.
import { type CoordinatedWorld, newWorld, settle } from "../coordinator/world.ts";
import { azureWorld } from "../providers/azure-nsg-world.ts";
import { cloudflareWorld } from "../providers/cloudflare-list-world.ts";
import { zones } from "../simulators/cloudflare-fixtures.ts";
import { addressOf } from "./counts.ts";
import { type Figure, type Report, rounded } from "./figures.ts";

const minuteMs = 60_000;
/** Ends between two ticks, and when nothing that was read a while ago serves again: the measured pass reads everything. */
const shortMs = 33 * minuteMs + 20_000;
const longMs = 24 * 60 * minuteMs;

interface Work {
  readonly adds: number;
  readonly removals: number;
  /** Entries that stand before and after. */
  readonly staying: number;
}

/** How one cloud is watched from outside. */
interface Cloud {
  /** Names of the calls so far, oldest first. */
  readonly calls: () => readonly string[];
  readonly writes: () => number;
  /** Addresses that stand. */
  readonly standing: () => number;
}

export interface CallCount {
  readonly kind: string;
  readonly work: Work;
  /** Calls from when the work was there until its last write was accepted. */
  readonly calls: readonly string[];
  readonly least: number;
  /** What the least is made of. */
  readonly leastText: string;
}

async function blockAll(world: CoordinatedWorld, first: number, count: number, forMs: number): Promise<void> {
  for (let index = first; index < first + count; index += 1) {
    const answer = await world.block(addressOf(index), forMs);
    if (answer === null) throw new Error(`${addressOf(index)} was not accepted`);
  }
}

/** Blocks stand, some of them end, and at the very moment those may go the new ones are there: one wake of the coordinator for both. */
async function callsOf(world: CoordinatedWorld, cloud: Cloud, { adds, removals, staying }: Work, writes: number): Promise<readonly string[]> {
  await blockAll(world, 0, staying, longMs);
  await blockAll(world, staying, removals, shortMs);
  const due = world.now + shortMs + settle;
  await world.advance(shortMs);
  if (cloud.standing() !== staying + removals) throw new Error(`${cloud.standing()} entries stand before the measured pass, not ${staying + removals}`);
  await world.advance(due - world.now - 1);
  const before = { calls: cloud.calls().length, writes: cloud.writes() };
  world.now += 1;
  await blockAll(world, staying + removals, adds, longMs);
  for (let seconds = 0; cloud.writes() - before.writes < writes; seconds += 1) {
    if (seconds > 600) throw new Error(`only ${cloud.writes() - before.writes} of ${writes} writes were made within ten minutes`);
    await world.advance(seconds === 0 ? 0 : 1_000);
  }
  const calls = cloud.calls().slice(before.calls);
  // A later write would mean that the work was not done with these.
  const written = cloud.writes();
  await world.advance(3 * minuteMs);
  if (cloud.standing() !== staying + adds || cloud.writes() !== written) throw new Error(`${cloud.standing()} entries stand after it, not ${staying + adds}`);
  return calls;
}

function awsCloud(world: CoordinatedWorld): Cloud {
  return { calls: () => world.aws.log.map((entry) => entry.action), writes: () => world.aws.writes, standing: () => world.ours().length };
}

async function awsCalls(): Promise<CallCount> {
  const world = await newWorld({ rulesMax: 40 });
  await world.advance(5 * minuteMs);
  const work = { adds: 15, removals: 5, staying: 10 };
  const calls = await callsOf(world, awsCloud(world), work, work.adds + work.removals);
  return { kind: "aws-nacl", work, calls, least: 1 + work.adds + work.removals, leastText: "1 look, 1 call per entry" };
}

/** The same at an ACL without room: each address that ends gives its place to a new one. */
async function awsSwapCalls(): Promise<CallCount> {
  const world = await newWorld({ rulesMax: 20 });
  await world.advance(5 * minuteMs);
  const room = 18;
  const work = { adds: 5, removals: 5, staying: room - 5 };
  const calls = await callsOf(world, awsCloud(world), work, 5);
  return { kind: "aws-nacl", work, calls, least: 1 + 5, leastText: "1 look, 1 replacement per pair" };
}

async function azureCalls(): Promise<CallCount> {
  const world = await azureWorld({ provisioningMs: 4_000 });
  const { azure } = world;
  const cloud = { calls: () => azure.log.map((entry) => entry.call), writes: () => azure.writes, standing: () => world.sources().length };
  const work = { adds: 300, removals: 50, staying: 100 };
  const calls = await callsOf(world, cloud, work, 1);
  // A token serves for an hour: it belongs to no pass.
  const counted = calls.filter((call) => call !== "token");
  return { kind: "azure-nsg", work, calls: counted, least: 3, leastText: "1 look at the NSG, 1 at the rule before its PUT, 1 PUT" };
}

async function cloudflareCalls(): Promise<CallCount> {
  const world = await cloudflareWorld();
  const { cloudflare } = world;
  const cloud = { calls: () => cloudflare.log.map((entry) => entry.route ?? "?"), writes: () => cloudflare.writes, standing: () => world.values().length };
  const work = { adds: 300, removals: 50, staying: 1_150 };
  const calls = await callsOf(world, cloud, work, 2);
  const pages = Math.ceil((work.staying + work.removals) / 500);
  // The account takes one operation at a time, so the second must know that the first is over.
  const least = 1 + pages + zones.length + 2 * 2 + 1;
  const leastText = `lists, ${pages} pages, ${zones.length} zones, 2 operations with 1 look before each, 1 look at the first one's end`;
  return { kind: "cloudflare-list", work, calls, least, leastText };
}

/** What the first of several passes did: all up to the first write of a bulk operation. */
export function firstOperation(calls: readonly string[]): readonly string[] {
  return calls.slice(0, calls.findIndex((call) => call === "items.create" || call === "items.delete") + 1);
}

/** Per kind, and an ACL that is full. */
export async function countCalls(): Promise<{ readonly kinds: readonly CallCount[]; readonly full: CallCount }> {
  return { kinds: [await awsCalls(), await azureCalls(), await cloudflareCalls()], full: await awsSwapCalls() };
}

function tally(calls: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const call of calls) counts.set(call, (counts.get(call) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name} ${count}`).join(", ");
}

function noteOf({ kind, work, calls, least, leastText }: CallCount): string {
  const { adds, removals, staying } = work;
  return (
    `${kind}: ${adds} adds and ${removals} removals at ${staying + removals} standing: ${calls.length} calls (${tally(calls)}); ` +
    `the least is ${least} (${leastText}).`
  );
}

function figureOf({ kind, calls, least, leastText }: CallCount): Figure {
  const value = calls.length / least;
  return { name: `pass.callsOverLeast.${kind}`, value: rounded(value), unit: "×", baseline: `the least: ${least}, ${leastText}`, aim: "= 1", met: value === 1 };
}

export async function measureCalls(): Promise<Report> {
  const { kinds, full } = await countCalls();
  const first = kinds.flatMap(({ kind, calls }) => (kind === "cloudflare-list" ? [firstOperation(calls).length] : []));
  return {
    figures: kinds.map(figureOf),
    notes: [
      ...kinds.map(noteOf),
      `At a full ACL: ${noteOf(full)}`,
      `cloudflare-list: the pass that sends the first operation makes ${first.join()} of these calls. The second operation waits for the first, and gets an observation of its own.`,
      "azure-nsg, cloudflare-list: the look before each write is counted as needed, because neither API has a conditional write. Tokens are not counted.",
    ],
  };
}
