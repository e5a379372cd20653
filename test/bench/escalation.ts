// What growing leases are worth: a replay of real attackers through the production coordinator with a store in memory and a clock that the bench
// moves, against a fixed lease that costs as many rule-hours. `node test/bench/escalation.ts [--readme]`; the model is in attackers.ts.
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { Coordinator } from "../../functions/coordinator/coordinator.ts";
import { Memory, volatileStorage } from "../../functions/coordinator/memory.ts";
import { memoryStore } from "../../functions/stores/memory.ts";
import type { Escalation } from "../../shared/config.ts";
import { configDefaults } from "../../shared/config-file/defaults.ts";
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { createProtection } from "../../shared/protect/index.ts";
import { durationText, parseDuration } from "../../shared/request/duration.ts";
import { type Attacker, type Presence, presences, readAttackers } from "./attackers.ts";
import { benchConfig } from "./deployment.ts";
import type { Report } from "./figures.ts";
import { writeBetween } from "./readme.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

export interface Setting {
  readonly firstMs: number;
  /** Absent: every lease is as long as the first. */
  readonly escalate?: Escalation;
  readonly longestMs: number;
}

export interface Outcome {
  /** Days of attack after an attacker's first, and those whose first event met a live lease. */
  readonly returning: number;
  readonly covered: number;
  readonly leases: number;
  readonly ruleHours: number;
}

async function coordinatorFor(clock: { now(): EpochMs }, { escalate, longestMs }: Setting): Promise<Coordinator> {
  const base = benchConfig({}, "");
  const bench = base.clients.bench;
  if (bench === undefined) throw new Error("the configuration of benches has no client");
  const config = {
    ...base,
    store: { stalenessMs: 0 },
    // The list has addresses of every kind; what is measured is time.
    protect: { ranges: [], presets: [] },
    brake: { new: 1_000_000, perMs: 60_000 },
    clients: { bench: { ...bench, live: 1_000_000, newPerMinute: 1_000_000, longestMs, ...(escalate === undefined ? {} : { escalate }) } },
  };
  const memory = await Memory.open(volatileStorage(), clock.now());
  const parts = { config, clock, memory, log: () => undefined, targets: [], deployment: "bench", continuity: "kept" as const };
  const host = { schedule: async () => undefined, sleep: async () => undefined, heartbeat: async () => undefined };
  const world = { ...parts, store: memoryStore(clock), protection: createProtection(config.protect) };
  const coordinator = new Coordinator(world, { ...host, randomBytes: (count) => new Uint8Array(count).fill(7) });
  await coordinator.storeId(true);
  return coordinator;
}

/** The detector posts the first event of each day, unless the firewall has stopped it: then it never saw it. */
export async function replay(attackers: readonly Attacker[], setting: Setting): Promise<Outcome> {
  const events = attackers.flatMap(({ moments }, index) => moments.map((at) => ({ at, index }))).sort((a, b) => a.at - b.at);
  const time = { now: Math.floor((events[0]?.at ?? 0) / dayMs) * dayMs };
  const coordinator = await coordinatorFor({ now: () => time.now }, setting);
  const untils = new Map<number, EpochMs>();
  const sum = { returning: 0, covered: 0, leases: 0, ruleHours: 0 };
  for (const { at, index } of events) {
    // One pass a day is enough for the coordinator to learn what has ended, and there is no firewall to be late at.
    for (let day = time.now - (time.now % dayMs) + dayMs; day <= at; day += dayMs) {
      time.now = day;
      await coordinator.tick();
    }
    time.now = at;
    const standing = untils.get(index);
    if (standing !== undefined) sum.returning += 1;
    if (standing !== undefined && standing > at) {
      sum.covered += 1;
      continue;
    }
    const key = attackers[index]?.key ?? "";
    const item = { key, asked: key, at, until: at + setting.firstMs, severity: "medium", targets: null, reason: "replay", alerts: [] } as const;
    const [accepted] = (await coordinator.accept({ client: "bench", items: [item], allOrNothing: true, dryRun: false })).items;
    if (accepted?.status !== "created") throw new Error(`the coordinator answered ${JSON.stringify(accepted)}`);
    untils.set(index, accepted.until);
    sum.leases += 1;
    sum.ruleHours += (accepted.until - at) / hourMs;
  }
  return sum;
}

/** What a fixed lease costs, by arithmetic: the search asks often, and the product has nothing to decide for it. */
function fixedHours(attackers: readonly Attacker[], lengthMs: number): number {
  let leases = 0;
  for (const { moments } of attackers) {
    let until = Number.NEGATIVE_INFINITY;
    for (const at of moments) {
      if (at < until) continue;
      until = at + lengthMs;
      leases += 1;
    }
  }
  return (leases * lengthMs) / hourMs;
}

/** The fixed lease, in whole minutes, that costs at least as many rule-hours. */
function fixedFor(attackers: readonly Attacker[], ruleHours: number): number {
  let [low, high] = [1, limits.leaseLongestMs / 60_000];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (fixedHours(attackers, middle * 60_000) < ruleHours) low = middle + 1;
    else high = middle;
  }
  return low * 60_000;
}

export interface Comparison {
  readonly presence: Presence;
  readonly setting: Setting;
  readonly growing: Outcome;
  readonly fixedMs: number;
  readonly fixed: Outcome;
}

export async function compare(attackers: readonly Attacker[], presence: Presence, setting: Setting): Promise<Comparison> {
  const growing = await replay(attackers, setting);
  const fixedMs = fixedFor(attackers, growing.ruleHours);
  const fixed = await replay(attackers, { firstMs: fixedMs, longestMs: limits.leaseLongestMs });
  return { presence, setting, growing, fixedMs, fixed };
}

function settingOf(firstMs: number, factor: number = configDefaults.escalate.factor, longestMs: number = limits.leaseLongestMs): Setting {
  const { max, memory } = configDefaults.escalate;
  return { firstMs, longestMs, escalate: { factor, maxMs: parseDuration(max) ?? 0, memoryMs: parseDuration(memory) ?? 0 } };
}

const usual = settingOf(limits.leaseDefaultMs);

function coveredShare({ covered, returning }: Outcome): number {
  return (100 * covered) / returning;
}

function rowOf({ presence, setting, growing, fixedMs, fixed }: Comparison): string {
  const isUsual = JSON.stringify(setting) === JSON.stringify(usual);
  const cells = [
    presence,
    durationText(setting.firstMs),
    `${setting.escalate?.factor}`,
    durationText(setting.longestMs),
    `${coveredShare(growing).toFixed(1)} %`,
    `${coveredShare(fixed).toFixed(1)} %`,
    `${(fixedMs / hourMs).toFixed(1)} h`,
    `${Math.round(growing.ruleHours / 1_000).toLocaleString("en")}k`,
    `${Math.round(growing.leases / 1_000)}k / ${Math.round(fixed.leases / 1_000)}k`,
  ];
  return `| ${cells.map((cell) => (isUsual ? `**${cell}**` : cell)).join(" | ")} |`;
}

const head = ["Attacks", "First lease", "Factor", "Longest", "Covered, growing", "Covered, fixed", "That fixed lease", "Rule-hours of each", "Leases of each"];

async function table(): Promise<string | null> {
  const rows: string[] = [];
  let about = "";
  for (const presence of presences) {
    const found = await readAttackers(presence);
    if (found === null) return null;
    const firsts = presence === "every day" ? [hourMs, 4 * hourMs, 24 * hourMs] : [4 * hourMs];
    const settings = firsts.flatMap((firstMs) => [2, 4, 8].map((factor) => settingOf(firstMs, factor)));
    // What a client's default `longest` makes of it.
    if (presence === "every day") settings.push(settingOf(4 * hourMs, configDefaults.escalate.factor, parseDuration(configDefaults.clientLongest) ?? 0));
    for (const setting of settings) {
      const comparison = await compare(found.all, presence, setting);
      rows.push(rowOf(comparison));
      console.error(rows.at(-1));
      if (rows.length === 1)
        about = `${found.all.length} attackers, ${comparison.growing.returning} returning days; ${found.leftOut} rows of the list left out.`;
    }
  }
  return [`| ${head.join(" | ")} |`, `|${" --- |".repeat(head.length)}`, ...rows, "", `Made by \`node test/bench/escalation.ts --readme\`: ${about}`].join(
    "\n",
  );
}

const partOfBench = 0.25;
const absent = "../shared/data/ip/honeypot_threats_dev.csv.gz is not here: no attackers were replayed";

/** For `npm run bench`: the defaults, with every fourth attacker. */
export async function measureEscalation(): Promise<Report> {
  const found = await readAttackers("every day", partOfBench);
  if (found === null) return { figures: [], notes: [absent] };
  const { growing, fixed, fixedMs } = await compare(found.all, "every day", usual);
  const [value, other] = [coveredShare(growing), coveredShare(fixed)];
  const baseline = `${other.toFixed(1)} % by a fixed lease of as many rule-hours, ${(fixedMs / hourMs).toFixed(0)} h`;
  return {
    figures: [{ name: "escalation.covered", value, unit: "%", baseline, aim: "more than the fixed lease", met: value > other }],
    notes: [`${found.all.length} attackers of a honeypot, ${growing.returning} returning days, ${growing.leases} leases growing and ${fixed.leases} fixed`],
  };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { readme: { type: "boolean" } } });
  const text = await table();
  if (text === null) console.log(absent);
  else if (values.readme === true) await writeBetween(resolve(import.meta.dirname, "../../shared/lease/README.md"), "escalation", text);
  else console.log(text);
}
