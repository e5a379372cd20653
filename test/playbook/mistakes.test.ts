// What people get wrong in a playbook: each found on its line, with what to write instead; and all of them at once.
import { describe, expect, it } from "vitest";
import { problemText } from "../../shared/config-file/index.ts";
import { changed, problemsOf, validText } from "./support.ts";

interface Mistake {
  readonly title: string;
  readonly from: string;
  readonly to: string;
  /** What the whole line says: place, path, message, remedy. */
  readonly says: string;
}

const mistakes: readonly Mistake[] = [
  { title: "a misspelled key", from: "throttle:", to: "throtle:", says: '6:1 throtle: unknown key "throtle"; did you mean "throttle"?' },
  { title: "the word of another system", from: "when:", to: "if:", says: '5:1 if: unknown key "if"; write `when`' },
  {
    title: "an unknown field",
    from: "event.level",
    to: "event.levle",
    says: '5:39 when: an event has no field "levle"; did you mean "level"?',
  },
  {
    title: "a value that never is",
    from: '"inbound"',
    to: '"incoming"',
    says: '5:26 when: "incoming" is never the value of this field; write one of: "inbound", "outbound", ""',
  },
  { title: "one = for two", from: "direction ==", to: "direction =", says: "5:23 when: not CEL: Unexpected character: =; write == to compare" },
  { title: "and for &&", from: "&&", to: "and", says: "5:36 when: not CEL: Unexpected character: 'd'; write && for and" },
  {
    title: "severities compared as numbers",
    from: "event.level >= 1",
    to: "event.severity >= 1",
    says: "5:39 when: words have no order; compare event.level: 0 low, 1 medium, 2 high, 3 critical",
  },
  {
    title: "an action that does not exist yet",
    from: "- log: {",
    to: "- notify: {",
    says: '10:5 do[1].notify: there is no action "notify"; write one of: block, lift, log, together',
  },
  {
    title: "for inside of block",
    from: "block: { severity: high }",
    to: "block: { severity: high, for: 1h }",
    says: "8:30 do[0].block.for: for inside of block; write it beside `block:`, one level up",
  },
  {
    title: "a duration without a unit",
    from: "for: 4h",
    to: "for: 4",
    says: "9:10 do[0].for: 4 has no unit of time; write a whole number and a unit: 90s, 15m, 4h or 7d",
  },
  {
    title: "the victim's addresses",
    from: "severity: high",
    to: "addresses: victim",
    says: `8:25 do[0].block.addresses: "victim" is not what can be blocked; write actor: the victim's addresses are ours`,
  },
  {
    title: "an action without a colon",
    from: "- block: { severity: high }\n    for: 4h",
    to: "- block",
    says: '8:5 do[0]: "block" without a colon; write `- block: {}`',
  },
  {
    title: "on everything",
    from: "{ category: brute-force, source: [guardduty, falco] }",
    to: "{}",
    says: "4:5 on: every event of every source; write at least one of: source, type, category",
  },
  {
    title: "an unknown category",
    from: "category: brute-force",
    to: "category: bruteforce",
    says: '4:17 on.category: "bruteforce" is not a category of events; did you mean "brute-force"?',
  },
  {
    title: "a pattern that could take very long",
    from: "event.level >= 1",
    to: "event.title.matches('(a+)+')",
    says: "5:59 when: the pattern has a group that repeats, which could take very long or say nothing; write startsWith, endsWith or contains, joined by ||",
  },
  {
    title: "addresses in a list",
    from: "{ severity: high }",
    to: "[203.0.113.7]",
    says: "8:12 do[0].block: a list is not a map of keys; write some of: addresses, severity, targets, prefix",
  },
  {
    title: "a word without quotes",
    from: '"inbound"',
    to: "inbound",
    says: '5:26 when: unknown name "inbound"; write it in quotes: "inbound"',
  },
  {
    title: "a list in round brackets",
    from: 'direction == "inbound"',
    to: 'direction in ("inbound", "outbound")',
    says: '5:36 when: not CEL: Expected RPAREN, got COMMA; write a list in square brackets: in ["a", "b"]',
  },
  {
    title: "a number for a text",
    from: "event.level >= 1",
    to: "event.title.startsWith(3)",
    says: '5:39 when: startsWith cannot be asked of string with int; write TEXT.startsWith("…"), with a text in quotes',
  },
  {
    title: "a log that lasts",
    from: 'blocked" }',
    to: 'blocked" }\n    for: 1h',
    says: "11:5 do[1].for: log does not last; remove `for`; it belongs to block",
  },
];

describe("mistakes", () => {
  it("readPlaybook: the sample itself has none", () => {
    expect(problemsOf(validText)).toEqual([]);
  });

  it.each(mistakes)("readPlaybook: $title", ({ from, to, says }) => {
    expect(problemsOf(changed(from, to)).map(problemText)).toEqual([`guessing.yaml:${says}`]);
  });

  it("readPlaybook: all of them at once, in the order of the file", () => {
    const apart = mistakes.filter(({ title }) =>
      ["a misspelled key", "an unknown field", "a value that never is", "a duration without a unit"].includes(title),
    );
    const text = apart.reduce((so, { from, to }) => changed(from, to, so), validText);
    expect(problemsOf(text).map(({ line }) => line)).toEqual([5, 5, 6, 9]);
  });

  it.each(["", "[]", "name: a\n---\nname: b", "name: {a: b}\ndo: 3", "do: [[[]]]", "do: [{together: {}}]", "on: [a]\nwhen: 3"])(
    "readPlaybook: says what to do about %j",
    (text) => {
      const problems = problemsOf(text);
      expect(problems.length).toBeGreaterThan(0);
      for (const { remedy } of problems) expect(remedy).not.toBe("");
    },
  );
});
