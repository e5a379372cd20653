// What is said of a configuration that is refused: where, what, and what to write instead, word for word. Clients, and who else may send.
import { describe, expect, it } from "vitest";
import { type Row, saidOfChange } from "./said.ts";

const rows: readonly Row[] = [
  [
    "clients:",
    "clients: {}\nx:",
    "4:10 clients: no clients, so nobody can ask for anything; add one, such as `admin: { keys: […], scopes: [block, lift, read, admin] }`",
    '5:1 x: unknown key "x"; write one of: owner, store, defaults, protect, weight, brake, alerts, playbooks, approvals, blacklistip, heartbeat, clients, targets',
  ],
  [
    "    from: [192.0.2.10]",
    "    targets: [aws-wob, aws-web]\n    from: [192.0.2.10]",
    '11:15 clients.detector.targets[0]: there is no target "aws-wob"; did you mean "aws-web"?',
  ],
  ["targets:", "blacklistip: { client: nobody }\ntargets:", '13:24 blacklistip.client: there is no client "nobody"; write one of: admin, detector'],
  ["targets:", "blacklistip: { client: detectr }\ntargets:", '13:24 blacklistip.client: there is no client "detectr"; did you mean "detector"?'],
  [
    "targets:",
    "blacklistip: { client: admin }\ntargets:",
    "5:3 clients.admin: has no `from`, and its key travels in a URL (blacklistip); add `from: […]` with the detector's own addresses",
    "5:3 clients.admin.longest: longer than 1h, and its key travels in a URL (blacklistip); write `longest: 1h` or less",
    "7:13 clients.admin.scopes: may do more than block, and its key travels in a URL (blacklistip); write `scopes: [block]`",
  ],
  ["targets:", "blacklistip: { client: detector }\ntargets:"],
  [
    "targets:",
    "    widest: { ipv6: 48 }\nblacklistip: { client: detector }\ntargets:",
    "13:13 clients.detector.widest: wider than a host, and its key travels in a URL (blacklistip); write { ipv4: 32, ipv6: 64 }, or leave it out",
  ],
  [
    "targets:",
    "    widest: { ipv4: 24 }\nblacklistip: { client: detector }\ntargets:",
    "13:13 clients.detector.widest: wider than a host, and its key travels in a URL (blacklistip); write { ipv4: 32, ipv6: 64 }, or leave it out",
  ],
  [
    '    keys: ["@b"]\n    scopes: [block]\n    from: [192.0.2.10]\n    longest: 1h',
    "    secrets: [S_ONE]\n    scopes: [block]\n    from: [192.0.2.10]\n    longest: 1h\nblacklistip: { client: detector }",
    "8:3 clients.detector: has no key, which blacklistip needs; run `npm run portcullis -- key detector`",
  ],
  [
    "    from: [192.0.2.10]\n    longest: 1h",
    "    longest: 1h\nblacklistip: { client: detector }",
    "8:3 clients.detector: has no `from`, and its key travels in a URL (blacklistip); add `from: […]` with the detector's own addresses",
  ],
  [
    "    longest: 1h",
    "    longest: 2h\nblacklistip: { client: detector }",
    "12:14 clients.detector.longest: longer than 1h, and its key travels in a URL (blacklistip); write `longest: 1h` or less",
  ],
  ["targets:", "    scopes2: 1\nblacklistip: { client: detector }\ntargets:", '13:5 clients.detector.scopes2: unknown key "scopes2"; did you mean "scopes"?'],
  [
    "targets:",
    '  s: { pathKeys: ["@c", "@c"], scopes: [block], widest: { ipv4: 24 }, longest: 2h }\ntargets:',
    "13:3 clients.s: has no `from`, and its secret travels in a URL (pathKeys); add `from: […]` with the sender's own addresses",
    "13:94 clients.s.pathKeys[1]: the same path secret as above; give every client a path secret of its own",
    "13:178 clients.s.scopes: has the scopes block, and its secret travels in a URL (pathKeys); write exactly one, an alert source: `scopes: [alert:generic]`",
    "13:195 clients.s.widest: wider than a host, and its secret travels in a URL (pathKeys); write { ipv4: 32, ipv6: 64 }, or leave it out",
    "13:218 clients.s.longest: longer than 1h, and its secret travels in a URL (pathKeys); write `longest: 1h` or less",
  ],
  [
    "targets:",
    '  s: { pathKeys: ["@c"], scopes: [alert:generic, alert:generic], from: [192.0.2.1], widest: { ipv6: 48 }, longest: 1h }\ntargets:',
    "13:162 clients.s.widest: wider than a host, and its secret travels in a URL (pathKeys); write { ipv4: 32, ipv6: 64 }, or leave it out",
  ],
  [
    "targets:",
    '  s: { pathKeys: ["@c"], scopes: 3, from: 3, widest: 3, longest: 3 }\ntargets:',
    "13:103 clients.s.scopes: 3 is not a list; write [item, item], or one item per line after a dash",
    "13:112 clients.s.from: 3 is not a list; write [item, item], or one item per line after a dash",
    "13:123 clients.s.widest: 3 is not a map of keys; write some of: ipv4, ipv6",
    "13:135 clients.s.longest: 3 has no unit of time; write a whole number and a unit: 90s, 15m, 4h or 7d",
  ],
  [
    "targets:",
    '  s: { pathKeys: ["@b"], scopes: [alert:generic], from: [192.0.2.1], longest: 1h }\n  t: { pathKeys: ["@b"], scopes: [alert:generic], from: [192.0.2.1], longest: 1h }\ntargets:',
    "13:19 clients.s.pathKeys[0]: is a key of client detector as well; make a secret of its own with `portcullis key NAME --path`",
    "14:19 clients.t.pathKeys[0]: is a key of client detector as well; make a secret of its own with `portcullis key NAME --path`",
    "14:19 clients.t.pathKeys[0]: the same path secret as client s; give every client a path secret of its own",
  ],
  [
    "targets:",
    '  s: { sns: { topics: ["arn:aws:sns:eu-west-1:123456789012:a", "arn:aws:sns:eu-west-1:123456789012:a"] }, scopes: [block] }\n  t: { sns: { topics: ["arn:aws:sns:eu-west-1:123456789012:a", 3] }, scopes: [alert:generic] }\ntargets:',
    "13:64 clients.s.sns.topics[1]: the same topic as above; give every client a topic of its own",
    "13:115 clients.s.scopes: has the scopes block, and a topic of SNS is one alert source (sns); write exactly one, an alert source: `scopes: [alert:generic]`",
    "14:64 clients.t.sns.topics[1]: 3 is not a topic; write its ARN, such as arn:aws:sns:eu-west-1:123456789012:alerts",
  ],
  [
    "targets:",
    '  s: { sns: { topics: ["arn:aws:sns:eu-west-1:123456789012:a"] }, scopes: [alert:generic] }\n  t: { sns: { topics: ["arn:aws:sns:eu-west-1:123456789012:a"] }, scopes: [alert:generic] }\ntargets:',
    "14:24 clients.t.sns.topics[0]: the same topic as client s; give every client a topic of its own",
  ],
  [
    "defaults: { for: 4h }",
    "defaults: { for: 2h, shortest: 2h }",
    "12:14 clients.detector.longest: shorter than `defaults.shortest`; make it longer, or `shortest` shorter",
  ],
  [
    "defaults: { for: 4h }",
    "defaults: { for: 3h, shortest: 2h }",
    "12:14 clients.detector.longest: shorter than `defaults.shortest`; make it longer, or `shortest` shorter",
  ],
  [
    "targets:",
    "  s: { sns: { topics: [3, x] }, scopes: [alert:generic] }\ntargets:",
    "13:24 clients.s.sns.topics[0]: 3 is not a topic; write its ARN, such as arn:aws:sns:eu-west-1:123456789012:alerts",
    '13:27 clients.s.sns.topics[1]: "x" is not the ARN of a standard SNS topic; write it as SNS shows it, such as arn:aws:sns:eu-west-1:123456789012:alerts',
  ],
  [
    '    keys: ["@b"]',
    '    keys: ["x@b", "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB", "@b0", 3]',
    "9:12 clients.detector.keys[0]: this looks like a key itself, not its digest; treat it as leaked: make a new one with `portcullis key NAME` and write the sha256: line it prints",
    "9:88 clients.detector.keys[1]: 64 hex digits without `sha256:`: a digest, or a key that must not be here; if it is a digest, write sha256: before it; if it is the key, treat it as leaked and make a new one with `portcullis key NAME`",
    "9:156 clients.detector.keys[2]: not sha256: and 64 lower-case hex digits; copy the line that `portcullis key NAME` prints",
    "9:232 clients.detector.keys[3]: not the digest of a key; write sha256: and 64 hex digits, as `portcullis key NAME` prints them",
  ],
];

describe("said of clients", () => {
  it.each(rows)("said: %j → %j", (from, to, ...problems) => {
    expect(saidOfChange(from, to)).toEqual(problems);
  });
});
