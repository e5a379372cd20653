// Addresses that stand for somebody in documents. A preset of its own, because our samples, tests and sandbox
// use them as attackers: a real deployment protects them, a demonstration leaves this preset out.
import type { Preset } from "../preset.ts";

export const documentation: Preset = {
  name: "documentation",
  title: "Documentation ranges",
  origin: "IANA IPv4 and IPv6 Special-Purpose Address Registries",
  checked: "2026-10-01",
  evidence: "listing",
  groups: [
    { note: "RFC 5737 documentation", cidrs: "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24" },
    { note: "RFC 3849 and RFC 9637 documentation", cidrs: "2001:db8::/32 3fff::/20" },
  ],
};
