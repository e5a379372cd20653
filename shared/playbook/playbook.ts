// What a playbook is, as plain JSON: which events it is for, under which condition, and what it then does, in which order.
// Data only: `read.ts` makes it from YAML, `decide.ts` asks it.
import type { Severity } from "../config.ts";
import type { EventCategory } from "../event/event.ts";

/** What a step can do today. */
export const actionNames = ["block", "lift", "log"] as const;
export type ActionName = (typeof actionNames)[number];

/** Which events a playbook looks at; null: any. */
export interface PlaybookOn {
  readonly source: readonly string[] | null;
  /** The source's own names; a `*` at the end stands for any rest. */
  readonly type: readonly string[] | null;
  readonly category: readonly EventCategory[] | null;
  readonly status: "firing" | "resolved";
  /** Whether tests and samples of the source count. */
  readonly sample: boolean;
}

export const throttleKeys = ["actor", "event", "playbook"] as const;
/** At most `most` firings within `everyMs`, counted apart for each actor, each event id, or for the playbook as a whole. */
export interface Throttle {
  readonly per: (typeof throttleKeys)[number];
  readonly most: number;
  readonly everyMs: number;
}

export interface Retry {
  readonly times: number;
  readonly waitMs: number;
}

interface StepBase {
  readonly retry: Retry | null;
  readonly continueOnError: boolean;
}

export interface BlockStep extends StepBase {
  readonly action: "block";
  /** null: as long as the event asks for, or else the configuration's default. */
  readonly forMs: number | null;
  /** null: the event's. */
  readonly severity: Severity | null;
  /** null: the configuration's default. */
  readonly targets: readonly string[] | null;
  /** Prefix lengths that single addresses are widened to; null: as the configuration says. */
  readonly prefix: { readonly ipv4: number | null; readonly ipv6: number | null } | null;
}

export interface LiftStep extends StepBase {
  readonly action: "lift";
}

export interface LogStep extends StepBase {
  readonly action: "log";
  readonly message: string;
}

export type ActionStep = BlockStep | LiftStep | LogStep;

export interface TogetherStep {
  readonly action: "together";
  readonly steps: readonly ActionStep[];
}

export type Step = ActionStep | TogetherStep;

export interface Playbook {
  readonly name: string;
  readonly title: string;
  /** `observe`: what it would do is said and not done. */
  readonly mode: "observe" | "enforce";
  readonly on: PlaybookOn;
  /** CEL; null: always. */
  readonly when: string | null;
  readonly throttle: Throttle | null;
  /** How long a person may take to agree by the signed link; null: nobody is asked. */
  readonly approve: { readonly withinMs: number } | null;
  readonly do: readonly Step[];
}

/** Every action of a playbook with its place, such as `do[1].together[0]`. */
export function actionsOf(playbook: Pick<Playbook, "do">): readonly { readonly path: string; readonly step: ActionStep }[] {
  return playbook.do.flatMap((step, at) =>
    step.action === "together" ? step.steps.map((inner, index) => ({ path: `do[${at}].together[${index}]`, step: inner })) : [{ path: `do[${at}]`, step }],
  );
}
