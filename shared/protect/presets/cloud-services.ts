// Addresses that clouds talk from inside a customer's network: metadata, resolvers, health checks. Blocking one takes
// machines or load balancers out of service. Not here: Azure Front Door and Traffic Manager, whose long lists change weekly.
import type { Preset } from "../preset.ts";

export const cloudServices: Preset = {
  name: "cloud-services",
  title: "Cloud metadata, platform and health-check addresses",
  origin:
    "Vendors' documentation: EC2 instance metadata, Azure 168.63.129.16, Google Cloud health-check concepts and metadata, Alibaba ECS metadata; " +
    "ROUTE53_HEALTHCHECKS rows of AWS ip-ranges.json, commercial regions, as quoted publicly and cross-checked in two copies (not the list itself)",
  checked: "2026-11-20",
  evidence: "documentation",
  groups: [
    { note: "instance metadata (link local)", cidrs: "169.254.0.0/16" },
    { note: "Azure platform address (DNS, DHCP, health probes)", cidrs: "168.63.129.16/32" },
    { note: "AWS instance services over IPv6", cidrs: "fd00:ec2::/32" },
    { note: "Google Cloud metadata over IPv6", cidrs: "fd20:ce::254/128" },
    { note: "Alibaba Cloud metadata", cidrs: "100.100.100.200/32" },
    {
      note: "Google Cloud health checks and front ends",
      cidrs: "35.191.0.0/16 130.211.0.0/22 209.85.152.0/22 209.85.204.0/22 2600:1901:8001::/48 2600:2d00:1:1::/64 2600:2d00:1:b029::/64",
    },
    {
      note: "AWS Route 53 health checks",
      cidrs:
        "15.177.0.0/18 54.183.255.128/26 54.228.16.0/26 54.232.40.64/26 54.241.32.64/26 54.243.31.192/26 54.244.52.192/26 54.245.168.0/26 " +
        "54.248.220.0/26 54.250.253.192/26 54.251.31.128/26 54.252.79.128/26 54.252.254.192/26 54.255.254.192/26 107.23.255.0/26 " +
        "176.34.159.192/26 177.71.207.128/26 2406:da18:7ff:f800::/53 2406:da18:fff:f800::/53 2600:1f18:3fff:f800::/53 " +
        "2600:1f18:7fff:f800::/53 2a05:d018:7ff:f800::/53 2a05:d018:fff:f800::/53",
    },
  ],
};
