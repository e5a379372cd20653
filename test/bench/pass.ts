// What a full pass costs at 1,000 and at 10,000 leases: the production loop in this process, around a firewall in memory.
// The store serves prepared pages, as KV does: sorting them is not the product's work. CPU time of this thread, not wall time.
import { Memory, volatileStorage } from "../../functions/coordinator/memory.ts";
import type { Target, World } from "../../functions/pass/world.ts";
import { pass } from "../../functions/reconcile.ts";
import { blockOf, type Cidr } from "../../shared/address/index.ts";
import { severities } from "../../shared/config.ts";
import { leaseKey, leaseMetadata } from "../../shared/keys.ts";
import { type Clock, type EpochMs, Secret, type Store, type StoreKey } from "../../shared/ports.ts";
import { createProtection } from "../../shared/protect/index.ts";
import { MemoryFirewall, memoryDefinition } from "../simulators/memory-provider.ts";
import { benchConfig } from "./deployment.ts";
import { type Report, rounded, shownSpread, summarise } from "./figures.ts";

const startMs = Date.UTC(2026, 0, 5);
const hourMs = 3_600_000;
const pageKeys = 1_000;
const storeId = "0123456789abcdef0123456789abcdef";
/** Of a hundred leases so many find room. */
const roomShare = 0.4;

/** Seven of ten single IPv4 addresses, two IPv6 /64, one IPv4 range of 64; in order nobody would choose. */
function cidrAt(index: number): Cidr {
  const mixed = Math.imul(index + 1, 2_654_435_761) >>> 0;
  if (index % 10 === 9) return blockOf(4, (0x3e000000 + (mixed & 0xffffc0)).toString(16).padStart(8, "0"), 26);
  if (index % 10 > 6) return blockOf(6, `2a00${mixed.toString(16).padStart(8, "0")}`.padEnd(32, "0"), 64);
  return blockOf(4, (0x64000000 + (mixed & 0x3fffff)).toString(16).padStart(8, "0"), 32);
}

/** A listing as the store gives it: live leases of three clients, a twentieth of them renewed or ended. */
function listing(count: number): StoreKey[] {
  const keys: StoreKey[] = [{ name: "meta:store", metadata: { id: storeId } }];
  for (let index = 0; index < count; index += 1) {
    const cidr = cidrAt(index);
    const at = startMs - (index % 3_600) * 1_000;
    const client = `client-${index % 3}`;
    const severity = severities[index % 4] ?? "medium";
    const untils = index % 20 === 0 ? [startMs - hourMs, at + 24 * hourMs] : [at + 24 * hourMs];
    for (const until of untils) {
      const lease = { cidr, at, until, client, severity, targets: null, held: false };
      keys.push({ name: leaseKey(cidr, until, client), metadata: leaseMetadata(lease) });
    }
  }
  return keys.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function pagedStore(keys: readonly StoreKey[]): Store {
  const pages = Array.from({ length: Math.ceil(keys.length / pageKeys) }, (_, page) => JSON.stringify(keys.slice(page * pageKeys, (page + 1) * pageKeys)));
  return {
    capabilities: { stalenessMs: 115_000, atomic: false, ttlMinSeconds: 60, metadataBytesMax: 1_024 },
    put: async () => undefined,
    get: async () => null,
    delete: async () => undefined,
    list: async (cursor) => {
      const page = Number(cursor ?? "0");
      return { keys: JSON.parse(pages[page] ?? "[]") as StoreKey[], cursor: page + 1 < pages.length ? String(page + 1) : null };
    },
  };
}

function msOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1_000;
}

interface Rig {
  readonly world: World;
  readonly firewall: MemoryFirewall;
  readonly time: { nowMs: EpochMs };
  /** CPU time that the firewall in memory took for planning its own places: not the product's. */
  readonly compiling: { ms: number };
}

async function rigOf(leases: number): Promise<Rig> {
  const time = { nowMs: startMs };
  const clock: Clock = { now: () => time.nowMs };
  const firewall = new MemoryFirewall(leases * roomShare);
  firewall.mark = storeId;
  const definition = memoryDefinition(firewall);
  const targetConfig = { kind: "memory", mode: "enforce", maxEntries: null, settings: {}, credentials: {}, formerly: null } as const;
  const config = benchConfig({ wall: targetConfig }, "");
  const calls = { made: 0 };
  const compiling = { ms: 0 };
  const ports = { clock, log: () => undefined, random: { bytes: (count: number) => new Uint8Array(count) }, secrets: { key: new Secret(firewall.key) } };
  const provider = definition.create({ name: "wall" }, { ...ports, send: () => Promise.reject(new Error("there is no network here")) });
  // The firewall is not reached by a transport, so its calls are counted here: the pass keeps to its budget.
  const counted: Target["provider"] = {
    admit: (cidr) => provider.admit(cidr),
    compile: (request) => {
      const before = process.threadCpuUsage();
      const steps = provider.compile(request);
      compiling.ms += msOf(process.threadCpuUsage(before));
      return steps;
    },
    setup: (action) => provider.setup(action),
    observe: () => {
      calls.made += 1;
      return provider.observe();
    },
    apply: (step) => {
      calls.made += 1;
      return provider.apply(step);
    },
  };
  const target: Target = { name: "wall", config: targetConfig, definition, provider: counted, serialKey: "wall", calls };
  const memory = await Memory.open(volatileStorage(), startMs - hourMs);
  const world: World = {
    config,
    clock,
    log: () => undefined,
    store: pagedStore(listing(leases)),
    memory,
    targets: [target],
    protection: createProtection(config.protect),
    deployment: "bench",
    continuity: "kept",
  };
  return { world, firewall, time, compiling };
}

/** Puts in place at once what many passes would add, 45 calls each. */
function fill(rig: Rig): void {
  const { memory } = rig.world;
  const shed = new Set(memory.snapshot?.targets.wall?.shed);
  const taken = new Set([...rig.firewall.places.values()].map(({ cidr }) => `${cidr.first}/${cidr.length}`));
  let place = 1;
  for (const row of memory.snapshot?.blocks ?? []) {
    const [, first = "", length = ""] = /^[46]:([0-9a-f]+)\/(\d+)$/.exec(row.key) ?? [];
    const cidr = blockOf(row.key.startsWith("4") ? 4 : 6, first, Number(length));
    const state = memory.snapshot?.states[row.states.wall ?? -1]?.state;
    if (state !== "pending" || taken.has(`${first}/${length}`)) continue;
    while (rig.firewall.places.has(place)) place += 1;
    rig.firewall.places.set(place, { cidr, ours: true });
  }
  memory.target("wall").expected = null;
  if (shed.size === 0) throw new Error("the firewall of the bench must be too small for all leases");
}

async function cpuMsOf(run: () => Promise<unknown>): Promise<number> {
  const before = process.threadCpuUsage();
  await run();
  return msOf(process.threadCpuUsage(before));
}

async function fullPass(rig: Rig): Promise<void> {
  rig.time.nowMs += 10_000;
  const { failed } = await pass(rig.world, "asked");
  if (Object.keys(failed).length > 0) throw new Error(`the pass failed: ${JSON.stringify(failed)}`);
}

async function prepared(leases: number): Promise<{ readonly rig: Rig; readonly firstMs: number }> {
  const rig = await rigOf(leases);
  const firstMs = (await cpuMsOf(() => fullPass(rig))) - rig.compiling.ms;
  fill(rig);
  await fullPass(rig);
  const target = rig.world.memory.snapshot?.targets.wall;
  if (target?.changed.length !== 0 || target.pending !== 0) throw new Error(`the bench's firewall is not steady: ${target?.pending} steps are pending`);
  return { rig, firstMs };
}

export async function measurePass(samples = 5): Promise<Report> {
  // A first, unmeasured rig lets the engine compile what both sizes run.
  const warm = await prepared(1_000);
  for (let round = 0; round < 20; round += 1) await fullPass(warm.rig);
  const small = await prepared(1_000);
  const large = await prepared(10_000);
  const [smalls, larges]: [number[], number[]] = [[], []];
  for (let sample = 0; sample <= samples; sample += 1) {
    const tenSmall = await cpuMsOf(async () => {
      for (let round = 0; round < 10; round += 1) await fullPass(small.rig);
    });
    const oneLarge = await cpuMsOf(() => fullPass(large.rig));
    if (sample === 0) continue;
    smalls.push(tenSmall / 10);
    larges.push(oneLarge);
  }
  const growth = summarise(larges.map((value, at) => value / (10 * (smalls[at] ?? Number.NaN))));
  const [less, more] = [summarise(smalls), summarise(larges)];
  const room = large.rig.firewall.capacity;
  return {
    figures: [
      { name: "pass.cpuMs", value: more.median, unit: "ms", baseline: `1,000 leases: ${rounded(less.median)} ms`, aim: "", met: null },
      { name: "pass.growth", value: growth.median, unit: "×", baseline: "time at 1,000 leases × 10", aim: "≤ 1.2", met: growth.median <= 1.2 },
    ],
    notes: [
      `Full passes with nothing left to do: list, decide, prove, report. Room for ${room} of 10,000 leases (${roomShare * 100} % at both sizes), the rest shed by name.`,
      `10,000 leases, ${shownSpread(more, " ms")}; 1,000 leases, ten passes each, ${shownSpread(less, " ms")}; growth, ${shownSpread(growth)}.`,
      `The very first pass of a life, nothing in place, 44 adds of ${room} done: ${rounded(large.firstMs)} ms at 10,000 leases, ${rounded(small.firstMs)} ms at 1,000.`,
    ],
  };
}
