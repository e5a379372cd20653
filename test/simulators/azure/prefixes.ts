// Azure's reading of address prefixes, on its own code so that it can disagree with ours: host bits are refused ("has invalid Address prefix",
// Azure/azure-powershell#4557), families are not mixed, and one prefix may not lie in another of the same rule.
import { isIPv4, isIPv6 } from "node:net";
import { ArmRefusal } from "./refusal.ts";

interface Prefix {
  readonly family: 4 | 6;
  readonly value: bigint;
  readonly length: number;
}

const serviceTags = new Set(["*", "virtualnetwork", "azureloadbalancer", "internet"]);

function dotted(text: string): bigint {
  return text.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function words(text: string): bigint[] {
  return text
    .split(":")
    .filter((part) => part !== "")
    .flatMap((part) => {
      if (!part.includes(".")) return [BigInt(`0x${part}`)];
      const value = dotted(part);
      return [value >> 16n, value & 0xffffn];
    });
}

function numberOf(family: 4 | 6, address: string): bigint {
  if (family === 4) return dotted(address);
  const [head = "", tail] = address.split("::");
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  const all = [...left, ...Array<bigint>(8 - left.length - right.length).fill(0n), ...right];
  return all.reduce((sum, word) => (sum << 16n) | word, 0n);
}

export function readPrefix(text: string): Prefix | null {
  const [address = "", tail, ...more] = text.split("/");
  const family = isIPv4(address) ? 4 : isIPv6(address) && !address.includes("%") ? 6 : null;
  if (family === null || more.length > 0 || (tail !== undefined && !/^\d{1,3}$/.test(tail))) return null;
  const width = family === 4 ? 32 : 128;
  const length = tail === undefined ? width : Number(tail);
  if (length > width) return null;
  const value = numberOf(family, address);
  const host = BigInt(width - length);
  return (value >> host) << host === value ? { family, value, length } : null;
}

/** Refuses what Azure refuses about the sources or destinations of one rule. */
export function checkPrefixes(rule: string, parameter: string, given: readonly string[], form: "single" | "list"): void {
  const prefixes: Prefix[] = [];
  for (const text of given) {
    if (serviceTags.has(text.toLowerCase())) {
      if (form === "single") continue;
      throw new ArmRefusal(
        400,
        "SecurityRuleParameterContainsUnsupportedValue",
        `Security rule parameter ${parameter} for rule with Id ${rule} cannot specify existing VIRTUALNETWORK, INTERNET, AZURELOADBALANCER, '*' or system tags. Unsupported value used: ${text}.`,
      );
    }
    const prefix = readPrefix(text);
    if (prefix === null)
      throw new ArmRefusal(400, "SecurityRuleInvalidAddressPrefix", `Security rule ${rule} has invalid Address prefix. Value provided: ${text}`);
    prefixes.push(prefix);
  }
  if (new Set(prefixes.map((prefix) => prefix.family)).size > 1) {
    throw new ArmRefusal(
      400,
      "ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies",
      `${rule} contains IP addresses or prefixes that belong to different address families. All IP addresses or prefixes in the resource should belong to the same address family.`,
    );
  }
  checkOverlaps(rule, parameter, prefixes);
}

function checkOverlaps(rule: string, parameter: string, prefixes: readonly Prefix[]): void {
  const sorted = [...prefixes].sort((a, b) => (a.value === b.value ? a.length - b.length : a.value < b.value ? -1 : 1));
  let end = -1n;
  for (const { family, value, length } of sorted) {
    if (value <= end) {
      throw new ArmRefusal(
        400,
        "OverlappingSubnetsNotPermittedInSecurityRule",
        `Security rule parameter ${parameter} for rule with Id ${rule} contains overlapping subnets.`,
      );
    }
    end = value + (1n << BigInt((family === 4 ? 32 : 128) - length)) - 1n;
  }
}
