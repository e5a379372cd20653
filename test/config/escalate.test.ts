// `escalate`: under `defaults` and under a client, what is left out, what is refused, and that editors see it.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { editorSchema } from "../../functions/cli/editor-schema.ts";
import { configDefaults } from "../../shared/config-file/defaults.ts";
import { presetNames } from "../../shared/protect/index.ts";
import { parseDuration } from "../../shared/request/duration.ts";
import { fits } from "./json-schema.ts";
import { changed, configOf, definitions, lineOf, problemsOf, validText } from "./support.ts";

const day = 86_400_000;
const { factor, max, memory } = configDefaults.escalate;
const usual = { factor, maxMs: parseDuration(max), memoryMs: parseDuration(memory) };
const ofDetector = (line: string, text: string = validText) => changed("    longest: 1h\n", `    longest: 1h\n    escalate: ${line}\n`, text);
const ofDefaults = (line: string) => changed("{ for: 4h }", `{ for: 4h, escalate: ${line} }`);

describe("escalate", () => {
  it("readConfigFile: off unless written", () => {
    const config = configOf(validText);
    expect([config.defaults, ...Object.values(config.clients)].filter((part) => "escalate" in part)).toEqual([]);
  });

  it("readConfigFile: what is left out is the default, in milliseconds", () => {
    expect(configOf(ofDetector("{}")).clients.detector?.escalate).toEqual(usual);
    expect(configOf(ofDetector("{ factor: 1.5, memory: 7d }")).clients.detector?.escalate).toEqual({ ...usual, factor: 1.5, memoryMs: 7 * day });
    expect(configOf(ofDetector("{ factor: 100, max: 30d, memory: 30d }")).clients.detector?.escalate).toMatchObject({ factor: 100, maxMs: 30 * day });
  });

  it("readConfigFile: `defaults` holds for clients that say nothing, and a client's own or false for itself", () => {
    const config = configOf(ofDefaults("{ factor: 3 }"));
    expect(config.defaults.escalate).toEqual({ ...usual, factor: 3 });
    expect(Object.values(config.clients).map(({ escalate }) => escalate?.factor)).toEqual([3, 3]);
    const mixed = configOf(ofDetector("false", ofDefaults("{}"))).clients;
    expect([mixed.admin?.escalate, mixed.detector?.escalate]).toEqual([usual, undefined]);
    expect(configOf(ofDetector("{ factor: 7 }", ofDefaults("{}"))).clients.detector?.escalate?.factor).toBe(7);
  });

  it.each([
    ["{ factor: 1 }", "escalate.factor", /makes nothing grow/, /escalate: false/],
    ["{ factor: 101 }", "escalate.factor", /too large/, /up to 100/],
    ["{ factor: .inf }", "escalate.factor", /not a finite number/, /write/],
    ["{ factor: two }", "escalate.factor", /not a number/, /above 1/],
    ["{ max: 31d }", "escalate.max", /longer than the longest/, /30d/],
    ["{ memory: 31d }", "escalate.memory", /longer than the longest/, /30d/],
    ["{ memory: 7 }", "escalate.memory", /no unit/, /7d/],
    ["{ maximum: 7d }", "escalate.maximum", /unknown key/, /factor|max/],
    ["true", "escalate", /no escalation/, /write false, or some of/],
    ["[2]", "escalate", /no escalation/, /write false, or some of/],
    ["off", "escalate", /true or false/, /write true or false/],
  ])("readConfigFile: refuses %s, on its line, with what to write", (line, path, message, remedy) => {
    for (const [text, base] of [
      [ofDetector(line), "clients.detector."],
      [ofDefaults(line), "defaults."],
    ] as const) {
      const problem = problemsOf(text).find((found) => found.path === `${base}${path}` && message.test(found.message));
      expect(problem, JSON.stringify(problemsOf(text))).toMatchObject({ line: lineOf(text, "escalate:") });
      expect(problem?.remedy).toMatch(remedy);
    }
  });

  it("editorSchema: takes what gen takes, and refuses what it refuses", () => {
    const schema = editorSchema(definitions, presetNames);
    for (const line of ["false", "{}", "{ factor: 1.5, max: 7d, memory: 7d }"]) {
      expect([fits(parse(ofDetector(line)), schema), fits(parse(ofDefaults(line)), schema), line]).toEqual([true, true, line]);
    }
    for (const line of ["true", "{ factor: 1 }", "{ factor: two }", "{ factors: 2 }", "{ max: 7 }"]) {
      expect([fits(parse(ofDetector(line)), schema), line]).toEqual([false, line]);
    }
  });

  it("readConfigFile: what the example shows as a comment is right, and is the default", () => {
    const text = readFileSync("portcullis.example.yaml", "utf8").replace("# escalate: {", "escalate: {");
    expect(configOf(text).defaults.escalate).toEqual(usual);
  });
});
