// A small account to test against: one user per policy, one role, one ACL. Shared by the simulator's tests and aws-nacl's.
import assumePolicy from "../../providers/aws-nacl/policy.assume-role.json" with { type: "json" };
import runPolicy from "../../providers/aws-nacl/policy.json" with { type: "json" };
import setupPolicy from "../../providers/aws-nacl/policy.setup.json" with { type: "json" };
import { type AwsServerOptions, type AwsSimulator, fillPolicy, startAwsSimulator, type UserSeed } from "./aws.ts";

export const aclId = "acl-0123456789abcdef0";
export const externalId = "acme-7f3a";
export const policies = { run: runPolicy, setup: setupPolicy, assume: assumePolicy } as const;

/** Not secrets: made up here, known to the simulator only. */
export const keys = {
  run: { accessKeyId: "AKIARUNRUNRUNRUNRUN1", secretAccessKey: "runSecretrunSecretrunSecretrunSecret/123" },
  setup: { accessKeyId: "AKIASETUPSETUPSETUP1", secretAccessKey: "setupSecretsetupSecretsetupSecret+123456" },
  assume: { accessKeyId: "AKIAASSUMEASSUMEASS1", secretAccessKey: "assumeSecretassumeSecretassumeSecret+/12" },
  everything: { accessKeyId: "AKIAEVERYTHINGEVERY1", secretAccessKey: "everythingSecreteverythingSecret12345678" },
} as const;

export const roleArn = "arn:aws:iam::111122223333:role/blocker";

const allowAll = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };

/** The role may run and set up; what a session may do is narrowed by its session policy. */
const rolePolicy = { Version: "2012-10-17", Statement: [...runPolicy.Statement, ...setupPolicy.Statement] };

export function fixtureUsers(): readonly UserSeed[] {
  return [
    { name: "run", ...keys.run, policy: fillPolicy(runPolicy, { acl: aclId }) },
    { name: "setup", ...keys.setup, policy: fillPolicy(setupPolicy, { acl: aclId }) },
    { name: "assume", ...keys.assume, policy: fillPolicy(assumePolicy, { role: "blocker" }) },
    { name: "everything", ...keys.everything, policy: allowAll },
  ];
}

export function startFixture(options: AwsServerOptions = {}): Promise<AwsSimulator> {
  return startAwsSimulator({
    acls: [{ id: aclId, ipv6: true }],
    users: fixtureUsers(),
    roles: [{ name: "blocker", policy: fillPolicy(rolePolicy, { acl: aclId }), trusts: ["assume"], externalId }],
    ...options,
  });
}
