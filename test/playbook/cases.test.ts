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

describe("what a verdict says", () => {
  const lifting = changed("block: { severity: high }\n    for: 4h", "lift: {}");
  const plain = changed("block: { severity: high }\n    for: 4h", "block: { targets: [edge, core] }");
  const two = changed("addresses: [203.0.113.7], user", "addresses: [203.0.113.7, 192.0.2.1], user", validCases);
  const expecting = (expected: string, cases: string = two) =>
    changed("- block: { addresses: [203.0.113.7], for: 4h, severity: high }", `- ${expected}`, cases);
  const log = 'log "an attacker was blocked"';

  it.each([
    [plain, "lift: {}", "expected lift at do[0], but it is block [203.0.113.7/32, 192.0.2.1/32] for the default time, severity medium, targets edge, core"],
    [plain, "log: {}", "expected log at do[0], but it is block [203.0.113.7/32, 192.0.2.1/32] for the default time, severity medium, targets edge, core"],
    [plain, "block: { targets: [edge] }", "expected block, targets edge at do[0], but it is block"],
    [plain, "block: { for: 1h }", "expected block for 1h at do[0], but it is block"],
    [plain, "block: { addresses: [192.0.2.1, 192.0.2.2] }", "expected block [192.0.2.1/32, 192.0.2.2/32] at do[0], but it is block"],
    [plain, "block: { severity: low, targets: [core, edge] }", "expected block, severity low, targets core, edge at do[0], but it is block"],
    [lifting, "lift: { addresses: [192.0.2.1] }", "expected lift [192.0.2.1/32] at do[0], but it is lift [203.0.113.7/32, 192.0.2.1/32]"],
    [lifting, "lift: { addresses: [192.0.2.1, 192.0.2.2] }", "expected lift [192.0.2.1/32, 192.0.2.2/32] at do[0], but it is lift"],
    [lifting, "block: {}", "expected block at do[0], but it is lift [203.0.113.7/32, 192.0.2.1/32]"],
    [lifting, "block: { addresses: [203.0.113.7, 192.0.2.1] }", "expected block [203.0.113.7/32, 192.0.2.1/32] at do[0], but it is lift"],
  ])("judge: says what differs, whole: %#", (playbook, expected, says) => {
    const [fault = "", ...others] = faults(verdictOf(expecting(expected), playbook));
    expect([fault.slice(0, `3: ${says}`.length), others]).toEqual([`3: ${says}`, []]);
  });

  it("judge: a log that is expected to be something else", () => {
    const cases = changed("- log: { message: an attacker was blocked }", "- lift: {}", validCases);
    expect(faults(verdictOf(cases))).toEqual([`3: expected lift at do[1], but it is ${log}`]);
    expect(faults(verdictOf(changed("- lift: {}", "- block: {}", cases)))).toEqual([`3: expected block at do[1], but it is ${log}`]);
  });

  it.each([
    [plain, "block: {}"],
    [plain, "block: { targets: [core, edge] }"],
    [plain, "block: { addresses: [192.0.2.1, 203.0.113.7], severity: medium }"],
    [lifting, "lift: {}"],
    [lifting, "lift: { addresses: [192.0.2.1, 203.0.113.7] }"],
  ])("judge: nothing differs, whatever the order: %#", (playbook, expected) => {
    expect(faults(verdictOf(expecting(expected), playbook))).toEqual([]);
  });

  it("judge: all that is done and was not expected, and all that was expected and is not done", () => {
    const nothing = changed(
      "expect:\n      - block: { addresses: [203.0.113.7], for: 4h, severity: high }\n      - log: { message: an attacker was blocked }",
      "expect: []",
      two,
    );
    const block = "block [203.0.113.7/32, 192.0.2.1/32] for 4h, severity high";
    expect(faults(verdictOf(nothing))).toEqual([`3: expected nothing, but it fires: ${block}; ${log}`]);
    const outbound = changed("expect: []", "expect: [{ lift: { addresses: [192.0.2.1] } }, { log: {} }]", two);
    expect(faults(verdictOf(outbound)).slice(1)).toEqual([
      '7: expected lift [192.0.2.1/32]; log, but it does not fire: when: event.direction == "inbound" is false',
    ]);
  });

  it("judge: parts are named though the first case is of another event, and without a condition there are none", () => {
    const other = changed("  - case: a guess", "  - case: other\n    event: { source: other }\n    expect: []\n  - case: a guess", validCases);
    expect(verdictOf(other).branches.map(({ name }) => name)).toEqual(verdictOf(validCases).branches.map(({ name }) => name));
    const always = verdictOf(validCases, changed(/when:.*\n/.exec(validText)?.[0] ?? "", ""));
    expect(always.branches.map(({ name }) => name)).toEqual([
      "it fires",
      "it does not fire",
      "do[0]: block has something to do",
      "do[1]: log has something to do",
    ]);
  });
});
