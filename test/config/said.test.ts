// What is said of a configuration that is refused: where, what, and what to write instead, word for word. Targets, sections, and files as a whole.
import { describe, expect, it } from "vitest";
import { type Row, saidOf, saidOfChange } from "./said.ts";

const rows: readonly Row[] = [
  [
    "    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }",
    "    moed: 1\n    zzzz: 1\n    aacl: 2\n    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }",
    '20:5 targets.aws-web.moed: unknown key "moed"; did you mean "mode"?',
    '21:5 targets.aws-web.zzzz: unknown key "zzzz"; write one of: region, assumeRole, endpoint, stsEndpoint, acl, rules, direction, kind, mode, maxEntries, credentials, formerly, spill, collateral, lossMax, warnAt',
    '22:5 targets.aws-web.aacl: unknown key "aacl"; did you mean "acl"?',
  ],
  ["    kind: aws-nacl", "    kind: aws-nacll", '15:11 targets.aws-web.kind: there is no kind "aws-nacll"; did you mean "aws-nacl"?'],
  ["    kind: aws-nacl", "    kind: 3", "15:11 targets.aws-web.kind: no kind; write the kind of firewall, such as aws-nacl"],
  ["    kind: aws-nacl", "    kind: constructor", '15:11 targets.aws-web.kind: there is no kind "constructor"; write one of: aws-nacl'],
  ["    kind: aws-nacl\n", "", '14:3 targets.aws-web.kind: "kind" is missing; add `kind: …`'],
  [
    "    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }",
    "    credentials: { accessKeyId: AWS_WEB_ID, secretAccesKey: AWS_WEB_SECRET }",
    "20:5 targets.aws-web.credentials: the credential secretAccessKey is missing; add `secretAccessKey: NAME_OF_THE_SECRET` (secret of that access key)",
    '20:45 targets.aws-web.credentials.secretAccesKey: unknown credential "secretAccesKey"; did you mean "secretAccessKey"?',
  ],
  [
    "    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }",
    "    credentials: 3",
    "20:18 targets.aws-web.credentials: not a map of credential names; write { name: SECRET_NAME }",
  ],
  [
    "    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }",
    "    credentials: [a]",
    "20:18 targets.aws-web.credentials: a list is not a map of keys; write { key: value }",
  ],
  [
    "    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }\n",
    "",
    "14:3 targets.aws-web.credentials: the credential accessKeyId is missing; add `accessKeyId: NAME_OF_THE_SECRET` (access key of an IAM user with policy.json, or with policy.assume-role.json when assumeRole is set)",
    "14:3 targets.aws-web.credentials: the credential secretAccessKey is missing; add `secretAccessKey: NAME_OF_THE_SECRET` (secret of that access key)",
  ],
  [
    "    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }",
    "    note: [a, { b: AKIAABCDEFGHIJKLMNOP }]\n    key: portcullis_abc\n    id: 0123456789abcdef0123456789abcdef\n    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }",
    '20:5 targets.aws-web.note: unknown key "note"; write one of: region, assumeRole, endpoint, stsEndpoint, acl, rules, direction, kind, mode, maxEntries, credentials, formerly, spill, collateral, lossMax, warnAt',
    "20:20 targets.aws-web.note[1].b: this looks like an AWS access key id; treat it as leaked and replace it; the new one belongs in the platform's secrets, and its name under `credentials`",
    '21:5 targets.aws-web.key: unknown key "key"; write one of: region, assumeRole, endpoint, stsEndpoint, acl, rules, direction, kind, mode, maxEntries, credentials, formerly, spill, collateral, lossMax, warnAt',
    "21:10 targets.aws-web.key: this looks like a Portcullis key; treat it as leaked and replace it; the new one belongs in the platform's secrets, and its name under `credentials`",
    '22:5 targets.aws-web.id: unknown key "id"; write one of: region, assumeRole, endpoint, stsEndpoint, acl, rules, direction, kind, mode, maxEntries, credentials, formerly, spill, collateral, lossMax, warnAt',
  ],
  [
    "  aws-web:",
    "  aws-two:\n    kind: aws-nacl\n    region: eu-west-1\n    acl: acl-0123456789abcdef0\n    rules: { first: 30, last: 60, limit: 20 }\n    credentials: { accessKeyId: A_B, secretAccessKey: A_C }\n  aws-web:",
    "20:3 targets.aws-web: claims the same place as target aws-two (aws-nacl eu-west-1 acl-0123456789abcdef0); give each its own, or keep one of the two",
  ],
  [
    "  aws-web:",
    "  Bad: 3\n  constructor: {}\n  aws-web:",
    "14:3 targets.Bad: not a usable name; start with a letter and use lower-case letters, digits and dashes, at most 32 characters",
    "14:8 targets.Bad: not a map of keys; write { kind: aws-nacl, … }",
    '15:3 targets.constructor.kind: "kind" is missing; add `kind: …`',
    "15:3 targets.constructor: not a usable name; start with a letter and use lower-case letters, digits and dashes, at most 32 characters",
  ],
  [
    "    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }",
    "    spill: aws-wob\n    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }",
    '20:12 targets.aws-web.spill: there is no target "aws-wob"; did you mean "aws-web"?',
  ],
  [
    "    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }",
    "    spill: aws-web\n    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }",
    "20:12 targets.aws-web.spill: spills in a circle: what finds no room would come back to it; let the last of the chain spill into nothing",
  ],
  ["defaults: { for: 4h }", "defaults: { for: 1m, shortest: 2m }", "2:18 defaults.for: shorter than `defaults.shortest`; make it at least as long"],
  [
    "protect: { ranges: [198.51.100.0/24] }",
    "protect: { presets: [iana-special], ranges: 3 }",
    "3:21 protect.presets: not a choice of presets; write all, or a list of: iana-special-purpose, documentation, cloud-services, public-resolvers, cloudflare, googlebot, bingbot",
    "3:45 protect.ranges: 3 is not a list; write [item, item], or one item per line after a dash",
  ],
  [
    "targets:",
    "alerts: { generic: { samples: 3, ip: 3 }, falco: { samples: 3 } }\ntargets:",
    '13:22 alerts.generic.samples: unknown key "samples"; write one of: mapping, for, severity',
    '13:34 alerts.generic.ip: unknown key "ip"; write one of: mapping, for, severity',
    "13:61 alerts.falco.samples: 3 is neither true nor false; write samples: true to take the source's tests",
  ],
  [
    "targets:",
    "alerts: { generic: { mapping: { ip: [3, ' a', 'a b', a.b.c.d.e.f.g.h.i.j.k] } } }\ntargets:",
    "13:38 alerts.generic.mapping.ip[0]: 3 is not a path; write a dotted path, such as source.ip",
    '13:41 alerts.generic.mapping.ip[1]: " a" is not a path; write a dotted path, such as source.ip',
    '13:47 alerts.generic.mapping.ip[2]: "a b" is not a path; write a dotted path, such as source.ip',
    '13:54 alerts.generic.mapping.ip[3]: "a.b.c.d.e.f.g.h.i.j.k" is not a path; write a dotted path, such as source.ip',
  ],
  [
    "targets:",
    "approvals: { secret: 3, url: 3 }\ntargets:",
    "13:22 approvals.secret: not the name of a secret; write the name under which the platform holds it, such as AWS_WEB_ID",
    "13:30 approvals.url: 3 is not an address; write where the function is reached, such as https://portcullis.example.com",
  ],
  [
    "targets:",
    "approvals: { secret: A_B, url: 'xhttps://a.example' }\ntargets:",
    '13:32 approvals.url: "xhttps://a.example" is not an https address without a path; write where the function is reached, such as https://portcullis.example.com',
  ],
  [
    "targets:",
    "approvals: { secret: A_B, url: 'https://a.example:123456' }\ntargets:",
    '13:32 approvals.url: "https://a.example:123456" is not an https address without a path; write where the function is reached, such as https://portcullis.example.com',
  ],
  [
    "targets:",
    "approvals: { secret: AKIAABCDEFGHIJKLMNOP }\ntargets:",
    "13:22 approvals.secret: this looks like an AWS access key id itself, not the name of one; treat it as leaked and replace it; store the new one with `wrangler secret put NAME` and write that NAME here",
  ],
  [
    "targets:",
    "approvals: { secret: PORTCULLIS_X }\ntargets:",
    "13:22 approvals.secret: names that begin with PORTCULLIS_ are Portcullis's own; choose another name for the secret",
  ],
  [
    "targets:",
    "playbooks: [a, starter:b, { file: c }]\ntargets:",
    '13:13 playbooks[0]: "a": there is no such file; write a path from the configuration\'s folder, or starter:NAME as in functions/playbooks',
    '13:16 playbooks[1]: "starter:b": there is no such playbook in the starter set; write a path from the configuration\'s folder, or starter:NAME as in functions/playbooks',
    '13:35 playbooks[2].file: "c": there is no such file; write a path from the configuration\'s folder, or starter:NAME as in functions/playbooks',
  ],
  [
    "targets:",
    "playbooks: [3, a, starter:b, { file: c }, { file: 3 }, { fiel: d }]\ntargets:",
    "13:13 playbooks[0]: not a playbook; write its path, starter:NAME, or { file: starter:NAME, mode: enforce }",
    "13:51 playbooks[4].file: 3 is not a file; write its path, such as playbooks/c2.yaml, or starter:NAME",
    '13:56 playbooks[5].file: "file" is missing; add `file: …`',
    '13:58 playbooks[5].fiel: unknown key "fiel"; did you mean "file"?',
  ],
];

/** A whole file, and each problem. */
type Whole = readonly [text: string, ...problems: string[]];

const wholes: readonly Whole[] = [
  ["owner: a\nclients: []\ntargets: {}\n", "2:10 clients: not a map of clients; write `name: { keys: […], scopes: […] }` below it"],
  ["owner: a\nclients: 3\ntargets: {}\n", "2:10 clients: not a map of clients; write `name: { keys: […], scopes: […] }` below it"],
  ["owner: a\nclients:\ntargets: {}\n", "2:9 clients: not a map of clients; write `name: { keys: […], scopes: […] }` below it"],
  [
    "owner: a\nclients: {}\ntargets: {}\n",
    "2:10 clients: no clients, so nobody can ask for anything; add one, such as `admin: { keys: […], scopes: [block, lift, read, admin] }`",
  ],
  [
    "owner: a\nclients: {}\ntargets: []\n",
    "2:10 clients: no clients, so nobody can ask for anything; add one, such as `admin: { keys: […], scopes: [block, lift, read, admin] }`",
    "3:10 targets: not a map of targets; write `name: { kind: …, … }` below it, or {} for none",
  ],
  [
    "owner: a\nclients: {}\ntargets:\n",
    "2:10 clients: no clients, so nobody can ask for anything; add one, such as `admin: { keys: […], scopes: [block, lift, read, admin] }`",
    "3:9 targets: not a map of targets; write `name: { kind: …, … }` below it, or {} for none",
  ],
  [
    "owner: a\nclients: {}\ntargets: { a: 3, b: [], c: }\n",
    "2:10 clients: no clients, so nobody can ask for anything; add one, such as `admin: { keys: […], scopes: [block, lift, read, admin] }`",
    "3:15 targets.a: not a map of keys; write { kind: aws-nacl, … }",
    "3:21 targets.b: not a map of keys; write { kind: aws-nacl, … }",
    "3:28 targets.c: not a map of keys; write { kind: aws-nacl, … }",
  ],
  [
    'owner: a\nclients: { a: { keys: ["@a", "@a"], scopes: [block] } }\ntargets: {}\n',
    "2:99 clients.a.keys[1]: the same key as above; give every client a key of its own",
  ],
  [
    'owner: a\nclients: { a: { keys: ["@a"], scopes: [block] }, b: { keys: ["@a"], scopes: [block] }, A: { keys: ["@a"], scopes: [block] } }\ntargets: {}\n',
    "2:131 clients.b.keys[0]: the same key as client a; give every client a key of its own",
    "2:226 clients.A: not a usable name; start with a letter and use lower-case letters, digits and dashes, at most 32 characters",
  ],
  [
    "owner: a\nclients: { a: { secrets: [S_ONE, S_ONE], scopes: [block] } }\ntargets: {}\n",
    "2:34 clients.a.secrets[1]: the same signing secret as above; give every client a signing secret of its own",
  ],
  [
    "owner: a\nclients: { a: { secrets: [S_ONE], scopes: [block] }, b: { secrets: [S_ONE], scopes: [block] } }\ntargets: {}\n",
    "2:69 clients.b.secrets[0]: the same signing secret as client a; give every client a signing secret of its own",
  ],
  [
    "owner: a\nclients: { a: { secrets: [S_ONE], scopes: [block, read, feed, metrics] } }\ntargets: {}\n",
    "2:43 clients.a.scopes: read, feed, metrics cannot be used with a signature, which is accepted on POST only; add a key, or remove them",
  ],
  [
    "owner: a\nclients: { a: { secrets: [s], scopes: [block, read] } }\ntargets: {}\n",
    "2:27 clients.a.secrets[0]: not the name of a secret; write its name in capitals, digits and underscores, such as AWS_WEB_ID; the value belongs in the platform's secrets",
  ],
  [
    "owner: a\nclients: { a: { secrets: 3, scopes: [block, read] } }\ntargets: {}\n",
    "2:26 clients.a.secrets: 3 is not a list; write [item, item], or one item per line after a dash",
  ],
  [
    "owner: a\nclients: { a: { secrets: [S_ONE], scopes: 3 } }\ntargets: {}\n",
    "2:43 clients.a.scopes: 3 is not a list; write [item, item], or one item per line after a dash",
  ],
  [
    "owner: a\nclients: { a: { scopes: [block] } }\ntargets: {}\n",
    "2:12 clients.a: has no credential, so nobody can be this client; run `npm run portcullis -- key a` and add the `keys:` line it prints",
  ],
  [
    'owner: a\nclients: { a: { keys: ["@a"], scopes: [block], targets: [web] } }\ntargets: 3\n',
    '2:127 clients.a.targets[0]: there is no target "web"; remove it',
    "3:10 targets: not a map of targets; write `name: { kind: …, … }` below it, or {} for none",
  ],
  [
    'owner: a\nclients: { a: { keys: ["@a"], scopes: [block], targets: [web] } }\n',
    '1:1 targets: "targets" is missing; add `targets: …`',
    '2:127 clients.a.targets[0]: there is no target "web"; remove it',
  ],
  [
    "clients: {}\ntargets: {}\n",
    '1:1 owner: "owner" is missing; add `owner: …`',
    "1:10 clients: no clients, so nobody can ask for anything; add one, such as `admin: { keys: […], scopes: [block, lift, read, admin] }`",
  ],
  ["owner: a\n", '1:1 clients: "clients" is missing; add `clients: …`', '1:1 targets: "targets" is missing; add `targets: …`'],
  [
    "owner:\nclients: {}\ntargets: {}\n",
    "1:7 owner: not a name; start with a letter and use lower-case letters, digits and dashes, at most 32 characters",
    "2:10 clients: no clients, so nobody can ask for anything; add one, such as `admin: { keys: […], scopes: [block, lift, read, admin] }`",
  ],
  [
    "ownr: a\nclients: {}\ntargets: {}\n",
    '1:1 owner: "owner" is missing; add `owner: …`',
    '1:1 ownr: unknown key "ownr"; did you mean "owner"?',
    "2:10 clients: no clients, so nobody can ask for anything; add one, such as `admin: { keys: […], scopes: [block, lift, read, admin] }`",
  ],
  [
    "owner: 07\nclients: {}\ntargets: {}\n",
    "1:8 owner: a number with leading zeros, which some readers take as octal; write it without the zeros",
    "1:8 owner: not a name; start with a letter and use lower-case letters, digits and dashes, at most 32 characters",
    "2:10 clients: no clients, so nobody can ask for anything; add one, such as `admin: { keys: […], scopes: [block, lift, read, admin] }`",
  ],
  [
    "owner: a\nx: [0o7, 0x1F, .inf, -.NaN, yes, ~, NULL, +07, 1.07, a0x1, nullx, xnull, 07x, 0x1g, .infx, x.inf, \"07\", 'yes', { b: [[07]] }]\n? 07\n: 1\nclients: {}\ntargets: {}\n",
    '2:1 x: unknown key "x"; write one of: owner, store, defaults, protect, weight, brake, alerts, playbooks, approvals, blacklistip, heartbeat, clients, targets',
    "2:5 x[0]: an octal or hexadecimal number; write it in decimal",
    "2:10 x[1]: an octal or hexadecimal number; write it in decimal",
    "2:16 x[2]: not a finite number; write a whole number",
    "2:22 x[3]: not a finite number; write a whole number",
    "2:29 x[4]: a word that some YAML readers take as true or false; write true or false, or quote the word",
    "2:34 x[5]: an empty value; write a value, or leave the key out",
    "2:37 x[6]: an empty value; write a value, or leave the key out",
    "2:43 x[7]: a number with leading zeros, which some readers take as octal; write it without the zeros",
    "2:119 x[18].b[0][0]: a number with leading zeros, which some readers take as octal; write it without the zeros",
    '3:3 07: unknown key "07"; write one of: owner, store, defaults, protect, weight, brake, alerts, playbooks, approvals, blacklistip, heartbeat, clients, targets',
    "5:10 clients: no clients, so nobody can ask for anything; add one, such as `admin: { keys: […], scopes: [block, lift, read, admin] }`",
  ],
  ["a: 1\n---\nb: 2\n", "2:1 YAML: Source contains multiple documents; keep one document; delete the `---` line and what follows it"],
  ["%YAML 1.1\n---\na: 1\n", "1:1 a %YAML directive; delete the line; the file is read as YAML 1.2"],
  ["a: !x 1\n", "1:4 YAML: Unresolved tag: !x; remove the tag (!…)"],
  ["a: *b\n", "1:1 YAML: Unresolved alias (the anchor must be set before the alias): b; write repeated values out instead of using aliases (*name)"],
  ["\ta: 1\n", "1:1 YAML: Tabs are not allowed as indentation; indent with spaces"],
  ["a: 1\na: 2\n", "2:1 YAML: Map keys must be unique; keep one of the two and delete the other"],
  ["[1]: 2\n", "1:1 YAML: With stringKeys, all keys must be strings; write a plain name as the key"],
  ["a: 'x\n", "2:1 YAML: Missing closing 'quote; close the quote or bracket"],
  ["a: b: c\n", "1:4 YAML: Nested mappings are not allowed in compact mappings; correct the syntax here"],
  [
    "<<: { a: 1 }\n",
    '1:1 clients: "clients" is missing; add `clients: …`',
    '1:1 owner: "owner" is missing; add `owner: …`',
    '1:1 targets: "targets" is missing; add `targets: …`',
    '1:1 <<: unknown key "<<"; write the keys out; merge keys are not read',
  ],
  [
    "a: &a [1]\nb: *a\nc: !!set { x }\n",
    '1:1 clients: "clients" is missing; add `clients: …`',
    '1:1 owner: "owner" is missing; add `owner: …`',
    '1:1 targets: "targets" is missing; add `targets: …`',
    '1:1 a: unknown key "a"; write one of: owner, store, defaults, protect, weight, brake, alerts, playbooks, approvals, blacklistip, heartbeat, clients, targets',
    '2:1 b: unknown key "b"; write one of: owner, store, defaults, protect, weight, brake, alerts, playbooks, approvals, blacklistip, heartbeat, clients, targets',
    '3:1 c: unknown key "c"; write one of: owner, store, defaults, protect, weight, brake, alerts, playbooks, approvals, blacklistip, heartbeat, clients, targets',
  ],
  [
    "a: [[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]\n",
    '1:1 clients: "clients" is missing; add `clients: …`',
    '1:1 owner: "owner" is missing; add `owner: …`',
    '1:1 targets: "targets" is missing; add `targets: …`',
    '1:1 a: unknown key "a"; write one of: owner, store, defaults, protect, weight, brake, alerts, playbooks, approvals, blacklistip, heartbeat, clients, targets',
  ],
  ["a: [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]\n", "1:1 nested deeper than 20 levels; write it flatter"],
  ["3\n", "1:1 the file is not a map of keys; start with `owner: …` at the left margin"],
  ["# x\n", "1:1 the file is empty; copy portcullis.example.yaml and change it"],
  ["", "1:1 the file is empty; copy portcullis.example.yaml and change it"],
  ["a\n", "1:1 the file is not a map of keys; start with `owner: …` at the left margin"],
  ["- a\n", "1:1 the file is not a map of keys; start with `owner: …` at the left margin"],
];

describe("said of a configuration", () => {
  it.each(rows)("said: %j → %j", (from, to, ...problems) => {
    expect(saidOfChange(from, to)).toEqual(problems);
  });

  it.each(wholes)("said: %j", (text, ...problems) => {
    expect(saidOf(text)).toEqual(problems);
  });
});

describe("how many there may be", () => {
  const lines = (count: number, line: (at: number) => string) => Array.from({ length: count }, (_, at) => line(at)).join("");
  const key = (at: number) => `sha256:${String(at).padStart(64, "0")}`;
  const target = (at: number) =>
    `  t${at}: { kind: aws-nacl, region: eu-west-1, acl: acl-${String(at).padStart(17, "0")}, rules: { first: 1, last: 40, limit: 20 }, credentials: { accessKeyId: A_B, secretAccessKey: A_C } }\n`;
  const file = (clients: string, targets: string) => `owner: a\nclients:\n${clients}targets:${targets === "" ? " {}" : ""}\n${targets}`;
  const client = (at: number) => `  c${at}: { keys: ["${key(at)}"], scopes: [block] }\n`;
  const signer = (at: number) => `  c${at}: { secrets: [S_${at}], scopes: [block] }\n`;

  it("most: 64 clients, 16 targets, 16 signing secrets, and one more of each is told", () => {
    expect(saidOf(file(lines(64, client), ""))).toEqual([]);
    expect(saidOf(file(lines(65, client), ""))).toEqual(["2:1 clients: 65 clients; use at most 64"]);
    expect(saidOf(file(client(1), lines(16, target)))).toEqual([]);
    expect(saidOf(file(client(1), lines(17, target)))).toEqual(["4:1 targets: 17 targets; use at most 16 in one deployment"]);
    expect(saidOf(file(lines(16, signer), ""))).toEqual([]);
    expect(saidOf(file(lines(17, signer), ""))).toEqual(["2:1 clients: 17 signing secrets in all; use at most 16; keys have no such limit"]);
  });

  it("most: 262,144 characters", () => {
    const text = file(client(1), "");
    const filled = (count: number) => `${text}#${"x".repeat(count - text.length - 1)}`;
    expect(saidOf(filled(262_144))).toEqual([]);
    expect(saidOf(filled(262_145))).toEqual(["1:1 the file has 262145 characters; a file has at most 262144"]);
  });
});
