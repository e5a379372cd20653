// The coordinator's world with one NSG as its target instead of an ACL: the production pass over the strict simulator.
import type { Target } from "../../functions/pass/world.ts";
import { azureNsg } from "../../providers/azure-nsg/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { Secret, type Transport } from "../../shared/ports.ts";
import { CoordinatedWorld, startMs, storeId } from "../coordinator/world.ts";
import { type NsgSeed, SimulatedAzure } from "../simulators/azure.ts";
import { applications, fixtureApplications, nsgName, resourceGroup, subscription, tenant } from "../simulators/azure-fixtures.ts";
import { azureSettings, claimTag, ruleNames } from "./azure-nsg-harness.ts";

export interface AzureWorldOptions {
  readonly rules?: NsgSeed["rules"];
  readonly provisioningMs?: number;
  readonly readLagMs?: number;
}

export class AzureWorld extends CoordinatedWorld {
  readonly azure: SimulatedAzure;

  constructor(options: AzureWorldOptions) {
    super({ config: { targets: { hub: { kind: "azure-nsg", mode: "enforce", maxEntries: null, settings: {}, credentials: {}, formerly: null } } } });
    this.azure = new SimulatedAzure({
      nowMs: () => this.now,
      tenant,
      subscription,
      resourceGroup,
      groups: [{ name: nsgName, tags: { Owner: "net", [claimTag]: storeId }, ...(options.rules === undefined ? {} : { rules: options.rules }) }],
      applications: fixtureApplications(),
    });
    this.azure.faults.provisioningMs = options.provisioningMs ?? 4_000;
    this.azure.faults.readLagMs = options.readLagMs ?? 0;
  }

  override targets(send: Transport): Target[] {
    const secrets = { clientId: new Secret(applications.run.clientId), clientSecret: new Secret(applications.run.secret) };
    const settings = azureSettings("http://simulator");
    return Object.entries(this.config.targets).map(([name, config]) => {
      const calls = { made: 0 };
      const counted: Transport = (request, signal) => {
        calls.made += 1;
        return send(request, signal);
      };
      const random = { bytes: (count: number) => new Uint8Array(count).fill(1) };
      const provider = azureNsg.create(settings, { send: counted, clock: this.clock, random, log: () => undefined, secrets });
      return { name, config, definition: azureNsg as never, provider, serialKey: azureNsg.serialKey(settings), calls };
    });
  }

  override readonly send: Transport = async (request) => {
    const url = new URL(request.url);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]));
    const reply = this.azure.respond({ method: request.method, target: `${url.pathname}${url.search}`, headers, body: request.body ?? "" });
    if (reply === null) throw new PortcullisError(request.method === "GET" ? "PROVIDER_UNAVAILABLE" : "OUTCOME_UNKNOWN", "the connection was closed");
    return reply;
  };

  /** Sources of our rules, sorted. */
  sources(): readonly string[] {
    return ruleNames.flatMap((name) => this.azure.group(nsgName).rule(name)?.properties.sourceAddressPrefixes ?? []).sort();
  }

  /** Everything that is not ours, as comparable text. */
  others(): string {
    const { rules, tags, subnets } = this.azure.group(nsgName).state;
    return JSON.stringify([rules.filter((rule) => !ruleNames.some((name) => name === rule.name)), tags, subnets]);
  }

  /** What is said of a block. */
  async said(key: string): Promise<string> {
    const { coordinator } = await this.life();
    return JSON.stringify(await coordinator.explain(key));
  }
}

export async function azureWorld(options: AzureWorldOptions = {}): Promise<AzureWorld> {
  const world = new AzureWorld(options);
  await world.setUp();
  // Past the settling of a new memory.
  world.now = startMs;
  await world.advance(5 * 60_000);
  return world;
}
