// The order in which a request is let in: size, credential, scope and origin, and only then its content.
// So that nothing but the size limit answers before the credential does, and a stranger learns nothing else.
import type { Context } from "hono";
import { PortcullisError } from "../../shared/errors.ts";
import type { Authenticator } from "../auth/authenticate.ts";
import { callerAddress, refuseAccess } from "../auth/scopes.ts";
import type { CoordinatorApi } from "../coordinator/contract.ts";
import { readBody } from "./body.ts";
import type { AppDeps, GuardedRoute, PublicCall, Route } from "./call.ts";
import { errorOf, problemResponse, unauthenticatedResponse } from "./problem.ts";

/** A coordinator whose unexpected failures read as "nothing was promised": the sender may and should try again. */
function guardedCoordinator(coordinator: CoordinatorApi, deps: AppDeps): CoordinatorApi {
  async function ask<T>(question: Promise<T>): Promise<T> {
    try {
      return await question;
    } catch (thrown) {
      const error = errorOf(thrown);
      if (error.cause !== thrown) throw error;
      deps.log({ level: "error", event: "coordinator.unreachable", code: "STORE_UNAVAILABLE", why: thrown instanceof Error ? thrown.name : typeof thrown });
      throw new PortcullisError("STORE_UNAVAILABLE", "The coordinator could not be reached, so nothing is promised.", {}, thrown);
    }
  }
  return {
    accept: (request) => ask(coordinator.accept(request)),
    settle: (ticket, keys, waitMs) => ask(coordinator.settle(ticket, keys, waitMs)),
    lift: (request) => ask(coordinator.lift(request)),
    stop: (request) => ask(coordinator.stop(request)),
    reconcile: (confirm) => ask(coordinator.reconcile(confirm)),
    plan: (target) => ask(coordinator.plan(target)),
    explain: (key) => ask(coordinator.explain(key)),
    snapshot: () => ask(coordinator.snapshot()),
    storeId: (mint) => ask(coordinator.storeId(mint)),
    tick: () => ask(coordinator.tick()),
  };
}

function publicCall(context: Context, deps: AppDeps): PublicCall {
  return {
    deps,
    request: context.req.raw,
    url: new URL(context.req.url),
    coordinator: guardedCoordinator(deps.coordinatorFor(context), deps),
    remote: callerAddress(deps.remoteAddress(context)),
    now: deps.clock.now(),
  };
}

async function admit(route: GuardedRoute, call: PublicCall, authenticator: Authenticator): Promise<Response> {
  const body = route.method === "POST" ? await readBody(call.request) : { ok: true as const, value: new Uint8Array() };
  if (!body.ok) return problemResponse(body.error);
  const caller = await authenticator.authenticate({ headers: call.request.headers, body: body.value, now: call.now, operation: route.operation });
  if (caller === null) return unauthenticatedResponse();
  const denied = refuseAccess(caller.name, caller.client, route.access, call.remote);
  const response = denied === null ? await route.handle({ ...call, caller, body: body.value }) : problemResponse(denied);
  call.deps.log({ level: "info", event: "http.answered", route: `${route.method} ${route.path}`, client: caller.name, status: response.status });
  return response;
}

/** Answers one request of a route; expected failures are answers, anything else is thrown to the app's last catch. */
export async function answer(route: Route, context: Context, deps: AppDeps, authenticator: Authenticator): Promise<Response> {
  const call = publicCall(context, deps);
  return route.access === "public" ? route.handle(call) : admit(route, call, authenticator);
}
