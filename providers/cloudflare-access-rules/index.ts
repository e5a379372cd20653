// The definition of cloudflare-access-rules: what it can do, its limits with their sources, its permissions, its factory. Data only.
import type { ProviderDefinition } from "../../shared/provider.ts";
import { callLimits } from "../internal/cloudflare/limits.ts";
import { type AccessRulesSettings, claimValue, settingsSchema } from "./config.ts";
import { placeText } from "./convert.ts";
import { discover } from "./discover.ts";
import { accessLimits } from "./limits.ts";
import { CloudflareAccessRules } from "./provider.ts";

const checked = "2026-11-20";
const accessRules = "https://developers.cloudflare.com/waf/tools/ip-access-rules/";
const parameters = "https://developers.cloudflare.com/waf/tools/ip-access-rules/parameters/";
const apiLimits = "https://developers.cloudflare.com/fundamentals/api/reference/limits/";

export const cloudflareAccessRules: ProviderDefinition<AccessRulesSettings> = {
  kind: "cloudflare-access-rules",
  title: "Cloudflare IP Access rules",
  granularity: "entry",
  capabilities: {
    ipv4Host: { support: "yes" },
    ipv4Range: { support: "yes", note: "/16 and /24 only" },
    ipv6Host: { support: "yes" },
    ipv6Range: { support: "yes", note: "/32, /48 and /64 only" },
    swap: { support: "no", note: "the address of a rule cannot be changed" },
    egress: { support: "no", note: "a rule blocks requests that come in" },
  },
  limits: [
    { name: "IP Access rules of an account", value: accessLimits.rulesPerAccount, unit: "rules, those of its zones included", source: accessRules, checked },
    { name: "IPv4 ranges", value: 2, unit: "lengths: /16 and /24", source: parameters, checked },
    { name: "IPv6 ranges", value: 3, unit: "lengths: /32, /48 and /64", source: parameters, checked },
    { name: "calls", value: callLimits.callsPerWindow, unit: "in 5 minutes per token; more shuts it out for 5 minutes", source: apiLimits, checked },
  ],
  permissions: ["Account: Account Firewall Access Rules: Edit", "Zone: Firewall Services: Edit", "Zone: Zone: Read"],
  credentials: [{ name: "token", required: true, note: "API token with the permission groups of policy.json (an account) or policy.zone.json (a zone)" }],
  // No page says how far reads may be behind a rule just made; fifteen seconds is a choice, checked 2026-11-20.
  observeLagMs: 15_000,
  caveats: [
    "Only single addresses, IPv4 /16 and /24, IPv6 /32, /48 and /64: anything else is refused, never widened.",
    "Somebody else's Allow rule comes before our block. One for an address or range makes the block pending and is named; one for a country or a network, or at a zone when the target is the account, cannot be seen against an address.",
    "An address has one rule: where somebody else's holds it, ours is not made, whatever that one does.",
    "It stops requests through Cloudflare only: who knows the origin's own address goes around it.",
    `The claim is a rule of its own that blocks ${claimValue}, a documentation address; whoever deletes it stops Portcullis from changing anything.`,
    "One address is one call, and its removal two: a thousand blocks at once take five minutes at least, and ten to go. Cloudflare itself recommends lists (kind cloudflare-list) where the account has one.",
  ],
  settings: settingsSchema,
  place: (settings) => ({ name: placeText(settings), span: null }),
  serialKey: (settings) => `cloudflare-access-rules:${placeText(settings)}`,
  hostSuffixes: () => ["api.cloudflare.com"],
  create: (settings, ports) => new CloudflareAccessRules(settings, ports),
  discover,
};
