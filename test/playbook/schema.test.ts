// The schema of playbooks for editors: never stricter than the reader, and strict enough to catch what fingers do.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { playbookSchema } from "../../functions/cli/playbook-schema.ts";
import { playbookEntries } from "../../shared/playbook/schema.ts";
import { fits } from "../config/json-schema.ts";
import { changed, problemsOf, validText } from "./support.ts";

const schema = playbookSchema();
const accepts = (text: string): boolean => fits(parse(text), schema);
const folder = "functions/playbooks";
const starters = readdirSync(folder).filter((name) => name.endsWith(".yaml") && !name.includes(".cases."));

describe("the schema of playbooks", () => {
  it.each(starters)("playbookSchema: accepts %s", (name) => {
    expect(accepts(readFileSync(`${folder}/${name}`, "utf8"))).toBe(true);
  });

  it.each([
    ["the sample", "name:", "name:"],
    ["an action of which nothing is said", "- block: { severity: high }", "- block:"],
    ["a lift", "- log:", "- lift: {}\n  - log:"],
    ["steps side by side", "- log:", "- together: [{ lift: {} }, { block: {}, for: 1h, retry: { times: 2 } }]\n  - log:"],
    ["all that is optional", "throttle:", "approve: { within: 1h }\nthrottle:"],
    ["a list of types", "category: brute-force", "type: [a, 'b:*'], status: resolved, sample: true"],
    ["a type by itself", "category: brute-force", "type: 'b:*'"],
  ])("playbookSchema: accepts %s, as the reader does", (_title, from, to) => {
    const text = changed(from, to);
    expect(problemsOf(text)).toEqual([]);
    expect(accepts(text)).toBe(true);
  });

  it.each([
    ["an unknown key", "throttle:", "throtle:"],
    ["a missing key", "title: Someone guesses passwords\n", ""],
    ["on nothing", "{ category: brute-force, source: [guardduty, falco] }", "{ status: firing }"],
    ["an unknown category", "brute-force", "bruteforce"],
    ["an unknown mode", "mode: enforce", "mode: on"],
    ["an unknown action", "- log:", "- notify:"],
    ["for inside of block", "severity: high }", "severity: high, for: 1h }"],
    ["for with log", 'blocked" }', 'blocked" }\n    for: 1h'],
    ["a log that says nothing", '{ message: "an attacker was blocked" }', "{}"],
    ["a duration without a unit", "for: 4h", "for: 4"],
    ["two actions in one step", "    for: 4h", "    log: { message: a }"],
    ["one step side by side", "- log:", "- together: [{ lift: {} }]\n  - log:"],
    ["no steps", validText.slice(validText.indexOf("do:")), "do: []\n"],
  ])("playbookSchema: refuses %s, as the reader does", (_title, from, to) => {
    const text = changed(from, to);
    expect(problemsOf(text)).not.toEqual([]);
    expect(accepts(text)).toBe(false);
  });

  it("playbookSchema: explains every key", () => {
    const properties = schema.properties as Readonly<Record<string, unknown>>;
    for (const key of [...Object.keys(playbookEntries), "do"]) expect(properties[key], key).toHaveProperty("description");
  });
});
