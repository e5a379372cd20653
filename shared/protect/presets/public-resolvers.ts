// Public DNS resolvers, whose answers would stop arriving. Host addresses only: the networks around them are not protected.
import type { Preset } from "../preset.ts";

export const publicResolvers: Preset = {
  name: "public-resolvers",
  title: "Public DNS resolvers",
  origin: "The operators' setup pages, as general knowledge; the main addresses also stand in hickory-resolver 0.25 and public lists",
  checked: "2026-11-20",
  evidence: "general knowledge",
  groups: [
    { note: "Google Public DNS", cidrs: "8.8.8.8/32 8.8.4.4/32 2001:4860:4860::8888/128 2001:4860:4860::8844/128" },
    { note: "Google Public DNS64", cidrs: "2001:4860:4860::64/128 2001:4860:4860::6464/128" },
    {
      note: "Cloudflare resolver",
      cidrs:
        "1.1.1.1/32 1.1.1.2/32 1.1.1.3/32 1.0.0.1/32 1.0.0.2/32 1.0.0.3/32 2606:4700:4700::1111/128 2606:4700:4700::1001/128 " +
        "2606:4700:4700::1112/128 2606:4700:4700::1002/128 2606:4700:4700::1113/128 2606:4700:4700::1003/128",
    },
    {
      note: "Quad9",
      cidrs:
        "9.9.9.9/32 9.9.9.10/32 9.9.9.11/32 149.112.112.112/32 149.112.112.9/32 149.112.112.10/32 149.112.112.11/32 2620:fe::fe/128 2620:fe::9/128 " +
        "2620:fe::10/128 2620:fe::fe:10/128 2620:fe::11/128 2620:fe::fe:11/128",
    },
    {
      note: "OpenDNS",
      cidrs:
        "208.67.222.222/32 208.67.220.220/32 208.67.222.220/32 208.67.220.222/32 208.67.222.123/32 208.67.220.123/32 " +
        "2620:119:35::35/128 2620:119:53::53/128 2620:119:35::123/128 2620:119:53::123/128",
    },
    { note: "AdGuard DNS", cidrs: "94.140.14.14/32 94.140.15.15/32 94.140.14.140/32 94.140.14.141/32 2a10:50c0::ad1:ff/128 2a10:50c0::ad2:ff/128" },
    { note: "Level 3 resolvers", cidrs: "4.2.2.1/32 4.2.2.2/32 4.2.2.3/32 4.2.2.4/32" },
  ],
};
