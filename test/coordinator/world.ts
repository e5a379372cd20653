// A small simulated world for the coordinator's laws: virtual time, an eventually consistent store, the strict AWS
// simulator without a network, alarms and ticks, and a hand that kills, wipes and doubles coordinators.
// Everything between the routes and the wire is the production code.

import type * as contract from "../../functions/coordinator/contract.ts";
import { Coordinator } from "../../functions/coordinator/coordinator.ts";
import { Memory, type MemoryStorage, volatileStorage } from "../../functions/coordinator/memory.ts";
import { playbookEngine } from "../../functions/events/engine.ts";
import type { Target } from "../../functions/pass/world.ts";
import { loggedTransport } from "../../functions/runtime/call-log.ts";
import { deploymentOf } from "../../functions/runtime/deployment.ts";
import { awsNacl } from "../../providers/aws-nacl/index.ts";
import { cidrKey, cidrOf } from "../../shared/address/index.ts";
import type { ClientConfig, Config } from "../../shared/config.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";
import { type Clock, type EpochMs, type Json, type LogRecord, type Random, Secret, type Transport } from "../../shared/ports.ts";
import { createProtection } from "../../shared/protect/index.ts";
import { type AclEntry, SimulatedAws } from "../simulators/aws.ts";
import { aclId, fixtureUsers, keys } from "../simulators/aws-fixtures.ts";
import { EventualKv } from "./eventual-kv.ts";

export const storeId = "0123456789abcdef";
export const startMs = Date.UTC(2026, 10, 20, 12, 0, 0);
const staleMs = limits.workersKvStalenessMs;
export const settle = staleMs + limits.skewMs;

const client: ClientConfig = {
  keys: [],
  secrets: [],
  scopes: ["block"],
  from: null,
  longestMs: limits.leaseLongestMs,
  widest: { ipv4: 24, ipv6: 48 },
  targets: null,
  live: 10_000,
  newPerMinute: 10_000,
  mode: "enforce",
};

export function testConfig(changes: Partial<Config> = {}): Config {
  const mapping = { ip: ["ip"], at: [], reason: [], severity: [], id: [] };
  return {
    version: 1,
    owner: "laws",
    store: { stalenessMs: staleMs },
    defaults: { forMs: limits.leaseDefaultMs, shortestMs: 10_000, severity: "medium", exemptForMs: limits.exemptDefaultMs, widen: { ipv4: 32, ipv6: 64 } },
    protect: { ranges: ["198.51.100.0/24"], presets: ["iana-special-purpose"] },
    brake: { new: 100_000, perMs: 600_000 },
    clients: { detector: client, other: client },
    targets: { web: { kind: "aws-nacl", mode: "enforce", maxEntries: null, settings: {}, credentials: {}, formerly: null } },
    alerts: { elastalert: { mapping, forMs: null, severity: "medium" }, generic: { mapping, forMs: null, severity: "medium" } },
    blacklistip: null,
    heartbeat: null,
    ...changes,
  };
}

/** Thrown out of a port when the life that uses it has been killed. */
class Killed extends Error {}

/** One life of a coordinator: from its start to its death. */
interface Life {
  readonly coordinator: Coordinator;
  /** Port calls left until it dies; Infinity: it lives on. */
  callsLeft: number;
  dead: boolean;
}

export interface WorldOptions {
  readonly config?: Partial<Config>;
  /** How far behind each read of the store is. */
  readonly lag?: () => number;
  readonly rulesMax?: number;
  readonly describeLagMs?: number;
}

export class CoordinatedWorld {
  now: EpochMs = startMs;
  readonly clock: Clock = { now: () => this.now };
  readonly kv: EventualKv;
  readonly aws: SimulatedAws;
  config: Config;
  storage: MemoryStorage = volatileStorage();
  alarmAt: EpochMs | null = null;
  passes = 0;
  ticksSkippedUntil: EpochMs = 0;
  heartbeats = 0;
  /** What comes of a heartbeat. */
  heartbeat: "sent" | "failed" | undefined;
  /** Everything that was logged, by the coordinator and of remote calls. */
  readonly logs: LogRecord[] = [];
  #drawn = 0;
  /** Never the same twice, and always the same in the same history. */
  readonly random: Random = {
    bytes: (count) => {
      this.#drawn += 1;
      return Uint8Array.from({ length: count }, (_, at) => (this.#drawn >> (8 * (at % 4))) & 255);
    },
  };
  #life: Life | null = null;
  #nextTickAt = startMs + limits.tickMs;

  constructor(options: WorldOptions = {}) {
    this.config = testConfig(options.config);
    this.kv = new EventualKv(this.clock, staleMs, options.lag);
    this.aws = new SimulatedAws({
      nowMs: () => this.now,
      acls: [{ id: aclId, ipv6: true, tags: { "portcullis:store": storeId, "portcullis:range": "1-40" } }],
      users: fixtureUsers(),
      ...(options.rulesMax === undefined ? {} : { rulesMax: options.rulesMax }),
    });
    this.aws.faults.describeLagMs = options.describeLagMs ?? 0;
  }

  /** The store was set up long ago. */
  async setUp(): Promise<void> {
    this.now -= 10 * staleMs;
    await this.kv.put("meta:store", storeId, { metadata: { id: storeId }, expiresAtMs: null });
    this.now += 10 * staleMs;
  }

  // --- lives ---

  #guard<T extends unknown[], R>(life: () => Life, call: (...args: T) => Promise<R>): (...args: T) => Promise<R> {
    return async (...args) => {
      const current = life();
      if (current.dead) throw new Killed("this life is over");
      if (current.callsLeft <= 0) {
        current.dead = true;
        throw new Killed("killed before the call");
      }
      current.callsLeft -= 1;
      const result = await call(...args);
      if (current.callsLeft === 0) {
        current.dead = true;
        throw new Killed("killed after the call, before its answer was used");
      }
      return result;
    };
  }

  /** Starts a life over the given storage; killed after `callsLeft` port calls. */
  async live(callsLeft = Number.POSITIVE_INFINITY, storage = this.storage): Promise<Life> {
    let life: Life | null = null;
    const current = (): Life => life ?? { coordinator: null as never, callsLeft: Number.POSITIVE_INFINITY, dead: false };
    const guarded: MemoryStorage = {
      load: () => storage.load(),
      put: this.#guard(current, (key: string, value: Json) => storage.put(key, value)),
      delete: this.#guard(current, (names: readonly string[]) => storage.delete(names)),
    };
    const { kv } = this;
    const store = {
      capabilities: kv.capabilities,
      put: this.#guard(current, kv.put.bind(kv)),
      get: this.#guard(current, kv.get.bind(kv)),
      list: this.#guard(current, kv.list.bind(kv)),
      delete: this.#guard(current, kv.delete.bind(kv)),
    };
    const memory = await Memory.open(guarded, this.now);
    const targets = this.targets(this.#guard(current, (...args: Parameters<Transport>) => this.send(...args)));
    const protection = createProtection(this.config.protect);
    const deployment = deploymentOf(this.config);
    const world = {
      deployment,
      config: this.config,
      clock: this.clock,
      log: (record: LogRecord) => void this.logs.push(record),
      store,
      memory,
      targets,
      protection,
      continuity: "kept" as const,
      ...(this.config.playbooks === undefined ? {} : { engine: playbookEngine(this.config.playbooks) }),
    };
    const coordinator = new Coordinator(world, {
      schedule: async (at) => {
        if (this.alarmAt === null || at < this.alarmAt) this.alarmAt = at;
      },
      sleep: async () => undefined,
      randomBytes: (count) => this.random.bytes(count),
      heartbeat: async () => {
        this.heartbeats += 1;
        return this.heartbeat;
      },
    });
    life = { coordinator, callsLeft, dead: false };
    return life;
  }

  targets(send: Transport): Target[] {
    return Object.entries(this.config.targets).map(([name, config]) => {
      const settings = {
        region: "eu-west-1",
        acl: aclId,
        rules: { first: 1, last: 40, limit: this.aws.rulesMax },
        direction: "ingress",
        ...(config.settings as object),
      };
      const secrets = { accessKeyId: new Secret(keys.run.accessKeyId), secretAccessKey: new Secret(keys.run.secretAccessKey) };
      const calls: Target["calls"] = { made: 0 };
      const counted: Transport = (request, signal) => {
        calls.made += 1;
        return send(request, signal);
      };
      const log = (record: LogRecord) => void this.logs.push(record);
      const onEnd = (outcome: string) => {
        calls.ended = { ...calls.ended, [outcome]: (calls.ended?.[outcome] ?? 0) + 1 };
      };
      const logged = loggedTransport(counted, { target: name, clock: this.clock, random: this.random, log, onEnd });
      const ports = { send: logged, clock: this.clock, random: { bytes: (count: number) => new Uint8Array(count).fill(1) }, log, secrets };
      const provider = awsNacl.create(settings as never, ports);
      return { name, config, definition: awsNacl as never, provider, serialKey: awsNacl.serialKey(settings as never), calls };
    });
  }

  readonly send: Transport = async (request) => {
    const url = new URL(request.url);
    const headers = { ...request.headers, host: request.headers.host ?? url.host };
    const reply = this.aws.respond({ method: request.method, target: `${url.pathname}${url.search}`, headers, body: request.body ?? "" });
    if (reply === null) throw new PortcullisError("OUTCOME_UNKNOWN", "the connection was closed");
    return {
      status: reply.status,
      headers: Object.fromEntries(Object.entries(reply.headers).map(([name, value]) => [name.toLowerCase(), value])),
      body: reply.body,
    };
  };

  /** The present life; a new one when the last has died. */
  async life(): Promise<Life> {
    if (this.#life === null || this.#life.dead) this.#life = await this.live();
    return this.#life;
  }

  /** Lets the present life die after so many more port calls. */
  async killAfter(calls: number): Promise<void> {
    (await this.life()).callsLeft = calls;
  }

  /** Evicts the coordinator; its storage stays. */
  evict(): void {
    if (this.#life !== null) this.#life.dead = true;
  }

  /** Its storage is lost, and with it its life. */
  wipe(): void {
    this.evict();
    this.storage = volatileStorage();
    this.alarmAt = null;
  }

  // --- what callers do ---

  item(ip: string, forMs: number, changes: Partial<contract.AcceptItem> = {}): contract.AcceptItem {
    const cidr = cidrOf(ip);
    return { key: cidrKey(cidr), asked: ip, at: this.now, until: this.now + forMs, severity: "medium", targets: null, reason: "test", alerts: [], ...changes };
  }

  /** Posts one block; null when the coordinator died on it (nothing was promised). */
  async block(ip: string, forMs: number, changes: Partial<contract.AcceptItem> = {}, clientId = "detector"): Promise<contract.AcceptedItem | null> {
    return this.survive(async (coordinator) => {
      const answer = await coordinator.accept({ client: clientId, items: [this.item(ip, forMs, changes)], allOrNothing: true, dryRun: false });
      return answer.items[0] ?? null;
    });
  }

  async lift(ip: string, exemptForMs: number | null = null, clientId = "*"): Promise<contract.LiftAnswer | null> {
    const exemptUntil = exemptForMs === null ? null : this.now + exemptForMs;
    return this.survive((coordinator) => coordinator.lift({ keys: [cidrKey(cidrOf(ip))], client: clientId, at: this.now, exemptUntil, once: null }));
  }

  /** Runs something on the present life; null when it was killed meanwhile or the store was down. */
  async survive<T>(run: (coordinator: Coordinator) => Promise<T>): Promise<T | null> {
    const life = await this.life();
    try {
      return await run(life.coordinator);
    } catch (thrown) {
      if (life.dead || thrown instanceof Killed) return null;
      if (thrown instanceof PortcullisError && thrown.code === "STORE_UNAVAILABLE") return null;
      throw thrown;
    }
  }

  // --- time ---

  /** Lets time pass: alarms and ticks happen at their moments. Time itself takes nothing. */
  async advance(ms: number, watch: () => void = () => undefined): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      const next = Math.min(this.alarmAt ?? Number.POSITIVE_INFINITY, this.#nextTickAt);
      if (next > end) break;
      this.now = Math.max(this.now, next);
      if (this.alarmAt !== null && this.alarmAt <= this.now) {
        this.alarmAt = null;
        const done = await this.survive((coordinator) => coordinator.wake().then(() => "done"));
        if (done === null) this.alarmAt ??= this.now + 2_000; // the platform retries a failed alarm
      }
      if (this.#nextTickAt <= this.now) {
        this.#nextTickAt += limits.tickMs;
        if (this.now >= this.ticksSkippedUntil) await this.survive((coordinator) => coordinator.tick());
      }
      this.passes += 1;
      watch();
    }
    this.now = end;
    watch();
  }

  // --- what one sees from outside ---

  ours(): AclEntry[] {
    return this.aws.acl(aclId).state.entries.filter((entry) => !entry.egress && entry.number <= 40 && entry.action === "deny" && entry.protocol === "-1");
  }

  blocked(ip: string): boolean {
    return this.ours().some((entry) => entry.cidr === `${ip}/32` || entry.cidr === ip);
  }

  foreign(): string {
    const ours = new Set(this.ours());
    return JSON.stringify(this.aws.acl(aclId).state.entries.filter((entry) => !ours.has(entry)));
  }
}

export async function newWorld(options: WorldOptions = {}): Promise<CoordinatedWorld> {
  const world = new CoordinatedWorld(options);
  await world.setUp();
  return world;
}
