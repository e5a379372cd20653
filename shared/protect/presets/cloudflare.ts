// Cloudflare's proxies. Behind them every visitor shares these addresses: blocking one shuts out everybody.
import type { Preset } from "../preset.ts";

export const cloudflare: Preset = {
  name: "cloudflare",
  title: "Cloudflare's published ranges",
  origin: "www.cloudflare.com/ips, copied by lord-alfred/ipranges @14dd971 (CC0-1.0)",
  // The copy is no older than this; its own date is not known.
  checked: "2026-06-18",
  evidence: "listing",
  groups: [
    {
      note: "Cloudflare proxy",
      cidrs:
        "103.21.244.0/22 103.22.200.0/22 103.31.4.0/22 104.16.0.0/13 104.24.0.0/14 108.162.192.0/18 131.0.72.0/22 141.101.64.0/18 162.158.0.0/15 " +
        "172.64.0.0/13 173.245.48.0/20 188.114.96.0/20 190.93.240.0/20 197.234.240.0/22 198.41.128.0/17 " +
        "2400:cb00::/32 2405:8100::/32 2405:b500::/32 2606:4700::/32 2803:f800::/32 2a06:98c0::/29 2c0f:f248::/32",
    },
  ],
};
