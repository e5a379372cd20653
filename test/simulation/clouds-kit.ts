// Small worlds for the tests of the simulated clouds: a clock moved by hand, dice, and the production provider over the production transport.
import * as v from "valibot";
import { createTransport } from "../../functions/runtime/transport.ts";
import { cidrText } from "../../shared/address/index.ts";
import type { TargetConfig } from "../../shared/config.ts";
import { Secret } from "../../shared/ports.ts";
import type { Change, Observation, Provider } from "../../shared/provider.ts";
import { type CloudOptions, fetchOver } from "./clouds/index.ts";
import type { CloudChange, CloudUnderTest } from "./contract.ts";
import { Dice } from "./dice.ts";

export const storeId = "0123456789abcdef";
export const startMs = Date.UTC(2026, 10, 20, 12, 0, 0);

export interface SmallWorld<C extends CloudUnderTest> {
  readonly cloud: C;
  readonly changes: CloudChange[];
  readonly dice: Dice;
  readonly roll: (what: string) => number;
  now(): number;
  advance(ms: number): void;
  provider(): Provider;
}

/** Secrets by the names that the target's credentials give. */
function secretsOf(cloud: CloudUnderTest, target: TargetConfig): Record<string, Secret> {
  return Object.fromEntries(Object.entries(target.credentials).map(([name, secret]) => [name, new Secret(cloud.secrets[secret] ?? "")]));
}

export function smallWorld<C extends CloudUnderTest>(make: (options: CloudOptions) => C, seed = 1): SmallWorld<C> {
  let now = startMs;
  const dice = new Dice(seed);
  const roll = (what: string) => dice.roll(what);
  const cloud = make({ name: "under-test", storeId, nowMs: () => now, roll });
  const changes: CloudChange[] = [];
  cloud.onChange((change) => changes.push(change));
  const provider = () => {
    const settings = v.parse(cloud.definition.settings, cloud.target.settings);
    const send = createTransport({ fetch: fetchOver([cloud]), hostSuffixes: cloud.definition.hostSuffixes(settings), timeoutMs: 200 });
    const random = { bytes: (count: number) => dice.bytes("random", count) };
    return cloud.definition.create(settings, { send, clock: { now: () => now }, random, log: () => undefined, secrets: secretsOf(cloud, cloud.target) });
  };
  const advance = (ms: number) => {
    now += ms;
    cloud.poll();
  };
  return { cloud, changes, dice, roll, now: () => now, advance, provider };
}

/** Looks until nothing is under way any more. */
export async function seen(world: SmallWorld<CloudUnderTest>, provider: Provider): Promise<Observation> {
  for (let round = 0; round < 40; round += 1) {
    const observed = await provider.observe();
    if (observed.ok) return observed.value;
    if (observed.error.code !== "PROVIDER_PENDING") throw observed.error;
    world.advance(10_000);
  }
  throw new Error("something is under way for ever");
}

/** Addresses that the provider calls enforced, as sorted text. */
export function enforced(observation: Observation): readonly string[] {
  if (!observation.enforcing.yes) return [];
  return [...new Set(observation.ours.flatMap((entry) => (entry.partial === null ? [cidrText(entry.cidr)] : [])))].sort();
}

/** Brings changes about as a pass does: one remote call after the other, looking again when one is under way. */
export async function carryOut(world: SmallWorld<CloudUnderTest>, provider: Provider, wanted: (observation: Observation) => readonly Change[]): Promise<void> {
  const observation = await seen(world, provider);
  const changes = wanted(observation);
  const gone = new Set(changes.flatMap((change) => (change.verb === "add" ? [] : [change.entry.id])));
  const standing = observation.ours.filter((entry) => !gone.has(entry.id)).map((entry) => entry.cidr);
  const added = changes.flatMap((change) => (change.verb === "remove" ? [] : [change.cidr]));
  const steps = provider.compile({ changes, standing: [...standing, ...added], frozen: new Set(), observation });
  for (const step of steps) {
    const outcome = await provider.apply(step);
    if (outcome.kind === "failed") throw outcome.error;
    if (outcome.kind !== "applied" && outcome.kind !== "already") break;
  }
  world.advance(60_000);
}
