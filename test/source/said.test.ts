// What web firewalls, sensors and alert managers say by one field: who was shut out, which way, how grave, and what is no attack.
import { describe, expect, it } from "vitest";
import { withSamples } from "./samples.ts";
import { ends, entryOf, eventOf, inside, more, plain, them, us } from "./told.ts";

describe("aws-waf-logs", () => {
  const httpRequest = { clientIp: them, requestId: "1", httpMethod: "GET", uri: "/" };
  const record = (rest: object = {}) => ({ terminatingRuleId: "r", action: "BLOCK", httpRequest, ...rest });

  it("read: what a rule blocked, with the rules inside of a group", () => {
    const group = (ruleId?: string) => ({ terminatingRule: ruleId === undefined ? null : { ruleId } });
    const event = eventOf("aws-waf-logs", record({ ruleGroupList: [group("a"), group(), group("b")], labels: [{ name: "x" }, { name: "y" }] }));
    expect([event.id, event.type, event.actor.addresses]).toEqual(["aws-waf-logs/1/r", "r/a b", [`${them}/32`]]);
    expect(event.evidence).toMatchObject({ labels: "x y", rule: "r" });
    expect(eventOf("aws-waf-logs", record()).type).toBe("r");
  });

  it("read: a rate, the host that was asked for, and fingerprints", () => {
    const headers = [
      { name: "Accept", value: "a" },
      { name: "Host", value: "example.com" },
    ];
    const event = eventOf(
      "aws-waf-logs",
      record({ terminatingRuleType: "RATE_BASED", httpRequest: { ...httpRequest, headers }, ja3Fingerprint: "3", ja4Fingerprint: "4" }),
    );
    expect([event.category, event.evidence]).toMatchObject(["denial-of-service", { "http.host": "example.com", ja3: "3", ja4: "4" }]);
    expect(eventOf("aws-waf-logs", record({ terminatingRuleType: "REGULAR" })).category).toBe("web-attack");
  });

  it("read: without an id of the request the record is its own name", () => {
    expect(eventOf("aws-waf-logs", record({ httpRequest: { clientIp: them } })).id).toMatch(/^aws-waf-logs\/sha256-/);
  });

  it("read: what was not blocked, or by no rule, is no attack; what is no record is refused", () => {
    expect(entryOf("aws-waf-logs", record({ action: "ALLOW" }))).toMatchObject({ because: "not-an-attack", reason: "r ended with ALLOW: nothing was blocked" });
    expect(entryOf("aws-waf-logs", record({ terminatingRuleId: "Default_Action" }))).toMatchObject({ because: "not-an-attack" });
    for (const message of [{ httpRequest }, { terminatingRuleId: "r" }, {}]) expect(entryOf("aws-waf-logs", message)).toMatchObject({ kind: "invalid" });
  });
});

describe("cloudflare", () => {
  const row = (rest: object) => ({ ClientIP: them, Action: "block", RayID: "1", ...rest });

  it.each(["block", "drop", "connection_close", "force_connection_close", "connectionClose", "forceConnectionClose"])(
    "read: %s shut somebody out",
    (Action) => {
      expect(eventOf("cloudflare", row({ Action })).actor.addresses).toEqual([`${them}/32`]);
      expect(eventOf("cloudflare", { ClientIP: them, SecurityAction: Action }).actor.addresses).toEqual([`${them}/32`]);
    },
  );

  it.each([
    ["challenge", "challenge"],
    ["", "none"],
  ])("read: %s shut nobody out", (Action, shown) => {
    expect(entryOf("cloudflare", row({ Action }))).toMatchObject({ because: "not-an-attack", reason: `the action is ${shown}: nobody was shut out` });
  });

  it("read: rule, words, ends and facts of a row, of either data set", () => {
    const facts = { BotScore: 1, WAFAttackScore: 2, ClientRequestURI: "/a" };
    const event = eventOf("cloudflare", row({ RuleID: "9", Source: "firewall", OriginIP: us, EdgeServerIP: more, ZoneName: "z", ...facts }));
    expect([event.id, event.type, plain(event.victim.addresses)]).toEqual(["cloudflare/1/9/firewall", "firewall/9", [us, more]]);
    expect(event).toMatchObject({ resources: [{ kind: "zone", id: "z" }], evidence: { botScore: 1, attackScore: 2, "http.path": "/a" } });
    const request = eventOf("cloudflare", { ClientIP: them, WAFAction: "drop", WAFRuleID: "8", WAFRuleMessage: "m", ClientRequestHost: "h" });
    expect([request.type, request.title, request.resources]).toEqual(["waf/8", "m", [{ kind: "zone", id: "h" }]]);
    expect(request.id).toMatch(/^cloudflare\/sha256-/);
    expect(eventOf("cloudflare", row({})).type).toBe("waf");
  });

  it("read: a notification tells what is attacked, never by whom", () => {
    const data = { severity: "high", target_ip: us, target_ips: [more], zone_name: "z", attack_id: "a", attack_type: "t" };
    const message = { text: "t", data, alert_type: "dos", account_id: "1", policy_name: "p", ts: 1_764_100_000 };
    expect(eventOf("cloudflare", message)).toMatchObject({
      id: "cloudflare/dos/a",
      type: "dos",
      severity: "high",
      actor: { addresses: [] },
      victim: { addresses: [`${us}/32`, `${more}/32`] },
      resources: [{ kind: "zone", id: "z", account: "1" }],
      evidence: { policy: "p", attackType: "t" },
    });
    const named = eventOf("cloudflare", { text: "t", name: "n", data: { target_hostname: "h" }, policy_id: "p" });
    expect([named.id, named.type, named.resources]).toEqual(["cloudflare/n/p/t", "n", [{ kind: "zone", id: "h" }]]);
  });

  it("read: a text beside data, a type or a time is a notification, and nothing else is", () => {
    for (const rest of [{ data: {} }, { alert_type: "a" }, { ts: 1 }]) expect(entryOf("cloudflare", { text: "t", ...rest })?.kind).toBe("event");
    for (const message of [{ text: "t" }, { text: 5, ts: 1 }, { ts: 1 }, { data: {} }])
      expect(entryOf("cloudflare", message)).toMatchObject({ kind: "invalid", field: "ClientIP" });
  });
});

describe("suricata", () => {
  const line = (rest: object, alert: object = {}) => ({ event_type: "alert", alert: { signature: "s", ...alert }, ...rest });
  const pair = { src_ip: them, dest_ip: us };
  const hostile = { category: "Malware Command and Control Activity Detected" };

  it.each<[string, object, readonly unknown[]]>([
    ["a packet between strangers", line(pair), [null, [them], [us]]],
    ["an answer between strangers", line({ ...pair, direction: "to_client" }), [null, [], []]],
    ["a packet that came in", line({ src_ip: them, dest_ip: inside }), ["inbound", [them], [inside]]],
    ["an answer to one that came in", line({ src_ip: inside, dest_ip: them, direction: "to_client" }), ["inbound", [them], [inside]]],
    ["a packet of ours", line({ src_ip: inside, dest_ip: them }), ["outbound", [], [inside]]],
    ["a packet of ours to something hostile", line({ src_ip: inside, dest_ip: them }, hostile), ["outbound", [them], [inside]]],
    ["a flow before its packet", line({ ...pair, flow: { src_ip: more, dest_ip: inside } }), ["inbound", [more], [inside]]],
    ["a rule that says who", line(pair, { source: { ip: more }, target: { ip: inside } }), ["inbound", [more], [inside]]],
    ["a rule that says half", line(pair, { source: { ip: more } }), [null, [them], [us]]],
    ["a rule that says the other half", line(pair, { target: { ip: more } }), [null, [them], [us]]],
  ])("ends: %s", (_what, message, expected) => {
    expect(ends("suricata", message)).toEqual(expected);
  });

  it.each([
    "trojan",
    "malware",
    "command-and-control",
    "command & control",
    "c2",
    "cryptocurrency",
    "crypto-currency",
    "coinmining",
    "coin miner",
    "exploit kit",
    "phishing",
    "credential theft",
  ])("ends: of class %s the far end of our own connection is hostile", (category) => {
    expect(ends("suricata", line({ src_ip: inside, dest_ip: them }, { category }))[1]).toEqual([them]);
  });

  it.each([
    [0, "high"],
    [1, "high"],
    [2, "medium"],
    [3, "low"],
    [undefined, "medium"],
  ])("read: a severity of %s is %s", (severity, is) => {
    expect(eventOf("suricata", line(pair, { severity })).severity).toBe(is);
  });

  it("read: the line as a shipper posts it, and its host", () => {
    const text = JSON.stringify(line(pair));
    for (const message of [{ message: text }, { event: { original: text } }]) expect(eventOf("suricata", message).actor.addresses).toEqual([`${them}/32`]);
    expect(eventOf("suricata", line({ ...pair, host: "h", message: '{"a":1}' }, { metadata: { attack_target: ["a", "b"] } }))).toMatchObject({
      resources: [{ kind: "host", id: "h" }],
      evidence: { attackTarget: "a b" },
    });
    expect(entryOf("suricata", { message: "5" })).toMatchObject({ kind: "invalid", field: "event_type" });
  });

  it("read: what is no alert", () => {
    for (const message of [{ event_type: "flow", alert: {} }, { event_type: "alert" }])
      expect(entryOf("suricata", message)).toMatchObject({ because: "not-an-attack" });
  });
});

describe("alertmanager", () => {
  const alert = (labels: object, rest: object = {}) => ({ labels: { alertname: "a", ...labels }, ...rest });

  it.each([
    ["198.51.100.4:9100", ["198.51.100.4"]],
    ["198.51.100.44", ["198.51.100.44"]],
    ["[2001:db8::1]:9100", ["2001:db8::1"]],
    ["host:9100", []],
    ["x198.51.100.4:9100", []],
    ["198.51.100.4:9100x", []],
    ["x198.51.100.4", []],
    ["198.51.100.4x", []],
    ["", []],
  ])("ends: the instance %j is ours", (instance, victims) => {
    expect(ends("alertmanager", alert({ src_ip: them, instance }))).toEqual([null, [them], victims]);
    expect(entryOf("alertmanager", alert({ instance }))?.kind).toBe("event");
  });

  it("read: pods, words and services", () => {
    const event = eventOf("alertmanager", alert({ pod: "p", namespace: "n", service: "s" }, { annotations: { description: "d" } }));
    expect(event).toMatchObject({ title: "d", resources: [{ kind: "pod", id: "p", namespace: "n" }], evidence: { service: "s" } });
  });

  it("read: what always fires is no event; an alert has a name", () => {
    for (const alertname of ["Watchdog", "DeadMansSwitch"])
      expect(entryOf("alertmanager", alert({ alertname }))).toMatchObject({ kind: "ignored", because: "sample" });
    for (const message of [{}, { labels: {} }, { labels: "a" }]) expect(entryOf("alertmanager", message)).toMatchObject({ kind: "invalid", field: "labels" });
  });
});

describe("macie", () => {
  const finding = (rest: object = {}) => ({ id: "1", type: "t", resourcesAffected: { s3Bucket: { name: "b" }, s3Object: { path: "p" } }, ...rest });

  it.each([
    [{ description: "High" }, "high"],
    [{ score: 3 }, "high"],
    [{ score: 2 }, "medium"],
    [{ score: 1 }, "low"],
    [{ description: "Low", score: 3 }, "low"],
  ])("read: a severity of %j is %s", (severity, is) => {
    expect(eventOf("macie", finding({ severity })).severity).toBe(is);
  });

  it.each([
    [{ iamUser: { userName: "u" } }, "u"],
    [{ assumedRole: { arn: "r" } }, "r"],
    [{ root: { arn: "root" } }, "root"],
    [{}, undefined],
  ])("read: who changed it: %j", (userIdentity, user) => {
    const event = eventOf("macie", finding({ policyDetails: { actor: { userIdentity, ipAddressDetails: { ipAddressV4: them } } } }));
    expect([event.actor, event.evidence["actor.ip"]]).toEqual([{ addresses: [], ...(user === undefined ? {} : { user }) }, them]);
  });

  it("read: bucket and object, samples, and what is done with", () => {
    expect(eventOf("macie", finding({ sample: true }))).toMatchObject({
      sample: true,
      resources: [
        { kind: "bucket", id: "b" },
        { kind: "object", id: "p" },
      ],
    });
    expect(entryOf("macie", finding({ archived: true }))).toMatchObject({ because: "archived", reason: "finding 1 is archived or suppressed in Macie" });
    for (const message of [{ type: "t" }, { resourcesAffected: { s3Bucket: {} } }])
      expect(entryOf("macie", message)).toMatchObject({ kind: "invalid", field: "type" });
  });
});

describe("wazuh", () => {
  const alert = (rest: object, rule: object = {}) => ({ id: "1", rule: { level: 7, id: "5", description: "d", ...rule }, ...rest });

  it("read: attackers and ours, by each of their names", () => {
    expect(ends("wazuh", alert({ data: { src_ip: them, dstip: us } }))).toEqual([null, [them], [us]]);
    expect(ends("wazuh", alert({ data: { win: { eventdata: { ipAddress: them } }, dest_ip: us } }))).toEqual([null, [them], [us]]);
    expect(ends("wazuh", alert({ data: { srcip: them }, agent: { ip: us } }))).toEqual(["inbound", [them], [us]]);
  });

  it("read: names, users and ports", () => {
    const event = eventOf("wazuh", alert({ data: { dstuser: "u", srcuser: "v", dstport: "22" }, agent: { id: "7" } }, { mitre: { id: ["a", "b"] } }));
    expect(event).toMatchObject({
      type: "5 d",
      actor: { user: "u" },
      resources: [{ kind: "host", id: "7" }],
      evidence: { "destination.port": "22", mitre: "a b" },
    });
    expect(eventOf("wazuh", alert({}, { id: "" })).type).toBe("d");
  });

  it.each([
    [4, [], "ignored"],
    [5, [], "event"],
    [9, ["authentication_success"], "ignored"],
    [10, ["authentication_success"], "event"],
  ])("read: level %i of %j is %s", (level, groups, kind) => {
    expect(entryOf("wazuh", alert({}, { level, groups }))?.kind).toBe(kind);
  });

  it("read: there must be a rule with a level", () => {
    for (const message of [{}, { rule: {} }, { rule: 5 }]) expect(entryOf("wazuh", message)).toMatchObject({ kind: "invalid", field: "rule" });
  });
});

describe("cloud custodian and mapped messages", () => {
  it("read: a finding inside is read as that, but only one that is whole", () => {
    const detail = { id: "1", type: "Recon:EC2/x", service: { action: { awsApiCallAction: { remoteIpDetails: { ipAddressV4: them } } } } };
    expect(eventOf("custodian", { policy: { name: "p" }, event: { detail } })).toMatchObject({ type: "Recon:EC2/x", actor: { addresses: [`${them}/32`] } });
    for (const part of [
      { ...detail, type: "" },
      { ...detail, service: 5 },
    ])
      expect(eventOf("custodian", { policy: "p", event: { detail: part } }).type).toBe("p");
  });

  it("read: resources that broke a policy", () => {
    const event = eventOf("custodian", { policy: { name: "p", resource: "ec2" }, resources: [{ InstanceId: "i" }, { odd: 1 }], action: { subject: "s" } });
    expect([event.title, event.resources]).toEqual(["s", [{ kind: "ec2", id: "i" }]]);
    expect(eventOf("custodian", { resource: { name: "n" } }).resources).toEqual([{ kind: "resource", id: "n" }]);
    expect(eventOf("custodian", { policy: "p" }).type).toBe("p");
    expect(entryOf("custodian", {})).toMatchObject({ kind: "invalid", field: "ip" });
  });

  it("read: a document is named by its index and its id together, and by its id alone where there is no index", () => {
    const [ip] = withSamples.mapping.ip;
    const id = (document: object) => eventOf("elastalert", { [ip ?? ""]: them, ...document }).id;
    expect([id({ _index: "i", _id: "d" }), id({ _id: "d" })]).toEqual(["elastalert/i/d", "elastalert/d"]);
    expect(id({ _index: "i" })).toMatch(/^elastalert\/sha256-/);
    expect(entryOf("elastalert", {})).toMatchObject({ kind: "invalid", field: ip });
  });
});
