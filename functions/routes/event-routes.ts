// The routes about events. What answers them is compiled in only where there are playbooks; without it there are no events, and no link opens anything.
import { PortcullisError } from "../../shared/errors.ts";
import type { Call, EventPages, GuardedRoute, LinkRoute, Route } from "./call.ts";
import { problemResponse, unauthenticatedResponse } from "./problem.ts";

function page(name: "list" | "read" | "replay"): (call: Call) => Promise<Response> {
  return async (call) => {
    const pages: EventPages | undefined = call.deps.eventPages;
    if (pages !== undefined) return pages[name](call);
    return problemResponse(new PortcullisError("NOT_FOUND", "This deployment has no playbooks, so no events are recorded."));
  };
}

function linkPage(name: "show" | "agree"): LinkRoute["handle"] {
  return async (call) => call.deps.eventPages?.[name](call) ?? unauthenticatedResponse();
}

const listEvents: GuardedRoute = { method: "GET", path: "/v1/events", access: "read", operation: null, handle: page("list") };
const readEvent: GuardedRoute = { method: "GET", path: "/v1/events/:id", access: "read", operation: null, handle: page("read") };
const replayEvent: GuardedRoute = { method: "POST", path: "/v1/events/:id/replay", access: "admin", operation: "replay", handle: page("replay") };
const showApproval: LinkRoute = { method: "GET", path: "/v1/approve/:link", access: "link", handle: linkPage("show") };
const giveApproval: LinkRoute = { method: "POST", path: "/v1/approve/:link", access: "link", handle: linkPage("agree") };

export const eventRoutes: readonly Route[] = [listEvents, readEvent, replayEvent, showApproval, giveApproval];
