// Microsoft's own SDK turned against the simulator: real tokens from its token endpoint, and its https addresses mapped to loopback.
// Waits as the SDK does, except that a Retry-After is not waited for.
import { NetworkManagementClient } from "@azure/arm-network";
import type { AzureSimulator } from "./azure.ts";
import { applications, tenant } from "./azure-fixtures.ts";

export type ApplicationName = keyof typeof applications;

export async function requestToken(azure: AzureSimulator, form: Readonly<Record<string, string>>, ofTenant = tenant): Promise<Response> {
  return fetch(`${azure.url}${ofTenant}/oauth2/v2.0/token`, { method: "POST", body: new URLSearchParams(form) });
}

export async function tokenFor(azure: AzureSimulator, name: ApplicationName, scope = "https://management.azure.com/.default"): Promise<string> {
  const { clientId, secret } = applications[name];
  const response = await requestToken(azure, { client_id: clientId, client_secret: secret, grant_type: "client_credentials", scope });
  const body = (await response.json()) as { access_token?: string };
  if (body.access_token === undefined) throw new Error(`no token: ${JSON.stringify(body)}`);
  return body.access_token;
}

class PlainHeaders {
  readonly #headers: Headers;
  constructor(headers: Headers) {
    this.#headers = headers;
  }
  get = (name: string) => this.#headers.get(name) ?? undefined;
  has = (name: string) => this.#headers.has(name);
  set = (name: string, value: string | number | boolean) => this.#headers.set(name, String(value));
  delete = (name: string) => this.#headers.delete(name);
  toJSON = () => Object.fromEntries(this.#headers);
  [Symbol.iterator] = () => this.#headers.entries();
}

export async function sdkFor(azure: AzureSimulator, name: ApplicationName, token?: string): Promise<NetworkManagementClient> {
  const bearer = token ?? (await tokenFor(azure, name));
  const credential = { getToken: async () => ({ token: bearer, expiresOnTimestamp: Number.MAX_SAFE_INTEGER }) };
  return new NetworkManagementClient(credential, azure.subscription, {
    retryOptions: { maxRetries: 0 },
    httpClient: {
      async sendRequest(request) {
        const { pathname, search } = new URL(request.url);
        const init = { method: request.method, headers: request.headers.toJSON(), ...(typeof request.body === "string" ? { body: request.body } : {}) };
        const response = await fetch(`${azure.url.slice(0, -1)}${pathname}${search}`, init);
        const headers = new Headers(response.headers);
        headers.delete("retry-after");
        return { request, status: response.status, headers: new PlainHeaders(headers), bodyAsText: await response.text() };
      },
    },
  });
}
