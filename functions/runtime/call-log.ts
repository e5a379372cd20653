// The line of each remote call: which target's, where to, what for, what came of it, under the trace of the work that made it.
// Path without query, no header but the vendor's own request id, no body. What succeeds without changing anything is for `debug` only.
import { asPortcullisError } from "../../shared/errors.ts";
import type { Clock, HttpRequest, HttpResponse, Log, Random, Signal, Transport } from "../../shared/ports.ts";
import { childOf, traceFields } from "../../shared/trace.ts";

export interface CallLogParts {
  readonly target: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Called with the class of the answer's status, or `none`. */
  readonly onEnd?: (outcome: string) => void;
}

/** Where vendors put their id of the request: AWS, Azure, Cloudflare. Their support asks for it. */
const requestIdHeaders = ["x-amzn-requestid", "x-ms-request-id", "cf-ray"] as const;
const requestIdPattern = /^[A-Za-z0-9:_-]{1,80}$/;

function requestIdOf(response: HttpResponse): { readonly request_id?: string } {
  const id = requestIdHeaders.map((name) => response.headers[name]).find((text) => text !== undefined && requestIdPattern.test(text));
  return id === undefined ? {} : { request_id: id };
}

/** A URL that the transport itself refuses may be anything; then it is not shown. */
function placeOf({ url }: HttpRequest): { readonly "server.address": string | null; readonly "url.path": string | null } {
  if (!URL.canParse(url)) return { "server.address": null, "url.path": null };
  const { hostname, pathname } = new URL(url);
  return { "server.address": hostname.slice(0, 100), "url.path": pathname.slice(0, 300) };
}

/** Hands every call on, and writes its line when it is over. */
export function loggedTransport(send: Transport, { target, clock, random, log, onEnd }: CallLogParts): Transport {
  return async (request, signal?: Signal) => {
    const began = clock.now();
    const tell = (level: "debug" | "info" | "warn", outcome: Readonly<Record<string, string | number>>) =>
      log({
        level,
        event: "remote.call",
        ...(signal?.trace === undefined ? {} : traceFields(childOf(signal.trace, random))),
        target,
        ...(request.operation === undefined ? {} : { operation: request.operation }),
        ...(signal?.purpose === undefined ? {} : { purpose: signal.purpose }),
        "http.request.method": request.method,
        ...placeOf(request),
        ...outcome,
        duration_ms: clock.now() - began,
      });
    try {
      const response = await send(request, signal);
      onEnd?.(`${Math.floor(response.status / 100)}xx`);
      const level = response.status >= 400 ? "warn" : signal?.purpose === "write" ? "info" : "debug";
      tell(level, {
        "http.response.status_code": response.status,
        ...(response.status >= 400 ? { "error.type": String(response.status) } : {}),
        ...requestIdOf(response),
      });
      return response;
    } catch (thrown) {
      onEnd?.("none");
      tell("warn", { "error.type": asPortcullisError(thrown, "INVARIANT", "unexpected").code });
      throw thrown;
    }
  };
}
