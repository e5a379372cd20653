// What comes out: safe defaults, canonical values, the same bytes for the same meaning.

import { readFileSync } from "node:fs";
import { assert, property, shuffledSubarray, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { productionFloors } from "../../shared/config-file/index.ts";
import { limits } from "../../shared/limits.ts";
import { presetNames } from "../../shared/protect/index.ts";
import { changed, configOf, digest, problemsOf, read, validText } from "./support.ts";

describe("the emitted configuration", () => {
  it("readConfigFile: fills in safe defaults", () => {
    const config = configOf(`owner: acme\nclients: { a: { keys: ["${digest("a")}"], scopes: [block] } }\ntargets: {}\n`);
    expect(config).toMatchObject({
      version: 1,
      store: { stalenessMs: limits.workersKvStalenessMs },
      defaults: { forMs: limits.leaseDefaultMs, shortestMs: limits.leaseShortestMs, exemptForMs: limits.exemptDefaultMs, widen: { ipv4: 32, ipv6: 64 } },
      protect: { ranges: [], presets: presetNames },
      blacklistip: null,
      heartbeat: null,
    });
    expect(config.clients.a).toMatchObject({ from: null, targets: null, longestMs: 86_400_000, widest: { ipv4: 32, ipv6: 64 }, mode: "enforce" });
  });

  it("readConfigFile: emits what was written, each once, and nothing that was not", () => {
    const text = changed(
      "protect: { ranges: [198.51.100.0/24] }",
      "protect: { ranges: [198.51.100.0/24, 198.51.100.0/24], presets: [cloudflare, cloudflare] }",
    ).replace("clients:\n", "brake: { new: 7, per: 2m }\nweight: { halfLife: 3h }\nclients:\n");
    const config = configOf(text);
    expect(config.protect).toEqual({ ranges: ["198.51.100.0/24"], presets: ["cloudflare"] });
    expect([config.brake, config.weight]).toEqual([{ new: 7, perMs: 120_000 }, { halfLifeMs: 10_800_000 }]);
    expect(config.targets["aws-web"]).toStrictEqual({
      kind: "aws-nacl",
      mode: "observe",
      maxEntries: null,
      settings: { region: "eu-west-1", acl: "acl-0123456789abcdef0", rules: { first: 1, last: 40, limit: 20 }, direction: "ingress" },
      credentials: { accessKeyId: "AWS_WEB_ID", secretAccessKey: "AWS_WEB_SECRET" },
      formerly: null,
    });
    expect(Object.keys(config).sort()).toEqual(
      ["alerts", "blacklistip", "brake", "clients", "defaults", "heartbeat", "owner", "protect", "store", "targets", "version", "weight"].sort(),
    );
    const full = changed("    mode: observe\n", "    mode: enforce\n    lossMax: 0.1\n    warnAt: 0.9\n    maxEntries: 9\n");
    expect(configOf(full).targets["aws-web"]).toMatchObject({ mode: "enforce", lossMax: 0.1, warnAt: 0.9, maxEntries: 9 });
  });

  it("readConfigFile: the longest lease of a client may be the shortest there is", () => {
    expect(problemsOf(changed("{ for: 4h }", "{ for: 1h, shortest: 1h }"))).toEqual([]);
  });

  it("readConfigFile: gives a target observe mode when none is written", () => {
    const config = configOf(changed("    mode: observe\n", ""));
    expect(config.targets["aws-web"]).toMatchObject({ mode: "observe", maxEntries: null, formerly: null });
  });

  it("readConfigFile: emits canonical addresses, bare digests and milliseconds", () => {
    const config = configOf(changed("198.51.100.0/24", "198.51.100.0/24, '2001:DB8:0:0::/32', '::ffff:192.0.2.1'"));
    expect(config.protect.ranges).toEqual(["198.51.100.0/24", "2001:db8::/32", "192.0.2.1/32"]);
    expect(config.clients.detector).toMatchObject({ keys: ["b".repeat(64)], from: ["192.0.2.10/32"], longestMs: 3_600_000 });
  });

  it("readConfigFile: gives the kind's settings as its schema emits them, without the core's keys", () => {
    const settings = configOf(validText).targets["aws-web"]?.settings;
    expect(settings).toEqual({ region: "eu-west-1", acl: "acl-0123456789abcdef0", rules: { first: 1, last: 40, limit: 20 }, direction: "ingress" });
  });

  it("readConfigFile: alerts take the deployment's severity unless they have their own", () => {
    const config = configOf(
      changed("for: 4h", "for: 4h, severity: high").concat("alerts: { generic: { severity: low, for: 30m, mapping: { ip: [attacker.address] } } }\n"),
    );
    expect(config.alerts.elastalert).toMatchObject({ severity: "high", forMs: null });
    expect(config.alerts.generic).toMatchObject({ severity: "low", forMs: 1_800_000 });
    expect(config.alerts.generic.mapping.ip).toEqual(["attacker.address"]);
    expect(config.alerts.generic.mapping.at).not.toEqual([]);
  });

  it("readConfigFile: a source with a format of its own is there when it is set, by the deployment's severity", () => {
    const config = configOf(
      changed("for: 4h", "for: 4h, severity: high").concat("alerts: { guardduty: { samples: true }, falco: { severity: low, for: 30m } }\n"),
    );
    expect(config.alerts.guardduty).toEqual({ forMs: null, severity: "high", samples: true });
    expect(config.alerts.falco).toEqual({ forMs: 1_800_000, severity: "low", samples: false });
    expect(Object.hasOwn(config.alerts, "wazuh")).toBe(false);
  });

  it("readConfigFile: does not depend on the order of clients", () => {
    const names = ["zeta", "alpha", "mid"] as const;
    const client = (name: string) => `  ${name}: { keys: ["sha256:${Buffer.from(name).toString("hex").padEnd(64, "0")}"], scopes: [block] }\n`;
    const text = (order: readonly string[]) => `owner: acme\nclients:\n${order.map(client).join("")}targets: {}\n`;
    const expected = JSON.stringify(configOf(text(names)));
    assert(
      property(shuffledSubarray([...names], { minLength: 3 }), (order) => {
        expect(JSON.stringify(configOf(text(order)))).toBe(expected);
      }),
    );
  });

  it("readConfigFile: the shipped example is right as it is, and writes to no firewall", () => {
    const config = configOf(readFileSync("portcullis.example.yaml", "utf8"));
    expect(Object.values(config.targets).map(({ mode }) => mode)).toEqual(["observe"]);
  });

  it("readConfigFile: takes lower floors where a store is never behind", () => {
    const text = changed("for: 4h", "for: 20s, shortest: 20s").concat("store: { staleness: 1s }\n");
    expect(problemsOf(text)).not.toEqual([]);
    expect(configOf(text, { floors: { ...productionFloors, leaseMs: 1_000, stalenessMs: 1_000 } }).defaults.forMs).toBe(20_000);
  });
});

describe("the text of the configuration", () => {
  it.each([
    ["a tab", "owner: acme\nclients:\n\ta: 1\n", 3, /[Tt]abs/],
    ["a key twice", "owner: acme\nowner: other\n", 2, /unique/],
    ["two documents", "owner: a\n---\nowner: b\n", 2, /multiple documents/],
    ["a directive", "%YAML 1.1\n---\nowner: a\n", 1, /%YAML/],
    ["a tag", "owner: !!binary aGk=\nclients: !x {}\n", 2, /[Tt]ag/],
    ["an unknown alias", "owner: a\nclients: *b\n", 1, /alias/],
    ["an open bracket", "owner: [a\n", 1, /YAML/],
    ["a list key", "? [1, 2]\n: 3\n", 1, /keys must be strings/],
    ["nothing", "", 1, /empty/],
    ["a comment alone", "# hello\n", 1, /empty/],
    ["a list", "- owner\n", 1, /not a map/],
    ["too much", `owner: ${"a".repeat(300_000)}`, 1, /characters/],
    ["a deep nest", `a: ${"[".repeat(60)}${"]".repeat(60)}`, 1, /nested/],
    ["a deeper nest", `a: ${"[".repeat(100_000)}`, 1, /./],
  ])("readConfigFile: refuses %s", (_title, text, line, message) => {
    const result = read(text);
    expect(result.ok).toBe(false);
    const problems = result.ok ? [] : result.problems;
    const found = problems.find((problem) => message.test(problem.message));
    expect(found, JSON.stringify(problems.slice(0, 3))).toBeDefined();
    if (line > 1) expect(found?.line).toBe(line);
    expect(found?.remedy).not.toBe("");
  });

  it("readConfigFile: refuses a file that multiplies itself", () => {
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${["b", "c", "d", "e", "f", "g", "h", "i"].map((name, index) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${"abcdefghi"[index]}`).join(", ")}]`).join("\n")}\n`;
    const [problem] = problemsOf(bomb);
    expect(problem?.message).toMatch(/alias/i);
  });

  it("readConfigFile: accepts anchors that repeat a list a few times", () => {
    const text = changed("from: [192.0.2.10]", "from: &office [192.0.2.10]").replace(
      "scopes: [block, lift, read, admin]",
      "scopes: [block, lift, read, admin]\n    live: 3",
    );
    expect(problemsOf(text.replace("targets:\n", `  extra: { keys: ["${digest("c")}"], scopes: [block], from: *office }\ntargets:\n`))).toEqual([]);
  });

  it("readConfigFile: answers with problems, never throws, whatever the text", () => {
    assert(
      property(string({ maxLength: 200, unit: "binary" }), (text) => {
        expect(read(text).ok).toBe(false);
        const mixed = read(`owner: ${text}\nclients:\n  a: ${text}\ntargets: {}\n`);
        expect(mixed.ok).toBe(false);
      }),
    );
  });

  it("readConfigFile: answers with problems where a word is a list of what has no text at all", () => {
    const result = read(changed("scopes: [block, lift, read, admin]", "scopes: [[{ toString: 0 }]]"));
    expect(result).toMatchObject({ ok: false, problems: [{ path: "clients.admin.scopes[0]", message: "a list is not a scope" }] });
  });
});
