// GET /v1/targets, /v1/targets/{name} and /v1/targets/{name}/plan: room, entries, last visit, drift, caveats; what a pass would do.
import { PortcullisError } from "../../shared/errors.ts";
import { quoted } from "../../shared/request/text.ts";
import { jsonResponse, timeText } from "./answer.ts";
import type { Call, GuardedRoute } from "./call.ts";
import { decodedPart } from "./path.ts";
import { problemResponse } from "./problem.ts";
import { shownTargets } from "./target-view.ts";

const prefix = "/v1/targets/";

/** The configured name in the path; null when there is no such target. */
function namedTarget(call: Call, suffix: string): string | null {
  const name = decodedPart(call.url.pathname, prefix, suffix);
  return name !== null && Object.hasOwn(call.deps.config.targets, name) ? name : null;
}

function noSuchTarget(call: Call): Response {
  const names = Object.keys(call.deps.config.targets).join(", ") || "none";
  return problemResponse(new PortcullisError("NOT_FOUND", `${quoted(call.url.pathname.slice(prefix.length))} names no target; there are ${names}.`));
}

export const listTargets: GuardedRoute = {
  method: "GET",
  path: "/v1/targets",
  access: "read",
  operation: null,
  async handle(call) {
    const snapshot = await call.coordinator.snapshot();
    return jsonResponse(200, {
      asOf: timeText(snapshot?.at ?? null),
      fullAt: timeText(snapshot?.fullAt ?? null),
      storeId: snapshot?.storeId ?? null,
      complete: snapshot?.complete ?? false,
      incompleteWhy: snapshot === null ? "no pass has reported yet" : snapshot.incompleteWhy,
      held: snapshot?.held ?? 0,
      stop: snapshot === null ? null : { ...snapshot.stop, at: timeText(snapshot.stop.at), releasedAt: timeText(snapshot.stop.releasedAt) },
      targets: shownTargets(call.deps, snapshot),
    });
  },
};

export const readTarget: GuardedRoute = {
  method: "GET",
  path: "/v1/targets/:name",
  access: "read",
  operation: null,
  async handle(call) {
    const name = namedTarget(call, "");
    if (name === null) return noSuchTarget(call);
    const snapshot = await call.coordinator.snapshot();
    const shown = shownTargets(call.deps, snapshot).find((target) => target.name === name);
    return jsonResponse(200, { asOf: timeText(snapshot?.at ?? null), ...shown });
  },
};

export const readPlan: GuardedRoute = {
  method: "GET",
  path: "/v1/targets/:name/plan",
  access: "read",
  operation: null,
  async handle(call) {
    const name = namedTarget(call, "/plan");
    return name === null ? noSuchTarget(call) : jsonResponse(200, await call.coordinator.plan(name));
  },
};
