// Stands between Microsoft's SDK and our transport: one exchange is one operation of ours. Keeps the raw answer, since the SDK reads an
// HTML page with status 200 as an empty object. Refuses a second request where one was meant, and any address but the endpoint's.
import type { NetworkManagementClientOptionalParams } from "@azure/arm-network";
import { PortcullisError } from "../../shared/errors.ts";
import type { HttpRequest, HttpResponse, Signal, Transport } from "../../shared/ports.ts";
import { armOrigin } from "./config.ts";

type HttpClient = NonNullable<NetworkManagementClientOptionalParams["httpClient"]>;
type SdkRequest = Parameters<HttpClient["sendRequest"]>[0];
type SdkResponse = Awaited<ReturnType<HttpClient["sendRequest"]>>;

/** What the transport decides for itself. */
const leftOut: ReadonlySet<string> = new Set(["accept-encoding", "content-length", "host"]);

/** The header collection the SDK asks for, over the names and values of an answer. */
class AnswerHeaders {
  readonly #values: Map<string, string>;
  constructor(headers: Readonly<Record<string, string>>) {
    this.#values = new Map(Object.entries(headers));
  }
  get(name: string): string | undefined {
    return this.#values.get(name.toLowerCase());
  }
  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }
  set(name: string, value: string | number | boolean): void {
    this.#values.set(name.toLowerCase(), String(value));
  }
  delete(name: string): void {
    this.#values.delete(name.toLowerCase());
  }
  toJSON(): Record<string, string> {
    return Object.fromEntries(this.#values);
  }
  [Symbol.iterator](): Iterator<[string, string]> {
    return this.#values.entries();
  }
}

/** The configured endpoint in place of the SDK's; follow-up addresses (`nextLink`) must be the endpoint's own. */
export function routed(url: string, endpoint: string | undefined): string {
  const { origin, pathname, search } = new URL(url);
  const own = endpoint === undefined ? armOrigin : new URL(endpoint).origin;
  if (origin === armOrigin || origin === own) return `${own}${pathname}${search}`;
  throw new PortcullisError("PROVIDER_REJECTED", `the answer points to ${origin}, which is not ${own}; nothing was sent there`);
}

export interface ExchangeOptions {
  readonly send: Transport;
  readonly endpoint: string | undefined;
  readonly callsMax: number;
  readonly signal: Signal | undefined;
}

export class Exchange implements HttpClient {
  /** The last raw answer; null before there was one. */
  response: HttpResponse | null = null;
  /** What the transport, or this exchange, threw. */
  thrown: unknown = null;
  readonly #options: ExchangeOptions;
  #calls = 0;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  async sendRequest(request: SdkRequest): Promise<SdkResponse> {
    this.#calls += 1;
    // The SDK answers a claims challenge by asking again with the same token; one call is what was meant, and its 401 stands.
    if (this.#calls > this.#options.callsMax && this.response !== null) return answerTo(request, this.response);
    try {
      this.response = await this.#options.send(requestOf(request, this.#options.endpoint), this.#options.signal);
    } catch (thrown) {
      this.thrown = thrown;
      throw thrown;
    }
    return answerTo(request, this.response);
  }
}

function requestOf(request: SdkRequest, endpoint: string | undefined): HttpRequest {
  const headers = Object.fromEntries(Object.entries(request.headers.toJSON()).filter(([name]) => !leftOut.has(name.toLowerCase())));
  const body = typeof request.body === "string" ? { body: request.body } : {};
  return { method: request.method, url: routed(request.url, endpoint), headers, ...body };
}

function answerTo(request: SdkRequest, response: HttpResponse): SdkResponse {
  return { request, status: response.status, headers: new AnswerHeaders(response.headers), bodyAsText: response.body };
}
