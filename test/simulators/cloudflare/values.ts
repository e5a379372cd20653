// Which values an IP list takes, and the one form it gives them back in. An implementation of its own, apart from the product's:
// what both get wrong alike, no test would see.
import { isIPv4, isIPv6 } from "node:net";
import { cloudflareLimits } from "./limits.ts";
import { CloudflareRefusal } from "./refusal.ts";

function groupsOf(text: string): number[] {
  const [head = "", tail] = text.split("::");
  const read = (part: string) =>
    part === ""
      ? []
      : part.split(":").flatMap((group) => {
          if (!group.includes(".")) return [Number.parseInt(group, 16)];
          const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
          return [a * 256 + b, c * 256 + d];
        });
  const first = read(head);
  if (tail === undefined) return first;
  const last = read(tail);
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
}

/** RFC 5952: the first longest run of two or more zero groups is shortened. */
function textOf(groups: readonly number[]): string {
  let best = { at: -1, length: 1 };
  for (let at = 0; at < groups.length; at += 1) {
    let length = 0;
    while (groups[at + length] === 0) length += 1;
    if (length > best.length) best = { at, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.at === -1) return hex.join(":");
  return `${hex.slice(0, best.at).join(":")}::${hex.slice(best.at + best.length).join(":")}`;
}

function masked(parts: readonly number[], width: number, length: number): number[] {
  return parts.map((part, at) => {
    const kept = Math.max(0, Math.min(width, length - at * width));
    return kept === 0 ? 0 : Math.floor(part / 2 ** (width - kept)) * 2 ** (width - kept);
  });
}

function lengthOf(text: string | undefined, bits: number): number {
  if (text === undefined) return bits;
  return /^(0|[1-9]\d{0,2})$/.test(text) ? Number(text) : -1;
}

function refused(value: string, why: string): CloudflareRefusal {
  return new CloudflareRefusal(400, 10008, `invalid item: ${value.slice(0, 64)}: ${why}`);
}

export interface ValueRules {
  readonly ipv6Longest: number;
}

/** Canonical: masked, without the length of a single address, IPv6 in lower case. Throws what the API refuses. */
export function canonicalValue(value: string, rules: ValueRules): string {
  const [address = "", suffix, ...more] = value.split("/");
  if (more.length > 0) throw refused(value, "not an address");
  const { ipv4, ipv6 } = cloudflareLimits.shortestPrefix;
  if (isIPv4(address)) {
    const length = lengthOf(suffix, 32);
    if (length < ipv4 || length > 32) throw refused(value, `IPv4 prefixes are /${ipv4} to /32`);
    const text = masked(address.split(".").map(Number), 8, length).join(".");
    return length === 32 ? text : `${text}/${length}`;
  }
  if (!isIPv6(address) || address.includes("%")) throw refused(value, "not an address");
  const length = lengthOf(suffix, 128);
  if (length < ipv6 || length > rules.ipv6Longest) throw refused(value, `IPv6 prefixes are /${ipv6} to /${rules.ipv6Longest}`);
  const text = textOf(masked(groupsOf(address), 16, length));
  return length === 128 ? text : `${text}/${length}`;
}

/** IPv6 comes back in its long form (terraform-provider-cloudflare, internal/services/access_rule/ipv6_plan_modifier.go, 2026). */
function longText(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16).padStart(4, "0")).join(":");
}

/** The value of an IP Access rule in the one form it is kept in; null for what the API refuses. */
export function accessValue(target: string, value: string): string | null {
  if (target === "ip") return isIPv4(value) ? value : null;
  if (target === "ip6") return isIPv6(value) && !value.includes("%") ? longText(groupsOf(value)) : null;
  if (target === "asn") return /^AS[1-9]\d{0,9}$/.test(value) ? value : null;
  if (target === "country") return /^[A-Z][A-Z0-9]$/.test(value) ? value : null;
  const [address = "", suffix, ...more] = value.split("/");
  if (target !== "ip_range" || suffix === undefined || more.length > 0) return null;
  const length = lengthOf(suffix, -1);
  const { ipv4, ipv6 } = cloudflareLimits.accessLengths;
  if (isIPv4(address)) return ipv4.some((one) => one === length) ? `${masked(address.split(".").map(Number), 8, length).join(".")}/${length}` : null;
  if (!isIPv6(address) || address.includes("%") || !ipv6.some((one) => one === length)) return null;
  return `${longText(masked(groupsOf(address), 16, length))}/${length}`;
}
