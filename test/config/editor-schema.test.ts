// The schema for editors: never stricter than `gen`, and strict enough to catch what fingers do.
import { readFileSync } from "node:fs";
import { assert, constantFrom, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { editorSchema } from "../../functions/cli/editor-schema.ts";
import { presetNames } from "../../shared/protect/index.ts";
import { fits } from "./json-schema.ts";
import { changed, definitions, problemsOf, validText } from "./support.ts";

const schema = editorSchema(definitions, presetNames);
const accepts = (text: string): boolean => fits(parse(text), schema);

describe("the schema for editors", () => {
  it("editorSchema: accepts the example and the smallest configuration", () => {
    expect(accepts(readFileSync("portcullis.example.yaml", "utf8"))).toBe(true);
    expect(accepts(validText)).toBe(true);
  });

  it.each([
    ["an unknown key", "defaults:", "default:"],
    ["an unknown key of a section", "{ for: 4h }", "{ four: 4h }"],
    ["an unknown key of a client", "longest: 1h", "longst: 1h"],
    ["an unknown key of a kind", "acl: acl-", "akl: acl-"],
    ["a missing key", "owner: acme\n", ""],
    ["a missing setting", "    region: eu-west-1\n", ""],
    ["a missing credential", ", secretAccessKey: AWS_WEB_SECRET", ""],
    ["an unknown credential", "accessKeyId:", "keyId:"],
    ["an unknown kind", "kind: aws-nacl", "kind: aws-nalc"],
    ["an unknown mode", "mode: observe", "mode: on"],
    ["an unknown scope", "scopes: [block]", "scopes: [blok]"],
    ["an unknown preset", "ranges: [", "presets: [googelbot], ranges: ["],
    ["a duration without a unit", "longest: 1h", "longest: 1"],
    ["a duration of another spelling", "longest: 1h", "longest: 1hour"],
    ["a key in place of its digest", "sha256:bbb", "portcullis_bbb"],
    ["a name that is none", "  detector:", "  Detector:"],
    ["a region that is none", "region: eu-west-1", "region: Ireland"],
    ["a number too large", "limit: 20", "limit: 200"],
    ["a text for a list", "scopes: [block]", "scopes: block"],
  ])("editorSchema: refuses %s, as gen does", (_title, from, to) => {
    const text = changed(from, to);
    expect(accepts(text)).toBe(false);
    expect(problemsOf(text)).not.toEqual([]);
  });

  it("editorSchema: accepts every duration that gen accepts", () => {
    assert(
      property(integer({ min: 60, max: 3_600 }), constantFrom("s", "m", "h", "d"), (count, unit) => {
        const text = changed("longest: 1h", `longest: ${count}${unit}`);
        if (problemsOf(text).length === 0) expect(accepts(text)).toBe(true);
      }),
    );
  });

  it("editorSchema: explains its sections", () => {
    const explained = schema.properties;
    for (const [key, value] of Object.entries(explained ?? {})) expect(value, key).toHaveProperty("description");
  });
});
