// The definition of aws-nacl: what it can do, its limits with their sources, its permissions, its factory. Data only.
import type { ProviderDefinition } from "../../shared/provider.ts";
import { hostsOf } from "../internal/aws/account.ts";
import { type AwsNaclSettings, ruleNumberLast, rulesPerAcl, settingsSchema } from "./config.ts";
import { kind } from "./credentials.ts";
import { discover } from "./discover.ts";
import { AwsNacl } from "./provider.ts";

const checked = "2026-11-20";
const vpcQuotas = "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-nacls";
const throttling = "https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html";
const createEntry = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html";

export const awsNacl: ProviderDefinition<AwsNaclSettings> = {
  kind,
  title: "AWS network ACL",
  granularity: "entry",
  capabilities: {
    ipv4Host: { support: "yes" },
    ipv4Range: { support: "yes" },
    ipv6Host: { support: "yes" },
    ipv6Range: { support: "yes" },
    swap: { support: "yes", note: "ReplaceNetworkAclEntry, one call per direction" },
    egress: { support: "yes", note: "direction: both; two rules for each address" },
  },
  limits: [
    { name: "rules per direction and family, by default", value: rulesPerAcl.byDefault, unit: "rules, the default deny included", source: vpcQuotas, checked },
    { name: "rules per direction and family, at most", value: rulesPerAcl.most, unit: "rules, the default deny included", source: vpcQuotas, checked },
    { name: "highest rule number", value: ruleNumberLast, unit: "one number space per direction, both families", source: createEntry, checked },
    { name: "mutating calls", value: 5, unit: "per second after a burst of 50; per account, region and action", source: throttling, checked },
    { name: "describing calls", value: 20, unit: "per second after a burst of 100; per account, region and action", source: throttling, checked },
  ],
  permissions: ["ec2:DescribeNetworkAcls", "ec2:CreateNetworkAclEntry", "ec2:ReplaceNetworkAclEntry", "ec2:DeleteNetworkAclEntry"],
  credentials: [
    { name: "accessKeyId", required: true, note: "access key of an IAM user with policy.json, or with policy.assume-role.json when assumeRole is set" },
    { name: "secretAccessKey", required: true, note: "secret of that access key" },
    { name: "sessionToken", required: false, note: "only for temporary keys, which end and must then be replaced" },
  ],
  // EC2 answers may not show what an earlier call did ("eventual consistency", AWSEC2 API reference, query-api-troubleshooting,
  // checked 2026-11-20). No bound is documented; ten seconds is a choice well above what users report.
  observeLagMs: 10_000,
  caveats: [
    "Behind a CDN or proxy it stops nobody: a network ACL sees the address that sends the packet, not the one in X-Forwarded-For.",
    "A deny also breaks our own outbound connections to that address: network ACLs are stateless, so the replies are dropped.",
    "Traffic inside one subnet does not pass a network ACL.",
    "It is a small hot set: 20 rules per direction and family by default, 40 at most, the default deny and all other rules included.",
    "Entries carry no mark: inside the claimed range every deny of all protocols counts as ours, and a rule that a person adds there in the seconds between our look and our change can be overwritten.",
  ],
  settings: settingsSchema,
  // One target per ACL: it has one pair of tags to carry a claim.
  place: (settings) => ({ name: `${settings.region} ${settings.acl}`, span: [settings.rules.first, settings.rules.last] }),
  serialKey: (settings) => `aws-nacl:${settings.region}:${settings.acl}`,
  usesIdentity: (settings) => settings.assumeRole?.webIdentity === true,
  hostSuffixes: (settings) => hostsOf("ec2", settings.region),
  create: (settings, ports) => new AwsNacl(settings, ports),
  discover,
};
