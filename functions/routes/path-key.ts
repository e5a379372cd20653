// POST /v1/in/{secret}: for senders that can set no header, such as Falco's `http_output`. What travels in a URL ends up in logs, so its
// client is one alert source, single addresses, an hour at most, from its `from` ranges; the build refuses any other, and so does this.
// Refuses to show the secret: of the path only its template is ever logged.
import { PortcullisError } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";
import type { Caller } from "../auth/authenticate.ts";
import { takeAlerts } from "./alerts.ts";
import type { Door, PublicCall, SenderRoute } from "./call.ts";
import { bodyPayload } from "./payload.ts";
import { problemResponse, unauthenticatedResponse } from "./problem.ts";
import { bodyOf, callOf, refuseSender, soleSource } from "./sender.ts";

const prefix = "/v1/in/";

/** The caller with the limits that a secret in a URL has, whatever the configuration says. */
function bounded(caller: Caller): Caller {
  const { client } = caller;
  const widest = { ipv4: Math.max(client.widest.ipv4, 32), ipv6: Math.max(client.widest.ipv6, 64) };
  return { ...caller, client: { ...client, widest, longestMs: Math.min(client.longestMs, limits.pathKeyLongestMs) } };
}

async function admit(call: PublicCall, { authenticator }: Door): Promise<Response> {
  const caller = await authenticator.authenticatePath(call.url.pathname.slice(prefix.length), call.request.headers);
  if (caller === null) return unauthenticatedResponse();
  const source = soleSource(caller.client);
  const denied = refuseSender(caller, source, call);
  if (denied !== null || source === null) return problemResponse(denied ?? new PortcullisError("FORBIDDEN", "There is no source."));
  const open = `Client ${caller.name} has no \`from\` ranges, which this route requires; set clients.${caller.name}.from.`;
  if (caller.client.from === null) return problemResponse(new PortcullisError("FORBIDDEN", open, { facts: { limit: "from" } }));
  const body = await bodyOf(call);
  if (!body.ok) return problemResponse(body.error);
  return takeAlerts(callOf(call, bounded(caller), body.value), source, await bodyPayload(call.request.headers, body.value, source));
}

export const pathKeyAlerts: SenderRoute = { method: "POST", path: `${prefix}:secret`, access: "sender", credential: "pathSecret", admit };
