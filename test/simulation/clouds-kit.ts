// Small worlds for the tests of the simulated clouds: a clock moved by hand, dice, and the production provider over the production transport.
import * as v from "valibot";
import { createTransport } from "../../functions/runtime/transport.ts";
import { type Cidr, cidrOf, cidrText, sameCidr } from "../../shared/address/index.ts";
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

/** What is missing, broken or too much; a remove and an add of one family become a swap where the kind has that. */
function changesTo(wanted: readonly Cidr[], observation: Observation, canSwap: boolean): readonly Change[] {
  const isWanted = (cidr: Cidr) => wanted.some((one) => sameCidr(one, cidr));
  const removed = observation.ours.filter((entry) => !isWanted(entry.cidr));
  const added = wanted.filter((cidr) => !observation.ours.some((entry) => entry.partial === null && sameCidr(entry.cidr, cidr)));
  const swapped = canSwap ? removed.slice(0, added.length) : [];
  return [
    ...removed.slice(swapped.length).map((entry): Change => ({ verb: "remove", entry })),
    ...added.map((cidr, at): Change => {
      const entry = swapped[at];
      return entry === undefined ? { verb: "add", cidr } : { verb: "swap", entry, cidr };
    }),
  ];
}

/** Makes ours be exactly these, as passes do: look, compile, one remote call after the other, and again while something is under way. */
export async function bring(world: SmallWorld<CloudUnderTest>, provider: Provider, texts: readonly string[]): Promise<Observation> {
  const wanted = texts.map(cidrOf);
  for (let round = 0; round < 20; round += 1) {
    world.advance(60_000);
    const observation = await seen(world, provider);
    const changes = changesTo(wanted, observation, world.cloud.definition.capabilities.swap.support === "yes");
    if (changes.length === 0) return observation;
    for (const step of provider.compile({ changes, standing: wanted, frozen: new Set(), observation })) {
      const outcome = await provider.apply(step);
      if (outcome.kind === "failed") throw outcome.error;
      if (outcome.kind !== "applied" && outcome.kind !== "already") break;
    }
  }
  throw new Error(`not brought about: ${texts.join(", ")}`);
}
