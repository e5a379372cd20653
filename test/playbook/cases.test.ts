// Cases: how they are read, what differs is said, and a branch that none shows is found.
import { describe, expect, it } from "vitest";
import { problemText } from "../../shared/config-file/index.ts";
import { type PlaybookCase, readCases } from "../../shared/playbook/cases.ts";
import { compilePlaybook } from "../../shared/playbook/decide.ts";
import { judge, type Verdict } from "../../shared/playbook/verdict.ts";
import { changed, guess, playbookOf, validText } from "./support.ts";

const validCases = `event: { source: falco, category: brute-force, direction: inbound, actor: { addresses: [203.0.113.7], user: root } }
cases:
  - case: a guess
    expect:
      - block: { addresses: [203.0.113.7], for: 4h, severity: high }
      - log: { message: an attacker was blocked }
  - case: outbound
    event: { direction: outbound }
    expect: []
  - case: low
    event: { severity: low }
    expect: []
`;

function casesOf(text: string, files: Readonly<Record<string, string>> = {}): readonly PlaybookCase[] {
  const read = readCases(text, "guessing.cases.yaml", (path) => files[path] ?? null);
  if (!read.ok) throw new Error(read.problems.map(problemText).join("\n"));
  return read.cases;
}

function problemsOf(text: string, files: Readonly<Record<string, string>> = {}): readonly string[] {
  const read = readCases(text, "guessing.cases.yaml", (path) => files[path] ?? null);
  return read.ok ? [] : read.problems.map(problemText);
}

const verdictOf = (cases: string, playbook: string = validText): Verdict => judge(compilePlaybook(playbookOf(playbook)), casesOf(cases));
const faults = (verdict: Verdict) => verdict.results.flatMap(({ line, faults: some }) => some.map((fault) => `${line}: ${fault}`));
const open = (verdict: Verdict) => verdict.branches.filter(({ covered }) => !covered).map(({ name }) => name);

describe("readCases", () => {
  it("readCases: lays a case's event over what all share, and fills in what says nothing", () => {
    const [first, second] = casesOf(changed("{ direction: outbound }", "{ direction: outbound, actor: { user: www } }", validCases));
    expect(first?.event).toMatchObject({ source: "falco", severity: "medium", actor: { addresses: ["203.0.113.7/32"], user: "root" }, at: null, evidence: {} });
    expect(second?.event).toMatchObject({ direction: "outbound", actor: { addresses: ["203.0.113.7/32"], user: "www" } });
    expect(second?.line).toBe(7);
  });

  it("readCases: takes an event from a file, whole as an adapter makes it", () => {
    const text = "cases:\n  - case: a\n    event: events/a.json\n    expect: []\n";
    expect(casesOf(text, { "events/a.json": JSON.stringify(guess) })[0]?.event).toEqual(guess);
  });

  it.each([
    ["an unknown field", "source: falco", "sorce: falco", 'did you mean "source"?'],
    ["an action that there is not", "- block: {", "- blok: {", 'did you mean "block"?'],
    ["no expectation", "    event: { severity: low }\n    expect: []\n", "    event: { severity: low }\n", '"expect" is missing'],
    ["two actions after one dash", "severity: high }\n      - log", "severity: high }\n        log", "write one after each dash"],
    ["a file that there is not", "{ direction: outbound }", "out.json", 'there is no "out.json"; write the path from the folder of this file'],
    ["an address that is none", "[203.0.113.7], for", "[203.0.113.700], for", "203.0.113.700"],
    ["cases in a map", "cases:", "case:", 'did you mean "cases"?'],
  ])("readCases: %s is a problem with its place", (_what, from, to, says) => {
    const problems = problemsOf(changed(from, to, validCases));
    expect(problems.join("\n")).toContain(says);
    for (const problem of problems) expect(problem).toMatch(/^guessing\.cases\.yaml:\d+:\d+ /);
  });

  it("readCases: files with something else than an event", () => {
    const text = "cases:\n  - case: a\n    event: a.json\n    expect: []\n";
    expect(problemsOf(text, { "a.json": "{" })).toEqual([expect.stringContaining("is not JSON")]);
    expect(problemsOf(text, { "a.json": "[]" })).toEqual([expect.stringContaining("holds no event")]);
    expect(problemsOf(text, { "a.json": '{"raw": 1}' })).toEqual([expect.stringContaining('unknown key "raw"')]);
  });
});

describe("judge", () => {
  it("judge: nothing differs, and every branch is shown", () => {
    const verdict = verdictOf(validCases);
    expect([faults(verdict), open(verdict), verdict.results.length, verdict.branches.length]).toEqual([[], [], 3, 8]);
  });

  it.each([
    [
      "another time",
      "for: 4h",
      "for: 5h",
      "expected block [203.0.113.7/32] for 5h, severity high at do[0], but it is block [203.0.113.7/32] for 4h, severity high",
    ],
    ["another address", "addresses: [203.0.113.7], for", "addresses: [203.0.113.8], for", "expected block [203.0.113.8/32] for 4h, severity high at do[0]"],
    ["another severity", "severity: high }", "severity: low }", "severity low at do[0], but it is"],
    ["targets", "severity: high }", "targets: [edge] }", "targets edge at do[0], but it is"],
    ["another message", "was blocked", "is blocked", 'expected log at do[1], but it is log "an attacker was blocked"'],
    ["one too few", "      - log: { message: an attacker was blocked }\n", "", 'did not expect log "an attacker was blocked" at do[1]'],
    ["one too many", "was blocked }", "was blocked }\n      - log: {}", "expected log as action 3, but there is none"],
    ["that it does not fire", "event: { severity: low }\n    expect: []", "expect: []", "expected nothing, but it fires: block [203.0.113.7/32]"],
    [
      "that it fires",
      "{ severity: low }\n    expect: []",
      "{ severity: low }\n    expect: [{ lift: {} }]",
      "expected lift, but it does not fire: when: event.level >= 1 is false",
    ],
  ])("judge: says what differs: %s", (_what, from, to, says) => {
    expect(faults(verdictOf(changed(from, to, validCases))).join("\n")).toContain(says);
  });

  it("judge: a branch that no case shows is named", () => {
    const [head = "", first = "", second = "", third = ""] = validCases.split(/(?= {2}- case)/);
    expect(open(verdictOf(head + first))).toEqual([
      "it does not fire",
      'when: event.direction == "inbound" is the only one false',
      "when: event.level >= 1 is the only one false",
    ]);
    expect(open(verdictOf(head + first + third))).toEqual(['when: event.direction == "inbound" is the only one false']);
    expect(open(verdictOf(head + second))).toContain("it fires");
    const both = changed("{ direction: outbound }", "{ direction: outbound, severity: low }", head + first + second);
    expect(open(verdictOf(both))).toHaveLength(2);
  });

  it("judge: a step that never has anything to do is named", () => {
    const nobody = changed("addresses: [203.0.113.7], user", "user", changed("{ addresses: [203.0.113.7], for: 4h, severity: high }", "{}", validCases));
    const verdict = verdictOf(nobody);
    expect([faults(verdict), open(verdict)]).toEqual([[], ["do[0]: block has something to do"]]);
  });

  it("judge: of ||, each part is seen to be the only one that holds", () => {
    const playbook = changed("&&", "||");
    expect(open(verdictOf(validCases, playbook))).toEqual(["it does not fire"]);
    const [head = "", first = "", second = ""] = validCases.split(/(?= {2}- case)/);
    expect(open(verdictOf(head + first, playbook))).toEqual([
      "it does not fire",
      'when: event.direction == "inbound" is the only one true',
      'when: event.direction == "inbound" is false',
      "when: event.level >= 1 is the only one true",
      "when: event.level >= 1 is false",
    ]);
    expect(open(verdictOf(head + first + second, playbook))).toContain('when: event.direction == "inbound" is the only one true');
  });
});
