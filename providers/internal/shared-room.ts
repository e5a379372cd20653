// The order of steps that each write a whole list, where the lists share one room: what shrinks gives the room that what grows needs. Pure.
import type { Step } from "../../shared/provider.ts";

export interface SizedStep {
  readonly step: Step;
  /** By how many entries its list grows; negative: it shrinks. */
  readonly growth: number;
}

/**
 * What shrinks goes first; all else stays in the order it came in. Steps of frozen slots are left out, and while one of them would give room back,
 * nothing grows: the room is not there yet.
 */
export function shrinkingFirst(steps: readonly SizedStep[], frozen: ReadonlySet<string>): readonly Step[] {
  const isFrozen = ({ step }: SizedStep) => step.slots.some((slot) => frozen.has(slot));
  const isRoomOwed = steps.some((one) => isFrozen(one) && one.growth < 0);
  const open = steps.filter((one) => !isFrozen(one) && !(isRoomOwed && one.growth > 0));
  return open.sort((a, b) => Math.min(a.growth, 0) - Math.min(b.growth, 0)).map(({ step }) => step);
}
