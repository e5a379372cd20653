// What a refusal says: the one thing that is wrong, after the text as it came, escaped and cut, so that no input can forge
// a line or hide in one.
import { describe, expect, test } from "vitest";
import { cidrOf, parseCidr } from "../../shared/address/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { limits } from "../../shared/limits.ts";

function messageOf(text: string): string {
  const parsed = parseCidr(text);
  if (parsed.ok) throw new Error(`${text} was read`);
  expect(parsed.error.code).toBe("INVALID_INPUT");
  return parsed.error.message;
}

describe("refusals", () => {
  test.each<[string, RegExp]>([
    ["", /^"" is empty/],
    ["fe80::1%eth0", /zone id/],
    ["[::1]", /brackets/],
    ["[::1", /brackets/],
    ["::1]", /brackets/],
    ["[2001:db8::1]:443", /brackets/],
    ["203.0.113.7:443", /has a port/],
    ["203.0.113.7:", /has a port/],
    ["203.12.113.78:443", /has a port/],
    ["203.0.113.7:443x", /not an IPv4 or IPv6 address/],
    ["203.0.113:443", /not an IPv4 or IPv6 address/],
    ["x203.0.113.7:443", /not an IPv4 or IPv6 address/],
    ["0xcb007107", /hexadecimal/],
    ["0XCB.0.113.7", /hexadecimal/],
    ["203.0x0.113.7", /hexadecimal/],
    ["2030x.0.113.7", /not an IPv4 or IPv6 address/],
    ["0203.0.113.7", /leading zeros/],
    ["203.0.113.07", /leading zeros/],
    ["203.0.113.07x", /not an IPv4 or IPv6 address/],
    ["203.0.113.256", /not four decimal numbers/],
    ["203.0.113", /not four decimal numbers/],
    ["203.10.113", /not four decimal numbers/],
    ["203.0.113.7.", /not four decimal numbers/],
    ["example.org", /not an IPv4 or IPv6 address/],
    ["1::2::3", /not an IPv4 or IPv6 address/],
    ["203.0.113.7/33", /from 0 to 32$/],
    ["2001:db8::/129", /from 0 to 128$/],
    ["203.0.113.7/24", /below \/24; write 203\.0\.113\.0\/24 for the range or 203\.0\.113\.7\/32 for the one address$/],
  ])("say: what is wrong with %j", (text, why) => {
    expect(messageOf(text)).toMatch(why);
  });

  test("show: quotes and backslashes escaped, what does not print as its code, all of it up to a length", () => {
    expect(messageOf('a"b\\c')).toContain('"a\\"b\\\\c" is not');
    expect(messageOf("a\u0007é\u202e")).toContain('"a\\u0007\\u00e9\\u202e" is not');
    const most = "x".repeat(limits.addressCharsMax);
    expect(messageOf(most)).toBe(`"${most}" is not an IPv4 or IPv6 address`);
    expect(messageOf(`${most}y`)).toBe(`"${most}…" is longer than any address`);
  });

  test("throw: a constant that is no address is an error, not a value", () => {
    expect(() => cidrOf("nonsense")).toThrow(PortcullisError);
    expect(cidrOf("203.0.113.7").length).toBe(32);
  });
});
