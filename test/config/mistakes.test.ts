// Every class of mistake: found, placed on its line, named by its path, with what to write instead.
import { describe, expect, it } from "vitest";
import { changed, digest, lineOf, problemsOf, validText } from "./support.ts";

interface Mistake {
  readonly title: string;
  readonly from: string;
  readonly to: string;
  /** Text that stands on the line of the problem. */
  readonly on: string;
  readonly path: string;
  readonly message: RegExp;
  readonly remedy: RegExp;
}

const target = "    mode: observe\n";
const mistakes: readonly Mistake[] = [
  {
    title: "unknown key at the top",
    from: "defaults:",
    to: "default:",
    on: "default:",
    path: "default",
    message: /unknown key/,
    remedy: /did you mean "defaults"/,
  },
  {
    title: "unknown key far from any",
    from: "defaults: { for: 4h }",
    to: "zzz: 1",
    on: "zzz",
    path: "zzz",
    message: /unknown key/,
    remedy: /write one of: owner,/,
  },
  {
    title: "unknown key inside a section",
    from: "{ for: 4h }",
    to: "{ four: 4h }",
    on: "four",
    path: "defaults.four",
    message: /unknown key/,
    remedy: /did you mean "for"/,
  },
  {
    title: "a list for a section",
    from: "{ for: 4h }",
    to: "[4h]",
    on: "defaults",
    path: "defaults",
    message: /^a list is not a map of keys$/,
    remedy: /write some of: for, shortest/,
  },
  {
    title: "unknown key of a client",
    from: "longest: 1h",
    to: "longst: 1h",
    on: "longst",
    path: "clients.detector.longst",
    message: /unknown key/,
    remedy: /"longest"/,
  },
  {
    title: "unknown key of the kind",
    from: "acl: acl-",
    to: "akl: acl-",
    on: "akl",
    path: "targets.aws-web.akl",
    message: /unknown key/,
    remedy: /did you mean "acl"/,
  },
  {
    title: "misspelled core key of a target",
    from: target,
    to: "    moed: observe\n",
    on: "moed",
    path: "targets.aws-web.moed",
    message: /unknown key/,
    remedy: /did you mean "mode"/,
  },
  { title: "missing key", from: "owner: acme\n", to: "", on: "defaults", path: "owner", message: /missing/, remedy: /owner: …/ },
  { title: "duration without a unit", from: "for: 4h", to: "for: 4", on: "for: 4", path: "defaults.for", message: /no unit of time/, remedy: /90s, 15m, 4h/ },
  {
    title: "duration of another spelling",
    from: "for: 4h",
    to: "for: 4 hours",
    on: "for: 4",
    path: "defaults.for",
    message: /"4 hours" is not a duration/,
    remedy: /4h/,
  },
  { title: "duration too long", from: "for: 4h", to: "for: 31d", on: "for: 31d", path: "defaults.for", message: /longest allowed, 30d/, remedy: /30d or less/ },
  { title: "duration too short", from: "for: 4h", to: "for: 5s", on: "for: 5s", path: "defaults.for", message: /shortest allowed, 1m/, remedy: /1m or more/ },
  {
    title: "lease shorter than the shortest",
    from: "for: 4h",
    to: "for: 4h, shortest: 5h",
    on: "for: 4h",
    path: "defaults.for",
    message: /shorter than/,
    remedy: /at least as long/,
  },
  {
    title: "client's longest below the shortest",
    from: "for: 4h",
    to: "for: 4h, shortest: 2h",
    on: "longest: 1h",
    path: "clients.detector.longest",
    message: /shorter than/,
    remedy: /longer/,
  },
  {
    title: "protecting everything",
    from: "198.51.100.0/24",
    to: "0.0.0.0/0",
    on: "0.0.0.0/0",
    path: "protect.ranges[0]",
    message: /typo/,
    remedy: /\/8 or longer/,
  },
  {
    title: "protecting a quarter of IPv6",
    from: "198.51.100.0/24",
    to: "'2000::/3'",
    on: "2000::",
    path: "protect.ranges[0]",
    message: /typo/,
    remedy: /\/8 or longer/,
  },
  {
    title: "range with host bits",
    from: "198.51.100.0/24",
    to: "198.51.100.7/24",
    on: "198.51.100.7",
    path: "protect.ranges[0]",
    message: /host bits/,
    remedy: /198\.51\.100\.0\/24/,
  },
  {
    title: "address with leading zeros",
    from: "192.0.2.10",
    to: "192.0.2.010",
    on: "192.0.2.010",
    path: "clients.detector.from[0]",
    message: /leading zeros/,
    remedy: /decimal/,
  },
  {
    title: "clients from everywhere",
    from: "192.0.2.10",
    to: "0.0.0.0/0",
    on: "0.0.0.0/0",
    path: "clients.detector.from[0]",
    message: /everyone/,
    remedy: /leave `from` out/,
  },
  {
    title: "unknown preset",
    from: "ranges: [",
    to: "presets: [googelbot], ranges: [",
    on: "googelbot",
    path: "protect.presets",
    message: /presets/,
    remedy: /write all, or a list of: .*googlebot/,
  },
  {
    title: "unknown scope",
    from: "scopes: [block]",
    to: "scopes: [blck]",
    on: "[blck]",
    path: "clients.detector.scopes[0]",
    message: /"blck" is not a scope/,
    remedy: /did you mean "block"/,
  },
  {
    title: "scope of an unknown source",
    from: "scopes: [block]",
    to: "scopes: ['alert:snort']",
    on: "snort",
    path: "clients.detector.scopes[0]",
    message: /not a scope/,
    remedy: /alert:elastalert/,
  },
  {
    title: "no scopes",
    from: "scopes: [block]",
    to: "scopes: []",
    on: "scopes: []",
    path: "clients.detector.scopes",
    message: /no scopes/,
    remedy: /block, lift/,
  },
  {
    title: "text where a list belongs",
    from: "scopes: [block]",
    to: "scopes: block",
    on: "scopes: block\n",
    path: "clients.detector.scopes",
    message: /not a list/,
    remedy: /\[item, item\]/,
  },
  {
    title: "client without credential",
    from: `    keys: ["${digest("b")}"]\n`,
    to: "",
    on: "detector:",
    path: "clients.detector",
    message: /no credential/,
    remedy: /-- key detector/,
  },
  {
    title: "reading with a signature only",
    from: `keys: ["${digest("a")}"]`,
    to: "secrets: [ADMIN_SIGNING]",
    on: "scopes: [block, lift",
    path: "clients.admin.scopes",
    message: /read cannot be used with a signature/,
    remedy: /add a key/,
  },
  {
    title: "same key for two clients",
    from: digest("b"),
    to: digest("a"),
    on: '    keys: ["sha256:aaaa',
    path: "clients.detector.keys[0]",
    message: /same key as client admin/,
    remedy: /of its own/,
  },
  {
    title: "digest in capitals",
    from: digest("b"),
    to: digest("B"),
    on: "sha256:BBB",
    path: "clients.detector.keys[0]",
    message: /lower-case hex/,
    remedy: /copy the line/,
  },
  {
    title: "name of a client",
    from: "  detector:",
    to: "  Detector:",
    on: "  Detector:",
    path: "clients.Detector",
    message: /not a usable name/,
    remedy: /lower-case/,
  },
  {
    title: "name that objects inherit",
    from: "  detector:",
    to: "  constructor:",
    on: "  constructor:",
    path: "clients.constructor",
    message: /not a usable name/,
    remedy: /lower-case/,
  },
  {
    title: "name that is an object's slot",
    from: "  detector:",
    to: "  __proto__:",
    on: "  __proto__:",
    path: "clients.__proto__",
    message: /not a usable name/,
    remedy: /lower-case/,
  },
  {
    title: "client for an unknown target",
    from: "longest: 1h",
    to: "targets: [aws-wbe]",
    on: "aws-wbe",
    path: "clients.detector.targets[0]",
    message: /no target "aws-wbe"/,
    remedy: /did you mean "aws-web"/,
  },
  {
    title: "unknown kind",
    from: "kind: aws-nacl",
    to: "kind: aws-nalc",
    on: "aws-nalc",
    path: "targets.aws-web.kind",
    message: /no kind "aws-nalc"/,
    remedy: /did you mean "aws-nacl"/,
  },
  {
    title: "kind that objects inherit",
    from: "kind: aws-nacl",
    to: "kind: toString",
    on: "toString",
    path: "targets.aws-web.kind",
    message: /no kind/,
    remedy: /aws-nacl/,
  },
  { title: "no kind", from: "    kind: aws-nacl\n", to: "", on: "aws-web:", path: "targets.aws-web.kind", message: /missing/, remedy: /kind: …/ },
  {
    title: "unknown mode",
    from: "mode: observe",
    to: "mode: enforced",
    on: "enforced",
    path: "targets.aws-web.mode",
    message: /"enforced" is not known/,
    remedy: /observe, enforce, drain/,
  },
  {
    title: "setting that the kind refuses",
    from: "region: eu-west-1",
    to: "region: Ireland",
    on: "Ireland",
    path: "targets.aws-web.region",
    message: /region must look like eu-west-1/,
    remedy: /correct/,
  },
  {
    title: "missing credential",
    from: ", secretAccessKey: AWS_WEB_SECRET",
    to: "",
    on: "credentials:",
    path: "targets.aws-web.credentials",
    message: /secretAccessKey is missing/,
    remedy: /secretAccessKey: NAME_OF/,
  },
  {
    title: "unknown credential",
    from: "accessKeyId:",
    to: "acessKeyId: X_Y, accessKeyId:",
    on: "acessKeyId",
    path: "targets.aws-web.credentials.acessKeyId",
    message: /unknown credential/,
    remedy: /did you mean "accessKeyId"/,
  },
  {
    title: "credential that is no name",
    from: "AWS_WEB_ID",
    to: "aws-web-id",
    on: "aws-web-id",
    path: "targets.aws-web.credentials.accessKeyId",
    message: /not the name of a secret/,
    remedy: /capitals/,
  },
  {
    title: "credential named like our own",
    from: "AWS_WEB_ID",
    to: "PORTCULLIS_KV",
    on: "PORTCULLIS_KV",
    path: "targets.aws-web.credentials.accessKeyId",
    message: /Portcullis's own/,
    remedy: /another name/,
  },
  {
    title: "number out of range",
    from: "mode: observe",
    to: "maxEntries: 0",
    on: "maxEntries: 0",
    path: "targets.aws-web.maxEntries",
    message: /too small/,
    remedy: /from 1/,
  },
  {
    title: "fraction",
    from: "mode: observe",
    to: "maxEntries: 1.5",
    on: "maxEntries: 1.5",
    path: "targets.aws-web.maxEntries",
    message: /whole number/,
    remedy: /from 1/,
  },
  {
    title: "number with leading zeros",
    from: "first: 1,",
    to: "first: 012,",
    on: "first: 012",
    path: "targets.aws-web.rules.first",
    message: /octal/,
    remedy: /without the zeros/,
  },
  { title: "octal number", from: "first: 1,", to: "first: 0o12,", on: "0o12", path: "targets.aws-web.rules.first", message: /octal/, remedy: /decimal/ },
  {
    title: "no number",
    from: "mode: observe",
    to: "maxEntries: .nan",
    on: ".nan",
    path: "targets.aws-web.maxEntries",
    message: /not a finite number/,
    remedy: /whole number/,
  },
  { title: "word of YAML 1.1", from: "owner: acme", to: "owner: on", on: "owner: on", path: "owner", message: /true or false/, remedy: /quote the word/ },
  {
    title: "empty value",
    from: "longest: 1h",
    to: "longest: ~",
    on: "longest: ~",
    path: "clients.detector.longest",
    message: /empty value/,
    remedy: /leave the key out/,
  },
  {
    title: "heartbeat with a URL",
    from: "targets:\n",
    to: "heartbeat: { urlSecret: 'https://hc.test/1' }\ntargets:\n",
    on: "heartbeat",
    path: "heartbeat.urlSecret",
    message: /not the name of a secret/,
    remedy: /capitals/,
  },
  {
    title: "staleness that no store keeps",
    from: "targets:\n",
    to: "store: { staleness: 10s }\ntargets:\n",
    on: "staleness",
    path: "store.staleness",
    message: /shortest allowed, 1m/,
    remedy: /1m or more/,
  },
  {
    title: "merge key",
    from: "  detector:\n",
    to: "  detector:\n    <<: { live: 3 }\n",
    on: "<<",
    path: "clients.detector.<<",
    message: /unknown key/,
    remedy: /write the keys out/,
  },
];

describe("a mistake in the configuration", () => {
  it.each(mistakes)("readConfigFile: names the line and the remedy of: $title", ({ from, to, on, path, message, remedy }) => {
    const text = changed(from, to);
    const problems = problemsOf(text);
    const found = problems.find((problem) => problem.path === path && message.test(problem.message));
    expect(found, JSON.stringify(problems, null, 2)).toBeDefined();
    expect(`${found?.message}; ${found?.remedy}`).toMatch(remedy);
    const line = on.startsWith("    keys:") ? text.split("\n").findLastIndex((one) => one.startsWith(on)) + 1 : lineOf(text, on);
    expect(found?.line).toBe(line);
    expect(found?.column).toBeGreaterThan(0);
  });

  it.each(mistakes.filter(({ path }) => path !== "owner"))("readConfigFile: finds it beside others, all at once: $title", ({ from, to, path, message }) => {
    const text = changed("owner: acme", "owner: Not A Name", changed(from, to));
    const problems = problemsOf(text);
    expect(problems.some((problem) => problem.path === path && message.test(problem.message))).toBe(true);
    expect(problems.some((problem) => problem.path === "owner")).toBe(true);
  });

  it.each(["constructor", "toString", "__proto__", "hasOwnProperty"])(
    "readConfigFile: refuses the key %s, which every object has, wherever it stands",
    (key) => {
      const places: readonly (readonly [string, string, string])[] = [
        ["owner: acme", `owner: acme\n${key}: 1`, key],
        ["{ for: 4h }", `{ for: 4h, ${key}: 1 }`, `defaults.${key}`],
        ["{ for: 4h }", `{ for: 4h, widen: { ${key}: 1 } }`, `defaults.widen.${key}`],
        ["    longest: 1h\n", `    longest: 1h\n    ${key}: 1\n`, `clients.detector.${key}`],
        ["    mode: observe\n", `    ${key}: 1\n`, `targets.aws-web.${key}`],
        ["limit: 20", `limit: 20, ${key}: 1`, `targets.aws-web.rules.${key}`],
        ["accessKeyId:", `${key}: A_B, accessKeyId:`, `targets.aws-web.credentials.${key}`],
      ];
      for (const [from, to, path] of places) expect(problemsOf(changed(from, to)).map((problem) => problem.path)).toEqual([path]);
    },
  );

  it("readConfigFile: accepts what all of these start from", () => {
    expect(problemsOf(validText)).toEqual([]);
  });

  it("readConfigFile: lists several unknown keys of one map, in the order of the file", () => {
    const text = changed("longest: 1h", "aaa: 1\n    longst: 1h\n    lve: 3");
    expect(problemsOf(text).map(({ path }) => path)).toEqual(["clients.detector.aaa", "clients.detector.longst", "clients.detector.lve"]);
  });

  it("readConfigFile: refuses more clients and targets than a deployment takes", () => {
    const many = Array.from({ length: 65 }, (_, index) => `  c${index}: { keys: ["sha256:${String(index).padStart(64, "0")}"], scopes: [block] }`).join("\n");
    const texts = problemsOf(changed("clients:\n", `clients:\n${many}\n`)).map(({ message }) => message);
    expect(texts).toContain("67 clients");
  });
});
