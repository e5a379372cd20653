// What a kind must bring to be held to the laws: instances bound to a claimed target, and a world to look at and to disturb.
import type { Cidr } from "../../../shared/address/index.ts";
import { cidrKey, cidrText } from "../../../shared/address/index.ts";
import { limits } from "../../../shared/limits.ts";
import type { LogRecord, Signal } from "../../../shared/ports.ts";
import type { CapabilityName, Change, Entry, Observation, Outcome, Provider, ProviderDefinition, Step } from "../../../shared/provider.ts";
import { must } from "../must.ts";

export type Trouble =
  /** The next write is refused as too fast. */
  | { readonly kind: "throttle"; readonly retryAfterSeconds: number | null }
  /** The next write takes effect, and its answer is lost. */
  | { readonly kind: "lostAnswer" }
  /** The next write is lost before it takes effect, and nobody can tell. */
  | { readonly kind: "lostCall" }
  /** The next write fails with a server error; whether it took effect is for the world to choose. */
  | { readonly kind: "serverError" }
  /** The next read answers something that is not an answer. */
  | { readonly kind: "unreadable" }
  /** Credentials stop being accepted, or are accepted again. */
  | { readonly kind: "revoked" | "restored" };

/** The far side, as its owner sees it. */
export interface World {
  /** Everything that stands at the target, as comparable text. */
  state(): string;
  /** Everything that is not ours, with content and order, as comparable text. */
  foreign(): string;
  /** A person adds something of their own, inside the place that we claimed too if the kind has such a place. */
  addForeign(): void;
  /** A person takes every place that this step would touch, for something that is not ours. */
  takePlacesOf(step: Step): void;
  /** For kinds whose entries have one place only, such as the priority of a rule or the value itself: the person gives it up again. Before that nothing may be written there. */
  givePlacesBack?(step: Step): void;
  /** A person removes what this entry stands for. */
  removeOurs(entry: Entry): void;
  /** Calls so far that asked for a change. */
  writes(): number;
  advance(ms: number): void;
  trouble(trouble: Trouble): void;
}

export interface ProviderHarness {
  readonly definition: ProviderDefinition;
  readonly storeId: string;
  /** A new instance as after a restart, with the credentials of the running function. */
  provider(): Provider;
  /** A new instance with the credentials of a person at `setup`. */
  operator(): Provider;
  readonly world: World;
  readonly nowMs: () => number;
  readonly logs: readonly LogRecord[];
  /** Every secret text that must never be seen. */
  secrets(): readonly string[];
  close(): Promise<void>;
}

/** Each law gets a target of its own, empty and claimed. */
export interface ProviderLaw {
  readonly name: string;
  /** Runs only where the definition says `yes`; a `no` must then be refused by `admit`, which has its own law. */
  readonly needs?: CapabilityName;
  run(harness: ProviderHarness): Promise<void>;
}

export async function look(provider: Provider): Promise<Observation> {
  const seen = await provider.observe();
  if (!seen.ok) throw new Error(`observing failed: ${seen.error.code} ${seen.error.message}`);
  must(seen.value.terminal === null, `the target is terminal: ${seen.value.terminal}`);
  return seen.value;
}

/** Observes when our own last write must be visible. */
export async function lookLater(harness: ProviderHarness, provider: Provider): Promise<Observation> {
  harness.world.advance(harness.definition.observeLagMs + limits.freezeMs);
  return look(provider);
}

/** What must stand after `changes`, for kinds that write whole sets. */
function standingAfter(changes: readonly Change[], observation: Observation): Cidr[] {
  const standing = new Map(observation.ours.map((entry) => [cidrKey(entry.cidr), entry.cidr]));
  for (const change of changes) {
    if (change.verb !== "add") standing.delete(cidrKey(change.entry.cidr));
    if (change.verb !== "remove") standing.set(cidrKey(change.cidr), change.cidr);
  }
  return [...standing.values()];
}

export function plan(provider: Provider, observation: Observation, changes: readonly Change[], frozen: readonly string[] = []): readonly Step[] {
  return provider.compile({ changes, standing: standingAfter(changes, observation), frozen: new Set(frozen), observation });
}

/** As `plan`, where the operator lets only so many stand. */
export function planWithin(maxEntries: number, provider: Provider, observation: Observation, changes: readonly Change[]): readonly Step[] {
  return plan(provider, { ...observation, pools: [...observation.pools, { name: "maxEntries", families: [4, 6], limit: maxEntries }] }, changes);
}

/**
 * Applies steps in order. A cloud that works on a change after it answered says `pending`: then the rest waits for another look,
 * as it does in a pass, and `underWay` tells so.
 */
export async function carryOut(provider: Provider, steps: readonly Step[]): Promise<"done" | "underWay"> {
  for (const step of steps) {
    const outcome = await provider.apply(step);
    if (outcome.kind === "pending") return "underWay";
    must(outcome.kind === "applied", `${step.summary}: expected applied, came to ${shown(outcome)}`);
  }
  return "done";
}

/** What of these changes is not yet so. */
function left(changes: readonly Change[], seen: Observation): readonly Change[] {
  const ids = new Set(seen.ours.map((entry) => entry.id));
  const whole = new Set(seen.ours.filter((entry) => entry.partial === null).map((entry) => cidrKey(entry.cidr)));
  return changes.filter((change) => (change.verb === "remove" ? ids.has(change.entry.id) : !whole.has(cidrKey(change.cidr))));
}

const roundsMax = 40;

/** Goes on with changes of which some are under way, one look and one write after the other. */
export async function finish(harness: ProviderHarness, provider: Provider, changes: readonly Change[]): Promise<Observation> {
  for (let round = 0; round < roundsMax; round += 1) {
    const seen = await lookLater(harness, provider);
    const rest = left(changes, seen);
    if (rest.length === 0) return seen;
    await carryOut(provider, plan(provider, seen, rest));
  }
  throw new Error(`${changes.length} changes were not done after ${roundsMax} rounds`);
}

/** Observes, compiles, applies all, and observes again. */
export async function bring(harness: ProviderHarness, provider: Provider, changes: (observation: Observation) => readonly Change[]): Promise<Observation> {
  const before = await lookLater(harness, provider);
  const wanted = changes(before);
  const done = await carryOut(provider, plan(provider, before, wanted));
  return done === "done" ? lookLater(harness, provider) : finish(harness, provider, wanted);
}

export function shown(outcome: Outcome): string {
  if (outcome.kind === "failed") return `failed ${outcome.error.code}: ${outcome.error.message}`;
  return "why" in outcome ? `${outcome.kind}: ${outcome.why}` : outcome.kind;
}

/** Addresses of ours as sorted text. */
export function addresses(observation: Observation): readonly string[] {
  return observation.ours.map((entry) => cidrText(entry.cidr)).sort();
}

export function adds(cidrs: readonly Cidr[]): Change[] {
  return cidrs.map((cidr) => ({ verb: "add", cidr }));
}

export function removes(entries: readonly Entry[]): Change[] {
  return entries.map((entry) => ({ verb: "remove", entry }));
}

/** An aborted signal, without a platform's AbortController. */
export const aborted: Signal = { aborted: true };
