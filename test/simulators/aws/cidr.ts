// EC2's reading of CIDR text, on its own code so that it can disagree with ours: host bits are masked, not refused
// (D: CreateNetworkAclEntry, "we modify the specified CIDR block to its canonical form").
import { isIPv4, isIPv6 } from "node:net";

function bits(family: 4 | 6, address: string): bigint {
  if (family === 4) return address.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  const [head = "", tail] = address.split("::");
  const words = (text: string) =>
    text
      .split(":")
      .filter((part) => part !== "")
      .flatMap((part) => (part.includes(".") ? dotted(part) : [part]));
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  const all = [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
  return all.reduce((sum, word) => (sum << 16n) | BigInt(`0x${word}`), 0n);
}

function dotted(text: string): string[] {
  const value = bits(4, text);
  return [(value >> 16n).toString(16), (value & 0xffffn).toString(16)];
}

function text(family: 4 | 6, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join(".");
  const words = Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16));
  return new URL(`http://[${words.join(":")}]`).hostname.slice(1, -1);
}

/** Canonical text of a CIDR of the family; null when it is not one. */
export function canonicalCidr(family: 4 | 6, input: string): string | null {
  const match = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(input);
  const address = match?.[1] ?? "";
  const length = Number(match?.[2]);
  const width = family === 4 ? 32 : 128;
  if (match === null || length > width || !(family === 4 ? isIPv4(address) : isIPv6(address))) return null;
  const shift = BigInt(width - length);
  return `${text(family, (bits(family, address) >> shift) << shift)}/${length}`;
}
