// The coordinator's world with one account's IP Access rules as its target instead of an ACL: the production pass over the strict simulator.
import type { Target } from "../../functions/pass/world.ts";
import { cloudflareAccessRules } from "../../providers/cloudflare-access-rules/index.ts";
import { cidrKey, cidrOf } from "../../shared/address/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { Secret, type Transport } from "../../shared/ports.ts";
import type { Provider, ProviderPorts } from "../../shared/provider.ts";
import { CoordinatedWorld, startMs, storeId } from "../coordinator/world.ts";
import type { AccessRuleInput, AccessRules } from "../simulators/cloudflare/access-rules.ts";
import { SimulatedCloudflare } from "../simulators/cloudflare.ts";
import { accountId, fixtureTokens, tokens, zones } from "../simulators/cloudflare-fixtures.ts";
import { blocksOf, settingsFor, targetOf } from "./cloudflare-access-rules-harness.ts";

export class AccessWorld extends CoordinatedWorld {
  readonly cloudflare: SimulatedCloudflare;
  readonly held: AccessRules;

  constructor() {
    super({
      config: { targets: { edge: { kind: "cloudflare-access-rules", mode: "enforce", maxEntries: null, settings: {}, credentials: {}, formerly: null } } },
    });
    this.cloudflare = new SimulatedCloudflare({ nowMs: () => this.now, accounts: [{ id: accountId, zones }], tokens: fixtureTokens() });
    this.held = this.cloudflare.account(accountId).accessRules;
  }

  #provider(send: Transport): Provider {
    const random = { bytes: (count: number) => new Uint8Array(count).fill(1) };
    const log = (record: ProviderPorts["log"] extends (record: infer R) => void ? R : never) => void this.logs.push(record);
    const ports: ProviderPorts = { send, clock: this.clock, random, log, secrets: { token: new Secret(tokens.access) } };
    return cloudflareAccessRules.create(settingsFor("http://simulator/client/v4", { settings: { rules: 50_000 } }), ports);
  }

  override targets(send: Transport): Target[] {
    return Object.entries(this.config.targets).map(([name, config]) => {
      const calls = { made: 0 };
      const counted: Transport = (request, signal) => {
        calls.made += 1;
        return send(request, signal);
      };
      return { name, config, definition: cloudflareAccessRules as never, provider: this.#provider(counted), serialKey: "cloudflare", calls };
    });
  }

  override readonly send: Transport = async (request) => {
    const url = new URL(request.url);
    const target = `${url.pathname}${url.search}`;
    const reply = this.cloudflare.respond({ method: request.method, target, headers: request.headers, body: request.body ?? "" });
    if (reply === null) throw new PortcullisError(request.method === "GET" ? "PROVIDER_UNAVAILABLE" : "OUTCOME_UNKNOWN", "the connection was closed");
    return reply;
  };

  async claim(adopt: "adopt" | "refuse" = "refuse"): Promise<void> {
    const claimed = await this.#provider(this.send).setup({ action: "claim", storeId, adopt: adopt === "adopt" });
    if (!claimed.ok) throw claimed.error;
  }

  /** As a person at the dashboard. */
  put(value: string, changes: Partial<AccessRuleInput> = {}): void {
    this.held.put(accountId, { mode: "block", target: targetOf(value), value, notes: "a person's", ...changes });
  }

  blocks(): readonly string[] {
    return blocksOf(this.held.at(accountId));
  }

  /** What is not ours and no claim, with content and order. */
  theirs(): string {
    return JSON.stringify(this.held.at(accountId).filter((rule) => !rule.notes.startsWith("portcullis")));
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

export async function accessWorld(): Promise<AccessWorld> {
  const world = new AccessWorld();
  await world.setUp();
  await world.claim();
  // Past the settling of a new memory.
  world.now = startMs;
  await world.advance(5 * 60_000);
  return world;
}
