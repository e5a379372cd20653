// Decides what a spelling of an address means: canonical, or refused with a reason, never guessed.
// Every text that reaches the product (requests, alerts, configuration, clouds' answers) passes here.
import { Address4, Address6 } from "ip-address";
import { fail, ok, type Result } from "../errors.ts";
import { limits } from "../limits.ts";
import { blockOf, type Cidr, cidrText, type Family, familyBits } from "./cidr.ts";

const mappedPrefix = "00000000000000000000ffff";
const lengthPattern = /^(?:0|[1-9][0-9]{0,2})$/;
const ipv4Pattern = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/;
const ipv6Pattern = /^[0-9a-fA-F:]+(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3})?$/;

type Hex = { readonly family: Family; readonly hex: string };

function ipv4Hex(text: string): string | null {
  if (!ipv4Pattern.test(text)) return null;
  // The library reads octal and zero-padded parts in some versions; the pattern above admits plain decimal only.
  return Address4.isValid(text) ? new Address4(text).toHex().replaceAll(":", "") : null;
}

function ipv6Hex(text: string): string | null {
  if (!ipv6Pattern.test(text)) return null;
  const dotted = text.slice(text.lastIndexOf(":") + 1);
  if (dotted.includes(".") && ipv4Hex(dotted) === null) return null;
  if (!Address6.isValid(text)) return null;
  return new Address6(text).canonicalForm().replaceAll(":", "");
}

/** A refusal that says what to write instead, where that can be known. */
function refusalOf(text: string): string {
  if (text === "") return "is empty; write an address such as 203.0.113.7 or a range such as 203.0.113.0/24";
  if (text.includes("%")) return "has a zone id (%…), which names an interface of one machine; write the address without it";
  if (text.startsWith("[") || text.includes("]")) return "has brackets; write the bare address, without brackets or port";
  if (/^\d+\.\d+\.\d+\.\d+:\d*$/.test(text)) return "has a port; write the address alone";
  if (/(?:^|\.)0x/i.test(text)) return "has hexadecimal parts; write plain decimal, such as 203.0.113.7";
  if (/^[\d.]+$/.test(text) && /(?:^|\.)0\d/.test(text)) return "has leading zeros, which some systems read as octal; write plain decimal, such as 203.0.113.7";
  if (/^[\d.]+$/.test(text)) return "is not four decimal numbers from 0 to 255; short forms are not read";
  return "is not an IPv4 or IPv6 address";
}

function readAddress(text: string): Result<Hex> {
  const four = ipv4Hex(text);
  if (four !== null) return ok({ family: 4, hex: four });
  const six = ipv6Hex(text);
  if (six !== null) return ok({ family: 6, hex: six });
  return fail("INVALID_INPUT", `${quote(text)} ${refusalOf(text)}`);
}

/** At most `limits.addressCharsMax` characters of the input, everything but printable ASCII escaped: look-alikes show themselves, logs stay plain. */
function quote(text: string): string {
  const shown = text.slice(0, limits.addressCharsMax).replace(/[^ -~]|["\\]/g, (character) => {
    return character === '"' || character === "\\" ? `\\${character}` : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return text.length > limits.addressCharsMax ? `"${shown}…"` : `"${shown}"`;
}

/** Drops space, tab, CR and LF at both ends. A loop, because `[ \t\r\n]+$` is quadratic on a long run of blanks inside. */
function trimBlanks(text: string): string {
  const blanks = " \t\r\n";
  let start = 0;
  let end = text.length;
  while (start < end && blanks.includes(text.charAt(start))) start += 1;
  while (end > start && blanks.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function readLength(text: string, family: Family): number | null {
  if (!lengthPattern.test(text)) return null;
  const length = Number(text);
  return length <= familyBits(family) ? length : null;
}

/** IPv4-mapped IPv6 (`::ffff:0:0/96`) means the IPv4 address inside (RFC 4291 2.5.5.2). */
function unmap(address: Hex, length: number): Cidr {
  if (address.family === 6 && length >= 96 && address.hex.startsWith(mappedPrefix)) return blockOf(4, address.hex.slice(24), length - 96);
  return blockOf(address.family, address.hex, length);
}

/**
 * Reads one address or one CIDR. Surrounding blanks (space, tab, CR, LF) are dropped, IPv6 is lower-cased and
 * compressed, IPv4-mapped IPv6 becomes IPv4. Refused with INVALID_INPUT: zone ids, ports, brackets, leading zeros,
 * octal, hex and short forms, netmasks, an empty or missing length, and host bits below the prefix length
 * (`203.0.113.7/24` could mean two things; the message names both).
 */
export function parseCidr(input: string): Result<Cidr> {
  const text = trimBlanks(input);
  if (text.length > limits.addressCharsMax) return fail("INVALID_INPUT", `${quote(text)} is longer than any address`);
  const slash = text.indexOf("/");
  const address = readAddress(slash === -1 ? text : text.slice(0, slash));
  if (!address.ok) return address;
  const { family, hex } = address.value;
  if (slash === -1) return ok(unmap(address.value, familyBits(family)));
  const length = readLength(text.slice(slash + 1), family);
  if (length === null) {
    return fail("INVALID_INPUT", `${quote(text)} has no usable prefix length after the slash; write a whole number from 0 to ${familyBits(family)}`);
  }
  const block = blockOf(family, hex, length);
  if (block.first !== hex) {
    const whole = blockOf(family, hex, familyBits(family));
    return fail(
      "INVALID_INPUT",
      `${quote(text)} has host bits below /${length}; write ${cidrText(block)} for the range or ${cidrText(whole)} for the one address`,
    );
  }
  return ok(unmap(address.value, length));
}

/** Reads text that this product or a cloud wrote as canonical; throws INVARIANT otherwise. For constants and generated data. */
export function cidrOf(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}
