// Everything a pass needs from outside, gathered once. Owns no behaviour.
import type { Config, TargetConfig } from "../../shared/config.ts";
import type { Lifted, Records } from "../../shared/lease/live.ts";
import { settleMs } from "../../shared/limits.ts";
import type { Clock, EpochMs, Log, Signal, Store } from "../../shared/ports.ts";
import type { Protection } from "../../shared/protect/index.ts";
import type { Provider, ProviderDefinition } from "../../shared/provider.ts";
import type { Memory } from "../coordinator/memory.ts";
import type { Desk, PlaybookEngine } from "../events/contract.ts";
import type { Cause } from "../log/cause.ts";

export interface Calls {
  made: number;
  /** How many ended how, since the pass last read it: by class of status, or `none`. */
  ended?: Record<string, number>;
}

/** One configured firewall, ready to be visited. */
export interface Target {
  readonly name: string;
  readonly config: TargetConfig;
  readonly definition: ProviderDefinition;
  readonly provider: Provider;
  /** Targets with the same key are visited one after the other. */
  readonly serialKey: string;
  /** Remote calls made so far; the pass reads the difference. */
  readonly calls: Calls;
}

export interface World {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  readonly memory: Memory;
  readonly targets: readonly Target[];
  readonly protection: Protection;
  /** Names what this deployment was built from, its configuration and protect data: another name, another deployment. */
  readonly deployment: string;
  /**
   * `kept`: memory outlives the pass, and its loss forbids removals for SETTLE.
   * `none`: there is no coordinator (KV and cron alone); removals rest on the listing and are weaker by the store's staleness.
   */
  readonly continuity: "kept" | "none";
  /**
   * `written`: what is known of leases may be an hour old (the store's snapshot, while the coordinator does not answer), and one of them may
   * have been lifted since; so a repeat is recorded once more, never answered from what is known. Otherwise a repeat writes nothing.
   */
  readonly repeats?: "written";
  /** The playbooks that events are asked of; absent: there are none. */
  readonly engine?: PlaybookEngine;
  /** Told what a pass's fresh listing names of events. */
  readonly onListed?: Desk["listed"];
  /** Whose work this pass is, for the log. */
  readonly cause?: Cause;
}

/** What a pass hands down to its remote calls. */
export function signalOf(world: Pick<World, "cause">, purpose: "read" | "write"): Signal {
  return { aborted: false, purpose, ...(world.cause === undefined ? {} : { trace: world.cause.trace }) };
}

/** The longest that a pass waits for the store to show what was written. */
export function settleOf(world: Pick<World, "config">): number {
  return settleMs(world.config.store.stalenessMs);
}

/** What a pass asks of each target's visit. */
export interface VisitRequest {
  readonly records: Records;
  readonly lifted: Lifted;
  readonly fresh: "fresh" | "reused";
  readonly now: EpochMs;
  /** Remote calls this visit may make, the observation included. */
  readonly callsMax: number;
  readonly deadlineAt: EpochMs;
  /** `plan` computes everything and writes nothing. */
  readonly purpose: "apply" | "plan";
}
