// The small schemas of the configuration, one by one: what each takes at its bounds, and in which words it refuses the rest.
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import {
  cidrSchema,
  durationSchema,
  factorSchema,
  integerSchema,
  listOf,
  nameSchema,
  numberSchema,
  oneOf,
  originSchema,
  prefixLengths,
  protectedSchema,
} from "../../shared/config-file/words.ts";

const minute = 60_000;
const nameRemedy = "start with a letter and use lower-case letters, digits and dashes, at most 32 characters";
const timeRemedy = "write a whole number and a unit: 90s, 15m, 4h or 7d";
const rangeRemedy = "write an address such as 203.0.113.7 or a range such as 203.0.113.0/24";

/** What comes out, or what is said first. */
function read(schema: v.GenericSchema, input: unknown): unknown {
  const result = v.safeParse(schema, input);
  return result.success ? { is: result.output } : result.issues[0].message;
}

const is = (value: unknown) => ({ is: value });

describe("the words of the configuration", () => {
  it.each<[unknown, unknown]>([
    ["a", is("a")],
    ["a-9", is("a-9")],
    ["a".repeat(32), is("a".repeat(32))],
    ["a".repeat(33), `"${"a".repeat(33)}" is not a usable name; ${nameRemedy}`],
    ["9a", `"9a" is not a usable name; ${nameRemedy}`],
    ["-a", `"-a" is not a usable name; ${nameRemedy}`],
    ["A", `"A" is not a usable name; ${nameRemedy}`],
    ["a_b", `"a_b" is not a usable name; ${nameRemedy}`],
    ["a\n", `"a\\n" is not a usable name; ${nameRemedy}`],
    [" a", `" a" is not a usable name; ${nameRemedy}`],
    ["", `"" is not a usable name; ${nameRemedy}`],
    ["constructor", `"constructor" is not a usable name; ${nameRemedy}`],
    ["prototype", `"prototype" is not a usable name; ${nameRemedy}`],
    ["constructors", is("constructors")],
    [7, `not a name; ${nameRemedy}`],
    [null, `not a name; ${nameRemedy}`],
  ])("name: %j", (input, expected) => {
    expect(read(nameSchema, input)).toEqual(expected);
  });

  it.each<[unknown, unknown]>([
    ["1m", is(minute)],
    ["60s", is(minute)],
    ["59s", "shorter than the shortest allowed, 1m; write 1m or more"],
    ["2h", is(120 * minute)],
    ["121m", "longer than the longest allowed, 2h; write 2h or less"],
    ["999999999d", "longer than the longest allowed, 2h; write 2h or less"],
    ["1000000000d", `"1000000000d" is not a duration; ${timeRemedy}`],
    ["0m", `"0m" is not a duration; ${timeRemedy}`],
    ["01m", `"01m" is not a duration; ${timeRemedy}`],
    ["x1m", `"x1m" is not a duration; ${timeRemedy}`],
    ["1m ", `"1m " is not a duration; ${timeRemedy}`],
    ["1w", `"1w" is not a duration; ${timeRemedy}`],
    ["1.5h", `"1.5h" is not a duration; ${timeRemedy}`],
    [90, `90 has no unit of time; ${timeRemedy}`],
    [["1m"], `a list has no unit of time; ${timeRemedy}`],
  ])("duration from 1m to 2h: %j", (input, expected) => {
    expect(read(durationSchema({ leastMs: minute, mostMs: 120 * minute }), input)).toEqual(expected);
  });

  it.each<[unknown, unknown]>([
    [1, is(1)],
    [9, is(9)],
    [0, "0 is too small; write a whole number from 1 to 9"],
    [10, "10 is too large; write a whole number from 1 to 9"],
    [1.5, "1.5 is not a whole number; write a whole number from 1 to 9"],
    ["5", '"5" is not a number; write a whole number from 1 to 9'],
    [Number.NaN, "NaN is not a number; write a whole number from 1 to 9"],
  ])("whole number from 1 to 9: %j", (input, expected) => {
    expect(read(integerSchema(1, 9), input)).toEqual(expected);
  });

  it.each<[unknown, unknown]>([
    [0.5, is(0.5)],
    [1.25, is(1.25)],
    [2, is(2)],
    [0.49, "0.49 is too small; write a number from 0.5 to 2"],
    [2.01, "2.01 is too large; write a number from 0.5 to 2"],
    [Number.POSITIVE_INFINITY, "Infinity is not a number; write a number from 0.5 to 2"],
    [true, "true is not a number; write a number from 0.5 to 2"],
  ])("number from 0.5 to 2: %j", (input, expected) => {
    expect(read(numberSchema(0.5, 2), input)).toEqual(expected);
  });

  it.each<[unknown, unknown]>([
    [1.01, is(1.01)],
    [16, is(16)],
    [1, "1 makes nothing grow; write a number above 1, up to 16, such as 4; `escalate: false` turns it off"],
    [-2, "-2 makes nothing grow; write a number above 1, up to 16, such as 4; `escalate: false` turns it off"],
    [16.5, "16.5 is too large; write a number above 1, up to 16, such as 4"],
    ["4", '"4" is not a number; write a number above 1, up to 16, such as 4'],
  ])("factor up to 16: %j", (input, expected) => {
    expect(read(factorSchema(16), input)).toEqual(expected);
  });

  it.each<[unknown, unknown]>([
    ["observe", is("observe")],
    ["Observe", '"Observe" is not known here; write one of: observe, enforce'],
    [undefined, "nothing is not known here; write one of: observe, enforce"],
    [{}, "a map is not known here; write one of: observe, enforce"],
  ])("one of two words: %j", (input, expected) => {
    expect(read(oneOf(["observe", "enforce"]), input)).toEqual(expected);
  });

  it.each<[unknown, unknown]>([
    [[], is([])],
    [["a", "b"], is(["a", "b"])],
    [["a", "b", "c"], "3 items; write at most 2"],
    ["a", '"a" is not a list; write [item, item], or one item per line after a dash'],
    [{ a: 1 }, "a map is not a list; write [item, item], or one item per line after a dash"],
    [["a", "A"], `"A" is not a usable name; ${nameRemedy}`],
  ])("at most two names: %j", (input, expected) => {
    expect(read(listOf(nameSchema, 2), input)).toEqual(expected);
  });

  it.each<[unknown, unknown]>([
    ["203.0.113.7", is("203.0.113.7/32")],
    ["2001:DB8::/32", is("2001:db8::/32")],
    [7, `7 is not an address; ${rangeRemedy}`],
    [null, `nothing is not an address; ${rangeRemedy}`],
  ])("range: %j", (input, expected) => {
    expect(read(cidrSchema, input)).toEqual(expected);
  });

  it("range: what is wrong with it is said with one remedy, never with two", () => {
    for (const text of ["", "x", "203.0.113.7/33", "203.0.113.7/24", "203.0.113.07", "2001:db8::1/64", "1.2.3"]) {
      const said = read(cidrSchema, text);
      expect([text, String(said).split("; ").length >= 2, String(said).includes(`; ${rangeRemedy}; `)]).toEqual([text, true, false]);
      expect(String(said).split(rangeRemedy).length).toBeLessThanOrEqual(2);
    }
    expect(read(cidrSchema, "x")).toMatch(/^.+; .+$/);
  });

  it.each<[v.GenericSchema, string, unknown]>([
    [originSchema, "203.0.113.0/24", is("203.0.113.0/24")],
    [originSchema, "0.0.0.0/1", is("0.0.0.0/1")],
    [originSchema, "203.0.113.0/30", is("203.0.113.0/30")],
    [originSchema, "0.0.0.0/0", "0.0.0.0/0 is everyone; name the client's networks, or leave `from` out to allow any"],
    [originSchema, "::/0", "::/0 is everyone; name the client's networks, or leave `from` out to allow any"],
    [protectedSchema, "10.0.0.0/8", is("10.0.0.0/8")],
    [protectedSchema, "2001:db8::/32", is("2001:db8::/32")],
    [protectedSchema, "10.0.0.0/7", "10.0.0.0/7 protects so much that it must be a typo; write a range of /8 or longer"],
    [protectedSchema, "::/0", "::/0 protects so much that it must be a typo; write a range of /8 or longer"],
    [prefixLengths.ipv4, "24", '"24" is not a number; write a whole number from 8 to 32'],
    [prefixLengths.ipv6, "64", '"64" is not a number; write a whole number from 19 to 128'],
  ])("bounds of a range: %#", (schema, input, expected) => {
    expect(read(schema, input)).toEqual(expected);
  });
});
