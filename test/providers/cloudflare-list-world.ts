// The coordinator's world with one Cloudflare list as its target instead of an ACL: the production pass over the strict simulator.
import type { Target } from "../../functions/pass/world.ts";
import { Batches } from "../../providers/cloudflare-list/batches.ts";
import { isOurComment } from "../../providers/cloudflare-list/config.ts";
import { cloudflareList } from "../../providers/cloudflare-list/index.ts";
import { CloudflareList } from "../../providers/cloudflare-list/provider.ts";
import { cidrKey, cidrOf } from "../../shared/address/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { Secret, type Transport } from "../../shared/ports.ts";
import type { ProviderPorts } from "../../shared/provider.ts";
import { CoordinatedWorld, startMs, storeId } from "../coordinator/world.ts";
import { type Account, type List, SimulatedCloudflare } from "../simulators/cloudflare.ts";
import { accountId, fixtureTokens, tokens, zones } from "../simulators/cloudflare-fixtures.ts";
import { settingsFor } from "./cloudflare-list-harness.ts";

export interface CloudflareWorldOptions {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly operationMs?: number;
  /** Items of one bulk operation; small, so that few blocks show what many would. */
  readonly batchItems?: number;
}

export class CloudflareWorld extends CoordinatedWorld {
  readonly cloudflare: SimulatedCloudflare;
  readonly account: Account;
  readonly #options: CloudflareWorldOptions;

  constructor(options: CloudflareWorldOptions) {
    super({ config: { targets: { edge: { kind: "cloudflare-list", mode: "enforce", maxEntries: null, settings: {}, credentials: {}, formerly: null } } } });
    this.#options = options;
    this.cloudflare = new SimulatedCloudflare({
      nowMs: () => this.now,
      accounts: [{ id: accountId, zones }],
      tokens: fixtureTokens(),
      operationMs: options.operationMs ?? 2_000,
    });
    this.account = this.cloudflare.account(accountId);
  }

  #provider(token: string, send: Transport): CloudflareList {
    const random = { bytes: (count: number) => new Uint8Array(count).fill(1) };
    const ports: ProviderPorts = { send, clock: this.clock, random, log: (record) => this.logs.push(record), secrets: { token: new Secret(token) } };
    return new CloudflareList(
      settingsFor("http://simulator/client/v4", { settings: this.#options.settings ?? {} }),
      ports,
      new Batches(this.#options.batchItems),
    );
  }

  override targets(send: Transport): Target[] {
    return Object.entries(this.config.targets).map(([name, config]) => {
      const calls = { made: 0 };
      const counted: Transport = (request, signal) => {
        calls.made += 1;
        return send(request, signal);
      };
      return { name, config, definition: cloudflareList as never, provider: this.#provider(tokens.run, counted), serialKey: "cloudflare", calls };
    });
  }

  override readonly send: Transport = async (request) => {
    const url = new URL(request.url);
    const safe = request.method === "GET";
    const reply = this.cloudflare.respond({
      method: request.method,
      target: `${url.pathname}${url.search}`,
      headers: request.headers,
      body: request.body ?? "",
    });
    if (reply === null) throw new PortcullisError(safe ? "PROVIDER_UNAVAILABLE" : "OUTCOME_UNKNOWN", "the connection was closed");
    return reply;
  };

  async claim(): Promise<void> {
    const claimed = await this.#provider(tokens.setup, this.send).setup({ action: "claim", storeId, adopt: false });
    if (!claimed.ok) throw claimed.error;
  }

  list(): List {
    return this.account.list("portcullis");
  }

  /** Values of ours in the list, sorted. */
  values(): readonly string[] {
    return [...this.list().items.values()].flatMap((item) => (isOurComment(item.comment) ? [item.ip] : [])).sort();
  }

  /** What is said of an address, as `state: why`. */
  async said(ip: string): Promise<string> {
    const { coordinator } = await this.life();
    const snapshot = await coordinator.snapshot();
    const row = snapshot?.blocks.find((block) => block.key === cidrKey(cidrOf(ip)));
    const state = snapshot?.states[row?.states.edge ?? -1];
    return state === undefined ? "nothing" : `${state.state}: ${state.why ?? ""}`;
  }
}

export async function cloudflareWorld(options: CloudflareWorldOptions = {}): Promise<CloudflareWorld> {
  const world = new CloudflareWorld({ ...options, settings: { items: 10_000, ...options.settings } });
  await world.setUp();
  await world.claim();
  // Past the settling of a new memory.
  world.now = startMs;
  await world.advance(5 * 60_000);
  return world;
}
