// `playbooks:` in the configuration: read, overridden, and every mistake of every file at once with its place.
import { describe, expect, test } from "vitest";
import { problemText } from "../../shared/config-file/index.ts";
import { validText as playbookText } from "../playbook/support.ts";
import { configOf, problemsOf, validText } from "./support.ts";

const files: Readonly<Record<string, string>> = {
  "one.yaml": playbookText,
  "starter:two": playbookText.replace("name: guessing", "name: two").replace("mode: enforce", "mode: observe"),
  "same.yaml": playbookText,
  "broken.yaml": playbookText.replace("title: ", "titel: ").replace("severity: high", "severity: hgih"),
  "elsewhere.yaml": playbookText.replace("severity: high", "severity: high, targets: [aws-web, aws-wbe]"),
};
const playbookTextOf = (place: string) => {
  const text = Object.hasOwn(files, place) ? files[place] : undefined;
  return text === undefined ? null : { text, file: place };
};
const extra = { playbookText: playbookTextOf };
const withPlaybooks = (lines: string) => `${validText}playbooks:\n${lines}`;

describe("playbooks", () => {
  test("absent: nothing is emitted, so that everything is as without them", () => {
    expect(configOf(validText, extra)).not.toHaveProperty("playbooks");
  });

  test("read: files and the starter set, each with the mode that stands here, else its own", () => {
    const { playbooks } = configOf(withPlaybooks("  - { file: one.yaml, mode: observe }\n  - starter:two\n"), extra);
    expect(playbooks?.map(({ name, mode, do: steps }) => [name, mode, steps.length])).toEqual([
      ["guessing", "observe", 2],
      ["two", "observe", 2],
    ]);
    expect(configOf(withPlaybooks("  - { file: starter:two, mode: enforce }\n"), extra).playbooks?.[0]?.mode).toBe("enforce");
    expect(JSON.parse(JSON.stringify(playbooks))).toEqual(playbooks);
  });

  test("refuse: every mistake of every file at once, each at its own place", () => {
    const text = withPlaybooks("  - broken.yaml\n  - nowhere.yaml\n  - elsewhere.yaml\n  - starter:none\n");
    expect(problemsOf(text, extra).map((problem) => problemText(problem).split("; ")[0])).toEqual([
      'portcullis.yaml:23:5 playbooks[1]: "nowhere.yaml": there is no such file',
      'portcullis.yaml:25:5 playbooks[3]: "starter:none": there is no such playbook in the starter set',
      'broken.yaml:1:1 title: "title" is missing',
      'broken.yaml:2:1 titel: unknown key "titel"',
      'broken.yaml:8:24 do[0].block.severity: "hgih" is not known here',
      'elsewhere.yaml:8:49 do[0].block.targets[1]: "aws-wbe" names no target of the configuration',
    ]);
  });

  test("a target that is none is pointed at where it stands, far down and inside of steps that run together", () => {
    const many = Array.from({ length: 11 }, () => '  - log: { message: "x" }\n').join("");
    const step = (targets: string) => `  - block: { targets: [${targets}] }\n    for: 4h\n`;
    const together = `  - together:\n${many.replaceAll("  - ", "      - ")}      - block: { targets: [aws-web, two] }\n        for: 4h\n`;
    const head = playbookText.slice(0, playbookText.indexOf("do:\n") + 4);
    const found = { playbookText: (place: string) => ({ text: `${head}${many}${step("one")}${together}`, file: place }) };
    expect(problemsOf(withPlaybooks("  - far.yaml\n"), found).map((problem) => problemText(problem).split("; ")[0])).toEqual([
      'far.yaml:19:24 do[11].block.targets[0]: "one" names no target of the configuration',
      'far.yaml:33:37 do[12].together[11].block.targets[1]: "two" names no target of the configuration',
    ]);
  });

  test.each([
    ["one name twice", "  - one.yaml\n  - same.yaml\n", "is already read from one.yaml"],
    ["no list", "  one.yaml: {}\n", "playbooks"],
    ["an empty list", "  []\n", "an empty list"],
    ["a mode that is none", "  - { file: one.yaml, mode: enforced }\n", "write one of: observe, enforce"],
    ["a number", "  - 7\n", "not a playbook"],
    ["another key", "  - { file: one.yaml, when: x }\n", 'unknown key "when"'],
  ])("refuse: %s", (_name, lines, message) => {
    expect(problemsOf(withPlaybooks(lines), extra).map(problemText).join("\n")).toContain(message);
  });

  test("approve: needs a secret for links where it is enforced, and none where it only observes", () => {
    const asking = { playbookText: (place: string) => ({ text: playbookText.replace("throttle:", "approve: { within: 4h }\nthrottle:"), file: place }) };
    const observing = "  - { file: one.yaml, mode: observe }\n";
    expect(problemsOf(withPlaybooks("  - one.yaml\n"), asking).map((problem) => problemText(problem).split("; ")[0])).toEqual([
      "one.yaml:6:1 approve: a person is asked by a signed link, and the configuration says nothing of links",
    ]);
    expect(configOf(withPlaybooks(observing), asking).playbooks).toHaveLength(1);
    const approvals = "approvals: { secret: LINK_SECRET, url: https://portcullis.example.com }\n";
    expect(configOf(`${withPlaybooks("  - one.yaml\n")}${approvals}`, asking).approvals).toEqual({
      secret: "LINK_SECRET",
      url: "https://portcullis.example.com",
    });
    for (const url of ["https://x.example:8443", "HTTPS://X-1.Example", "https://203.0.113.7:1"]) {
      expect(problemsOf(`${validText}approvals: { secret: LINK_SECRET, url: "${url}" }\n`)).toEqual([]);
    }
    for (const url of [
      "https://x.example:",
      "https://x.example:a",
      "http://x.example",
      "https://x.example/path",
      "https://user@x.example",
      "javascript:alert(1)",
    ]) {
      expect(problemsOf(`${validText}approvals: { secret: LINK_SECRET, url: "${url}" }\n`)).toHaveLength(1);
    }
  });

  test("refuse: everything, where no file can be read", () => {
    expect(problemsOf(withPlaybooks("  - one.yaml\n"))).toHaveLength(1);
  });
});
