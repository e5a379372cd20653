// Brings aws-nacl to the laws: a claimed ACL in the simulated account, over real HTTP, with the run-time policy and no more.
import * as v from "valibot";
import type { AwsNaclSettings } from "../../providers/aws-nacl/config.ts";
import { awsNacl } from "../../providers/aws-nacl/index.ts";
import { Secret } from "../../shared/ports.ts";
import type { ProviderHarness, Trouble, World } from "../conformance/provider-laws.ts";
import type { AclEntry, AwsServerOptions, AwsSimulator, Mishap } from "../simulators/aws.ts";
import { aclId, externalId, keys, roleArn, startFixture } from "../simulators/aws-fixtures.ts";
import { type TestPorts, testPorts } from "./ports.ts";

export const storeId = "store-acme-prod";

export interface AwsHarnessOptions {
  readonly direction?: "ingress" | "both";
  readonly assumeRole?: boolean;
  readonly rules?: { readonly first: number; readonly last: number; readonly limit?: number };
  readonly server?: Omit<AwsServerOptions, "nowMs">;
  /** Without a claim: as before the first `setup`. */
  readonly unclaimed?: boolean;
}

export interface AwsHarness extends ProviderHarness {
  readonly aws: AwsSimulator;
  readonly settings: AwsNaclSettings;
  readonly ports: TestPorts;
}

function secretsOf(pair: { readonly accessKeyId: string; readonly secretAccessKey: string }): Record<string, Secret> {
  return { accessKeyId: new Secret(pair.accessKeyId), secretAccessKey: new Secret(pair.secretAccessKey) };
}

export function settingsFor(url: string, options: AwsHarnessOptions): AwsNaclSettings {
  const role = options.assumeRole ? { assumeRole: { roleArn, externalId } } : {};
  const rules = options.rules ?? { first: 1, last: 40 };
  const written = { region: "eu-west-1", acl: aclId, rules, direction: options.direction ?? "ingress", endpoint: url, stsEndpoint: url, ...role };
  return v.parse(awsNacl.settings, written);
}

function placeOf(slot: string): { readonly number: number; readonly egress: boolean } {
  const [direction, number] = slot.split(":");
  return { number: Number(number), egress: direction === "out" };
}

const mishaps = {
  throttle: (seconds) => ({ kind: "throttle", status: 503, retryAfterSeconds: seconds }),
  lostAnswer: () => ({ kind: "drop", committed: true }),
  lostCall: () => ({ kind: "drop", committed: false }),
  serverError: () => ({ kind: "serverError", status: 500, committed: true }),
  unreadable: () => ({ kind: "garbage", committed: false }),
} as const satisfies Partial<Record<Trouble["kind"], (seconds: number | null) => Mishap>>;

function trouble(aws: AwsSimulator, given: Trouble): void {
  if (given.kind === "revoked" || given.kind === "restored") {
    aws.faults.credentialsRevoked = given.kind === "revoked";
    return;
  }
  const action = given.kind === "unreadable" ? "DescribeNetworkAcls" : "CreateNetworkAclEntry";
  aws.faults.next.push({ action, mishap: mishaps[given.kind](given.kind === "throttle" ? given.retryAfterSeconds : null) });
}

function worldOf(aws: AwsSimulator, settings: AwsNaclSettings, ports: TestPorts): World {
  const acl = () => aws.acl(settings.acl);
  const { first, last } = settings.rules;
  const managed = (entry: AclEntry) => first <= entry.number && entry.number <= last && (settings.direction === "both" || !entry.egress);
  const isOurs = (entry: AclEntry) => managed(entry) && entry.protocol === "-1" && entry.action === "deny";
  return {
    state: () => JSON.stringify(acl().state),
    foreign: () => JSON.stringify(acl().state.entries.filter((entry) => !isOurs(entry))),
    addForeign: () => {
      for (const egress of [false, true]) {
        acl().create({ number: first + 1, egress, cidr: "192.0.2.0/24", protocol: "6", ports: { from: 22, to: 22 } });
        acl().create({ number: 60, egress, cidr: "2001:db8:99::/48" });
      }
    },
    takePlacesOf: (step) => {
      for (const slot of step.slots) acl().create({ ...placeOf(slot), cidr: "192.0.2.77/32", protocol: "17", ports: { from: 53, to: 53 } });
    },
    removeOurs: (entry) => {
      for (const slot of (entry.id.split("=")[0] ?? "").split("+")) acl().delete(placeOf(slot).number, placeOf(slot).egress);
    },
    writes: () => aws.writes,
    advance: ports.advance,
    trouble: (given) => trouble(aws, given),
  };
}

/** Secrets of users, and of every session that was handed out. */
function secretTexts(aws: AwsSimulator): readonly string[] {
  const issued = aws.log.flatMap((call) => [...call.body.matchAll(/<(?:SecretAccessKey|SessionToken)>([^<]+)</g)].map((match) => match[1] ?? ""));
  return [...Object.values(keys).map((pair) => pair.secretAccessKey), ...issued];
}

export async function awsHarness(options: AwsHarnessOptions = {}): Promise<AwsHarness> {
  const pair = options.assumeRole ? keys.assume : keys.run;
  const ports = testPorts(secretsOf(pair));
  const aws = await startFixture({ ...options.server, nowMs: ports.clock.now });
  const settings = settingsFor(aws.url, options);
  const { first, last } = settings.rules;
  if (!options.unclaimed) aws.acl(aclId).tag({ "portcullis:store": storeId, "portcullis:range": `${first}-${last}` });
  const operatorPorts = { ...ports, secrets: secretsOf(options.assumeRole ? keys.assume : keys.setup) };
  return {
    definition: awsNacl,
    storeId,
    aws,
    settings,
    ports,
    provider: () => awsNacl.create(settings, ports),
    operator: () => awsNacl.create(settings, operatorPorts),
    world: worldOf(aws, settings, ports),
    nowMs: ports.clock.now,
    logs: ports.logs,
    secrets: () => secretTexts(aws),
    close: () => aws.close(),
  };
}
