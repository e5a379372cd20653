// What is said of a playbook file that is refused, word for word, by its text; and the bounds of what is taken. Slips within a valid file: `mistakes.test.ts`.
import { describe, expect, it } from "vitest";
import { problemText } from "../../shared/config-file/index.ts";
import { limits } from "../../shared/limits.ts";
import { playbookOf, problemsOf } from "./support.ts";

/** A text, and each of its problems as "line:column path: message; remedy". */
type Refused = readonly [text: string, ...problems: string[]];

const head = "name: a\ntitle: A\non: { source: s }\n";
const steps = "do:\n  - block: {}\n";

const wholes: readonly Refused[] = [
  ["", "1:1 the file is empty; start with `name:`, `title:`, `on:` and `do:`"],
  ["- a", "1:1 the file is not a map of keys; start with `name: …` at the left margin; one file holds one playbook"],
  ["# nothing\n", "1:1 the file is empty; start with `name:`, `title:`, `on:` and `do:`"],
  ["a: [", "1:5 YAML: Flow sequence in block collection must be sufficiently indented and end with a ]; align the line with its siblings, using spaces"],
  [
    "name: a\nif: x\n",
    '1:1 do: "do" is missing; add `do: …`',
    '1:1 on: "on" is missing; add `on: …`',
    '1:1 title: "title" is missing; add `title: …`',
    '2:1 if: unknown key "if"; write `when`',
  ],
  ["name: a\ntitle: A\ntrigger: { source: s }\nsteps: []\n", '3:1 trigger: unknown key "trigger"; write `on`', '4:1 steps: unknown key "steps"; write `do`'],
  [
    "name: a\ntitle: A\ncondition: x\non: { source: s }\nactions: []\n",
    '3:1 condition: unknown key "condition"; write `when`',
    '5:1 actions: unknown key "actions"; write `do`',
  ],
  ["description: d\nname: a\non: { source: s }\ndo:\n  - block: {}\n", '1:1 description: unknown key "description"; write `title`, one line'],
  [
    "foo: 1\n",
    '1:1 do: "do" is missing; add `do: …`',
    '1:1 name: "name" is missing; add `name: …`',
    '1:1 on: "on" is missing; add `on: …`',
    '1:1 title: "title" is missing; add `title: …`',
    '1:1 foo: unknown key "foo"; write one of: name, title, mode, on, when, throttle, approve, do',
  ],
  [
    "nam: a\n",
    '1:1 do: "do" is missing; add `do: …`',
    '1:1 name: "name" is missing; add `name: …`',
    '1:1 on: "on" is missing; add `on: …`',
    '1:1 title: "title" is missing; add `title: …`',
    '1:1 nam: unknown key "nam"; did you mean "name"?',
  ],
  ["name: a\ntitle: A\non: 3\ndo:\n  - block: {}\n", "3:5 on: 3 is not a map of keys; write some of: source, type, category, status, sample"],
  ["name: a\ntitle: A\non: [a]\ndo:\n  - block: {}\n", "3:5 on: a list is not a map of keys; write some of: source, type, category, status, sample"],
  ["name: a\ntitle: A\non: \ndo:\n  - block: {}\n", "3:5 on: nothing is not a map of keys; write some of: source, type, category, status, sample"],
  ["name: a\ntitle: 3\non: { source: s }\ndo:\n  - block: {}\n", "2:8 title: 3 is not a text; write one line that says what the playbook is for in quotes"],
  ['name: a\ntitle: ""\non: { source: s }\ndo:\n  - block: {}\n', "2:8 title: an empty text; write one line that says what the playbook is for"],
  [
    "name: A B\ntitle: A\non: { source: s }\ndo:\n  - block: {}\n",
    '1:7 name: "A B" is not a usable name; start with a letter and use lower-case letters, digits and dashes, at most 32 characters',
  ],
  ["name: a\nname: b\n", "2:1 YAML: Map keys must be unique; keep one of the two and delete the other"],
];

// What stands behind `on:`.
const ons: readonly Refused[] = [
  ['{ type: "*" }', "3:13 on.type: a * alone; leave `type` out to mean any"],
  ['{ type: "a*b" }', "3:13 on.type: a * that is not at the end; put the * last, as in Recon:*, or compare event.type in `when`"],
  ['{ type: "*a" }', "3:13 on.type: a * that is not at the end; put the * last, as in Recon:*, or compare event.type in `when`"],
  ['{ type: [a, "b*c"] }', "3:17 on.type[1]: a * that is not at the end; put the * last, as in Recon:*, or compare event.type in `when`"],
  ['{ type: "a**" }', "3:13 on.type: a * that is not at the end; put the * last, as in Recon:*, or compare event.type in `when`"],
  ["{ source: [] }", "3:15 on.source: an empty list; name sources, or leave the key out to mean any"],
  ["{ type: [] }", "3:13 on.type: an empty list; name types, or leave the key out to mean any"],
  ["{ category: [] }", "3:17 on.category: an empty list; name categories, or leave the key out to mean any"],
  ["{ source: 3 }", "3:15 on.source: 3 is not a list; write [item, item], or one item per line after a dash"],
  ["{ source: [3, s] }", "3:16 on.source[0]: 3 is not a text; write the adapter's name, such as guardduty in quotes"],
  [
    "{ category: [shell, foo] }",
    '3:25 on.category[1]: "foo" is not a category of events; write one of: brute-force, port-probe, web-attack, malware, command-and-control, crypto-mining, shell, credential-access, data-exposure, denial-of-service, other',
  ],
  ["{ status: foo }", '3:15 on.status: "foo" is not known here; write one of: firing, resolved'],
  ["{ sample: 1 }", "3:15 on.sample: not true or false; write true to act on tests and samples of the source too, or leave it out"],
];

// What stands below name, title and `on`.
const bodies: readonly Refused[] = [
  ['do:\n  - block: {}\nwhen: ""\n', "6:7 when: an empty condition; leave `when` out to mean always"],
  ['do:\n  - block: {}\nwhen: "  "\n', "6:7 when: an empty condition; leave `when` out to mean always"],
  ["do:\n  - block: {}\nwhen: 3\n", '6:7 when: 3 is not a condition; write CEL in quotes, such as "event.level >= 2", or leave `when` out'],
  [
    "when: foo\ndo:\n  - blok: {}\nmode: x\n",
    '4:7 when: unknown name "foo"; write event.FIELD, or a text in quotes',
    '6:5 do[0].blok: there is no action "blok"; did you mean "block"? The actions are block, lift, log, together',
    '7:7 mode: "x" is not known here; write one of: observe, enforce',
  ],
  [
    "when: foo && bar\ndo: []\n",
    '4:7 when: unknown name "foo"; write event.FIELD, or a text in quotes',
    '4:14 when: unknown name "bar"; write event.FIELD, or a text in quotes',
    "5:5 do: no steps; write at least one, such as `- block: {}` with `for: 4h` beneath it",
  ],
  ["do: 3\n", "4:5 do: 3 is not a list of steps; write one step after each dash, such as `- block: {}` with `for: 4h` beneath it"],
  ["do:\n", "4:4 do: nothing is not a list of steps; write one step after each dash, such as `- block: {}` with `for: 4h` beneath it"],
  ["do: []\n", "4:5 do: no steps; write at least one, such as `- block: {}` with `for: 4h` beneath it"],
  ["do:\n  - 3\n", "5:5 do[0]: 3 is not a step; write an action, such as `- block: {}` with `for: 4h` beneath it"],
  ["do:\n  - block\n", '5:5 do[0]: "block" without a colon; write `- block: {}`'],
  ["do:\n  - log\n", '5:5 do[0]: "log" without a colon; write `- log: { message: "…" }`'],
  ["do:\n  - notify\n", '5:5 do[0]: "notify" is not a step; write an action, such as `- block: {}` with `for: 4h` beneath it'],
  ["do:\n  - [a]\n", "5:5 do[0]: a list is not a step; write an action, such as `- block: {}` with `for: 4h` beneath it"],
  ["do:\n  -\n", "5:4 do[0]: nothing is not a step; write an action, such as `- block: {}` with `for: 4h` beneath it"],
  ["do:\n  - for: 4h\n", "5:5 do[0]: a step without an action; write one of block, lift, log, together, such as `- block: {}` with `for: 4h` beneath it"],
  [
    "do:\n  - retry: { times: 1 }\n    continueOnError: true\n",
    "5:5 do[0]: a step without an action; write one of block, lift, log, together, such as `- block: {}` with `for: 4h` beneath it",
  ],
  ["do:\n  - blck: {}\n", '5:5 do[0].blck: there is no action "blck"; did you mean "block"? The actions are block, lift, log, together'],
  ["do:\n  - qqqqqqqq: {}\n", '5:5 do[0].qqqqqqqq: there is no action "qqqqqqqq"; write one of: block, lift, log, together'],
  [
    "do:\n  - block: {}\n    lift: {}\n    log: { message: a }\n",
    "5:5 do[0]: block and lift and log in one step; give each a dash of its own, or put them under `together:`",
  ],
  [
    "do:\n  - together: []\n    for: 4h\n",
    "5:15 do[0].together: not two or more steps side by side; write a list of at least two, each after a dash",
    '6:5 do[0].for: "for" beside together; write it at the steps inside',
  ],
  ["do:\n  - together: 3\n", "5:15 do[0].together: not two or more steps side by side; write a list of at least two, each after a dash"],
  ["do:\n  - together:\n      - block: {}\n", "6:7 do[0].together: not two or more steps side by side; write a list of at least two, each after a dash"],
  [
    "do:\n  - together:\n      - block: {}\n      - together: []\n      - x: {}\n",
    "7:9 do[0].together[1].together: together inside of together; write one list; all of it runs side by side",
    '8:9 do[0].together[2].x: there is no action "x"; write one of: block, lift, log, together',
  ],
  [
    "do:\n  - block: { for: 1h, retry: { times: 1 }, continueOnError: true }\n",
    "5:14 do[0].block.for: for inside of block; write it beside `block:`, one level up",
    "5:23 do[0].block.retry: retry inside of block; write it beside `block:`, one level up",
    "5:44 do[0].block.continueOnError: continueOnError inside of block; write it beside `block:`, one level up",
  ],
  [
    "do:\n  - lift: { for: 1h }\n    for: 2h\n",
    "5:13 do[0].lift.for: for inside of lift; write it beside `lift:`, one level up",
    "6:5 do[0].for: lift does not last; remove `for`; it belongs to block",
  ],
  ["do:\n  - log:\n", "5:9 do[0].log: nothing is not a map of keys; write some of: message"],
  ["do:\n  - log: {}\n", '5:5 do[0].log.message: "message" is missing; add `message: …`'],
  ["do:\n  - log: { message: 3 }\n", "5:21 do[0].log.message: 3 is not a text; write what the log is to say in quotes"],
  ['do:\n  - log: { message: "" }\n', "5:21 do[0].log.message: an empty text; write what the log is to say"],
  ["do:\n  - lift: { addresses: victim }\n", '5:24 do[0].lift.addresses: "victim" is not what can be lifted; write actor, or leave it out'],
  [
    "do:\n  - block: { addresses: all }\n",
    '5:25 do[0].block.addresses: "all" is not what can be blocked; write actor, or leave it out: the attacker\'s addresses of the event',
  ],
  ["do:\n  - lift: 3\n", "5:11 do[0].lift: 3 is not a map of keys; write some of: addresses"],
  ["do:\n  - block: 3\n", "5:12 do[0].block: 3 is not a map of keys; write some of: addresses, severity, targets, prefix"],
  ["do:\n  - block:\n    lift:\n", "5:5 do[0]: block and lift in one step; give each a dash of its own, or put them under `together:`"],
  ["throttle: {}\ndo:\n  - block: {}\n", '4:1 throttle.every: "every" is missing; add `every: …`', '4:1 throttle.most: "most" is missing; add `most: …`'],
  [
    "throttle: { most: 0, every: 5 }\ndo:\n  - block: {}\n",
    "4:19 throttle.most: 0 is too small; write a whole number from 1 to 1000",
    "4:29 throttle.every: 5 has no unit of time; write a whole number and a unit: 90s, 15m, 4h or 7d",
  ],
  ["approve: {}\ndo:\n  - block: {}\n", '4:1 approve.within: "within" is missing; add `within: …`'],
  ["approve: { within: 8d }\ndo:\n  - block: {}\n", "4:20 approve.within: longer than the longest allowed, 1d; write 1d or less"],
  [
    "do:\n  - block: { severity: hgh, targets: [] , prefix: { ipv4: 33, ipv6: 1 } }\n    for: 1s\n    retry: { times: 99, wait: 1y }\n    continueOnError: 1\n",
    '5:24 do[0].block.severity: "hgh" is not known here; write one of: low, medium, high, critical',
    "5:38 do[0].block.targets: an empty list; name targets, or leave `targets` out",
    "5:59 do[0].block.prefix.ipv4: 33 is too large; write a whole number from 8 to 32",
    "5:69 do[0].block.prefix.ipv6: 1 is too small; write a whole number from 19 to 128",
    "6:10 do[0].for: shorter than the shortest allowed, 1m; write 1m or more",
    "7:21 do[0].retry.times: 99 is too large; write a whole number from 1 to 5",
    '7:31 do[0].retry.wait: "1y" is not a duration; write a whole number and a unit: 90s, 15m, 4h or 7d',
    "8:22 do[0].continueOnError: not true or false; write true to go on with the next step when this one fails",
  ],
];

function problems(text: string): readonly string[] {
  return problemsOf(text).map((problem) => problemText(problem).replace(/^guessing\.yaml:/, ""));
}

describe("a playbook that is refused", () => {
  it.each(wholes)("readPlaybook: the file %j", (text, ...says) => {
    expect(problems(text)).toEqual(says);
  });

  it.each(ons)("readPlaybook: on: %s", (on, ...says) => {
    expect(problems(`name: a\ntitle: A\non: ${on}\n${steps}`)).toEqual(says);
  });

  it.each(bodies)("readPlaybook: below its head %j", (text, ...says) => {
    expect(problems(head + text)).toEqual(says);
  });
});

describe("the bounds of a playbook", () => {
  const times = (count: number, item: string) => item.repeat(count);

  it("readPlaybook: steps, one after the other and side by side", () => {
    expect(playbookOf(`${head}do:\n${times(limits.stepsMax, "  - block: {}\n")}`).do).toHaveLength(limits.stepsMax);
    expect(problems(`${head}do:\n${times(limits.stepsMax + 1, "  - block: {}\n")}`)).toEqual(["5:3 do: 33 steps; write at most 32, or two playbooks"]);
    const [together] = playbookOf(`${head}do:\n  - together:\n${times(limits.stepsMax, "      - block: {}\n")}`).do;
    expect(together?.action === "together" ? together.steps.length : 0).toBe(limits.stepsMax);
    expect(problems(`${head}do:\n  - together:\n${times(limits.stepsMax + 1, "      - block: {}\n")}`)).toEqual([
      "6:7 do[0].together: 33 steps side by side; write at most 32",
    ]);
  });

  it("readPlaybook: a title", () => {
    const titled = (length: number) => `name: a\ntitle: ${"a".repeat(length)}\non: { source: s }\n${steps}`;
    expect(playbookOf(titled(limits.playbookTextCharsMax)).title).toHaveLength(limits.playbookTextCharsMax);
    expect(problems(titled(limits.playbookTextCharsMax + 1))).toEqual(["2:8 title: a text of 201 characters; write at most 200"]);
  });

  it.each(["type: Recon:*", "type: a*", "source: s", "category: shell", "type: [a, b*]", "sample: true, source: s", "status: resolved, type: a"])(
    "readPlaybook: takes on: { %s }",
    (on) => {
      expect(problems(`name: a\ntitle: A\non: { ${on} }\n${steps}`)).toEqual([]);
    },
  );

  it("readPlaybook: says of what nothing is said", () => {
    expect(
      playbookOf(
        `${head}do:\n  - block:\n  - lift:\n  - together:\n      - block: { prefix: { ipv6: 64 } }\n        for: 1h\n      - log: { message: " m " }\n`,
      ),
    ).toEqual({
      name: "a",
      title: "A",
      mode: "observe",
      on: { source: ["s"], type: null, category: null, status: "firing", sample: false },
      when: null,
      throttle: null,
      approve: null,
      do: [
        { action: "block", forMs: null, severity: null, targets: null, prefix: null, retry: null, continueOnError: false },
        { action: "lift", retry: null, continueOnError: false },
        {
          action: "together",
          steps: [
            { action: "block", forMs: 3_600_000, severity: null, targets: null, prefix: { ipv4: null, ipv6: 64 }, retry: null, continueOnError: false },
            { action: "log", message: "m", retry: null, continueOnError: false },
          ],
        },
      ],
    });
  });

  it("readPlaybook: says everything that is written", () => {
    const text = `${head}when: event.sample
throttle: { per: event, most: 2, every: 5m }
approve: { within: 1h }
do:
  - block: { severity: low, targets: [edge], prefix: { ipv4: 24, ipv6: 64 } }
    for: 2h
    retry: { times: 2, wait: 5s }
    continueOnError: true
  - lift: { addresses: actor }
    retry: { times: 1 }
  - log: { message: m }
    continueOnError: true
`;
    expect(playbookOf(text)).toMatchObject({
      when: "event.sample",
      throttle: { per: "event", most: 2, everyMs: 300_000 },
      approve: { withinMs: 3_600_000 },
      do: [
        {
          action: "block",
          forMs: 7_200_000,
          severity: "low",
          targets: ["edge"],
          prefix: { ipv4: 24, ipv6: 64 },
          retry: { times: 2, waitMs: 5_000 },
          continueOnError: true,
        },
        { action: "lift", retry: { times: 1, waitMs: 10_000 }, continueOnError: false },
        { action: "log", message: "m", retry: null, continueOnError: true },
      ],
    });
  });
});
