// A whole pass over targets whose providers are written by hand, with what is stored, the clock and every line of the log at hand.
import type { Target, World } from "../../functions/pass/world.ts";
import type { TargetConfig } from "../../shared/config.ts";
import { ok, type Result } from "../../shared/errors.ts";
import { leaseKey, leaseMetadata } from "../../shared/keys.ts";
import type { Lease } from "../../shared/lease/record.ts";
import type { LogRecord, StoreKey } from "../../shared/ports.ts";
import type { CompileRequest, Observation, Outcome, ProviderDefinition, Step } from "../../shared/provider.ts";
import { pools, leaseOf as rigLease, stepsOf } from "./rig.ts";
import { observationOf, settle, startMs, storeId, targetConfig, targetOf, worldOf } from "./world.ts";

export interface Hand {
  observe?: () => Result<Observation> | Promise<Result<Observation>>;
  answer?: (step: Step) => Outcome;
  config?: Partial<TargetConfig>;
  serialKey?: string;
}

export interface Told {
  readonly world: World;
  readonly logs: LogRecord[];
  /** `name asks`, `name is done`, in the order of it. */
  readonly order: string[];
  keys: readonly StoreKey[];
  now: number;
}

/** What a cloud answers where somebody else was there first. */
export const taken = (): Outcome => ({ kind: "conflict", why: "somebody else" });

export const setUp: StoreKey = { name: "meta:store", metadata: { id: storeId } };

/** As the store has it, by its key. */
export function leaseOf(text: string, changes: Partial<Lease> = {}): Lease {
  const lease = rigLease(text, { at: startMs, until: startMs + 20 * settle, ...changes });
  return { ...lease, key: leaseKey(lease.cidr, lease.until, lease.client) };
}

export const stored = (lease: Lease): StoreKey => ({ name: lease.key, metadata: leaseMetadata(lease) });

function targetByHand(name: string, hand: Hand, order: string[], now: () => number): Target {
  const target = targetOf(name);
  const provider = {
    admit: () => ({ kind: "accept" }),
    observe: async () => {
      order.push(`${name} asks`);
      target.calls.made += 1;
      await Promise.resolve();
      const seen = await (hand.observe?.() ?? ok(observationOf({ pools, serverDate: now() })));
      order.push(`${name} is done`);
      return seen;
    },
    compile: (request: CompileRequest) => stepsOf(request),
    apply: async (step: Step) => {
      target.calls.made += 1;
      return hand.answer?.(step) ?? { kind: "applied" };
    },
  } as unknown as Target["provider"];
  const definition = { observeLagMs: 0, granularity: "entry", kind: "aws-nacl", capabilities: { swap: { support: "yes" } } };
  return {
    ...target,
    provider,
    definition: definition as unknown as ProviderDefinition,
    serialKey: hand.serialKey ?? name,
    config: { ...targetConfig, ...hand.config },
  };
}

export async function toldOf(hands: Readonly<Record<string, Hand>>, leases: readonly Lease[] = [], extra: Partial<World> = {}): Promise<Told> {
  const logs: LogRecord[] = [];
  const order: string[] = [];
  const targets = Object.entries(hands).map(([name, hand]) => targetByHand(name, hand, order, () => told.now));
  const list = async () => ({ keys: [...told.keys], cursor: null });
  const base = await worldOf({ targets, list, log: (record) => logs.push(record), now: () => told.now });
  const config = { ...base.config, owner: "ours", clients: {} } as World["config"];
  const told: Told = { world: { ...base, config, ...extra }, logs, order, keys: [setUp, ...leases.map(stored)], now: startMs + settle };
  return told;
}
