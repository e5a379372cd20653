// The definition of cloudflare-list: what it can do, its limits with their sources, its permissions, its factory. Data only.
import type { ProviderDefinition } from "../../shared/provider.ts";
import { callLimits } from "../internal/cloudflare/limits.ts";
import { type CloudflareListSettings, settingsSchema } from "./config.ts";
import { discover } from "./discover.ts";
import { cloudflareLimits } from "./limits.ts";
import { CloudflareList } from "./provider.ts";

const checked = "2026-11-20";
const lists = "https://developers.cloudflare.com/waf/tools/lists/";
const listsApi = "https://developers.cloudflare.com/waf/tools/lists/lists-api/";
const apiLimits = "https://developers.cloudflare.com/fundamentals/api/reference/limits/";

export const cloudflareList: ProviderDefinition<CloudflareListSettings> = {
  kind: "cloudflare-list",
  title: "Cloudflare IP list",
  granularity: "set",
  capabilities: {
    ipv4Host: { support: "yes" },
    ipv4Range: { support: "yes", note: "/8 and longer" },
    ipv6Host: { support: "untried", note: "widened to its /64, unless ipv6: 128; Cloudflare's pages disagree on single addresses" },
    ipv6Range: { support: "yes", note: "/12 and longer; beyond /64 as single addresses" },
    swap: { support: "no", note: "one bulk operation removes, another adds" },
    egress: { support: "no", note: "a list blocks requests that come in" },
  },
  limits: [
    { name: "items over all lists of an account", value: cloudflareLimits.itemsPerAccount, unit: "items, below Enterprise", source: lists, checked },
    { name: "pending bulk operations", value: 1, unit: "per account, whoever began it", source: listsApi, checked },
    { name: "changing requests", value: cloudflareLimits.changingRequestsPer12Hours, unit: "in 12 hours", source: listsApi, checked },
    { name: "changed items", value: cloudflareLimits.changedItemsPer12Hours, unit: "in 12 hours", source: listsApi, checked },
    { name: "calls", value: callLimits.callsPerWindow, unit: "in 5 minutes per token; more shuts it out for 5 minutes", source: apiLimits, checked },
    { name: "shortest IPv4 prefix", value: cloudflareLimits.shortestPrefix.ipv4, unit: "bits", source: lists, checked },
    { name: "shortest IPv6 prefix", value: cloudflareLimits.shortestPrefix.ipv6, unit: "bits", source: lists, checked },
  ],
  permissions: ["Account: Account Filter Lists: Edit", "Zone: Zone WAF: Read"],
  credentials: [{ name: "token", required: true, note: "API token owned by the account, with the permission groups of policy.json" }],
  // No page says how far reads of a list may be behind a completed operation; fifteen seconds is a choice, checked 2026-11-20.
  observeLagMs: 15_000,
  caveats: [
    "A list alone blocks nothing: each zone under zones needs the one custom rule that setup makes, enabled and first; without zones nothing is enforced.",
    "It stops requests through Cloudflare only: who knows the origin's own address goes around it.",
    "Changes are bulk operations, one at a time for the whole account and for every tool in it: while one runs, a new block waits, usually for a minute.",
    "Sharing a list (shared: allow) leaves a window: an item that its owner adds in the moment between our look and our write becomes ours, because adding an item that exists replaces its comment.",
    "IPv6 is blocked by /64 unless ipv6 says otherwise.",
  ],
  settings: settingsSchema,
  place: (settings) => ({ name: `${settings.account} ${settings.list}`, span: null }),
  serialKey: (settings) => `cloudflare-list:${settings.account}`,
  hostSuffixes: () => ["api.cloudflare.com"],
  create: (settings, ports) => new CloudflareList(settings, ports),
  discover,
};
