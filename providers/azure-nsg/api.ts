// The wire: one operation on Azure Resource Manager, its answer as data. Microsoft's SDK makes the requests, this file reads the raw answers.
// Refuses to retry, to poll, and to decide what an error means for a target (codes.ts and provider.ts do).

import type { NetworkManagementClient, SecurityRule } from "@azure/arm-network";
import * as v from "valibot";
import type { Result } from "../../shared/errors.ts";
import type { EpochMs, HttpResponse, Secret, Signal } from "../../shared/ports.ts";
import type { ProviderPorts } from "../../shared/provider.ts";
import { retryAtOf, serverDateOf } from "../internal/backoff.ts";
import { type Meaning, meaningOf } from "./codes.ts";
import { type AzureAccount, armOrigin } from "./config.ts";
import { Exchange, routed } from "./exchange.ts";
import { EntraToken } from "./token.ts";

export type ArmAnswer =
  | { readonly kind: "ok"; readonly status: number; readonly body: unknown; readonly serverDate: EpochMs | null }
  | {
      readonly kind: "error";
      readonly meaning: Meaning;
      readonly status: number;
      readonly code: string;
      readonly message: string;
      readonly requestId: string;
      readonly retryAtMs: EpochMs | null;
    }
  /** A 2xx whose body is no JSON, or a body that is no answer to this call: whether it took effect is not known. */
  | { readonly kind: "unreadable"; readonly status: number };

export type ArmError = Extract<ArmAnswer, { readonly kind: "error" }>;

/** Tags have an API of their own, which merges: the owner's tags are never read and written back (learn.microsoft.com, resources/tags/update-at-scope, checked 2026-11-20). */
const tagsVersion = "2021-04-01";
export interface TagChange {
  readonly operation: "Merge" | "Delete";
  readonly tags: Readonly<Record<string, string>>;
}

const innerSchema = v.object({ code: v.string() });
const errorSchema = v.object({ error: v.object({ code: v.string(), message: v.nullish(v.string()), details: v.nullish(v.array(v.unknown()), []) }) });

function innerCodes(details: readonly unknown[]): readonly string[] {
  return details.flatMap((detail) => {
    const inner = v.safeParse(innerSchema, detail);
    return inner.success ? [inner.output.code] : [];
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `error` with the inner code where there is one: "RetryableError" alone says less than its details (azure-sdk-for-python#556). */
function errorOf(response: HttpResponse, nowMs: EpochMs): ArmError {
  const parsed = v.safeParse(errorSchema, jsonOf(response.body));
  const { code, message, details } = parsed.success ? parsed.output.error : { code: "", message: "", details: [] };
  const codes = [...innerCodes(details ?? []), code].filter((text) => text !== "");
  return {
    kind: "error",
    meaning: meaningOf(response.status, codes),
    status: response.status,
    code: (codes[0] ?? `HTTP ${response.status}`).slice(0, 100),
    message: (message ?? "").slice(0, 300),
    requestId: (response.headers["x-ms-request-id"] ?? "").slice(0, 100),
    retryAtMs: retryAtOf(response.headers["retry-after"], nowMs),
  };
}

function answerOf(response: HttpResponse, nowMs: EpochMs): ArmAnswer {
  const { status } = response;
  if (status < 200 || status > 299) return errorOf(response, nowMs);
  const body = response.body === "" ? null : jsonOf(response.body);
  if (body === undefined) return { kind: "unreadable", status };
  return { kind: "ok", status, body, serverDate: serverDateOf(response.headers.date) };
}

/** Loaded at first use: evaluating the SDK costs some 40 ms in workerd, and a bundle without this kind does not hold it at all. */
async function clientFor(account: AzureAccount, token: Secret, exchange: Exchange): Promise<NetworkManagementClient> {
  const { NetworkManagementClient: Client } = await import("@azure/arm-network");
  // Fetched already and kept by EntraToken; the SDK must not look at the clock for it.
  const credential = { getToken: async () => ({ token: token.reveal(), expiresOnTimestamp: Number.MAX_SAFE_INTEGER }) };
  return new Client(credential, account.subscription, { httpClient: exchange, retryOptions: { maxRetries: 0 } });
}

export interface Place {
  readonly resourceGroup: string;
  readonly nsg: string;
}

export class Arm {
  readonly #account: AzureAccount;
  readonly #ports: ProviderPorts;
  readonly #token: EntraToken;

  constructor(account: AzureAccount, ports: ProviderPorts) {
    this.#account = account;
    this.#ports = ports;
    this.#token = new EntraToken(account, ports);
  }

  /** A token before anything is sent; errors are PROVIDER_AUTH, PROVIDER_THROTTLED, PROVIDER_UNAVAILABLE, PROVIDER_REJECTED. */
  token(signal?: Signal): Promise<Result<Secret>> {
    return this.#token.token(signal);
  }

  readGroup(token: Secret, place: Place, signal?: Signal): Promise<ArmAnswer> {
    return this.#call("networkSecurityGroups.get", token, signal, (client) => client.networkSecurityGroups.get(place.resourceGroup, place.nsg));
  }

  readRule(token: Secret, place: Place, rule: string, signal?: Signal): Promise<ArmAnswer> {
    return this.#call("securityRules.get", token, signal, (client) => client.securityRules.get(place.resourceGroup, place.nsg, rule));
  }

  /** Sends the PUT and no more: `submitted()` neither polls nor waits (tried with 39.0.0, 2026-11-20). */
  putRule(token: Secret, place: Place, rule: string, body: SecurityRule, signal?: Signal): Promise<ArmAnswer> {
    return this.#call("securityRules.createOrUpdate", token, signal, (client) =>
      client.securityRules.createOrUpdate(place.resourceGroup, place.nsg, rule, body).submitted(),
    );
  }

  deleteRule(token: Secret, place: Place, rule: string, signal?: Signal): Promise<ArmAnswer> {
    return this.#call("securityRules.delete", token, signal, (client) => client.securityRules.delete(place.resourceGroup, place.nsg, rule).submitted());
  }

  /** Every page of a listing, each as its own answer, up to `pagesMax`; ends with the first that is no page. */
  async listGroups(token: Secret, resourceGroup: string | undefined, pagesMax: number, signal?: Signal): Promise<readonly ArmAnswer[]> {
    const answers: ArmAnswer[] = [];
    const exchange = this.#exchange(pagesMax, signal);
    const client = await clientFor(this.#account, token, exchange);
    const groups = resourceGroup === undefined ? client.networkSecurityGroups.listAll() : client.networkSecurityGroups.list(resourceGroup);
    const pages = groups.byPage();
    for (let page = 0; page < pagesMax; page += 1) {
      exchange.response = null;
      const next = await settle(exchange, () => pages.next());
      const answer = this.#read("networkSecurityGroups.list", exchange);
      if (answer !== null) answers.push(answer);
      if (next === null || next.done === true) break;
    }
    return answers;
  }

  /** Not the network API's: its PATCH would replace the owner's tags. */
  async changeTags(token: Secret, scope: string, change: TagChange, signal?: Signal): Promise<ArmAnswer> {
    const request = {
      method: "PATCH",
      url: routed(`${armOrigin}${scope}/providers/Microsoft.Resources/tags/default?api-version=${tagsVersion}`, this.#account.endpoint),
      headers: { authorization: `Bearer ${token.reveal()}`, accept: "application/json", "content-type": "application/json" },
      body: JSON.stringify({ operation: change.operation, properties: { tags: change.tags } }),
    };
    return this.#told("tags.updateAtScope", await this.#ports.send(request, signal));
  }

  #exchange(callsMax: number, signal?: Signal): Exchange {
    return new Exchange({ send: this.#ports.send, endpoint: this.#account.endpoint, callsMax, signal });
  }

  /** Throws only what the transport throws. */
  async #call(name: string, token: Secret, signal: Signal | undefined, run: (client: NetworkManagementClient) => Promise<unknown>): Promise<ArmAnswer> {
    const exchange = this.#exchange(1, signal);
    const client = await clientFor(this.#account, token, exchange);
    await settle(exchange, () => run(client));
    return this.#read(name, exchange) ?? { kind: "unreadable", status: 0 };
  }

  #read(name: string, exchange: Exchange): ArmAnswer | null {
    return exchange.response === null ? null : this.#told(name, exchange.response);
  }

  #told(name: string, response: HttpResponse): ArmAnswer {
    const answer = answerOf(response, this.#ports.clock.now());
    if (answer.kind === "error" && answer.meaning === "auth") this.#token.forget();
    const failure = answer.kind === "error" ? { azureCode: answer.code, requestId: answer.requestId } : {};
    this.#ports.log({ level: "debug", event: "azure.call", call: name, status: response.status, ...failure });
    return answer;
  }
}

/** Lets the SDK make of the answer what it will: an answer there was is read by us, and what the transport threw is what is thrown. */
async function settle<T>(exchange: Exchange, run: () => Promise<T>): Promise<T | null> {
  try {
    return await run();
  } catch (thrown) {
    if (exchange.thrown !== null) throw exchange.thrown;
    if (exchange.response === null) throw thrown;
    return null;
  }
}
