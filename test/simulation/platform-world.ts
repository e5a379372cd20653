// A small world for the platforms' own tests: one AWS ACL that answers without trouble, one client with a key, one target.
import { createHash } from "node:crypto";
import { awsNacl } from "../../providers/aws-nacl/index.ts";
import type { Config } from "../../shared/config.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";
import { storeId, testConfig } from "../coordinator/world.ts";
import { SimulatedAws } from "../simulators/aws.ts";
import { aclId, fixtureUsers, keys } from "../simulators/aws-fixtures.ts";
import type { PlatformUnderTest } from "./contract.ts";
import { holdCryptography } from "./cryptography.ts";
import type { PlatformParts } from "./platform/parts.ts";
import { type Life, Scheduler } from "./scheduler.ts";

export const startMs = Date.UTC(2026, 10, 20, 12, 0, 0);
export const key = "key-of-the-detector";
export const platformKinds = ["workers", "workers-tick-only", "deno"] as const;

const settings = { region: "eu-west-1", acl: aclId, rules: { first: 1, last: 40, limit: 20 }, direction: "ingress" };
const credentials = { accessKeyId: "WEB_ID", secretAccessKey: "WEB_SECRET" };

/** `testConfig`, with one client that has a key and may do everything. */
export function configWithKey(changes: Partial<Config> = {}): Config {
  const plain = testConfig();
  const detector = plain.clients.detector;
  if (detector === undefined) throw new Error("the config of the tests has a detector");
  const digest = createHash("sha256").update(key).digest("hex");
  return {
    ...plain,
    clients: { detector: { ...detector, keys: [digest], scopes: ["block", "lift", "exempt", "read", "admin"] } },
    targets: { web: { kind: "aws-nacl", mode: "enforce", maxEntries: null, settings, credentials, formerly: null } },
    ...changes,
  };
}

/** What `work` comes to, while time passes as it needs. */
export async function driven<T>(scheduler: Scheduler, work: Promise<T>): Promise<T> {
  let isOver = false;
  const ended = work.finally(() => {
    isOver = true;
  });
  ended.catch(() => undefined);
  await scheduler.still();
  while (!isOver) {
    if (!(await scheduler.step(Number.POSITIVE_INFINITY))) throw new Error("nothing is left to happen, and the work has not ended");
  }
  return ended;
}

export class PlatformWorld {
  readonly scheduler: Scheduler;
  readonly aws: SimulatedAws;
  readonly platform: PlatformUnderTest;
  readonly release: () => void;
  /** Whether cron runs. */
  ticks = true;
  #nextTickAt: number;

  constructor(seed: number, make: (parts: PlatformParts) => PlatformUnderTest, config = configWithKey()) {
    this.release = holdCryptography();
    this.scheduler = new Scheduler(seed, startMs);
    this.#nextTickAt = startMs + 60_000;
    const tags = { "portcullis:store": storeId, "portcullis:range": "1-40" };
    this.aws = new SimulatedAws({ nowMs: () => this.scheduler.now, acls: [{ id: aclId, ipv6: true, tags }], users: fixtureUsers() });
    this.platform = make({
      scheduler: this.scheduler,
      config,
      definitions: { "aws-nacl": awsNacl as ProviderDefinition<never> as ProviderDefinition },
      secrets: { WEB_ID: keys.run.accessKeyId, WEB_SECRET: keys.run.secretAccessKey },
      cloudFetch: (life, url, init) => this.#cloud(life, url, init),
      tellsLog: true,
    });
    this.platform.seed("meta:store", storeId, { id: storeId });
  }

  async #cloud(life: Life, url: string, init: RequestInit): Promise<Response> {
    const { pathname, search, host } = new URL(url);
    const headers = { ...Object.fromEntries(new Headers(init.headers)), host };
    const request = { method: init.method ?? "GET", target: `${pathname}${search}`, headers, body: String(init.body ?? "") };
    const reply = await this.scheduler.exchange(life, "cloud", () => this.aws.respond(request));
    if (reply === null) throw new TypeError("fetch failed");
    return new Response(reply.body, { status: reply.status, headers: reply.headers });
  }

  /** Time passes, with a tick every minute. */
  async run(ms: number): Promise<void> {
    const end = this.scheduler.now + ms;
    while (this.#nextTickAt <= end) {
      await this.scheduler.runUntil(this.#nextTickAt);
      this.#nextTickAt += 60_000;
      if (this.ticks) this.platform.tick();
    }
    await this.scheduler.runUntil(end);
  }

  /** Sends it, lets time pass until it is answered, and tells what became of it. */
  async post(path: string, body: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const request = new Request(`https://portcullis.test${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    let ended: { status: number; body: unknown } | null = null;
    void this.platform.request(request, "192.0.2.10").then(async (answered) => {
      ended = answered.kind === "lost" ? { status: 0, body: null } : { status: answered.response.status, body: await answered.response.json() };
    });
    for (let waited = 0; ended === null && waited < 120_000; waited += 100) await this.run(100);
    return ended ?? { status: -1, body: null };
  }

  standing(): readonly string[] {
    const ours = this.aws.acl(aclId).state.entries.filter((entry) => !entry.egress && entry.number <= 40);
    return ours.map((entry) => entry.cidr).sort();
  }
}
