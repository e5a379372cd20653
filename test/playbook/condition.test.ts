// Conditions: what they answer, that they never throw, and that what could take long or never hold is refused when they are loaded.
import { anything, array, assert, boolean, constantFrom, dictionary, double, integer, oneof, property, record, string, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import type { DetectionEvent } from "../../shared/event/event.ts";
import { limits } from "../../shared/limits.ts";
import { compileCondition } from "../../shared/playbook/condition.ts";
import { eventFields, fieldTables, viewOf } from "../../shared/playbook/fields.ts";
import { patternFault } from "../../shared/playbook/vet.ts";
import { conditionOf, emptyEvent, guess } from "./support.ts";

describe("answers", () => {
  it.each([
    ['event.type.startsWith("UnauthorizedAccess:")', true],
    ['event.type.lowerAscii().contains("sshbruteforce")', true],
    ['event.category in ["brute-force", "port-probe"]', true],
    ["event.level >= 2", false],
    ["event.evidence.count > 10 && event.evidence.count < 12.5", true],
    ['event.evidence["connection.localPort"] == 22', true],
    ['"connection.localPort" in event.evidence', true],
    ["has(event.evidence.count) && !has(event.evidence.none)", true],
    ['event.resources.exists(r, r.kind == "instance" && r.region == "")', true],
    ["size(event.resources.filter(r, r.id != '')) == 1", true],
    ['event.actor.addresses.all(a, a.endsWith("/32"))', true],
    ['event.actor.user == "" && event.forMs == 0', true],
    ['event.title.matches("^203[.][0-9.]+ is")', true],
    ['event.title == ".matches(" || event.title.contains("SSH")', true],
    ["event.sample ? false : event.at > 0", true],
  ])("ask: %s is %s", (text, value) => {
    expect(conditionOf(text).ask(guess)).toMatchObject({ value, error: null });
  });

  it("ask: parts that the top joins, each with its own answer", () => {
    const condition = conditionOf('event.sample || (event.level > 2 && event.direction == "inbound") || event.evidence.nothing > 3');
    expect([condition.joined, condition.ask(guess).value]).toEqual(["||", false]);
    expect(condition.ask(guess).terms.map(({ value, error }) => [value, error])).toEqual([
      [false, null],
      [false, null],
      [false, 'the event has no evidence "nothing"'],
    ]);
    const only = conditionOf("!(event.sample && event.level > 2)").ask(guess);
    expect(only.terms).toHaveLength(1);
  });

  it("ask: a text of matches() with quotes inside keeps them", () => {
    const event = { ...guess, title: 'say ".matches(" twice' };
    expect(conditionOf(`event.title.contains('".matches("') && event.title.matches("^say")`).ask(event)).toMatchObject({ value: true, error: null });
  });

  it("ask: a fact of another type, a long text and a long list are false with the reason, not an exception", () => {
    expect(conditionOf("event.evidence.tool > 3").ask(guess)).toMatchObject({ value: false, error: "> cannot be asked of string and int" });
    expect(conditionOf("!(event.evidence.tool > 3)").ask(guess).value).toBe(false);
    const long = { ...guess, title: "a".repeat(limits.matchedCharsMax + 1) };
    expect(conditionOf('event.title.matches("a$")').ask(long)).toMatchObject({ value: false, error: expect.stringContaining("too long for matches()") });
    const addresses = Array.from({ length: limits.eventListMax + 1 }, (_, index) => `2001:db8::${index.toString(16)}/128`);
    const many = { ...guess, actor: { addresses } };
    expect(conditionOf("size(event.actor.addresses) > 0").ask(many)).toMatchObject({ value: false, error: expect.stringContaining("a list of 1001") });
  });

  it("ask: names of every object's prototype are facts only when they are facts", () => {
    for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
      expect(conditionOf(`${JSON.stringify(name)} in event.evidence`).ask(guess).value, name).toBe(false);
      expect(conditionOf(`has(event.evidence.${name})`).ask(guess).value, name).toBe(false);
      expect(compileCondition(`event.${name} == "x"`).ok, name).toBe(false);
    }
    const evidence = JSON.parse('{"constructor": "x"}') as DetectionEvent["evidence"];
    expect(conditionOf('event.evidence["constructor"] == "x"').ask({ ...guess, evidence }).value).toBe(true);
  });

  it("law: no condition that compiles throws, whatever the facts are", () => {
    const conditions = ["event.evidence.a > 1", 'event.evidence.a == "x" || event.evidence.b', "int(event.evidence.a) > 3", "size(event.evidence.a) > 0"].map(
      conditionOf,
    );
    assert(
      property(constantFrom(...conditions), dictionary(constantFrom("a", "b"), anything()), (condition, evidence) => {
        const answer = condition.ask({ ...guess, evidence: evidence as DetectionEvent["evidence"] });
        expect(typeof answer.value).toBe("boolean");
        if (answer.error !== null) expect(answer.value).toBe(false);
      }),
    );
  });

  it("law: texts and numbers mean what is written, however the library writes them again", () => {
    assert(
      property(string({ unit: "binary", maxLength: 20 }), (title) => {
        for (const text of [`event.title == ${JSON.stringify(title)}`, `event.title in [${JSON.stringify(title)}] && !event.sample`]) {
          expect(conditionOf(text).ask({ ...guess, title })).toMatchObject({ value: true, error: null });
        }
      }),
    );
    assert(
      // Beyond 2^53 digits are the shortest that name a double, and an integer of CEL is exactly its digits.
      property(
        oneof(
          integer(),
          double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n) || Number.isSafeInteger(n)),
        ),
        (n) => {
          expect(conditionOf(`event.evidence.n == ${n} || event.sample`).ask({ ...guess, evidence: { n } })).toMatchObject({ value: true, error: null });
        },
      ),
    );
  });

  it("ask: every way CEL has to write a text", () => {
    for (const text of ['r"a\\b"', "'''a\\\\b'''", '"""a\\\\b"""', '"a\\x5cb"', "'a\\\\b'"]) {
      expect([text, conditionOf(`event.title == ${text}`).ask({ ...guess, title: "a\\b" })]).toMatchObject([text, { value: true, error: null }]);
    }
  });

  it("ask: a text and a list of the greatest length are read", () => {
    const title = "a".repeat(limits.matchedCharsMax);
    expect(conditionOf('event.title.matches("a$")').ask({ ...guess, title })).toMatchObject({ value: true, error: null });
    const addresses = Array.from({ length: limits.eventListMax }, (_, index) => `2001:db8::${index.toString(16)}/128`);
    expect(conditionOf("size(event.actor.addresses) == 1000").ask({ ...guess, actor: { addresses } })).toMatchObject({ value: true, error: null });
  });

  it.each([
    ["event.evidence.none > 1", 'the event has no evidence "none"'],
    ['event.evidence["a.b"] == 1', 'the event has no evidence "a.b"'],
    ["int(event.evidence.tool) > 1", "cannot convert"],
    ["event.evidence.tool && event.level >= 0", 'its value is "hydra", not true or false'],
    ["event.level / 0 > 1", "zero"],
    ["event.evidence.count + event.evidence.tool == 1", "+ cannot be asked of double and string"],
    ["event.evidence.tool ? true : false", "bool"],
  ])("ask: why it cannot be answered: %s", (text, why) => {
    const { value, error } = conditionOf(text).ask(guess);
    expect([value, error]).toEqual([false, expect.stringContaining(why)]);
  });

  it("ask: parts as they are written, blanks aside, whatever stands in their texts", () => {
    const terms = (text: string) => [
      conditionOf(text).joined,
      ...conditionOf(text)
        .ask(guess)
        .terms.map(({ term }) => term),
    ];
    expect(terms('event.title == "a && b"  &&\n   event.type  ==  "c" && !event.sample')).toEqual([
      "&&",
      'event.title == "a && b"',
      'event.type == "c"',
      "!event.sample",
    ]);
    expect(terms("event.sample && event.level > 1 || event.level > 2")).toEqual(["||", "event.sample && event.level > 1", "event.level > 2"]);
    expect(terms("(event.sample || event.level > 1) && event.level > 2")).toEqual(["&&", "(event.sample || event.level > 1)", "event.level > 2"]);
    expect(terms("(event.sample && event.level > 1)")).toEqual(["only", "(event.sample && event.level > 1)"]);
    expect(terms("event.sample")).toEqual(["only", "event.sample"]);
    expect(terms("!(event.sample && event.level > 1)")).toEqual(["only", "!(event.sample && event.level > 1)"]);
  });

  it("law: parts are joined as CEL joins them", () => {
    const parts = ["event.sample", "event.level >= 1", "event.evidence.a > 1", "event.evidence.b", 'event.title.contains("SSH")'];
    const joined = tuple(constantFrom("&&", "||"), array(constantFrom(...parts), { minLength: 2, maxLength: 4 })).map(([by, some]) => some.join(` ${by} `));
    const facts = record({ a: constantFrom<string | number>(0, 2, "x"), b: constantFrom<string | boolean>(true, false, "x") }, { requiredKeys: [] });
    assert(
      property(joined, facts, boolean(), (text, evidence, sample) => {
        const event = { ...guess, evidence: evidence as DetectionEvent["evidence"], sample };
        const [ours, theirs] = [conditionOf(text).ask(event), conditionOf(`(${text}) ? true : false`).ask(event)];
        expect([ours.value, ours.error === null]).toEqual([theirs.value, theirs.error === null]);
      }),
    );
  });

  it("law: any text compiles or is refused with a place inside it and a remedy", () => {
    const words = [
      "event",
      ".type",
      ".evidence",
      "==",
      "&&",
      "||",
      "(",
      ")",
      '"a"',
      "'",
      "1",
      "!",
      "in",
      "[",
      "]",
      ".exists(x, ",
      ".matches(",
      "?",
      ":",
      " ",
      "\n",
      "and",
    ];
    const text = string({ unit: constantFrom(...words), maxLength: 12 });
    assert(
      property(text, (source) => {
        const compiled = compileCondition(source);
        if (compiled.ok) return;
        expect(compiled.faults.length).toBeGreaterThan(0);
        for (const { offset, remedy } of compiled.faults) {
          expect(offset).toBeGreaterThanOrEqual(0);
          expect(offset).toBeLessThanOrEqual(source.length);
          expect(remedy).not.toBe("");
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("fields", () => {
  it("fieldTables: have every field of an event, and the view has no other", () => {
    const known = Object.keys(eventFields).toSorted();
    expect(known).toEqual([...Object.keys(guess), "level"].toSorted());
    expect(Object.keys(viewOf(emptyEvent)).toSorted()).toEqual(known);
  });

  it.each(Object.entries(fieldTables).flatMap(([table, fields]) => Object.entries(fields).map(([field, spec]) => [table, field, spec.type] as const)))(
    "viewOf: %s.%s can be asked of an event that says nothing (%s)",
    (table, field, type) => {
      const path = { Event: "event", Actor: "event.actor", Victim: "event.victim", Resource: "r" }[table];
      const questions: Readonly<Record<string, string>> = { string: '.lowerAscii() != "_"', int: " >= 0", bool: " == false" };
      const plain =
        questions[type] === undefined ? (fieldTables[type] === undefined ? `size(${path}.${field}) >= 0` : "true") : `${path}.${field}${questions[type]}`;
      const text = table === "Resource" ? `event.resources.all(r, ${plain})` : plain;
      const event = { ...emptyEvent, resources: [{ kind: "pod", id: "a" }] };
      expect(conditionOf(text).ask(event)).toMatchObject({ value: true, error: null });
    },
  );
});

describe("the view of an event", () => {
  it("viewOf: what a source does not say is an empty text, a zero or an empty list", () => {
    const { evidence, ...view } = viewOf({ ...emptyEvent, resources: [{ kind: "pod", id: "a" }] });
    expect(view).toEqual({
      ...emptyEvent,
      evidence: undefined,
      level: 0n,
      at: 0n,
      forMs: 0n,
      direction: "",
      actor: { addresses: [], user: "", process: "" },
      resources: [{ kind: "pod", id: "a", account: "", region: "", namespace: "" }],
    });
    expect([...(evidence as Map<string, unknown>)]).toEqual([]);
  });

  it("viewOf: what it says, it says", () => {
    const resources = [{ kind: "pod", id: "a", account: "b", region: "c", namespace: "d" }];
    const event: DetectionEvent = { ...guess, actor: { addresses: [], user: "u", process: "p" }, resources, forMs: 5, severity: "critical" };
    expect(viewOf(event)).toMatchObject({ level: 3n, at: 1_764_100_000_000n, forMs: 5n, direction: "inbound", actor: event.actor, resources });
  });
});

describe("bounds", () => {
  it.each([
    ["too long", `event.type == "${"a".repeat(limits.conditionCharsMax)}"`],
    ["too deep", `${"(".repeat(40)}event.sample${")".repeat(40)}`],
    ["too many nodes", Array.from({ length: 60 }, () => "event.sample").join("||")],
    ["a list too long", `event.type in [${Array.from({ length: limits.conditionListMax + 1 }, () => '"a"').join(",")}]`],
    ["a walk inside a walk", "event.actor.addresses.exists(a, event.resources.exists(r, r.id == a))"],
    ["a pattern for each item", 'event.resources.exists(r, r.id.matches("a"))'],
    ["five patterns", Array.from({ length: 5 }, () => 'event.title.matches("a")').join("||")],
    ["a computed pattern", "event.title.matches(event.type)"],
    ["a computed index", "event.evidence[event.type] == 1"],
    ["no type", "dyn(event).foo == 1"],
    ["a binding", "cel.bind(x, event.type, x == 'a')"],
    ["a map", "{'a': 1}['a'] == 1"],
  ])("refuse: %s", (_what, text) => {
    expect(compileCondition(text)).toMatchObject({ ok: false });
  });

  it.each([
    "a?".repeat(30),
    "(?:a|a)".repeat(4),
    "(a?)(a?)b",
    "a*a*b",
    "^a*a*a*",
    "^a|a*b*",
    "a{0,9}a{0,9}b",
    "a{,9}a+",
    "a|".repeat(17),
    "",
    "(a+)+",
    "(a|b)*c",
    "(a){9}",
    "a*b*c*",
    "(?=a)",
    "(?<n>a)",
    "(a)\\1",
    "a{5000}",
    "[",
    "a".repeat(limits.patternCharsMax + 1),
  ])("patternFault: refuses %s", (pattern) => {
    expect(patternFault(pattern)).not.toBeNull();
  });

  it.each(["^Recon:", "SSH|RDP", "^(?:ssh|rdp)$", "^[0-9.]+/[0-9]+$", "a{2,3}", "a{40}b{40}", "(?:^|[^a-z])(?:ssh|rdp)", "\\(a\\)+", "[*+]"])(
    "patternFault: takes %s",
    (pattern) => {
      expect(patternFault(pattern)).toBeNull();
    },
  );
});
