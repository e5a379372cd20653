// Brings azure-nsg to the laws: a claimed NSG in the simulated subscription, over real HTTP, with the run-time role and no more.
import * as v from "valibot";
import type { AzureNsgSettings } from "../../providers/azure-nsg/config.ts";
import { azureNsg } from "../../providers/azure-nsg/index.ts";
import { cidrText } from "../../shared/address/index.ts";
import { Secret } from "../../shared/ports.ts";
import type { Entry } from "../../shared/provider.ts";
import type { ProviderHarness, Trouble, World } from "../conformance/provider-laws.ts";
import type { AzureMishap, AzureServerOptions, AzureSimulator } from "../simulators/azure.ts";
import { applications, identityToken, nsgName, resourceGroup, startAzureFixture, subscription, tenant } from "../simulators/azure-fixtures.ts";
import { type TestPorts, testPorts } from "./ports.ts";

export const storeId = "store-acme-prod";
export const ruleNames = ["portcullis-deny", "portcullis-deny-ipv6"] as const;
export const claimTag = "portcullis:portcullis-deny";

export interface AzureHarnessOptions {
  /** A federated identity in place of the client secret: as a configured token, or asked of the platform. */
  readonly identity?: "secret" | "token" | "platform";
  /** How long a change is worked on after it was accepted. */
  readonly provisioningMs?: number;
  readonly server?: Omit<AzureServerOptions, "nowMs">;
  /** Without a claim: as before the first `setup`. */
  readonly unclaimed?: boolean;
}

export interface AzureHarness extends ProviderHarness {
  readonly azure: AzureSimulator;
  readonly settings: AzureNsgSettings;
  readonly ports: TestPorts;
}

export function azureSettings(url: string, changes: Readonly<Record<string, unknown>> = {}): AzureNsgSettings {
  return v.parse(azureNsg.settings, { subscription, tenant, resourceGroup, nsg: nsgName, priority: 100, endpoint: url, loginEndpoint: url, ...changes });
}

const mishaps = {
  throttle: (seconds) => ({ kind: "throttle", retryAfterSeconds: seconds }),
  lostAnswer: () => ({ kind: "drop", committed: true }),
  lostCall: () => ({ kind: "drop", committed: false }),
  serverError: () => ({ kind: "serverError", status: 500, committed: true }),
  unreadable: () => ({ kind: "garbage", committed: false }),
} as const satisfies Partial<Record<Trouble["kind"], (seconds: number | null) => AzureMishap>>;

function trouble(azure: AzureSimulator, given: Trouble): void {
  if (given.kind === "revoked" || given.kind === "restored") {
    azure.faults.credentialsRevoked = given.kind === "revoked";
    return;
  }
  const call = given.kind === "unreadable" ? "readGroup" : "writeRule";
  azure.faults.next.push({ call, mishap: mishaps[given.kind](given.kind === "throttle" ? given.retryAfterSeconds : null) });
}

function isOurs(name: string): boolean {
  return ruleNames.some((own) => own === name.toLowerCase());
}

/** Takes one address out of our rule, as a person would at the portal. */
function removeOurs(azure: AzureSimulator, entry: Entry): void {
  const group = azure.group(nsgName);
  const name = ruleNames[entry.cidr.family === 4 ? 0 : 1];
  const sources = group.rule(name)?.properties.sourceAddressPrefixes.filter((source) => source !== cidrText(entry.cidr)) ?? [];
  if (sources.length === 0) group.delete(name);
  else group.edit(name, { sourceAddressPrefixes: sources });
}

function worldOf(azure: AzureSimulator, ports: TestPorts): World {
  const group = () => azure.group(nsgName);
  return {
    state: () => {
      const { rules, tags, subnets, networkInterfaces } = group().state;
      return JSON.stringify({ rules, tags, subnets, networkInterfaces });
    },
    foreign: () => JSON.stringify(group().state.rules.filter((rule) => !isOurs(rule.name))),
    addForeign: () => {
      group().put({
        name: "Office",
        priority: 310,
        access: "Allow",
        sourceAddressPrefixes: ["192.0.2.0/25", "192.0.2.200/32"],
        destinationPortRange: "443",
        protocol: "Tcp",
      });
      group().put({ name: "web", priority: 300, access: "Allow", sourceAddressPrefix: "2001:db8:99::/48", destinationPortRanges: ["80", "443"] });
    },
    takePlacesOf: (step) => {
      for (const slot of step.slots)
        group().put({ name: `mine-${slot}`, priority: slot.endsWith("-ipv6") ? 101 : 100, access: "Deny", sourceAddressPrefix: "192.0.2.77/32" });
    },
    givePlacesBack: (step) => {
      for (const slot of step.slots) group().delete(`mine-${slot}`);
    },
    removeOurs: (entry) => removeOurs(azure, entry),
    writes: () => azure.writes,
    advance: ports.advance,
    trouble: (given) => trouble(azure, given),
  };
}

type Credentials = Readonly<Record<string, Secret>>;

function assertion(ports: Pick<TestPorts, "clock">): Secret {
  return new Secret(identityToken({ exp: Math.floor(ports.clock.now() / 1_000) + 400 * 86_400 }));
}

function credentialsOf(
  options: AzureHarnessOptions,
  ports: Pick<TestPorts, "clock">,
): { readonly secrets: Credentials; readonly identity?: () => Promise<Secret> } {
  const { clientId, secret } = applications.run;
  const client = { clientId: new Secret(clientId) };
  if (options.identity === "token") return { secrets: { ...client, federatedToken: assertion(ports) } };
  if (options.identity === "platform") return { secrets: client, identity: async () => assertion(ports) };
  return { secrets: { ...client, clientSecret: new Secret(secret) } };
}

function secretTexts(azure: AzureSimulator): readonly string[] {
  const sent = azure.log.flatMap(({ call, request }) => (call === "token" ? [new URLSearchParams(request).get("client_assertion") ?? ""] : []));
  return [...Object.values(applications).map((one) => one.secret), ...azure.entra.tokens.keys(), ...sent.filter((text) => text !== "")];
}

export async function azureHarness(options: AzureHarnessOptions = {}): Promise<AzureHarness> {
  const clockOnly = testPorts({});
  const { secrets, ...identity } = credentialsOf(options, clockOnly);
  const ports: TestPorts = { ...clockOnly, secrets, ...identity };
  const azure = await startAzureFixture({ ...options.server, nowMs: ports.clock.now });
  azure.faults.provisioningMs = options.provisioningMs ?? 0;
  const settings = azureSettings(azure.url);
  if (!options.unclaimed) azure.group(nsgName).tag({ ...azure.group(nsgName).state.tags, [claimTag]: storeId });
  const operatorSecrets = { clientId: new Secret(applications.setup.clientId), clientSecret: new Secret(applications.setup.secret) };
  return {
    definition: azureNsg,
    storeId,
    azure,
    settings,
    ports,
    provider: () => azureNsg.create(settings, ports),
    operator: () => azureNsg.create(settings, { ...ports, secrets: operatorSecrets }),
    world: worldOf(azure, ports),
    nowMs: ports.clock.now,
    logs: ports.logs,
    secrets: () => secretTexts(azure),
    close: () => azure.close(),
  };
}
