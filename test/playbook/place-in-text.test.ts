// Where a character of a YAML text stands in the file, for each way YAML has to write a text. Whole conditions with their places: `mistakes.test.ts`.
import { assert, nat, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { placeInText } from "../../shared/playbook/place-in-text.ts";

const indented = (text: string) => text.split(" ").join("\n    ");

/** Each writes a value behind `when: `. */
const styles: readonly (readonly [string, (value: string) => string])[] = [
  ["plain", (value) => value],
  ["plain, folded", indented],
  ["double quotes", (value) => JSON.stringify(value)],
  ["single quotes", (value) => `'${value.replaceAll("'", "''")}'`],
  ["folded block", (value) => `>- # FEDCBA\n    ${indented(value)}`],
  ["literal block", (value) => `| # FEDCBA\n    ${value}`],
];

const start = { line: 3, column: 7 };
const sourceOf = (written: string) => `A: 1\nB: 2\nwhen: ${written}\nC: 3\nD: 4\n`;

/** The only place of the character in the value; the first line of a block is a comment. */
function onlyPlace(source: string, character: string): { readonly line: number; readonly column: number } {
  const lines = source.split("\n");
  const first = source.includes("#") ? 3 : 2;
  const line = lines.findIndex((text, at) => at >= first && text.replace("when:", "     ").includes(character));
  return { line: line + 1, column: (lines[line] ?? "").replace("when:", "     ").indexOf(character) + 1 };
}

describe("the place of a character", () => {
  it.each(styles)("placeInText: of every character, in %s", (_style, write) => {
    const value = "F = EK && x(G) || HI<J L M";
    const source = sourceOf(write(value));
    expect((parse(source) as { readonly when: string }).when.trim()).toBe(value);
    for (const character of "FEKxGHIJLM") {
      expect([character, placeInText(source, start, value, value.indexOf(character))]).toEqual([character, onlyPlace(source, character)]);
    }
  });

  it.each(styles)("law: what stands there is that character, in %s", (_style, write) => {
    const value = `event.direction == "inbound" && event.level >= 1 || event.title == 'it'`;
    const source = sourceOf(write(value));
    assert(
      property(nat(value.length - 1), (offset) => {
        if (value[offset] === " ") return;
        const { line, column } = placeInText(source, start, value, offset);
        expect(source.split("\n")[line - 1]?.[column - 1]).toBe(value[offset]);
      }),
    );
  });

  it.each([
    ["a quote that opens single quotes", "'''a'' == F'", "'a' == F", 0, [3, 9]],
    ["what follows it", "'''a'' == F'", "'a' == F", 1, [3, 10]],
    ["a doubled quote inside", "'''a'' == F'", "'a' == F", 2, [3, 12]],
    ["what follows that", "'''a'' == F'", "'a' == F", 7, [3, 17]],
    ["a quote that opens double quotes", '"\\"a\\" == F"', '"a" == F', 0, [3, 9]],
    ["the first of two single quotes in double quotes", "\"'' == F\"", "'' == F", 0, [3, 8]],
    ["the second of two single quotes in double quotes", "\"'' == F\"", "'' == F", 1, [3, 9]],
    ["the first of two single quotes in a plain text", "F == ''", "F == ''", 5, [3, 12]],
    ["the second of two single quotes in a plain text", "F == ''", "F == ''", 6, [3, 13]],
    ["double quotes in single quotes", "'\"\" == F'", '"" == F', 1, [3, 9]],
    ["the end of a plain text", "F == 1", "F == 1", 6, [3, 13]],
    ["the end of a block, whose last line break is no part of it", "|\n    F ==\n", "F ==\n", 4, [4, 9]],
    ["beyond the end", "F == 1", "F == 1", 99, [3, 13]],
    ["behind blanks at the start", '"  F"', "  F", 2, [3, 10]],
    ["the end behind blanks at the start", '"  F"', "  F", 3, [3, 11]],
    ["behind a tab", '"F\t== 1"', "F\t== 1", 2, [3, 10]],
  ] as const)("placeInText: %s", (_what, written, value, offset, [line, column]) => {
    expect(placeInText(sourceOf(written), start, value, offset)).toEqual({ line, column });
  });

  it("placeInText: of a character that is written otherwise, the end of the file at most", () => {
    const source = sourceOf('"\\x46 == 1"');
    expect(placeInText(source, start, "F == 1", 0).line).toBeLessThanOrEqual(source.split("\n").length);
  });

  it("placeInText: in the first line of a file", () => {
    expect(placeInText("when: F == 1\n", { line: 1, column: 7 }, "F == 1", 5)).toEqual({ line: 1, column: 12 });
  });
});
