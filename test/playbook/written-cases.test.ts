// What is said of a file of cases that is refused, word for word; what an event says of which nothing is said; and the bounds.
import { describe, expect, it } from "vitest";
import { problemText } from "../../shared/config-file/index.ts";
import { limits } from "../../shared/limits.ts";
import { readCases } from "../../shared/playbook/cases.ts";

/** A text, and each of its problems as "line:column path: message; remedy". */
type Refused = readonly [text: string, ...problems: string[]];

const files: Readonly<Record<string, string>> = { "a.json": "{", "b.json": "[]", "c.json": "null", "d.json": '{"raw": 1}', "e.json": "3" };

const wholes: readonly Refused[] = [
  ["", "1:1 the file is empty; write `cases:` and one case after each dash"],
  ["- a", "1:1 the file is not a map of keys; start with `cases:` at the left margin"],
  ["a: [", "1:5 YAML: Flow sequence in block collection must be sufficiently indented and end with a ]; align the line with its siblings, using spaces"],
  [
    "event: 3\ncases: []\n",
    "1:8 event: not a map of fields; write what the events of all cases share, such as { source: falco }",
    "2:8 cases: not a list of 1 to 200 cases; write `cases:` and one case after each dash",
  ],
  [
    "event: null\ncases: []\n",
    "1:8 event: an empty value; write a value, or leave the key out",
    "2:8 cases: not a list of 1 to 200 cases; write `cases:` and one case after each dash",
  ],
  ["event: [a]\ncases:\n  - case: a\n    expect: []\n", "1:8 event: not a map of fields; write what the events of all cases share, such as { source: falco }"],
  ["cases: 3\n", "1:8 cases: not a list of 1 to 200 cases; write `cases:` and one case after each dash"],
  ["cases: []\n", "1:8 cases: not a list of 1 to 200 cases; write `cases:` and one case after each dash"],
  ["cases: {}\n", "1:8 cases: not a list of 1 to 200 cases; write `cases:` and one case after each dash"],
  ["event: {}\n", "1:1 cases: not a list of 1 to 200 cases; write `cases:` and one case after each dash"],
  ["evnt: {}\ncases:\n  - case: a\n    expect: []\n", '1:1 evnt: unknown key "evnt"; did you mean "event"?'],
  [
    'foo: 1\ncases:\n  - 3\n  - case: ""\n    expect: []\n  - case: 3\n    expect: 3\n  - expect: []\n    cas: a\n  - case: b\n    event: 3\n    expect: []\n',
    '1:1 foo: unknown key "foo"; write one of: event, cases',
    "3:5 cases[0]: 3 is not a map of keys; write some of: case, event, expect",
    "4:11 cases[1].case: an empty text; say what the case shows",
    "6:11 cases[2].case: not a text; say in a few words what the case shows",
    "7:13 cases[2].expect: 3 is not a list; write [item, item], or one item per line after a dash",
    '8:5 cases[3].case: "case" is missing; add `case: …`',
    '9:5 cases[3].cas: unknown key "cas"; did you mean "case"?',
    "11:12 cases[4].event: neither an event nor a file; write { field: value }, or the path of an EVENT.json",
  ],
];

// The event of a case.
const events: readonly Refused[] = [
  ["a.json", '3:12 cases[0].event: "a.json" is not JSON; write one JSON object in it'],
  ["b.json", '3:12 cases[0].event: "b.json" holds no event; write one JSON object in it'],
  ["c.json", '3:12 cases[0].event: "c.json" holds no event; write one JSON object in it'],
  [
    "d.json",
    '3:5 cases[0].event.raw: unknown key "raw"; write one of: id, source, type, category, title, severity, at, status, sample, direction, actor, victim, resources, forMs, evidence',
  ],
  ["e.json", '3:12 cases[0].event: "e.json" holds no event; write one JSON object in it'],
  ["f.json", '3:12 cases[0].event: there is no "f.json"; write the path from the folder of this file'],
  [
    "[a]",
    '3:5 cases[0].event.0: unknown key "0"; write one of: id, source, type, category, title, severity, at, status, sample, direction, actor, victim, resources, forMs, evidence',
  ],
  ["{ source: 3 }", "3:22 cases[0].event.source: 3 is not a text; write it in quotes"],
  [
    "{ category: foo, severity: hgh, status: x, sample: 1, direction: up, at: -1, forMs: 1.5, id: 1, type: [], title: {} }",
    '3:24 cases[0].event.category: "foo" is not known here; write one of: brute-force, port-probe, web-attack, malware, command-and-control, crypto-mining, shell, credential-access, data-exposure, denial-of-service, other',
    '3:39 cases[0].event.severity: "hgh" is not known here; write one of: low, medium, high, critical',
    '3:52 cases[0].event.status: "x" is not known here; write one of: firing, resolved',
    "3:63 cases[0].event.sample: not true or false; write true or false",
    '3:77 cases[0].event.direction: "up" is not known here; write one of: inbound, outbound, ',
    "3:85 cases[0].event.at: -1 is too small; write a whole number from 0 to 9007199254740991",
    "3:96 cases[0].event.forMs: 1.5 is not a whole number; write a whole number from 0 to 9007199254740991",
    "3:105 cases[0].event.id: 1 is not a text; write it in quotes",
    "3:114 cases[0].event.type: a list is not a text; write it in quotes",
    "3:125 cases[0].event.title: a map is not a text; write it in quotes",
  ],
  [
    "{ at: null, forMs: null, direction: null }",
    "3:18 cases[0].event.at: an empty value; write a value, or leave the key out",
    "3:31 cases[0].event.forMs: an empty value; write a value, or leave the key out",
    "3:48 cases[0].event.direction: an empty value; write a value, or leave the key out",
  ],
  [
    "{ actor: { addresses: [x], user: 3, proces: a }, victim: { addresses: 3 }, resources: [{ kind: pod }, 3], evidence: { a: {}, b: null, c: .inf } }",
    '3:35 cases[0].event.actor.addresses[0]: "x" is not an IPv4 or IPv6 address; write an address such as 203.0.113.7 or a range such as 203.0.113.0/24',
    "3:45 cases[0].event.actor.user: 3 is not a text; write it in quotes",
    '3:48 cases[0].event.actor.proces: unknown key "proces"; did you mean "process"?',
    "3:82 cases[0].event.victim.addresses: 3 is not a list; write [item, item], or one item per line after a dash",
    '3:99 cases[0].event.resources[0].id: "id" is missing; add `id: …`',
    "3:114 cases[0].event.resources[1]: 3 is not a map of keys; write some of: kind, id, account, region, namespace",
    "3:133 cases[0].event.evidence.a: not a text, a number, true or false; keep facts flat: one name, one value",
    "3:140 cases[0].event.evidence.b: an empty value; write a value, or leave the key out",
    "3:140 cases[0].event.evidence.b: not a text, a number, true or false; keep facts flat: one name, one value",
    "3:149 cases[0].event.evidence.c: Infinity does not fit; expected something else",
    "3:149 cases[0].event.evidence.c: not a finite number; write a whole number",
  ],
  ["{ actor: 3, victim: [] }", "3:21 cases[0].event.actor: 3 is not a map of keys; write some of: addresses, user, process"],
];

// What a case expects.
const expects: readonly Refused[] = [
  ["[{}]", "4:14 cases[0].expect[0]: not one action; write one after each dash: block: {…}, lift: {…} or log: {}"],
  ["[{ block: {}, lift: {} }]", "4:14 cases[0].expect[0]: not one action; write one after each dash: block: {…}, lift: {…} or log: {}"],
  [
    "[{ blck: {} }]",
    "4:14 cases[0].expect[0]: not one action; write one after each dash: block: {…}, lift: {…} or log: {}",
    '4:16 cases[0].expect[0].blck: unknown key "blck"; did you mean "block"?',
  ],
  [
    "[{ block: { for: 1s, severity: x, targets: [A B], addresses: [x], foo: 1 } }]",
    "4:30 cases[0].expect[0].block.for: shorter than the shortest allowed, 1m; write 1m or more",
    '4:44 cases[0].expect[0].block.severity: "x" is not known here; write one of: low, medium, high, critical',
    '4:57 cases[0].expect[0].block.targets[0]: "A B" is not a usable name; start with a letter and use lower-case letters, digits and dashes, at most 32 characters',
    '4:75 cases[0].expect[0].block.addresses[0]: "x" is not an IPv4 or IPv6 address; write an address such as 203.0.113.7 or a range such as 203.0.113.0/24',
    '4:79 cases[0].expect[0].block.foo: unknown key "foo"; did you mean "for"?',
  ],
  ["[{ log: { message: 3 } }]", "4:32 cases[0].expect[0].log.message: not a text; write the message in quotes, or log: {}"],
  [
    "[{ lift: { addresses: 3, for: 1h } }]",
    "4:35 cases[0].expect[0].lift.addresses: 3 is not a list; write [item, item], or one item per line after a dash",
    '4:38 cases[0].expect[0].lift.for: unknown key "for"; write one of: addresses',
  ],
  ["[3]", "4:14 cases[0].expect[0]: 3 is not a map of keys; write some of: block, lift, log"],
  ["[block]", '4:14 cases[0].expect[0]: "block" is not a map of keys; write some of: block, lift, log'],
  ["[{ block: }]", "4:23 cases[0].expect[0].block: nothing is not a map of keys; write some of: addresses, for, severity, targets"],
];

const read = (text: string) => readCases(text, "f", (path) => files[path] ?? null);
const cased = (event: string, expected: string) => `cases:\n  - case: a\n    event: ${event}\n    expect: ${expected}\n`;

function problems(text: string): readonly string[] {
  const cases = read(text);
  return cases.ok ? [] : cases.problems.map((problem) => problemText(problem).slice("f:".length));
}

describe("cases that are refused", () => {
  it.each(wholes)("readCases: the file %j", (text, ...says) => {
    expect(problems(text)).toEqual(says);
  });

  it.each(events)("readCases: the event %s", (event, ...says) => {
    expect(problems(cased(event, "[]"))).toEqual(says);
  });

  it.each(expects)("readCases: expecting %s", (expected, ...says) => {
    expect(problems(cased("{}", expected))).toEqual(says);
  });

  it("readCases: as many as it says, and no more", () => {
    const many = (count: number) => `cases:\n${"  - case: a\n    expect: []\n".repeat(count)}`;
    const most = read(many(limits.casesMax));
    expect(most.ok ? most.cases.length : 0).toBe(limits.casesMax);
    expect(problems(many(limits.casesMax + 1))).toEqual(["2:3 cases: not a list of 1 to 200 cases; write `cases:` and one case after each dash"]);
    expect(problems(`${many(limits.casesMax)}  - 3\n`)).toEqual(["2:3 cases: not a list of 1 to 200 cases; write `cases:` and one case after each dash"]);
  });
});

describe("an event of which little is said", () => {
  it("readCases: says nothing, as a source that does not know", () => {
    const cases = read(cased('{ direction: "" }', "[{ lift: {} }, { log: {} }, { block: {} }]"));
    expect(cases).toEqual({
      ok: true,
      cases: [
        {
          name: "a",
          line: 2,
          event: {
            id: "case",
            source: "test",
            type: "test",
            category: "other",
            title: "",
            severity: "medium",
            at: null,
            status: "firing",
            sample: false,
            direction: null,
            actor: { addresses: [] },
            victim: { addresses: [] },
            resources: [],
            forMs: null,
            evidence: {},
          },
          expect: [{ lift: {} }, { log: {} }, { block: {} }],
        },
      ],
    });
  });

  it.each([
    ["{ actor: { user: a } }", { user: "a", process: "c" }],
    ["{ actor: 3 }", null],
  ])("readCases: a case's %s over what all share", (event, actor) => {
    const cases = read(`event: { actor: { user: b, process: c } }\n${cased(event, "[]")}`);
    expect(cases.ok ? cases.cases[0]?.event.actor : null).toEqual(actor === null ? null : { addresses: [], ...actor });
  });

  it("readCases: a field that only the case has, where what all share has a list", () => {
    const cases = read(
      `event: { resources: [{ kind: pod, id: a }], evidence: { a: 1 } }\n${cased("{ evidence: { b: 2 }, resources: [{ kind: bucket, id: b, account: c }] }", "[]")}`,
    );
    expect(cases.ok ? cases.cases[0]?.event : null).toMatchObject({ resources: [{ kind: "bucket", id: "b", account: "c" }], evidence: { a: 1, b: 2 } });
  });
});
