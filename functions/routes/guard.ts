// The order in which a request is let in: size, credential, scope and origin, and only then its content.
// So that nothing but the size limit answers before the credential does, and a stranger learns nothing else.
import type { Context } from "hono";
import { PortcullisError } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";
import type { Authenticator } from "../auth/authenticate.ts";
import { callerAddress, refuseAccess } from "../auth/scopes.ts";
import type { CoordinatorApi } from "../coordinator/contract.ts";
import { readBody } from "./body.ts";
import type { AppDeps, Door, GuardedRoute, PublicCall, Route, TokenRoute } from "./call.ts";
import type { Passage } from "./passage.ts";
import { errorOf, problemResponse, unauthenticatedResponse } from "./problem.ts";

/** A coordinator that is asked on this request's behalf, and whose unexpected failures read as "nothing was promised": the sender may and should try again. */
function guardedCoordinator(coordinator: CoordinatorApi, { log, trace }: Passage): CoordinatorApi {
  async function ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (thrown) {
      const error = errorOf(thrown);
      if (error.cause !== thrown) throw error;
      log({ level: "error", event: "coordinator.unreachable", code: "STORE_UNAVAILABLE", why: thrown instanceof Error ? thrown.name : typeof thrown });
      throw new PortcullisError("STORE_UNAVAILABLE", "The coordinator could not be reached, so nothing is promised.", {}, thrown);
    }
  }
  return {
    accept: (request) => ask(() => coordinator.accept(request, trace)),
    settle: (ticket, keys, waitMs) => ask(() => coordinator.settle(ticket, keys, waitMs)),
    lift: (request) => ask(() => coordinator.lift(request, trace)),
    stop: (request) => ask(() => coordinator.stop(request, trace)),
    reconcile: (confirm) => ask(() => coordinator.reconcile(confirm, trace)),
    plan: (target) => ask(() => coordinator.plan(target, trace)),
    explain: (key) => ask(() => coordinator.explain(key)),
    snapshot: () => ask(() => coordinator.snapshot()),
    storeId: (mint) => ask(() => coordinator.storeId(mint)),
    tick: () => ask(() => coordinator.tick(trace)),
    vitals: () => ask(() => coordinator.vitals()),
    take: (request) => ask(() => coordinator.take(request, trace)),
    events: (request) => ask(() => coordinator.events(request)),
    event: (id) => ask(() => coordinator.event(id)),
    replay: (request) => ask(() => coordinator.replay(request, trace)),
    approve: (request) => ask(() => coordinator.approve(request, trace)),
    note: (unauthenticated) => ask(() => coordinator.note(unauthenticated)),
  };
}

function publicCall(context: Context, deps: AppDeps, passage: Passage): PublicCall {
  return {
    deps: { ...deps, log: passage.log },
    passage,
    request: context.req.raw,
    url: new URL(context.req.url),
    coordinator: guardedCoordinator(deps.coordinatorFor(context), passage),
    remote: callerAddress(deps.remoteAddress(context)),
    now: deps.clock.now(),
  };
}

const nobody = { ok: true as const, value: new Uint8Array() };

async function admit(route: GuardedRoute, arrived: PublicCall, authenticator: Authenticator): Promise<Response> {
  const body = route.method === "POST" ? await readBody(arrived.request, arrived.deps.deadline?.(limits.bodyWaitMs) ?? null) : nobody;
  if (!body.ok) return problemResponse(body.error);
  // The clock is read when all is there: a signature that was fresh when a slow request began may be none any more.
  const call = { ...arrived, now: arrived.deps.clock.now() };
  const caller = await authenticator.authenticate({ headers: call.request.headers, body: body.value, now: call.now, operation: route.operation });
  if (caller === null) return unauthenticatedResponse();
  call.passage.client = caller.name;
  const denied = refuseAccess(caller.name, caller.client, route.access, call.remote);
  return denied === null ? route.handle({ ...call, caller, body: body.value }) : problemResponse(denied);
}

/** By the token in the query. Only GET: a HEAD, which link checkers send, must not block anyone. */
async function admitToken(route: TokenRoute, call: PublicCall, authenticator: Authenticator): Promise<Response> {
  if (call.request.method !== "GET") return problemResponse(new PortcullisError("METHOD_NOT_ALLOWED", "This route takes GET only."), [], { allow: "GET" });
  if (call.url.search.length <= 1) {
    const message = "The query is missing; this route takes accessToken and ip.";
    return problemResponse(new PortcullisError("INVALID_INPUT", message, { field: "query", facts: { reply: "badrequest" } }));
  }
  const tokens = call.url.searchParams.getAll("accessToken");
  const caller = await authenticator.authenticateToken(tokens.length === 1 ? (tokens[0] ?? "") : "", call.request.headers);
  if (caller === null) return unauthenticatedResponse();
  call.passage.client = caller.name;
  const open = caller.client.from === null;
  const unbound = `Client ${caller.name} has no \`from\` ranges, which this route requires; set clients.${caller.name}.from.`;
  const denied = open
    ? new PortcullisError("FORBIDDEN", unbound, { facts: { limit: "from" } })
    : refuseAccess(caller.name, caller.client, route.scope, call.remote);
  return denied === null ? route.handle({ ...call, caller, body: new Uint8Array() }) : problemResponse(denied);
}

export interface Entry {
  readonly route: Route;
  readonly context: Context;
  readonly deps: AppDeps;
  readonly door: Door;
  readonly passage: Passage;
}

/** Answers one request of a route; expected failures are answers, anything else is thrown to the app's last catch. */
export async function answer({ route, context, deps, door, passage }: Entry): Promise<Response> {
  const call = publicCall(context, deps, passage);
  if (route.access === "public" || route.access === "link") return route.handle(call);
  if (route.access === "sender") return route.admit(call, door);
  return route.access === "token" ? admitToken(route, call, door.authenticator) : admit(route, call, door.authenticator);
}
