// The HTTP application: every route, mounted once, with the same door before it and the same net below it.
// Refuses to touch a platform: clock, secrets, addresses and the coordinator arrive as arguments, so workerd and Deno run it unchanged.
import { type Context, Hono } from "hono";
import { PortcullisError } from "../shared/errors.ts";
import { createAuthenticator } from "./auth/authenticate.ts";
import { createSnsDoor } from "./auth/sns.ts";
import type { AppDeps, Door, Route } from "./routes/call.ts";
import { answer } from "./routes/guard.ts";
import { routes as allRoutes } from "./routes/index.ts";
import { beginPassage, type Passage, Passages } from "./routes/passage.ts";
import { errorOf, problemResponse } from "./routes/problem.ts";

export type { AppDeps, TargetFacts } from "./routes/call.ts";

function allowedMethods(path: string, routes: readonly Route[]): string {
  const methods = routes.filter((route) => route.path === path).map((route) => route.method);
  // HEAD is GET without its body, except where a GET changes something.
  return methods.flatMap((method) => (method === "GET" && path !== "/blacklistip" ? ["GET", "HEAD"] : [method])).join(", ");
}

function wrongMethod(path: string, routes: readonly Route[]): Response {
  const allow = allowedMethods(path, routes);
  return problemResponse(new PortcullisError("METHOD_NOT_ALLOWED", `This route takes ${allow} only.`), [], { allow });
}

/** What nobody expected: named in the log, and nothing but its kind in the answer. */
function unexpected(thrown: unknown, context: Context, { log }: Passage, route: Route | null): Response {
  const error = errorOf(thrown);
  const cause = error.cause instanceof Error ? error.cause : null;
  // Messages of the platform may quote a URL; neither a query nor a secret path ever reaches the log.
  const why = (cause?.message ?? error.message).replace(/\?\S*/g, "?…").replace(/\/v1\/(in|approve)\/\S+/gi, "/v1/$1/…");
  const where = { "http.request.method": context.req.method, "http.route": route?.path ?? null };
  log({ level: "error", event: "http.failed", code: error.code, ...where, name: cause?.name ?? error.name, why });
  return problemResponse(error);
}

export function createApp(deps: AppDeps): Hono {
  const app = new Hono();
  const door: Door = { authenticator: createAuthenticator(deps), sns: createSnsDoor(deps) };
  const routes = allRoutes.filter((route) => route.path !== "/blacklistip" || deps.config.blacklistip !== null);
  const passages = new Passages(deps);
  for (const route of routes) {
    app.on(route.method, route.path, async (context) => {
      const passage = beginPassage(context, deps);
      const response = await answer({ route, context, deps, door, passage }).catch((thrown: unknown) => unexpected(thrown, context, passage, route));
      return passages.end(passage, context, route, response);
    });
  }
  const refuse = (context: Context, path: string | null, response: Response) =>
    passages.end(beginPassage(context, deps), context, path === null ? null : { path }, response);
  for (const path of new Set(routes.map((route) => route.path))) app.all(path, (context) => refuse(context, path, wrongMethod(path, routes)));
  app.notFound((context) => refuse(context, null, problemResponse(new PortcullisError("NOT_FOUND", "There is no such route."))));
  // For what the framework itself throws before a route is reached.
  app.onError((thrown, context) => unexpected(thrown, context, beginPassage(context, deps), null));
  return app;
}
