// The simulated subscription and tenant: tokens, permissions, throttles, locks, faults, then the call itself. No network: `../azure.ts` adds that.
import { defaultDocuments, groupDocument, ruleDocument, tagsDocument } from "./documents.ts";
import { type Application, type ApplicationSeed, Entra } from "./entra.ts";
import { type AzureFaults, type AzureMishap, azureMishapFor, noAzureFaults } from "./faults.ts";
import { azureLimits } from "./limits.ts";
import { guidOf, type NsgChange, type NsgSeed, type Operation, SimulatedNsg } from "./nsg.ts";
import { permitted } from "./rbac.ts";
import { ArmRefusal, type AzureReply, EntraRefusal } from "./refusal.ts";
import { type CallName, type Named, namedOf, type Route, routes, scopeOf } from "./routes.ts";
import { ArmBuckets } from "./throttle.ts";

export interface AzureOptions {
  /** The cloud's clock; the machine's by default. */
  readonly nowMs?: () => number;
  readonly tenant?: string;
  readonly subscription?: string;
  readonly resourceGroup?: string;
  readonly groups?: readonly NsgSeed[];
  readonly applications?: readonly ApplicationSeed[];
}

export interface AzureRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface AzureLogged {
  readonly atMs: number;
  /** `token`, a route of Azure Resource Manager, or `?`. */
  readonly call: CallName | "token" | "?";
  readonly method: string;
  readonly path: string;
  /** Name of the application; null when that was refused. */
  readonly principal: string | null;
  readonly status: number;
  /** The vendor's error code; null for success. */
  readonly code: string | null;
  readonly request: string;
  readonly body: string;
}

export interface Lock {
  readonly name: string;
  readonly scope: string;
  readonly level: "CanNotDelete" | "ReadOnly";
}

/** Where the answers say an operation can be followed; the real one, as the SDK and our transport map it. */
const armOrigin = "https://management.azure.com";

interface Call {
  readonly request: AzureRequest;
  readonly route: Route;
  readonly named: Named;
  readonly query: URLSearchParams;
}

export class SimulatedAzure {
  readonly tenant: string;
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly entra: Entra;
  readonly faults: AzureFaults = noAzureFaults();
  readonly locks: Lock[] = [];
  /** Every call that was answered, oldest first. */
  readonly log: AzureLogged[] = [];
  readonly changes: NsgChange[] = [];
  readonly #nowMs: () => number;
  readonly #groups = new Map<string, SimulatedNsg>();
  readonly #buckets = new ArmBuckets();
  readonly #listeners = new Set<(change: NsgChange) => void>();
  #requests = 0;

  constructor(options: AzureOptions = {}) {
    this.tenant = options.tenant ?? "aaaaaaaa-0000-4000-8000-000000000001";
    this.subscription = options.subscription ?? "bbbbbbbb-0000-4000-8000-000000000002";
    this.resourceGroup = options.resourceGroup ?? "edge";
    this.#nowMs = options.nowMs ?? Date.now;
    this.entra = new Entra(this.tenant, options.applications ?? []);
    for (const seed of options.groups ?? []) this.addGroup(seed);
  }

  addGroup(seed: NsgSeed): SimulatedNsg {
    const nsg = new SimulatedNsg(seed, this, {
      nowMs: this.#nowMs,
      provisioningMs: () => this.faults.provisioningMs,
      operationsFail: () => this.faults.operationsFail,
      busyAs: () => this.faults.busyAs,
      changed: (change) => this.#changed(change),
    });
    this.#groups.set(nsg.id.toLowerCase(), nsg);
    return nsg;
  }

  /** The group, to look at and to edit as a person would; throws for an unknown name. */
  group(name: string): SimulatedNsg {
    const nsg = [...this.#groups.values()].find((candidate) => candidate.name === name);
    if (nsg === undefined) throw new Error(`the simulated subscription has no ${name}`);
    return nsg;
  }

  deleteGroup(name: string): void {
    this.#groups.delete(this.group(name).id.toLowerCase());
  }

  /** Tells of every change from now on; call the result to stop. */
  onChange(listener: (change: NsgChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** How often a call was made, refused ones included. */
  calls(call: AzureLogged["call"]): number {
    return this.log.filter((entry) => entry.call === call).length;
  }

  /** How often Azure Resource Manager was asked to change something. */
  get writes(): number {
    return this.log.filter((entry) => entry.call !== "token" && entry.method !== "GET").length;
  }

  /** Answers one request; null: the connection is to be closed without an answer. */
  respond(request: AzureRequest): AzureReply | null {
    const url = new URL(request.target, armOrigin);
    const login = /^\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(url.pathname);
    this.#requests += 1;
    return login === null ? this.#arm(request, url) : this.#token(request, login[1] ?? "");
  }

  // --- Entra ---

  #token(request: AzureRequest, tenant: string): AzureReply | null {
    const headers = this.#headers();
    const note = (status: number, code: string | null, principal: string | null, body: string) =>
      this.#note("token", request, principal, { status, body }, code);
    try {
      if (request.method !== "POST") throw new EntraRefusal(405, "invalid_request", 900561, "The endpoint only accepts POST requests.");
      if (!(request.headers["content-type"] ?? "").startsWith("application/x-www-form-urlencoded"))
        throw new EntraRefusal(400, "invalid_request", 900144, "The request body must be a form.");
      const mishap = azureMishapFor(this.faults, "token");
      if (mishap !== null) return this.#spoil(mishap, headers);
      if (this.faults.credentialsRevoked) throw new EntraRefusal(401, "invalid_client", 7000215, "Invalid client secret provided.");
      const token = this.entra.grant(tenant, new URLSearchParams(request.body), this.#nowMs());
      const body = JSON.stringify({
        token_type: "Bearer",
        expires_in: azureLimits.tokenSeconds,
        ext_expires_in: azureLimits.tokenSeconds,
        access_token: token.text,
      });
      note(200, null, token.application.name, body);
      return { status: 200, headers, body };
    } catch (error) {
      if (error instanceof ArmRefusal) return this.#refused(error, headers);
      if (!(error instanceof EntraRefusal)) throw error;
      note(error.status, `AADSTS${error.code}`, null, error.document);
      return { status: error.status, headers, body: error.document };
    }
  }

  // --- Azure Resource Manager ---

  #arm(request: AzureRequest, url: URL): AzureReply | null {
    let application: Application | null = null;
    let call: CallName | "?" = "?";
    const headers = this.#headers();
    try {
      application = this.#authenticate(request);
      const found = routeOf(request.method, url.pathname);
      if (found === null) throw new ArmRefusal(404, "InvalidResourceType", `The simulator has no route ${request.method} ${url.pathname}.`);
      call = found.route.call;
      const reply = this.#carryOut({ request, query: url.searchParams, ...found }, application, headers);
      this.#note(call, request, application.name, reply ?? { status: 0, body: "" }, null);
      return reply;
    } catch (error) {
      if (!(error instanceof ArmRefusal)) throw error;
      this.#note(call, request, application?.name ?? null, { status: error.status, body: error.document }, error.code);
      return this.#refused(error, headers);
    }
  }

  #authenticate(request: AzureRequest): Application {
    const match = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "");
    if (match === null) throw new ArmRefusal(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.");
    const token = this.entra.tokens.get(match[1] ?? "");
    if (token === undefined || this.faults.credentialsRevoked) throw new ArmRefusal(401, "InvalidAuthenticationToken", "The access token is invalid.");
    if (token.audience !== armOrigin)
      throw new ArmRefusal(401, "InvalidAuthenticationTokenAudience", `The access token has been obtained for wrong audience or resource '${token.audience}'.`);
    if (token.endsMs <= this.#nowMs())
      throw new ArmRefusal(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than the current time.");
    return token.application;
  }

  #carryOut(call: Call, application: Application, headers: Record<string, string>): AzureReply | null {
    const { route, named } = call;
    const version = call.query.get("api-version");
    if (version === null)
      throw new ArmRefusal(400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.");
    if (!route.versions.includes(version))
      throw new ArmRefusal(400, "InvalidResourceType", `The api-version '${version}' is not supported; supported are '${route.versions.join(", ")}'.`);
    const scope = scopeOf(named);
    if (!permitted(application.assignments, route.action, scope)) {
      throw new ArmRefusal(
        403,
        "AuthorizationFailed",
        `The client '${application.clientId}' does not have authorization to perform action '${route.action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
      );
    }
    const taken = this.#buckets.take(`${named.subscription} ${application.clientId}`, route.bucket, this.#nowMs());
    if ("waitSeconds" in taken) throw new ArmRefusal(429, "TooManyRequests", "The request is being throttled.", { retryAfterSeconds: taken.waitSeconds });
    headers[`x-ms-ratelimit-remaining-subscription-${route.bucket}`] = String(taken.left);
    this.#checkLocks(route, scope);
    const mishap = azureMishapFor(this.faults, route.call);
    if (mishap !== null && !("committed" in mishap && mishap.committed)) return this.#spoil(mishap, headers);
    const reply = this.#answer(call, headers);
    return mishap === null ? reply : this.#spoil(mishap, headers);
  }

  #checkLocks(route: Route, scope: string): void {
    const at = scope.toLowerCase();
    const lock = this.locks.find(
      (one) => at.startsWith(one.scope.toLowerCase()) && (one.level === "ReadOnly" ? route.method !== "GET" : route.method === "DELETE"),
    );
    if (lock === undefined) return;
    const verb = route.method === "DELETE" ? "delete" : "write";
    throw new ArmRefusal(
      409,
      "ScopeLocked",
      `The scope '${scope}' cannot perform ${verb} operation because following scope(s) are locked: '${lock.scope}'. Please remove the lock and try again.`,
    );
  }

  #answer(call: Call, headers: Record<string, string>): AzureReply {
    const { named, route } = call;
    if (route.call === "listGroups") return this.#listGroups(call, headers);
    if (route.call === "readOperation") return this.#readOperation(call, headers);
    const nsg = this.#groups.get(scopeOf(named).toLowerCase());
    if (nsg === undefined) {
      throw new ArmRefusal(
        404,
        "ResourceNotFound",
        `The Resource 'Microsoft.Network/networkSecurityGroups/${named.nsg}' under resource group '${named.resourceGroup}' was not found.`,
      );
    }
    const state = nsg.stateAt(this.#seenMs());
    switch (route.call) {
      case "readGroup":
        return json(200, headers, groupDocument(nsg, state));
      case "patchGroup":
        nsg.tag(tagsOf(jsonBody(call.request.body)), "api");
        return json(200, headers, groupDocument(nsg, nsg.state));
      case "listRules":
        return json(
          200,
          headers,
          this.#page(
            call,
            state.rules.map((rule) => ruleDocument(nsg, state, rule)),
          ),
        );
      case "readDefaults":
        return json(200, headers, { value: defaultDocuments(nsg, state) });
      case "readRule": {
        const rule = state.rules.find((candidate) => candidate.name.toLowerCase() === named.rule.toLowerCase());
        if (rule === undefined) throw new ArmRefusal(404, "NotFound", `Resource ${nsg.id}/securityRules/${named.rule} not found.`);
        return json(200, headers, ruleDocument(nsg, state, rule));
      }
      case "writeRule":
        return this.#writeRule(nsg, call, headers);
      case "deleteRule":
        return this.#deleteRule(nsg, named.rule, headers);
      case "readTags":
        return json(200, headers, tagsDocument(nsg, state));
      case "writeTags":
        return this.#writeTags(nsg, call.request.body, headers);
    }
  }

  /** The moment that a read shows. */
  #seenMs(): number {
    return this.#nowMs() - (this.faults.lagPerRead?.() ?? this.faults.readLagMs);
  }

  #writeRule(nsg: SimulatedNsg, call: Call, headers: Record<string, string>): AzureReply {
    if (!(call.request.headers["content-type"] ?? "").startsWith("application/json"))
      throw new ArmRefusal(415, "UnsupportedMediaType", "The content media type is not supported; only application/json is.");
    const { created, operation } = nsg.accept(call.named.rule, jsonBody(call.request.body));
    const rule = nsg.rule(call.named.rule);
    if (rule === null) throw new Error("an accepted rule stands");
    if (operation !== null) headers["azure-asyncoperation"] = this.#operationUrl(nsg, operation, "operations");
    return json(created ? 201 : 200, headers, ruleDocument(nsg, nsg.state, rule));
  }

  #deleteRule(nsg: SimulatedNsg, name: string, headers: Record<string, string>): AzureReply {
    const { absent, operation } = nsg.acceptDelete(name);
    if (absent) return { status: 204, headers, body: "" };
    if (operation === null) return { status: 200, headers, body: "" };
    headers.location = this.#operationUrl(nsg, operation, "operationResults");
    headers["azure-asyncoperation"] = this.#operationUrl(nsg, operation, "operations");
    headers["retry-after"] = "10";
    return { status: 202, headers, body: "" };
  }

  /** Merge, Replace and Delete by name and value (learn.microsoft.com, resources/tags/update-at-scope). */
  #writeTags(nsg: SimulatedNsg, body: string, headers: Record<string, string>): AzureReply {
    const { operation, properties } = jsonBody(body);
    const given = tagsOf(properties);
    const before = nsg.state.tags;
    if (operation === "Replace") nsg.tag(given, "api");
    else if (operation === "Merge") nsg.tag(merged(before, given), "api");
    else if (operation === "Delete") nsg.tag(Object.fromEntries(Object.entries(before).filter(([name, value]) => given[name] !== value)), "api");
    else throw new ArmRefusal(400, "InvalidRequestContent", `The operation '${String(operation)}' is not one of Replace, Merge, Delete.`);
    return json(200, headers, tagsDocument(nsg, nsg.state));
  }

  #listGroups(call: Call, headers: Record<string, string>): AzureReply {
    const prefix = `${scopeOf(call.named)}/`.toLowerCase();
    const groups = [...this.#groups.values()].filter((nsg) => nsg.id.toLowerCase().startsWith(prefix));
    const atMs = this.#seenMs();
    return json(
      200,
      headers,
      this.#page(
        call,
        groups.map((nsg) => groupDocument(nsg, nsg.stateAt(atMs))),
      ),
    );
  }

  #page(call: Call, documents: readonly unknown[]): Record<string, unknown> {
    const from = Number(call.query.get("$skiptoken") ?? "0");
    const to = from + Math.min(azureLimits.pageSize, this.faults.pageSizeMax);
    const path = call.request.target.split("?")[0];
    const next = `${armOrigin}${path}?api-version=${call.query.get("api-version")}&$skiptoken=${to}`;
    return { value: documents.slice(from, to), ...(to < documents.length ? { nextLink: next } : {}) };
  }

  #readOperation(call: Call, headers: Record<string, string>): AzureReply {
    for (const nsg of this.#groups.values()) {
      const operation = nsg.operations.get(call.named.operation);
      if (operation === undefined) continue;
      const running = operation.endsMs > this.#nowMs();
      if (running) headers["retry-after"] = "10";
      return json(200, headers, { status: running ? "InProgress" : operation.fails ? "Failed" : "Succeeded" });
    }
    throw new ArmRefusal(404, "OperationNotFound", `The operation ${call.named.operation} was not found.`);
  }

  #operationUrl(nsg: SimulatedNsg, operation: Operation, kind: "operations" | "operationResults"): string {
    return `${armOrigin}/subscriptions/${nsg.subscription}/providers/Microsoft.Network/locations/${nsg.location}/${kind}/${operation.id}?api-version=2026-01-01`;
  }

  // --- around it ---

  #spoil(mishap: AzureMishap, headers: Record<string, string>): AzureReply | null {
    if (mishap.kind === "drop") return null;
    if (mishap.kind === "garbage") return { status: 200, headers: { ...headers, "content-type": "text/html" }, body: "<html><p>Please log in<br></html>" };
    if (mishap.kind === "throttle")
      throw new ArmRefusal(429, "TooManyRequests", "The request is being throttled.", { retryAfterSeconds: mishap.retryAfterSeconds });
    if (mishap.kind === "refuse") throw new ArmRefusal(mishap.status, mishap.code, `Refused as ${mishap.code}.`);
    return this.#refused(new ArmRefusal(mishap.status, "InternalServerError", "An error occurred."), headers);
  }

  #refused(error: ArmRefusal, headers: Readonly<Record<string, string>>): AzureReply {
    const retryAfter = error.retryAfterSeconds === null ? {} : { "retry-after": String(error.retryAfterSeconds) };
    return { status: error.status, headers: { ...headers, ...retryAfter }, body: error.document };
  }

  #headers(): Record<string, string> {
    return {
      "content-type": "application/json; charset=utf-8",
      date: new Date(this.#nowMs()).toUTCString(),
      "x-ms-request-id": guidOf(`request ${this.#requests}`),
    };
  }

  #note(call: AzureLogged["call"], request: AzureRequest, principal: string | null, reply: Pick<AzureReply, "status" | "body">, code: string | null): void {
    const [path = ""] = request.target.split("?");
    this.log.push({ atMs: this.#nowMs(), call, method: request.method, path, principal, status: reply.status, code, request: request.body, body: reply.body });
  }

  #changed(change: NsgChange): void {
    this.changes.push(change);
    for (const listener of this.#listeners) listener(change);
  }
}

function routeOf(method: string, path: string): { readonly route: Route; readonly named: Named } | null {
  for (const route of routes) {
    const found = route.method === method ? route.pattern.exec(path) : null;
    if (found !== null) return { route, named: namedOf(found) };
  }
  return null;
}

function json(status: number, headers: Readonly<Record<string, string>>, body: unknown): AzureReply {
  return { status, headers, body: JSON.stringify(body) };
}

function jsonBody(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Refused below, with what is no object.
  }
  throw new ArmRefusal(400, "InvalidRequestContent", "The request content was invalid and could not be deserialized.");
}

function tagsOf(holder: unknown): Readonly<Record<string, string>> {
  const tags = typeof holder === "object" && holder !== null ? (holder as Record<string, unknown>).tags : null;
  if (typeof tags !== "object" || tags === null || Object.values(tags).some((value) => typeof value !== "string"))
    throw new ArmRefusal(400, "InvalidRequestContent", "The tags must be an object of strings.");
  return tags as Record<string, string>;
}

/** Names of tags compare without regard to case. */
function merged(before: Readonly<Record<string, string>>, given: Readonly<Record<string, string>>): Record<string, string> {
  const names = new Set(Object.keys(given).map((name) => name.toLowerCase()));
  return { ...Object.fromEntries(Object.entries(before).filter(([name]) => !names.has(name.toLowerCase()))), ...given };
}
