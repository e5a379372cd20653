// The production code in one Node process: the HTTP application, the coordinator, its passes and the aws-nacl provider,
// around a store that counts its calls, a simulated AWS account and a clock that the bench moves. No network, no timers.
import { randomBytes } from "node:crypto";
import { createApp } from "../../functions/app.ts";
import { Coordinator } from "../../functions/coordinator/coordinator.ts";
import { Memory, volatileStorage } from "../../functions/coordinator/memory.ts";
import type { World } from "../../functions/pass/world.ts";
import { makeTargets } from "../../functions/runtime/targets.ts";
import type { Fetch } from "../../functions/runtime/transport.ts";
import { memoryStore } from "../../functions/stores/memory.ts";
import { awsNacl } from "../../providers/aws-nacl/index.ts";
import type { ClientConfig, Config, TargetConfig } from "../../shared/config.ts";
import { limits } from "../../shared/limits.ts";
import type { Clock, EpochMs, Store } from "../../shared/ports.ts";
import { createProtection } from "../../shared/protect/index.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";
import { SimulatedAws } from "../simulators/aws.ts";

const minuteMs = 60_000;
/** As in the example configuration: AWS's default quota, the default deny and one allow taken off. */
const rules = { first: 1, last: 40, limit: 20 } as const;
const secretNames = { accessKeyId: "AWS_ID", secretAccessKey: "AWS_SECRET" } as const;
const awsUser = { accessKeyId: "AKIABENCHBENCHBENCH1", secretAccessKey: "secret-of-the-bench" } as const;
const allowAll = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };

const client: ClientConfig = {
  keys: [],
  secrets: [],
  scopes: ["block", "read", "admin"],
  from: null,
  longestMs: limits.leaseLongestMs,
  widest: { ipv4: 24, ipv6: 48 },
  targets: null,
  live: 100_000,
  newPerMinute: 100_000,
  mode: "enforce",
};

function aclOf(index: number): string {
  return `acl-${(index + 1).toString(16).padStart(17, "0")}`;
}

function targetConfig(index: number): TargetConfig {
  const settings = { region: "eu-west-1", acl: aclOf(index), rules };
  return { kind: "aws-nacl", mode: "enforce", maxEntries: null, settings, credentials: secretNames, formerly: null };
}

/** What any bench's configuration shares; everything that could refuse a block is set high. */
export function benchConfig(targets: Readonly<Record<string, TargetConfig>>, keyDigest: string): Config {
  const mapping = { ip: ["ip"], at: [], reason: [], severity: [], id: [] };
  const alerts = { mapping, forMs: null, severity: "medium" } as const;
  return {
    version: 1,
    owner: "bench",
    store: { stalenessMs: limits.workersKvStalenessMs },
    defaults: {
      forMs: limits.leaseDefaultMs,
      shortestMs: limits.leaseShortestMs,
      severity: "medium",
      exemptForMs: limits.exemptDefaultMs,
      widen: { ipv4: 32, ipv6: 64 },
    },
    protect: { ranges: [], presets: ["iana-special-purpose", "cloud-services"] },
    brake: { new: 100_000, perMs: minuteMs },
    clients: { bench: { ...client, keys: [keyDigest] } },
    targets,
    alerts: { elastalert: alerts, generic: alerts },
    blacklistip: null,
    heartbeat: null,
  };
}

/** Every call that reached the store, in order. */
export interface StoreCalls {
  readonly puts: string[];
  lists: number;
  gets: number;
}

export function countingStore(store: Store): { readonly store: Store; readonly calls: StoreCalls } {
  const calls: StoreCalls = { puts: [], lists: 0, gets: 0 };
  const counted: Store = {
    capabilities: store.capabilities,
    put: (key, value, options) => {
      calls.puts.push(key);
      return store.put(key, value, options);
    },
    get: (key) => {
      calls.gets += 1;
      return store.get(key);
    },
    list: (cursor, prefix) => {
      calls.lists += 1;
      return store.list(cursor, prefix);
    },
    delete: (key) => store.delete(key),
  };
  return { store: counted, calls };
}

function fetchFrom(aws: SimulatedAws): Fetch {
  return async (url, init) => {
    const { host, pathname } = new URL(url);
    const headers = { host, ...Object.fromEntries(new Headers(init.headers)) };
    const reply = aws.respond({ method: init.method ?? "GET", target: pathname, headers, body: String(init.body ?? "") });
    if (reply === null) throw new TypeError("the simulated connection was closed");
    return new Response(reply.body, { status: reply.status, headers: { ...reply.headers } });
  };
}

export class Deployment {
  readonly aws: SimulatedAws;
  readonly calls: StoreCalls;
  /** Passes that were not quiet. */
  passes = 0;
  readonly #time: { nowMs: EpochMs; alarmAt: EpochMs | null };
  readonly #key: string;
  readonly #coordinator: Coordinator;
  readonly #request: (path: string, init: RequestInit) => Promise<Response>;

  private constructor(parts: {
    aws: SimulatedAws;
    calls: StoreCalls;
    time: { nowMs: EpochMs; alarmAt: EpochMs | null };
    key: string;
    world: World;
    app: ReturnType<typeof createApp>;
    coordinator: Coordinator;
  }) {
    this.aws = parts.aws;
    this.calls = parts.calls;
    this.#time = parts.time;
    this.#key = parts.key;
    this.#coordinator = parts.coordinator;
    this.#request = async (path, init) => parts.app.request(path, init);
  }

  /** Set up as `portcullis setup` leaves it: the store has an id, and every ACL knows it. */
  static async start({ targetCount }: { readonly targetCount: number }): Promise<Deployment> {
    const time: { nowMs: EpochMs; alarmAt: EpochMs | null } = { nowMs: Date.UTC(2026, 0, 5), alarmAt: null };
    const clock: Clock = { now: () => time.nowMs };
    const indexes = Array.from({ length: targetCount }, (_, index) => index);
    const aws = new SimulatedAws({
      nowMs: clock.now,
      acls: indexes.map((index) => ({ id: aclOf(index), ipv6: true })),
      users: [{ name: "bench", ...awsUser, policy: allowAll }],
    });
    const key = randomBytes(32).toString("base64url");
    const digest = Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key))).toString("hex");
    const config = benchConfig(Object.fromEntries(indexes.map((index) => [`aws-${index + 1}`, targetConfig(index)])), digest);
    const { store, calls } = countingStore(memoryStore(clock, { stalenessMs: config.store.stalenessMs }));
    const secrets = async (name: string) => ({ AWS_ID: awsUser.accessKeyId, AWS_SECRET: awsUser.secretAccessKey })[name];
    const parts = { config, definitions: { "aws-nacl": awsNacl as ProviderDefinition<never> as ProviderDefinition }, clock, log: () => undefined };
    const random = { bytes: (count: number) => new Uint8Array(randomBytes(count)) };
    const targets = await makeTargets({ ...parts, secrets, random, fetch: fetchFrom(aws), allowedHosts: undefined });
    const memory = await Memory.open(volatileStorage(), clock.now());
    const protection = createProtection(config.protect);
    const world: World = { ...parts, store, memory, targets, protection, deployment: "bench", continuity: "kept" };
    const coordinator = new Coordinator(world, {
      schedule: async (at) => {
        time.alarmAt = time.alarmAt === null ? at : Math.min(time.alarmAt, at);
      },
      sleep: async () => undefined,
      randomBytes: (count) => random.bytes(count),
      heartbeat: async () => undefined,
    });
    const app = createApp({ ...parts, random, protection, secrets, openapi: {}, coordinatorFor: () => coordinator, remoteAddress: () => null });
    const { storeId } = await coordinator.storeId(true);
    for (const target of targets) await target.provider.setup({ action: "claim", storeId: storeId ?? "", adopt: false });
    return new Deployment({ aws, calls, time, key, world, app, coordinator });
  }

  get nowMs(): EpochMs {
    return this.#time.nowMs;
  }

  async #send(method: "GET" | "POST", path: string, fields?: Readonly<Record<string, unknown>>): Promise<{ readonly status: number; readonly body: unknown }> {
    const headers = { authorization: `Bearer ${this.#key}`, "content-type": "application/json" };
    const response = await this.#request(path, { method, headers, ...(fields === undefined ? {} : { body: JSON.stringify(fields) }) });
    return { status: response.status, body: await response.json() };
  }

  post(path: string, fields: Readonly<Record<string, unknown>>): Promise<{ readonly status: number; readonly body: unknown }> {
    return this.#send("POST", path, fields);
  }

  get(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
    return this.#send("GET", path);
  }

  /** Moves the clock, running alarms that come due on the way; no tick. */
  async advance(ms: number): Promise<void> {
    const end = this.#time.nowMs + ms;
    while (this.#time.alarmAt !== null && this.#time.alarmAt <= end) {
      this.#time.nowMs = Math.max(this.#time.nowMs, this.#time.alarmAt);
      this.#time.alarmAt = null;
      await this.#coordinator.wake();
      this.passes += 1;
    }
    this.#time.nowMs = end;
  }

  /** The cron trigger: one tick at the end of each minute. */
  async advanceMinutes(count: number): Promise<void> {
    for (let minute = 0; minute < count; minute += 1) {
      await this.advance(minuteMs);
      const { failed, quiet } = await this.#coordinator.tick();
      const names = Object.keys(failed);
      if (names.length > 0) throw new Error(`the tick failed: ${JSON.stringify(failed)}`);
      if (!quiet) this.passes += 1;
    }
  }
}
