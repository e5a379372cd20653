// The definition of aws-waf: what it can do, its limits with their sources, its permissions, its factory. Data only.
import type { ProviderDefinition } from "../../shared/provider.ts";
import { hostsOf } from "../internal/aws/account.ts";
import { type AwsWafSettings, arnOf, regionToCall, setsOf, settingsSchema, wafLimits } from "./config.ts";
import { kind } from "./credentials.ts";
import { discover } from "./discover.ts";
import { AwsWaf } from "./provider.ts";

const checked = "2026-11-25";
const quotas = "https://docs.aws.amazon.com/waf/latest/developerguide/limits.html";
const updateIpSet = "https://docs.aws.amazon.com/waf/latest/APIReference/API_UpdateIPSet.html";

export const awsWaf: ProviderDefinition<AwsWafSettings> = {
  kind,
  title: "AWS WAF IP set",
  granularity: "set",
  capabilities: {
    ipv4Host: { support: "yes", note: "with a set under ipv4" },
    ipv4Range: { support: "yes", note: "/1 and longer" },
    ipv6Host: { support: "yes", note: "with a set under ipv6" },
    ipv6Range: { support: "yes", note: "/1 and longer" },
    swap: { support: "no", note: "a set is written whole, so adds and removals land together anyway" },
    egress: { support: "no", note: "a web ACL sees requests that come in" },
  },
  limits: [
    { name: "addresses per IP set", value: wafLimits.addressesPerSet, unit: "addresses and ranges, one family", source: quotas, checked },
    { name: "IP sets", value: wafLimits.setsPerRegion, unit: "per account and region; adjustable", source: quotas, checked },
    { name: "writes", value: wafLimits.writesPerSecond, unit: "per second of any one action; per account and region, fixed", source: quotas, checked },
    { name: "reads", value: wafLimits.readsPerSecond, unit: "per second of any one action; per account and region, fixed", source: quotas, checked },
    { name: "shortest prefix", value: 1, unit: "bit: /0 is refused", source: updateIpSet, checked },
  ],
  permissions: ["wafv2:GetIPSet", "wafv2:UpdateIPSet", "wafv2:GetWebACL"],
  credentials: [
    { name: "accessKeyId", required: true, note: "access key of an IAM user with policy.json, or one that may assume the role when assumeRole is set" },
    { name: "secretAccessKey", required: true, note: "secret of that access key" },
    { name: "sessionToken", required: false, note: "only for temporary keys, which end and must then be replaced" },
  ],
  // No page says how far GetIPSet may be behind an update. A stale read comes with a stale lock token, which WAF refuses; ten seconds is a choice.
  observeLagMs: 10_000,
  caveats: [
    "An IP set alone blocks nothing: the web ACL under webAcl needs a rule with action Block that names it, before every rule that may allow; until then nothing counts as enforced.",
    "Whether the web ACL protects anything is not looked at: associate it with a load balancer, an API or a distribution.",
    "AWS WAF takes seconds to minutes to act on a change that it has accepted.",
    "Behind another CDN or proxy the rule must read the client's address from a header (ForwardedIPConfig), or it stops nobody; a header can be forged by who reaches the origin itself.",
    "The sets are ours alone: an address that a person adds to one counts as ours, and goes as an orphan does.",
    "One change a second for all IP sets of an account and region: with new addresses of both families the second waits for a moment.",
  ],
  settings: settingsSchema,
  // Each set is one target's alone; a set for the other family may come later.
  place: (settings) => {
    const [name = "", ...also] = setsOf(settings).map((set) => set.arn);
    return { name, span: null, ...(also.length === 0 ? {} : { also }) };
  },
  serialKey: (settings) => {
    const { account, region } = arnOf(settings.webAcl);
    return `aws-waf:${account}:${region}`;
  },
  usesIdentity: (settings) => settings.assumeRole?.webIdentity === true,
  hostSuffixes: (settings) => {
    const region = regionToCall(settings);
    return region === null ? [] : hostsOf("wafv2", region);
  },
  create: (settings, ports) => new AwsWaf(settings, ports),
  discover,
};
