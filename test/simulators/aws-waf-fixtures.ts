// A small account to test against: two IP sets and a web ACL that blocks by them, regional and for CloudFront, one user per policy.
// Shared by the simulator's tests and aws-waf's.
import runPolicy from "../../providers/aws-waf/policy.json" with { type: "json" };
import { anyOf, inSet, type Scope, startWafSimulator, type WafOptions, type WafSimulator } from "./aws-waf.ts";

export const account = "111122223333";
export const externalId = "acme-7f3a";
export const roleArn = `arn:aws:iam::${account}:role/blocker`;

const ids = {
  v4: "11111111-2222-4333-8444-000000000004",
  v6: "11111111-2222-4333-8444-000000000006",
  webAcl: "11111111-2222-4333-8444-00000000000a",
  other: "11111111-2222-4333-8444-00000000000b",
} as const;

export interface Arns {
  readonly ipv4: string;
  readonly ipv6: string;
  readonly webAcl: string;
  /** A web ACL that the fixture has and no target names. */
  readonly other: string;
}

export function regionOf(scope: Scope): string {
  return scope === "CLOUDFRONT" ? "us-east-1" : "eu-west-1";
}

export function arnsOf(scope: Scope): Arns {
  const home = `arn:aws:wafv2:${regionOf(scope)}:${account}:${scope === "CLOUDFRONT" ? "global" : "regional"}`;
  return {
    ipv4: `${home}/ipset/blocked-v4/${ids.v4}`,
    ipv6: `${home}/ipset/blocked-v6/${ids.v6}`,
    webAcl: `${home}/webacl/edge/${ids.webAcl}`,
    other: `${home}/webacl/other/${ids.other}`,
  };
}

/** Not secrets: made up here, known to the simulator only. */
export const keys = {
  run: { accessKeyId: "AKIAWAFRUNWAFRUNWAF1", secretAccessKey: "wafRunSecretwafRunSecretwafRunSecret/123" },
  assume: { accessKeyId: "AKIAWAFASSUMEASSUME1", secretAccessKey: "wafAssumeSecretwafAssumeSecretwafAss+/12" },
  everything: { accessKeyId: "AKIAWAFEVERYTHINGEV1", secretAccessKey: "wafEverythingSecretwafEverythingSecre123" },
} as const;

const allowAll = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
const assumePolicy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Resource: roleArn }] };

/** The run-time policy as an operator fills it in. */
export function filledPolicy(scope: Scope): unknown {
  const { ipv4, ipv6, webAcl } = arnsOf(scope);
  const home = "arn:aws:wafv2:REGION:ACCOUNT:SCOPE";
  return JSON.parse(
    JSON.stringify(runPolicy)
      .replace(`${home}/ipset/IPV4_NAME/IPV4_ID`, ipv4)
      .replace(`${home}/ipset/IPV6_NAME/IPV6_ID`, ipv6)
      .replace(`${home}/webacl/ACL_NAME/ACL_ID`, webAcl),
  );
}

export function fixtureOf(scope: Scope): WafOptions {
  const { ipv4, ipv6 } = arnsOf(scope);
  const region = regionOf(scope);
  const policy = filledPolicy(scope);
  return {
    accountId: account,
    sets: [
      { name: "blocked-v4", id: ids.v4, version: "IPV4", scope, region },
      { name: "blocked-v6", id: ids.v6, version: "IPV6", scope, region, description: "Made by Terraform, see infra/waf" },
    ],
    webAcls: [
      {
        name: "edge",
        id: ids.webAcl,
        scope,
        region,
        rules: [{ name: "block-listed", priority: 0, action: "Block", statement: anyOf(inSet(ipv4), inSet(ipv6)) }],
      },
      { name: "other", id: ids.other, scope, region },
    ],
    users: [
      { name: "run", ...keys.run, policy },
      { name: "assume", ...keys.assume, policy: assumePolicy },
      { name: "everything", ...keys.everything, policy: allowAll },
    ],
    roles: [{ name: "blocker", policy, trusts: ["assume"], externalId }],
  };
}

export function startWafFixture(scope: Scope = "REGIONAL", options: WafOptions = {}): Promise<WafSimulator> {
  return startWafSimulator({ ...fixtureOf(scope), ...options });
}
