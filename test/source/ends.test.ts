// Which end of a connection is the attacker and which is ours, source by source, from the least message that tells; and what else a source
// says by one field. A wrong answer blocks ourselves.
import { describe, expect, it } from "vitest";
import { crowdsec, goDurationMs } from "../../shared/source/crowdsec.ts";
import { falco } from "../../shared/source/falco.ts";
import { guardduty } from "../../shared/source/guardduty.ts";
import { securityhub } from "../../shared/source/securityhub.ts";
import { rules } from "./samples.ts";
import { ends, entryOf, eventOf, inside, more, plain, them, us } from "./told.ts";

describe("falco", () => {
  const alert = (fields: object, rest: object = {}) => ({ rule: "r", time: "2026-01-02T03:04:05.000000006Z", output_fields: fields, ...rest });
  const pair = { "fd.cip": them, "fd.sip": us };

  it.each<[string, object, string | null, readonly string[], readonly string[]]>([
    ["accept", { ...pair, "evt.type": "accept" }, "inbound", [them], [us]],
    ["accept4", { ...pair, "evt.type": "accept4" }, "inbound", [them], [us]],
    ["connect", { ...pair, "evt.type": "connect" }, "outbound", [us], [them]],
    ["another call", { ...pair, "evt.type": "reaccept" }, null, [], []],
    ["a server", { ...pair, "fd.is_server": true }, "inbound", [them], [us]],
    ["a client", { ...pair, "fd.is_server": false }, "outbound", [us], [them]],
    ["a server, as text", { ...pair, "fd.is_server": "true" }, "inbound", [them], [us]],
    ["a client, as text", { ...pair, "fd.is_server": "false" }, "outbound", [us], [them]],
    ["neither, as text", { ...pair, "fd.is_server": "no" }, null, [], []],
    ["our end serves", { ...pair, "fd.lip": us }, "inbound", [them], [us]],
    ["our end calls", { ...pair, "fd.lip": them }, "outbound", [us], [them]],
    ["their end calls", { ...pair, "fd.rip": them }, "inbound", [them], [us]],
    ["their end serves", { ...pair, "fd.rip": us }, "outbound", [us], [them]],
    ["ends that are neither", { ...pair, "fd.lip": inside, "fd.rip": more }, null, [more], [inside]],
    ["one address at both ends", { "fd.cip": us, "fd.sip": us, "fd.lip": us }, null, [], [us]],
    ["an inner client", { "fd.cip": inside, "fd.sip": them }, "outbound", [them], [inside]],
    ["an inner server", { "fd.cip": them, "fd.sip": inside }, "inbound", [them], [inside]],
    ["only a client", { "fd.cip": them }, null, [them], []],
    ["only a server", { "fd.sip": them, "fd.lip": us }, null, [them], [us]],
    ["only a far end", { "fd.rip": them, "fd.lip": us }, null, [them], [us]],
    ["a far end of a connection that came in", { ...pair, "fd.rip": more, "fd.lip": inside, "evt.type": "accept" }, "inbound", [more], [inside, us]],
    ["a far end of one that went out", { ...pair, "fd.rip": more, "fd.lip": inside, "evt.type": "connect" }, "outbound", [more], [inside, them]],
    ["no ends", {}, null, [], []],
  ])("ends: %s", (_what, fields, direction, attackers, victims) => {
    expect(ends(falco, alert(fields))).toEqual([direction, attackers, victims]);
  });

  it("read: resources that are named, and nothing where Falco says <NA>", () => {
    const named = { "k8s.pod.name": "p", "k8s.ns.name": "n", "container.id": "c" };
    expect(eventOf(falco, alert(named, { hostname: "h" })).resources).toEqual([
      { kind: "pod", id: "p", namespace: "n" },
      { kind: "container", id: "c" },
      { kind: "host", id: "h" },
    ]);
    expect(eventOf(falco, alert({ "k8s.pod.name": "<NA>", "container.id": "" })).resources).toEqual([]);
  });

  it("read: its name, with its number; without a time its contents", () => {
    const fields = { "fd.name": "f", "evt.num": 5 };
    expect(eventOf(falco, alert(fields, { hostname: "h" })).id).toBe("falco/r/2026-01-02T03:04:05.000000006Z/h/f/5");
    expect(eventOf(falco, { rule: "r", output_fields: fields }).id).toMatch(/^falco\/sha256-/);
  });

  it("read: its own test, what it says of itself, and what is no alert", () => {
    const test = { rule: "Test rule", output: "This is a test from falcosidekick" };
    expect(eventOf(falco, test).sample).toBe(true);
    expect(eventOf(falco, { ...test, rule: "r" }).sample).toBe(false);
    expect(eventOf(falco, { ...test, output: `No: ${test.output}` }).sample).toBe(false);
    expect(entryOf(falco, { rule: "Falco internal: x" })).toMatchObject({
      kind: "ignored",
      because: "not-an-attack",
      reason: "Falco internal: x: Falco speaks of itself",
    });
    expect(entryOf(falco, { rule: "Not Falco internal: x" })).toMatchObject({ kind: "event" });
    expect(entryOf(falco, {})).toMatchObject({ kind: "invalid", field: "rule" });
    expect(eventOf(falco, alert({ "ct.srcip": them })).evidence).toMatchObject({ "ct.srcip": them });
  });
});

describe("guardduty", () => {
  const remote = { remoteIpDetails: { ipAddressV4: them } };
  const finding = (service: object, rest: object = {}) => ({ id: "1", type: "Recon:EC2/x", service, ...rest });
  const connection = (connectionDirection: string) => ({ networkConnectionAction: { ...remote, connectionDirection, localIpDetails: { ipAddressV4: us } } });

  it.each<[string, object, string | null, readonly string[]]>([
    ["a connection that came in", { action: connection("INBOUND") }, "inbound", [them]],
    ["one of which it is not known", { action: connection("UNKNOWN") }, null, [them]],
    ["one that went out", { action: connection("outbound") }, "outbound", []],
    ["a connection of which ours is the actor", { action: connection("INBOUND"), resourceRole: "Actor" }, "inbound", []],
    ["a connection of which ours is the target", { action: connection("INBOUND"), resourceRole: "TARGET" }, "inbound", [them]],
  ])("ends: %s", (_what, service, direction, attackers) => {
    expect(ends(guardduty, finding(service))).toEqual([direction, attackers, [us]]);
  });

  it("ends: the far end of a connection of ours is hostile where the finding's type says so", () => {
    const type = "Backdoor:EC2/C&CActivity.B";
    expect(ends(guardduty, finding({ action: connection("OUTBOUND"), resourceRole: "ACTOR" }, { type }))).toEqual(["outbound", [them], [us]]);
  });

  it.each<[string, object, readonly string[]]>([
    ["an API call", { awsApiCallAction: remote }, [them]],
    ["a call to a cluster", { kubernetesApiCallAction: remote }, [them]],
    ["a call to a cluster from one address", { kubernetesApiCallAction: { sourceIPs: [them] } }, [them]],
    ["the same in the other spelling", { kubernetesApiCallAction: { sourceIps: [them] } }, [them]],
    ["a call through proxies", { kubernetesApiCallAction: { sourceIPs: [them, us] } }, []],
    ["a login to a database", { rdsLoginAttemptAction: remote }, [them]],
    ["port probes", { portProbeAction: { portProbeDetails: [remote, { remoteIpDetails: { ipAddressV6: "2001:db8::1" } }] } }, [them, "2001:db8::1"]],
  ])("ends: %s", (_what, action, attackers) => {
    expect(ends(guardduty, finding({ action }))[1]).toEqual(attackers);
  });

  it("read: through which addresses a call to a cluster came, in either spelling", () => {
    for (const name of ["sourceIPs", "sourceIps"]) {
      const { evidence } = eventOf(guardduty, finding({ action: { kubernetesApiCallAction: { [name]: [them, us] } } }));
      expect(evidence).toMatchObject({ "kubernetes.sourceIPs": `${them} ${us}` });
    }
  });

  it("ends: of a sequence, the endpoints that came in; its resources are ours", () => {
    const connected = (ip: string, direction: string) => ({ ip, connection: { direction } });
    const sequence = {
      endpoints: [connected(them, "INBOUND"), connected(more, "OUTBOUND"), { ip: us }],
      resources: [{ data: { ec2NetworkInterface: { publicIp: us, privateIpAddresses: [{ privateIpAddress: inside }] } } }],
    };
    expect(ends(guardduty, finding({ detection: { sequence } }))).toEqual([null, [them], [us, inside]]);
  });

  it("read: resources by their own names, when, who and with what", () => {
    const resource = {
      containerDetails: { id: "c" },
      lambdaDetails: { functionName: "f" },
      s3BucketDetails: [{ name: "b" }, { name: "" }],
      instanceDetails: { instanceId: "i" },
      accessKeyDetails: { accessKeyId: "k", userName: "u" },
    };
    const runtimeDetails = { process: { name: "p" } };
    const event = eventOf(guardduty, finding({ runtimeDetails }, { resource, updatedAt: "2026-01-02T03:04:05Z", accountId: "1", region: "eu" }));
    const where = { account: "1", region: "eu" };
    expect(event.resources).toEqual(
      [
        ["instance", "i"],
        ["access-key", "k"],
        ["user", "u"],
        ["container", "c"],
        ["function", "f"],
        ["bucket", "b"],
      ].map(([kind, id]) => ({ kind, id, ...where })),
    );
    expect([event.at, event.actor.user, event.actor.process]).toEqual([Date.UTC(2026, 0, 2, 3, 4, 5), "u", "p"]);
  });

  it("read: its ARN where there is no id; a type and a service there must be", () => {
    expect(eventOf(guardduty, { arn: "arn:x", type: "T", service: {} }).id).toBe("guardduty/arn:x");
    for (const message of [{ type: "T" }, { service: {} }, { type: "", service: {} }])
      expect(entryOf(guardduty, message)).toMatchObject({ kind: "invalid", field: "type" });
    expect(entryOf(guardduty, finding({ archived: true }))).toMatchObject({ kind: "ignored", because: "archived" });
  });
});

describe("securityhub", () => {
  const finding = (rest: object) => ({ Id: "1", ProductArn: "arn", Types: ["TTPs/Discovery/Recon"], ...rest });
  const network = (Direction: string) => ({ Direction, SourceIpV4: them, DestinationIpV4: us });
  const action = { NetworkConnectionAction: { RemoteIpDetails: { IpAddressV4: more }, LocalIpDetails: { IpAddressV4: inside } } };
  const fields = (...entries: readonly (readonly [string, string])[]) => ({
    ProductFields: Object.fromEntries(entries.map(([name, value]) => [`aws/guardduty/service/${name}`, value])),
  });

  it.each<[string, object, string | null, readonly string[], readonly string[]]>([
    ["what came in", { Network: network("IN") }, "inbound", [them], [us]],
    ["what went out", { Network: network("OUT") }, "outbound", [], [them]],
    ["what went no known way", { Network: network("ABOUT") }, null, [], []],
    ["what came no known way", { Network: network("MAIN") }, null, [], []],
    ["an action", { Action: action }, null, [more], [inside]],
    [
      "probes",
      { Action: { PortProbeAction: { PortProbeDetails: [{ RemoteIpDetails: { IpAddressV6: "2001:db8::1" }, LocalIpDetails: { IpAddressV4: us } }] } } },
      "inbound",
      ["2001:db8::1"],
      [us],
    ],
    [
      "an instance's addresses",
      { Action: action, Resources: [{ Details: { AwsEc2Instance: { IpV4Addresses: [us], IpV6Addresses: ["2001:db8::2"] } } }] },
      null,
      [more],
      [us, "2001:db8::2", inside],
    ],
    ["fields of GuardDuty", fields(["action/remoteIpDetails/ipAddressV4", them], ["action/localIpDetails/ipAddressV4", us]), null, [them], [us]],
    ["fields of GuardDuty, ours the actor", fields(["action/remoteIpDetails/ipAddressV4", them], ["resourceRole", "ACTOR"]), null, [], []],
    ["fields of GuardDuty, a way out", fields(["action/remoteIpDetails/ipAddressV4", them], ["action/x/connectionDirection", "OUTBOUND"]), "outbound", [], []],
    ["the same fields of somebody else", { ProductFields: { "other/remoteIpDetails/ipAddressV4": them } }, null, [], []],
  ])("ends: %s", (_what, rest, direction, attackers, victims) => {
    expect(ends(securityhub, finding(rest))).toEqual([direction, attackers, victims]);
  });

  it("ends: the far end of what went out is hostile where the types say so", () => {
    expect(ends(securityhub, finding({ Network: network("OUT"), Types: ["TTPs/Command and Control/x"] }))).toEqual(["outbound", [us], [them]]);
  });

  it.each([
    ["AwsEc2Instance", "arn:aws:ec2:eu:1:instance/i-1", "instance", "i-1"],
    ["AwsS3Bucket", "arn:aws:s3:::b", "bucket", "b"],
    ["AwsIamAccessKey", "AWS::IAM::AccessKey:k", "access-key", "k"],
    ["AwsIamUser", "arn:aws:iam::1:user/u", "user", "u"],
    ["AwsEksCluster", "arn:aws:eks:eu:1:cluster/c", "cluster", "c"],
    ["AwsRdsDbInstance", "arn:aws:rds:eu:1:db:d", "database", "d"],
    ["AwsLambdaFunction", "arn:aws:lambda:eu:1:function:f", "function", "f"],
    ["Container", "c", "container", "c"],
    ["Other", "a/b", "other", "a/b"],
    ["", "a/b", "resource", "a/b"],
    ["AwsS3Bucket", "b/", "bucket", "b/"],
  ])("read: a resource of type %s", (Type, Id, kind, id) => {
    expect(eventOf(securityhub, finding({ Resources: [{ Type, Id }], Region: "eu", AwsAccountId: "1" })).resources).toEqual([
      { kind, id, account: "1", region: "eu" },
    ]);
    expect(eventOf(securityhub, finding({ Resources: [{ Type, Id, Region: "us" }], Region: "eu" })).resources).toEqual([{ kind, id, region: "us" }]);
  });

  it.each<[string, object, string]>([
    ["90", { Severity: { Normalized: 90 } }, "critical"],
    ["70", { Severity: { Normalized: 70 } }, "high"],
    ["40", { Severity: { Normalized: 40 } }, "medium"],
    ["39", { Severity: { Normalized: 39 } }, "low"],
    ["a label before a number", { Severity: { Normalized: 90, Label: "LOW" } }, "low"],
    ["nothing", {}, rules.severity],
  ])("read: a severity of %s", (_what, rest, severity) => {
    expect(eventOf(securityhub, finding(rest)).severity).toBe(severity);
  });

  it("read: what it is called, and by whom", () => {
    const named = (rest: object) => eventOf(securityhub, finding({ Types: [], ...rest }));
    expect([named({ GeneratorId: "g" }).type, named({}).type, named({ Types: ["a", "b"] }).type]).toEqual(["g", "finding", "a"]);
    expect([named({}).sample, named({ Sample: true }).sample, named(fields(["additionalInfo/sample", "true"])).sample]).toEqual([false, true, true]);
    expect(named({ Process: { Name: "p" } }).actor.process).toBe("p");
    const check = "Software and Configuration Checks/Malware";
    expect([named({ Types: [check] }).category, named({ Types: [check, "TTPs/Malware"] }).category, named({ GeneratorId: "malware" }).category]).toEqual([
      "other",
      "malware",
      "malware",
    ]);
  });

  it("read: what is done with is ignored, and what is no finding refused", () => {
    const because = "archived";
    expect(entryOf(securityhub, finding({ RecordState: "ARCHIVED" }))).toMatchObject({ because, reason: "1 is archived" });
    expect(entryOf(securityhub, finding({ Workflow: { Status: "SUPPRESSED" } }))).toMatchObject({ because, reason: "1 is suppressed in Security Hub" });
    expect(entryOf(securityhub, finding({ Workflow: { Status: "RESOLVED" } }))).toMatchObject({ because, reason: "1 is resolved in Security Hub" });
    expect(entryOf(securityhub, finding({ Workflow: { Status: "NEW" } }))).toMatchObject({ kind: "event" });
    for (const message of [{ Id: "1" }, { ProductArn: "arn" }, {}]) expect(entryOf(securityhub, message)).toMatchObject({ kind: "invalid", field: "Id" });
  });
});

describe("crowdsec", () => {
  const alert = (rest: object) => ({ uuid: "1", scenario: "s", source: { scope: "Ip", value: them }, ...rest });
  const ban = (value: string, duration: string, rest: object = {}) => ({ type: "ban", scope: "Ip", value, duration, ...rest });

  it.each<[string, object, readonly string[], number | null]>([
    ["no decisions", {}, [them], null],
    ["a ban", { decisions: [ban(more, "1h")] }, [more], 3_600_000],
    ["bans of different length", { decisions: [ban(more, "1h"), ban(them, "2h"), ban(us, "3m")] }, [more, them, us], 7_200_000],
    ["a captcha", { decisions: [{ type: "captcha", scope: "Ip", value: more, duration: "9h" }] }, [], null],
    ["a ban that is simulated beside one that is not", { decisions: [ban(more, "1h"), ban(them, "9h", { simulated: true })] }, [more], 3_600_000],
    ["a ban of a country", { decisions: [ban("DE", "1h", { scope: "Country" })] }, [], 3_600_000],
    ["a ban that is over", { decisions: [ban(more, "-1s")] }, [more], null],
    ["decisions that are none", { decisions: [5, ban(more, "1h")] }, [more], 3_600_000],
    ["nothing but what is no decision", { decisions: [5] }, [them], null],
  ])("ends: %s", (_what, rest, attackers, forMs) => {
    const event = eventOf(crowdsec, alert(rest));
    expect([plain(event.actor.addresses), event.forMs]).toEqual([attackers, forMs]);
  });

  it("read: simulations are ignored, tests are samples, and a scenario and a source there must be", () => {
    expect(entryOf(crowdsec, alert({ decisions: [ban(them, "1h", { simulated: true })] }))).toMatchObject({
      because: "simulated",
      reason: "s is in simulation mode",
    });
    expect(["test alert", "test_alert", "a test alert"].map((scenario) => eventOf(crowdsec, alert({ scenario })).sample)).toEqual([true, true, false]);
    for (const rest of [{ scenario: "" }, { source: 5 }, { scenario: 5, source: 5 }])
      expect(entryOf(crowdsec, alert(rest))).toMatchObject({ kind: "invalid", field: "scenario" });
    expect(eventOf(crowdsec, alert({ created_at: "2026-01-02T03:04:05Z" })).at).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
  });

  it.each([
    ["3h59m49.26s", 14_389_260],
    ["1ms", 1],
    ["1µs", 0.001],
    ["0s", null],
    ["-1h", null],
    ["1h ", null],
    ["a1h", null],
    ["1", null],
    ["", null],
    ["1h1h1h1h1h1h1h1h", null],
  ])("goDurationMs: %j is %s", (text, milliseconds) => {
    expect(goDurationMs(text)).toBe(milliseconds);
  });
});
