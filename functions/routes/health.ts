// GET /healthz, /readyz and /openapi.json. The public two say nothing but yes or no: whether the ACL is full is nobody else's business.
import { limits } from "../../shared/limits.ts";
import { jsonResponse } from "./answer.ts";
import type { GuardedRoute, PublicRoute } from "./call.ts";
import { securityHeaders } from "./problem.ts";

/** The process answers. A constant: it asks nothing and promises nothing more. */
export const readHealth: PublicRoute = {
  method: "GET",
  path: "/healthz",
  access: "public",
  handle: async () => jsonResponse(200, { status: "ok" }),
};

/** 200 while full passes come through; 503 when the last is older than three intervals, or unknown. No body. */
export const readReadiness: PublicRoute = {
  method: "GET",
  path: "/readyz",
  access: "public",
  async handle(call) {
    let fullAt: number | null = null;
    try {
      fullAt = (await call.coordinator.snapshot())?.fullAt ?? null;
    } catch {
      // Unreachable is not ready; the coordinator's guard has logged it.
    }
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
