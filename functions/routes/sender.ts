// What the ways in for senders without our credentials share: which alert source a client stands for, whether it may come in, its body.
// Refuses to know how any of them proves who it is.
import { type AlertSource, alertSources, type ClientConfig } from "../../shared/config.ts";
import { PortcullisError, type Result } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";
import type { Caller } from "../auth/authenticate.ts";
import { refuseAccess } from "../auth/scopes.ts";
import { readBody } from "./body.ts";
import type { Call, PublicCall } from "./call.ts";

/** The one source of a client that says nothing of its source in a request; null when it has not exactly one scope, and that an alert's. */
export function soleSource({ scopes }: ClientConfig): AlertSource | null {
  const source = alertSources.find((name) => scopes[0] === `alert:${name}`);
  return scopes.length === 1 && source !== undefined ? source : null;
}

/** Null when the client may send alerts of this source from where it is. */
export function refuseSender({ name, client }: Caller, source: AlertSource | null, call: PublicCall): PortcullisError | null {
  call.passage.client = name;
  if (source !== null) return refuseAccess(name, client, `alert:${source}`, call.remote);
  const message = `Client ${name} must have exactly one scope here, and that alert:<source>; set clients.${name}.scopes.`;
  return new PortcullisError("FORBIDDEN", message, { facts: { limit: "scopes" } });
}

export function bodyOf(call: PublicCall, limit?: Parameters<typeof readBody>[2]): Promise<Result<Uint8Array<ArrayBuffer>>> {
  return readBody(call.request, call.deps.deadline?.(limits.bodyWaitMs) ?? null, limit);
}

/** The call as the routes of alerts take it, once its sender is known; the clock is read anew, as the body may have taken its time. */
export function callOf(call: PublicCall, caller: Caller, body: Uint8Array<ArrayBuffer>): Call {
  return { ...call, now: call.deps.clock.now(), caller, body };
}
