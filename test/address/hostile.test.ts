// Whatever text arrives: an answer, never a throw, and never more of the input in a message than an address is long.
import { assert as check, constantFrom, integer, oneof, property, string, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCidr } from "../../shared/address/index.ts";
import { limits } from "../../shared/limits.ts";
import { dottedText, hexFor, ipv4Hex, ipv6Hex, spellingOf } from "./generators.ts";

const anyText = oneof(
  string({ maxLength: 200 }),
  string({ unit: "binary", maxLength: 200 }),
  string({
    unit: constantFrom("0", "1", "f", "x", ":", ".", "/", "%", "[", "]", " ", "\n", "\u0000", "\u0663", "\uff10", "\u2024", "-", "e", "\ud800"),
    maxLength: 80,
  }),
);

const address = oneof(ipv4Hex.map(dottedText), ipv6Hex.chain(spellingOf));

/** What a message quotes of the input: its escapes are those of JSON. */
function quoted(message: string): string {
  const literal = /^"(?:[^"\\]|\\.)*"/.exec(message)?.[0] ?? '""';
  return String(JSON.parse(literal)).replace(/…$/, "");
}

function refusal(text: string): string {
  const parsed = parseCidr(text);
  expect(parsed.ok, JSON.stringify(text)).toBe(false);
  return parsed.ok ? "" : parsed.error.message;
}

describe("parseCidr against hostile text", () => {
  it("refuse: any text gets an answer without a throw", () => {
    check(
      property(anyText, (text) => {
        const parsed = parseCidr(text);
        if (parsed.ok) return;
        expect(parsed.error.code).toBe("INVALID_INPUT");
        expect(parsed.error.message).toMatch(/^[ -~…]*$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it("refuse: a message holds at most 64 characters of the input", () => {
    const long = tuple(constantFrom("a", "1", ".", ":", "0", "\u202e", "\\", '"', "\ud83d\ude00"), integer({ min: 65, max: 5_000 }), address).map(
      ([character, count, text]) => text + character.repeat(count),
    );
    check(
      property(oneof(long, string({ minLength: 65, maxLength: 300 })), (text) => {
        const parsed = parseCidr(text);
        if (parsed.ok) return;
        expect(text).toContain(quoted(parsed.error.message));
        expect(quoted(parsed.error.message).length).toBeLessThanOrEqual(limits.addressCharsMax);
        expect(parsed.error.message.length).toBeLessThan(6 * limits.addressCharsMax + 200);
      }),
    );
  });

  it("refuse: an address with anything around it", () => {
    const wrappers = [
      (text: string) => `[${text}]`,
      (text: string) => `[${text}]:443`,
      (text: string) => `${text}%eth0`,
      (text: string) => `http://${text}/`,
      (text: string) => `"${text}"`,
      (text: string) => `${text}\u0000`,
      (text: string) => `\u0000${text}`,
      (text: string) => `${text}\u200b`,
      (text: string) => `\ufeff${text}`,
      (text: string) => `\u00a0${text}`,
      (text: string) => `${text},${text}`,
      (text: string) => `${text} ${text}`,
      (text: string) => `${text}\n${text}`,
      (text: string) => `${text};`,
      (text: string) => `${text}/`,
      (text: string) => `${text}/-1`,
      (text: string) => `${text}/1e1`,
      (text: string) => `${text}/\u0663`,
      (text: string) => `${text}/0128`,
      (text: string) => `${text}/999`,
      (text: string) => `${text}/32.0`,
      (text: string) => `${text}/255.255.255.255`,
      (text: string) => `${text}/ffff::`,
      (text: string) => `${text}//32`,
      (text: string) => `-${text}`,
      (text: string) => `+${text}`,
    ];
    check(
      property(address, constantFrom(...wrappers), (text, wrap) => {
        refusal(wrap(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it("refuse: a port after IPv4, octal, hex, short and integer forms", () => {
    const octets = tuple(...Array.from({ length: 4 }, () => integer({ min: 0, max: 255 })));
    check(
      property(octets, integer({ min: 0, max: 3 }), integer({ min: 0, max: 65_535 }), (parts, at, port) => {
        const replaced = (text: (value: number) => string) => parts.map((value, index) => (index === at ? text(value) : String(value))).join(".");
        refusal(`${parts.join(".")}:${port}`);
        refusal(replaced((value) => `0${value}`));
        refusal(replaced((value) => `0o${value.toString(8)}`));
        refusal(replaced((value) => `0x${value.toString(16)}`));
        refusal(replaced((value) => `${value + 256}`));
        refusal(replaced((value) => String(value).replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)))));
        refusal(parts.slice(0, 3).join("."));
        refusal(parts.slice(0, 2).join("."));
        refusal(String(parts.reduce((sum, value) => sum * 256 + value, 0)));
        refusal(parts.join("\u2024"));
        refusal(parts.join("\u3002"));
      }),
    );
  });

  it("refuse: letters that only look like hexadecimal", () => {
    check(
      property(
        hexFor(6).filter((hex) => hex.includes("a")),
        (hex) => {
          refusal((hex.match(/.{4}/g) ?? []).join(":").replaceAll("a", "\u0430"));
        },
      ),
    );
  });

  it("refuse: very long text, blanks inside included, without walking it twice", () => {
    const count = 1_000_000;
    expect(refusal(`1${" ".repeat(count)}1`)).toContain("longer than any address");
    expect(refusal("1.".repeat(count))).toContain("longer than any address");
    expect(refusal(":".repeat(count))).toContain("longer than any address");
    expect(refusal(" ".repeat(count))).toContain("is empty");
    expect(parseCidr(`${" ".repeat(count)}203.0.113.7${"\n".repeat(count)}`).ok).toBe(true);
  });
});
