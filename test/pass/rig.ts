// A target whose provider is written by hand, in the least world of a pass.
import { expect } from "vitest";
import { visit } from "../../functions/pass/visit.ts";
import type { Target, VisitRequest, World } from "../../functions/pass/world.ts";
import { type Cidr, cidrKey, cidrOf } from "../../shared/address/index.ts";
import { ok, type Result } from "../../shared/errors.ts";
import { liftedBy } from "../../shared/lease/live.ts";
import type { Lease } from "../../shared/lease/record.ts";
import type { LogRecord, Signal } from "../../shared/ports.ts";
import type { CompileRequest, Entry, Observation, Outcome, Provider, ProviderDefinition, Step } from "../../shared/provider.ts";
import { lagMs, observationOf, requestOf, settle, startMs, targetOf, type WorldParts, whole, worldOf } from "./world.ts";

export interface Rig {
  readonly world: World;
  readonly target: Target;
  readonly sent: Step[];
  readonly compiled: CompileRequest[];
  readonly logs: LogRecord[];
  /** What was counted: `name{label=value,…} n`. */
  readonly counted: string[];
  now: number;
}

export interface RigParts {
  readonly world?: WorldParts;
  readonly definition?: Partial<ProviderDefinition>;
  readonly target?: Partial<Target>;
  readonly answer?: (step: Step, rig: Rig) => Outcome;
  readonly observe?: () => Result<Observation>;
  readonly compile?: (request: CompileRequest) => readonly Step[];
}

/** A world with one target whose provider is written by hand. */
export async function rigOf({ answer = () => ({ kind: "applied" }), observe, compile, ...parts }: RigParts = {}): Promise<Rig> {
  const sent: Step[] = [];
  const compiled: CompileRequest[] = [];
  const logs: LogRecord[] = [];
  const counted: string[] = [];
  const provider = {
    admit: () => ({ kind: "accept" }),
    observe: async (signal: Signal) => {
      expect(signal).toMatchObject({ aborted: false, purpose: "read" });
      return observe?.() ?? ok(observationOf());
    },
    compile: (request: CompileRequest) => {
      compiled.push(request);
      return compile?.(request) ?? [];
    },
    apply: async (step: Step, signal: Signal) => {
      expect(signal).toMatchObject({ aborted: false, purpose: "write" });
      rig.target.calls.made += 1;
      // What is under way is noted before it is sent: whoever finds it knows that its outcome is unknown.
      expect(rig.world.memory.target("web").inFlight).toEqual({ slots: step.slots, blocks: step.adds.map((entry) => cidrKey(entry.cidr)) });
      sent.push(step);
      return answer(step, rig);
    },
  } as unknown as Provider;
  const definition = {
    observeLagMs: lagMs,
    granularity: "entry",
    capabilities: { swap: { support: "yes" } },
    ...parts.definition,
  } as unknown as ProviderDefinition;
  const target: Target = { ...targetOf("web"), ...parts.target, provider, definition };
  const rig: Rig = {
    world: await worldOf({ targets: [target], log: (record) => logs.push(record), now: () => rig.now }),
    target,
    sent,
    compiled,
    logs,
    counted,
    now: startMs,
  };
  rig.world.memory.counters.add = (name, labels = {}, count = 1) => {
    const text = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
    counted.push(`${name}{${text.join(",")}} ${count}`);
  };
  return rig;
}

export function leaseOf(text: string, changes: Partial<Lease> = {}): Lease {
  return { key: text, cidr: cidrOf(text), at: 0, until: startMs + 9 * settle, client: "a", severity: "high", targets: null, held: false, ...changes };
}

export const pools: Observation["pools"] = [{ name: "rules", families: [4], limit: 9 }];

/** The steps of a provider that takes one change per call. */
export function stepsOf({ changes }: CompileRequest): Step[] {
  return changes.map((change) => {
    const adds: Entry[] = change.verb === "remove" ? [] : [{ id: `new ${cidrKey(change.cidr)}`, cidr: change.cidr, partial: null }];
    const removes = change.verb === "add" ? [] : [change.entry.id];
    return {
      id: "s",
      summary: `${change.verb} ${[...adds.map((entry) => cidrKey(entry.cidr)), ...removes].join(" ")}`,
      slots: [],
      adds,
      removes,
      native: null,
    };
  });
}

export function visitOf(rig: Rig, leases: readonly Lease[], changes: Partial<VisitRequest> = {}) {
  rig.now = startMs + settle;
  return visit(rig.world, rig.target, requestOf({ records: { ...whole, leases }, lifted: liftedBy([]), ...changes }), []);
}

export const key = (text: string): string => cidrKey(cidrOf(text));
export const cidrs = (list: readonly Cidr[]): string[] => list.map(cidrKey);
