// How a message shows what somebody wrote: short, never a secret; and the word that was most likely meant.
import { array, assert, constantFrom, integer, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { nearest, secretLookOf, shown } from "../../shared/playbook/shown.ts";

const letters = (length: number) => "abcdefghij".repeat(10).slice(0, length);

describe("what looks like a secret", () => {
  it.each([
    ["AKIAIOSFODNN7EXA", "an AWS access key id"],
    ["ASIAIOSFODNN7EXAMPLE", "an AWS access key id"],
    ["ABIAIOSFODNN7EXAMPLE", "an AWS access key id"],
    ["ACCAIOSFODNN7EXAMPLE", "an AWS access key id"],
    ["AROAIOSFODNN7EXAMPLE", "an AWS access key id"],
    ["AIDAIOSFODNN7EXAMPLE", "an AWS access key id"],
    ["whsec_a", "a signing secret"],
    ["WHSK_a", "a signing secret"],
    ["whse_", "a signing secret"],
    ["portcullis_a", "a Portcullis key"],
    ["wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "an AWS secret access key"],
    [letters(40), "an AWS secret access key"],
    ["Bearer a", "a token"],
    ["eyJhbGciOi-_.a", "a token"],
    ["gho_a", "a token"],
    ["ghp_a", "a token"],
    ["ghs_a", "a token"],
    ["ghu_a", "a token"],
    ["xoxa-", "a token"],
    ["xoxb-", "a token"],
    ["xoxp-", "a token"],
    ["-----BEGIN PRIVATE KEY-----", "a token"],
    [`${letters(31)}1`, "a long random text"],
    [`1${letters(31)}`, "a long random text"],
    [`${"0".repeat(30)}=a`, "a long random text"],
    [`${letters(50)}+/_=-1`, "a long random text"],
    ["  ghp_a\n", "a token"],
  ])("secretLookOf: %j is %s", (text, what) => {
    expect(secretLookOf(text)).toBe(what);
    expect(shown(text)).toBe("(a text that looks like a secret)");
  });

  it.each([
    "AKIA",
    "AKIAIOSFODNN7E",
    "akiaiosfodnn7example",
    "an AKIAIOSFODNN7EXAMPLE",
    "AKIAIOSFODNN7EXAMPLE too",
    "awhsec_",
    "whsx_a",
    "my portcullis_a",
    "a Bearer b",
    "eyJhbGciO.a",
    "eyes.",
    "ghx_a",
    "a ghp_b",
    "xoxc-a",
    letters(32),
    "0".repeat(39),
    `${letters(30)}1`,
    `${letters(40)} 1`,
    `1 ${letters(40)}`,
    "203.0.113.7/32",
    "UnauthorizedAccess:EC2/SSHBruteForce",
    "",
  ])("secretLookOf: %j is none", (text) => {
    expect(secretLookOf(text)).toBeNull();
    expect(shown(text)).toBe(JSON.stringify(text));
  });
});

describe("what a message shows", () => {
  it.each([
    ["a text", '"a text"'],
    ['"', '"\\""'],
    ["ä ".repeat(30), JSON.stringify("ä ".repeat(30))],
    [`${"ä ".repeat(30)}b`, JSON.stringify(`${"ä ".repeat(30)}…`)],
    [[], "a list"],
    [{}, "a map"],
    [null, "nothing"],
    [undefined, "nothing"],
    [0, "0"],
    [false, "false"],
  ])("shown: %j as %s", (value, text) => {
    expect(shown(value)).toBe(text);
  });
});

/** The number of edits between two words, by its definition: each first edit is tried. */
function edits(a: string, b: string): number {
  if (a === "" || b === "") return a.length + b.length;
  if (a[0] === b[0]) return edits(a.slice(1), b.slice(1));
  const swapped = a[0] === b[1] && a[1] === b[0] ? edits(a.slice(2), b.slice(2)) : Number.POSITIVE_INFINITY;
  return 1 + Math.min(edits(a.slice(1), b), edits(a, b.slice(1)), edits(a.slice(1), b.slice(1)), swapped);
}

describe("the word that was meant", () => {
  it.each([
    ["sorce", ["title", "source", "status"], "source"],
    ["soruce", ["title", "source", "status"], "source"],
    ["SOURCE", ["source"], "source"],
    ["brute_force", ["brute-force"], "brute-force"],
    ["bruteforce", ["brute-force"], "brute-force"],
    ["i", ["id"], "id"],
    ["idxx", ["id"], null],
    ["abcxyz", ["abcdef"], null],
    ["abcdxy", ["abcdef"], "abcdef"],
    ["ab", ["ac", "ad"], "ac"],
    ["", ["a"], "a"],
    ["a", [], null],
    ["a".repeat(64), ["a".repeat(63)], "a".repeat(63)],
    ["a".repeat(65), ["a".repeat(64)], null],
  ])("nearest: %j of %j is %j", (word, known, near) => {
    expect(nearest(word, known)).toBe(near);
  });

  it("law: the first of those with fewest edits, swaps of neighbours counted as one, if at most a third of it was changed", () => {
    const word = string({ unit: constantFrom("a", "b", "c"), maxLength: 6 });
    assert(
      property(word, array(word, { minLength: 1, maxLength: 4 }), (meant, known) => {
        const counts = known.map((one) => edits(meant, one));
        const best = known[counts.indexOf(Math.min(...counts))] ?? "";
        expect(nearest(meant, known)).toBe(Math.min(...counts) <= Math.max(1, Math.floor(best.length / 3)) ? best : null);
      }),
      { numRuns: 300 },
    );
  });

  it("law: one slip of the finger in a word of three letters and more is found", () => {
    const word = string({ unit: constantFrom("a", "b", "c", "d"), minLength: 3, maxLength: 12 });
    assert(
      property(word, integer({ min: 0, max: 11 }), constantFrom("swap", "drop", "double"), (meant, place, slip) => {
        const at = place % (meant.length - 1);
        const [head, one = "", two = "", rest] = [meant.slice(0, at), meant[at], meant[at + 1], meant.slice(at + 2)];
        const typed = { swap: head + two + one + rest, drop: head + two + rest, double: head + one + one + two + rest }[slip];
        expect(nearest(typed, [meant])).toBe(meant);
      }),
    );
  });
});
