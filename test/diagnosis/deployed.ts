// A whole deployment in virtual time, as its users meet it: the real HTTP application before the real coordinator, over a simulated cloud.
// Asked from outside only: requests, ticks, and what persons do at the cloud and at the store.
import { createHash } from "node:crypto";
import { type AppDeps, createApp } from "../../functions/app.ts";
import type { CoordinatorApi } from "../../functions/coordinator/contract.ts";
import type { ClientConfig, Config } from "../../shared/config.ts";
import { createProtection } from "../../shared/protect/index.ts";
import type { CoordinatedWorld } from "../coordinator/world.ts";

/** What answers say, as far as the tests look. */
export type Shown = ReturnType<typeof JSON.parse>;

const anyone: ClientConfig = {
  keys: [],
  secrets: [],
  scopes: [],
  from: null,
  longestMs: 30 * 86_400_000,
  widest: { ipv4: 8, ipv6: 19 },
  targets: null,
  live: 10_000,
  newPerMinute: 10_000,
  mode: "enforce",
};

const keyOf = (client: string) => `key-of-${client}`;
const keysOf = (client: string) => [createHash("sha256").update(keyOf(client)).digest("hex")];

export const clients: Config["clients"] = {
  admin: { ...anyone, keys: keysOf("admin"), scopes: ["block", "lift", "exempt", "read", "feed", "metrics", "admin", "alert:generic"] },
  detector: { ...anyone, keys: keysOf("detector"), scopes: ["block", "alert:generic"] },
  slow: { ...anyone, keys: keysOf("slow"), scopes: ["block"], newPerMinute: 2 },
  reader: { ...anyone, keys: keysOf("reader"), scopes: ["read"] },
};

export type ClientName = "admin" | "detector" | "slow" | "reader";

/** Every verb of whichever life the coordinator has when it is asked. */
function presentCoordinator(world: CoordinatedWorld): CoordinatorApi {
  const present = async () => (await world.life()).coordinator;
  return {
    accept: async (request, trace) => (await present()).accept(request, trace),
    settle: async (ticket, keys, waitMs) => (await present()).settle(ticket, keys, waitMs),
    lift: async (request, trace) => (await present()).lift(request, trace),
    stop: async (request, trace) => (await present()).stop(request, trace),
    reconcile: async (confirm, trace) => (await present()).reconcile(confirm, trace),
    plan: async (target, trace) => (await present()).plan(target, trace),
    explain: async (key) => (await present()).explain(key),
    snapshot: async () => (await present()).snapshot(),
    storeId: async (mint) => (await present()).storeId(mint),
    vitals: async () => (await present()).vitals(),
    note: async (unauthenticated) => (await present()).note(unauthenticated),
    take: async (request, trace) => (await present()).take(request, trace),
    events: async (request) => (await present()).events(request),
    event: async (id) => (await present()).event(id),
    approve: async (request, trace) => (await present()).approve(request, trace),
    replay: async (request, trace) => (await present()).replay(request, trace),
    tick: async (trace) => (await present()).tick(trace),
  };
}

export class Deployed<W extends CoordinatedWorld = CoordinatedWorld> {
  readonly world: W;
  #app: ReturnType<typeof createApp>;
  readonly #overrides: Partial<AppDeps>;

  constructor(world: W, overrides: Partial<AppDeps> = {}) {
    this.world = world;
    this.#overrides = overrides;
    world.config = { ...world.config, clients };
    // A life that began before knows other clients.
    world.evict();
    this.#app = this.#build();
  }

  #build(): ReturnType<typeof createApp> {
    const { world } = this;
    const target = (name: string) => world.targets(world.send).find((one) => one.name === name);
    return createApp({
      config: world.config,
      protection: createProtection(world.config.protect),
      secrets: async () => undefined,
      clock: world.clock,
      random: world.random,
      log: (record) => world.logs.push(record),
      openapi: {},
      coordinatorFor: () => presentCoordinator(world),
      remoteAddress: () => "192.0.2.10",
      targetFacts: (name) => ({ caveats: [], admit: (cidr) => target(name)?.provider.admit(cidr) ?? { kind: "accept" } }),
      ...this.#overrides,
    });
  }

  /** Another deployment over the same store, memory and clouds. */
  redeploy(changes: Partial<Config>): void {
    this.world.config = { ...this.world.config, ...changes };
    this.world.evict();
    this.#app = this.#build();
  }

  async send(
    method: string,
    path: string,
    client: ClientName | null,
    init: { readonly body?: string; readonly headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const headers = { "content-type": "application/json", ...(client === null ? {} : { authorization: `Bearer ${keyOf(client)}` }), ...init.headers };
    return this.#app.request(`http://portcullis.test${path}`, { method, headers, ...(init.body === undefined ? {} : { body: init.body }) });
  }

  post(path: string, body: unknown, client: ClientName | null = "admin"): Promise<Response> {
    return this.send("POST", path, client, { body: JSON.stringify(body) });
  }

  get(path: string, client: ClientName | null = "admin"): Promise<Response> {
    return this.send("GET", path, client);
  }

  async block(ip: string, fields: Readonly<Record<string, unknown>> = {}, client: ClientName = "admin"): Promise<Response> {
    return this.post("/v1/blocks", { ip, for: "2h", ...fields }, client);
  }

  async json(response: Response | Promise<Response>): Promise<Shown> {
    return (await (await response).json()) as Shown;
  }

  async target(): Promise<Shown> {
    const shown = await this.json(this.get("/v1/targets"));
    return shown.targets[0];
  }

  /** Minutes pass, with their ticks and alarms. */
  async minutes(count: number): Promise<void> {
    await this.world.advance(count * 60_000);
  }
}
