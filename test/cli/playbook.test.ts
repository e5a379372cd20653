// `playbook` as a process: test with its exit codes, explain in words and as JSON, and what a new user gets wrong.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { changed, guess, validText } from "../playbook/support.ts";
import { portcullis, temporaryFolder } from "./run.ts";

const cases = `event: { source: falco, category: brute-force, direction: inbound, actor: { addresses: [203.0.113.7] } }
cases:
  - case: a guess
    expect: [{ block: {} }, { log: {} }]
  - { case: outbound, event: { direction: outbound }, expect: [] }
  - { case: low, event: { severity: low }, expect: [] }
`;

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "books"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

describe("playbook test", () => {
  it("playbook test: without a place tries the starter set", async () => {
    const ran = await portcullis(["playbook", "test"]);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out.trim().split("\n")).toHaveLength(8);
    expect(ran.out).toContain("functions/playbooks/web-scanner.yaml: 4 cases as expected, all 7 branches shown");
  });

  it("playbook test: a folder, a playbook and its cases, and nothing is written", async () => {
    const cwd = folderWith({ "books/a.yaml": validText, "books/a.cases.yaml": cases });
    for (const place of ["books", "books/a.yaml", "books/a.cases.yaml"]) {
      expect(await portcullis(["playbook", "test", place], { cwd })).toEqual({
        code: 0,
        out: "books/a.yaml: 3 cases as expected, all 8 branches shown\n",
        err: "",
      });
    }
    expect(readdirSync(join(cwd, "books"))).toEqual(["a.cases.yaml", "a.yaml"]);
  });

  it("playbook test: every problem of every file at once, each with its line", async () => {
    const cwd = folderWith({
      "books/a.yaml": changed("event.level", "event.levle", changed("throttle:", "throtle:")),
      "books/a.cases.yaml": cases.replace("case: low", "cse: low"),
      "books/b.yaml": validText,
      "books/b.cases.yaml": cases.replace("{ block: {} }, ", ""),
      "books/c.yaml": validText,
      "books/d.yaml": changed("name: guessing", "name: other"),
      "books/d.cases.yaml": cases.replace("event: { direction: outbound }", "event: { severity: low }"),
    });
    const ran = await portcullis(["playbook", "test", "books"], { cwd });
    expect(ran).toMatchObject({ code: 1, out: "" });
    const lines = ran.err.trim().split("\n");
    expect(lines).toEqual([
      expect.stringMatching(/^books\/a\.yaml:5:39 when: an event has no field "levle"; did you mean "level"\?$/),
      expect.stringMatching(/^books\/a\.yaml:6:1 throtle: /),
      expect.stringMatching(/^books\/a\.cases\.yaml:6:5 /),
      expect.stringMatching(/^books\/a\.cases\.yaml:6:\d+ .*cse/),
      expect.stringMatching(/^books\/c\.yaml:1:1 name: the name "guessing" is taken by books\/b\.yaml; choose another$/),
      expect.stringMatching(/^books\/b\.cases\.yaml:3 a guess: expected log at do\[0\], but it is block /),
      expect.stringMatching(/^books\/b\.cases\.yaml:3 a guess: did not expect log /),
      expect.stringMatching(/^books\/c\.yaml: no cases; write books\/c\.cases\.yaml/),
      expect.stringMatching(/^books\/d\.cases\.yaml: no case shows this branch: when: event\.direction == "inbound" is the only one false; add one$/),
      "9 problems; correct the playbook or its cases and run it again",
    ]);
  });

  it.each([
    [["playbook"], 2, "say what to do: test or explain"],
    [["playbook", "tset"], 2, 'there is no "tset"'],
    [["playbook", "explain"], 2, "takes an EVENT.json"],
    [["playbook", "test", "a", "b"], 2, "one file or folder"],
    [["playbook", "test", "nowhere"], 1, "there is no nowhere"],
    [["playbook", "test", "books"], 1, "holds no playbook; write NAME.yaml and NAME.cases.yaml there"],
    [["playbook", "explain", "no.json"], 1, "there is no no.json"],
    [["playbook", "explain", "bad.json"], 1, "bad.json is not JSON"],
  ])("playbook: %j ends with %i", async (args, code, says) => {
    const ran = await portcullis(args, { cwd: folderWith({ "bad.json": "{" }) });
    expect(ran).toMatchObject({ code, out: "" });
    expect(ran.err).toContain(says);
  });
});

describe("playbook explain", () => {
  it("playbook explain: which would fire with what, and why the others would not", async () => {
    const cwd = folderWith({
      "event.json": JSON.stringify(guess),
      "books/a.yaml": validText,
      "books/b.yaml": changed("name: guessing", "name: b").replace("level >= 1", "level > 1"),
    });
    const ran = await portcullis(["playbook", "explain", "event.json", "books"], { cwd });
    expect(ran).toEqual({
      code: 0,
      err: "",
      out: [
        "FIRES      guessing (Someone guesses passwords)",
        "    it matches",
        "    1. block [203.0.113.7/32] for 4h, severity high",
        '    2. log "an attacker was blocked"',
        "no         b (Someone guesses passwords)",
        "    when: event.level > 1 is false",
        "",
      ].join("\n"),
    });
  });

  it("playbook explain: as JSON, of an event on standard input, with the starter set", async () => {
    const ran = await portcullis(["playbook", "explain", "-", "--json"], { input: JSON.stringify(guess) });
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(ran.out)).toMatchObject({
      event: "gd-1",
      fires: ["ssh-rdp-brute-force"],
      decisions: expect.arrayContaining([expect.objectContaining({ outcome: "no" })]),
    });
  });

  it("playbook explain: what a detector sends, by its own format, and what in it is no event", async () => {
    const call = { "evt.type": "connect", "fd.name": "10.0.1.12:44321->203.0.113.67:443", "fd.sip": "203.0.113.67", "fd.cip": "10.0.1.12" };
    const alert = { rule: "Outbound Connection to C2 Servers", priority: "Critical", time: "2026-11-20T12:00:00Z", output: "calls home", output_fields: call };
    const ran = await portcullis(["playbook", "explain", "-", "--from", "falco"], { input: `${JSON.stringify(alert)}\n{"no":"alert"}\n` });
    expect(ran.code).toBe(0);
    expect(ran.out.split("\n")[0]).toBe("WOULD FIRE c2-traffic (Something of ours talks to whoever controls it)");
    expect(ran.out).toContain("block [203.0.113.67/32]");
    expect(ran.err).toMatch(/^standard input item 1 is invalid: /);
    for (const [args, input, said] of [
      [["--from", "falc"], "{}", "--from takes one of guardduty, "],
      [["--from", "falco"], "{", "standard input: "],
      [["--from", "falco"], '{"no":"alert"}', "holds no event of falco"],
      [[], JSON.stringify(alert), "what a detector sends is read with --from SOURCE"],
    ] as const) {
      const refused = await portcullis(["playbook", "explain", "-", ...args], { input });
      expect([refused.code === 0, refused.err]).toEqual([false, expect.stringContaining(said)]);
    }
  });

  it("playbook explain: what is no event is refused with every reason", async () => {
    const ran = await portcullis(["playbook", "explain", "-"], { input: '{"sorce":"a","severity":"hihg"}' });
    expect(ran).toMatchObject({ code: 1, out: "" });
    for (const says of ['did you mean "source"?', '"id" is missing', '"hihg" is not known here']) expect(ran.err).toContain(says);
  });

  it("playbook explain: a playbook with a problem is not passed over", async () => {
    const cwd = folderWith({ "event.json": JSON.stringify(guess), "books/a.yaml": validText.replace("do:", "to:") });
    const ran = await portcullis(["playbook", "explain", "event.json", "books"], { cwd });
    expect(ran).toMatchObject({ code: 1, out: "" });
    expect(ran.err).toContain('did you mean "do"?');
  });

  it("playbook explain: nothing in an event moves the cursor", async () => {
    const event = { ...guess, type: "a\u001b[2Jb", category: "shell", source: "x\u001b]0;t\u0007" };
    const ran = await portcullis(["playbook", "explain", "-"], { input: JSON.stringify(event) });
    expect(`${ran.out}${ran.err}`).not.toContain("\u001b");
  });
});
