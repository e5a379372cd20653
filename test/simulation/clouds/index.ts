// The simulated clouds, and the way from the product's transport to them: a call of `fetch` becomes a request on the wire, and back.
import type { Fetch } from "../../../functions/runtime/transport.ts";
import type { CloudUnderTest, WireReply, WireRequest } from "../contract.ts";

export { type AwsCloudOptions, awsCloud } from "./aws.ts";
export { type AzureCloudOptions, azureCloud } from "./azure.ts";
export { type CloudflareCloudOptions, cloudflareCloud } from "./cloudflare.ts";
export type { CloudOptions } from "./options.ts";

/** What a call of `fetch` puts on the wire. */
export function wireOf(url: string, init: RequestInit): { readonly host: string; readonly request: WireRequest } {
  const { host, pathname, search } = new URL(url);
  const headers = { host, ...Object.fromEntries(new Headers(init.headers)) };
  const body = typeof init.body === "string" ? init.body : "";
  return { host, request: { method: init.method ?? "GET", target: `${pathname}${search}`, headers, body } };
}

export function responseOf(reply: WireReply): Response {
  const isBare = reply.status === 204 || reply.status === 304;
  return new Response(isBare ? null : reply.body, { status: reply.status, headers: { ...reply.headers } });
}

/** What an answer comes to at the caller's end; null: it never comes. Throws as `fetch` does when the connection closes. */
export function answerOf(reply: ReturnType<CloudUnderTest["respond"]>): Response | null {
  if (reply === "hang") return null;
  if (reply === null) throw new TypeError("fetch failed", { cause: Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" }) });
  return responseOf(reply);
}

/** A `fetch` that reaches the clouds at once: for tests in calm weather. */
export function fetchOver(clouds: readonly CloudUnderTest[]): Fetch {
  return async (url, init) => {
    const { host, request } = wireOf(url, init);
    const cloud = clouds.find((candidate) => candidate.isHost(host));
    if (cloud === undefined) throw new Error(`no simulated cloud is at ${host}`);
    const response = answerOf(cloud.respond(request));
    return response ?? new Promise<Response>((_, reject) => init.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
  };
}
