// What is said of a condition that is refused: where, what and what to write instead, word for word; and what is close to it and right.
import { describe, expect, it } from "vitest";
import { limits } from "../../shared/limits.ts";
import { compileCondition } from "../../shared/playbook/condition.ts";
import { patternFault } from "../../shared/playbook/vet.ts";

/** A condition, and each of its faults as "offset: message; remedy". */
type Refused = readonly [condition: string, ...faults: string[]];

const oneOf =
  "write one of: id, source, type, category, title, severity, level, at, status, sample, direction, actor, victim, resources, forMs, evidence; facts of the source are under event.evidence";

function faultsOf(text: string): readonly string[] {
  const compiled = compileCondition(text);
  return compiled.ok ? [] : compiled.faults.map(({ offset, message, remedy }) => `${offset}: ${message}; ${remedy}`);
}

// Fields, functions, words and patterns: what the tree of a condition says.
const unfit: readonly Refused[] = [
  ["ev.level > 1", '0: unknown name "ev"; write event.FIELD, or a text in quotes'],
  ["level > 1", '0: unknown name "level"; write event.level'],
  ['"high" == severity', '10: unknown name "severity"; write event.severity'],
  ["high == event.severity", '0: unknown name "high"; write it in quotes: "high"'],
  ["actorz", '0: unknown name "actorz"; write event.actor'],
  ["event.evidnce.a == 1", '0: an event has no field "evidnce"; did you mean "evidence"?'],
  ["event.qqqqqqqqqq == 1", `0: an event has no field "qqqqqqqqqq"; ${oneOf}`],
  ['event.actor.usr == "x"', '0: actor has no field "usr"; did you mean "user"?'],
  ['event.victim.qqq == "x"', '0: victim has no field "qqq"; write one of: addresses; facts of the source are under event.evidence'],
  ['event.resources.kind == "pod"', '0: a list has no field "kind"; write LIST.exists(x, x.kind == …)'],
  ["event.type.length == 3", '0: a text has no field "length"; compare the text itself'],
  ["event.level.foo == 1", "12: Cannot index type 'int'; see the table of functions and fields in shared/playbook/README.md"],
  ['event.actor["user"] == "x"', '12: "user" in brackets; write a dot: .user'],
  ['event.resources[0].kid == "pod"', '0: resource has no field "kid"; did you mean "kind"?'],
  ['event.resources["a"].kind == "pod"', '16: an index that is not a name in quotes; write event.evidence["name"], or LIST.exists(x, …)'],
  ["event.evidence[0] == 1", '15: an index that is not a name in quotes; write event.evidence["name"], or LIST.exists(x, …)'],
  ['event.type["a"] == "x"', '11: an index that is not a name in quotes; write event.evidence["name"], or LIST.exists(x, …)'],
  ['event.actor.addresses[0].foo == "x"', '0: a text has no field "foo"; compare the text itself'],
  ['event.actor.addresses[event.level] == "x"', '22: an index that is not a name in quotes; write event.evidence["name"], or LIST.exists(x, …)'],
  ["foo(event.type)", '0: there is no function "foo"; write one of: has, size, int, double, string'],
  ["sizes(event.type)", '0: there is no function "sizes"; did you mean "size"?'],
  ["length(event.type) > 1", '0: there is no function "length"; write size(…)'],
  ["count(event.type)>1", '0: there is no function "count"; write size(LIST.filter(x, …))'],
  ["len(event.type)>1", '0: there is no function "len"; write size(…)'],
  ["dyn(event)", '0: there is no function "dyn"; write one of: has, size, int, double, string'],
  ["has(event.type)", '0: "type" is always there: what a source does not say is ""; write event.… != "" instead of has(…)'],
  ["has(event.typ)", '4: an event has no field "typ"; did you mean "type"?'],
  ["has(event.foo.bar)", `4: an event has no field "foo"; ${oneOf}`],
  ['has(event.evidence["a"])', '0: has() takes a field; write has(event.evidence.NAME), or "NAME" in event.evidence'],
  ["has()", '0: has() takes a field; write has(event.evidence.NAME), or "NAME" in event.evidence'],
  ["has(event.actor.user)", '0: "user" is always there: what a source does not say is ""; write event.… != "" instead of has(…)'],
  ["has(event.resources.kind)", '4: a list has no field "kind"; write LIST.exists(x, x.kind == …)'],
  ["has(event.evidence.a.b)", '4: a fact has no field "b"; write its whole name, dots and all: event.evidence["a.b"]'],
  ["has(evnt.evidence.a)", '4: unknown name "evnt"; write event.FIELD, or a text in quotes'],
  ["size(evnt.type) > 0", '5: unknown name "evnt"; write event.FIELD, or a text in quotes'],
  ["int(event.foo)>1", `4: an event has no field "foo"; ${oneOf}`],
  ['event.type.includes("a")', '0: there is no function "includes"; write TEXT.contains("…"), or "…" in LIST'],
  ['event.type.indexOf("a") > 0', '0: there is no function "indexOf"; write TEXT.contains("…")'],
  ['event.type.toLowerCase() == "a"', '0: there is no function "toLowerCase"; write TEXT.lowerAscii()'],
  ['event.type.lower() == "a"', '0: there is no function "lower"; write TEXT.lowerAscii()'],
  ["event.resources.any(r, true)", '0: there is no function "any"; write LIST.exists(x, …)'],
  ["event.resources.some(r, true)", '0: there is no function "some"; write LIST.exists(x, …)'],
  ["event.resources.every(r, true)", '0: there is no function "every"; write LIST.all(x, …)'],
  ["event.type.map(x, x)", '0: there is no function "map"; write LIST.exists(x, …) on the list itself'],
  ['event.type.match("a")', '0: there is no function "match"; write TEXT.matches("…")'],
  ['event.type.test("a")', '0: there is no function "test"; write TEXT.matches("…")'],
  ['event.type.regex("a")', '0: there is no function "regex"; write TEXT.matches("…")'],
  ['event.type.startWith("a")', '0: there is no function "startWith"; did you mean "startsWith"?'],
  [
    'event.type.qqqqqqqqqqqq("a")',
    '0: there is no function "qqqqqqqqqqqq"; write one of: startsWith, endsWith, contains, matches, lowerAscii, size, exists, all, exists_one, filter',
  ],
  ['event.severity >= "high"', "0: words have no order; compare event.level: 0 low, 1 medium, 2 high, 3 critical"],
  ['"high" <= event.severity', "10: words have no order; compare event.level: 0 low, 1 medium, 2 high, 3 critical"],
  ['event.direction < "x"', "0: words have no order; write == or in"],
  [
    'event.severity > "high" || event.severity < "low"',
    "0: words have no order; compare event.level: 0 low, 1 medium, 2 high, 3 critical",
    "27: words have no order; compare event.level: 0 low, 1 medium, 2 high, 3 critical",
  ],
  ['event.severity <= "low"', "0: words have no order; compare event.level: 0 low, 1 medium, 2 high, 3 critical"],
  ['event.evidence["a"][0] == 1', '20: a fact has nothing inside of it; write its whole name, dots and all: event.evidence["a.b"]'],
  ['event.resources[0]["kind"] == "pod"', '19: "kind" in brackets; write a dot: .kind'],
  ['event["type"] == "x"', '6: "type" in brackets; write a dot: .type'],
  ["event.actor.addresses.filter(a, a.foo == 1).exists(a, true)", '32: a text has no field "foo"; compare the text itself'],
  ['event.actor.addresses.exists(a, a["b"] == "c")', '34: an index that is not a name in quotes; write event.evidence["name"], or LIST.exists(x, …)'],
  ["event.type.contains(evnt.type)", '20: unknown name "evnt"; write event.FIELD, or a text in quotes'],
  ['event.typ.contains("a")', '0: an event has no field "typ"; did you mean "type"?'],
  ['event.category.lowerAscii().foo == "foo"', '0: a text has no field "foo"; compare the text itself'],
  ['event.type.contains("a").foo', "25: Cannot index type 'bool'; see the table of functions and fields in shared/playbook/README.md"],
  ["event.resources.exists(r)", "0: exists takes a name and a condition; write LIST.exists(x, x == …)"],
  [
    'event.resources.exists("r", true)',
    "23: not CEL: exists(var, predicate) invalid predicate iteration variable; write a plain name first: LIST.exists(x, x == …)",
  ],
  ["event.resources.exists()", "0: exists takes a name and a condition; write LIST.exists(x, x == …)"],
  ['event.resources.exists(r, r.knd == "pod")', '26: resource has no field "knd"; did you mean "kind"?'],
  ['event.resources.filter(r, r.kind == "pod").exists(x, x.idd == "a")', '53: resource has no field "idd"; did you mean "id"?'],
  ['event.resources.exists(r, r.kind == "pod").foo', "43: Cannot index type 'bool'; see the table of functions and fields in shared/playbook/README.md"],
  ['event.resources.filter(r, true)[0].knd == "pod"', '0: resource has no field "knd"; did you mean "kind"?'],
  ['event.resources.exists(event, event.kind == "pod")', '23: "event" is the name of a field; choose another name: exists(x, …)'],
  ['event.resources.exists(type, type == "pod")', '23: "type" is the name of a field; choose another name: exists(x, …)'],
  ['event.actor.addresses.exists(a, a.foo == "b")', '32: a text has no field "foo"; compare the text itself'],
  ['event.evidence.exists(k, k.foo == "b")', "27: Cannot index type 'string'; see the table of functions and fields in shared/playbook/README.md"],
  [
    "event.resources.exists(r, event.actor.addresses.exists(a, a == r.id))",
    "26: exists inside another walk over a list; join the two with && instead of nesting them",
  ],
  ["event.title.matches()", '0: matches() with a pattern that is not written out; write the pattern in quotes: TEXT.matches("^Recon:")'],
  ["event.title.matches(1)", '0: matches() with a pattern that is not written out; write the pattern in quotes: TEXT.matches("^Recon:")'],
  ["event.title.matches(event.type)", '0: matches() with a pattern that is not written out; write the pattern in quotes: TEXT.matches("^Recon:")'],
  [
    'event.title.matches("a+a+")',
    "20: the pattern has more than 1 repeat, which could take very long or say nothing; write startsWith, endsWith or contains, joined by ||",
  ],
  [
    'event.title.matches("^a+a+a+")',
    "20: the pattern has more than 2 repeats, which could take very long or say nothing; write startsWith, endsWith or contains, joined by ||",
  ],
  [
    'event.title.matches("[")',
    "20: the pattern has something that is no pattern, which could take very long or say nothing; write startsWith, endsWith or contains, joined by ||",
  ],
  [
    'event.title.matches("")',
    "20: the pattern has nothing that must be there, so every text has it, which could take very long or say nothing; write startsWith, endsWith or contains, joined by ||",
  ],
  ['event.resources.exists(r, r.id.matches("a"))', "26: matches() for each item of a list; write startsWith, endsWith or contains, joined by ||"],
  [
    'event.title.matches("a")||event.title.matches("a")||event.title.matches("a")||event.title.matches("a")||event.title.matches("a")',
    "104: more than 4 times matches(); write startsWith, endsWith or contains, joined by ||",
  ],
  ['event.severity == "hgh"', '18: "hgh" is never the value of this field; did you mean "high"?'],
  ['event.severity != "hgh"', '18: "hgh" is never the value of this field; did you mean "high"?'],
  ['"hgh" == event.severity', '0: "hgh" is never the value of this field; did you mean "high"?'],
  ['event.severity in ["hgh", "low"]', '19: "hgh" is never the value of this field; did you mean "high"?'],
  ['event.direction == "inbund"', '19: "inbund" is never the value of this field; did you mean "inbound"?'],
  [
    "event.severity == 3",
    "0: == cannot be asked of string and int; compare values of one type: texts in quotes, numbers without; the severity as a number is event.level",
  ],
  ['event.severity == "qqqqqqqq"', '18: "qqqqqqqq" is never the value of this field; write one of: "low", "medium", "high", "critical"'],
  [
    'event.category == ""',
    '18: "" is never the value of this field; write one of: "brute-force", "port-probe", "web-attack", "malware", "command-and-control", "crypto-mining", "shell", "credential-access", "data-exposure", "denial-of-service", "other"',
  ],
  ['event.direction == "x"', '19: "x" is never the value of this field; write one of: "inbound", "outbound", ""'],
  ["[event.foo] == []", `1: an event has no field "foo"; ${oneOf}`],
  ["[1,2].foo == 1", '0: a list has no field "foo"; write LIST.exists(x, x.foo == …)'],
  ["!event.foo", `1: an event has no field "foo"; ${oneOf}`],
  ["-event.foo > 1", `1: an event has no field "foo"; ${oneOf}`],
  ["event.sample ? event.foo : event.bar", `15: an event has no field "foo"; ${oneOf}`, `27: an event has no field "bar"; ${oneOf}`],
  ["event.foo ? true : false", `0: an event has no field "foo"; ${oneOf}`],
  ['{"a": 1}.a == 1', "1: not CEL: Exceeded maxMapEntries (0); write a shorter condition, or two playbooks"],
  ['"abc".foo == 1', '0: a text has no field "foo"; compare the text itself'],
  ["[1,2][0].foo == 1", "9: Cannot index type 'int'; see the table of functions and fields in shared/playbook/README.md"],
  ["event.evidence.a.b.c == 1", '0: a fact has no field "b"; write its whole name, dots and all: event.evidence["a.b"]'],
  ['event.evidence.a["b"] == 1', '17: a fact has nothing inside of it; write its whole name, dots and all: event.evidence["a.b"]'],
  ['event.evidence["a"]["b"] == 1', '20: a fact has nothing inside of it; write its whole name, dots and all: event.evidence["a.b"]'],
  ['event.evidence["a"].b == 1', '0: a fact has no field "b"; write its whole name, dots and all: event.evidence["a.b"]'],
  ["event.constructor == 1", `0: an event has no field "constructor"; ${oneOf}`],
];

// What does not parse, and what has a wrong type.
const wrong: readonly Refused[] = [
  [
    'event.resources.exists("r", true)',
    "23: not CEL: exists(var, predicate) invalid predicate iteration variable; write a plain name first: LIST.exists(x, x == …)",
  ],
  ["event.severity == “high”", "18: not CEL: Unexpected character: “; write straight quotes: \"…\" or '…'"],
  ['event.severity = "high"', "15: not CEL: Unexpected character: =; write == to compare"],
  ["event.sample and event.sample", "13: not CEL: Unexpected character: 'd'; write && for and"],
  ["event.sample or event.sample", "13: not CEL: Unexpected character: 'r'; write || for or"],
  ['event.severity <> "high"', "16: not CEL: Unexpected token: GT; write != for is not"],
  ['event.severity => "high"', "15: not CEL: Unexpected character: =; write == to compare"],
  ["event.sample # why", "13: not CEL: Unexpected character: #; CEL has no comments with #; put the comment on a line of its own in the YAML"],
  ['event.type == "abc', "14: not CEL: Unterminated string; close the quote"],
  ["event.type == 'abc", "14: not CEL: Unterminated string; close the quote"],
  ["not event.sample", "4: not CEL: Unexpected character: 't'; write ! for not"],
  ["event.sample && not event.sample", "20: not CEL: Unexpected character: 't'; write ! for not"],
  ["event.sample && not  event.sample", "21: not CEL: Unexpected character: 't'; write ! for not"],
  ["event.sample &&", "15: not CEL: Unexpected token: EOF; the condition ends too early: complete it, or remove the last operator or bracket"],
  ["event.sample && (", "17: not CEL: Unexpected token: EOF; the condition ends too early: complete it, or remove the last operator or bracket"],
  ["event.sample && ( ", "18: not CEL: Unexpected token: EOF; the condition ends too early: complete it, or remove the last operator or bracket"],
  ['event.type in ("a", "b")', '18: not CEL: Expected RPAREN, got COMMA; write a list in square brackets: in ["a", "b"]'],
  ["event.sample)", "12: not CEL: Unexpected character: ')'; write it as in: event.severity == \"high\" && !event.sample"],
  ["event.sample & event.sample", '13: not CEL: Unexpected character: &; write it as in: event.severity == "high" && !event.sample'],
  ["", "0: not CEL: Unexpected token: EOF; the condition ends too early: complete it, or remove the last operator or bracket"],
  [" ", "1: not CEL: Unexpected token: EOF; the condition ends too early: complete it, or remove the last operator or bracket"],
  ["event.title", "0: the condition is of type string, not true or false; compare it: … == …, or size(…) > 0"],
  ["event.level", "0: the condition is of type int, not true or false; compare it: … == …, or size(…) > 0"],
  ["size(event.type)", "0: the condition is of type int, not true or false; compare it: … == …, or size(…) > 0"],
  ["event.evidence.a", "0: the condition is of type dyn, not true or false; compare it: … == …, or size(…) > 0"],
  ["event.level + 1", "0: the condition is of type int, not true or false; compare it: … == …, or size(…) > 0"],
  ["event.sample && event.level", "0: a value of type int is joined by && or ||; join conditions that are true or false"],
  ["event.level || event.sample", "0: a value of type int is joined by && or ||; join conditions that are true or false"],
  ["!event.level", "0: no such overload: !int; see the table of functions and fields in shared/playbook/README.md"],
  [
    'event.type + 1 == "a"',
    "0: + cannot be asked of string and int; compare values of one type: texts in quotes, numbers without; the severity as a number is event.level",
  ],
  [
    "event.type == 1",
    "0: == cannot be asked of string and int; compare values of one type: texts in quotes, numbers without; the severity as a number is event.level",
  ],
  ["size(1) > 0", "0: size cannot be asked with int; write size(…) of a text, a number or a list"],
  ["size() > 0", "0: size cannot be asked with nothing; write size(…) of a text, a number or a list"],
  ["int(event.sample) > 0", "0: int cannot be asked with bool; write int(…) of a text, a number or a list"],
  ["event.type.startsWith() ", '0: startsWith cannot be asked of string with nothing; write TEXT.startsWith("…"), with a text in quotes'],
  ["event.type.startsWith(1)", '0: startsWith cannot be asked of string with int; write TEXT.startsWith("…"), with a text in quotes'],
  ['event.type.contains("a", "b")', '0: contains cannot be asked of string with string, string; write TEXT.contains("…"), with a text in quotes'],
  ['event.title.lowerAscii(1) == "a"', "0: lowerAscii cannot be asked of string with int; write TEXT.lowerAscii()"],
  ['event.level.contains("a")', '0: contains cannot be asked of int with string; write TEXT.contains("…"), with a text in quotes'],
  ['event.actor.contains("a")', '0: contains cannot be asked of Actor with string; write TEXT.contains("…"), with a text in quotes'],
  [
    'event.sample ? 1 : "a"',
    "0: Ternary branches must have the same type, got 'int' and 'string'; see the table of functions and fields in shared/playbook/README.md",
  ],
  [
    "event == event",
    "0: == cannot be asked of Event and Event; compare values of one type: texts in quotes, numbers without; the severity as a number is event.level",
  ],
  ["nothing", '0: unknown name "nothing"; write event.FIELD, or a text in quotes'],
  ["event.sample and", "13: not CEL: Unexpected character: 'd'; write && for and"],
  ["banned event.sample", "7: not CEL: Unexpected character: 't'; write it as in: event.severity == \"high\" && !event.sample"],
  ['event.sample && "x" and "y"', "20: not CEL: Unexpected character: 'd'; write && for and"],
  ['event.type == "a" and event.sample', "18: not CEL: Unexpected character: 'd'; write && for and"],
  ['event.severity in ("a")', '0: in cannot be asked of string and string; write a list in square brackets: in ["a", "b"]'],
  ["[[[[[[[[[[[[[[1]]]]]]]]]]]]]] == []", "12: not CEL: Exceeded maxDepth (12); write a shorter condition, or two playbooks"],
  ["size(1, 2, 3, 4, 5)", "17: not CEL: Exceeded maxCallArguments (4); write a shorter condition, or two playbooks"],
  [
    "event.sample\n  && (event.level > 1",
    "34: not CEL: Expected RPAREN, got EOF; the condition ends too early: complete it, or remove the last operator or bracket",
  ],
  ['event.severity != > "x"', "18: not CEL: Unexpected token: GT; write != for is not"],
];

const taken = [
  'event.resources[0].kind == "pod"',
  'event.evidence["a"] == 1',
  'event.actor.addresses[0] == "x"',
  "has(event.evidence.a)",
  "double(event.evidence.a) > 1.0",
  'string(event.level) == "1"',
  "event.type.size() > 3",
  'event.evidence.severity >= "high"',
  'event.type >= "a"',
  'event.category.startsWith("x")',
  'event.resources.filter(r, r.kind == "pod")[0].kind == "x"',
  'event.category.lowerAscii() == "foo"',
  'event.resources.exists_one(r, r.kind == "pod")',
  'event.title.matches("a")||event.title.matches("a")||event.title.matches("a")||event.title.matches("a")',
  'event.severity in ["low"]',
  "event.direction in event.actor.addresses",
  'event.direction == ""',
  "event.severity == event.title",
  '["a"][0] == "a"',
];

describe("a condition that is refused", () => {
  it.each([...unfit, ...wrong])("compileCondition: %s", (text, ...faults) => {
    expect(faultsOf(text)).toEqual(faults);
  });

  it.each(taken)("compileCondition: takes %s", (text) => {
    expect(faultsOf(text)).toEqual([]);
  });

  it("compileCondition: takes as many characters as it says, and no more", () => {
    const long = (length: number) => `event.type == "${"a".repeat(length - 'event.type == ""'.length)}"`;
    expect(faultsOf(long(limits.conditionCharsMax))).toEqual([]);
    expect(faultsOf(long(limits.conditionCharsMax + 1))).toEqual([`0: a condition of 1001 characters; write at most 1000, or two playbooks`]);
  });
});

describe("what a pattern has that could take long", () => {
  const several = (item: string, times: number) => item.repeat(times);

  it.each([
    ["a".repeat(limits.patternCharsMax), null],
    ["a".repeat(limits.patternCharsMax + 1), "longer than 100 characters"],
    ["a(?=b)", "a group that looks around or has a name"],
    ["(a)\\1", "a reference back to a group"],
    ["(a)+", "a group that repeats"],
    ["(?:a){2}", "a group that repeats"],
    ["a+", null],
    ["a+b*", "more than 1 repeat"],
    ["a{1,9}b{1,12}", "more than 1 repeat"],
    ["a{1,}b{1,}", "more than 1 repeat"],
    ["^a+b*", null],
    ["^a+b*c+", "more than 2 repeats"],
    ["^a+|b+", "more than 1 repeat"],
    ["^(?:a|b)+", "a group that repeats"],
    ["^(?:ab|cd)e+f+", null],
    ["^\\|a+b+", null],
    ["^[|]a+b+", null],
    ["[a+*]b+", null],
    ["\\+\\*b+", null],
    ["a?b?c?d", null],
    ["a?b?c?d?e", "more than 3 groups and question marks"],
    ["(?:a)(?:b)(?:c)", null],
    ["(?:a)(?:b)(?:c)(?:d)", "more than 3 groups and question marks"],
    [`a${several("|b", limits.patternBarsMax)}`, null],
    [`a${several("|b", limits.patternBarsMax + 1)}`, "more than 16 alternatives"],
    ["a{100}", null],
    ["a{101}", "a repeat that is too long"],
    ["a{2}b{101}", "a repeat that is too long"],
    ["", "nothing that must be there, so every text has it"],
    ["a*", "nothing that must be there, so every text has it"],
    ["a|", "nothing that must be there, so every text has it"],
    ["^", "nothing that must be there, so every text has it"],
    ["(", "something that is no pattern"],
    ["[", "something that is no pattern"],
  ])("patternFault: %j has %j", (pattern, fault) => {
    expect(patternFault(pattern)).toBe(fault);
  });
});
