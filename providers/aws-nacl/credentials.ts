// What a session of an assumed role may do for this kind: describe, and change the one ACL of the target.
import type { ProviderPorts } from "../../shared/provider.ts";
import type { AssumeRole, AwsAccount } from "../internal/aws/account.ts";
import { Credentials, type Purpose } from "../internal/aws/credentials.ts";

export const kind = "aws-nacl";

export const actionsOf = {
  run: ["ec2:CreateNetworkAclEntry", "ec2:ReplaceNetworkAclEntry", "ec2:DeleteNetworkAclEntry"],
  setup: ["ec2:CreateTags", "ec2:DeleteTags"],
} as const satisfies Record<Purpose, readonly string[]>;

/** Narrows whatever the role may do to one ACL (STS: the session has the intersection). `acl` null: describing only. */
export function sessionPolicy(role: AssumeRole, region: string, acl: string | null, purpose: Purpose): string {
  const [, partition, , , accountId] = role.roleArn.split(":");
  const describe = { Effect: "Allow", Action: "ec2:DescribeNetworkAcls", Resource: "*" };
  const write = { Effect: "Allow", Action: actionsOf[purpose], Resource: `arn:${partition}:ec2:${region}:${accountId}:network-acl/${acl}` };
  return JSON.stringify({ Version: "2012-10-17", Statement: acl === null ? [describe] : [describe, write] });
}

export function credentialsFor(account: AwsAccount, acl: string | null, ports: ProviderPorts): Credentials {
  return new Credentials(account, { kind, sessionPolicy: (role, purpose) => sessionPolicy(role, account.region, acl, purpose) }, ports);
}
