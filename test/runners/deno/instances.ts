// Several instances of the product in Deno over one database and one simulated account, each with a clock, a life and a way to the
// cloud of its own. The wiring is the deployment's; only the ports are ours.
import type { AcceptItem, AcceptRequest } from "../../../functions/coordinator/contract.ts";
import { type DenoCoordinator, denoCoordinator } from "../../../functions/coordinator/deno-coordinator.ts";
import type { TakeRequest } from "../../../functions/events/contract.ts";
import { playbookEngine } from "../../../functions/events/engine.ts";
import type { DenoAtomic, DenoKv } from "../../../functions/runtime/deno-api.ts";
import { engineOf } from "../../../functions/runtime/deployment.ts";
import { denoKvStore } from "../../../functions/stores/deno-kv.ts";
import { awsNacl } from "../../../providers/aws-nacl/index.ts";
import { cidrKey, cidrOf } from "../../../shared/address/index.ts";
import type { Config } from "../../../shared/config.ts";
import type { Clock, LogRecord, Store } from "../../../shared/ports.ts";
import { createProtection } from "../../../shared/protect/index.ts";
import type { ProviderDefinition } from "../../../shared/provider.ts";
import { startMs, storeId, testConfig } from "../../coordinator/world.ts";
import { calling } from "../../events/support.ts";
import { SimulatedAws } from "../../simulators/aws.ts";
import { aclId, fixtureUsers, keys } from "../../simulators/aws-fixtures.ts";
import { VirtualTime } from "./virtual-time.ts";

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

export interface CloudCall {
  readonly by: string;
  readonly action: string;
  readonly began: number;
  ended: number;
}

export class Instance {
  readonly name: string;
  readonly clock: Clock;
  readonly logs: LogRecord[] = [];
  readonly #world: Instances;
  #coordinator: DenoCoordinator | null = null;
  /** Nothing that it began ever ends. */
  isDead = false;
  /** How long the cloud takes to answer it. */
  cloudMs = 0;
  /** Called when a call to the cloud is about to be answered. */
  onCall: (action: string) => Promise<void> = async () => undefined;

  constructor(world: Instances, name: string, skewMs: number) {
    this.#world = world;
    this.name = name;
    this.clock = { now: () => world.time.now + skewMs };
  }

  get api(): DenoCoordinator["api"] {
    if (this.#coordinator === null) throw new Error(`${this.name} was not started`);
    return this.#coordinator.api;
  }

  async start(config: Config): Promise<void> {
    const secrets: Record<string, string> = { ID: keys.run.accessKeyId, SECRET: keys.run.secretAccessKey };
    this.#coordinator = await denoCoordinator({
      kv: this.kv(),
      config,
      definitions: { "aws-nacl": awsNacl as ProviderDefinition<never> as ProviderDefinition },
      protection: createProtection(config.protect),
      secrets: async (name) => secrets[name],
      fetch: (url, init) => this.#fetch(url, init),
      allowedHosts: undefined,
      clock: this.clock,
      random: { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) },
      log: (record) => void this.logs.push(record),
      sleep: (ms) => this.#world.time.sleep(ms),
      later: (at, work) => this.#world.time.at(this.#world.time.now + Math.max(0, at - this.clock.now()), () => void (this.isDead ? undefined : work())),
      heartbeat: async () => undefined,
      engine: engineOf(config, playbookEngine),
    });
  }

  /** The database as this instance reaches it; time stands still while it does. */
  kv(): DenoKv {
    const { kv, time } = this.#world;
    const reach = <T>(call: () => Promise<T>): Promise<T> => (this.isDead ? never() : time.hold(call()).then((result) => (this.isDead ? never<T>() : result)));
    const atomic = (): DenoAtomic => {
      const operation = kv.atomic();
      const commit = operation.commit.bind(operation);
      operation.commit = () => reach(commit);
      return operation;
    };
    return {
      atomic,
      get: (key) => reach(() => kv.get(key)),
      getMany: (many) => reach(() => kv.getMany(many)),
      list: (range, options) => {
        const listed = kv.list(range, options);
        const next = listed.next.bind(listed);
        listed.next = () => reach(next);
        return listed;
      },
      close: () => undefined,
    };
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    if (this.isDead) return never();
    const { time, aws } = this.#world;
    const { pathname, host } = new URL(url);
    const headers = { ...Object.fromEntries(new Headers(init.headers)), host };
    const action = new URLSearchParams(String(init.body)).get("Action") ?? "?";
    const call: CloudCall = { by: this.name, action, began: time.now, ended: Number.POSITIVE_INFINITY };
    this.#world.calls.push(call);
    await this.onCall(action);
    if (this.isDead) return never();
    if (this.cloudMs > 0) await time.sleep(this.cloudMs);
    const reply = aws.respond({ method: init.method ?? "GET", target: pathname, headers, body: String(init.body ?? "") });
    call.ended = time.now;
    if (reply === null) throw new Error("the connection was closed");
    return new Response(reply.body, { status: reply.status, headers: reply.headers });
  }
}

export class Instances {
  readonly time = new VirtualTime(startMs);
  readonly kv: DenoKv;
  readonly aws: SimulatedAws;
  readonly store: Store;
  readonly calls: CloudCall[] = [];
  readonly config: Config;

  constructor(kv: DenoKv, changes: Partial<Config> = {}) {
    this.time.holdCryptography();
    this.kv = kv;
    const settings = { region: "eu-west-1", acl: aclId, rules: { first: 1, last: 40, limit: 20 }, direction: "ingress" };
    const credentials = { accessKeyId: "ID", secretAccessKey: "SECRET" };
    const web = { kind: "aws-nacl", mode: "enforce", maxEntries: null, settings, credentials, formerly: null } as const;
    this.config = testConfig({ store: { stalenessMs: 0 }, targets: { web }, ...changes });
    this.aws = new SimulatedAws({
      nowMs: () => this.time.now,
      acls: [{ id: aclId, ipv6: true, tags: { "portcullis:store": storeId, "portcullis:range": "1-40" } }],
      users: fixtureUsers(),
    });
    this.store = denoKvStore({ kv, clock: { now: () => this.time.now }, randomId: () => "outside" });
  }

  async setUp(): Promise<void> {
    await this.store.put("meta:store", storeId, { metadata: { id: storeId }, expiresAtMs: null });
  }

  async instance(name: string, skewMs = 0): Promise<Instance> {
    const instance = new Instance(this, name, skewMs);
    await instance.start(this.config);
    return instance;
  }

  request(...ips: readonly string[]): AcceptRequest {
    const items = ips.map((ip): AcceptItem => {
      const at = this.time.now;
      return { key: cidrKey(cidrOf(ip)), asked: ip, at, until: at + 3_600_000, severity: "medium", targets: null, reason: "law", alerts: [] };
    });
    return { client: "detector", items, allOrNothing: false, dryRun: false };
  }

  event(id: string, ip: string): TakeRequest {
    const event = { ...calling, id, at: this.time.now, actor: { addresses: [`${ip}/32`] } };
    const bounds = { longestMs: 86_400_000, widest: { ipv4: 32, ipv6: 64 } };
    return { client: "detector", own: null, bounds, receipt: this.time.now, events: [event] };
  }

  /** Addresses that stand in our range, sorted. */
  standing(): readonly string[] {
    const ours = this.aws.acl(aclId).state.entries.filter((entry) => !entry.egress && entry.number <= 40);
    return ours.map((entry) => entry.cidr).sort();
  }

  async leases(): Promise<number> {
    return (await this.store.list(null, "lease:")).keys.length;
  }
}
