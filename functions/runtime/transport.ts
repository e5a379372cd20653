// The one place that calls clouds: fetch behind a list of allowed hosts, a deadline, a size cap and an honest answer to
// "did it take effect?". Platform-neutral: the Worker and the CLI use the same. Refuses redirects, user info and other hosts.
import { PortcullisError } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";
import type { HttpRequest, HttpResponse, Signal, Transport } from "../../shared/ports.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface TransportOptions {
  readonly fetch: Fetch;
  /** Of the provider's definition: `.amazonaws.com` allows what ends in it, `api.cloudflare.com` that one host. */
  readonly hostSuffixes: readonly string[];
  /** PORTCULLIS_ALLOWED_HOSTS: exact `host:port` entries, comma separated; how a sandbox allows loopback. */
  readonly allowedHosts?: string | undefined;
  readonly timeoutMs?: number;
  readonly bytesMax?: number;
  /** Called before each request that is allowed to go out; may throw to forbid it (a spent budget). */
  readonly onCall?: (host: string) => void;
}

const safeMethods: readonly string[] = ["GET", "HEAD", "OPTIONS"];

/** Errors that can only happen before a byte of the request was sent: no address, no connection, no trusted certificate. */
const unsentCodes: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

const loopbackHost = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** `host:port` entries of an allow-list; without a port, 443. */
function allowedEntries(list: string | undefined): readonly string[] {
  return (list ?? "")
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== "")
    .map((entry) => (/:\d+$/.test(entry) ? entry : `${entry}:443`));
}

/** Whether `host` (lower case, no port) is `suffix`, or ends in it on a dot boundary when the suffix starts with a dot. */
export function hostMatches(host: string, suffix: string): boolean {
  const wanted = suffix.toLowerCase();
  if (!wanted.startsWith(".")) return wanted !== "" && host === wanted;
  return wanted.length > 1 && host.length > wanted.length && host.endsWith(wanted) && !host.startsWith(".");
}

function forbidden(host: string, why: string): PortcullisError {
  const shown = host.length > 100 ? `${host.slice(0, 100)}…` : host;
  return new PortcullisError("FORBIDDEN", `the call to ${shown} was not made: ${why}`, { facts: { host: shown } });
}

/** Why a URL may not be called; null when it may. */
export function hostRefusal(text: string, options: Pick<TransportOptions, "hostSuffixes" | "allowedHosts">): PortcullisError | null {
  if (!URL.canParse(text)) return forbidden("(no URL)", "it is not a URL");
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return forbidden(url.hostname, "its URL names a user");
  if (url.protocol !== "https:" && url.protocol !== "http:") return forbidden(url.hostname, `${url.protocol} is not https`);
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  if (allowedEntries(options.allowedHosts).includes(`${url.hostname}:${port}`)) {
    return url.protocol === "https:" || loopbackHost.test(url.hostname) ? null : forbidden(url.hostname, "plain http is for loopback only; use https");
  }
  if (!options.hostSuffixes.some((suffix) => hostMatches(url.hostname, suffix))) {
    return forbidden(
      url.hostname,
      `it is none of the vendor's hosts (${options.hostSuffixes.join(", ")}); another one needs host:port in PORTCULLIS_ALLOWED_HOSTS`,
    );
  }
  if (url.protocol !== "https:") return forbidden(url.hostname, "plain http is for loopback only; use https");
  return port === "443" ? null : forbidden(url.hostname, `port ${port} needs host:port in PORTCULLIS_ALLOWED_HOSTS`);
}

function errorCodes(thrown: unknown, depth = 0): readonly string[] {
  if (!(thrown instanceof Error) || depth > 4) return [];
  const own = "code" in thrown && typeof thrown.code === "string" ? [thrown.code] : [];
  const inner = thrown instanceof AggregateError ? thrown.errors.flatMap((one: unknown) => errorCodes(one, depth + 1)) : [];
  return [...own, ...inner, ...errorCodes(thrown.cause, depth + 1)];
}

/** Deno names no code: its HTTP client says in words that it could not connect, be it for DNS, TCP or TLS (measured with Deno 2.9.5, 2026-11-20). */
function isDenoUnconnected(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.cause instanceof Error && thrown.cause.message.includes("client error (Connect)");
}

function wasUnsent(thrown: unknown): boolean {
  if (isDenoUnconnected(thrown)) return true;
  const codes = errorCodes(thrown);
  // Several addresses may have been tried: only when every one failed before sending is it certain.
  return codes.length > 0 && codes.every((code) => unsentCodes.has(code));
}

interface Call {
  readonly request: HttpRequest;
  readonly host: string;
}

/** The answer is missing or unusable: for a safe request nothing is lost, for another one nobody can know. */
function lost({ request, host }: Call, why: string, cause?: unknown): PortcullisError {
  if (safeMethods.includes(request.method.toUpperCase())) return new PortcullisError("PROVIDER_UNAVAILABLE", `${host}: ${why}`, {}, cause);
  return new PortcullisError("OUTCOME_UNKNOWN", `${host}: ${why}; the ${request.method} may have taken effect`, {}, cause);
}

async function readBody(response: Response, bytesMax: number, call: Call): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let size = 0;
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.byteLength;
    if (size > bytesMax) {
      // Not awaited: a peer that never ends its answer must not hold us here.
      void reader.cancel().catch(() => undefined);
      throw lost(call, `answered with more than ${bytesMax} bytes`);
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown.name === "TimeoutError" || thrown.name === "AbortError");
}

async function exchange(call: Call, options: TransportOptions, signal: AbortSignal): Promise<HttpResponse> {
  const { request } = call;
  const body = request.body === undefined ? {} : { body: request.body };
  const response = await options.fetch(request.url, { method: request.method, headers: { ...request.headers }, redirect: "manual", signal, ...body });
  if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400)) {
    void response.body?.cancel().catch(() => undefined);
    throw lost(call, `answered with a redirect (${response.status}), which is never followed`);
  }
  const text = await readBody(response, options.bytesMax ?? limits.responseBytesMax, call);
  return { status: response.status, headers: Object.fromEntries([...response.headers].map(([name, value]) => [name.toLowerCase(), value])), body: text };
}

function failure(thrown: unknown, call: Call, timeoutMs: number): PortcullisError {
  if (thrown instanceof PortcullisError) return thrown;
  if (wasUnsent(thrown))
    return new PortcullisError("PROVIDER_UNAVAILABLE", `${call.host} could not be reached (${errorCodes(thrown)[0] ?? "no connection"})`, {}, thrown);
  if (isAbort(thrown)) return lost(call, `no answer within ${timeoutMs} ms, or the call was cancelled`, thrown);
  return lost(call, "the connection was lost before the answer was whole", thrown);
}

export function createTransport(options: TransportOptions): Transport {
  const timeoutMs = options.timeoutMs ?? limits.callTimeoutMs;
  return async (request: HttpRequest, signal?: Signal) => {
    const refused = hostRefusal(request.url, options);
    if (refused !== null) throw refused;
    const call: Call = { request, host: new URL(request.url).host };
    if (signal?.aborted === true) throw new PortcullisError("PROVIDER_UNAVAILABLE", `${call.host}: cancelled before anything was sent`);
    options.onCall?.(call.host);
    const deadline = AbortSignal.timeout(timeoutMs);
    const either = signal instanceof AbortSignal ? AbortSignal.any([deadline, signal]) : deadline;
    try {
      return await exchange(call, options, either);
    } catch (thrown) {
      throw failure(thrown, call, timeoutMs);
    }
  };
}
