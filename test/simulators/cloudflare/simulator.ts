// The simulated Cloudflare: token, call limit, permissions, faults, then the route itself. No network: `../cloudflare.ts` adds that.
import { Account, busy, type ItemInput } from "./account.ts";
import { type Faults, type Mishap, mishapFor, noFaults } from "./faults.ts";
import { cloudflareLimits } from "./limits.ts";
import { CloudflareRefusal, errorBody, successBody } from "./refusal.ts";
import { type Route, routes } from "./routes.ts";
import { readToken, Token, type TokenSeed, throttled } from "./tokens.ts";
import { Zone } from "./zone.ts";

export interface AccountSeed {
  readonly id: string;
  readonly zones?: readonly string[];
  readonly lists?: readonly { readonly name: string; readonly kind?: string; readonly description?: string; readonly items?: readonly ItemInput[] }[];
}

export interface CloudflareOptions {
  /** The cloud's clock; the machine's by default. */
  readonly nowMs?: () => number;
  readonly accounts?: readonly AccountSeed[];
  readonly tokens?: readonly TokenSeed[];
  /** The quota of items over all lists of an account. */
  readonly itemsMax?: number;
  /** How long a bulk operation takes. */
  readonly operationMs?: number;
  /** 64 gives the older documentation's rule. */
  readonly ipv6Longest?: number;
  /** The quota of IP Access rules of an account, its zones included. */
  readonly accessRulesMax?: number;
}

export interface Request {
  readonly method: string;
  /** After the base path, with its query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Logged {
  readonly atMs: number;
  readonly method: string;
  readonly target: string;
  /** Name of the route; null when there is none. */
  readonly route: string | null;
  readonly requestBody: string;
  /** 0: no answer was given. */
  readonly status: number;
  readonly code: number | null;
  readonly body: string;
}

export const basePath = "/client/v4";

export class SimulatedCloudflare {
  readonly faults: Faults = noFaults();
  /** Every call, oldest first. */
  readonly log: Logged[] = [];
  itemsMax: number;
  operationMs: number;
  ipv6Longest: number;
  accessRulesMax: number;
  /** The largest page of IP Access rules. */
  accessRulesPerPage: number = cloudflareLimits.accessRulesPerPage;
  /** What deleting an IP Access rule answers that is not there: 200 with nothing has been seen live, and not_found is described. */
  missingDelete: "null" | "notFound" = "null";
  readonly #nowMs: () => number;
  readonly #accounts = new Map<string, Account>();
  readonly #zones = new Map<string, Zone>();
  readonly #tokens = new Map<string, Token>();
  #ids = 0;

  constructor(options: CloudflareOptions = {}) {
    this.#nowMs = options.nowMs ?? Date.now;
    this.itemsMax = options.itemsMax ?? cloudflareLimits.itemsPerAccount;
    this.operationMs = options.operationMs ?? cloudflareLimits.operationMs;
    this.ipv6Longest = options.ipv6Longest ?? cloudflareLimits.ipv6Longest;
    this.accessRulesMax = options.accessRulesMax ?? cloudflareLimits.accessRulesPerAccount;
    for (const seed of options.tokens ?? []) this.addToken(seed);
    for (const seed of options.accounts ?? []) this.addAccount(seed);
  }

  addToken(seed: TokenSeed): void {
    this.#tokens.set(seed.value, new Token(seed));
  }

  addAccount(seed: AccountSeed): Account {
    const newId = () => this.#newId();
    const account = new Account(seed.id, {
      nowMs: this.#nowMs,
      newId,
      faults: this.faults,
      itemsMax: () => this.itemsMax,
      operationMs: () => this.operationMs,
      ipv6Longest: () => this.ipv6Longest,
      accessRulesMax: () => this.accessRulesMax,
      accessRulesPerPage: () => this.accessRulesPerPage,
      missingDelete: () => this.missingDelete,
    });
    this.#accounts.set(seed.id, account);
    for (const list of seed.lists ?? []) account.addList(list);
    const hasList = (name: string) => [...account.lists.values()].some((list) => list.name === name);
    for (const id of seed.zones ?? []) this.#zones.set(id, new Zone(id, seed.id, { nowMs: this.#nowMs, newId, hasList }));
    return account;
  }

  /** The account, to look at and to edit as a person would; throws for an unknown id. */
  account(id: string): Account {
    const account = this.#accounts.get(id);
    if (account === undefined) throw new CloudflareRefusal(404, 7003, `Could not route to accounts/${id}, perhaps your object identifier is invalid?`);
    return account;
  }

  zone(id: string): Zone {
    const zone = this.#zones.get(id);
    if (zone === undefined) throw new CloudflareRefusal(404, 7003, `Could not route to zones/${id}, perhaps your object identifier is invalid?`);
    return zone;
  }

  zones(): readonly Zone[] {
    return [...this.#zones.values()];
  }

  /** How often a route was called, refused calls included; all routes without a name. */
  calls(route?: string): number {
    return this.log.filter((entry) => route === undefined || entry.route === route).length;
  }

  /** How often the API was asked to change something. */
  get writes(): number {
    return this.log.filter((entry) => entry.method !== "GET").length;
  }

  #newId(): string {
    this.#ids += 1;
    return `c10d${this.#ids.toString(16).padStart(28, "0")}`;
  }

  /** Answers one request; null: the connection is to be closed without an answer. */
  respond(request: Request): Reply | null {
    const found = routeOf(request);
    try {
      const reply = this.#carryOut(request, found);
      this.#note(request, found?.route ?? null, reply, null);
      return reply;
    } catch (error) {
      if (!(error instanceof CloudflareRefusal)) throw error;
      const retry = error.retryAfterSeconds === null ? {} : { "retry-after": String(error.retryAfterSeconds) };
      const reply = { status: error.status, headers: { ...this.#headers(), ...retry }, body: errorBody(error) };
      this.#note(request, found?.route ?? null, reply, error.code);
      return reply;
    }
  }

  #carryOut(request: Request, found: Found | null): Reply | null {
    const token = this.#tokens.get(readToken(request.headers.authorization));
    if (token === undefined || this.faults.credentialsRevoked) throw new CloudflareRefusal(403, 9109, "Invalid access token");
    token.count(this.#nowMs());
    if (found === null) throw new CloudflareRefusal(404, 7000, `No route for that URI (${request.method} ${request.target})`);
    const { route, ids, query } = found;
    const need = route.need(ids);
    if (need !== null && !token.may(need)) throw new CloudflareRefusal(403, 10000, "Authentication error");
    const unknown = [...query.keys()].filter((key) => !(route.query ?? []).includes(key));
    if (unknown.length > 0) throw new CloudflareRefusal(400, 10017, `unknown query parameter ${unknown.join(", ")}`);
    const mishap = mishapFor(this.faults, route.name);
    if (mishap?.kind === "throttle") throw throttled(mishap.retryAfterSeconds);
    if (mishap?.kind === "busy") throw busy();
    if (mishap !== null && !mishap.committed) return this.#fail(mishap);
    const success = route.run({ ids, query, body: readBody(request), world: this, may: (asked) => token.may(asked) });
    if (mishap !== null) return this.#fail(mishap);
    return { status: 200, headers: this.#headers(), body: successBody(success) };
  }

  #fail(mishap: Extract<Mishap, { readonly committed: boolean }>): Reply | null {
    if (mishap.kind === "drop") return null;
    if (mishap.kind === "garbage") return { status: 200, headers: { "content-type": "text/html" }, body: "<html><p>Please log in<br></html>" };
    const refusal = new CloudflareRefusal(mishap.status, 10500, "internal server error");
    return { status: mishap.status, headers: this.#headers(), body: errorBody(refusal) };
  }

  #headers(): Record<string, string> {
    return { "content-type": "application/json; charset=UTF-8", date: new Date(this.#nowMs()).toUTCString() };
  }

  #note(request: Request, route: Route | null, reply: Reply | null, code: number | null): void {
    const { method, target, body } = request;
    const answer = { status: reply?.status ?? 0, code, body: reply?.body ?? "" };
    this.log.push({ atMs: this.#nowMs(), method, target, route: route?.name ?? null, requestBody: body, ...answer });
  }
}

interface Found {
  readonly route: Route;
  readonly ids: readonly string[];
  readonly query: URLSearchParams;
}

function routeOf(request: Request): Found | null {
  const url = new URL(request.target, "http://simulator");
  if (!url.pathname.startsWith(`${basePath}/`)) return null;
  const path = url.pathname.slice(basePath.length);
  for (const route of routes) {
    const match = route.method === request.method ? route.path.exec(path) : null;
    if (match !== null) return { route, ids: match.slice(1), query: url.searchParams };
  }
  return null;
}

function readBody(request: Request): unknown {
  if (request.body === "") return undefined;
  if (!/^application\/json(;|$)/.test(request.headers["content-type"] ?? ""))
    throw new CloudflareRefusal(415, 10018, "the content type must be application/json");
  try {
    return JSON.parse(request.body);
  } catch {
    throw new CloudflareRefusal(400, 10019, "the body is not JSON");
  }
}
