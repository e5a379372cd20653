// What freeze, drain, resume and release make of the stop state. Pure.
import type { StopState } from "../../shared/lease/record.ts";
import type { StopRequest } from "./contract.ts";

/** Resuming some targets of a stop that named all spells the stop out for the others first. */
function resumed(current: StopState["targets"], targets: readonly string[] | null, all: readonly string[]): Record<string, "freeze" | "drain"> {
  if (targets === null) return {};
  const everywhere = current["*"];
  const spelled =
    everywhere === undefined
      ? { ...current }
      : Object.fromEntries(all.map((name) => [name, (Object.hasOwn(current, name) ? current[name] : undefined) ?? everywhere]));
  return Object.fromEntries(Object.entries(spelled).filter(([name]) => !targets.includes(name)));
}

/** The state after the request; `at` is set by the caller. */
export function applyStop(current: StopState, request: Pick<StopRequest, "action" | "targets" | "at">, all: readonly string[]): Omit<StopState, "at"> {
  const { targets, releasedAt } = current;
  const { action } = request;
  if (action === "release") return { targets, releasedAt: Math.max(releasedAt, request.at) };
  if (action === "resume") return { targets: resumed(targets, request.targets, all), releasedAt };
  if (request.targets === null) return { targets: { "*": action }, releasedAt };
  return { targets: { ...targets, ...Object.fromEntries(request.targets.map((name) => [name, action])) }, releasedAt };
}
