// A small subscription to test against: one application per role definition, one NSG. Shared by the simulator's tests and azure-nsg's.
import { generateKeyPairSync, sign } from "node:crypto";
import runRole from "../../providers/azure-nsg/policy.json" with { type: "json" };
import setupRole from "../../providers/azure-nsg/policy.setup.json" with { type: "json" };
import { type ApplicationSeed, type AzureServerOptions, type AzureSimulator, fillRole, startAzureSimulator } from "./azure.ts";

export const nsgName = "hub";
export const tenant = "aaaaaaaa-0000-4000-8000-000000000001";
export const subscription = "bbbbbbbb-0000-4000-8000-000000000002";
export const resourceGroup = "edge";
export const nsgId = `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/Microsoft.Network/networkSecurityGroups/${nsgName}`;
export const roles = { run: runRole, setup: setupRole } as const;

/** Not secrets: made up here, known to the simulator only. */
export const applications = {
  run: { clientId: "cccccccc-0000-4000-8000-000000000003", secret: "run~Secret.run~Secret&run=Secret+0001" },
  setup: { clientId: "dddddddd-0000-4000-8000-000000000004", secret: "setup~Secret.setup~Secret~setup~0002" },
  everything: { clientId: "eeeeeeee-0000-4000-8000-000000000005", secret: "everything~Secret.everything~Secret~" },
} as const;

const owner = {
  Name: "Everything",
  IsCustom: true,
  Description: "The owner of the subscription.",
  Actions: ["*"],
  NotActions: [],
  DataActions: [],
  NotDataActions: [],
  AssignableScopes: [`/subscriptions/${subscription}`],
};

const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** The identity that a platform vouches for. */
export const identity = { issuer: "https://oidc.example.net", subject: "deployment:portcullis", audience: "api://AzureADTokenExchange" } as const;

export function identityToken(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const unsigned = `${part({ alg: "RS256", typ: "JWT" })}.${part({ iss: identity.issuer, sub: identity.subject, aud: identity.audience, ...claims })}`;
  return `${unsigned}.${sign("RSA-SHA256", Buffer.from(unsigned), pair.privateKey).toString("base64url")}`;
}

export function fixtureApplications(): readonly ApplicationSeed[] {
  const names = { subscription, resourceGroup };
  const federated = [{ ...identity, key: pair.publicKey.export({ format: "jwk" }) }];
  return [
    {
      name: "run",
      clientId: applications.run.clientId,
      secrets: [{ value: applications.run.secret }],
      federated,
      roles: [{ definition: fillRole(runRole, names), scope: nsgId }],
    },
    {
      name: "setup",
      clientId: applications.setup.clientId,
      secrets: [{ value: applications.setup.secret }],
      roles: [{ definition: fillRole(setupRole, names), scope: nsgId }],
    },
    {
      name: "everything",
      clientId: applications.everything.clientId,
      secrets: [{ value: applications.everything.secret }],
      roles: [{ definition: owner, scope: `/subscriptions/${subscription}` }],
    },
  ];
}

export function startAzureFixture(options: AzureServerOptions = {}): Promise<AzureSimulator> {
  return startAzureSimulator({ tenant, subscription, resourceGroup, groups: [{ name: nsgName }], applications: fixtureApplications(), ...options });
}
