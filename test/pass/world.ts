// The least world that the rules of a pass need: one or more targets, a memory of their own, and a clock by hand.
import { Memory, volatileStorage } from "../../functions/coordinator/memory.ts";
import type { Target, VisitRequest, World } from "../../functions/pass/world.ts";
import { cidrOf } from "../../shared/address/index.ts";
import type { Config, TargetConfig, TargetMode } from "../../shared/config.ts";
import type { Records } from "../../shared/lease/live.ts";
import { noStop } from "../../shared/lease/record.ts";
import type { Entry, Observation, ProviderDefinition, Step } from "../../shared/provider.ts";

export const storeId = "0123456789abcdef";
export const startMs = Date.UTC(2026, 10, 20);
/** The store is taken to be this far behind, so that SETTLE is 60 s. */
const stalenessMs = 55_000;
export const settle = 60_000;
export const lagMs = 7_000;

export const targetConfig: TargetConfig = { kind: "aws-nacl", mode: "enforce", maxEntries: null, settings: {}, credentials: {}, formerly: null };

export function targetOf(name: string, mode: TargetMode = "enforce"): Target {
  return {
    name,
    config: { ...targetConfig, mode },
    definition: { observeLagMs: lagMs } as unknown as ProviderDefinition,
    provider: {} as unknown as Target["provider"],
    serialKey: name,
    calls: { made: 0 },
  };
}

export interface WorldParts {
  readonly targets?: readonly Target[];
  readonly continuity?: "kept" | "none";
  readonly names?: Config["targets"];
  readonly list?: World["store"]["list"];
  readonly log?: World["log"];
  readonly now?: () => number;
}

export async function worldOf(parts: WorldParts = {}): Promise<World> {
  const targets = parts.targets ?? [targetOf("web")];
  const names = parts.names ?? Object.fromEntries(targets.map((target) => [target.name, target.config]));
  return {
    config: { store: { stalenessMs }, targets: names } as unknown as Config,
    clock: { now: parts.now ?? (() => startMs) },
    log: parts.log ?? (() => undefined),
    store: { list: parts.list ?? (async () => ({ keys: [], cursor: null })) } as unknown as World["store"],
    memory: await Memory.open(volatileStorage(), startMs),
    targets,
    protection: { find: () => null, size: 0 },
    deployment: "one",
    continuity: parts.continuity ?? "kept",
  };
}

export const whole: Records = { leases: [], lifts: [], stop: noStop, storeId, complete: true, incompleteWhy: null };

export function requestOf(changes: Partial<VisitRequest> = {}): VisitRequest {
  return {
    records: whole,
    lifted: () => false,
    fresh: "fresh",
    now: startMs + settle,
    callsMax: 9,
    deadlineAt: startMs + 2 * settle,
    purpose: "apply",
    ...changes,
  };
}

export function observationOf(changes: Partial<Observation> = {}): Observation {
  return { ours: [], foreign: [], pools: [], storeId, enforcing: { yes: true }, terminal: null, serverDate: startMs + settle, ...changes };
}

export function entryOf(id: string, text: string, partial: string | null = null): Entry {
  return { id, cidr: cidrOf(text), partial };
}

export function stepOf(adds: readonly Entry[], removes: readonly string[]): Step {
  return { id: "step", summary: "a step", slots: [], adds, removes, native: null };
}
