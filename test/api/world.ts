// One deployment for the API tests: a config with one client per kind of caller, a clock that stands still, the fake
// coordinator, and helpers that send as those clients do. No key or secret here opens anything real.
import { createHash, randomBytes } from "node:crypto";
import type { Hono } from "hono";
import { Webhook } from "standardwebhooks";
import { type AppDeps, createApp } from "../../functions/app.ts";
import { eventPages } from "../../functions/events/pages.ts";
import { CidrSet, cidrOf, parseCidr } from "../../shared/address/index.ts";
import { type AlertMapping, alertSources, type ClientConfig, type Config } from "../../shared/config.ts";
import type { LogRecord } from "../../shared/ports.ts";
import { FakeCoordinator } from "./fake-coordinator.ts";

export const nowMs = Date.UTC(2026, 4, 1, 10, 0, 0);
export const hourMs = 3_600_000;
export const detectorAddress = "192.0.2.10";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const whsec = (seed: string) => `whsec_${createHash("sha256").update(seed).digest("base64")}`;

export const secrets = { OPS: whsec("ops"), OPS_NEXT: whsec("ops next"), OTHER: whsec("other") } as const;
export const keys = {
  writer: "key-writer",
  reader: "key-reader",
  narrow: "key-narrow",
  detector: "key-detector",
  watcher: "key-watcher",
  admin: "key-admin",
  legacy: "key-legacy",
} as const;

const anyone: ClientConfig = {
  keys: [],
  secrets: [],
  scopes: [],
  from: null,
  longestMs: 24 * hourMs,
  widest: { ipv4: 24, ipv6: 48 },
  targets: null,
  live: 1_000,
  newPerMinute: 100,
  mode: "enforce",
};

const mapping: AlertMapping = {
  ip: ["ip", "source.ip", "src_ip"],
  at: ["@timestamp", "timestamp"],
  reason: ["rule_name", "rule", "reason"],
  severity: ["severity"],
  id: ["alert_id"],
};

const target = { kind: "fake", mode: "enforce", maxEntries: null, settings: {}, credentials: {}, formerly: null } as const;

export const baseConfig: Config = {
  version: 1,
  owner: "test",
  store: { stalenessMs: 0 },
  defaults: { forMs: 4 * hourMs, shortestMs: 60_000, severity: "medium", exemptForMs: hourMs, widen: { ipv4: 32, ipv6: 64 } },
  protect: { ranges: ["198.51.100.0/24"], presets: [] },
  brake: { new: 1_000, perMs: 60_000 },
  clients: {
    ops: { ...anyone, secrets: ["OPS", "OPS_NEXT"], scopes: ["block", "lift", "exempt", "admin", "alert:generic"] },
    writer: { ...anyone, keys: [sha256(keys.writer)], scopes: ["block", "lift"] },
    reader: { ...anyone, keys: [sha256(keys.reader)], scopes: ["read", "feed", "metrics"] },
    narrow: {
      ...anyone,
      keys: [sha256(keys.narrow)],
      scopes: ["block"],
      from: [`${detectorAddress}/32`],
      longestMs: hourMs,
      widest: { ipv4: 32, ipv6: 64 },
      targets: ["edge"],
    },
    detector: {
      ...anyone,
      keys: [sha256(keys.detector)],
      scopes: alertSources.map((source) => `alert:${source}` as const),
      longestMs: 2 * hourMs,
      widest: { ipv4: 32, ipv6: 64 },
    },
    watcher: { ...anyone, keys: [sha256(keys.watcher)], scopes: ["block", "lift", "exempt", "alert:generic", "admin"], mode: "observe" },
    admin: { ...anyone, keys: [sha256(keys.admin)], scopes: ["admin", "lift", "exempt"] },
    legacy: { ...anyone, keys: [sha256(keys.legacy)], scopes: ["block"], from: [`${detectorAddress}/32`] },
  },
  targets: { web: target, edge: target },
  alerts: {
    elastalert: { mapping, forMs: null, severity: "high" },
    generic: { mapping, forMs: hourMs, severity: "low" },
  },
  blacklistip: { client: "legacy" },
  heartbeat: null,
};

export interface World {
  readonly app: Hono;
  readonly coordinator: FakeCoordinator;
  readonly logged: LogRecord[];
  readonly clock: { at: number; now(): number };
  remote: string | null;
}

export function createWorld(config: Config = baseConfig, overrides: Partial<AppDeps> = {}): World {
  const clock = {
    at: nowMs,
    now() {
      return this.at;
    },
  };
  const logged: LogRecord[] = [];
  const coordinator = new FakeCoordinator(clock, Object.keys(config.targets));
  const guarded = new CidrSet([...config.protect.ranges, "10.0.0.0/8", "2001:db8:f::/48"].map((text) => ({ cidr: cidrOf(text), label: text })));
  const world: World = {
    app: createApp({
      config,
      protection: {
        find(cidr) {
          const found = guarded.overlapping(cidr);
          return found === null ? null : { range: found.label, source: "protect.ranges" };
        },
      },
      secrets: async (name) => Object.entries(secrets).find(([known]) => known === name)?.[1],
      clock,
      random: { bytes: (count) => new Uint8Array(randomBytes(count)) },
      log: (record) => logged.push(record),
      openapi: { openapi: "3.1.0" },
      ...(config.playbooks === undefined ? {} : { eventPages }),
      coordinatorFor: () => coordinator,
      remoteAddress: () => world.remote,
      ...overrides,
    }),
    coordinator,
    logged,
    clock,
    remote: detectorAddress,
  };
  return world;
}

type KeyName = keyof typeof keys;

export const bearer = (name: KeyName) => ({ authorization: `Bearer ${keys[name]}` });

export function postJson(world: World, path: string, key: KeyName, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return send(world, path, { method: "POST", headers: { ...bearer(key), "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
}

export function get(world: World, path: string, key: KeyName, headers: Record<string, string> = {}): Promise<Response> {
  return send(world, path, { headers: { ...bearer(key), ...headers } });
}

export async function send(world: World, path: string, init: RequestInit = {}): Promise<Response> {
  return world.app.request(`http://portcullis.test${path}`, init);
}

/** Signed as the `standardwebhooks` package signs. */
export function signedHeaders(body: string, options: { readonly secret?: string; readonly id?: string; readonly at?: number } = {}): Record<string, string> {
  const { secret = secrets.OPS, id = "msg_1", at = nowMs } = options;
  const signature = new Webhook(secret).sign(id, new Date(at), body);
  return { "webhook-id": id, "webhook-timestamp": String(Math.floor(at / 1_000)), "webhook-signature": signature, "content-type": "application/json" };
}

export function postSigned(world: World, path: string, body: unknown, options: Parameters<typeof signedHeaders>[1] = {}): Promise<Response> {
  const text = JSON.stringify(body);
  return send(world, path, { method: "POST", headers: signedHeaders(text, options), body: text });
}

export function keyOf(text: string): string {
  const parsed = parseCidr(text);
  if (!parsed.ok) throw parsed.error;
  return `${parsed.value.family}:${parsed.value.first}/${parsed.value.length}`;
}

/** An answer's JSON, which tests look into freely. */
export function json(response: Response): ReturnType<Response["json"]> {
  return response.json();
}
