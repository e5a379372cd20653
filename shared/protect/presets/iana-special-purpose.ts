// Addresses that nobody on the public internet can own: special-purpose registries, multicast, and every IPv6 range that carries IPv4 inside.
// The documentation ranges of the same registries are a preset of their own (`documentation.ts`).
import type { Preset } from "../preset.ts";

export const ianaSpecialPurpose: Preset = {
  name: "iana-special-purpose",
  title: "IANA special-purpose, multicast, reserved and translation ranges",
  origin:
    "IANA IPv4 and IPv6 Special-Purpose Address Registries; multicast and reserved space from the IANA address space registries; RFC 4291, RFC 2765, RFC 3879",
  checked: "2026-10-01",
  evidence: "listing",
  groups: [
    { note: "RFC 791 this network", cidrs: "0.0.0.0/8" },
    { note: "RFC 1918 private use", cidrs: "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16" },
    { note: "RFC 6598 shared address space (carrier NAT)", cidrs: "100.64.0.0/10" },
    { note: "RFC 1122 loopback", cidrs: "127.0.0.0/8" },
    { note: "RFC 3927 link local", cidrs: "169.254.0.0/16" },
    // Holds 192.0.0.0/29, .8, .9, .10, .170 and .171 of the registry.
    { note: "RFC 6890 IETF protocol assignments", cidrs: "192.0.0.0/24" },
    { note: "RFC 7535 AS112", cidrs: "192.31.196.0/24 2001:4:112::/48" },
    { note: "RFC 7450 automatic multicast tunneling", cidrs: "192.52.193.0/24 2001:3::/32" },
    { note: "RFC 7526 deprecated 6to4 relay anycast", cidrs: "192.88.99.0/24" },
    { note: "RFC 7534 direct delegation AS112", cidrs: "192.175.48.0/24 2620:4f:8000::/48" },
    { note: "RFC 2544 and RFC 5180 benchmarking", cidrs: "198.18.0.0/15 2001:2::/48" },
    { note: "RFC 5771 and RFC 4291 multicast", cidrs: "224.0.0.0/4 ff00::/8" },
    { note: "RFC 1112 reserved (class E) and limited broadcast", cidrs: "240.0.0.0/4" },
    // Holds ::/128 (unspecified) and ::1/128 (loopback).
    { note: "RFC 4291 unspecified, loopback and IPv4-compatible", cidrs: "::/96" },
    // IPv4-mapped ::ffff:0:0/96 cannot stand here itself, because that spelling means 0.0.0.0/0; blocks around it are caught by this one.
    { note: "RFC 4291 reserved, holds the IPv4-mapped and IPv4-translated ranges", cidrs: "::/8" },
    { note: "RFC 6052 and RFC 8215 IPv4-IPv6 translation (NAT64)", cidrs: "64:ff9b::/96 64:ff9b:1::/48" },
    { note: "RFC 6666 discard only", cidrs: "100::/64" },
    { note: "RFC 9780 dummy prefix", cidrs: "100:0:0:1::/64" },
    // Holds 2001:1::1, ::2 and ::3, 2001:10::/28, 2001:20::/28 and 2001:30::/28 of the registry.
    { note: "RFC 2928 IETF protocol assignments", cidrs: "2001::/23" },
    { note: "RFC 4380 Teredo, carries IPv4 inside", cidrs: "2001::/32" },
    { note: "RFC 3056 6to4, carries IPv4 inside", cidrs: "2002::/16" },
    { note: "RFC 9602 segment routing SIDs", cidrs: "5f00::/16" },
    { note: "RFC 4193 unique local", cidrs: "fc00::/7" },
    { note: "RFC 4291 link local", cidrs: "fe80::/10" },
    { note: "RFC 3879 deprecated site local", cidrs: "fec0::/10" },
  ],
};
