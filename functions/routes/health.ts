// GET /healthz, /readyz and /openapi.json. The public two say nothing but yes or no: whether the ACL is full is nobody else's business.
import { limits } from "../../shared/limits.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { jsonResponse } from "./answer.ts";
import type { AppDeps, GuardedRoute, PublicCall, PublicRoute } from "./call.ts";
import { securityHeaders } from "./problem.ts";

/** The process answers. A constant: it asks nothing and promises nothing more. */
export const readHealth: PublicRoute = {
  method: "GET",
  path: "/healthz",
  access: "public",
  handle: async () => jsonResponse(200, { status: "ok" }),
};

interface Readiness {
  readonly askedAt: EpochMs;
  readonly fullAt: EpochMs | null;
}

/** The last answer of each instance, by whom it asks: strangers must not be able to keep the coordinator busy. */
const lastAnswers = new WeakMap<AppDeps["coordinatorFor"], Readiness>();

async function askReadiness(call: PublicCall): Promise<Readiness> {
  let fullAt: EpochMs | null = null;
  try {
    fullAt = (await call.coordinator.snapshot())?.fullAt ?? null;
  } catch {
    // Unreachable is not ready; the coordinator's guard has logged it.
  }
  return { askedAt: call.now, fullAt };
}

/** Asks again when the last answer is old; whoever comes meanwhile is told that one, and waits for nobody else's request. */
async function readiness(call: PublicCall): Promise<Readiness> {
  const { coordinatorFor } = call.deps;
  const last = lastAnswers.get(coordinatorFor);
  if (last !== undefined && Math.abs(call.now - last.askedAt) < limits.readinessEveryMs) return last;
  if (last !== undefined) lastAnswers.set(coordinatorFor, { ...last, askedAt: call.now });
  const answer = await askReadiness(call);
  lastAnswers.set(coordinatorFor, answer);
  return answer;
}

/** 200 while full passes come through; 503 when the last is older than three intervals, or unknown. No body. */
export const readReadiness: PublicRoute = {
  method: "GET",
  path: "/readyz",
  access: "public",
  async handle(call) {
    const { fullAt } = await readiness(call);
    const ready = fullAt !== null && call.now - fullAt <= limits.readyMs;
    return new Response(null, { status: ready ? 200 : 503, headers: securityHeaders });
  },
};

export const readOpenapi: GuardedRoute = {
  method: "GET",
  path: "/openapi.json",
  access: "read",
  operation: null,
  handle: async (call) => jsonResponse(200, call.deps.openapi),
};
