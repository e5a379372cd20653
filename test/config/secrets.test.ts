// A secret in the configuration is refused, and no problem ever repeats it.
import { assert, base64String, constantFrom, oneof, property, string, stringMatching } from "fast-check";
import { describe, expect, it } from "vitest";
import { problemText } from "../../shared/config-file/index.ts";
import { changed, digest, problemsOf, validText } from "./support.ts";

const leaks = [
  ["an AWS key id", "AWS_WEB_ID", "AKIAIOSFODNN7EXAMPLE"],
  ["a temporary AWS key id", "AWS_WEB_ID", "ASIAIOSFODNN7EXAMPLE"],
  ["an AWS secret", "AWS_WEB_SECRET", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"],
  ["a signing secret", "AWS_WEB_SECRET", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
  ["a key of ours", digest("b"), "portcullis_LB373aixy47cZhdRRIJuEo8EUOZweMJksmjRSX7CKdA"],
  ["a bare digest or hex key", digest("b"), "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
  ["a password", digest("b"), "correct horse battery staple"],
  ["an AWS key id as a setting", "eu-west-1", "AKIAIOSFODNN7EXAMPLE"],
  ["an AWS secret as an owner", "owner: acme", "owner: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"],
] as const;

describe("a secret in the configuration", () => {
  it.each(leaks)("readConfigFile: refuses %s without repeating it", (_title, from, secret) => {
    const problems = problemsOf(changed(from, secret));
    const bare = secret.replace(/^owner: /, "");
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.map(problemText).join("\n")).not.toContain(bare);
    expect(problems.map(({ remedy, message }) => message + remedy).join("\n")).toMatch(/leaked|secret|lower-case/);
  });

  it("readConfigFile: never repeats what stands where a digest or a credential's name belongs", () => {
    const secret = oneof(base64String({ minLength: 20, maxLength: 60 }), stringMatching(/^[0-9a-f]{20,70}$/), string({ minLength: 12, maxLength: 60 }));
    assert(
      property(secret, constantFrom(digest("b"), "AWS_WEB_ID"), (text, place) => {
        if (/^sha256:|^[A-Z][A-Z0-9_]*$/.test(text)) return;
        const quoted = JSON.stringify(text);
        const yaml = place === "AWS_WEB_ID" ? changed("accessKeyId: AWS_WEB_ID", `accessKeyId: ${quoted}`) : changed(`"${place}"`, quoted);
        const problems = problemsOf(yaml);
        expect(problems.length).toBeGreaterThan(0);
        expect(problems.map(problemText).join("\n")).not.toContain(text);
      }),
    );
  });

  it("readConfigFile: takes long names of secrets for names", () => {
    expect(problemsOf(changed("AWS_WEB_ID", "AWS_PRODUCTION_EU_WEST_1_ACCESS_KEY_ID_2"))).toEqual([]);
    expect(problemsOf(changed("AWS_WEB_ID", "AWS_PRODUCTION_EU_WEST_1_ACCESS_KEY_ID_AKIA"))).toEqual([]);
    expect(problemsOf(validText)).toEqual([]);
    // But for one that begins like a key.
    expect(problemsOf(changed("AWS_WEB_ID", "AKIA_PRODUCTION_EU_WEST_1_ACCESS_KEY_ID_2"))).toHaveLength(1);
  });
});
