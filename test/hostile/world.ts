// The real application over the real coordinator, the eventually consistent store and the strict AWS simulator, with secrets that
// are canaries: each is a word that must never come out anywhere. Everything from the route to the wire is the production code.
import { createHash } from "node:crypto";
import type { Hono } from "hono";
import { Webhook } from "standardwebhooks";
import { type AppDeps, createApp } from "../../functions/app.ts";
import { remoteCoordinator, serveCall } from "../../functions/coordinator/rpc.ts";
import { alertSources, type ClientConfig, type Config } from "../../shared/config.ts";
import type { LogRecord } from "../../shared/ports.ts";
import { createProtection } from "../../shared/protect/index.ts";
import { type CoordinatedWorld, newWorld, type WorldOptions } from "../coordinator/world.ts";

const hourMs = 3_600_000;
export const officeAddress = "192.0.2.10";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const whsec = (seed: string) => `whsec_${createHash("sha256").update(seed).digest("base64")}`;

/** Nothing here opens anything real. */
export const keys = {
  admin: "canary-key-admin-0d41",
  writer: "canary-key-writer-77aa",
  lifter: "canary-key-lifter-19e2",
  reader: "canary-key-reader-5be0",
  detector: "canary-key-detector-c3f8",
  narrow: "canary-key-narrow-a210",
  legacy: "canary-key-legacy-e6d3",
} as const;
export const secrets = {
  SCRIPT: whsec("canary script"),
  SCRIPT_NEXT: whsec("canary script next"),
  HEARTBEAT: "https://beat.example/canary-heartbeat-path",
} as const;

const anyone: ClientConfig = {
  keys: [],
  secrets: [],
  scopes: [],
  from: null,
  longestMs: 24 * hourMs,
  widest: { ipv4: 24, ipv6: 48 },
  targets: null,
  live: 100,
  newPerMinute: 60,
  mode: "enforce",
};

const mapping = { ip: ["source.ip", "ip"], at: ["@timestamp"], reason: ["rule"], severity: ["severity"], id: ["id"] };

export const hostileConfig: Partial<Config> = {
  clients: {
    script: {
      ...anyone,
      secrets: ["SCRIPT", "SCRIPT_NEXT"],
      scopes: ["block", "lift", "exempt", "admin", ...alertSources.map((source) => `alert:${source}` as const)],
    },
    admin: { ...anyone, keys: [sha256(keys.admin)], scopes: ["block", "lift", "exempt", "read", "feed", "metrics", "admin"] },
    writer: { ...anyone, keys: [sha256(keys.writer)], scopes: ["block"] },
    lifter: { ...anyone, keys: [sha256(keys.lifter)], scopes: ["lift"] },
    reader: { ...anyone, keys: [sha256(keys.reader)], scopes: ["read", "feed", "metrics"] },
    detector: {
      ...anyone,
      keys: [sha256(keys.detector)],
      scopes: ["alert:elastalert"],
      widest: { ipv4: 32, ipv6: 64 },
      longestMs: hourMs,
      live: 20,
      newPerMinute: 10,
    },
    narrow: { ...anyone, keys: [sha256(keys.narrow)], scopes: ["block"], from: [`${officeAddress}/32`] },
    legacy: { ...anyone, keys: [sha256(keys.legacy)], scopes: ["block"], from: [`${officeAddress}/32`], widest: { ipv4: 32, ipv6: 64 }, longestMs: hourMs },
  },
  alerts: { elastalert: { mapping, forMs: null, severity: "medium" }, generic: { mapping, forMs: null, severity: "medium" } },
  blacklistip: { client: "legacy" },
};

export interface HostileWorld {
  readonly app: Hono;
  readonly behind: CoordinatedWorld;
  readonly logged: LogRecord[];
  /** The caller's address as the platform tells it. */
  remote: string | null;
}

export async function hostileWorld(options: WorldOptions = {}, overrides: Partial<AppDeps> = {}): Promise<HostileWorld> {
  const behind = await newWorld({ ...options, config: { ...hostileConfig, ...options.config } });
  return doorOf(behind, overrides, behind.config);
}

/** The application in front of any coordinated world; its clients become ours, unless it has been given a configuration. */
export function doorOf(behind: CoordinatedWorld, overrides: Partial<AppDeps> = {}, config: Config = { ...behind.config, ...hostileConfig }): HostileWorld {
  behind.config = config;
  behind.evict();
  const logged: LogRecord[] = [];
  // Over the same JSON as in production, between the isolate that answers and the object that decides.
  const coordinator = remoteCoordinator(async (body) => serveCall((await behind.life()).coordinator, body));
  const world: HostileWorld = {
    app: createApp({
      config: behind.config,
      protection: createProtection(behind.config.protect),
      secrets: async (name) => Object.entries(secrets).find(([known]) => known === name)?.[1],
      clock: behind.clock,
      random: { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) },
      log: (record) => logged.push(record),
      openapi: { openapi: "3.1.0" },
      coordinatorFor: () => coordinator,
      remoteAddress: () => world.remote,
      ...overrides,
    }),
    behind,
    logged,
    remote: officeAddress,
  };
  return world;
}

export const bearer = (name: keyof typeof keys) => ({ authorization: `Bearer ${keys[name]}` });

export async function send(world: HostileWorld, path: string, init: RequestInit = {}): Promise<Response> {
  return world.app.request(`http://portcullis.test${path}`, init);
}

export function post(world: HostileWorld, path: string, key: keyof typeof keys, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return send(world, path, { method: "POST", headers: { ...bearer(key), "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
}

export function signed(world: HostileWorld, body: string, id = "msg_1"): Record<string, string> {
  const at = world.behind.now;
  const signature = new Webhook(secrets.SCRIPT).sign(id, new Date(at), body);
  return { "webhook-id": id, "webhook-timestamp": String(Math.floor(at / 1_000)), "webhook-signature": signature, "content-type": "application/json" };
}

/** An answer's JSON, which tests look into freely. */
export function json(response: Response): ReturnType<Response["json"]> {
  return response.json();
}
