// POST /v1/reconcile, /v1/stop and /v1/store: what an operator does to the whole. Scope `admin`, never in observe mode.
import { PortcullisError } from "../../shared/errors.ts";
import { selectTargets } from "../../shared/request/judge.ts";
import { readReconcile, readStop, readStore } from "../../shared/request/operations.ts";
import { type Problem, refusalOf } from "../../shared/request/problem.ts";
import { jsonResponse, timeText } from "./answer.ts";
import { parseFields } from "./body.ts";
import { type Call, type GuardedRoute, judgeOf, requestTime } from "./call.ts";
import { problemResponse, refusalResponse } from "./problem.ts";
import { shownTargets } from "./target-view.ts";

const nothingDone = "Nothing was done.";

interface Reading<T> {
  readonly request: T;
  readonly problems: readonly Problem[];
}

/** Reads the body (an empty one is an empty object) and refuses clients that may only watch; `act` gets what is left. */
export async function operate<T>(call: Call, read: (raw: unknown) => Reading<T>, act: (request: T) => Promise<Response>): Promise<Response> {
  const { name, client, signed } = call.caller;
  if (client.mode === "observe") {
    return problemResponse(new PortcullisError("FORBIDDEN", `Client ${name} is in observe mode and may change nothing.`, { facts: { limit: "mode" } }));
  }
  const fields =
    call.body.length === 0 ? { ok: true as const, value: {} } : parseFields(call.request.headers, call.body, { form: false, signed: signed !== null });
  if (!fields.ok) return problemResponse(fields.error);
  const { request, problems } = read(fields.value);
  const refusal = refusalOf(problems, nothingDone);
  return refusal === null ? act(request) : refusalResponse(refusal);
}

export const createReconcile: GuardedRoute = {
  method: "POST",
  path: "/v1/reconcile",
  access: "admin",
  operation: "reconcile",
  handle: (call) =>
    operate(call, readReconcile, async ({ confirm }) => {
      const selected = selectTargets(confirm === null ? undefined : [confirm.target], judgeOf(call));
      const refusal = refusalOf(selected.problems, nothingDone);
      if (refusal !== null) return refusalResponse(refusal);
      const snapshot = await call.coordinator.reconcile(confirm);
      if (snapshot === null) return jsonResponse(202, { done: false, why: "the pass was asked for and has not reported yet; see GET /v1/targets" });
      return jsonResponse(200, { done: true, asOf: timeText(snapshot.at), targets: shownTargets(call.deps, snapshot) });
    }),
};

export const createStop: GuardedRoute = {
  method: "POST",
  path: "/v1/stop",
  access: "admin",
  operation: "stop",
  handle: (call) =>
    operate(call, readStop, async ({ action, targets }) => {
      const selected = selectTargets(targets, judgeOf(call));
      const refusal = refusalOf(selected.problems, nothingDone);
      if (refusal !== null) return refusalResponse(refusal);
      const answer = await call.coordinator.stop({ action, targets: selected.targets, at: requestTime(call), once: call.caller.signed?.id ?? null });
      return jsonResponse(200, { action, stopped: answer.targets, releasedAt: timeText(answer.releasedAt), repeated: answer.repeated });
    }),
};

export const createStore: GuardedRoute = {
  method: "POST",
  path: "/v1/store",
  access: "admin",
  operation: "store",
  handle: (call) =>
    operate(call, readStore, async () => {
      const { storeId, minted } = await call.coordinator.storeId(true);
      return jsonResponse(minted ? 201 : 200, { storeId, minted });
    }),
};
